"""The exit codes: one table."""

from __future__ import annotations

DONE, DIFFERENT, USAGE, NO_PLAN, LIMIT, UNVERIFIED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
EXIT_CODES = {
    "OPTIMAL": DONE, "INFEASIBLE": NO_PLAN, "UNBOUNDED": NO_PLAN, "LIMIT": LIMIT, "UNVERIFIED": UNVERIFIED
}  # fmt: skip
