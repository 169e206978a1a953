"""Cases without a plan: what is named is what collides, no more and no less; what is proposed works."""

from __future__ import annotations

import itertools
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from models.problem import Problem, Rule
from optimizer.case.case import Case
from optimizer.engine.solve import solve
from optimizer.explain.no_plan import iis as conflicts
from optimizer.explain.no_plan import text as explain_text
from optimizer.explain.no_plan.elastic_program import ElasticProgram, FeasibilityResult, Shift
from optimizer.explain.no_plan.explanation import Explanation, explain, explain_problem, explain_refuted, refuted
from optimizer.explain.no_plan.iis import IIS, Change, InfeasibilityAnalyser, deletion_filter
from optimizer.explain.no_plan.repairs import Repair, all_conflicts
from optimizer.explain.no_plan.requirements.everything import requirements
from optimizer.explain.no_plan.row_owners import Requirement
from tests.benchmarks.problems import whole
from tests.shared.places import ROOT

CASES = ROOT / "tests" / "cases" / "infeasible"
SHIPPED = ROOT / "cases"

#: case -> the statements of its conflict; where there are two conflicts, of each
NAMED: dict[str, list[set[str]]] = {
    "balloon": [
        {"financing.owners.limit", "financing.refinancing.issue", "financing.legacy.existing", "treasury.cash"},
    ],
    "coins-against-cash": [{"rules[0]", "company.overhead", "treasury.cash", "treasury.coins"}],
    "coverage-against-build": [
        {"financing.notes.covenants[0]", "financing.owners.limit", "treasury.cash"}
        | {f"sites.barker.ai_hall.build.{key}" for key in ("minimum", "lead", "order")}
    ],
    "delivery-before-lead": [{"rules[0]", "rigs.s21.lead", "rigs.s21.order"}],
    "diesel-permit": [{"ai.cloud.floor", "ai.cloud.minimum", "sites.mesa.power.diesel.permit", "sites.mesa.power.diesel.mw"}],
    "floor-against-interconnection": [{"ai.cloud.floor", "ai.cloud.minimum", "sites.barker.interconnection.now"}],
    "funding-gap": [
        {"sites.barker.ai_hall.build.minimum", "financing.owners.limit", "financing.notes.limit", "treasury.cash"},
    ],
    "information": [{"rules[0]", "rules[1]", "information"}],
    "issue-against-collateral": [
        {"financing.notes.minimum", "financing.notes.security", "sites.barker.ai_hall.build.limit"},
    ],
    "policies": [{"policies.placed", "policies.wall"}],
    "energy-budget": [{"limits.energy", "ai.cloud.floor", "ai.cloud.minimum", "ai.cloud.sign"}],
    "sweep-against-cash": [{"policies.sweep", "rules[0]", "financing.line.existing", "treasury.cash"}],
    "three-rules": [{"rules[0]", "rules[1]", "rules[2]"}],
    "two-conflicts": [
        {"financing.owners.limit", "cash_flows.lawsuit", "treasury.cash"},
        {"rules[0]", "projects.mill.limit"},
    ],
    "two-rules": [{"rules[1]", "rules[2]"}],
}


@lru_cache(maxsize=32)
def explained(name: str) -> tuple[Explanation, float]:
    """The explanation of a case, and the processor time that it took."""
    start = time.process_time()
    found = explain(Case.load(CASES / f"{name}.yaml"), time_limit=None)
    return found, time.process_time() - start


def outcome(name: str, *settings: str) -> str:
    return solve(Case.load(CASES / f"{name}.yaml", settings=settings), canonical=False, baseline=False).outcome.value


def last(found: Explanation) -> IIS:
    return found.conflicts[-1]


def test_every_case_is_looked_at() -> None:
    assert {path.stem for path in CASES.glob("*.yaml")} == NAMED.keys()
    assert len(NAMED) >= 10


@pytest.mark.parametrize("name", NAMED)
def test_the_case_has_no_plan_and_the_conflict_is_named(name: str) -> None:
    found, seconds = explained(name)
    assert found.status == "infeasible" == outcome(name)
    assert len(found.conflicts) == len(NAMED[name])
    assert all(set(iis.paths) in NAMED[name] for iis in found.conflicts)  # which of two comes first, no one says
    assert all(iis.minimal and not iis.margin <= 1e-6 for iis in found.conflicts)  # none, where branches prove it
    assert seconds < 30.0  # 1 to 6 s on a quiet machine


