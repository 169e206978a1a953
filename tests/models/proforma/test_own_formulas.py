"""The two books share no formula: each is right by itself, and an error in one of them alone is found by comparing them.

Every formula of a contract or of the calendar is written twice, `models.problem` for the program and `models.proforma.terms` and
`.calendar` for the books. Here an error is planted in one of the two at a time: the plan must not be passed off as the best one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest

import models.problem
from models.problem import Battery, Call, Clock, Conversion, Debt, Hourly, Problem, Term
from models.proforma import assets, calendar, debt, feasibility, keep, terms
from models.proforma.calendar import Calendar, month_at
from models.proforma.hours import Hours
from models.proforma.keep import keep_books
from models.program import strips
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.shared.random_problems import random_problem
from tests.shared.tiny import clock_of, dates, debt_of, expansion_of, hourly, hours_of, rig_of, service_of, site_of, stream, tiny

#: periods of unequal length, from April: a tax year ends within one of them
MONTHS = [6, 3, 6, 6, 3, 12]


def company(**terms: Any) -> Problem:
    """Three years that earn, pay tax and may pay dividends."""
    problem = tiny(len(MONTHS), MONTHS, start_month=2026 * 12 + 3, cash=40e6, tax_rate=0.21, **terms)
    return replace(problem, cash_flows=(stream(problem, 9e6),))


def borrowing(share_price: Any = None, **terms: Any) -> Problem:
    """The company with 30 MUSD of one debt, which it must issue at date 0."""
    problem = company(share_price=share_price)
    given = {"window": dates(problem, 0), "limit": 30e6, "minimum": 30e6, "fee": 0.02, "frequency": 6, "tenor": 20} | terms
    return replace(problem, debts=(debt_of(problem, **given),))


def converting(*share_price: float, **terms: Any) -> Problem:
    """A convertible at a premium of 30 % with a capped call to 60 % above the share price at issue."""
    given = {"kind": "convertible", "rate": 0.01, "conversion": Conversion(0.3, 0.02, 0.6)} | terms
    return borrowing(list(share_price), **given)


def callable_notes() -> Problem:
    """Dear notes that stand at date 0 and are called as soon as they may be."""
    problem = company()
    notes = debt_of(problem, rate=0.18, limit=30e6, existing=30e6, existing_month=-4, maturity=36, window=np.zeros(7, dtype=bool))
    return replace(problem, debts=(replace(notes, call=Call(((6, 1.03), (15, 1.01)))),))


def storing() -> Problem:
    """Half a battery between cheap and dear hours, and a load."""
    problem = hours_of(tiny(1, 1, hours=4), 4)
    more = expansion_of(problem, cost=1e9, limit=1.0)  # none is ordered at that cost
    site = site_of(problem, gross_ratio=1.0, battery=Battery(4.0, 4.0, 8.0, 0.9, 0.95, 3.0, 0.5, now=2.0), store=more)
    grid = replace(site.grid, price=hourly(problem, [20.0, 25.0, 90.0, 80.0]))  # type: ignore[type-var]
    problem = replace(problem, sites=(replace(site, grid=grid),))
    tenant = service_of(
        problem, limit=20.0, contracted=np.array([20.0]), contracted_term=9, reimbursed=None, penalty=np.full((1, 1), 500.0)
    )
    return replace(problem, services=(tenant,))


def mining() -> Problem:
    """Rigs on a site whose power has a price by the hour."""
    problem = tiny(2, 12, hours=3, tax_rate=0.21)
    problem = replace(problem, sites=(site_of(problem, price=[20.0, 40.0, 60.0], fixed_cost=np.full((1, 2), 1e6)),))
    return replace(problem, rigs=(rig_of(problem, owned=np.array([30.0])),))


OUT_OF_REACH = (1.0, 1.1, 1.2, 1.2, 1.2, 1.2, 1.2)
BETWEEN = (1.0, 1.1, 1.2, 1.3, 1.45, 1.45, 1.45)
ABOVE_CAP = (1.0, 1.1, 1.2, 1.3, 2.2, 2.2, 2.2)

Wrong = Callable[..., Any]


def later(honest: Any) -> Wrong:
    """A date or a month too late by one."""
    return lambda *args: honest(*args) + 1


def more(honest: Any) -> Wrong:
    """One percent too much."""
    return lambda *args: honest(*args) * 1.01


def other_than(honest: Any) -> Wrong:
    """One percent too much for the program, too little for the books: what the program uses, they do not have."""
    factor = 0.99 if honest is terms.storage_at_start else 1.01
    return lambda *args: honest(*args) * factor


def shifted(honest: Any) -> Wrong:
    """Every date but the first a month too late."""
    return lambda *args: honest(*args) + (np.arange(len(honest(*args))) > 0)


def dearer(honest: Any) -> Wrong:
    """A price one percent too high, where there is one."""

    def wrong(*args: Any) -> Any:
        found = honest(*args)
        return None if found is None else found * 1.01

    return wrong


def uncapped(honest: Any) -> Wrong:
    """The payoff of a plain call."""
    return lambda conversion, price, strike: max(price / strike - 1.0, 0.0)


def no(honest: Any) -> Wrong:
    return lambda *args: False


def early(honest: Any) -> Wrong:
    """The last tax year is settled one date too early."""

    def wrong(*args: Any) -> Any:
        found = np.array(honest(*args))
        found[-1] -= 1
        return found

    return wrong


def first_year_longer(honest: Any) -> Wrong:
    """The second tax year begins one period too late."""

    def wrong(*args: Any) -> Any:
        found = np.array(honest(*args))
        found[int(np.flatnonzero(found > found[0])[0])] = found[0]
        return found

    return wrong


#: formula -> (a plan that uses it, the error, where the program has it, where the books have it)
FORMULAS: dict[str, tuple[Callable[[], Problem], Callable[[Any], Wrong], tuple[Any, str] | None, tuple[Any, str]]] = {
    "month of maturity": (lambda: borrowing(tenor=15), later, (Debt, "maturity_month"), (debt, "maturity")),
    "date of a month": (borrowing, later, (Clock, "date_at"), (Calendar, "date_of")),
    "date of a month beyond the horizon": (
        lambda: borrowing(tenor=60, put=(45, 1.2)), later, (Clock, "date_at"), (Calendar, "date_of"),
    ),
    "price of a call": (callable_notes, dearer, (Call, "price_at"), (debt, "call_price")),
    "conversion price": (lambda: converting(*BETWEEN), more, (Conversion, "conversion_price"), (debt, "strike")),
    "capped call between strike and cap": (
        lambda: converting(*BETWEEN), more, (Conversion, "capped_call_payoff"), (debt, "capped_call_value"),
    ),
    "capped call above its cap": (
        lambda: converting(*ABOVE_CAP), uncapped, (Conversion, "capped_call_payoff"), (debt, "capped_call_value"),
    ),
    "capped call at the horizon": (
        lambda: converting(*BETWEEN, tenor=60), more, (Conversion, "capped_call_payoff"), (debt, "capped_call_value"),
    ),
    "claim of holders at the horizon": (lambda: converting(*BETWEEN, tenor=60), more, None, (debt, "held_at_maturity")),
    "what is paid by contract": (borrowing, no, (Debt, "is_strip"), (debt, "by_contract")),
    "discount": (company, more, (Problem, "discount"), (keep, "discount_factors")),
    "length of a period in years": (mining, more, (Problem, "years"), (Calendar, "years")),
    "months of a date": (borrowing, shifted, (Clock, "date_month"), (Calendar, "month")),
    "calendar year of a period": (company, first_year_longer, (Clock, "calendar_year"), (Calendar, "calendar_year")),
    "tax year of a period": (company, first_year_longer, (Clock, "tax_year"), (Calendar, "tax_year")),
    "date at which a tax year is settled": (company, early, (Clock, "last_date_of_year"), (Calendar, "year_ends")),
    "storage that stands": (storing, other_than, (Battery, "standing"), (assets, "storage_at_start")),
    "value of an hour": (mining, more, (Hourly, "values"), (Hours, "of")),
}  # fmt: skip

PLANTED = [
    (name, book) for name, (_, _, first, _) in FORMULAS.items() for book in ("program", "books") if book == "books" or first
]


@pytest.fixture(autouse=True)
def _no_calendar_is_remembered() -> Iterator[None]:
    calendar._calendar.cache_clear()
    yield
    calendar._calendar.cache_clear()


def plant(monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str], error: Callable[[Any], Wrong]) -> None:
    """The formula with the error, for all who call it there."""
    owner, name = place
    honest = vars(owner)[name]
    if isinstance(honest, cached_property):
        monkeypatch.setattr(owner, name, property(error(honest.func)))
    elif isinstance(honest, property):
        monkeypatch.setattr(owner, name, property(error(honest.fget)))
    else:
        monkeypatch.setattr(owner, name, error(honest))


@pytest.mark.parametrize("name", FORMULAS)
def test_without_an_error_the_plan_is_verified(name: str) -> None:
    found = solve_problem(FORMULAS[name][0](), method="extensive")
    assert found.outcome is Outcome.OPTIMAL, found.reasons


@pytest.mark.parametrize(("name", "book"), PLANTED)
def test_an_error_in_one_book_is_found(name: str, book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, error, program, books = FORMULAS[name]
    problem = made()
    place = program if book == "program" else books
    assert place is not None
    plant(monkeypatch, place, error)
    found = solve_problem(problem, method="extensive")
    assert found.outcome is Outcome.UNVERIFIED, (found.outcome, found.reasons)
    assert found.reasons


def test_an_error_in_the_program_s_own_claim_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one formula of the table that the program writes where it uses it."""
    problem = converting(*BETWEEN, tenor=60)
    honest = strips.strip

    def wrong(*args: Any, **options: Any) -> strips.Strip:
        made = honest(*args, **options)
        return replace(made, claim=made.claim * 1.01)

    monkeypatch.setattr("models.program.financing.strip", wrong)
    assert solve_problem(problem, method="extensive").outcome is Outcome.UNVERIFIED


