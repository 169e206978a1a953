"""The benchmarks run, and what they compare is the same problem."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.benchmarks.__main__ import disagreements, markdown, run
from tests.benchmarks.problems import SIZES, prices, whole
from tests.benchmarks.rivals import LINOPY


def test_same_objective_in_one_piece() -> None:
    results = [run("tiny", method, 120.0) for method in ("cuts", "extensive-simplex")]
    assert disagreements(results) == []
    assert [r["outcome"] for r in results] == ["optimal", "optimal"]
    own = results[0]
    assert own["cuts"] > 0 and own["peak_mb"] > 50
    assert own["kernel"] + own["highs"] + own["other"] == pytest.approx(own["wall"])
    assert f"| tiny | extensive-simplex | {own['site_hours']:,} |" in markdown(results, {**ABOUT, "versions": {}})


@pytest.mark.slow
@pytest.mark.skipif(find_spec("linopy") is None, reason="linopy is not installed (extra bench)")
def test_same_objective_in_linopy() -> None:
    results = [run("reduced-tiny", method, 120.0) for method in ("cuts", LINOPY[0])]
    assert disagreements(results) == []
    assert [r["outcome"] for r in results] == ["optimal", "optimal"]


def test_a_run_over_the_limit_is_stopped() -> None:
    found = run("large", "extensive-ipm", 1.0)
    assert found["outcome"] == "stopped after 1 s" and found["wall"] < 5.0


def test_disagreement_is_told() -> None:
    base = {"name": "tiny", "outcome": "optimal", "reasons": []}
    near, far = {**base, "method": "extensive-ipm", "objective": 1e6 + 0.5}, {**base, "method": "linopy-ipm", "objective": 1.01e6}
    told = disagreements([{**base, "method": "cuts", "objective": 1e6}, near, far])
    assert len(told) == 1 and "linopy-ipm" in told[0]


def test_problems_keep_every_hour() -> None:
    p = whole(sites=1, months=26, scenarios=2, rigs=1, services=1, information=12)
    assert p.clock.hours.sum() == 24 * (365 + 365 + 31 + 29)  # 2028 is a leap year
    assert all((weight == 1.0).all() for weight in p.clock.weight)
    node = p.scenarios.node
    assert (node[0, :12] == node[1, :12]).all() and (node[0, 12:] != node[1, 12:]).all()
    assert prices()[0].shape[1] == 8784 and "ERCOT" in prices()[1].upper()
    assert all(size.about for size in SIZES.values())


ABOUT = {"date": "2026-01-01", "system": "any", "cores": 1}
