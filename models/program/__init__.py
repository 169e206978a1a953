"""The master problem in Pyomo: decisions, balances, financing, tax, rules."""