@pytest.mark.parametrize("name", NAMED)
def test_without_any_one_of_them_there_is_a_plan(name: str) -> None:
    """Solved and proved, hour by hour, by the engine itself."""
    found, _ = explained(name)
    before = [one.dropped for one in found.conflicts[:-1]]
    analyser = InfeasibilityAnalyser(Case.load(CASES / f"{name}.yaml").problem(), Case.load(CASES / f"{name}.yaml"))
    earlier = [setting for path in before for setting in analyser.requirements[path].drop or ()]
    assert last(found).members
    for member in last(found).members:
        assert member.alone is True
        assert member.requirement.drop
        assert outcome(name, *earlier, *member.requirement.drop) in ("optimal", "unbounded"), member.requirement.path


@pytest.mark.parametrize("name", NAMED)
def test_they_collide_by_themselves(name: str) -> None:
    """With every other statement of the case dropped at once, there is still no plan."""
    found, _ = explained(name)
    case = Case.load(CASES / f"{name}.yaml")
    for iis in found.conflicts:
        rest = [s for s in requirements(case.problem(), case) if s.path not in iis.paths and s.drop]
        assert rest
        assert outcome(name, *(setting for one in rest for setting in one.drop or ())) == "infeasible"


@pytest.mark.parametrize("name", NAMED)
def test_every_repair_works_when_it_is_pasted(name: str) -> None:
    found, _ = explained(name)
    assert {step.requirement.path for repair in found.repairs for step in repair.steps} >= set(last(found).paths)
    for repair in found.repairs:
        assert repair.settings and repair.outcome == "optimal"
        solution = solve(Case.load(CASES / f"{name}.yaml", settings=repair.settings), canonical=False, baseline=False)
        assert solution.outcome.value == "optimal"
        assert solution.objective == pytest.approx(repair.objective, rel=1e-9)


@pytest.mark.parametrize("name", NAMED)
def test_a_repair_is_no_larger_than_it_must_be(name: str) -> None:
    """A twentieth less of a change, or one less in its last digit (or a date or month nearer) leaves no plan."""
    found, _ = explained(name)
    for repair in found.repairs:
        nearer = _nearer(repair)
        if nearer is not None:
            assert outcome(name, *nearer.settings) == "infeasible", repair.message


def _nearer(repair: Repair) -> Repair | None:
    """The last step of a repair taken less far, those before as they are."""
    step = repair.steps[-1]
    parameter = step.parameter
    if parameter is None:  # dropped altogether
        return None
    if parameter.points:
        at = parameter.points.index(step.value)
        value = parameter.points[at - 1] if at else parameter.now
    else:
        digit = parameter.unit * 10.0 ** (np.floor(np.log10(abs(step.value) / parameter.unit)) - 2)
        change = step.value - parameter.now
        value = step.value - np.sign(change) * max(0.05 * abs(change), digit)
    if value == parameter.now:
        return None
    return replace(repair, steps=(*repair.steps[:-1], replace(step, value=value)))


@pytest.mark.parametrize("name", NAMED)
def test_the_text_names_statements_with_places_and_numbers(name: str) -> None:
    found, _ = explained(name)
    text = "\n".join(explain_text.lines(found))
    told = explain_text.sentence(found, last(found))
    assert told.startswith("No plan can meet") and told.endswith(".")
    for member in last(found).members:
        line = member.requirement.place.split(":")[1]
        assert f"{name}.yaml:{line}:" in told and member.requirement.label in told and member.requirement.label in text
    for repair in found.repairs:
        assert repair.message in text
        for setting in repair.settings:
            assert setting in text
    assert "objective" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("delivery-before-lead", ["s21 cannot work before 2026-10", "ordered in 2026-04", "at 2026-07", "30 MW", "6 months"]),
        ("funding-gap", ["60 MUSD", "50 MUSD", "12 MUSD", "20 MW"]),
        ("balloon", ["due 2027-07", "60 MUSD", "{from: 2028-01, until: 2028-07}"]),
        ("coins-against-cash", ["in bear", "coins >= 300 BTC", "They collide in bear by itself"]),
        ("information", ["in boom", "in bust", "They collide only because scenarios share decisions"]),
        ("diesel-permit", ["500 hours/year", "95 %", "what every hour of power gives at most at mesa"]),
        ("two-conflicts", ["Dropping one of them is not enough", "And then no plan can meet"]),
        ("coverage-against-build", ["cfads >= 1.20 * debt_service", "from 1.20 to", "notes.covenants[0].require=cfads >="]),
    ],
)
def test_what_bites_where(name: str, words: list[str]) -> None:
    text = "\n".join(explain_text.lines(explained(name)[0]))
    for word in words:
        assert word in text


