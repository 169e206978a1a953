"""Faults seeded into the program, one at a time: `check` finds each, and names the part it lies in.

A fault changes a few characters of one function's source, so it is one that a programmer could make. Some lie where both books read (how a
case becomes arrays): only the blessed result knows better. Others lie in the program alone: the second set of books refuses the run.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from models.hours.subproblem import _Columns
from models.problem import Clock, Problem
from models.program.fleet import Fleet
from models.program.rules.covenants import Covenants
from models.program.strips import strip
from models.program.tax import Taxes
from models.program.treasury import Treasury
from optimizer.case.arrays import financing, fleet, rules
from optimizer.studies.regression import check
from optimizer.studies.regression.check import DIFFERENT, SAME, UNVERIFIED, Task, Verdict, run_one
from tests.shared.company import SMALL, blessed_company


def mutate(monkeypatch: pytest.MonkeyPatch, function: Any, old: str, new: str) -> None:
    """The function with `old` in its source read as `new`, for all who have imported it."""
    assert isinstance(function, FunctionType)
    source = textwrap.dedent(inspect.getsource(function))
    assert old in source, f"the code that this fault changes has moved: {function.__qualname__} has no {old!r}"
    source = source.replace(old, new, 1)
    source = source[source.index("def ") :]
    scope = dict(function.__globals__)
    flags = __future__.annotations.compiler_flag
    exec(compile(source, function.__code__.co_filename, "exec", flags=flags, dont_inherit=True), scope)
    monkeypatch.setattr(function, "__code__", scope[function.__name__].__code__)


#: what is wrong -> (where, the code, the code with the fault, state, words of which one names the part)
FAULTS: dict[str, tuple[Callable[..., Any], str, str, str, tuple[str, ...]]] = {
    "a sign in the tax row": (
        Taxes._year, "plus(depreciation).plus(interest)", "plus(depreciation, -1.0).plus(interest)",
        UNVERIFIED, ("rows of taxable_income", "tax: program against books"),
    ),
    "a lead time off by one in the program": (
        Fleet._rows, "row.add(f.at(s, d - rig.lead), -1.0)", "row.add(f.at(s, d - rig.lead - 1), -1.0)",
        UNVERIFIED, ("rows of fleet",),
    ),
    "a lead time off by one in reading": (
        fleet._rig, "lead=frame.steps(given.lead)", "lead=frame.steps(given.lead) + 1",
        DIFFERENT, ("rigs[new].lead: 1 -> 2",),
    ),
    "a dropped fee": (financing._debt, "fee=given.fee", "fee=0.0", DIFFERENT, ("debts[notes].fee: 0.02 -> 0",)),
    "a doubled discount": (
        Problem.__dict__["discount"].func, "self.clock.date_month / 12.0", "self.clock.date_month / 6.0",
        UNVERIFIED, ("rows of value",),
    ),
    "a rule not applied": (
        rules.build_rules, "for rule in rules:", "for rule in rules[1:]:",
        DIFFERENT, ("rules[six months of cash]",),
    ),
    "a rule not applied in the program": (
        Covenants._rule, "if not rule.active[s, d]:", 'if not rule.active[s, d] or rule.name == "six months of cash":',
        UNVERIFIED, ("rule six months of cash", "rows of rule"),
    ),
    "half the interest": (
        strip, "accrued = debt.rate[:, t] * step / 12.0 * balance", "accrued = debt.rate[:, t] * step / 24.0 * balance",
        UNVERIFIED, ("interest",),
    ),
    "delivery left out of the price of an hour": (
        _Columns._sources, 'columns.append((Entry("grid", "grid"), (1, 1, zero)', 'columns.append((Entry("grid", "grid"), (1, 0, zero)',
        UNVERIFIED, ("ebitda",),
    ),
    "the share of a terminal value left out": (
        Fleet._rig, "p.terminal.rigs * rig.resale[s, b.T]", "rig.resale[s, b.T]",
        UNVERIFIED, ("ledger terminal_rigs",),
    ),
    "a tax year that ends in September": (
        Clock.__dict__["calendar_year"].func, "self.date_month[1:] - 1", "self.date_month[1:] + 2",
        UNVERIFIED, ("tax: program against books",),
    ),
    "a halving that never comes": (
        financing.build_market, "BLOCKS_PER_DAY * subsidy(frame)", "BLOCKS_PER_DAY * subsidy(frame).max()",
        DIFFERENT, ("market.hashprice",),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """The small company, blessed without a fault."""
    made = blessed_company(tmp_path_factory.mktemp("faults"))
    return Task(made.path, None, made.case, made.results)


def text(found: Verdict) -> str:
    return "\n".join([found.headline, *(one.text for one in found.findings)])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_its_part_is_named(fault: str, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    function, old, new, state, words = FAULTS[fault]
    mutate(monkeypatch, function, old, new)
    found = run_one(task)
    assert found.state == state, text(found)
    assert any(word in text(found) for word in words), text(found)
    assert not {one.about for one in found.findings} & {"input", "file"}  # the case is what it was, and nothing says otherwise
    assert check.exit_code([found]) == (5 if state == UNVERIFIED else 1)


def test_without_a_fault_nothing_is_found(task: Task) -> None:
    found = run_one(task)
    assert (found.state, found.findings) == (SAME, ()), text(found)
    assert found.compared > 30


def test_a_fault_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="has moved"):
        mutate(monkeypatch, Treasury._roll_coins, "there is no such code", "")


def test_the_small_company_is_a_file_like_any(task: Task) -> None:
    assert Path(task.path).read_text(encoding="utf-8") == SMALL
