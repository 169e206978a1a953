"""What all tests need of the process they run in."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile

import pytest

#: where the processes of one run leave plans for each other (tests/shared/plans.py, which this file does not import: it is heavy)
PLANS = "WATTFOLIO_TEST_PLANS"
#: files that take longest, begun first: a process that begins one last would be waited for by the others
LONGEST = (
    "optimizer/runtime/test_executor.py",
    "optimizer/explain/no_plan/test_iis.py",
    "whole/test_decomposition.py",
    "whole/test_two_books.py",
    "whole/test_case_answers.py",
    "whole/test_identities.py",
    "whole/test_what_ifs.py",
    "whole/test_cases.py",
    "optimizer/explain/marginal/test_scarce_things.py",
    "optimizer/results/workbook/test_build.py",
    "optimizer/runtime/test_interrupts.py",
    "whole/test_rules_two_books.py",
    "whole/test_project.py",
    "optimizer/studies/test_sweep.py",
    "optimizer/studies/regression/test_no_false_alarm.py",
    "optimizer/studies/regression/test_check.py",
    "optimizer/explain/marginal/test_marginal_values.py",
    "optimizer/explain/no_plan/test_repairs.py",
    "optimizer/explain/no_plan/test_verify_repairs.py",
    "whole/test_yearly_limits.py",
)


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in its background deaf to Ctrl-C, and so would be every process that a test starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:  # each of several processes has its share of the cores: threads that take turns on one cost time
        os.environ.setdefault("NUMBA_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    if not hasattr(config, "workerinput") and PLANS not in os.environ:
        os.environ[PLANS] = tempfile.mkdtemp(prefix="wattfolio-plans-")
        config.add_cleanup(_forget)


def _forget() -> None:
    """Plans are of one run: the next one has other sources, or asks whether the same ones still solve."""
    shutil.rmtree(os.environ.pop(PLANS), ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {f"tests/{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
