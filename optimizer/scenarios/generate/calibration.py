"""What data say, in few numbers, and what is held after them. A bundled table serves where there is no file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from optimizer.scenarios.generate.history import History
from optimizer.scenarios.generate.network import Start
from optimizer.scenarios.generate.price import Moves, moves
from optimizer.scenarios.generate.response import LAG, WINDOW, Answers, Posterior, Prior, answers, posterior

BUNDLED = Path(__file__).parent / "calibration.csv"


@dataclass(frozen=True, eq=False)
class Data:
    """All that is used of a history: no day after `until` is in it. recent: the response of the last 60 months' data, for comparison.
    fees: months with fees, mean and standard deviation of their log share."""

    moves: Moves
    answers: Answers
    recent: Answers
    start: Start
    fees: tuple[int, float, float]
    until: date
    source: str


@dataclass(frozen=True, eq=False)
class Calibration:
    """Data with the posterior of a stated prior."""

    data: Data
    prior: Prior
    posterior: Posterior

    @property
    def moves(self) -> Moves:
        return self.data.moves

    @property
    def start(self) -> Start:
        return self.data.start


def from_history(history: History, source: str) -> Data:
    """Raises ValueError where there are too few months."""
    recent = history.recent(WINDOW + LAG + 1)
    start = Start(
        int(history.month[-1]), float(np.exp(history.price[-1])), float(np.exp(history.hashrate[-1])), float(history.height[-1]),
        None, tuple(float(x) for x in history.hashprice[-2 : -LAG - 1 : -1]),
    )  # fmt: skip
    shares = np.log(history.fee_share[np.isfinite(history.fee_share) & (history.fee_share > 0)])
    fees = (len(shares), float(shares.mean()), float(shares.std(ddof=1))) if len(shares) > 1 else (len(shares), 0.0, 0.0)
    return Data(moves(history.recent(WINDOW + 13).price), answers(recent), answers(recent, 60), start, fees, history.last, source)


def calibrate(data: Data, prior: Prior | None = None) -> Calibration:
    prior = prior or Prior()
    return Calibration(data, prior, posterior(data.answers, prior))


# --- as a table -------------------------------------------------------------------------------------------------------


def as_rows(data: Data) -> list[tuple[str, int, str]]:
    """quantity, position, value: of prices only sizes of moves without their signs, moments, and the last ones."""
    start = data.start
    numbers: dict[str, list[float]] = {
        "until": [data.until.toordinal()],
        "moves.volatility": [data.moves.volatility],
        "moves.effective_months": [data.moves.effective_months],
        "moves.size": data.moves.size.tolist(),
        "answers.month0": [data.answers.month0],
        "answers.moments": data.answers.moments.ravel().tolist(),
        "recent.moments": data.recent.moments.ravel().tolist(),
        "start.month": [start.month],
        "start.price": [start.price],
        "start.hashrate": [start.hashrate],
        "start.height": [start.height],
        "start.before": list(start.before),
        "fees": list(data.fees),
    }
    places = {"moves.size": ".4f", "start.price": ".2f", "start.hashrate": ".4f"}
    rows = []
    for name, values in numbers.items():
        form = places.get(name, ".12g")
        rows += [
            (name, i, date.fromordinal(int(v)).isoformat() if name == "until" else format(v, form)) for i, v in enumerate(values)
        ]
    return rows


def from_rows(rows: list[tuple[str, int, str]], source: str) -> Data:
    given: dict[str, list[str]] = {}
    for name, _, value in rows:
        given.setdefault(name, []).append(value)

    def numbers(name: str) -> list[float]:
        return [float(value) for value in given[name]]

    month0 = int(given["answers.month0"][0])
    price, hashrate, height = (numbers(f"start.{key}")[0] for key in ("price", "hashrate", "height"))
    n, mean, sd = numbers("fees")
    return Data(
        Moves(numbers("moves.volatility")[0], np.array(numbers("moves.size")), numbers("moves.effective_months")[0]),
        Answers(np.array(numbers("answers.moments")).reshape(4, 4), month0),
        Answers(np.array(numbers("recent.moments")).reshape(4, 4), month0),
        Start(int(given["start.month"][0]), price, hashrate, height, None, tuple(numbers("start.before"))),
        (int(n), mean, sd),
        date.fromisoformat(given["until"][0]),
        source,
    )


def write(path: Path, data: Data, notes: list[str]) -> None:
    lines = [f"# {note}" for note in notes] + ["quantity,position,value"]
    path.write_text("\n".join(lines + [",".join(map(str, row)) for row in as_rows(data)]) + "\n", encoding="utf-8")


@lru_cache(maxsize=1)
def bundled() -> Data:
    """The calibration that comes with the program."""
    text = BUNDLED.read_text(encoding="utf-8").splitlines()
    source = next(line for line in text if line.startswith("# source: ")).removeprefix("# source: ")
    rows = list(csv.reader(line for line in text if not line.startswith("#")))[1:]
    return from_rows([(name, int(position), value) for name, position, value in rows], source)
