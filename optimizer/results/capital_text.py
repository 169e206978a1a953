"""What stands beside the objective on a terminal: the odds of distress, the horizon's end, what capital costs, and the bridge to NPV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.finance.capital.cost_of_capital import OWNERS
from optimizer.results.odds import odds
from optimizer.text import money, percent

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution

#: ledger shares of what counts after the horizon, as people call them
KINDS = {"opening_assets": "what stood at the start"}
#: what may befall a plan, in the order of `odds`
BEFALLS = ("covenant breach", "rescue money", "missed payment", "more debt than assets at the end")
#: USD up to which an item is not told
LEAST = 1.0


def odds_line(solution: Solution) -> str:
    """The odds of what may go wrong, in a line."""
    one = odds(solution)
    told = zip((one.breach, one.rescue, one.missed, one.under_water), BEFALLS, strict=True)
    return ", ".join(f"{what} {percent(share)}" for share, what in told)


def horizon_line(solution: Solution) -> str:
    """What of the value lies after the horizon, and what it is made of."""
    end, probability = solution.finance.horizon_end, solution.problem.scenarios.probability
    present, share = float(probability @ end.present), solution.finance.returns["after_horizon_share"].expected[0]
    parts = {KINDS.get(kind, kind): end.factor * float(probability @ usd) for kind, usd in end.counted.items()}
    parts["costs of contracts"] = -end.factor * float(probability @ end.keeping)
    shown = sorted(((name, usd) for name, usd in parts.items() if abs(usd) > LEAST), key=lambda item: -abs(item[1]))
    if not shown:
        return "nothing is counted"
    of = "" if share is None else f", {percent(share)} of the expected value" if len(probability) > 1 else f", {percent(share)}"
    return f"{money(present)}{of}: {', '.join(f'{name} {money(usd)}' for name, usd in shown)}"


def cost_rows(solution: Solution) -> list[tuple[str, str, str]]:
    """(source, cost a year, worth after date 0) of every source that is used, then of all."""
    found = solution.finance.capital
    rows = []
    for one in found.claims:
        if one.cost[0] is not None or abs(one.value).max() > LEAST:
            name = "owners, at the rate of the case" if one.name == OWNERS else one.name
            rows.append((name, percent(one.cost[0]), money(float(one.value[0])) if abs(one.value[0]) > LEAST else "-"))
    for label, figure in (
        ("all outside capital", found.outside),
        ("all capital, with owners", found.whole),
        ("all capital, less the tax it saves", found.after_tax),
        ("owners, if the rate of the case is that without debt", found.relevered),
    ):
        rows.append((label, percent(figure[0]), ""))
    return rows


def bridge_rows(solution: Solution) -> list[tuple[str, str]]:
    """(item, USD) from the value of the business to that of its owners, expected."""
    bridge = solution.finance.bridge
    rows = [(line.label, float(bridge.expected(line.key)[0])) for line in bridge.lines]
    return [(label, money(usd)) for label, usd in rows if abs(usd) > LEAST or label == rows[-1][0]]


def figures(solution: Solution) -> dict[str, object]:
    """For summary.json: odds, the horizon's end, the cost of capital by date and by source, the bridge, and notes; all expected."""
    from optimizer.results.plan_notes import plan_notes

    finance, probability = solution.finance, solution.problem.scenarios.probability
    end, capital, bridge, one = finance.horizon_end, finance.capital, finance.bridge, odds(solution)
    return {
        "odds": {"breach": one.breach, "rescue": one.rescue, "missed_payment": one.missed, "under_water": one.under_water},
        "after_horizon": {
            "present": float(probability @ end.present),
            "share": finance.returns["after_horizon_share"].expected[0],
            "counted": {kind: end.factor * float(probability @ usd) for kind, usd in end.counted.items()},
            "contract_costs": end.factor * float(probability @ end.keeping),
            "owed": end.factor * float(probability @ end.owed),
        },
        "capital": {
            "outside": capital.outside[0], "whole": capital.whole[0], "after_tax": capital.after_tax[0],
            "debt": capital.debt_cost[0], "debt_to_equity": capital.leverage[0],
            "owners_used": capital.used, "owners_relevered": capital.relevered[0],
            "sources": [
                {"name": claim.name, "cost": claim.cost[0], "why": claim.cost[1], "worth": float(claim.value[0])}
                for claim in capital.claims
            ],
        },
        "bridge": [
            {"item": line.key, "label": line.label, "usd": float(bridge.expected(line.key)[0])} for line in bridge.lines
        ],
        "plan_notes": list(plan_notes(solution)),
    }  # fmt: skip
