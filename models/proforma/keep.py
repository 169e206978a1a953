"""The independent pro forma: the second of two books.

`keep_books` walks a plan's decisions period by period and recomputes every line by rule: no Pyomo, no solver,
no strips per 1 USD of face. Its objective must equal that of the linear program, its balance sheet balance, its cash
tie, its debt roll to zero.

Signs: income statement lines are positive as named (costs positive as costs); cash-flow lines are receipts (payments
negative) and sum to `change`; balance-sheet lines are positive as assets, liabilities or equity, contra lines negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from models.decisions import Decisions
from models.problem import Array, Problem
from models.proforma.assets import CAPEX, Assets, decided, keep_assets
from models.proforma.books import Books
from models.proforma.calendar import calendar
from models.proforma.checks import Checklist
from models.proforma.debt import Liabilities, keep_debts
from models.proforma.feasibility import check_decisions, check_dividends
from models.proforma.holders import check_holders
from models.proforma.own_rates import own_rates
from models.proforma.power import COSTS, REVENUES, Power, keep_power
from models.proforma.sizes import turnover, word_sizes
from models.proforma.tax import TaxReturns
from models.proforma.terms import discount_factors
from models.proforma.words import OPERATING, at_period_ends, check_rules, keep_words
from models.proforma.yearly_limits import check_limits, keep_charges

__all__ = ["cvar", "keep_books"]


def keep_books(problem: Problem, decisions: Decisions) -> Books:
    """The books of one plan, every line by rule, with the checks that tie them."""
    checks = Checklist(problem)
    assets = keep_assets(problem, decisions)
    power = keep_power(problem, decisions, assets, checks)
    debts = keep_debts(problem, decisions, checks)
    coins = _coins(problem, decisions, power)
    income = _income_before_tax(problem, decisions, assets, power, debts, coins)
    flows = _cash_lines(problem, decisions, assets, power, debts, income)
    returns = _roll_cash(problem, assets, debts, income, flows)
    sheet = _balance_sheet(problem, decisions, assets, debts, coins, income, flows)
    ledger = _ledger(problem, decisions, assets, debts, coins, sheet)
    if problem.objective.rates is not None:
        ledger["own_rates"] = own_rates(problem, decisions, flows, power, debts, ledger)
    words = keep_words(problem, decisions, assets, power, debts, income, sheet, coins)
    kept = at_period_ends(power.total("kept"))
    sizes = word_sizes(problem, words, income, flows, assets, debts, kept, decisions.sold, OPERATING)
    moved = turnover(flows, sheet)
    checks.measure_money_by(moved)

    value = sum(ledger.values(), np.zeros_like(coins)) @ discount_factors(problem)
    probability, aim = problem.scenarios.probability, problem.objective
    expected = float(probability @ value)
    tail_mean, var = cvar(value, probability, aim.tail)
    books = Books(
        words=words,
        income=income,
        cash_flow=flows,
        balance_sheet=sheet,
        schedules=debts.schedules,
        tax=returns.lines,
        ledger=ledger,
        power=power.lines,
        value=value,
        expected=expected,
        var=var,
        cvar=tail_mean,
        objective=(1.0 - aim.weight) * expected + aim.weight * tail_mean,
        checks=(),
        plant=_plant(assets),
        convertibles=tuple(debts.convertibles),
        sizes=sizes,
        moved=moved,
    )
    _check_statements(problem, books, debts, coins, power, decisions, checks)
    check_holders(problem, decisions, books, checks)
    check_decisions(problem, decisions, assets, debts, books, checks)
    check_limits(problem, decisions, power, checks)
    check_rules(problem, decisions, words, sizes, checks)
    check_dividends(problem, decisions, sheet["retained_earnings"], checks)
    object.__setattr__(books, "checks", checks.result())
    return books


def _plant(assets: Assets) -> dict[str, Array]:
    """Cost placed in service and its depreciation by kind of asset, (S, D) USD."""
    plant = {f"in_service[{kind}]": cost for kind, cost in assets.in_service.items() if kind != "options"}
    return plant | {f"depreciation[{kind}]": at_period_ends(wear) for kind, wear in assets.worn.items() if kind != "options"}


def cvar(values: ArrayLike, probability: ArrayLike, tail: float) -> tuple[float, float]:
    """(CVaR, VaR) of the lower tail of mass `tail`, by sorting.

    CVaR = max over q of  q - sum p max(q - V, 0) / tail;      VaR = the smallest maximising q
    """
    v, p = np.asarray(values, dtype=float), np.asarray(probability, dtype=float)
    if not 0.0 < tail <= 1.0:
        raise ValueError(f"the tail is a probability mass in (0, 1]. Currently it is {tail}.")
    order = np.argsort(v, kind="stable")
    v, p = v[order], p[order]
    # Tail masses like 0.1 + 0.2 are not exact: a mass that is reached up to rounding is reached.
    mass = np.cumsum(p)
    at = min(int(np.searchsorted(mass, tail * (1.0 - 1e-12), side="left")), len(v) - 1)
    var = float(v[at])
    return var - float(p @ np.maximum(var - v, 0.0)) / tail, var


def risk_adjusted(problem: Problem, values: Array) -> float:
    """USD: the objective of values (S,): (1 - weight) * expected value + weight * CVaR."""
    odds, aim = problem.scenarios.probability, problem.objective
    return (1.0 - aim.weight) * float(odds @ values) + aim.weight * cvar(values, odds, aim.tail)[0]


def _coins(problem: Problem, decisions: Decisions, power: Power) -> Array:
    """(S, D) BTC held after each date."""
    kept = at_period_ends(power.total("kept"))
    return problem.treasury.coins + np.cumsum(kept - decisions.sold, axis=1)


def _given(problem: Problem, operating: bool, taxable_only: bool = False) -> Array:
    """(S, D) USD of given streams."""
    total = np.zeros((problem.scenarios.count, problem.clock.dates))
    for flow in problem.cash_flows:
        if flow.operating == operating and (flow.taxable or not taxable_only):
            total = total + flow.amount
    return total


def _projects(problem: Problem, decisions: Decisions, taxable_only: bool = False) -> Array:
    """(S, D) USD received from projects."""
    total = np.zeros((problem.scenarios.count, problem.clock.dates))
    for project in problem.projects:
        if project.taxable or not taxable_only:
            units = decided(decisions.units, project.name, problem)
            total = total + np.einsum("sd,sde->se", units, project.cash)
    return total


def _income_before_tax(
    problem: Problem, decisions: Decisions, assets: Assets, power: Power, debts: Liabilities, coins: Array
) -> dict[str, Array]:
    """Income statement; cash_yield, tax and what follows from them are filled by `_roll_cash`."""
    market, treasury = problem.market, problem.treasury
    sites = {name: at_period_ends(power.total(name)) for name in (*REVENUES, *COSTS)}
    income: dict[str, Array] = {
        "mining_revenue": sites["mining_revenue"],
        "ai_rent": at_period_ends(assets.rent),
    }
    income |= {name: sites[name] for name in REVENUES if name != "mining_revenue"}
    income["revenue"] = _sum(list(income.values()))
    income |= {name: sites[name] for name in COSTS}
    income["excess_charges"] = keep_charges(problem, decisions)
    income["fixed_costs"] = at_period_ends(assets.fixed_costs)
    income["overhead"] = at_period_ends(problem.overhead * calendar(problem.clock).years)
    spent = _sum([income[name] for name in (*COSTS, "excess_charges", "fixed_costs", "overhead")])
    income["operating_cash_flows"] = _given(problem, operating=True)
    income["ebitda"] = income["revenue"] - spent + income["operating_cash_flows"]
    income["other_cash_flows"] = _given(problem, operating=False) + _projects(problem, decisions)
    income["resale"] = assets.resale
    price, mean = market.btc_price, market.btc_price_mean
    gain = coins[:, :-1] * np.diff(price, axis=1) + power.total("kept") * (price[:, 1:] - mean)
    income["coin_gains"] = at_period_ends(gain) - treasury.coin_fee * price * decisions.sold
    income["depreciation"] = at_period_ends(assets.book_depreciation)
    income["option_fees"] = assets.capex["options"]
    income["interest_expense"] = debts.total("interest_accrued") + debts.total("commitment_accrued")
    income["fee_amortisation"] = debts.total("effective_amortisation") + debts.total("written_off")
    income["redemption_premium"] = debts.total("call_premium") + debts.total("put_premium")
    zero = np.zeros_like(coins)
    income |= {"cash_yield": zero, "pretax_income": zero, "tax": zero, "net_income": zero}
    return income


def _cash_lines(
    problem: Problem,
    decisions: Decisions,
    assets: Assets,
    power: Power,
    debts: Liabilities,
    income: dict[str, Array],
) -> dict[str, Array]:
    """Cash flow statement without yield, tax and balances, which `_roll_cash` fills."""
    zero = np.zeros_like(income["ebitda"])
    flows: dict[str, Array] = {"opening_cash": zero}
    flows["cash_margin"] = at_period_ends(power.total("cash_margin"))
    flows["ai_rent"] = income["ai_rent"]
    flows["excess_charges"] = -income["excess_charges"]
    flows["fixed_costs"] = -income["fixed_costs"]
    flows["overhead"] = -income["overhead"]
    flows["operating_cash_flows"] = income["operating_cash_flows"]
    flows["other_cash_flows"] = income["other_cash_flows"]
    flows |= {f"capex_{kind}": -assets.capex[kind] for kind in CAPEX}
    flows["resale"] = assets.resale
    flows["coin_sales"] = (1.0 - problem.treasury.coin_fee) * problem.market.btc_price * decisions.sold
    revolvers = [d.name for d in problem.debts if d.kind == "revolver"]
    others = [d.name for d in problem.debts if d.kind != "revolver"]
    flows["debt_issued"] = _sum([debts.of(name, "proceeds") for name in others], zero)
    flows["interest"] = -debts.total("interest_paid")
    flows["principal"] = -_sum([debts.of(k, "principal") + debts.of(k, "redeemed") for k in others], zero)
    flows["calls"] = -debts.total("called") - debts.total("call_premium")
    flows["puts"] = -debts.total("put") - debts.total("put_premium")
    flows["revolver"] = _sum([debts.of(k, "proceeds") - debts.of(k, "principal") for k in revolvers], zero)
    flows["capped_calls"] = -debts.total("capped_call_cost")
    equity = [(1.0 - e.fee) * decided(decisions.issued, e.name, problem) for e in problem.equities]
    flows["equity"] = _sum(equity, zero)
    flows["dividends"] = -decisions.dividends
    flows["rescue"] = decisions.rescue + 0.0
    flows |= {"tax": zero, "cash_yield": zero, "change": zero, "closing_cash": zero}
    # What is taxed but is not the line of that name (streams and projects that are exempt) is settled in `_roll_cash`.
    exempt = income["operating_cash_flows"] + income["other_cash_flows"]
    exempt = exempt - _given(problem, True, True) - _given(problem, False, True)
    income["exempt"] = exempt - _projects(problem, decisions, taxable_only=True)
    return flows


def _sum(parts: Sequence[Array], zero: Array | float = 0.0) -> Array:
    """Sum of arrays (zero if there are none)."""
    total = zero + 0.0
    for part in parts:
        total = total + part
    return np.asarray(total)


def _roll_cash(
    problem: Problem, assets: Assets, debts: Liabilities, income: dict[str, Array], flows: dict[str, Array]
) -> TaxReturns:
    """Walk the dates: yield on the cash before, then the year's tax at its last date. Fills income and flows."""
    months, treasury = calendar(problem.clock), problem.treasury
    returns = TaxReturns(problem, assets.tax_depreciation)
    exempt = income.pop("exempt")
    profit = income["ebitda"] + income["other_cash_flows"] + income["resale"] + income["coin_gains"] - exempt
    issue_costs = debts.total("amortisation") + income["redemption_premium"]
    year_of = months.year_of_date
    before = _sum([line for name, line in flows.items() if name not in ("opening_cash", "change", "closing_cash")])
    scenarios = problem.scenarios.count
    opening, closing, gain, tax = (np.zeros((scenarios, problem.clock.dates)) for _ in range(4))
    cash = np.full(scenarios, float(treasury.cash))
    for d in range(problem.clock.dates):
        opening[:, d] = cash
        if d > 0:
            gain[:, d] = cash * treasury.cash_yield[:, d - 1] * months.years[d - 1]
        year = int(year_of[d])
        if d == months.year_ends[year]:
            days = year_of == year
            earned = (profit + gain)[:, days].sum(axis=1)
            interest = income["interest_expense"][:, days].sum(axis=1)
            tax[:, d] = returns.file(year, earned, interest, issue_costs[:, days].sum(axis=1))
        cash = cash + gain[:, d] + before[:, d] - tax[:, d]
        closing[:, d] = cash
    income["cash_yield"], income["tax"] = gain, tax
    flows["opening_cash"], flows["closing_cash"] = opening, closing
    flows["cash_yield"], flows["tax"] = gain, -tax
    movements = [line for name, line in flows.items() if name not in ("opening_cash", "change", "closing_cash")]
    flows["change"] = _sum(movements)
    added = ("ebitda", "other_cash_flows", "resale", "coin_gains", "cash_yield")
    taken = ("depreciation", "option_fees", "interest_expense", "fee_amortisation", "redemption_premium")
    income["pretax_income"] = _sum([income[k] for k in added]) - _sum([income[k] for k in taken])
    income["net_income"] = income["pretax_income"] - tax
    return returns


