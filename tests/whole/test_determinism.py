"""The same question gets the same answer, to the last bit: twice in a process, in another process, and as files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from optimizer import Case
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from optimizer.results.folder import contents
from optimizer.results.serialise import to_json
from optimizer.results.summary_json import summary
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem

CASES = ROOT / "tests" / "cases"


def assert_same(one: Any, other: Any, place: str) -> None:
    """Bitwise, names and their order included."""
    if isinstance(one, Mapping):
        assert list(one) == list(other), place
        for key, value in one.items():
            assert_same(value, other[key], f"{place}[{key}]")
    elif isinstance(one, np.ndarray):
        assert one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes(), place
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), f"{place}.{field.name}")
    elif isinstance(one, tuple):
        assert len(one) == len(other), place
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{place}[{k}]")
    elif isinstance(one, float):
        assert np.float64(one).tobytes() == np.float64(other).tobytes(), place
    else:
        assert one == other, place


def assert_same_answer(one: Solution, other: Solution) -> None:
    assert one.outcome is other.outcome is Outcome.OPTIMAL
    for name in ("decisions", "books", "certificate", "objective", "gap", "prices", "covenants", "size", "notes", "lp_checks"):
        assert_same(getattr(one, name), getattr(other, name), name)


@pytest.mark.parametrize("seed", [3, 9, 19, 61, 87])
def test_a_problem_solved_twice(seed: int) -> None:
    first = solve_problem(random_problem(seed))
    solve_problem(random_problem(seed + 1))  # what was solved in between leaves no trace
    assert_same_answer(first, solve_problem(random_problem(seed)))


def test_the_test_can_fail() -> None:
    first, other = solve_problem(random_problem(3)), solve_problem(random_problem(3))
    assert other.decisions is not None
    other.decisions.dividends[0, 0] = np.nextafter(other.decisions.dividends[0, 0], np.inf)
    with pytest.raises(AssertionError, match="dividends"):
        assert_same_answer(first, other)


@pytest.mark.parametrize("name", ["farmer", "dscr-sizing", "modigliani-miller"])
def test_a_case_solved_twice_gives_the_same_files(name: str) -> None:
    one, other = (Case.load(CASES / f"{name}.yaml").solve() for _ in range(2))
    assert_same_answer(one, other)
    assert to_json(summary(one)) == to_json(summary(other))
    files, again = contents(one), contents(other)
    assert list(files) == list(again)
    for file, data in files.items():
        assert data == again[file], file


SCRIPT = "from tests.whole.test_determinism import fingerprint; print(fingerprint())"


def fingerprint() -> str:
    """Digest of the decisions and books of two problems and of the summary of a case."""
    digest = hashlib.sha256()

    def take(value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                digest.update(repr(key).encode())
                take(item)
        elif isinstance(value, np.ndarray):
            digest.update(value.tobytes())
        elif hasattr(value, "__dataclass_fields__"):
            for field in fields(value):
                take(getattr(value, field.name))

    for seed in (3, 19):
        found = solve_problem(random_problem(seed))
        take(found.decisions)
        take(found.books)
    digest.update(to_json(summary(Case.load(CASES / "farmer.yaml").solve())).encode())
    return digest.hexdigest()


def test_another_process_with_other_hashes_gives_the_same() -> None:
    """Nothing depends on the order of sets or on where things lie in memory."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "4242")
    ]
    printed = [process.communicate(timeout=60)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert printed == [fingerprint()] * 2
