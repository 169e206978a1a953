"""A solved case: the plan, its books, its proof, and what is read off them as frames and as a short text. It holds no solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.brief import as_html, as_text
from optimizer.engine.values import SolvedCase

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.engine.master import SolvedProgram


@dataclass(frozen=True, repr=False)
class Solution(SolvedCase):
    """A solved case, as a value: the plan, its books, its proof. Bounds and objective in USD. reasons: why it is not optimal, in words."""

    @property
    def statements(self) -> pd.DataFrame:
        """Tidy frame of the books, by date: statement, line, scenario, value (USD). Raises ValueError without a plan."""
        from optimizer.engine.views.frames import statements_frame

        return statements_frame(self.problem, self.books)

    def statement(self, name: str, scenario: str = "expected") -> pd.DataFrame:
        """One statement of `finance` ("balance_sheet", "debt[notes]", ...), dates down and lines across, USD unless a line says otherwise.

        Raises KeyError for a statement or scenario that is not there, ValueError without a plan.
        """
        from optimizer.engine.views.frames import statement_frame

        return statement_frame(self, name, scenario)

    @property
    def plan(self) -> pd.DataFrame:
        """Every decision by date: kind, what, where, scenarios, amount, unit. Raises ValueError without a plan."""
        from optimizer.engine.views.frames import plan_frame

        return plan_frame(self)

    def hours(self, site: str | None = None, scenario: str | None = None) -> pd.DataFrame:
        """MW of every use and source of a site in one scenario, by hour (local standard time); weight: hours that a kept hour stands for.

        site, scenario: may be left out where there is only one. Raises KeyError for a name that is not there, ValueError without a plan.
        """
        from optimizer.engine.views.frames import hours_frame

        return hours_frame(self, site, scenario)

    def __repr__(self) -> str:
        from optimizer.engine.views import brief

        return as_text(brief.title(self), brief.rows(self))

    def _repr_html_(self) -> str:
        from optimizer.engine.views import brief

        return as_html(brief.title(self), brief.rows(self))


@dataclass(frozen=True, eq=False)
class Solved:
    """A solution, and beside it the program, warm, for what is asked next; None where there is no plan to go on from."""

    solution: Solution
    warm: SolvedProgram | None