# ---- each formula against the other book's, and against what is known -------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_both_calendars_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 13, int(rng.integers(1, 30)))
    clock = clock_of(len(lengths), lengths, start_month=2026 * 12 + int(rng.integers(0, 12)))
    mine = calendar.calendar(clock)
    assert mine.month.tolist() == clock.date_month.tolist()
    assert mine.calendar_year.tolist() == clock.calendar_year.tolist()
    if np.diff(clock.calendar_year, prepend=clock.calendar_year[0]).max() <= 1:  # a year in which no period ends is none
        assert mine.tax_year.tolist() == clock.tax_year.tolist()
        assert mine.year_ends.tolist() == clock.last_date_of_year.tolist()
        assert mine.tax_years == clock.tax_years
    for month in range(-5, int(clock.date_month[-1]) + 40):
        assert mine.date_of(month) == clock.date_at(month), month
    assert np.array_equal(mine.years, lengths / 12.0)


def test_a_calendar_by_hand() -> None:
    mine = calendar.calendar(clock_of(6, MONTHS, start_month=2026 * 12 + 3))
    assert mine.month.tolist() == [0, 6, 9, 15, 21, 24, 36]
    # April to September, to December 2026, to June, to December 2027, to March 2028, to March 2029
    assert mine.calendar_year.tolist() == [2026, 2026, 2027, 2027, 2028, 2029]
    assert mine.year_ends.tolist() == [2, 4, 5, 6]
    assert mine.year_of_date.tolist() == [0, 0, 0, 1, 1, 2, 3]
    assert [mine.date_of(m) for m in (-3, 0, 1, 6, 7, 36, 37, 48, 49)] == [0, 0, 1, 1, 2, 6, 7, 7, 8]
    assert month_at(clock_of(6, MONTHS), 8) == 60