def _balance_sheet(
    problem: Problem,
    decisions: Decisions,
    assets: Assets,
    debts: Liabilities,
    coins: Array,
    income: dict[str, Array],
    flows: dict[str, Array],
) -> dict[str, Array]:
    """Stocks after each date. Equity opens as a plug, once, before the decisions of date 0."""
    zero = np.zeros_like(coins)
    sheet: dict[str, Array] = {"cash": flows["closing_cash"], "coins": problem.market.btc_price * coins}
    paid = _sum([assets.capex[kind] for kind in CAPEX if kind != "options"])
    sheet["ppe_net"] = problem.opening_ppe + np.cumsum(paid - income["depreciation"], axis=1)
    sheet["total_assets"] = sheet["cash"] + sheet["coins"] + sheet["ppe_net"]
    sheet["debt"] = debts.total("closing")
    sheet["interest_due"] = debts.total("interest_due")
    sheet["unamortised_issue_costs"] = -debts.total("effective_unamortised")
    sheet["total_liabilities"] = sheet["debt"] + sheet["interest_due"] + sheet["unamortised_issue_costs"]
    treasury = problem.treasury
    owned = treasury.cash + treasury.coins * problem.market.btc_price[:, 0] + problem.opening_ppe
    owed = sum((due for due in debts.opening_due.values()), zero[:, 0]) + sum(d.existing for d in problem.debts)
    sheet["opening_equity"] = zero + (owned - owed)[:, None]
    sheet["paid_in"] = np.cumsum(flows["equity"] + flows["rescue"], axis=1)
    sheet["capped_call_cost"] = np.cumsum(flows["capped_calls"], axis=1)
    sheet["converted"] = np.cumsum(debts.total("converted"), axis=1)
    sheet["dividends"] = -np.cumsum(decisions.dividends, axis=1)
    sheet["retained_earnings"] = np.cumsum(income["net_income"], axis=1)
    parts = ("opening_equity", "paid_in", "capped_call_cost", "converted", "dividends", "retained_earnings")
    sheet["total_equity"] = _sum([sheet[k] for k in parts])
    return sheet


