"""The collector is as it was after a program is built, does not go over it at once, and frees old ones in time."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from optimizer.runtime import memory
from optimizer.runtime.memory import uncollected


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_rests_and_comes_back_as_it_was(on: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with pytest.raises(KeyError), uncollected():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is on
    finally:
        (gc.enable if was else gc.disable)()


class Thing:
    """In a cycle with itself."""

    def __init__(self) -> None:
        self.me = self


def generation(thing: Any) -> int:
    return next(n for n in range(3) if any(one is thing for one in gc.get_objects(n)))


def test_what_was_built_is_old_at_once() -> None:
    young = Thing()
    assert generation(young) < 2
    with uncollected():
        built = Thing()
    assert generation(built) == 2
    gc.freeze()
    try:
        with uncollected():
            later = Thing()
        assert generation(later) < 2, "objects that somebody has frozen stay so"
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_old_programs_are_freed_before_the_next_when_enough_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "OWED", 5_000)
    monkeypatch.setattr(memory, "_owed", 0)

    def build(size: int) -> weakref.ref[Thing]:
        with uncollected():
            program = [Thing() for _ in range(size)]
            return weakref.ref(program[0])

    collecting = gc.get_threshold()
    gc.set_threshold(collecting[0], collecting[1], 1_000_000)  # by itself the collector frees nothing that is old here
    try:
        first = build(1_000)
        second = build(10_000)
        assert first() is not None and second() is not None
        third = build(1)
        assert first() is None and second() is None and third() is not None
        build(1)
        assert third() is not None
    finally:
        gc.set_threshold(*collecting)
