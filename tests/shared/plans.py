"""One store of solved plans: what one test has had solved, no other test of the same run solves again, in whatever process it runs.

For tests that look at a plan. Those that look at how it is solved, change the program on the way or need it warm ask the engine itself.
A stored plan is shared: nobody changes it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.problem import Problem
from optimizer.case.case import Case
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve, solve_problem
from optimizer.runtime.worker import stamp

#: where the processes of one run leave plans for each other; unset outside of pytest (see tests/conftest.py)
FOLDER = "WATTFOLIO_TEST_PLANS"
#: seconds of work from which a plan is worth the time to write and read it
WORTH = 1.0
#: plans that a process holds at most
HELD = 64

_held: OrderedDict[str, Solution] = OrderedDict()


def plan(path: str | Path, *settings: str, variant: str | None = None, **options: Any) -> Solution:
    """The plan of a case, without a baseline unless it is asked for."""
    return plan_of(Case.load(path, variant, settings), **options)


def plan_of(question: Case | Problem, **options: Any) -> Solution:
    """The plan of a case or of arrays, without a baseline unless it is asked for. `options` are those of `solve`, as plain values."""
    options = {"baseline": False} | options
    key = digest(question, options)
    if key in _held:
        _held.move_to_end(key)
        return _held[key]
    found = _left(key)
    if found is None:
        begun = time.perf_counter()
        found = solve(question, **options) if isinstance(question, Case) else solve_problem(question, **options)
        if time.perf_counter() - begun >= WORTH:
            _leave(key, found)
    _held[key] = found
    if len(_held) > HELD:
        _held.popitem(last=False)
    return found


def digest(question: Case | Problem, options: dict[str, Any]) -> str:
    """Of all that an answer hangs on: the case, its variant and settings, or the arrays; the options; the sources and what they use."""
    odd = [name for name, value in options.items() if not (value is None or isinstance(value, (bool, int, float, str)))]
    if odd:
        raise ValueError(f"not for plans that are shared: {', '.join(odd)}")
    case = isinstance(question, Case)
    asked = (str(question.path), question.digest, question.variant, question.settings) if case else question
    told = hashlib.sha256()
    _tell(told.update, (asked, options, stamp()))
    return told.hexdigest()


def _tell(say: Callable[[bytes], None], value: Any) -> None:
    """All of a value and of what it is made of, field by field: what objects keep beside their fields is worked out of these."""
    say(f"<{type(value).__name__}".encode())
    if is_dataclass(value):
        for field in fields(value):
            say(field.name.encode())
            _tell(say, getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        say(f"{value.dtype}{value.shape}".encode())
        say(value.tobytes())
    elif isinstance(value, Mapping):
        _tell(say, sorted(value.items(), key=lambda item: repr(item[0])))
    elif isinstance(value, (tuple, list)):
        for one in value:
            _tell(say, one)
    elif value is None or isinstance(value, (bool, int, float, str, np.generic)):
        say(repr(value).encode())
    else:
        raise TypeError(f"cannot tell what a {type(value).__name__} is made of")
    say(b">")


def _left(key: str) -> Solution | None:
    """What another process of this run has left, if it has."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return None
    with suppress(FileNotFoundError):
        found: Solution = pickle.loads((Path(folder) / key).read_bytes())
        return found
    return None


def _leave(key: str, found: Solution) -> None:
    """Whole or not at all: another process may look at any moment."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return
    begun = Path(folder) / f"{key}.{os.getpid()}"
    begun.write_bytes(pickle.dumps(found))
    begun.replace(Path(folder) / key)
