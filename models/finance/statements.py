"""All statements of a solved plan, tied: `finance_statements` is the one way to them."""

from __future__ import annotations

from models.finance.balance import balance_sheet
from models.finance.bundle import FinanceStatements
from models.finance.cap_table import cap_table, conversion_table
from models.finance.capital.cost_of_capital import cost_of_capital
from models.finance.capital.horizon_end import horizon_end
from models.finance.capital.measures import with_capital
from models.finance.capital.npv_bridge import npv_bridge, unlevered_tax
from models.finance.cash_flow import cash_flow_statement
from models.finance.checks import check_statements
from models.finance.context import StatementContext
from models.finance.covenants import credit_ratios
from models.finance.income import income_statement
from models.finance.returns import returns
from models.finance.schedules import debt_schedule
from models.finance.solved import SolvedPlan
from models.finance.sources_uses import sources_and_uses
from models.finance.tax import tax_statement


def finance_statements(solution: SolvedPlan) -> FinanceStatements:
    """The statements of a plan, from its independent books. Raises ValueError for a solution without a plan."""
    if solution.books is None or solution.decisions is None:
        raise ValueError(f"the solution is {solution.outcome.name.lower()}: there is no plan to make statements of")
    context = StatementContext(solution.problem, solution.decisions, solution.books)
    income = income_statement(context)
    cash = cash_flow_statement(context, income)
    sheet = balance_sheet(context, income, cash)
    debts = {name: debt_schedule(context, name) for name in solution.books.schedules}
    ratios = credit_ratios(context, sheet)
    shares = cap_table(context, income)
    found = returns(context, cash, ratios, debts)
    saved = unlevered_tax(context) - context.books.income["tax"]
    costs, end = cost_of_capital(context, found.capital, found.owners, saved), horizon_end(context)
    made = FinanceStatements(
        income=income,
        cash_flow=cash,
        balance_sheet=sheet,
        sources_uses=sources_and_uses(context, cash),
        debts=debts,
        tax=tax_statement(context, income),
        credit_ratios=ratios,
        cap_table=shares,
        conversion=conversion_table(context, shares),
        returns=with_capital(found, costs, end, context.books.value, context.problem.scenarios.probability),
        covenants=tuple(solution.covenants),
        scenarios=solution.problem.scenarios.names,
        dates=context.dates,
        bridge=npv_bridge(context, found.business, found.capital, saved),
        capital=costs,
        horizon_end=end,
    )
    object.__setattr__(made, "checks", check_statements(context, made, solution.certificate))
    return made
