"""Return against tail risk: the best plan for every weight of CVaR, from risk-neutral (0) to the tail alone (1).

All plans are measured at the case's own tail: mean E and CVaR of what shareholders get. Along the weight, E falls and CVaR rises. Ends:

- risk-neutral: weight 0, the highest E;
- the tail alone: weight 1, the highest CVaR; and beyond it the worst case: weight 1 on a tail no thicker than the least likely scenario.

Two places on the frontier are told apart:

- the case's own plan, at its own weight w: where a line  (1 - w) E + w CVaR = constant  touches the frontier;
- the tangent point: where the line from "no new investment" touches it, so of all points solved the one that gains most expectation for
  each dollar of CVaR given up, (E - E0) / (CVaR0 - CVaR). There is none where a plan gains in both, as then it costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.engine.views.tables import Cell, Table
from optimizer.results.measures import MEASURES
from optimizer.results.serialise import to_csv, to_json
from optimizer.runtime.worker import Failure
from optimizer.studies.comparison import shown
from optimizer.studies.jobs import Job, Point
from optimizer.studies.sweep import measured, row_of
from optimizer.studies.warm_chains import Journal, key_of, solve_in_chains, solve_own

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.runtime.executor import Executor

SCHEMA = 1  # of frontier.json
OWN, WORST = "as the case weighs it", "worst case"
#: USD by which one plan must beat another to be told apart, relative to the larger
TOLD_APART = 1e-9


@dataclass(frozen=True)
class Placed:
    """A point of the frontier. kind: 'frontier', 'own' or 'worst case'; expected, cvar and var in USD at the case's own tail."""

    kind: str
    weight: float
    point: Point
    expected: float | None
    cvar: float | None
    var: float | None


@dataclass(frozen=True)
class Frontier:
    """Points in the order of their weights, the case's own plan, the worst case, and no new investment (E, CVaR; None without a plan)."""

    case: str
    digest: str
    tail: float
    points: tuple[Placed, ...]
    own: Placed
    worst: Placed
    baseline: tuple[float, float] | None

    @property
    def solved(self) -> tuple[Placed, ...]:
        return tuple(one for one in self.points if one.expected is not None)

    @property
    def tangent(self) -> tuple[Placed | None, str]:
        """The tangent point, and what there is to say about it."""
        if self.baseline is None:
            return None, "the company has no plan without new investment to draw a line from"
        mean, tail = self.baseline
        size = max(abs(mean), abs(tail), 1.0) * TOLD_APART
        better = [one for one in self.solved if one.expected is not None and one.expected > mean + size]
        if not better:
            return None, "no plan is worth more in expectation than no new investment"
        free = [one for one in better if one.cvar is not None and one.cvar >= tail - size]
        if free:
            names = f"from weight {free[0].weight:g} on" if free[0].weight > 0.0 else "at every weight"
            return None, f"plans gain in expectation and give up nothing in the tail ({names}): there is no price to compare"
        return max(better, key=lambda one: _ratio(one, mean, tail)), ""


def _ratio(one: Placed, mean: float, tail: float) -> float:
    assert one.expected is not None and one.cvar is not None
    return (one.expected - mean) / (tail - one.cvar)


def weights(count: int) -> list[str]:
    """`count` weights from 0 to 1, as a case writes them."""
    return [f"{k / (count - 1):.12g}" for k in range(count)]


def about(count: int, variant: str | None, changes: Sequence[str], limit: float | None) -> dict[str, Any]:
    return {"frontier": count, "variant": variant, "changes": list(changes), "time_limit": limit}


def key(case: Case, count: int, variant: str | None, changes: Sequence[str], limit: float | None) -> str:
    """What a journal of this frontier is known by."""
    return key_of(case.digest, about(count, variant, changes, limit))