def test_both_books_price_calls_alike() -> None:
    call = Call(((6, 1.04), (12, 1.02), (30, 1.0)))
    known = {0: None, 5: None, 6: 1.04, 11: 1.04, 12: 1.02, 29: 1.02, 30: 1.0, 99: 1.0}
    for month, price in known.items():
        assert terms.call_price(call, month) == call.price_at(month) == price
    assert terms.call_price(None, 12) is None


def test_both_books_value_convertibles_alike() -> None:
    rng = np.random.default_rng(7)
    for _ in range(200):
        premium, cap_premium = rng.uniform(0.1, 0.6), rng.uniform(0.0, 1.5)
        conversion = Conversion(premium, 0.05, cap_premium, float(rng.uniform(5, 50)) if rng.random() < 0.3 else None)
        strike = terms.strike(conversion, 20.0)
        assert strike == conversion.conversion_price(20.0)
        for price in rng.uniform(0.0, 100.0, 5):
            mine = terms.capped_call_value(conversion, price, strike)
            assert mine == pytest.approx(conversion.capped_call_payoff(price, strike), abs=1e-15)
            # a call bought at the strike and one sold at the cap, per share, on 1 / strike shares
            top = max(strike / (1.0 + premium) * (1.0 + cap_premium), strike)
            assert mine == pytest.approx((max(price - strike, 0.0) - max(price - top, 0.0)) / strike, abs=1e-12)
    assert terms.capped_call_value(Conversion(0.3), 99.0, 10.0) == 0.0
    assert terms.held_at_maturity(15.0, 10.0) == 1.5 and terms.held_at_maturity(9.0, 10.0) == 1.0