def _ledger(
    problem: Problem,
    decisions: Decisions,
    assets: Assets,
    debts: Liabilities,
    coins: Array,
    sheet: dict[str, Array],
) -> dict[str, Array]:
    """README 12: what the old holders receive and pay, undiscounted, at its date."""
    terminal, zero = problem.terminal, np.zeros_like(coins)
    ledger: dict[str, Array] = {"dividends": decisions.dividends + 0.0}

    def at_end(amount: Array | float) -> Array:
        entry = zero.copy()
        entry[:, -1] = amount
        return entry

    contributions, dilution = zero, np.zeros(len(coins))
    for issue in problem.equities:
        sold = decided(decisions.issued, issue.name, problem)
        if issue.holders == "existing":
            contributions = contributions - sold
        elif np.any(sold):
            prices = problem.market.share_price
            if prices is None:
                raise ValueError(f"equity {issue.name!r} is sold to new holders and needs a share price path")
            shares = sold / (prices * (1.0 - issue.discount))
            dilution = dilution - shares.sum(axis=1) * prices[:, -1]
    ledger["contributions"] = contributions
    ledger["rescue"] = -decisions.rescue
    ledger["rescue_penalty"] = -(problem.treasury.rescue_penalty or 0.0) * decisions.rescue
    breaches = [-(r.penalty or 0.0) * decided(decisions.breach, r.name, problem) for r in problem.rules]
    ledger["soft_rules"] = _sum(breaches, zero)
    ledger["dilution"] = at_end(dilution)
    ledger["conversion"] = debts.conversion
    ledger["capped_call"] = debts.capped_call
    ledger["terminal_cash"] = at_end(sheet["cash"][:, -1])
    ledger["terminal_coins"] = at_end(terminal.coins * problem.market.btc_price[:, -1] * coins[:, -1])
    rigs = np.zeros(len(coins))
    for rig in problem.rigs:
        for (name, _), installed in assets.fleet.items():
            if name == rig.name:
                rigs = rigs + rig.resale[:, -1] * installed[:, -1]
    ledger["terminal_rigs"] = at_end(terminal.rigs * rigs)
    for kind in ("halls", "interconnection", "equipment"):
        ledger[f"terminal_{kind}"] = at_end(getattr(terminal, kind) * assets.ordered[kind].sum(axis=1))
    ledger["terminal_opening_assets"] = at_end(terminal.opening_assets)
    ledger["terminal_contracts"] = at_end(terminal.contracts * assets.contract_value)
    ledger["terminal_debt"] = debts.terminal_debt
    for name, earned in debts.put_earned.items():
        ledger[f"terminal_put[{name}]"] = at_end(-earned)
    return ledger