def test_the_figures_of_the_least_changes() -> None:
    """By hand: 120 MUSD of notes against 60 % of (15 MW x 9 MUSD + what is left of 30 MW of rigs at the horizon's end)."""
    least = {repair.steps[0].requirement.path: repair for repair in explained("issue-against-collateral")[0].repairs}
    # rigs: 30 MW x 66,667 TH/s/MW x 10 USD/TH x 50 % = 10 MUSD, so 145 MUSD of assets in all
    assert least["financing.notes.minimum"].steps[0].value == pytest.approx(0.6 * 145e6, rel=1e-3)
    assert least["financing.notes.security"].steps[0].value == pytest.approx(120 / 145, rel=2e-3)
    assert least["sites.barker.ai_hall.build.limit"].steps[0].value == pytest.approx((200 - 10) / 9, rel=5e-3)
    rules = {repair.steps[0].requirement.path: repair for repair in explained("three-rules")[0].repairs}
    # 20 MW of each: 20 x (1000 / 16 + 1000 / 13.5) = 2,731.48 PH/s
    assert rules["rules[0]"].steps[0].value == 2730.0
    assert rules["rules[1]"].steps[0].value == pytest.approx(20 + (3000 - 2731.48) * 16 / 1000, rel=5e-3)


def test_the_figures_of_policies_and_yearly_limits() -> None:
    """By hand: 90 MUSD in two calendar years of at most 40; 10 MW at 1.2 for 95 % of 8,760 hours; 20 MUSD of cash, 4 earned by
    midsummer, 30 to be repaid (at once, without interest) before more than 5 may stay."""
    least = {repair.steps[0].requirement.path: repair for repair in explained("policies")[0].repairs}
    assert least["policies.placed"].settings == ("policies.placed.at_least=80 MUSD",)
    assert least["policies.wall"].settings == ("policies.wall.at_most=45 MUSD",)
    least = {repair.steps[0].requirement.path: repair for repair in explained("energy-budget")[0].repairs}
    needed = 10.0 * 1.2 * 0.95 * 8760.0 / 1e3
    assert needed <= float(least["limits.energy"].settings[0].split("=")[1].split()[0]) <= 1.002 * needed
    least = {repair.steps[0].requirement.path: repair for repair in explained("sweep-against-cash")[0].repairs}
    assert least["rules[0]"].steps[0].value == 5.0 and least["policies.sweep"].steps[0].value == 12e6
    assert least["treasury.cash"].steps[0].value == pytest.approx(30e6 + 12e6 - 4e6, rel=1e-3)


# ---------------------------------------------------------------------------------------------------------------------
# Beyond the small cases


def test_a_case_with_a_plan_has_no_conflict() -> None:
    case = Case.load(CASES / "two-rules.yaml", settings=["rules[1].require=ai_hall_mw[barker] <= 20 MW"])
    assert deletion_filter(InfeasibilityAnalyser(case.problem(), case)) is None
    assert all_conflicts(InfeasibilityAnalyser(case.problem(), case)) == []


def test_the_quickstart_with_a_rule_too_many() -> None:
    """A shipped case: its own statements are not named, however many it has."""
    settings = ["rules[2].require=ai_mw >= 14 MW", "rules[2].from=2028-01"]
    case = Case.load(SHIPPED / "quickstart.yaml", settings=settings)
    analyser = InfeasibilityAnalyser(case.problem(), case)
    (iis,) = all_conflicts(analyser)
    assert set(iis.paths) == {"rules[2]", "ai.cloud.limit"}
    assert all(member.alone is not None for member in iis.members)


