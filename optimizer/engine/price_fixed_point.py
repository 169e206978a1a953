"""A share price that follows the plan: the plan that is best at the price that it implies (README 20).

The program takes the price as given. Around it, a plan is looked for that is best at its own price, among averages of plans: averages
of plans are plans, and where two plans are worth the same at a price, so is every average of them.

1. The best plan at the price so far joins the plans known.
2. Of these, the average is sought that is best, among averages, at the price which it implies itself: weight is shifted from the plan
   that is worth least there to the one that is worth most, until they are worth the same. No program is solved for that.
3. The next price is that of this average. Where the best plan at it implies the same price, that plan is the answer. Where it is worth
   no more than the average, the average is: what it issues in shares and convertibles becomes a rule, with which the program is solved.

Every plan is proved at the price that it was solved at, as any other; the books are kept at that price.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.finance.context import StatementContext
from models.finance.implied_price import ImpliedPrice, ShareFlows, average, divided, implied_price, share_flows, value_at
from models.proforma.checks import Checklist
from models.proforma.keep import risk_adjusted
from optimizer.engine import warm_start
from optimizer.engine.values import TOLERANCE, FollowedPrice, Outcome, PlanAtPrice

if TYPE_CHECKING:
    from models.problem import Array, Debt, Equity, Mask, Problem
    from optimizer.engine.solution import Solution, Solved
    from optimizer.engine.stages import Progress
    from optimizer.engine.values import Baseline
    from optimizer.engine.warm_start import ExportedBasis

#: programs solved at most
MOST_SOLVES = 12
#: by how much the best plan at a price may be worth more than the average of plans, relative: a tenth of what a proof allows
TIED = 0.1 * TOLERANCE
#: the same among the plans known, where weights are shifted; and shifts and steps of one shift at most
EVEN, MOST_SHIFTS, MOST_STEPS = 1e-12, 50, 40
#: a shift of weight, or of what it may be, below which none is left; relative change of prices on the way
NOTHING, CLOSE = 1e-10, 1e-12
#: a plan of less weight is not part of an average
LIGHT = 1e-9


@dataclass(frozen=True)
class _Known:
    """A plan, its flows to shares, and what it issues of what hangs on the share price."""

    flows: ShareFlows
    issued: Mapping[str, Array]


@dataclass(frozen=True)
class Solver:
    """How programs are solved here. at: the case with these arrays, from a seed (None: from nothing), within seconds (None: no limit), without a
    baseline. unimproved: what the company is worth without new investment, by a solved program, beside an optimum."""

    at: Callable[[Problem, ExportedBasis | None, float | None], Solved]
    unimproved: Callable[[Solved, Solution], Baseline]


def follow(
    problem: Problem,
    solver: Solver,
    time_limit: float | None,
    progress: Progress | None,
    baseline: bool,
    start_from: ExportedBasis | None,
) -> Solved:
    """The plan that is best at the share price that it implies. All as in `solve_warm`, which raises what it raises."""
    follows, start = problem.market.follows, time.perf_counter()
    assert follows is not None and problem.market.share_price is not None
    deadline = None if time_limit is None else start + time_limit
    path, exported, known, weights = problem.market.share_price, start_from, list[_Known](), list[float]()
    nearest: Solved | None = None
    stuck = 0
    for count in range(1, MOST_SOLVES + 1):
        if progress is not None:
            progress("share price", solve=count)
        solved = _solve_at(solver, _priced(problem, path), deadline, exported)
        found = solved.solution
        if found.decisions is None or found.books is None or found.outcome is not Outcome.OPTIMAL:
            note = f"at the share price of program {count}, on the way to the price that the plan implies"
            return replace(solved, solution=replace(found, notes=(*found.notes, note)))
        exported = exported if solved.warm is None else warm_start.export_basis(solved.warm)
        one = _known(found)
        try:
            price = _followed(found, one, path, count)
        except ArithmeticError as error:  # a plan that no share price goes with
            return replace(solved, solution=replace(found, outcome=Outcome.UNVERIFIED, reasons=(*found.reasons, str(error))))
        solved = replace(solved, solution=replace(found, price=price))
        if nearest is None or price.gap < _gap(nearest):
            nearest = solved
        if price.closed:
            return _ended(solver, solved, baseline, start)
        if known:
            mixed = average([x.flows for x in known], weights)
            short = risk_adjusted(problem, value_at(problem, one.flows, path)) - risk_adjusted(
                problem, value_at(problem, mixed, path)
            )
            if short <= TIED * _size(problem, [x.flows for x in (*known, one)], path):
                made = _averaged(solver, problem, solved.solution, known, weights, deadline, exported)
                if made is not None:
                    return _ended(solver, made, baseline, start, solved)
                return _ended(solver, _told_apart(nearest, problem, known, weights, count), baseline, start)
        known.append(one)
        before = [*weights, 0.0] if weights else [1.0]
        weights = _equilibrium(problem, [x.flows for x in known], before)
        if len(known) > 1 and np.allclose(weights, before, rtol=0.0, atol=LIGHT):
            # at a bend of the objective no shift between two plans helps, though the newest is better: part of the way to it
            stuck += 1
            weights = [(1.0 - 1.0 / stuck) * w for w in before[:-1]] + [1.0 / stuck]
        path = implied_price(problem, average([x.flows for x in known], weights)).path
        if deadline is not None and time.perf_counter() > deadline:
            break
    assert nearest is not None
    return _ended(solver, _told_apart(nearest, problem, known, weights, count), baseline, start)


def _gap(solved: Solved) -> float:
    assert solved.solution.price is not None
    return solved.solution.price.gap


# ---- one program -----------------------------------------------------------------------------------------------------------


def _priced(problem: Problem, path: Array) -> Problem:
    """The problem at a share price."""
    return replace(problem, market=replace(problem.market, share_price=path))


def _solve_at(solver: Solver, problem: Problem, deadline: float | None, exported: ExportedBasis | None) -> Solved:
    """The case with these arrays, solved; from nothing where a neighbour led astray."""

    def once(begin: ExportedBasis | None) -> Solved:
        return solver.at(problem, begin, None if deadline is None else max(deadline - time.perf_counter(), 0.0))

    return warm_start.from_a_neighbour(once, exported)


def without_bounds(progress: Progress) -> Progress:
    """The same without bounds on the objective: those of one price are none at another."""

    def tell(stage: str, **numbers: float) -> None:
        progress(stage, **{key: value for key, value in numbers.items() if key not in ("proved", "attained")})

    tell.tick = getattr(progress, "tick", None)  # type: ignore[attr-defined]
    return tell


def _known(found: Solution) -> _Known:
    assert found.decisions is not None and found.books is not None
    context = StatementContext(found.problem, found.decisions, found.books)
    return _Known(
        share_flows(context), {one.name: context.decided(found.decisions.issued, one.name) for one in on_price(found.problem)}
    )


def on_price(problem: Problem) -> tuple[Debt | Equity, ...]:
    """What may be issued and hangs on the share price: convertibles, and shares for new holders."""
    converts = [debt for debt in problem.debts if debt.conversion is not None and debt.limit > debt.existing]
    return (*converts, *(issue for issue in problem.equities if issue.holders == "new" and issue.limit > 0.0))


# ---- how far a price is from what it should be --------------------------------------------------------------------------------


def _followed(found: Solution, one: _Known, path: Array, solves: int) -> FollowedPrice:
    """The price of a plan beside the price that it was solved at."""
    problem = found.problem
    follows = problem.market.follows
    assert follows is not None
    implied = implied_price(problem, one.flows)
    off = np.where(measured(problem), np.abs(path / implied.path - 1.0), 0.0)
    s, d = np.unravel_index(int(np.argmax(off)), off.shape)
    where = f"{problem.scenarios.names[s]}, date {d}" if off[s, d] > 0.0 else ""
    return FollowedPrice(path, implied, float(off[s, d]), where, follows.tolerance, solves)


def measured(problem: Problem) -> Mask:
    """(S, D) where the share price counts: shares may be sold, convertibles issued, put or settled, or claims measured at T."""
    clock = problem.clock
    out = np.zeros(clock.dates, dtype=bool)
    for debt in problem.debts:
        if debt.conversion is None or (debt.limit <= debt.existing and debt.existing <= 0.0):
            continue
        dates = (
            np.flatnonzero(debt.window & (np.arange(clock.dates) < clock.periods))
            if debt.limit > debt.existing
            else np.zeros(0, int)
        )
        issued = [int(clock.date_month[v]) for v in dates] + ([debt.existing_month] if debt.existing > 0.0 else [])
        ends = [clock.date_at(debt.maturity_month(month)) for month in issued]
        ends += [] if debt.put is None else [clock.date_at(debt.put[0])]
        out[dates] = True
        out[[min(d, clock.periods) for d in ends]] = True
    for issue in problem.equities:
        if issue.holders == "new" and issue.limit > 0.0:
            out[issue.window & (np.arange(clock.dates) < clock.periods)] = True
            out[-1] = True
    return np.repeat(out[None, :], problem.scenarios.count, axis=0)


# ---- averages of plans ---------------------------------------------------------------------------------------------------------


def _slopes(problem: Problem, values: Sequence[Array], weights: Sequence[float]) -> Array:
    """(K,) USD: what the objective of the average gains by each plan: its values, weighted as the objective weights scenarios there."""
    odds, aim = problem.scenarios.probability, problem.objective
    mixed = np.asarray(weights) @ np.stack(values)
    order = np.argsort(mixed, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(odds[order])])
    tail = np.zeros_like(odds)
    tail[order] = np.diff(np.minimum(mass, aim.tail)) / aim.tail
    return np.asarray(np.stack(values) @ ((1.0 - aim.weight) * odds + aim.weight * tail))


def _size(problem: Problem, flows: Sequence[ShareFlows], path: Array) -> float:
    """USD that worths are measured against."""
    return max(1.0, *(abs(risk_adjusted(problem, value_at(problem, one, path))) for one in flows))


def _equilibrium(problem: Problem, flows: Sequence[ShareFlows], weights: Sequence[float]) -> list[float]:
    """Weights (K,) of the average that is best, among averages of these plans, at the price that it implies."""
    now = np.array(weights, dtype=float)
    near: ImpliedPrice | None = None

    def gains(at: Array) -> Array:
        nonlocal near
        near = implied_price(problem, average(flows, at.tolist()), near, CLOSE)
        path = near.path
        return _slopes(problem, [value_at(problem, one, path) for one in flows], at.tolist())

    for _ in range(MOST_SHIFTS if len(flows) > 1 else 0):
        gain = gains(now)
        best = int(np.argmax(gain))
        held = np.flatnonzero(now > 0.0)
        worst = int(held[np.argmin(gain[held])])
        if best == worst or gain[best] - gain[worst] <= EVEN * float(np.max(np.abs(gain))):
            break
        shift = np.zeros_like(now)
        shift[best], shift[worst] = 1.0, -1.0

        def lead(step: float, now: Array = now, shift: Array = shift, best: int = best, worst: int = worst) -> float:
            gain = gains(np.maximum(now + step * shift, 0.0))
            return float(gain[best] - gain[worst])

        step = _root(lead, float(now[worst]), float(gain[best] - gain[worst]))
        if step <= NOTHING:
            break  # at a bend of the objective neither plan is ahead
        now = now + step * shift
        now[now < LIGHT] = 0.0
        now = now / now.sum()
    return [float(w) for w in now]


def _root(lead: Any, most: float, at_nothing: float) -> float:
    """Where a lead, positive at 0, is gone: by the Illinois method; `most` where it never is."""
    low, high, f_low, f_high = 0.0, most, at_nothing, lead(most)
    if f_high >= 0.0:
        return most
    side = 0
    for _ in range(MOST_STEPS):
        middle = (low * f_high - high * f_low) / (f_high - f_low)
        f = lead(middle)
        if abs(f) <= EVEN * at_nothing or high - low <= NOTHING * most:
            return middle
        if f > 0.0:
            f_high, low, f_low, side = f_high / 2.0 if side > 0 else f_high, middle, f, 1
        else:
            f_low, high, f_high, side = f_low / 2.0 if side < 0 else f_low, middle, f, -1
    return low


def _averaged(
    solver: Solver,
    problem: Problem,
    free: Solution,
    known: Sequence[_Known],
    weights: Sequence[float],
    deadline: float | None,
    exported: ExportedBasis | None,
) -> Solved | None:
    """The plan that issues what the average of plans issues, at the price of the average; free: the best plan there without that rule.

    None where it is worth less than the best plan, so that it is none of the best.
    """
    assert free.price is not None and free.objective is not None
    path = free.price.used
    here = _priced(problem, path)
    held = replace(here, rules=(*here.rules, *_issue_rules(here, known, weights)))
    solved = _solve_at(solver, held, deadline, exported)
    found = solved.solution
    if found.outcome is not Outcome.OPTIMAL or found.objective is None or found.lower_bound is None:
        return None
    upper = free.upper_bound if free.upper_bound is not None else free.objective
    size = max(1.0, abs(upper), abs(found.objective))
    if upper - found.objective > TOLERANCE * size:
        return None
    price = _followed(found, _known(found), path, free.price.solves + 1)
    price = replace(price, ends=_ends(problem, known, weights, path))
    gap = max(upper - found.lower_bound, 0.0) / size
    return replace(solved, solution=replace(found, price=price, upper_bound=upper, gap=gap))


def _issue_rules(problem: Problem, known: Sequence[_Known], weights: Sequence[float]) -> list[Any]:
    """issued[k] == what the average of plans issues, at every date at which it may be issued."""
    from models.problem import Rule, Term

    out = []
    shape = (problem.scenarios.count, problem.clock.dates)
    for one in on_price(problem):
        amount = np.asarray(sum(w * x.issued[one.name] for w, x in zip(weights, known, strict=True)))
        active = np.broadcast_to(one.window & (np.arange(shape[1]) < problem.clock.periods), shape)
        name = f"{one.name} at which the share price is that of the plan"
        text = f"issued[{one.name}] == the average of plans that are worth the same"
        terms = {Term("issued", one.name): np.ones(shape)}
        out.append(Rule(name, text, terms, "==", amount, np.array(active), unit="USD"))
    return out


def _ends(problem: Problem, known: Sequence[_Known], weights: Sequence[float], path: Array) -> tuple[PlanAtPrice, ...]:
    """The plans of an average, the heaviest first; where one has all the weight, the last that was found with it."""
    odds = problem.scenarios.probability
    order = sorted(range(len(known)), key=lambda k: (-weights[k], -k))
    taken = [k for k in order if weights[k] > LIGHT]
    taken += [k for k in reversed(range(len(known))) if k not in taken][: max(2 - len(taken), 0)]
    return tuple(
        PlanAtPrice(
            weights[k],
            {name: float(odds @ amount.sum(axis=1)) for name, amount in known[k].issued.items()},
            float(odds @ implied_price(problem, known[k].flows).path[:, -1]),
            risk_adjusted(problem, value_at(problem, known[k].flows, path)),
        )
        for k in taken
    )


# ---- how it ends ---------------------------------------------------------------------------------------------------------------


def _told_apart(nearest: Solved, problem: Problem, known: Sequence[_Known], weights: Sequence[float], solves: int) -> Solved:
    """The plan that came nearest of all programs solved, with both ends between which the price did not close."""
    found = nearest.solution
    assert found.price is not None
    price = replace(found.price, solves=solves, ends=_ends(problem, known, weights, found.price.used))
    note = (
        f"the share price and the plan do not meet: the plan implies a price that is {price.gap:.2%} off the one it was made at"
        f" ({price.where}), more than {price.tolerance:.2%}"
    )
    return replace(nearest, solution=replace(found, price=price, notes=(*found.notes, note)))


def _ended(solver: Solver, solved: Solved, baseline: bool, start: float, free: Solved | None = None) -> Solved:
    """The answer, with what the company is worth without new investment at the same price. free: as in `_averaged`."""
    found, asked = solved.solution, free or solved
    if baseline and asked.warm is not None:
        found = replace(found, baseline=solver.unimproved(asked, found))
    timings = found.timings | {"share price": time.perf_counter() - start}
    return replace(solved, solution=_checked(replace(found, timings=timings, notes=(*found.notes, *_doubts(found)))))


def _doubts(found: Solution) -> list[str]:
    """What makes the price of little use, each a sentence."""
    assert found.price is not None
    out, names = [], found.problem.scenarios.names
    if found.price.implied.rest[0, 0] < 0.0:
        short = -found.price.implied.rest[0, 0] / found.problem.market.shares
        out.append(
            f"the plan alone is worth {short:,.4g} USD a share more than today's price: the rest of the company would be a burden"
        )
    if found.price.implied.limited.any():
        where = ", ".join(name for name, no in zip(names, found.price.implied.limited, strict=True) if no)
        out.append(f"shares are worth nothing at the end in {where}")
    return out


def _checked(found: Solution) -> Solution:
    """With a check more: by their shares, at the price that the plan implies, all have what there is, in every scenario."""
    assert found.price is not None
    checks = Checklist(found.problem)
    by_shares, there = divided(found.problem, _known(found).flows, found.price.implied)
    checks.equal("shares divide what the plan and the rest of the company are worth", by_shares, there)
    (one,) = checks.result()
    if one.relative <= TOLERANCE:
        return replace(found, lp_checks=(*found.lp_checks, one))
    why = f"{one.name}: off by {one.relative:.3g} relative at {one.where}"
    return replace(found, lp_checks=(*found.lp_checks, one), outcome=Outcome.UNVERIFIED, reasons=(*found.reasons, why))
