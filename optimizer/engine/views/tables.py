"""What a solution says, as rows: every table of the result folder and the key figures, and nothing about files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import iso_date, iso_dates
from models.finance.rates import SMALLEST_USD, books_of, moic, multiple, paid_in, return_rate, shareholder_flows
from models.rules.rule_unit import rule_unit
from optimizer.engine.views.builds import BUILDS
from optimizer.engine.views.statement_table import Cell, Table, statement_table

if TYPE_CHECKING:
    from models.problem import Array, Problem
    from models.proforma.books import Books
    from optimizer.engine.values import SolvedCase

SMALLEST = 1e-6  # of anything else: a watt, a hundred-millionth of a coin's price
USE_PREFIXES = ("rig:", "ai:", "sell:")
SOURCE_PREFIXES = ("block:", "own:")
USES = ("charge",)
SOURCES = ("grid", "diesel", "discharge")


def joined(problem: Problem, members: tuple[int, ...]) -> str:
    """Scenarios that share something: 'all', or their names joined by '+'."""
    if len(members) == problem.scenarios.count:
        return "all"
    return "+".join(problem.scenarios.names[s] for s in members)


def by_node(problem: Problem, values: Array, cut: float) -> Iterator[tuple[int, tuple[int, ...], float]]:
    """(date, scenarios that decide the same together, amount) of an (S, D) decision, where it is more than `cut`."""
    for d in range(values.shape[1]):
        groups: dict[tuple[int, float], list[int]] = {}
        for s in np.flatnonzero(np.abs(values[:, d]) > cut):
            key = (int(problem.scenarios.node[s, d]), float(values[s, d]))
            groups.setdefault(key, []).append(int(s))
        for (_, amount), members in groups.items():
            yield d, tuple(members), amount


# ---------------------------------------------------------------------------------------------------------------------
# Decisions


@dataclass(frozen=True)
class Step:
    """One decision: at date d, in these scenarios."""

    kind: str
    what: str
    where: str
    d: int
    members: tuple[int, ...]
    amount: float
    unit: str


#: In the order in which decisions of one date are told.
KINDS = (
    "buy rigs", "buy rig options", "exercise rig options", "retire rigs", *(build.decision for build in BUILDS.values()), "sign AI contract",
    "invest", "issue", "draw", "call", "repay", "pledge", "release", "sell coins", "dividend", "rescue", "breach", "exceed",
)  # fmt: skip
CAPITAL = KINDS[: KINDS.index("issue")]


def steps(solution: SolvedCase) -> list[Step]:
    """Every decision above the smallest amounts, by date, then kind, then name."""
    problem, decisions = solution.problem, solution.decisions
    assert decisions is not None
    out: list[Step] = []

    def add(kind: str, what: str, where: str, values: Array, unit: str) -> None:
        cut = SMALLEST_USD if unit == "USD" else SMALLEST
        out.extend(Step(kind, what, where, d, m, amount, unit) for d, m, amount in by_node(problem, values, cut))

    def add_change(up: str, down: str, name: str, stock: Array, opening: float, unit: str) -> None:
        change = np.diff(stock, axis=1, prepend=opening)
        add(up, name, "", np.maximum(change, 0.0), unit)
        add(down, name, "", np.maximum(-change, 0.0), unit)

    for (rig, site), mw in decisions.orders.items():
        add("buy rigs", rig, site, mw, "MW")
    for rig, mw in decisions.options.items():
        add("buy rig options", rig, "", mw, "MW")
    for (rig, site), mw in decisions.exercised.items():
        add("exercise rig options", rig, site, mw, "MW")
    for (rig, site), mw in decisions.retired.items():
        add("retire rigs", rig, site, mw, "MW")
    for (site, kind), mw in decisions.built.items():
        add(BUILDS[kind].decision, "", site, mw, "MW")
    for (service, site), mw in decisions.signed.items():
        add("sign AI contract", service, site, mw, "MW")
    for project, units in decisions.units.items():
        add("invest", project, "", units, "units")
    for name, face in decisions.issued.items():
        add("issue", name, "", face, "USD")
    for name, face in decisions.called.items():
        if face.ndim == 2:
            add("call", name, "", face, "USD")
            continue
        for v in range(face.shape[1]):
            add("call", name, f"issued {iso_date(problem.clock, v)}", face[:, v, :], "USD")
    for name, principal in decisions.repaid.items():
        add("repay", name, "", principal, "USD")
    existing = {debt.name: debt.existing for debt in problem.debts}
    for name, balance in decisions.balance.items():
        add_change("draw", "repay", name, balance, existing.get(name, 0.0), "USD")
    for name, coins in decisions.pledged.items():
        add_change("pledge", "release", name, coins, 0.0, "BTC")
    add("sell coins", "", "", decisions.sold, "BTC")
    add("dividend", "", "", decisions.dividends, "USD")
    add("rescue", "", "", decisions.rescue, "USD")
    compared = {rule.name: rule_unit(rule) for rule in problem.rules}
    for name, breach in decisions.breach.items():
        add("breach", name, "", breach, compared[name])
    for (family, site), above in decisions.exceeded.items():
        paid = np.zeros((problem.scenarios.count, problem.clock.dates))
        paid[:, problem.clock.last_date_of_year] = above
        add("exceed", family.replace("_", " "), site, paid, "t" if family == "emission_cap" else "MWh")

    order = {kind: n for n, kind in enumerate(KINDS)}
    return sorted(out, key=lambda step: (step.d, order.get(step.kind, len(order)), step.what, step.where, step.members))


def plan(solution: SolvedCase) -> Table:
    """plan.csv: one row per decision and tree node, with the scenarios that share it."""
    problem = solution.problem
    dates = iso_dates(problem.clock)
    return Table(
        ("date", "kind", "what", "where", "scenarios", "amount", "unit"),
        [(dates[x.d], x.kind, x.what, x.where, joined(problem, x.members), x.amount, x.unit) for x in steps(solution)],
    )


# ---------------------------------------------------------------------------------------------------------------------
# Accounts


def financing(solution: SolvedCase) -> Table:
    """financing.csv: the roll-forward of every instrument, but for dates at which nothing moves and nothing is owed."""
    problem, books = solution.problem, books_of(solution)
    first = ("opening", "issued", "interest_paid", "principal", "closing")
    lines = list(dict.fromkeys(line for schedule in books.schedules.values() for line in schedule))
    lines = [line for line in first if line in lines] + [line for line in lines if line not in first]
    dates = iso_dates(problem.clock)
    rows: list[tuple[Cell, ...]] = []
    for name, schedule in books.schedules.items():
        alive = np.any([np.abs(values) > SMALLEST_USD for values in schedule.values()], axis=0)
        for s, scenario in enumerate(problem.scenarios.names):
            for d in np.flatnonzero(alive[s]):
                cells = (float(schedule[line][s, d]) if line in schedule else None for line in lines)
                rows.append((name, scenario, dates[d], *cells))
    return Table(("instrument", "scenario", "date", *lines), rows)


def statements(solution: SolvedCase) -> Table:
    """statements.csv: every line of the statements, the tax returns (at the year's last date) and the ledger, tidy."""
    return statement_table(solution.problem, books_of(solution))


def covenants(solution: SolvedCase) -> Table:
    """covenants.csv: both sides, headroom and price of every rule, wherever it applies."""
    return Table(
        ("name", "rule", "scenario", "date", "left", "right", "headroom", "price", "breach", "source"),
        [
            # the file's name only: the same case gives the same bytes from wherever it is solved
            (c.name, c.text, c.scenario, c.date, c.left, c.right, c.headroom, c.price, c.breach, c.source.rpartition("/")[2])
            for c in solution.covenants
        ],
    )


def shadow_prices(solution: SolvedCase) -> Table:
    """shadow_prices.csv: what one more unit of everything scarce adds to the objective."""
    return Table(
        ("family", "name", "scenario", "date", "value", "unit"),
        [(p.family, p.name, p.scenario, p.date, p.value, p.unit) for p in solution.prices],
    )


# ---------------------------------------------------------------------------------------------------------------------
# Power


def flow_kind(quantity: str) -> str | None:
    """'use' or 'source' of an energy quantity of the books; None for others (coins, margin)."""
    if quantity in USES or quantity.startswith(USE_PREFIXES):
        return "use"
    return "source" if quantity in SOURCES or quantity.startswith(SOURCE_PREFIXES) else None


def dispatch_monthly(solution: SolvedCase) -> Table:
    """dispatch_monthly.csv: energy of every use and source by period; hours_on counts the hours in which it runs."""
    problem, books = solution.problem, books_of(solution)
    clock = problem.clock
    dates = iso_dates(clock)
    on = _hours_on(solution)
    rows: list[tuple[Cell, ...]] = []
    for (site, quantity), energy in books.power.items():
        kind = flow_kind(quantity)
        if kind is None:
            continue
        for s, scenario in enumerate(problem.scenarios.names):
            for t in range(clock.periods):
                mwh, hours = float(energy[s, t]), float(clock.hours[t])
                running = on.get((site, quantity, s, t), 0.0 if on else None)
                rows.append((site, scenario, dates[t], kind, quantity, mwh, mwh / hours, hours, running))
    return Table(("site", "scenario", "period", "kind", "name", "mwh", "average_mw", "hours", "hours_on"), rows)


def limits(solution: SolvedCase) -> Table:
    """limits.csv: every energy budget and emission cap by calendar year: what counts, what is allowed, the rest, its price."""
    from models.hours.meters import METERS, allowance, yearly_limits, yearly_price

    problem, books = solution.problem, books_of(solution)
    assert solution.decisions is not None
    clock = problem.clock
    dates, first = iso_dates(clock), [int(np.flatnonzero(clock.tax_year == y)[0]) for y in range(clock.tax_years)]
    worth = {(p.family, p.name, p.scenario, p.date): p.value for p in solution.prices}
    rows: list[tuple[Cell, ...]] = []
    for one in yearly_limits(problem):
        where, unit = one.where(problem), METERS[one.word]
        flow = np.sum([books.words[f"{one.word}[{site}]"] for site in one.sites(problem)], axis=0)[:, 1:]
        allowed = allowance(problem, one.terms)
        price = None if one.terms.price is None else yearly_price(problem, one.terms)
        above = solution.decisions.exceeded.get((one.family, where), np.zeros_like(allowed))
        for s, scenario in enumerate(problem.scenarios.names):
            for y, t in enumerate(first):
                if not np.isfinite(allowed[s, y]):
                    continue
                used = float(flow[s, clock.tax_year == y].sum())
                charge = None if price is None else float(price[s, y])
                paid = 0.0 if charge is None else charge * float(above[s, y])
                shadow = worth.get((one.family, where, scenario, dates[t]), 0.0)
                year = str(int(clock.calendar_year[0]) + y)
                numbers = (used, float(allowed[s, y]), float(above[s, y]), charge, paid, shadow)
                rows.append((one.family, where, one.word, unit, scenario, year, *numbers))
    header = (
        "family",
        "site",
        "counts",
        "unit",
        "scenario",
        "year",
        "used",
        "allowed",
        "above",
        "price",
        "paid_usd",
        "shadow_price",
    )
    return Table(header, rows)


def _hours_on(solution: SolvedCase) -> dict[tuple[str, str, int, int], float]:
    assert solution.decisions is not None
    weight = solution.problem.clock.weight
    return {
        (site, quantity, s, t): float(weight[t][mw > SMALLEST].sum())
        for (site, s, t), split in solution.decisions.dispatch.items()
        for quantity, mw in (*split.uses.items(), *split.sources.items())
    }


# ---------------------------------------------------------------------------------------------------------------------
# Return and key figures


def scenario_figures(solution: SolvedCase) -> dict[str, dict[str, Cell]]:
    """Key figures of every scenario, the same keys in each: the columns of scenarios.csv."""
    problem, books = solution.problem, books_of(solution)
    words, multiples, flows, paid = books.words, moic(books), shareholder_flows(books), paid_in(books)
    out: dict[str, dict[str, Cell]] = {}
    for s, scenario in enumerate(problem.scenarios.names):
        rate, reason = return_rate(problem.clock, flows[s], paid[s])
        figures: dict[str, Cell] = {
            "probability": float(problem.scenarios.probability[s]),
            "npv": float(books.value[s]),
            "irr": rate,
            "irr_reason": reason,
            "moic": multiples[s],
        }
        for name, word, measure in _MEASURES:
            figures[name] = float(measure(words[word][s])) if word in words else None
        for kind in ("use", "source"):
            for quantity, energy in energy_by(books, kind).items():
                figures[f"mwh {quantity}"] = float(energy[s])
        out[scenario] = figures
    return out


def _last(values: Array) -> float:
    return float(values[-1])


#: (key figure, word of the books, what of its dates)
_MEASURES: tuple[tuple[str, str, Any], ...] = (
    ("min_cash", "cash", np.min), ("final_cash", "cash", _last), ("min_liquidity", "liquidity", np.min),
    ("peak_debt", "total_debt", np.max), ("final_debt", "total_debt", _last), ("revenue", "revenue", np.sum),
    ("ebitda", "ebitda", np.sum), ("tax", "tax", np.sum), ("capex", "capex", np.sum), ("interest", "interest", np.sum),
    ("dividends", "dividends", np.sum), ("contributions", "contributions", np.sum),
    ("rescue", "rescue", np.sum),
    ("peak_rigs_mw", "rigs_mw", np.max), ("final_rigs_mw", "rigs_mw", _last), ("peak_ai_mw", "ai_mw", np.max),
    ("final_ai_mw", "ai_mw", _last), ("peak_hashrate_phs", "hashrate", np.max),
    ("final_hashrate_phs", "hashrate", _last),
    ("btc_mined", "btc_mined", np.sum), ("final_coins", "coins", _last), ("energy_mwh", "energy_mwh", np.sum),
    ("grid_mwh", "grid_mwh", np.sum), ("diesel_mwh", "diesel_mwh", np.sum), ("emissions_t", "emissions_t", np.sum),
)  # fmt: skip


def energy_by(books: Books, kind: str) -> dict[str, Array]:
    """(S,) MWh over the horizon of every use or source, all sites together."""
    out: dict[str, Array] = {}
    for (_, quantity), energy in books.power.items():
        if flow_kind(quantity) == kind:
            out[quantity] = out.get(quantity, 0.0) + energy.sum(axis=1)
    return out


def scenarios(solution: SolvedCase) -> Table:
    """scenarios.csv: one row of key figures per scenario."""
    figures = scenario_figures(solution)
    header = tuple(next(iter(figures.values())))
    return Table(("scenario", *header), [(name, *row.values()) for name, row in figures.items()])


def expected_figures(solution: SolvedCase) -> dict[str, Cell]:
    """Key figures in expectation; the IRR and MOIC are those of the expected flows."""
    problem, books = solution.problem, books_of(solution)
    odds = problem.scenarios.probability
    paid = float(odds @ paid_in(books))
    rate, reason = return_rate(problem.clock, odds @ shareholder_flows(books), paid)
    received = float(odds @ shareholder_flows(books).sum(axis=1)) + paid
    out: dict[str, Cell] = {"irr": rate, "irr_reason": reason, "moic": multiple(received, paid)}
    rows = list(scenario_figures(solution).values())
    for name in rows[0]:
        if name not in ("probability", "irr", "irr_reason", "moic"):
            out[name] = None if rows[0][name] is None else _expectation(odds, (row[name] for row in rows))
    return out


def _expectation(odds: Array, values: Iterable[Any]) -> float:
    return float(odds @ np.array(list(values), dtype=float))


def ledger(solution: SolvedCase) -> dict[str, Any]:
    """Discounted ledger, entry by entry: {'expected': {...}, 'scenarios': {name: {...}}}; each sums to the value."""
    problem, books = solution.problem, books_of(solution)
    present = {entry: values @ problem.discount for entry, values in books.ledger.items()}
    return {
        "expected": {entry: float(problem.scenarios.probability @ values) for entry, values in present.items()},
        "scenarios": {
            name: {entry: float(values[s]) for entry, values in present.items()} for s, name in enumerate(problem.scenarios.names)
        },
    }


TABLES = {
    "plan.csv": plan,
    "financing.csv": financing,
    "scenarios.csv": scenarios,
    "statements.csv": statements,
    "covenants.csv": covenants,
    "shadow_prices.csv": shadow_prices,
    "dispatch_monthly.csv": dispatch_monthly,
    "limits.csv": limits,
}
