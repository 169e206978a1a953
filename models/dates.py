"""Dates of a plan as text."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from models.problem import Problem

if TYPE_CHECKING:
    from models.problem import Clock


def iso_date(clock: Clock, d: int) -> str:
    """First day of date d, as 2026-04-01."""
    return _day(clock, d).isoformat()


def _day(clock: Clock, d: int) -> date:
    year, month = divmod(clock.start_month + int(clock.date_month[d]), 12)
    return date(year, month + 1, 1)


def iso_dates(clock: Clock) -> list[str]:
    """All D dates."""
    return [iso_date(clock, d) for d in range(clock.dates)]


def date_text(problem: Problem, d: int) -> str:
    """ISO date of date d."""
    month = problem.clock.start_month + int(problem.clock.date_month[d])
    return f"{month // 12:04d}-{month % 12 + 1:02d}-01"
