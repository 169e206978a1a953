"""Names of `optimizer` that README shows stay, whatever moves."""

from __future__ import annotations

from importlib import import_module

import pytest

#: names that programs import
STABLE = [
    "optimizer.Case",
    "optimizer.baseline.Baseline",
    "optimizer.baseline.baselines",
    "optimizer.hourly.draw",
    "optimizer.prices.StatementPrice",
    "optimizer.prices.price_statements",
    "optimizer.report.read",
    "optimizer.report.render",
    "optimizer.results.load",
    "optimizer.results.write",
]


def named(where: str) -> object:
    module, _, name = where.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("name", STABLE)
def test_a_stable_name_leads_to_the_thing_in_its_room(name: str) -> None:
    thing = named(name)
    assert callable(thing) and thing.__name__ == name.rpartition(".")[2]
    assert ".stable_names" not in thing.__module__ and thing.__module__ != name.rpartition(".")[0]


def test_a_name_that_never_was_is_a_mistake() -> None:
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        named("optimizer.results.laod")
    with pytest.raises(ModuleNotFoundError):
        import_module("optimizer.nobody")