def test_rows_of_a_family_without_words_are_told_by_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that no requirement states is named by its family, not passed over in silence."""
    from optimizer.explain.no_plan import iis as conflict

    known = conflict.requirements
    case = Case.load(CASES / "issue-against-collateral.yaml")
    unknown = "sites.barker.ai_hall.build.limit"
    monkeypatch.setattr(conflict, "requirements", lambda *a: [one for one in known(*a) if one.path != unknown])
    found = deletion_filter(InfeasibilityAnalyser(case.problem(), case))
    assert found is not None
    assert set(found.paths) == {"financing.notes.minimum", "financing.notes.security", "build limit barker"}


def impossible(problem: Problem) -> Problem:
    """With a fleet that no hall can hold, at the end."""
    one = np.ones((problem.scenarios.count, problem.clock.dates))
    late = np.zeros_like(one, dtype=bool)
    late[:, -3:] = True
    fleet = Rule("fleet", "rigs_mw >= 5000 MW", {("rigs_mw", None): one}, ">=", 5000.0 * one, late)
    return replace(problem, rules=(*problem.rules, fleet), treasury=replace(problem.treasury, rescue_penalty=None))


def test_a_large_problem_is_looked_at_in_one_scenario() -> None:
    problem = impossible(whole(1, 24, 20, 2, 1))
    start = time.process_time()
    found = explain_problem(problem, time_limit=600.0)
    assert time.process_time() - start < 60.0
    assert found.status == "infeasible" and len(found.looked_at) == 1
    assert "by itself, one of 20" in "\n".join(explain_text.lines(found))
    (iis,) = found.conflicts
    assert set(iis.paths) == {'rule "fleet"', "sites.site0.mining_hall.build.limit"}
    assert iis.minimal
    assert [repair.outcome for repair in found.repairs] == ["optimal"] * len(found.repairs) and found.repairs


def twenty(*settings: str) -> list[str]:
    """Settings that give the quickstart twenty futures of bitcoin, and what else is set."""
    futures = ", ".join(f"s{k}: {{probability: 5 %, scale: {{market.btc_price: {0.7 + 0.03 * k:.2f}}}}}" for k in range(20))
    return [f"scenarios={{{futures}}}", *settings]


def futures(name: str, *more: str) -> Case:
    """A case in twenty futures of what bitcoin earns (equal ones where it has no market), and what else is set."""
    market = "scale: {{market.btc_price: {0:.2f}, market.hashprice: {0:.2f}}}"
    scale = market if "hashprice:" in (CASES / f"{name}.yaml").read_text(encoding="utf-8") else ""
    each = ", ".join(f"s{k}: {{probability: 5 %, {scale.format(0.6 + 0.04 * k)}}}" for k in range(20))
    return Case.load(CASES / f"{name}.yaml", settings=[f"scenarios={{{each}}}", *more])


#: without scenarios of their own
PLAIN = sorted(NAMED.keys() - {"coins-against-cash", "delivery-before-lead", "information"})
#: of twenty scenarios every case is asked once, equal ones or futures; the other question is asked by hand
EQUAL = set(PLAIN[::2])


def asked(names: Iterable[str], quick: Container[str]) -> list[Any]:
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", asked(PLAIN, EQUAL))
def test_twenty_equal_scenarios_are_told_like_one(name: str) -> None:
    """Looked at one by one, and solved again all together: the same conflicts, repairs and objectives."""
    each = ", ".join(f"s{k}: {{probability: 5 %}}" for k in range(20))
    found = explain(Case.load(CASES / f"{name}.yaml", settings=[f"scenarios={{{each}}}"]), time_limit=None)
    one, _ = explained(name)
    assert len(found.looked_at) == 1
    assert [set(iis.paths) for iis in found.conflicts] == [set(iis.paths) for iis in one.conflicts]
    told, expected = ({repair.settings: repair for repair in of.repairs} for of in (found, one))
    assert told.keys() == expected.keys()
    for settings, repair in told.items():
        assert repair.outcome == "optimal" and repair.objective == pytest.approx(expected[settings].objective, rel=1e-6)


@pytest.mark.parametrize(
    "name", asked(sorted(NAMED.keys() - {"information"}), NAMED.keys() - EQUAL)
)  # its rules name its scenarios
def test_twenty_futures_and_every_hour_are_explained_in_seconds(name: str) -> None:
    case = futures(name, "horizon.hours=all")
    assert case.problem().scenarios.count == 20
    start = time.process_time()
    found = explain(case)
    assert time.process_time() - start < 20.0  # 1 to 4 s on a quiet machine
    assert found.status == "infeasible" and len(found.looked_at) == 1 and found.repairs
    assert all(iis.minimal for iis in found.conflicts)
    assert all(repair.outcome == "optimal" for repair in found.repairs)


def test_twenty_scenarios_with_all_hours() -> None:
    """The shipped quickstart in twenty futures of bitcoin, every hour of five years: what collides, what would make room, and the whole
    case solved with each of these, within seconds and within the time that there is by default."""
    settings = twenty("rules[2].require=ai_mw >= 14 MW", "rules[2].from=2028-01")
    case = Case.load(SHIPPED / "quickstart.yaml", settings=settings)
    assert case.problem().scenarios.count == 20 and "All 43824 hours" in case.horizon_note
    start = time.process_time()
    found = explain(case)
    assert time.process_time() - start < 25.0  # 8 s on a quiet machine
    assert len(found.looked_at) == 1
    (iis,) = found.conflicts
    assert set(iis.paths) == {"rules[2]", "ai.cloud.limit"} and iis.minimal
    told = {repair.settings: repair for repair in found.repairs}
    assert told.keys() == {("rules[2].require=ai_mw >= 10 MW",), ("ai.cloud.limit=14 MW",)}
    assert all(repair.outcome == "optimal" for repair in found.repairs)
    # pasted, and solved from nothing
    pasted = ("rules[2].require=ai_mw >= 10 MW",)
    solution = solve(Case.load(SHIPPED / "quickstart.yaml", settings=[*settings, *pasted]), canonical=False, baseline=False)
    assert solution.outcome.value == "optimal"
    assert solution.objective == pytest.approx(told[pasted].objective, rel=1e-7)


def test_twenty_scenarios_that_cannot_be_paid_for_are_proved_infeasible() -> None:
    """Without rescue money the cash that is asked for is not there: the proof comes in seconds (the first phase of simplex took minutes)."""
    settings = twenty("rules[0].require=cash >= 400 MUSD", "treasury.rescue=null")
    start = time.process_time()
    found = solve(Case.load(SHIPPED / "quickstart.yaml", settings=settings), baseline=False, time_limit=60.0)
    assert found.outcome.value == "infeasible", found.reasons
    assert found.certificate is not None and found.certificate.verified
    assert time.process_time() - start < 15.0  # 3 s on a quiet machine


def test_a_deep_funding_gap_in_twenty_scenarios() -> None:
    """Its repairs lie where hardly a plan exists and the tax law decides: each is told with a plan of the whole case."""
    settings = twenty(
        "rules[0].require=cash >= 250 MUSD",
        "treasury.rescue=null",
        # coverage by the quarter, and neither the revolver's end nor that of the horizon in the way
        "rules[1].require=cfads + rescue >= 1.30 * debt_service",
        "rules[3].require=outstanding[revolver] <= 10 MUSD",
        "rules[4].require=net_debt <= 1 GUSD",
        "treasury.dividends={from: 2027-01}",
    )
    first: list[Explanation] = []
    analyser = refuted(Case.load(SHIPPED / "quickstart.yaml", settings=settings))
    assert analyser is not None
    found = explain_refuted(analyser, time_limit=240.0, opened=first.append)
    assert len(first) == 1 and first[0].conflicts == found.conflicts and not first[0].repairs
    (iis,) = found.conflicts
    assert iis.minimal and "rules[0]" in iis.paths
    told = {repair.settings: repair for repair in found.repairs}
    assert told.keys() >= {("rules[0].require=cash >= 168 MUSD",), ("financing.owners.limit=232 MUSD",)}
    for repair in found.repairs:
        assert repair.outcome in ("optimal", "feasible"), repair
        assert repair.objective is not None
        assert repair.outcome == "optimal" or (repair.upper is not None and repair.upper >= repair.objective)
    # the scenario that was looked at, solved by itself through every branch: a million less is too little, and only the law says so
    alone = ("scenarios={s0: {probability: 100 %, scale: {market.btc_price: 0.70}}}", *settings[1:])
    for limit, outcome in ((231, "infeasible"), (232, "optimal")):
        case = Case.load(SHIPPED / "quickstart.yaml", settings=[*alone, f"financing.owners.limit={limit} MUSD"])
        assert solve(case, canonical=False, baseline=False).outcome.value == outcome


def checked_slides(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on every way to slide that was known from another program is compared with what is worked out of this one; their paths."""
    slide, known = InfeasibilityAnalyser._slide, list[str]()

    def both(analyser: InfeasibilityAnalyser, one: Requirement, base: ElasticProgram, changes: Sequence[Change]) -> Shift | None:
        held = analyser._monotone.get((analyser.scope, one.path), [])
        count = len(held)
        found = slide(analyser, one, base, changes)
        if found is not None and count and len(held) == count:
            analyser._monotone.pop((analyser.scope, one.path))
            again = slide(analyser, one, base, changes)
            analyser._monotone[analyser.scope, one.path] = held
            assert again is not None and again.least == found.least
            assert np.array_equal(again.rows, found.rows)
            np.testing.assert_allclose(found.by, again.by, rtol=1e-9)
            known.append(one.path)
        return found

    monkeypatch.setattr(InfeasibilityAnalyser, "_slide", both)
    return known


