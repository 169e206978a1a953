"""Why this plan: a ranked account of a proved optimum in plain sentences, every number from its books, its duals or a solve of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import iso_month
from models.problem import Array, Problem
from optimizer.engine.views.builds import BUILDS
from optimizer.explain.marginal.marginal_values import StatementPrice, compact
from optimizer.explain.share_price import told
from optimizer.solver.answer import Status
from optimizer.text import money, number, percent

if TYPE_CHECKING:
    from optimizer.engine.master import SolvedProgram
    from optimizer.engine.solution import Solution, Solved

#: sentences of one section; what is left out is counted
MOST_SENTENCES = 8
#: shares of the largest amount below which something drives nothing
LEAST_DRIVING_SHARE = 0.01
#: lines of the cash flow that are worth a sentence, and what they are called: (what it brings, what it takes)
LINES = {
    "cash_margin": ("mining, AI cloud and power sales bring, after energy,", "the hours cost, after what they bring,"),
    "ai_rent": ("AI rents bring", "AI rents cost"),
    "fixed_costs": ("", "running the sites and fleets costs"),
    "overhead": ("", "overhead costs"),
    "capex_rigs": ("", "rigs cost"),
    "capex_halls": ("", "halls cost"),
    "capex_interconnection": ("", "interconnection costs"),
    "capex_equipment": ("", "AI equipment costs"),
    "capex_options": ("", "options on rigs cost"),
    "resale": ("resold rigs bring", ""),
    "coin_sales": ("sold coins bring", ""),
    "debt_issued": ("lenders bring", ""),
    "interest": ("", "interest takes"),
    "principal": ("", "repayment takes"),
    "calls": ("", "calling debt takes"),
    "puts": ("", "puts of holders take"),
    "revolver": ("the revolver brings", "the revolver takes"),
    "equity": ("new shares bring", ""),
    "tax": ("", "tax takes"),
    "other_cash_flows": ("given cash flows bring", "given cash flows take"),
    "rescue": ("rescue money brings", ""),
    "capped_calls": ("", "capped calls cost"),
}


@dataclass(frozen=True)
class Sentence:
    """One finding in words, with the figures in it (USD, MW, ... as their names say)."""

    text: str
    figures: dict[str, Any]


@dataclass(frozen=True)
class Section:
    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class RuleCost:
    """What the objective would gain (USD) if a rule did not exist; None with a reason where no such plan is proved."""

    rule: str
    cost: float | None
    reason: str | None = None


def explain_optimal(solved: Solved, prices: tuple[StatementPrice, ...]) -> tuple[Section, ...]:
    """The account of an optimal plan of `solve_warm`, the weightiest first in every section. Raises ValueError where there is no plan."""
    solution, warm = solved.solution, solved.warm
    if solution.books is None or warm is None:
        raise ValueError("an account is of an optimal plan: the case has none")
    costs = rule_costs(solved, prices)
    made = (
        _worth(solution),
        _drivers(solution),
        _rules(solution, prices, costs),
        _scarce(solution, prices),
        _power(solution, prices),
        _tail(solution),
        _next(solution, warm),
    )
    return tuple(section for section in made if section.sentences)


def brief_account(solution: Solution) -> tuple[Section, ...]:
    """The sections of an optimal plan's account that take no further solve. Raises ValueError where there is no plan."""
    if solution.books is None or solution.decisions is None:
        raise ValueError("an account is of an optimal plan")
    made = (_worth(solution), _drivers(solution), _power(solution, ()), _tail(solution))
    return tuple(section for section in made if section.sentences)


