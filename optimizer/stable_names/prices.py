"""`optimizer.prices`: what one more unit of each statement of the case is worth."""

from optimizer.explain.marginal.marginal_values import StatementPrice, price_statements

__all__ = ["StatementPrice", "price_statements"]