def run(
    path: str,
    case: Case,
    count: int,
    executor: Executor,
    *,
    variant: str | None = None,
    changes: Sequence[str] = (),
    limit: float | None = None,
    journal: Journal | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Frontier:
    """Solve `count` weights and the worst case. Raises ExecutorError, and OSError where the journal cannot be written."""
    problem = case.problem()
    least = float(problem.scenarios.probability.min())

    def job(name: str, *settings: str) -> Job:
        return Job(name, path, variant, (*changes, *settings), limit)

    if progress is not None:
        progress(0, count + 1, 0)
    own = executor.map(solve_own, [job(OWN)])[0]
    if isinstance(own, Failure):
        own = Point(OWN, "failed", (f"{own.kind}: {own.message}",)), {}, None
    point, still, exported = own
    jobs = [job(f"weight {text}", f"objective.risk_weight={text}") for text in weights(count)]
    # a tail a little thinner than the least likely scenario is that scenario, whatever the last digit of its odds
    jobs.append(job(WORST, "objective.risk_weight=1", f"objective.tail_probability={least * (1.0 - 1e-9)!r}"))
    found = solve_in_chains(jobs, exported, executor, journal, progress)
    expected, tail = still.get("expected_npv"), still.get("cvar")

    def place(kind: str, weight: float, one: Point) -> Placed:
        return Placed(kind, weight, one, *_measure(one, case))

    return Frontier(
        case.name,
        case.digest,
        problem.objective.tail,
        tuple(place("frontier", float(text), one) for text, one in zip(weights(count), found[:-1], strict=True)),
        place("own", problem.objective.weight, point),
        place(WORST, 1.0, found[-1]),
        None if expected is None or tail is None else (expected, tail),
    )


def _measure(one: Point, case: Case) -> tuple[float | None, float | None, float | None]:
    """(E, CVaR, VaR) at the case's own tail."""
    if not one.optimal:
        return None, None, None
    from models.proforma.keep import cvar

    problem = case.problem()
    worth = [one.value_by_scenario[name] for name in problem.scenarios.names]
    tail, var = cvar(worth, problem.scenarios.probability, problem.objective.tail)
    return one.values["expected_npv"], tail, var


# ---- as files ----------------------------------------------------------------------------------------------------------


def table(frontier: Frontier) -> Table:
    """frontier.csv: a row for each weight, the case's own plan and the worst case."""
    shared = ("expected_npv", "cvar", "objective")
    others = [one.key for one in MEASURES if one.key not in shared]
    header = ("kind", "risk_weight", "status", "reason", "expected_npv", "cvar", "var", "objective", *others)
    rows: list[tuple[Cell, ...]] = []
    for one in (*frontier.points, frontier.own, frontier.worst):
        values = one.point.values
        four = (one.expected, one.cvar, one.var, values.get("objective"))
        reason = "; ".join(one.point.reasons)
        rows.append((one.kind, one.weight, one.point.status, reason, *four, *(values.get(key) for key in others)))
    return Table(header, rows)


def account(frontier: Frontier) -> dict[str, Any]:
    """frontier.json. `points` are what a report draws, in the order in which they are joined; `rows` are all that is known of them."""
    tangent, why = frontier.tangent
    return {
        "schema": SCHEMA,
        "case": frontier.case,
        "digest": frontier.digest,
        "tail_probability": frontier.tail,
        "points": [_flat(one) for one in frontier.points],
        "own": _flat(frontier.own),
        "risk_neutral": _flat(frontier.points[0]),
        "tail_alone": _flat(frontier.points[-1]),
        "worst_case": _flat(frontier.worst),
        "baseline": None if frontier.baseline is None else dict(zip(("expected_npv", "cvar"), frontier.baseline, strict=True)),
        "tangent": None if tangent is None else _flat(tangent),
        "tangent_note": why,
        "measures": measured(),
        "rows": [
            {"kind": one.kind, "risk_weight": one.weight, **row_of(one.point)}
            for one in (*frontier.points, frontier.own, frontier.worst)
        ],
    }


def _flat(one: Placed) -> dict[str, Any]:
    values = one.point.values
    more = {key: values.get(key) for key in ("objective", "irr", "peak_debt", "capex", "cost_of_capital")}
    return {
        "name": one.point.name,
        "weight": one.weight,
        "status": one.point.status,
        "reason": "; ".join(one.point.reasons),
        "expected_npv": one.expected,
        "cvar": one.cvar,
        "var": one.var,
        **more,
    }


def files(frontier: Frontier) -> dict[str, bytes]:
    """Everything that is written, by name."""
    picture = draw(frontier)
    out = {
        "frontier.csv": to_csv(table(frontier)).encode("utf-8", "replace"),
        "frontier.json": to_json(account(frontier)).encode(),
        "frontier.html": page(frontier, picture).encode("utf-8", "replace"),
    }
    return out | ({"frontier.svg": picture.encode("utf-8", "replace")} if picture else {})


def write(frontier: Frontier, target: Path) -> Path:
    """Write the files into a folder, all or none. Raises ResultError."""
    from optimizer.results.folder import write_files

    return write_files(target, files(frontier), {"case": frontier.case, "digest": frontier.digest})


def draw(frontier: Frontier) -> str:
    """E over CVaR; "" where fewer than two points have a plan."""
    from optimizer.studies import plots

    tangent = frontier.tangent[0]
    points, marked = [], []
    for one in sorted((*frontier.solved, *([frontier.own] if frontier.own.expected is not None else [])), key=lambda p: p.weight):
        name = one.point.name
        if one is frontier.solved[0]:
            name = "risk-neutral"
        elif one is frontier.solved[-1]:
            name = "the tail alone"
        if one is tangent:
            name += ", tangent point"
        if one is frontier.own or one is tangent or one in (frontier.solved[0], frontier.solved[-1]):
            marked.append(name)
        points.append((name, float(one.cvar or 0.0), float(one.expected or 0.0)))
    if len(frontier.solved) < 2:
        return ""
    return plots.curve(f"{frontier.case}: return against tail risk", points, "CVaR", "expected NPV", marked)


def page(frontier: Frontier, picture: str) -> str:
    """frontier.html."""
    from optimizer.studies import plots

    told = sentences(frontier)
    keys = ("objective", "irr", "debt_raised", "peak_debt", "capex", "ai_mw", "mining_mw")
    labels = {one.key: one.label for one in MEASURES}
    rows = []
    for one in (*frontier.points, frontier.own, frontier.worst):
        money = [shown("objective", value) for value in (one.expected, one.cvar, one.var)]
        values = [shown(key, one.point.values.get(key)) for key in keys]
        rows.append([one.point.name, f"{one.weight:.0%}", one.point.status, *money, *values, "; ".join(one.point.reasons)])
    header = [
        "point",
        "weight of CVaR",
        "status",
        "expected NPV",
        "CVaR",
        "VaR",
        *(labels[key] for key in keys),
        "why there is no plan",
    ]
    return plots.page(f"{frontier.case}: return against tail risk", told, [picture, plots.table(header, rows)])


def sentences(frontier: Frontier) -> list[str]:
    """What the frontier says."""
    out = [
        f"CVaR is the mean over the worst {100 * frontier.tail:.4g} % of probability; each point is the best plan for one weight of it."
    ]
    solved = frontier.solved
    if len(solved) > 1:
        first, last = solved[0], solved[-1]
        assert None not in (first.expected, first.cvar, last.expected, last.cvar)
        gain, cost = (last.cvar or 0.0) - (first.cvar or 0.0), (first.expected or 0.0) - (last.expected or 0.0)
        out.append(
            f"From weight {first.weight:g} to {last.weight:g}, {shown('cvar', gain)} of CVaR are bought with {shown('cvar', cost)} of "
            f"expected NPV."
        )
    for one, what in (
        (frontier.own, f"The case weighs CVaR with {100 * frontier.own.weight:.4g} %"),
        (frontier.worst, "The worst case alone"),
    ):
        if one.expected is not None:
            out.append(f"{what}: expected NPV {shown('cvar', one.expected)}, CVaR {shown('cvar', one.cvar)}.")
        else:
            out.append(f"{what}: no plan ({one.point.status}; {'; '.join(one.point.reasons)}).")
    tangent, why = frontier.tangent
    if tangent is not None and frontier.baseline is not None:
        each = _ratio(tangent, *frontier.baseline)
        out.append(
            f"Tangent point, seen from no new investment: {tangent.point.name}, where a dollar of CVaR given up earns {each:.4g} USD of "
            "expected NPV, the most of all points solved."
        )
    else:
        out.append(f"No tangent point: {why}.")
    return out
