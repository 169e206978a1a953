"""What a statement does to the program, against the program of a case in which it is different: rows, bounds, coefficients, hours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.sparse import coo_array

from models.problem import Problem
from models.program.master_problem import MasterProblem
from optimizer import Case
from optimizer.explain.marginal.headroom import Headroom
from optimizer.explain.marginal.scarce_things import Effect, ScarceThing, ScarceThings, opened
from optimizer.solver.compile import compile_model
from optimizer.solver.linear_program import LinearProgram
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem

CASES = ROOT / "tests" / "cases"
PARTS = {
    "interconnection.expand": "expand",
    "mining_hall.build": "build_mining",
    "ai_hall.build": "build_ai",
    "ai_hall.convert": "convert",
}


def stepped(problem: Problem, path: str, more: float, name: str = "") -> Problem | None:
    """The problem with `more` of the value at a path, written without the code under test; None: no value of the problem alone."""
    section, *rest = path.split(".")
    if section == "treasury":
        return replace(problem, treasury=replace(problem.treasury, cash=problem.treasury.cash + more))
    if section.startswith("rules") or (section == "financing" and rest[-1].startswith("covenants")):
        # a sentence over several sites is a rule for each of them, under one path
        number = int(path[path.index("[") + 1 : -1])
        owner = None if section.startswith("rules") else rest[0]
        named = [one for one in problem.rules if one.name == name]
        rule = named[0] if named else [one for one in problem.rules if one.owner == owner][number]
        other = replace(rule, constant=rule.constant + more)
        return replace(problem, rules=tuple(other if one is rule else one for one in problem.rules))
    tables: dict[str, tuple[str, ...]] = {
        "sites": ("sites",), "rigs": ("rigs",), "ai": ("services",), "projects": ("projects",), "financing": ("debts", "equities")
    }  # fmt: skip
    if section not in tables:  # a rule that a policy became
        return None
    for table in tables[section]:
        for at, one in enumerate(getattr(problem, table)):
            if one.name != rest[0]:
                continue
            other = _changed(one, ".".join(rest[1:]), more)
            if other is None:
                return None
            rows = [*getattr(problem, table)]
            rows[at] = other
            fields: dict[str, Any] = {table: tuple(rows)}
            return replace(problem, **fields)
    raise AssertionError(path)


def _changed(one: Any, key: str, more: float) -> Any:
    plain = {
        "interconnection.now": "interconnection_mw", "mining_hall.now": "mining_mw", "ai_hall.now": "ai_mw", "limit": "limit",
        "minimum": "minimum", "supply": "supply", "per_date": "date_limit", "floor": "floor",
    }  # fmt: skip
    if key in plain:
        fields: dict[str, Any] = {plain[key]: getattr(one, plain[key]) + more}
        return replace(one, **fields)
    if key == "power.diesel.permit":
        return replace(one, diesel=replace(one.diesel, permit_hours=one.diesel.permit_hours + more))
    if key == "option.limit":
        return replace(one, option=replace(one.option, limit=one.option.limit + more))
    part, _, last = key.rpartition(".")
    if part in PARTS:
        fields = {last: getattr(getattr(one, PARTS[part]), last) + more}
        fields = {PARTS[part]: replace(getattr(one, PARTS[part]), **fields)}
        return replace(one, **fields)
    return None  # security, ltv, coverage: dollars of room, which no single value of a problem gives


class Loaded(NamedTuple):
    plan: MasterProblem
    lp: LinearProgram
    statements: list[ScarceThing]
    names: tuple[list[str], list[str]]


def kept(problem: Problem, method: str = "cuts") -> Loaded:
    """A program and its statements; headroom of a plan that decides nothing is enough for what they do to rows."""
    master, lp = program(problem, method)
    return Loaded(master, lp, ScarceThings(master, lp, _Nothing(problem)).out, named(lp))


def program(problem: Problem, method: str) -> tuple[MasterProblem, LinearProgram]:
    master = MasterProblem(problem, "benders" if method == "cuts" else "extensive")
    return master, compile_model(master.model)


class _Nothing(Headroom):
    """Room without a plan: not looked at here."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.shape = problem, (problem.scenarios.count, problem.clock.dates)

    def __getattribute__(self, name: str) -> Any:
        if name in ("problem", "shape"):
            return object.__getattribute__(self, name)
        shape = object.__getattribute__(self, "shape")
        if name == "assets":
            problem = object.__getattribute__(self, "problem")
            return _Assets({site.name: np.full((shape[0], shape[1] - 1), np.inf) for site in problem.sites})
        if name == "rule":
            return lambda n: (np.full(shape, np.nan), np.zeros(shape))
        return lambda *_: np.full(shape, np.nan)


