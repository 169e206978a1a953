"""All statements of a solved plan, tied: `finance_statements` is the one way to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.finance.balance import balance_sheet
from models.finance.cap_table import cap_table, conversion_table
from models.finance.cash_flow import cash_flow_statement
from models.finance.checks import TOLERANCE, check_statements
from models.finance.context import Ground
from models.finance.covenants import covenant_frame, credit_ratios
from models.finance.income import income_statement
from models.finance.lines import EXPECTED, Statement
from models.finance.returns import Returns, returns
from models.finance.schedules import debt_schedule
from models.finance.sources_uses import sources_and_uses
from models.finance.tax import tax_statement

if TYPE_CHECKING:
    import pandas as pd

    from models.proforma.books import Check
    from optimizer.engine.master import Solution


@dataclass(frozen=True)
class FinanceStatements:
    """The statements of every scenario and in expectation. USD unless a line says otherwise.

    debts: schedule of each debt ('notes'; what stood before date 0: 'notes@existing'). Columns are the D dates: column d has what settles
    at date d, of the period that ends there (date 0: what is decided and paid at the start); those of `tax` are calendar years, those of
    `conversion` multiples of the share price at the horizon. covenants: the rules of the case (`Solution.covenants`).
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
    checks: tuple[Check, ...] = ()

    @property
    def all(self) -> tuple[Statement, ...]:
        """Every statement, debt schedules in the order of the case."""
        first = (self.income, self.cash_flow, self.balance_sheet, self.sources_uses)
        return (*first, *self.debts.values(), self.tax, self.credit_ratios, self.cap_table, self.conversion)

    @property
    def loose(self) -> tuple[Check, ...]:
        """Checks that do not hold to 1e-6 of the largest figure of what they compare; () in a plan that is tied."""
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


def finance_statements(solution: Solution) -> FinanceStatements:
    """The statements of a plan, from its independent books. Raises ValueError for a solution without a plan."""
    if solution.books is None or solution.decisions is None:
        raise ValueError(f"the solution is {solution.outcome.name.lower()}: there is no plan to make statements of")
    ground = Ground(solution.problem, solution.decisions, solution.books)
    income = income_statement(ground)
    cash = cash_flow_statement(ground, income)
    sheet = balance_sheet(ground, income, cash)
    debts = {name: debt_schedule(ground, name) for name in solution.books.schedules}
    ratios = credit_ratios(ground, sheet)
    shares = cap_table(ground, income)
    made = FinanceStatements(
        income=income,
        cash_flow=cash,
        balance_sheet=sheet,
        sources_uses=sources_and_uses(ground, cash),
        debts=debts,
        tax=tax_statement(ground, income),
        credit_ratios=ratios,
        cap_table=shares,
        conversion=conversion_table(ground, shares),
        returns=returns(ground, cash, ratios, debts),
        covenants=solution.covenants,
        scenarios=solution.problem.scenarios.names,
        dates=ground.dates,
    )
    object.__setattr__(made, "checks", check_statements(ground, made, solution.certificate))
    return made
