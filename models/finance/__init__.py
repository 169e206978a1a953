"""The finance statements of a solved plan: `finance_statements` is the one way in."""

from __future__ import annotations

from models.finance.bundle import FinanceStatements
from models.finance.lines import Line, Statement
from models.finance.statements import finance_statements

__all__ = ["FinanceStatements", "Line", "Statement", "finance_statements"]
