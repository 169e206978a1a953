"""Has an optimal solution changed? A run against its blessed result, and in words what moved.

A check compares, and nothing else makes it fail:

| what | the same when |
|---|---|
| status | it is the same |
| certificate | the run is verified as any other |
| objective | within 1e-9 of the scale of its terms, or within the gaps of both proofs where these are larger |
| the blessed plan | today's program allows it, and it is worth what it was |
| key figures | they lie in the range that they have over all plans worth as much, where that was proved |

A case whose text has changed and whose solution has not passes, with a remark. Another plan of the same worth passes, with a remark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.studies.regression import blessed as files

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.engine.solution import Solution, Solved
    from optimizer.studies.regression.replay import Again

#: of the scale of its terms: how far an objective may move
OBJECTIVE_TOLERANCE = 1e-9
#: of the same: how far the worth of a held plan may move; its decisions are held to 1e-7
WORTH_TOLERANCE = 1e-7
#: of the same: from where a line of the statements counts as moved
LINE_TOLERANCE = 1e-6
#: causes told of each kind
MOST_CAUSES = 8

SAME, DIFFERENT, MISSING, UNUSABLE, UNVERIFIED, LIMIT, INVALID, LEFTOVER = (
    "same", "different", "missing", "unusable", "unverified", "limit", "invalid", "leftover"
)  # fmt: skip
#: states from the worst to the best, and the exit code each asks for
STATES = {INVALID: 2, UNVERIFIED: 5, LIMIT: 4, UNUSABLE: 1, MISSING: 1, LEFTOVER: 1, DIFFERENT: 1, SAME: 0}
ERROR, WARNING, NOTE = "error", "warning", "note"

#: lines that only answer to others: told last
_ANSWERS = (
    "ledger dividends", "ledger contributions", "ledger terminal_cash", "ledger rescue", "ledger rescue_penalty", "cash equity",
    "ledger terminal_debt", "cash cash_yield", "cash revolver",
)  # fmt: skip
_TAXES = ("cash tax", "cash interest", "income interest_expense")


@dataclass(frozen=True)
class Task:
    """One case and variant to check. options: of `engine.solve`. bless: also prove which figures are unique, where anything moved."""

    path: str
    variant: str | None
    case: str
    results: str
    bless: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blessed(self) -> Path:
        return files.path_of(self.results, self.case, self.variant)


@dataclass(frozen=True)
class Finding:
    """Something that moved. about: 'objective', 'plan', 'figure', 'input', 'file', 'problem', 'program', 'line', ...; error: it fails."""

    level: str
    about: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What came of a task. compared: how many things were laid side by side; objectives in USD; line: of the case's file, where known."""

    task: Task
    state: str
    headline: str
    findings: tuple[Finding, ...] = ()
    compared: int = 0
    before: float | None = None
    after: float | None = None
    line: int | None = None
    seconds: float = 0.0
    content: dict[str, Any] | None = None  # what would be blessed

    @property
    def failed(self) -> bool:
        return self.state != SAME

    @property
    def name(self) -> str:
        return f"{self.task.case}/{self.task.variant or files.BASE}"


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """That of the worst state; a check of nothing is a difference."""
    states = {verdict.state for verdict in verdicts}
    return next((code for state, code in STATES.items() if state in states), 1)


# ---- one task -------------------------------------------------------------------------------------------------------------


def run_one(task: Task) -> Verdict:
    """Solve, compare, explain. Runs in a worker as well as here."""
    import time
    from dataclasses import replace

    begun = time.perf_counter()
    return replace(_run(task), seconds=time.perf_counter() - begun)