def account(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """For JSON: title and sentences with their figures; what is infinite or unknown is null."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [clean(one) for one in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [clean(asdict(section)) for section in sections]


# ---- what it is worth ------------------------------------------------------------------------------------------------


def _worth(solution: Solution) -> Section:
    books, aim = solution.books, solution.problem.objective
    assert books is not None
    count = solution.problem.scenarios.count
    figures = {
        "objective": books.objective,
        "expected": books.expected,
        "cvar": books.cvar,
        "var": books.var,
        "gap": solution.gap,
    }
    if count > 1 and aim.weight > 0.0:
        text = (
            f"The plan is worth {money(books.objective)} to shareholders: {money(books.expected)} in expectation over {count} scenarios, "
            f"{money(books.cvar)} on average over the worst {percent(aim.tail)} of them, which weigh {percent(aim.weight)} of the objective."
        )
    elif count > 1:
        text = f"The plan is worth {money(books.expected)} to shareholders in expectation over {count} scenarios."
    else:
        text = f"The plan is worth {money(books.objective)} to shareholders."
    out = [Sentence(text, figures), *(Sentence(*one) for one in told(solution))]
    one = solution.baseline
    if one is not None and one.objective is not None:
        text = (
            f"Investing in nothing new and running what stands as well as can be would be worth {money(one.objective)}: "
            f"optimising is worth {money(one.value_of_optimising)}."
        )
        out.append(Sentence(text, {"baseline": one.objective, "value_of_optimising": one.value_of_optimising}))
    elif one is not None:
        out.append(Sentence(f"Investing in nothing new is no way out: {one.reason}.", {"baseline": None}))
    return Section("What the plan is worth", tuple(out))


# ---- what drives it --------------------------------------------------------------------------------------------------


def _drivers(solution: Solution) -> Section:
    """Lines of the cash flow, and of the ledger at the end, by present value in expectation."""
    from models.finance.labels import line_label

    problem, books = solution.problem, solution.books
    assert books is not None
    odds = problem.scenarios.probability
    flows = {line: books.cash_flow[line] for line in LINES if line in books.cash_flow}
    ends = {entry: values for entry, values in books.ledger.items() if entry.startswith("terminal_")}
    worth = {line: float(odds @ (values @ problem.discount)) for line, values in (flows | ends).items()}
    most = max((abs(v) for v in worth.values()), default=0.0)
    out = []
    for line in sorted(worth, key=lambda name: (-abs(worth[name]), name)):
        value = worth[line]
        if line in ends:
            words = f"what is left counts: {line_label(line)} {'adds' if value > 0.0 else 'takes'}"
        else:
            words = LINES[line][0 if value > 0.0 else 1]
        if abs(value) <= LEAST_DRIVING_SHARE * most or not words:
            continue
        out.append(Sentence(f"{words[0].upper()}{words[1:]} {money(abs(value))} in present value.", {"line": line, "usd": value}))
    return Section("What drives it", tuple(out[:MOST_SENTENCES]))


# ---- rules -----------------------------------------------------------------------------------------------------------


def rule_costs(solved: Solved, prices: tuple[StatementPrice, ...]) -> dict[str, RuleCost]:
    """For every rule that has a price: what the objective gains when its rows are taken away, by a solve with the others."""
    warm = solved.warm
    assert warm is not None
    out = {}
    for rule in solved.solution.problem.rules:
        priced = [one for one in prices if one.name == rule.name]
        if any(one.dual_value or one.next_value or one.last_value for one in priced):
            out[rule.name] = _without(warm, rule.name)
    return out


def _without(warm: SolvedProgram, name: str) -> RuleCost:
    from optimizer.engine.search import Search

    program, session = warm.program, warm.program.session
    rows = [i for i, con in enumerate(program.lp.rows) if _is_rule(con, name)]
    index = np.array(rows, dtype=np.int64)
    if not len(index):
        return RuleCost(name, None, "it stands in bounds, not in rows")
    held = session.lp
    session.set_row_bounds(index, np.full(len(index), -np.inf), np.full(len(index), np.inf))
    try:
        answer = Search(program, warm.policy).optimum()
    finally:
        session.set_row_bounds(index, held.row_lower[index], held.row_upper[index])
    if answer.status is Status.UNBOUNDED:
        return RuleCost(name, None, "without it money is made without limit")
    if answer.status is not Status.OPTIMAL:
        return RuleCost(name, None, f"the program without it ended {answer.status.value}")
    return RuleCost(name, max((answer.objective - warm.answer.objective) * program.master.build.unit, 0.0))


def _is_rule(con: Any, name: str) -> bool:
    key = con.index() if isinstance(con.index(), tuple) else (con.index(),)
    return con.parent_component().local_name == "row_rule" and key[0] == name


def _rules(solution: Solution, prices: tuple[StatementPrice, ...], costs: dict[str, RuleCost]) -> Section:
    problem = solution.problem
    ranked = []
    for rule in problem.rules:
        priced = [one for one in prices if one.name == rule.name]
        cost = costs.get(rule.name)
        said = f"rule '{rule.name}' ({rule.text})"
        if cost is None:
            room = min((one.headroom for one in priced if one.headroom is not None), default=None)
            unit = priced[0].unit if priced else ""
            left = f", with {_amount(room, unit)} to spare at its tightest" if room is not None and room > 0.0 else ""
            ranked.append((0.0, Sentence(f"{said[0].upper()}{said[1:]} costs nothing{left}.", {"rule": rule.name, "cost": 0.0})))
            continue
        where = compact(priced[0].binds, problem) if priced and priced[0].binds else ""
        bites = f" It binds in {where}." if where else ""
        unit_price = _per_unit(priced[0]) if priced else ""
        if cost.cost is None:
            text = f"{said[0].upper()}{said[1:]}: what it costs in all is not known, {cost.reason}.{bites}{unit_price}"
        else:
            text = f"{said[0].upper()}{said[1:]} costs {money(cost.cost)} in all.{bites}{unit_price}"
        ranked.append((cost.cost if cost.cost is not None else math.inf, Sentence(text, {"rule": rule.name, "cost": cost.cost})))
    ranked.sort(key=lambda pair: -pair[0])
    limits = [sentence for _, sentence in _costly(solution, prices)[:MOST_SENTENCES]]
    return Section("What rules and limits cost", (*(sentence for _, sentence in ranked[: 2 * MOST_SENTENCES]), *limits))


def _amount(value: float, unit: str) -> str:
    return money(value) if unit == "USD" else number(value, unit)


def _per_unit(one: StatementPrice) -> str:
    """' One USD of relief more would add ...; the last one brought ...'"""
    if one.next_value == one.last_value == 0.0:
        return ""
    unit = {"USD": "dollar"}.get(one.unit, one.unit)
    more = f" One {unit} {one.relief} would add {number(one.next_value, 'USD')}"
    if math.isinf(one.last_value):
        return more + "; no plan can do with the opposite."
    if abs(one.last_value - one.next_value) > 1e-4 * max(abs(one.next_value), abs(one.last_value)):
        return more + f", the opposite would cost {number(one.last_value, 'USD')}."
    return more + "."


# ---- what is scarce --------------------------------------------------------------------------------------------------


def _scarce(solution: Solution, prices: tuple[StatementPrice, ...]) -> Section:
    """Limits of which more is worth something, by what a tenth more of them would bring at the price of the next unit; what has no size,
    by a unit. What costs is in `_costly`."""
    names = {rule.name for rule in solution.problem.rules}
    ranked = []
    for one in prices:
        if one.name in names or not one.path or one.relief != "more" or not one.next_value > _least(one):
            continue
        # a megawatt and a million dollars are comparable steps of a plan
        step = 1e6 if one.unit == "USD" else 1.0
        weight = abs(one.next_value if math.isfinite(one.next_value) else 0.0) * step
        what = "USD" if one.unit == "USD" else one.unit
        if one.unit == "USD":
            value, lost = f"{one.next_value:,.3f} USD per dollar", f"{one.last_value:,.3f}"
        else:
            value, lost = f"{money(one.next_value)} per {what}", money(one.last_value)
        text = f"{one.name[0].upper()}{one.name[1:]} (`{one.path}`): the next unit is worth {value}"
        if math.isinf(one.last_value):
            text += "; no plan can do with less"
        elif abs(one.last_value - one.next_value) > 1e-4 * max(abs(one.last_value), abs(one.next_value)):
            text += f", the last one {lost}"
        where = compact(one.binds, solution.problem)
        text += f". Tight in {where}." if where else "."
        figures = {"path": one.path, "unit": one.unit, "next_value": one.next_value, "last_value": one.last_value}
        ranked.append((weight, one.path, Sentence(text, figures)))
    ranked.sort(key=lambda triple: (-triple[0], triple[1]))
    return Section("What is scarce", tuple(sentence for *_, sentence in ranked[:MOST_SENTENCES]))


def _least(one: StatementPrice) -> float:
    """USD per unit up to which a unit is worth nothing that could be told: a dollar per MW, a thousandth of a dollar per dollar."""
    return 1e-3 if one.unit == "USD" else 1.0


def _costly(solution: Solution, prices: tuple[StatementPrice, ...]) -> list[tuple[float, Sentence]]:
    """(USD of a comparable step, what is said) of all else that costs: minimums that bind, and what the plan would rather have less of."""
    names = {rule.name for rule in solution.problem.rules}
    out = []
    for one in prices:
        if one.name in names or not one.path or not math.isfinite(one.next_value):
            continue
        gain = one.next_value if one.relief == "less" else -one.next_value
        if not gain > _least(one):
            continue
        what = "dollar" if one.unit == "USD" else one.unit
        value = f"{gain:,.3f} USD" if one.unit == "USD" else money(gain)
        said = f"one {what} less of it would add {value}" if one.relief == "less" else f"one {what} more would take {value}"
        where = compact(one.binds, solution.problem)
        text = f"{one.name[0].upper()}{one.name[1:]} (`{one.path}`) costs: {said}." + (f" It binds in {where}." if where else "")
        figures = {"path": one.path, "unit": one.unit, "next_value": one.next_value, "last_value": one.last_value}
        out.append((gain * (1e6 if one.unit == "USD" else 1.0), Sentence(text, figures)))
    return sorted(out, key=lambda pair: -pair[0])


# ---- power -----------------------------------------------------------------------------------------------------------


def strike_prices(problem: Problem, r: int) -> Array:
    """(S, T) grid price, USD/MWh at the meter with adders, above which rig r is better off than on: density * hashprice / 24 *
    (1 - pool fee) - variable cost."""
    rig = problem.rigs[r]
    return rig.density * problem.market.hashprice / 24.0 * (1.0 - rig.pool_fee) - rig.variable_cost


def mean_power_price(problem: Problem, i: int) -> Array | None:
    """(S, T) mean of grid price and adder over the hours of each period, USD/MWh; None without a grid."""
    grid, clock = problem.sites[i].grid, problem.clock
    if grid is None:
        return None
    out = np.zeros((problem.scenarios.count, clock.periods))
    for s in range(out.shape[0]):
        for t in range(out.shape[1]):
            hourly = grid.price.values(clock, s, t) + grid.adder.values(clock, s, t)
            out[s, t] = float(hourly @ clock.weight[t]) / float(clock.hours[t])
    return out


def break_even_hashprice(problem: Problem, r: int, price: Array) -> Array:
    """(S, T) USD/PH/day at which running rig r at that power price earns nothing: (price + variable cost) * 24 / density / (1 - pool fee)."""
    rig = problem.rigs[r]
    return (price + rig.variable_cost) * 24.0 / rig.density / (1.0 - rig.pool_fee)


def _power(solution: Solution, prices: tuple[StatementPrice, ...]) -> Section:
    problem, books, decisions = solution.problem, solution.books, solution.decisions
    assert books is not None and decisions is not None
    odds, hours = problem.scenarios.probability, problem.clock.hours
    out = []
    for i, site in enumerate(problem.sites):
        marginal = [p for p in solution.prices if p.family == "interconnection" and p.name == site.name]
        total = sum(p.value for p in marginal)
        if total > 0.0:
            years = float(problem.years.sum())
            text = (
                f"Power at {site.name}: one more MW of interconnection through all hours would add {money(total)} over {number(years)} "
                f"years, {number(total / float(hours.sum()), 'USD')} of today per MWh it could carry."
            )
            out.append(Sentence(text, {"site": site.name, "usd_per_mw": total}))
        mean = mean_power_price(problem, i)
        for r, rig in enumerate(problem.rigs):
            used = books.power.get((site.name, f"rig:{rig.name}"))
            if used is None or not used.any():
                continue
            strike = odds @ strike_prices(problem, r)
            text = f"{rig.name} at {site.name} mines while power costs less than {number(float(strike[0]))} USD/MWh at first and "
            text += f"{number(float(strike[-1]))} USD/MWh at last (in expectation)"
            figures: dict[str, Any] = {"site": site.name, "rig": rig.name, "strike": strike.tolist()}
            if mean is not None:
                even = odds @ break_even_hashprice(problem, r, mean)
                market = odds @ problem.market.hashprice
                text += (
                    f"; at the mean grid price it breaks even at a hashprice of {number(float(even[0]))} USD/PH/day at first, where the "
                    f"market pays {number(float(market[0]))}, and {number(float(even[-1]))} at last, where it pays {number(float(market[-1]))}"
                )
                figures |= {"break_even_hashprice": even.tolist(), "hashprice": market.tolist()}
            out.append(Sentence(text + ".", figures))
    return Section("What power is worth", tuple(out[: 2 * MOST_SENTENCES]))


# ---- the tail --------------------------------------------------------------------------------------------------------


def _tail(solution: Solution) -> Section:
    """Scenarios by value: which of them are the tail, and what they lose against the mean."""
    problem, books = solution.problem, solution.books
    assert books is not None
    if problem.scenarios.count == 1:
        return Section("Which scenario carries the tail", ())
    odds, names = problem.scenarios.probability, problem.scenarios.names
    present = {entry: values @ problem.discount for entry, values in books.ledger.items()}
    out, left = [], problem.objective.tail
    for s in np.argsort(books.value, kind="stable"):
        if left <= 1e-12:
            break
        share = min(float(odds[s]), left)
        left -= share
        gaps = {entry: float(value[s] - odds @ value) for entry, value in present.items()}
        worst = min(gaps, key=lambda entry: gaps[entry])
        text = (
            f"{names[s]} makes {percent(share / problem.objective.tail)} of the worst {percent(problem.objective.tail)}: it is worth "
            f"{money(float(books.value[s]))}, {money(abs(float(books.value[s]) - books.expected))} "
            f"{'below' if books.value[s] <= books.expected else 'above'} the mean"
        )
        if gaps[worst] < 0.0:
            text += f"; most is missing in {worst.replace('_', ' ')} ({money(gaps[worst])} against the mean)"
        out.append(
            Sentence(text + ".", {"scenario": names[s], "value": float(books.value[s]), "share": share, "missing_in": worst})
        )
    return Section("Which scenario carries the tail", tuple(out[:MOST_SENTENCES]))


# ---- what would change it --------------------------------------------------------------------------------------------

#: decisions whose reduced costs tell what comes next: key of the family -> (verb, unit)
CHOICES = {"orders": ("ordering", "MW"), "built": ("building", "MW"), "signed": ("signing", "MW"), "issued": ("issuing", "USD")}


def _next(solution: Solution, warm: SolvedProgram) -> Section:
    """What is nearest to entering the plan: decisions at zero, by what a unit of them would take from the objective."""
    build, problem = warm.program.master.build, solution.problem
    column, answer = warm.program.lp.number, warm.best
    loss: dict[tuple[str, ...], tuple[float, int, int]] = {}
    used: set[tuple[str, ...]] = set()
    for key, decision in build.decisions.items():
        if key[0] not in CHOICES:
            continue
        seen: set[int] = set()
        for s in range(build.S):
            for d in range(build.D):
                j = column.get(id(decision.at(s, d)), -1)
                if j < 0 or j in seen:
                    continue
                seen.add(j)
                if answer.x[j] > 1e-7:
                    used.add(key)
                elif answer.d[j] > 0.0 and (key not in loss or answer.d[j] < loss[key][0]):
                    loss[key] = (float(answer.d[j]), s, d)
    out = []
    for key in loss:
        if key in used:
            continue
        lost, s, d = loss[key]
        verb, unit = CHOICES[key[0]]
        when = iso_month(problem.clock, d)
        what = f"{BUILDS[key[2]].nouns} at {key[1]}" if key[0] == "built" else " at ".join(key[1:])
        per = lost if unit == "USD" else lost * build.unit
        if per < (1e-6 if unit == "USD" else 1.0):  # it would do as well: another optimum
            continue
        price = f"{per:,.4f} USD per dollar" if unit == "USD" else f"{money(per)} per MW"
        share = ""
        if key[0] == "orders":
            rig = next(rig for rig in problem.rigs if rig.name == key[1])
            cost = float(problem.scenarios.probability @ rig.price[:, d])
            share = f", {percent(per / cost)} of its price" if cost > 0.0 else ""
        text = f"{verb[0].upper()}{verb[1:]} {what} is not in the plan: at its best date, {when}, it would lose {price}{share}."
        out.append(
            (per * (1e6 if unit == "USD" else 1.0), what, Sentence(text, {"decision": list(key), "date": when, "loss": per}))
        )
    out.sort(key=lambda triple: (triple[0], triple[1]))
    return Section("What would change the plan next", tuple(sentence for *_, sentence in out[:MOST_SENTENCES]))


def render_account(solution: Solution, sections: Iterable[Section], line: Any, title: Any) -> None:
    """Print an account: title(text) before each section, line(text) for each sentence."""
    name = solution.case.name if solution.variant is None else f"{solution.case.name}, variant {solution.variant}"
    line(f"{name}: why this plan")
    for section in sections:
        title(section.title)
        for sentence in section.sentences:
            line(f"- {sentence.text}")
