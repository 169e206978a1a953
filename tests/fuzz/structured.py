"""One structured case: drawn by its seed, solved, and solved again as a pair of which the better one is known."""

from __future__ import annotations

import random
import shlex
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.case.case import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.case.reading.yaml_tree import Node
from optimizer.cli.exit_codes import EXIT_CODES, LIMIT, NO_PLAN, UNVERIFIED, USAGE
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve, solve_problem
from optimizer.engine.values import Outcome
from tests.fuzz import arrays, verdict
from tests.fuzz.identities import IDENTITIES, NEVER_BETTER, NEVER_WORSE, SAME, Pair
from tests.fuzz.paths import flow, patched, read
from tests.fuzz.plausible import MUTATIONS
from tests.fuzz.run import quietly
from tests.fuzz.sources import ROOT, Source, drawn
from tests.fuzz.verdict import Verdict

#: relative difference of two objectives that are each proved to 1e-7
TOLERANCE = 3e-7
#: of an objective that is small beside what it is made of, this share of that stands for it
CANCELLED = 1e-6
#: share of the limit of a case after which (by the clock) one of its two solves is asked to stop
PART = 0.45
#: one case in so many goes through the command line too, with all that is written; of those without a plan, one in so many is explained
WRITTEN, EXPLAINED = 25, 8


@dataclass(frozen=True)
class Answer:
    """What a solve came to. size: USD that its objective is made of."""

    code: int
    outcome: str
    objective: float = 0.0
    size: float = 0.0
    told: str = ""


@dataclass(frozen=True)
class Question:
    """A case with settings."""

    source: Source
    settings: tuple[str, ...]
    changes: tuple[str, ...]
    case: Node


def question(source: Source, chance: random.Random) -> Question:
    """The case of a source with none to three changes that apply to it."""
    whole = read(source.path)
    settings = source.settings
    names: list[str] = []
    held = patched(whole, settings)
    assert held is not None, f"{source} has settings that lead nowhere"
    for mutation in chance.sample(MUTATIONS, chance.choice([0, 1, 1, 1, 2, 2, 3])):
        more = mutation(held, chance)
        tried = patched(held, more) if more else None
        if tried is not None:
            settings, held = (*settings, *more), tried
            names.append(mutation.__name__)
    return Question(source, settings, tuple(names), held)


def judged(seed: int, limit: float, small: bool = False) -> Verdict:
    """The case of this seed, solved and compared. limit: seconds of processor time that it may take in all."""
    begun = time.process_time()
    chance = random.Random(seed)
    source = drawn(chance, small)
    found = (_of_arrays if source.seed is not None else _of_case)(seed, source, chance, limit * PART, small)
    return Verdict(**{**found, "seed": seed, "seconds": time.process_time() - begun})


# ---- random problems ---------------------------------------------------------------------------------------------------


def _of_arrays(seed: int, source: Source, chance: random.Random, limit: float, small: bool) -> dict[str, Any]:
    assert source.seed is not None
    told: dict[str, Any] = {"source": f"random {source.seed}", "commands": (again(seed, small),)}
    try:
        problem, changes = arrays.problem_of(source.seed, chance, small)
        told["changes"] = tuple(changes)
        pair = arrays.pair(problem, chance)
        first = _answer(solve_problem(problem, baseline=False, canonical=chance.random() < 0.3, time_limit=limit))
        told["code"] = first.code
        if first.code in (LIMIT, UNVERIFIED):
            return told | _unverified(first)
        told["pair"] = pair.name
        other = _answer(solve_problem(pair.problem, baseline=False, canonical=False, time_limit=limit, **dict(pair.how)))
        return told | {"other": other.code} | compared(first, other, pair.relation, pair.times)
    except Exception as problem_met:
        return told | _traceback(problem_met)


# ---- cases -------------------------------------------------------------------------------------------------------------


def _of_case(seed: int, source: Source, chance: random.Random, limit: float, small: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"source": source.stem, "commands": (again(seed, small),)}
    try:
        asked = question(source, chance)
        told["changes"] = asked.changes
        told["commands"] = (again(seed, small), command(source, asked.settings))
        first = _solved(asked.source.path, asked.settings, limit, canonical=chance.random() < 0.3)
        told["code"] = first.code
        wrong = told | _unverified(first)
        if first.code in (USAGE, LIMIT, UNVERIFIED):
            return wrong if not wrong.get("bad") else wrong | {"files": {"case.yaml": written_out(asked.case)}}
        if (failed := _through_the_command_line(seed, asked, first, limit)) is not None:
            return told | failed
        pair = _pair(asked.case, chance)
        if pair is None:
            return told
        told["pair"] = pair.name
        return told | _with_pair(asked, first, pair, limit, told["commands"])
    except Exception as problem:
        return told | _traceback(problem)


def _pair(case: Node, chance: random.Random) -> Pair | None:
    """The first of the identities, in some order, that the case has a place for."""
    for identity in chance.sample(IDENTITIES, len(IDENTITIES)):
        pair = identity(case, chance)
        if pair is not None and (not pair.settings or patched(case, pair.settings) is not None):
            return pair
    return None


