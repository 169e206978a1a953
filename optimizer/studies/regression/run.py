"""What `wattfolio check` does between its options and its exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.spelling import did_you_mean
from optimizer.case.reading import yaml_tree
from optimizer.case.reading.diagnostics import CaseError
from optimizer.results.folder import folder_name
from optimizer.runtime import files
from optimizer.runtime.executor import Executor, ExecutorError, Failure
from optimizer.studies.regression import blessed, check, views
from optimizer.studies.regression.check import (
    DIFFERENT,
    ERROR,
    INVALID,
    LEFTOVER,
    LIMIT,
    SAME,
    UNVERIFIED,
    Finding,
    Task,
    Verdict,
)

#: where cases and blessed results are looked for
CASES, RESULTS = "cases", "results"


class UsageProblem(Exception):
    """Something is wrong with what was asked for, in a sentence or a list of mistakes; exit code 2."""


def tasks(
    paths: Sequence[str], variants: Sequence[str], results: str, bless: bool = False, options: dict[str, Any] | None = None
) -> list[Task]:
    """What is to be checked, in the order of the cases and of their variants. Raises UsageProblem, also where it is nothing."""
    given = list(paths) or sorted(str(path) for pattern in ("*.yaml", "*.yml") for path in Path(CASES).glob(pattern))
    if not given:
        raise UsageProblem(f"there is nothing to check: no case was named, and there is none in {CASES}{os.sep}")
    out: list[Task] = []
    seen: dict[str, str] = {}
    known: set[str] = set()
    for path in given:
        name, its = _names(path)
        if folder_name(name) in seen:
            raise UsageProblem(
                f"{path} and {seen[folder_name(name)]} are both called {name}: their results would be the same file"
            )
        seen[folder_name(name)] = path
        known |= {blessed.BASE, *its}
        wanted: list[str | None] = [None, *its]
        if variants:
            wanted = [None if one == blessed.BASE and one not in its else one for one in variants if one in (blessed.BASE, *its)]
            missing = [one for one in variants if one not in (blessed.BASE, *its)]
            if missing and paths:
                raise UsageProblem(
                    f'{path} has no variant "{missing[0]}": {did_you_mean(missing[0], [blessed.BASE, *its], "it has")}'
                )
        out += [Task(path, variant, name, results, bless, options or {}) for variant in dict.fromkeys(wanted)]
    nowhere = [one for one in variants if one not in known]
    if nowhere:
        raise UsageProblem(f'no case has a variant "{nowhere[0]}": {did_you_mean(nowhere[0], sorted(known), "there are")}')
    return out


def _names(path: str) -> tuple[str, list[str]]:
    """Name and variants of a case, as its file says; the rest of it is read where it is solved."""
    try:
        if Path(path).is_dir():
            raise UsageProblem(f"{path}: this is a folder; a case is a YAML file")
        if not Path(path).exists():
            raise UsageProblem(f"{path}: there is no such file")
        tree, _ = yaml_tree.read(Path(path))
    except CaseError as error:
        raise UsageProblem(str(error)) from None
    except OSError as problem:
        raise UsageProblem(f"{path}: {problem.strerror or problem}") from None
    section, variants = tree.get("case"), tree.get("variants")
    name = section.get("name") if section is not None else None
    told = str(name.value) if name is not None and name.kind == "scalar" else Path(path).stem
    return told, list(variants.value) if variants is not None and variants.kind == "map" else []


def leftovers(done: Sequence[Task], results: str, every_case: bool, every_variant: bool) -> list[Verdict]:
    """Blessed results that no case or variant stands behind: they would never be compared again."""
    out = []
    expected = {task.blessed for task in done}
    folders = {task.blessed.parent: task for task in done}
    if every_variant:
        for folder, task in folders.items():
            for path in sorted(folder.glob("*.json")):
                if path not in expected:
                    gone = replace(task, variant=path.stem)
                    text = f"{path} is a blessed result of a variant that {task.path} does not have: delete it, or bring the variant back"
                    out.append(Verdict(gone, LEFTOVER, text))
    if every_case:
        for path in sorted(Path(results).glob("*/*.json")):
            if path.parent not in folders:
                gone = Task(str(path), path.stem, path.parent.name, results)
                out.append(
                    Verdict(
                        gone, LEFTOVER, f"{path} is a blessed result of a case that is not there: delete it, or bring it back"
                    )
                )
    return out


def run(wanted: Sequence[Task], workers: int | None, progress: Callable[[int, int], None] | None = None) -> list[Verdict]:
    """The verdicts, in the order of the tasks. Raises ExecutorError where workers cannot go on, RuntimeError for a bug in one."""
    size = min(workers or 1, len(wanted)) or 1
    with Executor(size) as executor:
        found = executor.map(check.run_one, list(wanted), progress)
    for task, one in zip(wanted, found, strict=True):
        if isinstance(one, Failure):
            if one.kind == "ExecutorError":
                raise ExecutorError(one.message)
            raise RuntimeError(f"{task.path} {task.variant or ''}: {one.kind}: {one.message}\n{one.trace}")
    return [one for one in found if isinstance(one, Verdict)]


def bless(verdicts: Sequence[Verdict], reason: str, date: str | None) -> list[Path]:
    """Write what differs, and nothing where any run is without a proof. Raises BlessedError and UsageProblem."""
    refused = [one for one in verdicts if one.state in (INVALID, UNVERIFIED, LIMIT)]
    if refused:
        raise UsageProblem(f"nothing is blessed, as there is no verified result of {', '.join(one.name for one in refused)}")
    out = []
    for one in verdicts:
        if one.content is None or (one.state == SAME and not one.findings):
            continue
        blessed.write(one.task.blessed, one.content, reason, date)
        out.append(one.task.blessed)
    return out


def empty(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """A verdict that compared nothing is none, whatever it says."""
    nothing = Finding(ERROR, "check", "nothing was compared")
    return [
        replace(one, state=DIFFERENT, headline="nothing was compared", findings=(nothing, *one.findings))
        if one.state == SAME and one.compared == 0
        else one
        for one in verdicts
    ]


def publish(verdicts: Sequence[Verdict], junit: str | None, summary: str | None) -> list[str]:
    """Write JUnit and the Markdown summary where they are asked for; the annotations to print, on GitHub. Raises UsageProblem."""
    summary = summary or os.environ.get("GITHUB_STEP_SUMMARY") or None
    try:
        if junit is not None:
            Path(junit).parent.mkdir(parents=True, exist_ok=True)
            files.write_out(junit, views.to_junit(verdicts))
        if summary is not None:
            files.write_out(summary, views.to_markdown(verdicts).encode(), append=True)
    except (OSError, ValueError) as problem:
        raise UsageProblem(f"cannot write {getattr(problem, 'filename', None) or junit or summary}: {problem}") from None
    return views.to_annotations(verdicts) if os.environ.get("GITHUB_ACTIONS") == "true" else []