class _Assets:
    def __init__(self, interconnection: dict[str, Any]) -> None:
        self.interconnection = interconnection


def named(lp: LinearProgram) -> tuple[list[str], list[str]]:
    """Names of rows and columns in their order."""
    return [con.name for con in lp.rows], [var.name for var in lp.columns]


def assert_moves(problem: Problem, one: ScarceThing, loaded: Loaded, step: float, method: str = "cuts") -> None:
    """The program of the changed problem is the program of the problem moved by the statement's effect, and nothing else."""
    recourse, lp, scales = loaded.plan.recourse, loaded.lp, loaded.plan.build.scales
    other = stepped(problem, one.path, step if one.relief == "more" else -step, one.name)
    if other is None:
        return
    master, changed = program(other, method)
    if master.build.scales != scales:
        # a soft rule at a date at which nothing that it speaks of is decided: its row is scaled by its constant
        assert one.path.startswith("rules")
        return
    assert named(changed) == loaded.names, one.path
    effect = one.effect
    lower, upper, most = lp.row_lower.copy(), lp.row_upper.copy(), lp.col_upper.copy()
    lower[effect.rows] += step * effect.row
    upper[effect.rows] += step * effect.row
    most[effect.columns] += step * effect.column
    moved = coo_array((step * effect.entry, (effect.entry_rows, effect.entry_columns)), shape=lp.matrix.shape)
    off = lp.matrix + moved - changed.matrix
    for here, there in ((lower, changed.row_lower), (upper, changed.row_upper), (most, changed.col_upper)):
        np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-9, err_msg=one.path)
    np.testing.assert_array_equal(lp.col_lower, changed.col_lower)
    np.testing.assert_array_equal(lp.cost, changed.cost)
    assert lp.offset == pytest.approx(changed.offset, rel=1e-12, abs=1e-12)
    assert np.abs(off.data).max(initial=0.0) <= 1e-9, one.path
    if recourse is not None:
        assert master.recourse is not None
        more = dict(effect.capacity)
        for i, (here, there) in enumerate(zip(recourse.values, master.recourse.values, strict=True)):
            constant = here.constant + step * more.get(i, np.zeros_like(here.constant))
            np.testing.assert_allclose(constant, there.constant, rtol=1e-12, atol=1e-12, err_msg=one.path)


@pytest.mark.parametrize(("method", "seeds"), [("cuts", range(300, 312)), ("extensive", range(312, 318))])
def test_a_statement_moves_the_program_as_the_case_would(method: str, seeds: range) -> None:
    """On random problems with everything in them; every kind of statement that they can have is met."""
    seen: set[str] = set()
    for seed in seeds:
        problem = random_problem(seed)
        loaded = kept(problem, method)
        for one in loaded.statements:
            if one.path:
                seen.add(kind(one.path))
                assert_moves(problem, one, loaded, 0.01 * (problem.money if one.unit == "USD" else 1.0), method)
    wanted = {
        "sites.interconnection.now", "sites.mining_hall.now", "sites.ai_hall.now", "sites.interconnection.expand.limit",
        "sites.mining_hall.build.limit", "sites.ai_hall.build.limit", "sites.ai_hall.convert.limit", "sites.power.diesel.permit",
        "rigs.supply", "rigs.limit", "rigs.option.limit", "ai.limit", "ai.floor", "financing.limit", "financing.per_date",
        "financing.security", "financing.ltv", "treasury", "projects.limit", "rules",
    }  # fmt: skip
    if method == "cuts":
        assert seen >= wanted, wanted - seen