def _with_pair(asked: Question, first: Answer, pair: Pair, limit: float, commands: tuple[str, ...]) -> dict[str, Any]:
    """The pair solved and compared with the first."""
    settings = (*asked.settings, *pair.settings)
    other_case = patched(asked.case, pair.settings) or asked.case
    files = {"case.yaml": written_out(asked.case), "pair.yaml": written_out(other_case, pair.order)}
    how = dict(pair.how)
    if pair.order:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{asked.source.stem}.yaml"
            path.write_text(files["pair.yaml"], encoding="utf-8")
            other = _solved(path, (), limit)
    else:
        other = _solved(asked.source.path, settings, limit, **how)
    told: dict[str, Any] = {"other": other.code}
    if other.code == USAGE:
        if pair.strict:
            told |= {"bad": verdict.WRONG, "told": f"valid, but not as {pair.name}: {other.told}", "files": files}
        return told | {"commands": (*commands, command(asked.source, settings))}
    found = compared(first, other, pair.relation, pair.times)
    if found:
        extra = "".join(f" --{name} {value}" for name, value in pair.how if name == "method")
        also = () if pair.order else (command(asked.source, settings) + extra,)
        told |= found | {"files": files, "commands": (*commands, *also)}
    return told


def _solved(path: Path, settings: tuple[str, ...], limit: float, **how: Any) -> Answer:
    """Load and solve; a mistake in the case is code 2."""
    how = {"canonical": False, **how}
    try:
        case = Case.load(path, None, settings)
    except CaseError as mistakes:
        if all(one.place.line >= 1 and one.message for one in mistakes.mistakes):
            return Answer(USAGE, "invalid", told=mistakes.mistakes[0].headline())
        raise
    return _answer(solve(case, baseline=False, time_limit=limit, **how))


def _through_the_command_line(seed: int, asked: Question, first: Answer, limit: float) -> dict[str, Any] | None:
    """A sample is solved as a user would, with tables, page and workbook, or explained; None where all is well."""
    if first.code == NO_PLAN and seed % EXPLAINED == 0:
        verb = ["explain", "--time-limit", "5"]
    elif seed % WRITTEN == 0:
        verb = ["solve", "--time-limit", str(limit), "--xlsx" if seed % (4 * WRITTEN) == 0 else "--no-xlsx"]
    else:
        return None
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", folder] if verb[0] == "solve" else []
        settings = [word for one in asked.settings for word in ("--set", one)]
        code, said = quietly([verb[0], str(asked.source.path), *settings, *out, "--quiet", *verb[1:]])
    if code in (first.code, LIMIT) and "Traceback" not in said:
        return None
    last = said.strip().splitlines()[-1:] or [""]
    told = f"solved with code {first.code}, by `{verb[0]}` with code {code}: {last[0]}"
    return {
        "bad": verdict.WRONG if code != UNVERIFIED else verdict.UNVERIFIED,
        "told": told,
        "files": {"case.yaml": written_out(asked.case)},
    }


# ---- answers -----------------------------------------------------------------------------------------------------------


def _answer(solution: Solution) -> Answer:
    code = EXIT_CODES[solution.outcome.name]
    if solution.outcome is not Outcome.OPTIMAL:
        return Answer(code, solution.outcome.value, told="; ".join(solution.reasons))
    assert solution.objective is not None and solution.books is not None
    if not solution.borne_out or solution.certificate is None or not solution.certificate.verified:
        raise AssertionError("optimal, but the books differ")
    size = float(sum(abs(values).sum() for values in solution.books.ledger.values()))
    return Answer(code, "optimal", solution.objective, size)


def compared(first: Answer, other: Answer, relation: str, times: float = 1.0) -> dict[str, Any]:
    """Empty where the relation holds, or where one of both has no proved answer."""
    if UNVERIFIED in (first.code, other.code):
        return _unverified(first if first.code == UNVERIFIED else other, "" if first.code == UNVERIFIED else "the pair: ")
    if LIMIT in (first.code, other.code):
        return {}
    rank = {"infeasible": 0, "optimal": 1, "unbounded": 2}
    a, b = rank[first.outcome], rank[other.outcome]
    x, y = first.objective * times, other.objective
    near = TOLERANCE * max(abs(x), abs(y), CANCELLED * max(first.size * times, other.size))
    both = a == b == 1
    broken = {
        SAME: a != b or (both and abs(x - y) > near),
        NEVER_BETTER: b > a or (both and y > x + near),
        NEVER_WORSE: b < a or (both and y < x - near),
    }[relation]
    if not broken:
        return {}
    return {"bad": verdict.WRONG, "told": f"not {relation}: {shown(first, times)} and {shown(other)}"}


def shown(answer: Answer, times: float = 1.0) -> str:
    return f"{answer.objective * times:.12g} USD" if answer.outcome == "optimal" else answer.outcome


def _unverified(answer: Answer, whose: str = "") -> dict[str, Any]:
    return {"bad": verdict.UNVERIFIED, "told": whose + answer.told} if answer.code == UNVERIFIED else {}


def _traceback(problem: Exception) -> dict[str, Any]:
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno} {ours[-1].name}"
    return {"bad": verdict.TRACEBACK, "told": f"{type(problem).__name__}: {str(problem)[:200]} ({where})"}


# ---- to see it again ---------------------------------------------------------------------------------------------------


def again(seed: int, small: bool) -> str:
    return f"python -m tests.fuzz --structured 1 --seed {seed}{' --small' if small else ''}"


def command(source: Source, settings: tuple[str, ...]) -> str:
    path = str(source.path.relative_to(ROOT))
    return shlex.join(["wattfolio", "solve", path, *(word for one in settings for word in ("--set", one))])


def written_out(case: Node, order: tuple[str, ...] = ()) -> str:
    """The case as a file, a line for each name of a section."""
    plain = case.plain()
    out: list[str] = []
    for section in order or plain:
        held = plain[section]
        if isinstance(held, dict) and held:
            out += [f"{flow(section)}:", *(f"  {flow(name)}: {flow(each)}" for name, each in held.items())]
        else:
            out.append(f"{flow(section)}: {flow(held)}")
    return "\n".join(out) + "\n"
