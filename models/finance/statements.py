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
from models.finance.context import Ground
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
    ground = Ground(solution.problem, solution.decisions, solution.books)
    income = income_statement(ground)
    cash = cash_flow_statement(ground, income)
    sheet = balance_sheet(ground, income, cash)
    debts = {name: debt_schedule(ground, name) for name in solution.books.schedules}
    ratios = credit_ratios(ground, sheet)
    shares = cap_table(ground, income)
    found = returns(ground, cash, ratios, debts)
    saved = unlevered_tax(ground) - ground.books.income["tax"]
    costs, end = cost_of_capital(ground, found.capital, found.owners, saved), horizon_end(ground)
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
        returns=with_capital(found, costs, end, ground.books.value, ground.problem.scenarios.probability),
        covenants=tuple(solution.covenants),
        scenarios=solution.problem.scenarios.names,
        dates=ground.dates,
        bridge=npv_bridge(ground, found.business, found.capital, saved),
        capital=costs,
        horizon_end=end,
    )
    object.__setattr__(made, "checks", check_statements(ground, made, solution.certificate))
    return made
