"""What was drawn for a case, as plain figures: estimates, fans, odds, what a tree keeps, digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.case.reading.timeline import first_of_month

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.case.generated import Generated

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
UNITS = {"btc_price": "USD/BTC", "network_hashrate": "EH/s", "transaction_fees": "of subsidy", "hashprice": "USD/PH/day"}
FACTOR = "of date 0"
YEAR = 12


def drawn(case: Case) -> dict[str, Any]:
    """Raises ValueError where the case's scenarios are written."""
    from optimizer.scenarios.generate.estimates import estimates

    found = case.generated
    if found is None:
        raise ValueError("its scenarios are written, not drawn: `scenarios: {generate: {}}` draws them")
    world, tree = found.world, found.tree
    data = world.known.data
    return {
        "case": case.name,
        "case_digest": case.digest,
        "seed": found.given.seed,
        "sample": tree.pool.count,
        "data": {"source": data.source, "until": data.until.isoformat()},
        "start": {
            "date": found.start.isoformat(),
            "btc_price": world.start.price,
            "network_hashrate": world.start.hashrate,
            "height": world.start.height,
        },
        "estimates": [vars(one) for one in estimates(world.known, world.beliefs)],
        "fans": _fans(found),
        "halvings": _halvings(found),
        "scenarios": [
            {
                "name": name,
                "odds": one.probability,
                "follows": one.follows,
                "until": None if one.until is None else one.until.isoformat(),
                "delay": dict(one.delay),
                "describe": one.describe,
            }
            for name, one in case.model.scenarios.items()
        ],
        "stages": [_month(found, month) for month in tree.stages],
        "kept": [
            {"date": _month(found, one.month), "driver": one.driver, "variance": one.variance, "shift": one.shift}
            for one in tree.kept
        ],
        "plans": [{"plan": one.driver, "variance": one.variance, "shift": one.shift} for one in tree.plans],
        "distance_usd": list(tree.distance),
        "spread_usd": tree.spread,
        "digests": tree.pool.digests(),
    }


def _month(found: Generated, month: int) -> str:
    return f"{first_of_month(found.world.start.month + month):%Y-%m}"


def _fans(found: Generated) -> list[dict[str, Any]]:
    """Quantiles over all that were drawn, at date 0 and every year after, and at the end."""
    months = sorted({*range(0, found.world.months + 1, YEAR), found.world.months})
    out = []
    for name, series in found.tree.pool.series.items():
        for month in months:
            quantiles = np.quantile(series[:, month], LEVELS)
            row = {"driver": name, "unit": UNITS.get(name, FACTOR), "date": _month(found, month)}
            out.append(row | {f"p{round(100 * level):02d}": float(value) for level, value in zip(LEVELS, quantiles, strict=True)})
    return out


def _halvings(found: Generated) -> list[dict[str, Any]]:
    """Of each halving that at least half of the futures reach: 5 %, half and 95 % of the months it comes in; None: after the horizon."""
    from optimizer.scenarios.generate.bitcoin import HALVING_BLOCKS

    height = found.tree.pool.height
    out = []
    at = (int(found.world.start.height) // HALVING_BLOCKS + 1) * HALVING_BLOCKS
    while (height[:, -1] >= at).mean() >= 0.5:
        month = np.where(height[:, -1] >= at, (height >= at).argmax(axis=1) - 1, height.shape[1])  # the month it happens in
        ends = [int(x) for x in np.quantile(month, [0.05, 0.5, 0.95], method="inverted_cdf")]
        dates = [_month(found, end) if end < height.shape[1] else None for end in ends]
        out.append({"height": at, "p05": dates[0], "p50": dates[1], "p95": dates[2]})
        at += HALVING_BLOCKS
    return out
