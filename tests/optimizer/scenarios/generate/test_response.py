"""The answer of hashrate to hashprice: the posterior against brute force, and against histories whose answer is known."""

import math

import numpy as np
import pytest
from scipy.integrate import trapezoid

from optimizer.scenarios.generate.response import (
    LAG,
    Answers,
    Drawn,
    Posterior,
    Prior,
    answers,
    draw_response,
    least_squares,
    posterior,
)
from tests.shared.network_data import made_history


def truth(seed: int, prior: Prior) -> Drawn:
    """Parameters from the prior, by rejection."""
    rng = np.random.default_rng([seed, 99])
    noise = 1.0 / math.sqrt(rng.gamma(prior.noise_weight / 2, 1 / (prior.noise_weight / 2 * prior.noise**2)))
    response = -1.0
    while response <= 0:  # the prior's sd is at its median noise
        response = prior.response + prior.response_sd * noise / prior.noise * rng.standard_normal()
    usual = prior.usual + prior.usual_sd * rng.standard_normal()
    fall = prior.fall + prior.fall_sd * np.clip(rng.standard_normal(), -3, 3)
    one = np.ones(1)
    centre = math.log(144 * 6.25 * 20_000 / 150_000)  # where made histories begin
    return Drawn(one * (usual - response * centre), one * response, one * fall, one * noise, 24, math.inf)


def covered(histories: int) -> float:
    prior = Prior()
    inside = 0
    for seed in range(histories):
        true = truth(seed, prior)
        after = posterior(answers(made_history(true, 120, seed)), prior)
        below = 1.0 - after.response_above(float(true.response[0]))
        inside += 0.05 <= below <= 0.95
    return inside / histories


def test_the_true_response_is_inside_its_interval():
    """200 histories of ten years: 85 to 95 % inside the 90 % interval."""
    assert 0.85 <= covered(200) <= 0.95


def test_least_squares_by_rows():
    """Against the rows themselves."""
    history = made_history(truth(4, Prior()), 120, 4)
    growth = np.diff(history.hashrate)
    now = np.arange(LAG - 1, len(growth))
    over = sum(history.hashprice[now - lag] for lag in range(LAG)) / LAG
    rows = np.stack([np.ones(len(now)), over, now / 12.0], axis=1)
    found, left, *_ = np.linalg.lstsq(rows, growth[now], rcond=None)
    sd = math.sqrt(left[0] / (len(now) - 3) * np.linalg.inv(rows.T @ rows)[1, 1])
    value, t = least_squares(answers(history))
    assert value == pytest.approx(found[1], rel=1e-6)
    assert t == pytest.approx(found[1] / sd, rel=1e-6)


def brute_force(seen: Answers, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
    """(response, its density), by adding up the density of the model over a grid of all four parameters."""
    n = seen.months
    fall = prior.fall + prior.fall_sd * np.linspace(-3, 3, 41)
    noise = np.geomspace(0.04, 0.14, 60)
    usual = np.linspace(-0.05, 0.11, 81)
    response = np.linspace(0.0, 0.2, 161)
    total = np.zeros(len(response))
    f, s, u, k = np.meshgrid(fall, noise, usual, response, indexing="ij", sparse=True)
    centre = (seen.moments[0, 1] + f * seen.moments[0, 2]) / n
    m = seen.moments
    level = u - k * centre  # growth = level + k * hashprice + k * f * years + noise
    weights = [level, k, k * f, -1.0]
    square = sum(weights[i] * weights[j] * m[i, j] for i in range(4) for j in range(4))
    a = prior.noise_weight / 2
    log = (
        -n * np.log(s) - square / (2 * s**2)
        - 0.5 * ((f - prior.fall) / prior.fall_sd) ** 2
        - (2 * a + 1) * np.log(s) - a * prior.noise**2 / s**2
        - 2 * np.log(s)
        - 0.5 * (((u - prior.usual) / prior.usual_sd) ** 2 + ((k - prior.response) / prior.response_sd) ** 2) * prior.noise**2 / s**2
    )  # fmt: skip
    density = np.exp(log - log.max())
    total = trapezoid(density, usual, axis=2)
    total = trapezoid(total, noise, axis=1).sum(axis=0)
    return response, total / trapezoid(total, response)


def test_posterior_by_brute_force():
    seen = answers(made_history(truth(11, Prior()), 60, 11))
    response, density = brute_force(seen, Prior())
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(response))])
    after = posterior(seen, Prior())
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        at = float(np.interp(level, below, response))
        assert after.response_quantile(level) == pytest.approx(at, abs=2e-4)


def test_draws_are_of_the_posterior():
    after = posterior(answers(made_history(truth(11, Prior()), 60, 11)), Prior())
    drawn = draw_response(after, 1, 20_000)
    for level in (0.05, 0.5, 0.95):
        assert np.quantile(drawn.response, level) == pytest.approx(after.response_quantile(level), abs=2e-3)
        assert np.quantile(drawn.fall, level) == pytest.approx(after.fall_quantile(level), abs=4e-3)
    assert (drawn.response > 0).all()
    assert np.array_equal(draw_response(after, 1, 50).noise, drawn.noise[:50])
    # usual growth at the centre of the data, and the noise, against the moments of the normal-gamma mixture without the cut at 0
    g = int(np.argmax(after.weight))
    assert np.mean(drawn.noise**2) == pytest.approx(float(after.rate[g] / (after.shape[g] - 1)), rel=0.05)


def test_without_data_the_prior_is_left():
    """A truncated t around 0.06 with the stated scale."""
    from scipy.stats import t

    prior = Prior()
    before = posterior(None, prior)
    free = prior.noise_weight
    cut = t.cdf(-prior.response / prior.response_sd, free)
    for level in (0.05, 0.5, 0.95):
        expected = prior.response + prior.response_sd * t.ppf(cut + level * (1 - cut), free)
        assert before.response_quantile(level) == pytest.approx(expected, rel=1e-6)


def test_more_data_say_more():
    true = truth(5, Prior())
    widths = []
    for months in (30, 60, 120):
        after: Posterior = posterior(answers(made_history(true, months, 5)), Prior())
        widths.append(after.response_quantile(0.95) - after.response_quantile(0.05))
    assert widths[0] > widths[1] > widths[2]


def test_too_few_months_are_refused():
    with pytest.raises(ValueError, match="at least 24"):
        answers(made_history(truth(5, Prior()), 20, 5))
