"""What a check of the books is measured against: the flows of its line, never one dollar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.problem import Function, Problem, Rule, Term
from models.proforma.books import Books
from models.proforma.checks import Checklist
from models.proforma.keep import keep_books
from models.proforma.sizes import least_usd, turnover
from tests.shared.tiny import at, debt_of, equity_of, idle, rig_of, site_of, stream, tiny

TOLERANCE = 1e-7


def no_cash(problem: Problem, level: float = 0.0, penalty: float | None = None) -> Problem:
    """With the rule that nothing is left."""
    shape = (problem.scenarios.count, problem.clock.dates)
    one = np.ones(shape)
    rule = Rule("none left", "cash <= ...", {Term("cash"): one}, "<=", level * one, one > 0, penalty)
    return replace(problem, rules=(rule,))


def paid_out(cash: float, left: float, money: float = 1e6, **rule: float) -> Books:
    """A company that pays out all its cash but for what is left, and may have no cash."""
    problem = replace(no_cash(tiny(1, cash=cash), **rule), money=money)
    return keep_books(problem, idle(problem, dividends=at(problem, {0: cash - left})))


def off(books: Books, name: str) -> float:
    return next(check.relative for check in books.checks if check.name == name)


@pytest.mark.parametrize("penalty", [None, 2.0])
def test_a_rule_on_what_is_left_is_measured_against_what_has_moved(penalty: float | None) -> None:
    name = "hard rules" if penalty is None else "soft rules: breach covers shortfall"
    rule = {} if penalty is None else {"penalty": penalty}
    assert off(paid_out(1e9, 1e-3, level=1e-9, **rule), name) == pytest.approx(1e-12, rel=1e-3)
    assert off(paid_out(1e9, 1e3, level=1e-9, **rule), name) == pytest.approx(1e-6, rel=1e-3)


@pytest.mark.parametrize("usd", [1e-6, 1.0, 1e6])
def test_all_money_times_a_factor_changes_no_check(usd: float) -> None:
    books = paid_out(1e8 * usd, 100.0 * usd, 1e6 * usd)
    assert off(books, "hard rules") == pytest.approx(1e-6, rel=1e-6)
    assert not books.moved > 1e8 * usd


def test_a_company_of_next_to_nothing_is_held_to_what_it_moves() -> None:
    """A thousandth of its cash is wrong, though it is a ten-millionth of a dollar."""
    assert off(paid_out(1e-3, 1e-6), "hard rules") == pytest.approx(1e-3, rel=1e-6)


def test_words_that_cancel_are_made_of_their_flows() -> None:
    problem = tiny(2, cash=0.0)
    problem = replace(problem, cash_flows=(stream(problem, [5e8, -5e8, 1.0]),))
    books = keep_books(problem, idle(problem))
    assert books.words["cash"][0].tolist() == [5e8, 0.0, 1.0]
    assert books.sizes["cash"][0].tolist() == [5e8, 5e8, 5e8]
    assert books.sizes["net_debt"][0].tolist() == [5e8, 5e8, 5e8]
    assert books.moved == 5e8


def test_functions_over_time_are_made_of_what_their_words_are_made_of() -> None:
    problem = tiny(2, cash=1e6)
    term = Term("cash", None, (Function("previous"),))
    rule = no_cash(problem).rules[0]
    active = rule.active.copy()
    active[:, 0] = False
    rule = replace(rule, terms={term: np.ones(active.shape)}, active=active)
    problem = replace(problem, rules=(rule,))
    books = keep_books(problem, idle(problem, dividends=at(problem, {0: 1e6 - 1e-4})))
    assert books.sizes["previous(cash)"][0].tolist() == [0.0, 1e6, 1e6]
    assert off(books, "hard rules") <= 1e-9


def test_issues_of_nothing_are_measured_against_what_there_may_be() -> None:
    """A remainder of the solver where no issue is allowed at all."""
    problem = tiny(2)
    problem = replace(problem, debts=(debt_of(problem, limit=0.0),), equities=(equity_of(problem, limit=0.0),))
    issued = {"notes": at(problem, {0: 1e-4}), "shares": at(problem, {0: 1e-4})}
    books = keep_books(problem, idle(problem, issued=issued))
    assert off(books, "limits and minimums") == pytest.approx(1e-4 / 1e5)
    issued = {"notes": at(problem, {0: 1e-1}), "shares": at(problem, {0: 0.0})}
    assert off(keep_books(problem, idle(problem, issued=issued)), "limits and minimums") > TOLERANCE


def test_the_least_is_a_tenth_of_a_unit_or_what_moves() -> None:
    problem = tiny(1)
    assert least_usd(problem, 1e9) == 1e5
    assert least_usd(problem, 3.0) == 3.0
    assert least_usd(problem, turnover({}, {})) == 1e5  # nothing moves
    line = np.array([[1.0, -7.0, np.nan]])
    assert turnover({"a": line}, {"b": -line}) == 7.0
    assert turnover({}, {}) > 0.0


def test_each_item_is_measured_against_its_own_scale() -> None:
    checks = Checklist(tiny(2))
    checks.at_most("x", np.array([[2.0, 1.0, 0.0]]), 0.0, "item", scale=np.array([[1e6, 10.0, 1.0]]))
    (check,) = checks.result()
    assert (check.residual, check.scale, check.where) == (1.0, 10.0, "s0, date 1, item")


def test_rigs_at_the_end_are_made_of_the_fleet() -> None:
    problem = tiny(2)
    problem = replace(problem, sites=(site_of(problem),))
    problem = replace(problem, rigs=(rig_of(problem, resale=4e6, owned=np.array([25.0])),))
    key = ("rig", "home")
    books = keep_books(problem, idle(problem, retired={key: at(problem, {1: 25.0})}))
    assert books.ledger["terminal_rigs"].max() == 0.0
    assert books.sizes["terminal_rigs"].max() == 1e8
