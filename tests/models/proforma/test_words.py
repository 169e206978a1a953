"""Both sides of a rule as its sentence states them, against the sentence read by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.problem import Function, Rule, Term
from tests.models.rules.test_language import DATA, compiled
from tests.shared.rows import solved
from tests.shared.tiny import stream, tiny

#: levels of the words in a book, (S, D), some of them negative
BOOK = {
    name: np.arange(6.0).reshape(2, 3) * factor + shift
    for name, factor, shift in (
        ("cfads", 7.0, -3.0), ("rescue", 1.0, 0.0), ("debt_service", 2.0, 5.0), ("cash", 11.0, 1.0),
        ("total_debt", -4.0, 30.0), ("outstanding[notes]", 3.0, 2.0), ("ltm(cfads)", 5.0, 9.0),
    )
}  # fmt: skip
OVERHEAD = DATA["overhead_monthly"]


def rule(text: str) -> Rule:
    made = compiled(text)
    shape = made.constant.shape
    moved = {"moved": made.moved, "moved_constant": made.moved_constant}
    return Rule(text, text, made.terms, made.sense, made.constant, np.ones(shape, dtype=bool), **moved)


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("cfads + rescue >= 1.2 * debt_service", BOOK["cfads"] + BOOK["rescue"], 1.2 * BOOK["debt_service"]),
        ("cash >= 6 * overhead_monthly", BOOK["cash"], 6.0 * OVERHEAD),
        ("50 USD - overhead_monthly <= cash", 50.0 - OVERHEAD, BOOK["cash"]),
        ("cash - 2 USD >= debt_service + 3 USD", BOOK["cash"] - 2.0, BOOK["debt_service"] + 3.0),
        ("2 * cash >= cash + debt_service", 2.0 * BOOK["cash"], BOOK["cash"] + BOOK["debt_service"]),
        ("ltm(cfads) == 2 * debt_service", BOOK["ltm(cfads)"], 2.0 * BOOK["debt_service"]),
        # what stands alike on both sides is on neither, and a share is of its whole
        ("cash + cfads >= cash + 5 USD", BOOK["cfads"], 0 * OVERHEAD + 5.0),
        ("share of outstanding[notes] in total_debt <= 25 %", BOOK["outstanding[notes]"], 0.25 * BOOK["total_debt"]),
    ],
)
def test_sides_are_those_of_the_sentence(text: str, left: np.ndarray, right: np.ndarray) -> None:
    found = rule(text)
    sides = found.stated_sides(BOOK)
    assert sides[0] == pytest.approx(left) and sides[1] == pytest.approx(right)
    row = sum(c * BOOK[str(term)] for term, c in found.terms.items()) - found.constant
    assert sides[0] - sides[1] == pytest.approx(row, abs=1e-12)


def test_a_rule_that_is_only_a_row_states_its_row() -> None:
    one = np.ones((1, 2))
    row = Rule("row", "row", {Term("cash"): 2.0 * one}, ">=", 3.0 * one, one > 0)
    left, right = row.stated_sides({"cash": 5.0 * one})
    assert (left == 10.0).all() and (right == 3.0).all()


def test_covenants_of_a_plan_have_both_sides() -> None:
    """Cash now against cash before: both have their own value, and the headroom is their difference."""
    problem = replace(tiny(2, cash=10e6), name="sides")
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 30e6, 0.0]),))
    one = np.ones((1, 3))
    previous = Term("cash", None, (Function("previous"),))
    active = np.array([[False, True, False]])
    stated = Rule(
        "kept", "cash >= previous(cash) + 5 MUSD", {Term("cash"): one, previous: -one}, ">=", 5e6 * one, active,
        moved={previous: one},
    )  # fmt: skip
    solution = solved(replace(problem, rules=(stated,)))
    (only,) = solution.covenants
    cash = solution.books.words["cash"][0]
    assert (only.left, only.right) == (pytest.approx(cash[1]), pytest.approx(cash[0] + 5e6))
    assert only.headroom == pytest.approx(only.left - only.right) and only.left > 0.0
