"""Statements tie whatever is decided: random cash-rich companies, random instruments, random decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decisions import Decisions, SiteDispatch
from models.problem import Block, Call, Conversion, Debt, Depreciation, InterestLimit, Payments, Problem
from models.proforma.keep import keep_books
from tests.shared.tiny import debt_of, equity_of, expansion_of, hourly, idle, rig_of, service_of, site_of, stream, tiny

TIES = {
    "balance sheet balances",
    "cash rolls",
    "cash opens",
    "coins roll with what is retained",
    "coins are carried at fair value",
    "cash margin is revenue less costs less retained coins",
    "debt rolls",
    "interest due rolls",
    "terminal debt is at least what is owed",
    "ledger adds up to value",
    "debt is zero at maturity",
    "debt matures after it is issued",
}


def random_debt(problem: Problem, rng: np.random.Generator, number: int) -> Debt:
    """Any fixed strip, half of them existing already, some beyond the horizon."""
    clock, s = problem.clock, problem.scenarios.count
    horizon = int(clock.date_month[-1])
    kind = str(rng.choice(["notes", "loan", "convertible"]))
    amortisation = str(rng.choice(["bullet", "level", "annuity", "given", "after_completion"]))
    end: dict[str, int] = {"maturity": horizon + int(rng.integers(1, 30))}
    if rng.random() < 0.5:
        end = {"tenor": int(rng.integers(1, horizon + 20))}
    existing = float(rng.random() < 0.5) * 500.0
    if existing and "tenor" in end:
        end["tenor"] += 10  # still alive at date 0
    terms: dict[str, Any] = {
        "rate": rng.uniform(0.0, 0.15, (s, clock.periods)),
        "price": rng.uniform(0.9, 1.02),
        "fee": rng.uniform(0.0, 0.04),
        "pik": rng.uniform(),
        "pik_months": int(rng.integers(0, 40)),
        "frequency": int(rng.choice([0, 1, 3, 5, 6, 12])),
        "grace": int(rng.integers(0, 20)),
        "balloon": rng.uniform(0.0, 0.8),
        "given": tuple((int(m), float(rng.uniform(0, 0.4))) for m in rng.integers(0, 50, 3)),
        "completion": rng.integers(0, horizon, s),
        "existing": existing,
        "existing_month": -int(rng.integers(0, 10)),
        "put": (int(rng.integers(1, horizon + 5)), rng.uniform(1.0, 1.1)) if rng.random() < 0.4 else None,
    }
    if kind == "convertible":
        cap = 1.0 if rng.random() < 0.5 else None
        price = 12.0 if existing else None
        terms["conversion"] = Conversion(rng.uniform(0.1, 0.5), 0.1 if cap else 0.0, cap, price)
    elif rng.random() < 0.6:
        terms["call"] = Call(((int(rng.integers(0, 20)), 1.05), (30, 1.01)))
    return debt_of(problem, f"debt{number}", kind, amortisation=amortisation, **(terms | end))


def random_plan(seed: int) -> tuple[Problem, Decisions]:
    """A company with a site, rigs, AI and debts, and decisions that need not be feasible but are well formed."""
    rng = np.random.default_rng(seed)
    periods, s = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    months = rng.choice([1, 3, 6, 12], periods) if rng.random() < 0.5 else int(rng.choice([1, 3, 6, 12]))
    d = periods + 1
    problem = tiny(
        periods, months, s, hours=4, start_month=2026 * 12 + int(rng.integers(0, 12)), cash=1e9, coins=20.0,
        cash_yield=rng.uniform(0.0, 0.05, (s, periods)), retain=rng.uniform(size=periods), coin_fee=0.01,
        rescue_penalty=1.0, btc_price=rng.uniform(3e4, 2e5, (s, d)), hashprice=rng.uniform(20, 80, (s, periods)),
        share_price=rng.uniform(5.0, 40.0, (s, d)), tax_rate=0.21 if rng.random() < 0.8 else None, nol=1e6,
        overhead=1e5, weight=0.3, opening_ppe=1e6, opening_ppe_months=int(rng.choice([0, 30])),
    )  # fmt: skip
    if problem.tax is not None and rng.random() < 0.5:
        problem = replace(problem, tax=replace(problem.tax, interest_limit=InterestLimit(0.3, rng.random() < 0.5, 1)))
    wear = Depreciation("macrs", table=(0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576), bonus=rng.uniform(), book_months=30)
    blocks = (Block("ppa", np.full(periods, 5.0), np.full((s, periods), 35.0), True, 1.0),)
    site = site_of(
        problem, price=rng.uniform(-10, 200, 4), adder=3.0, delay=rng.integers(0, 2, s), blocks=blocks,
        build_ai=expansion_of(problem, lead=1, depreciation=wear), expand=expansion_of(problem, lead=1),
    )  # fmt: skip
    problem = replace(problem, sites=(site,))
    rig = rig_of(problem, owned=np.array([30.0]), lead=1, payments=Payments(((0, 0.3), (1, 0.7))), depreciation=wear)
    services = (
        service_of(problem, ramp=(0.5,), escalator=0.02, penalty=np.full((s, periods), 9.0), demand=hourly(problem, 0.7)),
        service_of(problem, "cloud", "cloud", rate=90.0, reimbursed=None, equipment=np.full((s, d), 100.0)),
    )
    debts = [random_debt(problem, rng, k) for k in range(int(rng.integers(0, 4)))]
    debts.append(debt_of(problem, "sculpted", "loan", amortisation="as_cash_allows", fee=0.02, maturity=200))
    debts.append(debt_of(problem, "line", "revolver", tenor=300, fee=0.01, commitment=0.01, limit=2000.0))
    equities = (equity_of(problem, "owners"), equity_of(problem, "atm", holders="new", discount=0.05, fee=0.03))
    flows = (stream(problem, rng.uniform(-1e6, 3e6, d)), stream(problem, 5.0, "other", operating=False, taxable=False))
    problem = replace(problem, rigs=(rig,), services=services, debts=tuple(debts), equities=equities, cash_flows=flows)

    def amounts(scale: float) -> Any:
        return np.where(rng.random((s, d)) < 0.5, rng.uniform(0.0, scale, (s, d)), 0.0)

    issued, called = {}, {}
    for debt in debts:
        if not debt.is_strip:
            issued[debt.name] = amounts(1000.0) if debt.kind != "revolver" else np.zeros((s, d))
            continue
        face = issued[debt.name] = amounts(1000.0)
        if debt.call is not None:
            when = rng.random((s, d, d)) < 0.2
            called[debt.name] = when * face[:, :, None] * rng.uniform(0, 1 / d, (s, d, d)) * np.tri(d, k=-1).T
            if debt.existing:
                called[f"{debt.name}@existing"] = amounts(debt.existing / d)
    issued |= {"owners": amounts(1e4), "atm": amounts(1e4)}
    dispatch = {}
    for k in range(s):
        for t in range(periods):
            x = rng.uniform(0, 5, (5, 4))
            x[2] = np.minimum(x[2], 5.0)
            uses = {"rig:rig": x[0], "ai:tenant": x[1], "ai:cloud": x[2], "sell:ppa": x[3]}
            block = np.minimum(x[:4].sum(axis=0), 5.0)
            dispatch["home", k, t] = SiteDispatch(uses, {"block:ppa": block, "grid": x[:4].sum(axis=0) - block})
    decisions = idle(
        problem, sold=amounts(1.0), dividends=amounts(1e5), rescue=amounts(1e3), issued=issued, called=called,
        orders={("rig", "home"): amounts(3.0)}, retired={("rig", "home"): amounts(3.0)},
        built={("home", "build_ai"): amounts(5.0), ("home", "expand"): amounts(5.0)},
        signed={("tenant", "home"): amounts(5.0), ("cloud", "home"): amounts(2.0)},
        repaid={"sculpted": amounts(100.0)}, balance={"line": amounts(2000.0)}, dispatch=dispatch,
    )  # fmt: skip
    return problem, decisions


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_statements_tie_at_random(seed: int) -> None:
    problem, decisions = random_plan(seed)
    books = keep_books(problem, decisions)
    found = {check.name: check for check in books.checks}
    assert found.keys() >= TIES - {"debt matures after it is issued", "debt is zero at maturity"}
    assert {name: check for name, check in found.items() if name in TIES and not check.relative <= 1e-9} == {}
    sheet, flow, income = books.balance_sheet, books.cash_flow, books.income
    gap = sheet["total_assets"] - sheet["total_liabilities"] - sheet["total_equity"]
    assert np.max(np.abs(gap)) <= 1e-9 * np.max(np.abs(sheet["total_assets"]))
    assert np.allclose(flow["closing_cash"][:, :-1], flow["opening_cash"][:, 1:], rtol=1e-12)
    assert np.allclose(np.cumsum(income["net_income"], axis=1), sheet["retained_earnings"], rtol=1e-12, atol=1e-6)
    assert all(np.all(np.isfinite(line)) for line in books.words.values())
    assert np.isclose(books.expected, problem.scenarios.probability @ books.value, rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_debt_alone_pays_what_its_yield_says(seed: int) -> None:
    """Cash of a vintage discounted at its own coupon is its face: no fee, put or call, whatever its repayment."""
    rng = np.random.default_rng(seed)
    problem = tiny(8, months=6)
    rate = float(rng.uniform(0.0, 0.2))
    amortisation = str(rng.choice(["bullet", "level", "annuity", "given", "after_completion"]))
    debt = debt_of(
        problem, rate=rate, frequency=6, amortisation=amortisation, pik=rng.uniform(), pik_months=18,
        grace=int(rng.integers(0, 30)), balloon=rng.uniform(), given=((13, 0.3), (30, 0.9)), completion=np.array([20]),
    )  # fmt: skip
    issued = np.zeros((1, 9))
    issued[0, int(rng.integers(0, 4))] = 1000.0
    books = keep_books(replace(problem, debts=(debt,)), idle(problem, issued={"notes": issued}))
    cash = books.cash_flow["debt_issued"] + books.cash_flow["interest"] + books.cash_flow["principal"]
    assert abs(float(cash[0] @ (1.0 + rate / 2) ** -np.arange(9.0))) <= 1e-9 * 1000.0
