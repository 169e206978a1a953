"""Covenants: the usual credit ratios by date, and the rules of the case with their headroom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement

if TYPE_CHECKING:
    import pandas as pd

LTM = ("ebitda", "cfads", "interest", "debt_service")

LINES = (
    Line("ebitda", "EBITDA, last twelve months", kind="stock", section="Last twelve months"),
    Line("cfads", "CFADS, last twelve months", kind="stock", section="Last twelve months"),
    Line("interest", "Interest paid, last twelve months", kind="stock", section="Last twelve months"),
    Line("debt_service", "Debt service, last twelve months", kind="stock", section="Last twelve months"),
    Line("cash", "Cash", kind="stock", section="Stocks"),
    Line("liquidity", "Cash and coins", kind="stock", section="Stocks"),
    Line("total_debt", "Debt, balance", kind="stock", section="Stocks"),
    Line("net_debt", "Debt less cash", kind="stock", section="Stocks"),
    Line("total_assets", "Total assets", kind="stock", section="Stocks"),
    Line("dscr", "Debt service coverage", kind="ratio", unit="ratio", ratio=("cfads", "debt_service"), section="Ratios"),
    Line("interest_cover", "EBITDA over interest", kind="ratio", unit="ratio", ratio=("ebitda", "interest"), section="Ratios"),
    Line(
        "net_debt_to_ebitda", "Net debt over EBITDA", kind="ratio", unit="ratio", ratio=("net_debt", "ebitda"), section="Ratios"
    ),
    Line(
        "debt_to_assets", "Debt over assets", kind="ratio", unit="ratio", ratio=("total_debt", "total_assets"), section="Ratios"
    ),
)


def credit_ratios(context: StatementContext, balance: Statement) -> Statement:
    """Ratios at every date on flows of the last twelve months (in the first year: those since the start, times 12 / months)."""
    words = context.books.words
    entries = {key: context.ltm(words[key]) for key in LTM}
    entries |= {key: words[key] for key in ("liquidity", "total_debt", "net_debt")}
    entries |= {"cash": balance["cash"], "total_assets": balance["total_assets"]}
    return context.statement("credit_ratios", "Credit ratios", LINES, entries, "EBITDA, CFADS, debt and debt service positive")


def covenant_frame(covenants: Iterable[Any]) -> pd.DataFrame:
    """Every rule wherever it applies: both sides, headroom, headroom as a share of the right side, price, breach."""
    import pandas as pd

    names = ("name", "text", "scenario", "date", "left", "right", "headroom", "price", "breach")
    table = pd.DataFrame([[getattr(one, name) for name in names] for one in covenants], columns=list(names))
    share = table["headroom"] / table["right"].abs().where(table["right"].abs() > 0.0)
    table.insert(7, "headroom_share", share)
    return table
