"""The collector is as it was after a program is built."""

from __future__ import annotations

import gc

import pytest

from optimizer.memory import uncollected


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