def kind(path: str) -> str:
    """The path without its name: 'sites.interconnection.now'."""
    section, *rest = path.split("[")[0].split(".")
    return ".".join([section, *rest[1:]])


def test_of_every_key_of_the_schema() -> None:
    """Minimums, a covenant, words of halls in rules: what random problems leave out."""
    problem = Case.load(CASES / "all-features.yaml").problem()
    problem = replace(
        problem,
        services=tuple(replace(j, minimum=1.0) if j.limit > 10 else j for j in problem.services),
        projects=tuple(replace(one, minimum=1.0) for one in problem.projects),
        sites=tuple(_demanding(one) for one in problem.sites),
        debts=tuple(replace(d, minimum=1e6) if d.name == "notes" else d for d in problem.debts),
    )
    loaded = kept(problem)
    seen = set()
    for one in loaded.statements:
        if one.path:
            seen.add(kind(one.path))
            assert_moves(problem, one, loaded, 1e4 if one.unit == "USD" else 1e-3)
    minimums = {"ai.minimum", "projects.minimum", "financing.minimum", "sites.interconnection.expand.minimum"}
    assert seen >= minimums | {"financing.covenants", "financing.coverage"}, seen


def _demanding(site: Any) -> Any:
    return site if site.expand is None else replace(site, expand=replace(site.expand, minimum=2.0))


def test_words_of_halls_and_of_interest_in_rules() -> None:
    """A rule that speaks of a capacity or of fees moves with it."""
    problem = Case.load(
        CASES / "all-features.yaml",
        settings=(
            "rules[0].require=cash >= 6 * overhead_monthly + 10000 USD/MW * (interconnection_mw[barker] + mining_hall_mw[barker])",
            "rules[1].require=interest + debt_service + ai_hall_mw[barker] * 1000 USD/MW <= 0.6 * total_debt + 20 MUSD",
        ),
    ).problem()
    loaded = kept(problem)
    wanted = (
        "sites.barker.interconnection.now",
        "sites.barker.mining_hall.now",
        "sites.barker.ai_hall.now",
        "financing.revolver.limit",
    )
    found = {one.path: one for one in loaded.statements if one.path in wanted}
    assert set(found) == set(wanted)
    rules = [i for i, con in enumerate(loaded.lp.rows) if con.parent_component().local_name == "row_rule"]
    for one in found.values():
        assert np.isin(one.effect.rows, rules).any(), one.path
        assert_moves(problem, one, loaded, 1e4 if one.unit == "USD" else 0.1)


def test_rows_that_no_statement_knows_are_told_by_their_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another part of the program may price rows of its own: they are statements too, with the same effect."""
    problem = random_problem(301)
    assert problem.projects
    before = next(one for one in kept(problem).statements if one.path == "projects.venture.limit")
    monkeypatch.setattr(ScarceThings, "_project", lambda self, k: None)
    after = next(one for one in kept(problem).statements if one.name == "project limit venture")
    assert after.path == "" and after.unit == "unit" and after.relief == "more"

    def moves(effect: Effect) -> dict[int, float]:
        return dict(zip(effect.rows.tolist(), effect.row.tolist(), strict=True))

    assert moves(after.effect) == moves(before.effect)


def test_limits_of_nothing_are_opened_where_something_may_be_decided() -> None:
    problem = Case.load(CASES / "all-features.yaml", settings=("financing.notes.limit=0 USD", "ai.cloud.limit=0 MW")).problem()
    wide = opened(problem)
    assert set(wide.added) == {"financing.notes.limit", "ai.cloud.limit"}  # not what is never signed or issued
    assert wide.added["ai.cloud.limit"] == 1.0 and wide.added["financing.notes.limit"] == problem.money
    assert opened(wide.problem).added == {}