def _run(task: Task) -> Verdict:
    from optimizer.case.case import Case
    from optimizer.case.reading.diagnostics import CaseError

    try:
        case = Case.load(task.path, variant=task.variant)
    except CaseError as error:
        first = error.mistakes[0]
        line = first.place.line if first.place.file == str(task.path) else None
        return Verdict(task, INVALID, f"no valid case: {first.headline()}", (Finding(ERROR, "case", str(error)),), line=line)
    before, trouble = None, None
    try:
        before = files.read(task.blessed)
    except FileNotFoundError:
        trouble = Verdict(
            task, MISSING, f"there is no blessed result {task.blessed}: look at the plan, then check --bless --reason ..."
        )
    except files.BlessedError as problem:
        trouble = Verdict(task, UNUSABLE, str(problem))
    if trouble is not None and not task.bless:
        return trouble
    solved = _solved(case, task)
    if trouble is not None or before is None:
        found = _unblessed(task, solved, trouble)
    else:
        found = compare(task, before, solved)
    if task.bless and found.content is not None and (found.state != SAME or found.findings) and solved.warm is not None:
        from optimizer.studies.regression.unique import ranges

        content = found.content | {"kpis": files.plain(files.kpis(solved.solution, ranges(solved)))}
        return _with(found, content=content)
    return found


def _solved(case: Case, task: Task) -> Solved:
    """With the program warm; where the gap is wider than objectives are compared, once more on another way through the solver."""
    from optimizer.studies.regression.unique import size_of

    options: dict[str, Any] = {"baseline": False, **task.options}
    solved = case.solve_warm(**options)
    solution = solved.solution
    if solved.warm is None or solution.gap is None or solution.objective is None:
        return solved
    if solution.gap * abs(solution.objective) > OBJECTIVE_TOLERANCE * size_of(solution):
        other = case.solve_warm(**options | {"presolve": not options.get("presolve", True)})
        if other.warm is not None and other.solution.gap is not None and other.solution.gap < solution.gap:
            return other
    return solved


def _with(verdict: Verdict, **changes: Any) -> Verdict:
    from dataclasses import replace

    return replace(verdict, **changes)


def _unblessed(task: Task, solved: Solved, trouble: Verdict | None) -> Verdict:
    """A first blessing, or one in place of a file that cannot be used."""
    solution = solved.solution
    state = _state_of(solution)
    if state is not None:
        return Verdict(task, state, _ending(solution), _reasons(solution))
    assert trouble is not None
    content = files.content(solved)
    return _with(trouble, content=content, after=solution.objective)


def _state_of(solution: Solution) -> str | None:
    """A run that says nothing certain."""
    return {"UNVERIFIED": UNVERIFIED, "LIMIT": LIMIT}.get(solution.outcome.name)


def _ending(solution: Solution) -> str:
    told = {
        "UNVERIFIED": "the new run did not pass verification",
        "LIMIT": "the new run stopped at a limit",
        "INFEASIBLE": "no plan meets the rules and limits any more, and that is proved",
        "UNBOUNDED": "something earns without limit, and that is proved",
    }
    return told.get(solution.outcome.name, solution.outcome.value)


def _reasons(solution: Solution) -> tuple[Finding, ...]:
    return tuple(Finding(ERROR, "proof", reason) for reason in solution.reasons[:MOST_CAUSES])


# ---- comparing ------------------------------------------------------------------------------------------------------------


def compare(task: Task, before: Mapping[str, Any], solved: Solved) -> Verdict:
    """A solve, not asked anything since, against a blessed result."""
    solution, now = solved.solution, files.content(solved)
    state = _state_of(solution)
    made_of = _made_of(before, now)
    if state is not None:
        causes = (*_reasons(solution), *_causes(made_of, ()))
        return Verdict(
            task, state, _headline(_ending(solution), causes), causes, 1, _objective(before), None, _line(solution, made_of)
        )
    if before["status"] != now["status"]:
        text = f"status {before['status']} -> {now['status']}"
        causes = (Finding(ERROR, "status", text), *_reasons(solution), *_causes(made_of, ()))
        found = Verdict(task, DIFFERENT, _headline(text, causes[1:]), causes, 1, _objective(before), solution.objective)
        return _with(found, content=now, line=_line(solution, made_of))
    if now["status"] != "optimal":
        remarks = _remarks(made_of)
        return Verdict(task, SAME, f"{now['status']}, as blessed", remarks, 1, content=now)
    from optimizer.studies.regression.replay import again

    held = again(solved, before["plan"])
    compared, errors, remarks = _figures(before, now, solution, held)
    if not errors:
        remarks = (*remarks, *_remarks(made_of))
        headline = "as blessed" if before["digest"] == now["digest"] else "the case has changed, its optimal solution has not"
        return Verdict(task, SAME, headline, remarks, compared, _objective(before), solution.objective, content=now)
    explained = _causes(made_of, _lines(before, now, held))
    headline = _headline(errors[0].text, explained)
    by_part = {about: [one for one in errors if one.about == about] for about in ("objective", "plan", "figure")}
    told = (*by_part["objective"], *explained, *by_part["plan"], *by_part["figure"], *_decisions(before, now), *remarks)
    return Verdict(
        task, DIFFERENT, headline, told, compared, _objective(before), solution.objective, _line(solution, made_of), content=now
    )


