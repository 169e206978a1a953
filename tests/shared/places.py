"""Where things of the repository lie, for tests of any room."""

from __future__ import annotations

from pathlib import Path

#: the repository
ROOT = Path(__file__).parents[2]

#: small cases of the tests, and those without a plan
CASES = ROOT / "tests" / "cases"
INFEASIBLE = CASES / "infeasible"