@pytest.mark.parametrize("name", ["funding-gap", "coverage-against-build", "floor-against-interconnection", "balloon"])
def test_what_slides_does_so_in_every_program(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_slides(monkeypatch)
    found = explain(Case.load(CASES / f"{name}.yaml"))
    before, _ = explained(name)
    assert [c.paths for c in found.conflicts] == [c.paths for c in before.conflicts]


def test_scenarios_that_are_late_are_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lake Mariner with 500 MW of AI by 2027: too much for its halls in every scenario, and far too soon where they come late."""
    known = checked_slides(monkeypatch)
    asked = ("ai.cb_5.limit=400 MW", "rules[0].require=ai_mw >= 500 MW", "rules[0].from=2027-01")
    analyser = refuted(Case.load(SHIPPED / "lake-mariner.yaml", settings=asked))
    assert analyser is not None
    names = analyser.whole.scenarios.names
    assert [names[s] for s in analyser.scope] == ["late_halls"]
    first: list[Explanation] = []
    with pytest.raises(InterruptedError):

        def stop(found: Explanation) -> None:
            first.append(found)
            raise InterruptedError  # repairs are no matter here

        explain_refuted(analyser, time_limit=240.0, opened=stop)
    (iis,) = first[0].conflicts
    halls = {f"sites.lake_mariner.ai_hall.{key}" for key in ("build.lead", "convert.lead", "now")}
    assert iis.minimal and set(iis.paths) == {"rules[0]", "scenarios.late_halls.delay", *halls}
    text = "\n".join(explain_text.opening(first[0]))
    assert "Dropping one is enough in late_halls for: " in text and "Seen in scenario late_halls by itself, one of 6" in text
    assert known


def test_what_nobody_had_time_to_try_is_told_in_a_line() -> None:
    found, _ = explained("funding-gap")
    iis = last(found)
    sure, unsure = iis.members[0], replace(iis.members[1], certain=False)
    many = (sure, *(replace(unsure, requirement=replace(unsure.requirement, path=f"financing.k{n}.limit")) for n in range(9)))
    text = "\n".join(explain_text.lines(replace(found, conflicts=(replace(iis, members=many, minimal=False),))))
    assert text.count("  - ") == 1 + explain_text.MOST_UNSURE + 1
    assert (
        "perhaps 3 more that there was no time to try without: financing.k6.limit, financing.k7.limit and financing.k8.limit."
        in text
    )
    assert "Time was up before each of them was known to be needed." in text


def test_time_that_is_up_is_told() -> None:
    case = Case.load(CASES / "funding-gap.yaml")
    found = explain(case, time_limit=1e-3)
    assert found.status == "infeasible"
    text = "\n".join(explain_text.lines(found))
    assert "The clock ended this after 0.001 s" in text and not any(repair.outcome == "optimal" for repair in found.repairs)


def test_a_slow_clock_changes_no_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which scenario is looked at by itself does not hang on how long the looks before took: here each lacks more than the one before."""
    case = Case.load(ROOT / "tests" / "cases" / "all-features.yaml", settings=("horizon.period=half-year",))
    problem = case.problem()
    order = conflicts._order(problem)
    looks = itertools.count(1)
    clock = itertools.count()
    monkeypatch.setattr(conflicts, "SINGLE_SCENARIO_SIZE", 2)
    monkeypatch.setattr(
        ElasticProgram, "find", lambda self, let_go=(), hours=True, deadline=None: FeasibilityResult(False, float(next(looks)))
    )
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)) ** 6)
    analyser = InfeasibilityAnalyser(problem, case)
    analyser = analyser.narrow()
    assert len(order) == 3 and analyser.scope == (order[-1],)
