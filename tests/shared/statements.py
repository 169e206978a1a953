"""Statements of a plan that is not solved for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from models.finance import FinanceStatements, finance_statements
from models.problem import Problem
from models.proforma.keep import keep_books
from tests.shared.tiny import idle


def made(problem: Problem, **decided: object) -> FinanceStatements:
    """Statements of a plan that does only what is given."""
    decisions = idle(problem, **decided)
    plan: Any = SimpleNamespace(
        problem=problem, decisions=decisions, books=keep_books(problem, decisions), certificate=None, covenants=()
    )
    found = finance_statements(plan)
    assert found.loose == ()
    return found