def _objective(data: Mapping[str, Any]) -> float | None:
    return data.get("objective", {}).get("value")


def _figures(
    before: Mapping[str, Any], now: Mapping[str, Any], solution: Solution, held: Again
) -> tuple[int, tuple[Finding, ...], tuple[Finding, ...]]:
    """(how many things were compared, what fails, remarks): objective, the blessed plan, key figures."""
    was, has = before["objective"], now["objective"]
    scale = max(was["scale"], has["scale"])
    gaps = was["gap"] * abs(was["value"]) + has["gap"] * abs(has["value"])
    allowed = max(OBJECTIVE_TOLERANCE * scale, gaps)
    errors: list[Finding] = []
    remarks: list[Finding] = []
    compared = 3  # status, certificate, objective
    off = has["value"] - was["value"]
    moved = abs(off) > allowed
    if moved:
        share = f", {100.0 * off / abs(was['value']):+.3g} %" if was["value"] else ""
        errors.append(
            Finding(ERROR, "objective", f"objective {_usd(was['value'])} -> {_usd(has['value'])} ({_usd(off, True)}{share})")
        )
    if gaps > OBJECTIVE_TOLERANCE * scale:
        remarks.append(Finding(WARNING, "gap", f"the gaps of the proofs are wide: objectives are the same within {_usd(gaps)}"))
    compared += 1
    slack = WORTH_TOLERANCE * scale + gaps
    if not held.allowed:
        errors.append(
            Finding(ERROR, "plan", f"the blessed plan is not allowed any more: {'; '.join(held.reasons) or 'no reason known'}")
        )
    elif held.value is None or held.solution is None:
        remarks.append(Finding(WARNING, "plan", f"the blessed plan could not be valued again: {'; '.join(held.reasons)}"))
    else:
        most = max(held.value, held.solution.upper_bound if held.solution.upper_bound is not None else held.value)
        if most < was["value"] - slack:
            text = f"the same plan is worth {_usd(held.value)}, {_usd(most - was['value'], True)} against when it was blessed"
            errors.append(Finding(ERROR, "plan", text))
        elif held.value > was["value"] + slack:
            text = (
                f"the same plan is worth {_usd(held.value)}, {_usd(held.value - was['value'], True)} against when it was blessed"
            )
            errors.append(Finding(ERROR, "plan", text))
        elif moved:
            text = f"the blessed plan is worth what it was ({_usd(held.value)}): what has changed is which plans are allowed"
            remarks.append(Finding(NOTE, "plan", text))
    figures, other = _kpis(before, now, scale, moved)
    compared += len(before["kpis"])
    if not errors and not figures and _plans(before["plan"], now["plan"], scale):
        remarks.append(Finding(NOTE, "plan", "another plan of the same worth was found; the blessed one is as good"))
    return compared, (*errors, *figures), (*remarks, *other)


