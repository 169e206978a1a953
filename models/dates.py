"""Dates of a plan as text."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

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