def test_a_debt_without_an_end_is_refused() -> None:
    problem = tiny(3)
    with pytest.raises(ValueError, match="neither a maturity nor a tenor"):
        terms.maturity(replace(debt_of(problem, maturity=12), maturity=None), 0)


# ---- what the second book asks of the problem -------------------------------------------------------------------------

#: what is no formula: how many there are, and what a term is called
COUNTS = {("Clock", "periods"), ("Clock", "dates"), ("Scenarios", "count"), ("Term", "__str__")}


def _formulas() -> Iterator[tuple[type, str, Any]]:
    """Methods and properties of the classes of `models.problem`."""
    for kind in vars(models.problem).values():
        if isinstance(kind, type) and kind.__module__.startswith("models.problem"):
            for name, member in vars(kind).items():
                own = isinstance(member, property | cached_property) or (callable(member) and not name.startswith("__"))
                if own or (kind is Term and name == "__str__"):
                    yield kind, name, member


def test_the_second_book_calls_no_formula_of_the_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the books of twenty random plans ask of the arrays' own methods, while the books are kept, is a count or a name."""
    called: set[tuple[str, str]] = set()
    plans = [solve_problem(random_problem(seed)) for seed in (9, 11, 16, 22)] + [solve_problem(storing())]

    def watched(kind: type, name: str, honest: Any) -> Any:
        def ask(self: Any, *args: Any, **options: Any) -> Any:
            if sys._getframe(1).f_globals["__name__"].startswith("models.proforma"):
                called.add((kind.__name__, name))
            return honest(self, *args, **options)

        return ask

    members = list(_formulas())
    assert len(members) > 15
    for kind, name, member in members:
        honest = getattr(member, "func", None) or getattr(member, "fget", None) or member
        made = watched(kind, name, honest)
        monkeypatch.setattr(kind, name, made if honest is member else property(made))
    for plan in plans:
        assert plan.decisions is not None
        keep_books(plan.problem, plan.decisions)
    assert called <= COUNTS, called - COUNTS
    assert ("Clock", "periods") in called  # the watch works


def test_feasibility_uses_the_same_terms() -> None:
    """What may be called, and when debt ends, is judged by the second book's terms too."""
    assert feasibility.call_price is terms.call_price and feasibility.by_contract is terms.by_contract