def _check_statements(
    problem: Problem,
    books: Books,
    debts: Liabilities,
    coins: Array,
    power: Power,
    decisions: Decisions,
    checks: Checklist,
) -> None:
    """The identities that tie the statements with each other."""
    sheet, flows, income = books.balance_sheet, books.cash_flow, books.income
    largest = max(float(np.max(np.abs(line), initial=0.0)) for line in flows.values())
    of_flows = checks.by(largest, checks.usd)
    claims = sheet["total_liabilities"] + sheet["total_equity"]
    of_flows.equal("balance sheet balances", sheet["total_assets"], claims)
    of_flows.equal("cash rolls", flows["opening_cash"] + flows["change"], flows["closing_cash"])
    checks.equal("cash opens", flows["opening_cash"][:, 0], problem.treasury.cash, least=checks.usd)
    of_flows.at_most("cash is not negative", -sheet["cash"], 0.0)
    kept = at_period_ends(problem.treasury.retain * power.total("coins"))
    moved = np.cumsum(kept, axis=1) - np.cumsum(decisions.sold, axis=1)
    checks.equal("coins roll with what is retained", coins, problem.treasury.coins + moved)
    checks.at_most("coins are not negative", -coins, 0.0, scale=float(np.max(np.abs(kept), initial=0.0)))
    price, mean = problem.market.btc_price, problem.market.btc_price_mean
    margin = income["revenue"] - income["ai_rent"] - at_period_ends(mean * power.total("kept"))
    margin = margin - _sum([income[name] for name in COSTS])
    of_flows.equal("cash margin is revenue less costs less retained coins", margin, flows["cash_margin"])
    worth = np.cumsum(at_period_ends(mean * power.total("kept")) + income["coin_gains"] - flows["coin_sales"], axis=1)
    opening = problem.treasury.coins * price[:, :1]
    # coins that come and go again leave the rounding of their worth, not of what is left
    passed = max(float(np.max(np.abs(x), initial=0.0)) for x in (opening, flows["coin_sales"], mean * power.total("kept")))
    checks.equal("coins are carried at fair value", sheet["coins"], opening + worth, scale=passed, least=checks.usd)
    ins, outs = ("issued", "pik"), ("principal", "redeemed", "called", "put", "converted")
    for name, lines in debts.schedules.items():
        rolled = lines["opening"] + _sum([lines[k] for k in ins]) - _sum([lines[k] for k in outs])
        scale = float(np.max(np.abs(lines["issued"]), initial=0.0))
        checks.equal("debt rolls", rolled, lines["closing"], name, scale, least=checks.usd)
        accrued = lines["interest_accrued"] + lines["commitment_accrued"] - lines["interest_paid"] - lines["pik"]
        due = debts.opening_due[name][:, None] + np.cumsum(accrued, axis=1)
        checks.equal("interest due rolls", due, lines["interest_due"], name, scale, least=checks.usd)
    # The same value a second way: from the statements instead of the ledger.
    total = -flows["dividends"] + books.ledger["contributions"] + books.ledger["rescue_penalty"] - flows["rescue"]
    total = total + books.ledger["soft_rules"] + books.ledger["conversion"] + books.ledger["capped_call"]
    if "own_rates" in books.ledger:
        total = total + books.ledger["own_rates"]
    discount = discount_factors(problem)
    value = total @ discount
    end = sheet["cash"][:, -1] + problem.terminal.coins * sheet["coins"][:, -1]
    ends = ("rigs", "halls", "interconnection", "equipment", "opening_assets", "contracts", "debt")
    end = end + _sum([books.ledger[f"terminal_{name}"][:, -1] for name in ends]) + books.ledger["dilution"][:, -1]
    end = end - sum(debts.put_earned.values(), np.zeros(len(coins)))
    value = value + end * discount[-1]
    owed = -(sheet["debt"] + sheet["interest_due"])[:, -1]
    floor = np.where(books.ledger["terminal_debt"][:, -1] > owed, books.ledger["terminal_debt"][:, -1] - owed, 0.0)
    checks.equal(
        "terminal debt is at least what is owed", floor, 0.0, scale=float(np.max(np.abs(owed), initial=0.0)), least=checks.usd
    )
    scale = max(float(np.max(np.abs(entry @ discount), initial=0.0)) for entry in books.ledger.values())
    checks.equal("ledger adds up to value", value, books.value, scale=scale, least=checks.usd)
