"""What plans are compared by: one number each, with its unit and whether more of it is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.problem import Array, Debt, Equity
    from optimizer.engine.solution import Solution


@dataclass(frozen=True)
class Measured:
    """A measure: key, what it is called, its unit; better: +1 where more is better, -1 where less is, 0 where it depends."""

    key: str
    label: str
    unit: str
    better: int = 0


MEASURES = (
    Measured("objective", "objective", "USD", 1),
    Measured("per_share", "objective per share held today", "USD/share", 1),
    Measured("expected_npv", "expected NPV", "USD", 1),
    Measured("cvar", "CVaR", "USD", 1),
    Measured("p10", "NPV, P10", "USD", 1),
    Measured("p50", "NPV, P50", "USD", 1),
    Measured("p90", "NPV, P90", "USD", 1),
    Measured("irr", "IRR of owners, of expected flows", "/year", 1),
    Measured("cost_of_capital", "cost of outside capital", "/year", -1),
    Measured("price_gap", "share price used and implied differ by", "share", -1),
    Measured("cost_of_all_capital", "cost of all capital, with owners", "/year", -1),
    Measured("cost_of_debt", "cost of debt", "/year", -1),
    Measured("debt_to_equity", "debt over equity, at market value", "ratio"),
    Measured("relevered", "owners' rate at the plan's debt", "/year", -1),
    Measured("dilution", "share of new holders at the end", "share", -1),
    Measured("debt_raised", "debt raised", "USD"),
    Measured("equity_raised", "equity raised", "USD"),
    Measured("peak_debt", "highest debt", "USD"),
    Measured("leverage", "highest net debt / EBITDA", "ratio", -1),
    Measured("coverage", "least debt service coverage", "ratio", 1),
    Measured("liquidity_low", "least liquidity, worst scenario", "USD", 1),
    Measured("breach", "probability of covenant breach", "share", -1),
    Measured("distress", "probability of rescue equity", "share", -1),
    Measured("missed", "probability of a missed payment", "share", -1),
    Measured("under_water", "probability of more debt than assets", "share", -1),
    Measured("after_horizon", "value after the horizon", "USD"),
    Measured("capex", "capital expenditure", "USD"),
    Measured("ai_mw", "AI at the end", "MW"),
    Measured("mining_mw", "mining at the end", "MW"),
    Measured("hashrate", "hashrate at the end", "PH/s"),
    Measured("ai_mwh", "energy to AI", "MWh"),
    Measured("mining_mwh", "energy to mining", "MWh"),
    Measured("sold_mwh", "energy sold back", "MWh"),
)
BY_KEY = {one.key: one for one in MEASURES}


def measures(solution: Solution) -> dict[str, float | None]:
    """Every measure of an optimal solution, by key in the order of MEASURES; None where it has no meaning.

    Amounts are in expectation over scenarios unless the label says otherwise; P10, P50 and P90 are quantiles of the NPV over scenarios.
    """
    from optimizer.engine.views import tables
    from optimizer.results.odds import odds as odds_of

    books, problem = solution.books, solution.problem
    assert books is not None
    odds, words, returns = problem.scenarios.probability, books.words, solution.finance.returns
    figures, befalls = tables.expected_figures(solution), odds_of(solution)
    energy = {use: float(odds @ mwh) for use, mwh in tables.energy_by(books, "use").items()}

    def raised(terms: tuple[Debt, ...] | tuple[Equity, ...]) -> float:
        issued = (words.get(f"issued[{one.name}]") for one in terms)
        return float(sum(odds @ each.sum(axis=1) for each in issued if each is not None))

    def used(kind: str) -> float:
        return sum((mwh for use, mwh in energy.items() if use.startswith(kind)), 0.0)

    found = {
        "objective": solution.objective,
        "per_share": books.objective / problem.market.shares if problem.market.shares else None,
        "expected_npv": books.expected,
        "cvar": books.cvar,
        "p10": quantile(books.value, odds, 0.1),
        "p50": quantile(books.value, odds, 0.5),
        "p90": quantile(books.value, odds, 0.9),
        "irr": returns["irr"].expected[0],
        "cost_of_capital": returns["cost_of_capital"].expected[0],
        "price_gap": None if solution.price is None else solution.price.gap,
        "cost_of_all_capital": returns["cost_of_all_capital"].expected[0],
        "cost_of_debt": returns["cost_of_debt"].expected[0],
        "debt_to_equity": returns["debt_to_equity"].expected[0],
        "relevered": returns["relevered"].expected[0],
        "dilution": dilution(solution),
        "debt_raised": raised(problem.debts),
        "equity_raised": raised(problem.equities),
        "peak_debt": figures["peak_debt"],
        "leverage": returns["net_debt_to_ebitda_max"].expected[0],
        "coverage": returns["dscr_min"].expected[0],
        "liquidity_low": float(words["liquidity"].min()),
        "breach": befalls.breach,
        "distress": befalls.rescue,
        "missed": befalls.missed,
        "under_water": befalls.under_water,
        "after_horizon": float(odds @ solution.finance.horizon_end.present),
        "capex": figures["capex"],
        "ai_mw": figures["final_ai_mw"],
        "mining_mw": figures["final_rigs_mw"],
        "hashrate": figures["final_hashrate_phs"],
        "ai_mwh": used("ai:"),
        "mining_mwh": used("rig:"),
        "sold_mwh": used("sell:"),
    }
    return {one.key: None if found[one.key] is None else float(found[one.key]) for one in MEASURES}  # type: ignore[arg-type]


def quantile(values: Sequence[float] | Array, odds: Sequence[float] | Array, share: float) -> float:
    """The least value that a plan falls short of, or meets, with at least this probability: values (S,), odds (S,) that sum to 1."""
    reached = 0.0
    order = sorted(range(len(values)), key=lambda n: (values[n], n))
    for n in order:
        reached += odds[n]
        if reached >= share - 1e-12:
            return float(values[n])
    return float(values[order[-1]])


def dilution(solution: Solution) -> float | None:
    """Share of the company that shares sold and convertibles hold at the horizon, in expectation, at each scenario's own share price.

    Convertibles count where the price is above their strike, less what their capped calls bring back. None without a share count.
    """
    import numpy as np

    from models.finance.cap_table import MULTIPLES

    if not solution.problem.market.shares:
        return None
    old = solution.finance.conversion["old_share"][:, MULTIPLES.index(1.0)]
    return float(solution.problem.scenarios.probability @ (1.0 - np.where(np.isfinite(old), old, 1.0)))
