"""The names of the statements' lines, as people read them."""

from __future__ import annotations

#: ledger lines in words
LINES = {
    "dividends": "dividends",
    "contributions": "paid in by shareholders",
    "rescue": "rescue equity",
    "rescue_penalty": "distress",
    "soft_rules": "rules breached at a price",
    "own_rates": "each stream at its own rate",
    "dilution": "given to new shareholders",
    "conversion": "given to holders of convertibles",
    "capped_call": "capped calls",
    "terminal_cash": "cash at the end",
    "terminal_coins": "coins at the end",
    "terminal_rigs": "rigs at the end",
    "terminal_contracts": "contracts at the end",
    "terminal_debt": "debt at the end",
}


def line_label(entry: str) -> str:
    """A ledger entry in words."""
    if entry.startswith("terminal_put["):
        return f"put to come of {entry[len('terminal_put[') : -1]}"
    return LINES.get(
        entry, entry.replace("terminal_", "").replace("_", " ") + (" at the end" if entry.startswith("terminal_") else "")
    )
