"""All statements of one plan together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.finance.capital.cost_of_capital import CostOfCapital
from models.finance.capital.horizon_end import HorizonEnd
from models.finance.covenants import covenant_frame
from models.finance.lines import EXPECTED, Statement
from models.finance.returns import Returns

if TYPE_CHECKING:
    import pandas as pd

    from models.proforma.books import Check


#: relative to what the row is made of
TOLERANCE = 1e-6


@dataclass(frozen=True)
class FinanceStatements:
    """The statements of every scenario and in expectation. USD unless a line says otherwise.

    debts: schedule of each debt ('notes'; what stood before date 0: 'notes@existing'). Columns are the D dates: column d has what settles
    at date d, of the period that ends there (date 0: what is decided and paid at the start); those of `tax` are calendar years, those of
    `conversion` multiples of the share price at the horizon. covenants: the rules of the case (`Solution.covenants`). bridge: from the value of
    the business to that of its owners. capital: what every source of it costs. horizon_end: what lies after the horizon.
    """

    income: Statement
    cash_flow: Statement
    balance_sheet: Statement
    sources_uses: Statement
    debts: dict[str, Statement]
    tax: Statement
    credit_ratios: Statement
    cap_table: Statement
    conversion: Statement
    returns: Returns
    covenants: tuple[Any, ...]
    scenarios: tuple[str, ...]
    dates: tuple[str, ...]
    bridge: Statement
    capital: CostOfCapital
    horizon_end: HorizonEnd
    checks: tuple[Check, ...] = ()

    @property
    def all(self) -> tuple[Statement, ...]:
        """Every statement, debt schedules in the order of the case."""
        first = (self.income, self.cash_flow, self.balance_sheet, self.sources_uses)
        return (*first, *self.debts.values(), self.tax, self.credit_ratios, self.cap_table, self.conversion)

    @property
    def loose(self) -> tuple[Check, ...]:
        """Checks that do not hold to 1e-6 of what they compare is made of; () in a plan that is tied."""
        return tuple(check for check in self.checks if not check.relative <= TOLERANCE)

    def frame(self, name: str, scenario: str = EXPECTED) -> pd.DataFrame:
        """Wide pandas frame of a statement: lines down, columns across. Raises KeyError for a name that is not there."""
        return self[name].frame(scenario)

    def __getitem__(self, name: str) -> Statement:
        """A statement by name: income_statement, cash_flow, ..., 'debt[notes]'. Raises KeyError."""
        for one in self.all:
            if one.name == name:
                return one
        raise KeyError(f"there is no statement {name!r}; there are {', '.join(one.name for one in self.all)}")

    def covenant_frame(self) -> pd.DataFrame:
        """Tidy pandas frame of the rules with their headroom."""
        return covenant_frame(self.covenants)