def _kpis(
    before: Mapping[str, Any], now: Mapping[str, Any], scale: float, moved: bool
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Key figures that left their range, the farthest first; and those of which nothing is proved that moved."""
    from optimizer.studies.regression.unique import UNIQUE_RANGE, tolerance

    errors: list[tuple[float, Finding]] = []
    remarks: list[tuple[float, Finding]] = []
    for name, was in before["kpis"].items():
        one, other = was["value"], now["kpis"].get(name, {}).get("value")
        if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
            if one != other and (one is None) != (other is None):
                remarks.append(
                    (
                        0.0,
                        Finding(
                            NOTE, "figure", f"{name} {_figure(name, one)} -> {_figure(name, other)}: nothing is proved of it"
                        ),
                    )
                )
            continue
        room = tolerance(name, one, scale)
        off = abs(other - one)
        if off <= room:
            continue
        text = f"{name} {_figure(name, one)} -> {_figure(name, other)}"
        far = off / max(abs(one), room / UNIQUE_RANGE)
        low, high = was.get("low"), was.get("high")
        if low is not None and high is not None and not low - room <= other <= high + room:
            errors.append((far, Finding(ERROR, "figure", text)))
        elif not moved:
            why = "not unique among best plans" if was.get("unique") is False else "within what plans of the same worth show"
            why = why if low is not None or ("unique" in was and not was["unique"]) else "no range is proved of it"
            remarks.append((far, Finding(NOTE, "figure", f"{text}: {why}")))
    return tuple(_far(errors)), tuple(_far(remarks))


def _far(found: list[tuple[float, Finding]]) -> list[Finding]:
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])][:MOST_CAUSES]


def _plans(before: Mapping[str, Any], now: Mapping[str, Any], scale: float) -> list[tuple[tuple[str, str, str], float, float]]:
    """((decision, date, scenarios), then, now) of every held decision that differs by more than rounding, the farthest first."""

    def flat(plan: Mapping[str, Any]) -> dict[tuple[str, str, str], float]:
        return {(name, date, who): amount for name, rows in plan.items() for date, who, amount in rows}

    one, other = flat(before), flat(now)
    out = []
    for key in [*one, *(k for k in other if k not in one)]:
        a, b = one.get(key, 0.0), other.get(key, 0.0)
        small = 1e-9 * scale if _is_money(key[0]) else 1e-6
        if abs(a - b) > max(1e-6 * max(abs(a), abs(b)), small):
            out.append((key, a, b))
    return sorted(out, key=lambda one: -abs(one[2] - one[1]) / max(abs(one[1]), abs(one[2])))


def _is_money(decision: str) -> bool:
    return decision.split(" ")[0] in ("issued", "called", "repaid")


def _decisions(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the new plan decides otherwise."""
    found = _plans(before["plan"], now["plan"], before["objective"]["scale"])
    out = []
    for (name, date, who), a, b in found[:MOST_CAUSES]:
        then, here = (_usd(x) if _is_money(name) else f"{x:.6g}" for x in (a, b))
        out.append(Finding(NOTE, "decision", f"{name}, {date} ({who}): {then} -> {here}"))
    return tuple(out)


def _figure(name: str, value: Any) -> str:
    from optimizer.studies.regression.unique import USD

    if not isinstance(value, int | float):
        return str(value)
    return _usd(value) if name in USD else f"{value:.9g}"


def _usd(value: float, signed: bool = False) -> str:
    """Enough digits to see what moved."""
    from optimizer.text import money

    value = round(value, 2) + 0.0 if not signed else value  # no -0.00
    text = money(abs(value)) if signed else f"{value:,.2f} USD"
    return f"{'+' if value >= 0 else '-'}{text}" if signed else text


# ---- explaining -----------------------------------------------------------------------------------------------------------


def _made_of(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What a run was made of, as far as it moved: 'input', 'files', 'problem', 'program'."""
    from optimizer.studies.regression.fingerprints import moved

    return {part: moved(before.get(part, {}), now.get(part, {})) for part in ("input", "files", "problem", "program")}


def _causes(made_of: Mapping[str, list[Any]], lines: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """From the outside in: the case, its files, the arrays it became, the rows they became, the lines of the statements."""
    moved = _whole(made_of["input"])
    out = [Finding(ERROR, "input", f"{_kind(one)} {one}") for one in moved[:MOST_CAUSES]]
    out += [Finding(ERROR, "file", f"file {one.path}: its contents moved") for one in made_of["files"][:MOST_CAUSES]]
    more = len(moved) - MOST_CAUSES
    if more > 0:
        out.append(Finding(ERROR, "input", f"and {more} more inputs"))
    if out:
        return (*out, *lines)  # arrays and rows follow from what was given
    inside = [
        Finding(ERROR, "problem", f"no input moved, but what is made of it: {one}")
        for one in _whole(made_of["problem"])[:MOST_CAUSES]
    ]
    rows = [
        Finding(ERROR, "program", f"no input moved, but the program: {one}")
        for one in _worst_rows(made_of["program"])[:MOST_CAUSES]
    ]
    if any(one.path == "money" for one in made_of["problem"]):
        rows = []  # the program counts in another unit: all its money moved
    return (*inside, *rows[: MOST_CAUSES if not inside else 3], *lines)


def _whole(entries: list[Any]) -> list[str]:
    """What moved, in words; a thing that came or went as a whole is told once."""
    out: dict[str, None] = {}
    for one in entries:
        thing, bracket, _ = one.path.partition("]")
        if bracket and (one.before is None or one.after is None):
            parts = [e for e in entries if e.path.startswith(thing + "]")]
            if len(parts) > 1 and all(
                (e.before is None, e.after is None) == (one.before is None, one.after is None) for e in parts
            ):
                out[f"{thing}]: {'new' if one.before is None else 'gone'}"] = None
                continue
        out[str(one)] = None
    return list(out)


def _worst_rows(rows: list[Any]) -> list[Any]:
    """Families that came or went first, then rows before columns, which follow them."""
    return sorted(
        rows, key=lambda one: (one.before is not None and one.after is not None, one.path.startswith("columns"), one.path)
    )


def _kind(path: str) -> str:
    return "rule" if path.startswith("rules[") else "input"


def _lines(before: Mapping[str, Any], now: Mapping[str, Any], held: Again) -> tuple[Finding, ...]:
    """Lines of the statements that moved: those of the blessed plan valued again where it is allowed (the same decisions, so a line
    that moved is valued differently), else those of the two best plans."""
    scale = max(before["objective"]["scale"], now["objective"]["scale"])
    again = held.allowed and held.solution is not None and held.solution.books is not None
    then, here = before["lines"], files.lines(held.solution) if again and held.solution is not None else now["lines"]
    off = {name: here.get(name, 0.0) - then.get(name, 0.0) for name in [*then, *(n for n in here if n not in then)]}
    found = [name for name, change in off.items() if abs(change) > LINE_TOLERANCE * scale]
    found.sort(key=lambda name: (name in _ANSWERS, name in _TAXES, -abs(off[name])))
    whose = "of the same plan" if again else "of the best plan"
    return tuple(
        Finding(ERROR, "line", f"line {name} {whose}: {_usd(then.get(name, 0.0))} -> {_usd(here.get(name, 0.0))}")
        for name in found[:MOST_CAUSES]
    )


def _remarks(made_of: Mapping[str, list[Any]]) -> tuple[Finding, ...]:
    """What moved without moving the solution."""
    out = [Finding(WARNING, "input", f"{_kind(one)} {one}") for one in _whole(made_of["input"])[:MOST_CAUSES]]
    return (*out, *(Finding(WARNING, "file", f"file {one.path}: its contents moved") for one in made_of["files"][:MOST_CAUSES]))


def _headline(text: str, causes: tuple[Finding, ...]) -> str:
    return f"{text}; {causes[0].text}" if causes else f"{text}; nothing that it is made of has moved"


def _line(solution: Solution, made_of: Mapping[str, list[Any]]) -> int | None:
    """Line of the case's file where the first input that moved stands."""
    for one in made_of["input"]:
        place = solution.case.place(_numbered(solution, one.path))
        if place is not None and Path(place.file) == Path(solution.case.path):
            return int(place.line)
    return None


def _numbered(solution: Solution, path: str) -> str:
    """`rules[coverage].require` as the case counts it: `rules[1].require`."""
    section, bracket, rest = path.partition("[")
    node = solution.case.tree.get(section) if bracket and solution.case.tree is not None else None
    if node is None or node.kind != "list":
        return path
    for k, part in enumerate(node.value):
        name = part.get("name")
        if name is not None and rest.startswith(f"{name.value}]"):
            return f"{section}[{k}]{rest[len(name.value) + 1 :]}"
    return path
