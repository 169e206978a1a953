"""A fixed plan under other inputs: the books of the same decisions kept anew on a changed problem, and the workbook beside them.

This is what 're-evaluating the fixed plan' means: every decision and every hour of the dispatch stays, `keep_books` walks them through the
changed problem, and the statements are made of those books. Nothing adjusts; cash may become negative.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from models.decisions import Decisions
from models.finance import FinanceStatements, finance_statements
from models.finance.returns import Measure
from models.problem import Expansion, Hourly, Problem, Site, Tax
from models.proforma.keep import keep_books
from tests.optimizer.results.workbook.evaluator import Engine

#: figures that large ones cancel to: dollars and shares, where a double has no more digits
CENTS = 1e-4
#: rates of return, per year: what the search of the program stops at
RATES = 1e-9


def again(problem: Problem, decisions: Decisions) -> FinanceStatements:
    """Statements of the plan's decisions under a problem."""
    books = keep_books(problem, decisions)
    return finance_statements(SimpleNamespace(problem=problem, decisions=decisions, books=books, covenants=(), certificate=None))  # type: ignore[arg-type]


def changed(problem: Problem, inputs: dict[str, float]) -> Problem:
    """The problem with other inputs, by their keys in the workbook."""
    for key in sorted(inputs, key=lambda key: key.startswith("factor/")):  # factors apply to terms, whichever was typed first
        problem = _changed(problem, key.split("/"), inputs[key])
    return problem


def _times(hours: Hourly, f: float) -> Hourly:
    return replace(hours, factor=hours.factor * f, shift=hours.shift * f)


def _costs(site: Site, f: float) -> Site:
    kinds = {kind: getattr(site, kind) for kind in ("expand", "build_mining", "build_ai", "convert", "store")}
    return replace(site, **{kind: replace(x, cost=x.cost * f) for kind, x in kinds.items() if isinstance(x, Expansion)})


def _changed(p: Problem, key: list[str], x: float) -> Problem:
    market, treasury = p.market, p.treasury
    match key:
        case ["factor", "btc"]:
            prices = {name: getattr(market, name) * x for name in ("btc_price", "btc_price_mean", "hashprice")}
            return replace(p, market=replace(market, **prices))
        case ["factor", "hash"]:
            return replace(p, market=replace(market, hashprice=market.hashprice * x))
        case ["factor", "share"]:
            assert market.share_price is not None
            return replace(p, market=replace(market, share_price=market.share_price * x))
        case ["factor", "power"]:
            sites = [s if s.grid is None else replace(s, grid=replace(s.grid, price=_times(s.grid.price, x))) for s in p.sites]
            return replace(p, sites=tuple(sites))
        case ["factor", "ai"]:
            return replace(p, services=tuple(replace(j, rate=j.rate * x) for j in p.services))
        case ["factor", "overhead"]:
            return replace(p, overhead=p.overhead * x)
        case ["factor", "coupon"]:
            return replace(p, debts=tuple(replace(d, rate=d.rate + x) for d in p.debts))
        case ["factor", "capex"]:
            services = [j if j.equipment is None else replace(j, equipment=j.equipment * x) for j in p.services]
            rigs = [replace(r, price=r.price * x) for r in p.rigs]
            return replace(p, rigs=tuple(rigs), services=tuple(services), sites=tuple(_costs(s, x) for s in p.sites))
        case ["debt", name, what]:
            return replace(p, debts=tuple(_debt(d, what, x) if d.name == name else d for d in p.debts))
        case ["equity", name, what]:
            return replace(p, equities=tuple(replace(e, **{what: x}) if e.name == name else e for e in p.equities))
        case ["tax", what]:
            none = Tax(rate=0.0, nol=0.0, nol_cap=1.0, existing_depreciation=np.zeros(p.clock.periods))
            return replace(p, tax=replace(p.tax or none, **{what: x}))
        case ["terminal", what]:
            return replace(p, terminal=replace(p.terminal, **{what: x}))
        case ["discount"]:
            return replace(p, objective=replace(p.objective, discount=x))
        case ["cash" | "coins" | "coin_fee" | "rescue_penalty" as what]:
            return replace(p, treasury=replace(treasury, **{what: x}))
        case ["rig", name, what]:
            field = {"variable": "variable_cost", "fixed": "fixed_cost"}.get(what, what)
            return replace(p, rigs=tuple(replace(r, **{field: x}) if r.name == name else r for r in p.rigs))
        case ["ai", name, "escalator"]:
            return replace(p, services=tuple(replace(j, escalator=x) if j.name == name else j for j in p.services))
        case ["ai", name, "ramp", k]:

            def ramped(ramp: tuple[float, ...]) -> tuple[float, ...]:
                return tuple(x if at == int(k) else part for at, part in enumerate(ramp))

            return replace(p, services=tuple(replace(j, ramp=ramped(j.ramp)) if j.name == name else j for j in p.services))
        case ["item", name, "book"]:
            rigs = [replace(r, depreciation=replace(r.depreciation, book_months=int(x))) if r.name == name else r for r in p.rigs]
            return replace(p, rigs=tuple(rigs))
    raise AssertionError(key)


