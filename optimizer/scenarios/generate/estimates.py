"""Every number that a future hangs on, with its 90 % interval, and whether data or the prior say so."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, norm

from optimizer.scenarios.generate.calibration import Calibration
from optimizer.scenarios.generate.network import Beliefs
from optimizer.scenarios.generate.response import LAG, least_squares, posterior

DATA, PRIOR, STATED = "data", "prior", "stated"
LEANS = 0.5  # an interval more than half as wide as the prior's: more than a quarter of what is known was believed before
SURE = 1.645  # a t below this has a sign that may be chance (5 %, one side)


@dataclass(frozen=True)
class Estimate:
    """value with its 90 % interval (low, high), in `unit`; source: data (with a prior), prior, or stated by the case. note: what is to be
    known of it; leans: the prior has a large part in it."""

    name: str
    unit: str
    value: float
    low: float
    high: float
    source: str
    leans: bool
    note: str


def estimates(known: Calibration, beliefs: Beliefs) -> list[Estimate]:
    """The table, in the order of the process."""
    return [*_price(known, beliefs), *_response(known), *_fees(known, beliefs), *_followers(beliefs)]


def _price(known: Calibration, beliefs: Beliefs) -> list[Estimate]:
    year = math.sqrt(12.0)
    low, high = known.moves.volatility_interval()
    growth = math.log1p(beliefs.growth)
    ends = [math.expm1(growth + beliefs.uncertain * z) for z in norm.ppf([0.05, 0.95])]
    months = known.moves.effective_months
    return [
        Estimate("growth of the median price", "1/year", beliefs.growth, ends[0], ends[1], STATED, True, "past growth is not used"),
        Estimate(
            "volatility of the price", "log/year", year * known.moves.volatility, year * low, year * high, DATA, False,
            f"moves of {len(known.moves.size)} months, newer ones weigh more: as {months:.0f} months",
        ),
    ]  # fmt: skip


def _response(known: Calibration) -> list[Estimate]:
    after, before = known.posterior, posterior(None, known.prior)
    seen, recent = known.data.answers, known.data.recent
    value, low, high = (after.response_quantile(level) for level in (0.5, 0.05, 0.95))
    wide = before.response_quantile(0.95) - before.response_quantile(0.05)
    alone, t_value = least_squares(seen)
    late, late_t = least_squares(recent)
    leans = (high - low) > LEANS * wide or t_value < SURE or late_t < SURE
    note = f"data alone: {alone:+.3f}, t {t_value:.1f}, on {seen.months} months; {late:+.3f}, t {late_t:.1f}, on the last {recent.months}"
    if late < 0.0:
        note += ", where the sign is wrong"
    fall, least, most = (after.fall_quantile(level) for level in (0.5, 0.05, 0.95))
    noise = np.sqrt(after.weight @ (after.rate / after.shape))
    quietest, loudest = _noise_interval(known)
    prior = known.prior
    return [
        Estimate(
            "response of hashrate to hashprice", "1/month", value, low, high, DATA, leans,
            f"share of a gap closed in a month, hashprice over {LAG} months; {note}",
        ),
        Estimate(
            "fall of the target hashprice", "log/year", fall, least, most, DATA, most - least > LEANS * 2 * 1.645 * prior.fall_sd,
            f"with the energy of a hash; prior {prior.fall:.2f} with {prior.fall_sd:.2f}",
        ),
        Estimate(
            "growth of hashrate at its usual hashprice", "log/month", *_usual(known), DATA, False,
            f"prior {prior.usual:.2f} with {prior.usual_sd:.2f}",
        ),
        Estimate("noise of hashrate", "log/month", float(noise), quietest, loudest, DATA, False, "what hashprice does not explain"),
        Estimate(
            "largest growth of hashrate", "log/month", prior.limit, prior.limit, prior.limit, PRIOR, True,
            "what factories and halls can bring",
        ),
    ]  # fmt: skip


def _usual(known: Calibration) -> tuple[float, float, float]:
    """Median and 90 % interval at the likeliest fall: student t about the mean."""
    from scipy.stats import t

    after = known.posterior
    g = int(np.argmax(after.weight))
    spread = math.sqrt(after.rate[g] / after.shape[g] * after.scale[g, 0, 0])
    middle, away = float(after.mean[g, 0]), spread * float(t.ppf(0.95, 2.0 * after.shape[g]))
    return middle, middle - away, middle + away


def _noise_interval(known: Calibration) -> tuple[float, float]:
    """90 % interval of the noise at the likeliest fall."""
    from scipy.stats import gamma

    after = known.posterior
    g = int(np.argmax(after.weight))
    low, high = (math.sqrt(after.rate[g] / gamma.ppf(level, after.shape[g])) for level in (0.95, 0.05))
    return low, high


def _fees(known: Calibration, beliefs: Beliefs) -> list[Estimate]:
    fees = beliefs.fees
    months, mean, sd = known.data.fees
    beside = "no month of fees in the data"
    if months > 1:
        beside = f"{months} months of data, too few for bursts: usual share {100 * math.exp(mean):.1f} %, spread {sd:.1f} in logs"
    chance, least, most = (float(x) for x in beta.ppf([0.5, 0.05, 0.95], *fees.chance))
    return [
        Estimate("fees in a quiet month", "of subsidy", *_spread(fees.quiet, fees.quiet_sd), PRIOR, True, beside),
        Estimate("chance of a burst of fees", "1/month", chance, least, most, PRIOR, True, beside),
        Estimate("size of a burst of fees", "log", *_spread(fees.size, fees.size_sd), PRIOR, True, beside),
        Estimate("what is left of a burst a month later", "share", fees.keep, fees.keep, fees.keep, PRIOR, True, beside),
    ]


def _spread(median: float, sd: float) -> tuple[float, float, float]:
    """Median and 90 % interval of a lognormal."""
    return median, median * math.exp(-1.645 * sd), median * math.exp(1.645 * sd)


def _followers(beliefs: Beliefs) -> list[Estimate]:
    one = beliefs.follows
    note = "no series of it in the data"
    return [
        Estimate(
            f"answer of {what} to hashprice", "elasticity", middle, max(middle - 1.645 * sd, 0.0), middle + 1.645 * sd,
            PRIOR, True, note,
        )
        for what, middle, sd in (("rig prices", one.rigs, one.rigs_sd), ("the miner's share", one.share, one.share_sd))
    ]  # fmt: skip
