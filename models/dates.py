"""Dates of a plan as text."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from models.problem import Problem

if TYPE_CHECKING:
    from models.problem import Clock


def month_text(month: int) -> str:
    """A month, counted from the year 0, as 2026-04."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def iso_month(clock: Clock, d: int) -> str:
    """Year and month of date d, as 2026-04."""
    return month_text(clock.start_month + int(clock.date_month[d]))


def iso_date(clock: Clock, d: int) -> str:
    """First day of date d, as 2026-04-01."""
    return f"{iso_month(clock, d)}-01"


def day_of(clock: Clock, d: int) -> date:
    """The first of the month of a date of the clock."""
    year, month = divmod(clock.start_month + int(clock.date_month[d]), 12)
    return date(year, month + 1, 1)


def iso_dates(clock: Clock) -> list[str]:
    """All D dates."""
    return [iso_date(clock, d) for d in range(clock.dates)]


def date_text(problem: Problem, d: int) -> str:
    """ISO date of date d."""
    return iso_date(problem.clock, d)
