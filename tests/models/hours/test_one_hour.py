"""The one-number search against a general solver, hour by hour."""

from __future__ import annotations

import highspy
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hours.one_hour import hourly_value

price = st.floats(-200, 3000, allow_nan=False).map(lambda x: round(x, 3))
share = st.floats(0, 1).map(lambda x: round(x, 4))
mw = st.floats(0, 500).map(lambda x: round(x, 3))


def by_highs(v: np.ndarray, up: np.ndarray, c: np.ndarray, cap: np.ndarray) -> float:
    """max sum v x - sum c y, one balance."""
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    uses = [h.addVariable(0, float(u)) for u in up]
    sources = [h.addVariable(0, float(u)) for u in cap]
    h.addConstr(sum(uses) - sum(sources) == 0)
    h.maximize(
        sum(float(a) * x for a, x in zip(v, uses, strict=True)) - sum(float(a) * y for a, y in zip(c, sources, strict=True))
    )
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return h.getObjectiveValue()


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_value_equals_linear_program(uses: int, sources: int, data: st.DataObject) -> None:
    def draw(kind: st.SearchStrategy[float], n: int) -> np.ndarray:
        return np.array(data.draw(st.lists(kind, min_size=n, max_size=n)))

    v, a, k = draw(price, uses), draw(share, uses), draw(mw, uses)
    c, b, m = draw(price, sources), draw(share, sources), draw(mw, sources)
    found = hourly_value(v[:, None], a[:, None], k, c[:, None], b[:, None], m)
    expected = by_highs(v, a * k, c, b * m)
    scale = 1.0 + (np.abs(v) * a * k).sum() + (np.abs(c) * b * m).sum()
    assert abs(found.value[0] - expected) <= 1e-9 * scale
    # linear in K at the minimiser: the slopes add up to the value
    assert abs(found.use_slope[:, 0] @ k + found.source_slope[:, 0] @ m - expected) <= 1e-9 * scale


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_slopes_support_the_value_from_above(seed: int) -> None:
    """V(K') <= V(K) + V'(K) (K' - K) everywhere: the plane is a valid cut; and it is the derivative where there is one."""
    rng = np.random.default_rng(seed)
    u, g, h = 4, 3, 24
    v, c = rng.uniform(-50, 200, (u, h)), rng.uniform(-20, 150, (g, h))
    a, b = rng.uniform(0, 1, (u, h)), rng.uniform(0, 1, (g, h))
    k, m = rng.uniform(0, 100, u), rng.uniform(0, 100, g)
    here = hourly_value(v, a, k, c, b, m)
    for _ in range(5):
        k2, m2 = rng.uniform(0, 200, u), rng.uniform(0, 200, g)
        there = hourly_value(v, a, k2, c, b, m2)
        plane = here.value + (k2 - k) @ here.use_slope + (m2 - m) @ here.source_slope
        assert (there.value <= plane + 1e-9 * (1 + np.abs(plane))).all()
    step = 1e-6
    up = hourly_value(v, a, k + step * np.eye(u)[0], c, b, m).value.sum()
    down = hourly_value(v, a, k - step * np.eye(u)[0], c, b, m).value.sum()
    slope = here.use_slope[0].sum()
    assert (up - here.value.sum()) / step <= slope + 1e-3
    assert (here.value.sum() - down) / step >= slope - 1e-3


def test_empty_list_is_worth_nothing() -> None:
    none = np.zeros((0, 3))
    assert (hourly_value(none, none, np.zeros(0), none, none, np.zeros(0)).value == 0.0).all()


def test_hand_made_hour() -> None:
    """60 MW of rigs at 80, 20 MW of AI at 300, 50 MW of grid at 40 and 10 MW of sun at 5: rigs are rationed, so power is worth 80."""
    v, c = np.array([[80.0], [300.0]]), np.array([[40.0], [5.0]])
    one = np.ones((2, 1))
    found = hourly_value(v, one, np.array([60.0, 20.0]), c, one, np.array([50.0, 10.0]))
    assert found.power_value[0] == 80.0
    assert found.value[0] == 20 * 300 + 40 * 80 - 50 * 40 - 10 * 5
    assert found.use_slope[:, 0].tolist() == [0.0, 220.0]
    assert found.source_slope[:, 0].tolist() == [40.0, 75.0]
