"""Books of energy budgets and emission caps, by hand; and what is not kept or not paid is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.decisions import Decisions, SiteDispatch
from models.problem import Block, Diesel, OwnSource, Problem, YearlyLimit
from models.proforma.books import Books
from models.proforma.keep import keep_books
from tests.shared.tiny import hourly, idle, path, rig_of, site_of, tiny

EXACT = 1e-12
#: hours that each of the two kept hours of a half-year stands for
W = 2190.0


def broken(books: Books) -> dict[str, str]:
    return {check.name: check.where for check in books.checks if not check.relative <= 1e-9}


def limit_of(problem: Problem, amount: Any, price: Any = None, of: str = "use") -> YearlyLimit:
    s, t = problem.scenarios.count, problem.clock.periods
    return YearlyLimit(path(amount, s, t), None if price is None else path(price, s, t), of)


def company(**limits: Any) -> tuple[Problem, Decisions]:
    """Three half-years from July 2026 at two sites. Home: a block that is partly sold back, a sun that is exported, diesel."""
    problem = tiny(3, months=6, hours=2, start_month=2026 * 12 + 6, tax_rate=0.2)
    block = Block("ppa", np.full(3, 10.0), path(30.0, 1, 3), sell_back=True, emissions=0.4)
    sun = OwnSource("sun", np.full(3, 6.0), hourly(problem, 1.0), path(3.0, 1, 3), export=True, emissions=0.05)
    home = site_of(
        problem, blocks=(block,), own=(sun,), diesel=Diesel("diesel", np.full(3, 5.0), path(200.0, 1, 3), emissions=0.8)
    )
    home = replace(home, grid=replace(home.grid, emissions=hourly(problem, [0.2, 0.5])))
    problem = replace(problem, sites=(home, site_of(problem, "away", price=[50.0, 60.0])))
    problem = replace(problem, rigs=(rig_of(problem, owned=np.array([40.0, 20.0])),))
    here = {name: terms for name, terms in limits.items() if name in ("energy_budget", "emission_cap")}
    whole = {name.removeprefix("whole_"): terms for name, terms in limits.items() if name not in here}
    problem = replace(problem, sites=(replace(home, **here), problem.sites[1]), **whole)
    uses = {"rig:rig": [40.0, 20.0], "sell:ppa": [4.0, 0.0], "sell:sun": [0.0, 6.0]}
    sources = {"grid": [28.0, 9.0], "block:ppa": [10.0, 10.0], "own:sun": [6.0, 6.0], "diesel": [0.0, 1.0]}
    dispatch = {}
    for t in range(3):
        dispatch["home", 0, t] = SiteDispatch(
            {k: np.array(v) for k, v in uses.items()}, {k: np.array(v) for k, v in sources.items()}
        )
        dispatch["away", 0, t] = SiteDispatch({"rig:rig": np.full(2, 20.0)}, {"grid": np.full(2, 20.0)})
    return problem, idle(problem, dispatch=dispatch)


#: of one half-year
EMITTED = (0.2 * 28.0 + 0.5 * 9.0 + 0.4 * 20.0 + 0.05 * 12.0 + 0.8 * 1.0) * W
USED_HOME, USED = 60.0 * W, 100.0 * W
BOUGHT_HOME, BOUGHT = 37.0 * W, 77.0 * W


def test_what_sites_measure() -> None:
    """What is sold back or exported has been emitted; it is neither used nor bought."""
    books = keep_books(*company())
    assert broken(books) == {}
    for word, amount in {
        "emissions_t": EMITTED, "emissions_t[home]": EMITTED, "emissions_t[away]": 0.0, "energy_mwh": USED,
        "energy_mwh[home]": USED_HOME, "energy_mwh[away]": USED - USED_HOME, "grid_mwh": BOUGHT, "grid_mwh[home]": BOUGHT_HOME,
        "grid_mwh[away]": BOUGHT - BOUGHT_HOME,
    }.items():  # fmt: skip
        assert books.words[word][0] == pytest.approx([0.0, amount, amount, amount], rel=EXACT), word


def test_what_is_above_soft_limits_is_an_expense_of_the_last_date_of_the_year() -> None:
    """2026 has one half-year, settled at date 1; 2027 two, settled at date 3, at the mean of their prices."""
    bare, decisions = company()
    cap = limit_of(bare, [2 * 30e3, 20e3, 40e3], [10.0, 20.0, 40.0])
    problem, decisions = company(emission_cap=cap, whole_energy_budget=limit_of(bare, 300e3, 5.0, "grid"))
    above = {("emission_cap", "home"): np.array([[EMITTED - 30e3, 2 * EMITTED - 30e3]])}
    above["energy_budget", "(company)"] = np.array([[BOUGHT - 150e3, 2 * BOUGHT - 300e3]])
    books = keep_books(problem, replace(decisions, exceeded=above))
    assert broken(books) == {}
    first = 10.0 * (EMITTED - 30e3) + 5.0 * (BOUGHT - 150e3)
    second = 30.0 * (2 * EMITTED - 30e3) + 5.0 * (2 * BOUGHT - 300e3)
    paid = np.array([0.0, first, 0.0, second])
    assert first > 1e4 and second > 1e4
    before = keep_books(bare, decisions)
    assert books.income["excess_charges"][0] == pytest.approx(paid, rel=EXACT)
    assert books.cash_flow["excess_charges"][0] == pytest.approx(-paid, rel=EXACT)
    for word in ("ebitda", "cfads"):
        tax = books.words["tax"] - before.words["tax"] if word == "cfads" else 0.0
        assert books.words[word][0] == pytest.approx((before.words[word] - tax)[0] - paid, rel=1e-9), word
    assert books.words["revenue"][0] == pytest.approx(before.words["revenue"][0], rel=EXACT)
    deducted = (before.words["tax"] - books.words["tax"])[0]
    assert deducted[1] == pytest.approx(0.2 * first, rel=1e-9) and deducted[3] == pytest.approx(0.2 * second, rel=1e-9)


@pytest.mark.parametrize(
    ("family", "of", "most"),
    [("emission_cap", "use", EMITTED), ("energy_budget", "use", USED_HOME), ("energy_budget", "grid", BOUGHT_HOME)],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_hard_limit_that_is_not_kept_is_found(family: str, of: str, most: float, whole: bool) -> None:
    """An amount by the year, of which a half-year has half: kept to the last MWh, and missed by one in a thousand."""
    bare, _ = company()
    if whole:
        most = {USED_HOME: USED, BOUGHT_HOME: BOUGHT}.get(most, most)
    name = "emission caps hold" if family == "emission_cap" else "energy budgets hold"
    key = f"whole_{family}" if whole else family
    assert broken(keep_books(*company(**{key: limit_of(bare, 2 * most, None, of)}))) == {}
    found = broken(keep_books(*company(**{key: limit_of(bare, [2 * most, 2 * most, 1.998 * most], None, of)})))
    assert found == {name: f"s0, date 1, {'(company)' if whole else 'home'}"}


def test_an_excess_that_is_not_paid_for_is_found() -> None:
    bare, decisions = company()
    problem, _ = company(emission_cap=limit_of(bare, 0.0, 10.0))
    key = ("emission_cap", "home")
    whole = np.array([[EMITTED, 2 * EMITTED]])
    assert broken(keep_books(problem, replace(decisions, exceeded={key: whole}))) == {}
    for wrong in ({}, {key: 0.999 * whole}):
        assert "emission caps: what is above is paid for" in broken(keep_books(problem, replace(decisions, exceeded=wrong)))
    negative = {key: whole * np.array([1.0, -1.0])}
    assert "decisions are not negative" in broken(keep_books(problem, replace(decisions, exceeded=negative)))


def test_an_excess_over_what_has_no_price_is_found() -> None:
    bare, decisions = company()
    problem, _ = company(emission_cap=limit_of(bare, 1e9))
    for key in (("emission_cap", "home"), ("energy_budget", "home"), ("emission_cap", "nowhere")):
        found = broken(keep_books(problem, replace(decisions, exceeded={key: np.array([[1.0, 0.0]])})))
        assert {"decisions are about what exists", "decisions inside their windows"} <= found.keys(), key
