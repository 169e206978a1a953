"""What a solve must not pay for."""

from __future__ import annotations

import subprocess
import sys

from tests.shared.places import ROOT

SCRIPT = """
import sys
from optimizer.case.case import Case
solution = Case.load("cases/quickstart.yaml").problem()
Case.load("tests/cases/short-term.yaml").solve()
heavy = [name for name in ("scipy.stats", "scipy.spatial", "scipy.integrate", "pint", "pandas", "matplotlib") if name in sys.modules]
assert not heavy, heavy
import scipy.integrate, scipy.spatial, scipy.stats
assert abs(scipy.stats.norm.cdf(0.0) - 0.5) < 1e-15 and scipy.spatial.distance is not None
"""


def test_a_solve_imports_nothing_idle_and_hides_nothing() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]


EXPLAIN = """
import contextlib, io, sys
from optimizer.cli import app
with contextlib.redirect_stdout(io.StringIO()) as out:
    code = app.run(["explain", "tests/cases/infeasible/two-rules.yaml", "--quiet"])
assert code == 3 and "No plan can meet all of these" in out.getvalue()
heavy = [name for name in ("scipy.stats", "scipy.spatial", "scipy.integrate", "matplotlib") if name in sys.modules]
assert not heavy, heavy
"""


APART = """
import sys
import optimizer.explain.no_plan.verify_repairs
import optimizer.engine.solve, optimizer.engine.warm_start
heavy = [name for name in ("scipy.stats", "scipy.spatial", "scipy.integrate", "pandas", "matplotlib") if name in sys.modules]
assert not heavy, heavy
"""


def test_a_process_that_solves_for_another_imports_nothing_idle() -> None:
    found = subprocess.run([sys.executable, "-c", APART], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]


def test_an_explanation_imports_nothing_idle() -> None:
    found = subprocess.run([sys.executable, "-c", EXPLAIN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
