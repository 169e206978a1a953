"""The program and the books agree on random whole problems; and where one of them is made to err, the answer is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import models.program.financing
from models.decisions import Decisions
from models.problem import Problem
from models.problem.scenario_subset import rebuilt
from models.proforma.keep import keep_books
from models.program.expressions import Lin
from models.program.financing import Instruments
from models.program.master_problem import MasterProblem
from models.program.tax import Taxes
from models.program.treasury import Treasury
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import TOLERANCE, Outcome
from tests.shared.random_problems import random_problem
from tests.shared.tiny import tiny

SEEDS = 120
CHUNK = 10
#: among them small ones whose plans, together, do everything at least twice
WATCHED = (9, 11, 16, 19, 22, 26, 30, 37, 41, 44, 107, 108, 113)


@cache
def solution(seed: int) -> Solution:
    return solve_problem(random_problem(seed), method="extensive", baseline=False)


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_program_and_books_agree(first: int) -> None:
    for seed in range(first, first + CHUNK):
        found = solution(seed)
        assert found.outcome is Outcome.OPTIMAL, (seed, found.reasons)
        assert found.books is not None and found.gap is not None and found.objective is not None
        assert found.gap <= 1e-7, seed
        assert len(found.books.checks) > 20 and len(found.lp_checks) > 15
        for check in (*found.books.checks, *found.lp_checks):
            assert check.relative <= 1e-7, (seed, check)
        assert found.certificate is not None and found.certificate.verified
        assert found.lower_bound == pytest.approx(found.objective, rel=1e-7), seed


def pressed(seed: int) -> Problem:
    """A random problem whose connection is small and of whose interest little may be deducted."""
    problem = random_problem(seed)
    sites = []
    for site in problem.sites:
        cheap = None if site.expand is None else replace(site.expand, cost=0.1 * site.expand.cost)
        sites.append(replace(site, interconnection_mw=15.0, expand=cheap))
    if problem.tax is None or problem.tax.interest_limit is None:
        return replace(problem, sites=tuple(sites))
    limited = replace(problem.tax, interest_limit=replace(problem.tax.interest_limit, share=0.02))
    return replace(problem, sites=tuple(sites), tax=limited)


#: of these some have an interest limit, some sites that can be connected better
PRESSED = (15, 35, 42, 61, 68, 69, 73, 86, 88, 89, 91, 110, 112)


@cache
def pressed_solution(seed: int) -> Solution:
    return solve_problem(pressed(seed), method="extensive", baseline=False)


@pytest.mark.parametrize("seed", PRESSED)
def test_program_and_books_agree_under_pressure(seed: int) -> None:
    found = pressed_solution(seed)
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    assert found.books is not None and found.gap is not None and found.gap <= 1e-7
    assert all(check.relative <= 1e-7 for check in (*found.books.checks, *found.lp_checks))


def test_the_random_problems_use_every_part() -> None:
    """Otherwise agreement says nothing: each decision is taken, and each line of the ledger moves, in several of them."""
    used: dict[str, int] = {}
    for found in [*map(solution, WATCHED), *map(pressed_solution, PRESSED)]:
        assert found.decisions is not None and found.books is not None
        here = {name for name in KINDS if largest(found.decisions, name) is not None}
        here |= {f"ledger {name}" for name, entry in found.books.ledger.items() if np.abs(entry).max() > 1.0}
        here |= {f"tax {name}" for name, line in found.books.tax.items() if np.abs(line).max() > 1.0}
        for schedule in found.books.schedules.values():
            here |= {f"schedule {name}" for name, line in schedule.items() if np.abs(line).max() > 1.0}
        for name in here:
            used[name] = used.get(name, 0) + 1
    ledger = solution(0).books.ledger  # type: ignore[union-attr]
    wanted = [*KINDS, *(f"ledger {name}" for name in ledger), "tax nol_used", "tax interest_carryforward", "tax tax"]
    wanted += ["schedule pik", "schedule put", "schedule called", "schedule converted", "schedule redeemed"]
    rare = {name: used.get(name, 0) for name in wanted if used.get(name, 0) < 2}
    assert not rare, rare


def test_the_statements_of_random_problems_tie() -> None:
    """Calls, puts, PIK, shares for convertibles, soft limits: statements of the same solutions, so that each is in several of them."""
    for found in [*map(solution, WATCHED), *map(pressed_solution, PRESSED)]:
        loose = {check.name: check.relative for check in found.finance.checks if not check.relative <= 1e-7}
        assert loose == {}


def test_a_company_of_many_coins_is_verified() -> None:
    """50,000 BTC sold and paid out at once: what is left is small, what was moved is not, and rounding is of what was moved."""
    for price in (90_000.0, 61_234.56, 112_913.57, 83_333.33):
        for coins in (50_000.0, 48_213.7, 33_333.3):
            rising = np.array([[price, 0.9 * price, 1.1 * price, 0.8 * price]])
            found = solve_problem(tiny(3, coins=coins, coin_fee=0.002, btc_price=rising, cash=1e6 / 3), baseline=False)
            assert found.outcome is Outcome.OPTIMAL, (price, coins, found.reasons)


def effort(seed: int) -> int:
    return solution(seed).size["nonzeros"]


# ---- decisions that are not those of the program ---------------------------------------------------------------------

KINDS = (
    "orders", "exercised", "retired", "options", "built", "signed", "units", "issued", "called", "repaid", "balance", "sold",
    "dividends", "rescue", "breach", "dispatch",
)  # fmt: skip


def largest(decisions: Decisions, kind: str) -> tuple[Any, tuple[int, ...]] | None:
    """(key or None, index) of the largest number of that kind; None if all are nothing."""
    table = getattr(decisions, kind)
    if kind == "dispatch":
        table = {
            (key, side, name): hours
            for key, split in table.items()
            for side in ("uses", "sources")
            for name, hours in getattr(split, side).items()
        }
    elif not isinstance(table, dict):
        table = {None: table}
    sizes = {key: float(np.abs(values).max(initial=0.0)) for key, values in table.items()}
    if not sizes or max(sizes.values()) < 0.1:
        return None
    key = max(sizes, key=sizes.__getitem__)
    return key, tuple(int(i) for i in np.unravel_index(int(np.abs(table[key]).argmax()), table[key].shape))


def tampered(decisions: Decisions, kind: str, factor: float = 1.01) -> Decisions:
    """The largest number of a kind times `factor`, in every scenario alike where it is a decision of a date."""
    found = largest(decisions, kind)
    assert found is not None
    key, index = found
    table = getattr(decisions, kind)
    if kind == "dispatch":
        where, side, name = key
        hours = getattr(table[where], side)[name].copy()
        hours[index] *= factor
        split = replace(table[where], **{side: getattr(table[where], side) | {name: hours}})
        return replace(decisions, dispatch=dict(table) | {where: split})
    values = (table if key is None else table[key]).copy()
    values[(slice(None), *index[1:])] *= factor
    return replace(decisions, **{kind: values if key is None else table | {key: values}})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [1.01, 0.99])
def test_one_number_that_is_one_percent_off_is_found(kind: str, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [seed for seed in WATCHED if (d := solution(seed).decisions) and largest(d, kind) is not None]
    honest = MasterProblem.decisions
    monkeypatch.setattr(
        MasterProblem, "decisions", lambda self, *args, **kwargs: tampered(honest(self, *args, **kwargs), kind, factor)
    )
    for seed in sorted(taken, key=effort)[:2]:
        found = solve_problem(random_problem(seed), method="extensive", baseline=False)
        assert found.outcome is Outcome.UNVERIFIED, seed
        assert found.reasons and "off by" in found.reasons[0]


def test_books_of_other_decisions_have_another_value() -> None:
    """The same without the engine: the books alone see the difference."""
    found = solution(9)
    assert found.decisions is not None and found.books is not None
    for kind in ("issued", "orders", "dispatch", "dividends"):
        books = keep_books(found.problem, tampered(found.decisions, kind))
        off = abs(books.objective - found.books.objective) / abs(found.books.objective)
        broken = [check.name for check in books.checks if check.relative > TOLERANCE]
        assert broken or off > TOLERANCE, kind


# ---- a program that errs ---------------------------------------------------------------------------------------------


def half_the_tax_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Taxes.at
    monkeypatch.setattr(Taxes, "at", lambda self, s, d: honest(self, s, d).times(0.5))


def losses_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Taxes._year
    monkeypatch.setattr(Taxes, "_year", lambda self, s, y, carried, undeducted: honest(self, s, y, None, undeducted))


def interest_is_received(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Instruments._pay_interest

    def paid(self: Instruments, s: int, d: int, amount: Lin) -> None:
        honest(self, s, d, amount)
        self.build.cash[s, d].plus(amount, 2.0)

    monkeypatch.setattr(Instruments, "_pay_interest", paid)


def strips_with(line: str, factor: float) -> Callable[[pytest.MonkeyPatch], None]:
    def fault(monkeypatch: pytest.MonkeyPatch) -> None:
        honest = models.program.financing.strip

        def strip(*args: Any, **kwargs: Any) -> Any:
            made = honest(*args, **kwargs)
            return replace(made, **{line: factor * getattr(made, line)})

        monkeypatch.setattr(models.program.financing, "strip", strip)

    return fault


def fees_are_received(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Instruments._proceeds
    monkeypatch.setattr(Instruments, "_proceeds", lambda self, debt, v, made: honest(self, replace(debt, fee=-debt.fee), v, made))


def rescue_is_not_penalised(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Treasury._payouts

    def payouts(self: Treasury) -> None:
        problem = self.build.problem
        self.build.problem = replace(problem, treasury=replace(problem.treasury, rescue_penalty=0.0))
        honest(self)
        self.build.problem = problem

    monkeypatch.setattr(Treasury, "_payouts", payouts)


FAULTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "half the tax is paid": (half_the_tax_is_paid, "tax tax"),
    "last year's losses are forgotten": (losses_are_forgotten, "late losses"),
    "interest on balances is received": (interest_is_received, "balance"),
    "interest of strips is received": (strips_with("interest", -1.0), "strip"),
    "principal of strips is received": (strips_with("principal", -1.0), "schedule principal"),
    "redemptions are forgotten": (strips_with("redemption", 0.0), "schedule redeemed"),
    "what is owed at the end is forgotten": (strips_with("claim", 0.0), "ledger terminal_debt"),
    "interest is taxed, not deducted": (strips_with("accrued", -1.0), "strip taxed"),
    "converting costs nothing": (strips_with("conversion", 0.0), "ledger conversion"),
    "fees are received": (fees_are_received, "strip"),
    "rescue is not penalised": (rescue_is_not_penalised, "ledger rescue"),
}


def takes_part(found: Solution, what: str) -> bool:
    """Whether a plan has any of what a fault is about."""
    books, decisions, problem = found.books, found.decisions, found.problem
    assert books is not None and decisions is not None
    strips = [d for d in problem.debts if d.is_strip and d.fee > 0 and np.any(decisions.issued.get(d.name, 0.0))]
    if what.startswith("strip"):
        # a limit on interest has no plan for interest that is negative
        taxed = problem.tax is not None and problem.tax.interest_limit is None and float(books.tax["tax"].sum()) > 1.0
        return bool(strips) and (taxed or what == "strip")
    if what == "balance":
        return largest(decisions, "balance") is not None
    if what == "late losses":
        return problem.tax is not None and float(books.tax["nol_used"][:, 1:].max(initial=0.0)) > 1.0
    group, _, line = what.partition(" ")
    if group == "schedule":
        return any(np.abs(books.schedules[d.name][line]).max() > 1.0 for d in strips)
    if line == "terminal_debt":
        return any(d.kind != "convertible" and books.schedules[d.name]["closing"][:, -1].max() > 1.0 for d in strips)
    return bool(np.abs((books.tax if group == "tax" else books.ledger)[line]).max() > 1.0)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_program_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, what = FAULTS[fault]
    seeds = sorted((seed for seed in WATCHED if takes_part(solution(seed), what)), key=effort)[:4]
    commit(monkeypatch)
    caught = 0
    for seed in seeds:
        found = solve_problem(random_problem(seed), method="extensive", baseline=False)
        # the program that errs may choose a plan that the fault does not touch: that plan is right
        innocent = found.outcome is Outcome.OPTIMAL and not takes_part(found, what)
        assert innocent or found.outcome is Outcome.UNVERIFIED, (seed, found.outcome, found.reasons)
        caught += found.outcome is Outcome.UNVERIFIED
    assert caught >= 2


# ---- a program that reads other data than the books ------------------------------------------------------------------

#: data that only the program or only the reports use, or less of which merely makes the program careful
HARMLESS = ("Problem.money", "minimum", "Clock", "Debt.coverage", "Rule.constant")


def places(problem: Problem) -> list[str]:
    """Every datum that is a number other than 0, as 'Site.expand>Expansion.cost'."""
    found: dict[str, None] = {}

    def look(place: str, value: Any) -> Any:
        numeric = isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype == np.float64)
        if numeric and np.any(np.isfinite(value) & (np.asarray(value) != 0)) and not any(h in place for h in HARMLESS):
            found[place] = None
        return value

    rebuilt(problem, look)
    return list(found)


def with_more_of(problem: Problem, place: str) -> Problem:
    made: Problem = rebuilt(problem, lambda here, value: value * 1.01 if here == place and value is not None else value)
    return made


def test_every_datum_that_matters_is_read_by_both() -> None:
    problem = random_problem(3)
    true = solution(3)
    assert true.objective is not None
    missed, caught = [], 0
    honest = MasterProblem.__init__
    for place in places(problem):
        wrong = with_more_of(problem, place)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                MasterProblem, "__init__", lambda self, _, *args, wrong=wrong, **kwargs: honest(self, wrong, *args, **kwargs)
            )
            found = solve_problem(problem, method="extensive", baseline=False, canonical=False)
        if found.lower_bound is None or abs(found.lower_bound - true.objective) <= 1e-6 * abs(true.objective):
            continue
        caught += found.outcome is Outcome.UNVERIFIED
        missed += [place] if found.outcome is not Outcome.UNVERIFIED else []
    assert not missed
    assert caught > 30


def test_every_datum_of_coupled_hours_is_read_by_both() -> None:
    """1 % more of it in the program alone is found wherever it changes the value; and each of them changes it somewhere."""
    honest, caught = MasterProblem.__init__, set()
    for seed in (3, 16, 61):
        problem = random_problem(seed, coupled=True)
        true = solve_problem(problem, method="extensive", baseline=False, canonical=False)
        assert true.outcome is Outcome.OPTIMAL and true.objective is not None
        for place in places(problem):
            kind = place.split(">")[-1]
            if not kind.startswith(("Battery.", "Deferrable.")) and not kind.endswith(".ramp_limit"):
                continue
            most = 1.0 if place.endswith(("efficiency", "level", "share")) else np.inf
            wrong = rebuilt(problem, lambda here, value, p=place, m=most: min(value * 1.01, m) if here == p and value else value)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    MasterProblem, "__init__", lambda self, _, *args, wrong=wrong, **kwargs: honest(self, wrong, *args, **kwargs)
                )
                found = solve_problem(problem, method="extensive", baseline=False, canonical=False)
            if found.lower_bound is None or abs(found.lower_bound - true.objective) <= 1e-6 * abs(true.objective):
                continue
            assert found.outcome is Outcome.UNVERIFIED, (seed, place)
            caught.add(kind)
    batteries = {"charge", "discharge", "energy", "charge_efficiency", "discharge_efficiency", "wear", "level"}
    assert caught >= {f"Battery.{name}" for name in batteries} | {"Deferrable.share", "Rig.ramp_limit", "Service.ramp_limit"}