def _debt(debt: Any, what: str, x: float) -> Any:
    match what:
        case "more":
            return replace(debt, rate=debt.rate + x)
        case "coupon":
            return replace(debt, rate=np.full_like(debt.rate, x))
        case "premium":
            return replace(debt, conversion=replace(debt.conversion, premium=x))
        case "cap":
            return replace(debt, conversion=replace(debt.conversion, cap_premium=x))
        case "capped":
            return replace(debt, conversion=replace(debt.conversion, capped_call_cost=x))
        case "put":
            return replace(debt, put=(debt.put[0], x))
        case "existing":
            raise AssertionError("face at the start is a decision of the past: calls are shares of it")
    return replace(debt, **{what: x})


class Layout:
    """Where a workbook has what: read from the column of keys that every sheet has."""

    def __init__(self, cells: dict[str, dict[str, Any]]) -> None:
        self.rows: dict[str, tuple[str, int]] = {}
        self.inputs: dict[str, str] = {}
        for sheet, values in cells.items():
            for place, key in values.items():
                if place[0] == "C" and place[1:].isdigit() and int(place[1:]) > 4 and isinstance(key, str):
                    if sheet == "Inputs":
                        self.inputs[key] = f"D{place[1:]}"
                    else:
                        assert key not in self.rows, key
                        self.rows[key] = sheet, int(place[1:])


def put(engine: Engine, layout: Layout, inputs: dict[str, float]) -> None:
    """Type inputs into the workbook, by their keys."""
    for key, value in inputs.items():
        engine.put("Inputs", layout.inputs[key], value)


def differences(cells: dict[str, dict[str, Any]], layout: Layout, finance: FinanceStatements, s: int) -> tuple[int, list[str]]:
    """(how many figures both hold, those that are not equal) of scenario s."""
    from openpyxl.utils import get_column_letter

    plain = (finance.income, finance.cash_flow, finance.balance_sheet, finance.sources_uses, finance.tax)
    known = {one.name: one for one in (*plain, finance.credit_ratios, finance.cap_table, finance.conversion)}
    known |= {f"debt:{name}": one for name, one in finance.debts.items()}
    measures = {one.key: one for one in finance.returns.measures}
    count, wrong = 0, []
    for key, (sheet, row) in layout.rows.items():
        name, _, line = key.partition("/")
        if name in known:
            values, unit = known[name][line][s], known[name].line(line).unit
        elif name == "returns" and line in measures:
            values, unit = np.array([_figure(measures[line], s)]), measures[line].unit
        elif name == "flows":
            values, unit = getattr(finance.returns, line)[s], "USD"
        elif name == "capital":
            values, unit = finance.returns.capital[line][s], "USD"
        else:
            continue
        for k, theirs in enumerate(values.tolist()):
            place = f"{get_column_letter(4 + k)}{row}"
            mine = cells[sheet].get(place)
            count += 1
            if np.isnan(theirs):
                fine = mine == "n/a"
            else:
                floor = {"USD": CENTS, "shares": CENTS, "per year": RATES}.get(unit, 1e-10)
                fine = isinstance(mine, int | float) and abs(mine - theirs) <= max(floor, 1e-9 * abs(theirs))
            if not fine:
                wrong.append(f"{key} ({sheet}!{place}): {mine} instead of {theirs}")
    return count, wrong


def _figure(one: Measure, s: int) -> float:
    value = one.scenarios[s][0]
    return np.nan if value is None else float(value)
