"""Days of the bitcoin network, where the files are at hand, and histories drawn from the model."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from optimizer.scenarios.generate import bitcoin
from optimizer.scenarios.generate.history import Days, History
from optimizer.scenarios.generate.response import LAG, Drawn

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("WATTFOLIO_DATA", ROOT / ".." / "shared" / "data"))
NETWORK = DATA / "network"
needs_network = pytest.mark.skipif(not NETWORK.is_dir(), reason=f"no network data in {DATA} (set WATTFOLIO_DATA)")

LAST_HEIGHT = 945_850 + 130 + 135  # first block of 2026-04-20, and those of that day and the next, the last of the files


def rows(name: str) -> list[dict[str, str]]:
    with (NETWORK / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float:
    return float(text) if text else float("nan")


def days() -> Days:
    """2011-09 to 2026-04, with fees where there are some."""
    fees = {
        row["date"]: float(row["fees_btc"]) / float(row["subsidy_btc"])
        for row in rows("btc_network_daily_2021_2026.csv")
        if row["fees_btc"]
    }
    table = rows("btc_network_daily_2011_2026.csv")
    blocks = np.array([int(row["blocks"]) for row in table])
    return Days(
        np.array([row["date"] for row in table], dtype="datetime64[D]"),
        np.array([number(row["difficulty"]) for row in table]),
        np.array([number(row["price_usd"]) for row in table]),
        np.array([number(row["subsidy_btc"]) for row in table]),
        np.array([fees.get(row["date"], float("nan")) for row in table]),
        LAST_HEIGHT - (blocks.sum() - np.cumsum(blocks)).astype(np.float64),
    )


def made_days(months: int = 60, seed: int = 1) -> Days:
    """Days that nobody saw: a price that wanders, a hashrate that grows."""
    rng = np.random.default_rng(seed)
    day = np.arange(
        np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + np.timedelta64(months, "M").astype("timedelta64[D]")
    )
    n = len(day)
    price = 9000 * np.exp(np.cumsum(0.03 * rng.standard_normal(n)))
    difficulty = 15e12 * np.exp(np.cumsum(0.0006 + 0.002 * rng.standard_normal(n)))
    height = 610_691.0 + 144.0 * np.arange(1, n + 1)
    return Days(day, difficulty, price, bitcoin.subsidy(height), np.full(n, 0.02), height)


def made_history(true: Drawn, months: int, seed: int, volatility: float = 0.16) -> History:
    """A history of `months` ends of months that follows the model with known parameters, begun where growth is usual.

    Written out by itself, step by step: it shares no line with the simulation.
    """
    rng = np.random.default_rng(seed)
    warm = 24
    price, hashrate = [float(np.log(20_000.0))], [float(np.log(150.0))]
    hashprice: list[float] = []
    for m in range(warm + months):
        hashprice.append(
            float(np.log(86_400.0 * 1e15 / (2.0**32) * 6.25) + price[m] - np.log(np.exp(hashrate[m]) * 6e20 / 2.0**32))
        )
        answered = sum(hashprice[max(m - lag, 0)] for lag in range(LAG)) / LAG
        years = (m - true.month0) / 12.0
        growth = true.level[0] + true.response[0] * (answered + true.fall[0] * years) + true.noise[0] * rng.standard_normal()
        hashrate.append(hashrate[m] + float(growth))
        price.append(price[m] + volatility * float(rng.standard_normal()))
    kept = slice(warm, warm + months)
    unknown = np.full(months, np.nan)
    return History(
        np.arange(warm, warm + months), np.array(price[kept]), np.array(hashrate[kept]), np.array(hashprice[kept]), unknown, unknown,
        np.datetime64("2026-01-31").astype(object),
    )  # fmt: skip
