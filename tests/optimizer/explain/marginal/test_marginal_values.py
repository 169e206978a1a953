"""Prices of statements: against programs solved cold with the case changed, against known values, and told where the case states them."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.problem import Problem, Project, Rule
from optimizer import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.engine.solution import Solution, Solved
from optimizer.engine.solve import bare, solve_problem, solve_warm
from optimizer.engine.values import Outcome
from optimizer.explain.marginal.marginal_values import StatementPrice, compact, price_statements
from optimizer.results import folder as results
from optimizer.results.read_folder import load
from tests.optimizer.explain.marginal.test_scarce_things import stepped
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem
from tests.shared.tiny import dates, debt_of, path, rig_of, service_of, site_of, tiny


def priced(problem: Problem, **options: Any) -> dict[str, StatementPrice]:
    """path (or name, where the case has none) -> price."""
    solved = solve_warm(bare(problem), baseline=False, **options)
    assert solved.solution.outcome is Outcome.OPTIMAL, solved.solution.reasons
    return {one.path or one.name: one for one in price_statements(solved)}


def worth(problem: Problem) -> float | None:
    """Objective of the program in one piece, solved cold; None if there is no plan."""
    solution = solve_problem(problem, method="extensive", baseline=False, canonical=False)
    if solution.outcome is Outcome.INFEASIBLE:
        return None
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    return solution.objective


def unit_of(problem: Problem, one: StatementPrice) -> float:
    return problem.money if one.unit == "USD" else 1.0


# ---------------------------------------------------------------------------------------------------------------------
# Against the changed case


def assert_quotients(problem: Problem, one: StatementPrice, base: float) -> None:
    """A small step of the value itself, solved cold and every hour written out, gives the one-sided values to 1e-4."""
    for sign, value in ((1.0, one.next_value), (-1.0, one.last_value)):
        quotients: list[float | None] = []
        for share in (1e-3, 1e-4, 1e-5):  # the first straight piece may be short
            h = share * unit_of(problem, one)
            other = stepped(problem, one.path, sign * h * (1.0 if one.relief == "more" else -1.0), one.name)
            assert other is not None
            there = worth(other)
            quotients.append(None if there is None else sign * (there - base) / h)
            close = 1e-4 * abs(value) + 1e-10 * abs(base) / h
            if there is None and math.isinf(value):
                break
            if there is not None and abs(quotients[-1] - value) <= close:  # type: ignore[operator]
                break
        else:
            raise AssertionError(f"{one.path}: {value} on side {sign:+.0f}, quotients {quotients}")


@pytest.mark.parametrize(
    "seed", [300, 302, 303, 306, 307, 308, 310, 312, 315, 316, 317, 318, 320, 322, 324, 330, 332, 335, 337, 338]
)
def test_a_step_of_the_problem_itself_is_worth_what_is_said(seed: int) -> None:
    """On random problems, for the four statements of which most is to be said: those whose sides differ, then the dearest."""
    problem = random_problem(seed)
    base = worth(problem)
    assert base is not None
    found = [one for one in priced(problem).values() if one.path and stepped(problem, one.path, 1.0, one.name) is not None]
    found = [one for one in found if one.next_value or one.last_value]
    found.sort(key=lambda one: (one.next_value == one.last_value, -abs(one.next_value) * unit_of(problem, one), one.path))
    assert found
    for one in found[:4]:
        assert_quotients(problem, one, base)


@pytest.mark.parametrize("seed", [301, 303, 306, 311, 313, 318, 323])
def test_cuts_and_the_program_in_one_piece_price_alike(seed: int) -> None:
    """The two ways to write the hours: the same next and last values, and the duals between them."""
    problem = random_problem(seed)
    cuts, whole = priced(problem), priced(problem, method="extensive")
    assert cuts.keys() == whole.keys()
    for key, one in cuts.items():
        other = whole[key]
        assert one.next_value == pytest.approx(other.next_value, rel=1e-6, abs=1e-6), key
        assert one.last_value == pytest.approx(other.last_value, rel=1e-6, abs=1e-6), key
        assert (one.headroom is None) == (other.headroom is None)
        for price in (one, other):
            slack = 1e-6 * abs(price.dual_value) + 1e-9
            assert price.next_value - slack <= price.dual_value <= price.last_value + slack, key


def test_limits_of_nothing_have_a_next_unit() -> None:
    """A limit of nothing leaves its decisions out of the program; what the first unit would bring is said all the same."""
    problem = random_problem(308)
    closed = replace(
        problem,
        debts=tuple(replace(d, limit=d.existing, date_limit=d.date_limit * np.inf) for d in problem.debts),
        services=tuple(replace(j, limit=0.0, contracted=j.contracted * 0.0, contracted_term=0) for j in problem.services),
        rigs=tuple(replace(r, limit=0.0) for r in problem.rigs),
    )
    found = priced(closed)
    base = worth(closed)
    assert base is not None
    wanted = [f"ai.{j.name}.limit" for j in closed.services] + [f"rigs.{r.name}.limit" for r in closed.rigs]
    wanted += [f"financing.{d.name}.limit" for d in closed.debts if d.kind != "revolver"]
    assert len(wanted) > 3
    some = 0
    for key in wanted:
        one = found[key]
        assert one.last_value == math.inf and one.headroom == 0.0 and "none to take away" in one.note
        h = 1e-3 * unit_of(closed, one)
        other = stepped(closed, key, h)
        assert other is not None
        there = worth(other)
        assert there is not None
        assert (there - base) / h == pytest.approx(one.next_value, rel=1e-4, abs=1e-9 * abs(base) / h), key
        some += one.next_value > 0.0
    assert some >= 2


def test_within_a_branch_of_the_tax_law() -> None:
    """Where the plan obeys the tax law only in a branch, prices are those of the branch, and that is said."""
    problem = random_problem(319)
    solved = solve_warm(bare(problem), baseline=False, method="extensive")
    solution = solved.solution
    assert solved.warm is not None and solved.warm.branches is not None
    assert solution.objective is not None
    found = [one for one in price_statements(solved) if one.path and stepped(problem, one.path, 1.0, one.name) is not None]
    stepped_on = [one for one in found if one.next_value or one.last_value]
    assert stepped_on and all("branch of the tax law" in one.note for one in stepped_on)
    for one in sorted(stepped_on, key=lambda one: -abs(one.next_value) * unit_of(problem, one))[:3]:
        assert_quotients(problem, one, solution.objective)


# ---------------------------------------------------------------------------------------------------------------------
# Against known values


def opportunity(problem: Problem, name: str, limit: float, worth_of_one: float) -> Project:
    """Pays `worth_of_one` USD at date 0 for each unit decided then."""
    shape = (problem.scenarios.count, problem.clock.dates, problem.clock.dates)
    cash = np.zeros(shape)
    cash[:, 0, 0] = worth_of_one
    return Project(name, cash, dates(problem, 0), limit)


def test_two_statements_that_bind_at_one_place() -> None:
    """Ten units by limit and ten by rule: one more of either brings nothing, one less of either costs a unit's whole worth.

    The duals say any number between the two; each statement's sides are known.
    """
    p = tiny(1, cash=0.0)
    ones = np.ones((1, 2))
    rule = Rule("ten", "units[a] <= 10", {("units", "a"): ones}, "<=", 10.0 * ones, np.ones((1, 2), dtype=bool))
    found = priced(replace(p, projects=(opportunity(p, "a", 10.0, 7e6),), rules=(rule,)))
    for key in ("projects.a.limit", "rules[0]"):
        one = found[key]
        assert one.next_value == pytest.approx(0.0, abs=1e-6) and one.last_value == pytest.approx(7e6, rel=1e-9)
        assert one.headroom == pytest.approx(0.0, abs=1e-9)
    assert found["projects.a.limit"].binds == (("s0", None),)
    assert found["rules[0]"].binds == (("s0", "2026-01-01"), ("s0", "2027-01-01"))
    assert found["rules[0]"].unit == "units"
    both = found["projects.a.limit"].dual_value + found["rules[0]"].dual_value
    assert both == pytest.approx(7e6, rel=1e-9)


def test_power_and_hall_of_the_same_size() -> None:
    """10 MW of rigs fill a hall and a line of 10 MW: more of the line idles, less of it stops rigs.

    60 PH/s per MW x 50 USD/PH/day / 24 h = 125 USD/MWh, less 40 for power: 85 x 8760 h = 744,600 USD per MW and year, at the years' ends.
    """
    p = tiny(3, discount=0.08)
    p = replace(p, sites=(site_of(p, interconnection_mw=10.0, mining_mw=10.0, ai_mw=0.0),))
    p = replace(p, rigs=(rig_of(p, owned=np.array([10.0]), window=np.zeros(4, dtype=bool), resale=0.0),))
    found = priced(p)
    line, hall = found["sites.home.interconnection.now"], found["sites.home.mining_hall.now"]
    year = 85.0 * 8760.0
    stopped = year * sum(1.08**-k for k in (1, 2, 3))
    assert line.next_value == pytest.approx(0.0, abs=1e-3) and line.last_value == pytest.approx(stopped, rel=1e-9)
    assert hall.next_value == pytest.approx(0.0, abs=1e-3) and hall.last_value == pytest.approx(stopped, rel=1e-9)
    assert line.headroom == pytest.approx(0.0, abs=1e-9) and len(line.binds) == 3
    # a larger line: the hall alone is scarce for nobody, the line has room
    roomy = priced(replace(p, sites=(replace(p.sites[0], interconnection_mw=12.0),)))["sites.home.interconnection.now"]
    assert (roomy.next_value, roomy.last_value, roomy.headroom) == (0.0, 0.0, pytest.approx(2.0))


def test_a_dollar_and_a_date() -> None:
    """Cash is worth its discount where it can be paid out, and a rule that locks it up costs the interest it forgoes."""
    p = tiny(2, cash=50e6, discount=0.1)
    ones = np.ones((1, 3))
    rule = Rule("buffer", "cash >= 10 MUSD", {("cash", None): ones}, ">=", 10e6 * ones, np.ones((1, 3), dtype=bool))
    found = priced(replace(p, rules=(rule,)))
    assert found["treasury.cash"].next_value == pytest.approx(1.0) == found["treasury.cash"].last_value
    assert found["cash at 2027-01-01"].next_value == pytest.approx(1 / 1.1)
    assert found["cash at 2028-01-01"].next_value == pytest.approx(1 / 1.21)
    # a dollar less to hold: paid out today in place of counting two years later
    buffer = found["rules[0]"]
    assert buffer.next_value == pytest.approx(1 - 1 / 1.21) == buffer.last_value
    assert buffer.relief == "less" and buffer.unit == "USD"
    assert sum(value for *_, value in buffer.parts) == pytest.approx(buffer.dual_value)


def test_what_no_plan_can_do_without() -> None:
    """A line that blocks fill, and a hall that running contracts fill, cannot be smaller; the program has no row that says so."""
    from models.problem import Block

    p = tiny(2)
    site = site_of(p, interconnection_mw=10.0, ai_mw=5.0, blocks=(Block("ppa", np.full(2, 10.0), path(30.0, 1, 2)),))
    p = replace(p, sites=(site,))
    never = np.zeros(3, dtype=bool)
    tenant = service_of(p, window=never, contracted=np.array([5.0]), contracted_term=2, limit=5.0)
    found = priced(replace(p, services=(tenant,)))
    for key in ("sites.home.interconnection.now", "sites.home.ai_hall.now"):
        assert found[key].last_value == math.inf and "no plan can do with less" in found[key].note
        assert found[key].next_value == pytest.approx(0.0, abs=1e-6)
    slack = replace(p, sites=(replace(site, interconnection_mw=10.5, ai_mw=5.5),), services=(tenant,))
    assert priced(slack)["sites.home.interconnection.now"].last_value == 0.0
    assert "sites.home.ai_hall.now" not in priced(slack)  # nothing can be decided about it


def test_a_floor_costs_the_power_it_makes_a_site_buy() -> None:
    """A lease without a penalty is served by its floor alone: a hundredth less saves a hundredth of its energy bill."""
    p = tiny(2, discount=0.1)
    p = replace(p, sites=(site_of(p, price=40.0, gross_ratio=1.25),))
    lease = service_of(
        p, floor=0.9, reimbursed=None, contracted=np.array([8.0]), contracted_term=2, limit=8.0, window=np.zeros(3, dtype=bool)
    )
    one = priced(replace(p, services=(lease,)))["ai.tenant.floor"]
    bill = 8.0 * 1.25 * 8760.0 * 40.0 * (1 / 1.1 + 1 / 1.21)  # USD for all of the demand
    assert one.next_value == pytest.approx(bill, rel=1e-8) and one.last_value == pytest.approx(bill, rel=1e-8)
    assert one.unit == "share" and one.relief == "less" and one.headroom == pytest.approx(0.0, abs=1e-9)
    # signed MW: the floor multiplies a decision
    signed = replace(lease, window=dates(p, 0), contracted=np.array([0.0]), rate=path(1e6, 1, 2))
    problem = replace(p, services=(signed,))
    base, one = worth(problem), priced(problem)["ai.tenant.floor"]
    assert base is not None
    there = worth(stepped(problem, "ai.tenant.floor", -1e-4) or problem)
    assert there is not None and one.next_value == pytest.approx((there - base) / 1e-4, rel=1e-5)


def test_a_dollar_of_collateral_is_a_dollar_of_the_rule_that_says_the_same() -> None:
    """outstanding <= 0.6 x resale x rigs: as security, and as a rule with the constant that a dollar more would change."""
    p = tiny(3, cash=30e6, discount=0.2, scenarios=2, rescue_penalty=1.0)
    p = replace(p, sites=(site_of(p),))
    resale = np.linspace(0.5e6, 0.2e6, 4)
    rig = rig_of(p, price=0.6e6, resale=np.broadcast_to(resale, (2, 4)), window=dates(p, 0), limit=60.0)
    notes = debt_of(p, rate=0.05, limit=200e6, window=dates(p, 0))
    p = replace(p, rigs=(rig,), debts=(notes,))
    secured = replace(p, debts=(replace(notes, collateral=("rigs",), advance_rate=0.6),))
    ones, active = np.ones((2, 4)), np.ones((2, 4), dtype=bool)
    terms = {("outstanding", "notes"): ones, ("rigs_mw", "rig"): -0.6 * np.broadcast_to(resale, (2, 4)).copy()}
    ruled = replace(p, rules=(Rule("base", "as security", terms, "<=", 0.0 * ones, active),))
    security, rule = priced(secured)["financing.notes.security"], priced(ruled)["rules[0]"]
    assert security.next_value > 0.01
    for name in ("next_value", "last_value"):
        assert getattr(security, name) == pytest.approx(getattr(rule, name), rel=1e-7)
    assert security.headroom == pytest.approx(rule.headroom, abs=1.0)
    base = worth(ruled)
    assert base is not None
    assert_quotients(ruled, rule, base)


# ---------------------------------------------------------------------------------------------------------------------
# The session, and what is told


def test_prices_leave_the_program_as_it_was() -> None:
    """Twice the same, whatever was asked in between; and the plan can be solved again."""
    solved = solve_warm(bare(random_problem(303)), baseline=False)
    solution, first = solved.solution, price_statements(solved)
    assert solved.warm is not None
    session = solved.warm.program.session
    before = (session.lp.row_lower.copy(), session.lp.row_upper.copy(), session.lp.col_upper.copy())
    again = price_statements(solved)
    for one, two in zip(first, again, strict=True):
        assert (one.path, one.name, one.headroom, one.binds, one.note) == (two.path, two.name, two.headroom, two.binds, two.note)
        assert one.next_value == pytest.approx(two.next_value, rel=1e-9, abs=1e-12)
        assert one.last_value == pytest.approx(two.last_value, rel=1e-9, abs=1e-12)
    n = len(before[0])
    np.testing.assert_array_equal(before[0], session.lp.row_lower[:n])
    np.testing.assert_allclose(before[1], session.lp.row_upper[:n], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(before[2], session.lp.col_upper)
    answer = session.solve()
    assert answer.objective * solution.problem.money == pytest.approx(solution.objective, rel=1e-9)


def test_prices_need_a_program() -> None:
    with pytest.raises(ValueError, match="prices are of an optimal plan"):
        price_statements(Solved(solve_problem(random_problem(307), baseline=False), None))


@lru_cache(maxsize=1)
def quickstart() -> tuple[Solution, dict[str, StatementPrice]]:
    """The shipped case, thinned."""
    case = Case.load(ROOT / "cases" / "quickstart.yaml", settings=("horizon.hours={every: 241}",))
    solved = solve_warm(case, baseline=False)
    return solved.solution, {one.path or one.name: one for one in price_statements(solved)}


def test_headroom_and_places_are_those_of_the_books() -> None:
    """A rule's room is that of covenants.csv at its tightest; what binds has none, and only that."""
    solution, found = quickstart()
    names = {"rules[0]": "six months of cash", "rules[1]": "coverage", "rules[2]": "power stays a mining site's"}
    for key, name in names.items():
        rows = [c for c in solution.covenants if c.name == name]
        assert found[key].name == name
        assert found[key].headroom == min(c.headroom for c in rows)
        bound = {(c.scenario, c.date) for c in rows if c.headroom <= 1.0}
        assert set(found[key].binds) == bound
    limit = found["financing.notes.limit"]
    assert solution.decisions is not None
    assert limit.headroom == pytest.approx(150e6 - solution.decisions.issued["notes"].sum(axis=1).max(), abs=1.0)
    assert limit.next_value == limit.last_value == 0.0
    assert found["rigs.s21_pro.supply"].binds and found["rigs.s21_pro.supply"].headroom == pytest.approx(0.0, abs=1e-6)
    served = found["ai.cloud.floor"]
    assert served.headroom is not None and served.headroom >= -1e-9


def test_duals_by_place_add_up_to_those_of_the_prices_table() -> None:
    """The dual value of a statement is the sum of its parts, and of what shadow_prices.csv says of its rows."""
    solution, found = quickstart()
    for one in found.values():
        assert sum(value for *_, value in one.parts) == pytest.approx(one.dual_value, rel=1e-9, abs=1e-9)
    families = {
        "rules[0]": ("rule", "six months of cash"), "rules[1]": ("rule", "coverage"), "rigs.s21_xp.supply": ("rig_supply", "s21_xp"),
        "sites.texas.interconnection.now": ("interconnection", "texas"), "financing.notes.security": ("collateral", "notes"),
    }  # fmt: skip
    for key, (family, name) in families.items():
        total = sum(p.value for p in solution.prices if (p.family, p.name) == (family, name))
        assert found[key].dual_value == pytest.approx(total, rel=1e-6, abs=1e-9), key
        assert found[key].dual_value > 0.0


def test_every_statement_says_where_the_case_states_it() -> None:
    _, found = quickstart()
    lines = (ROOT / "cases" / "quickstart.yaml").read_text(encoding="utf-8").splitlines()
    wanted = {
        "sites.texas.interconnection.now": "interconnection:", "financing.notes.limit": "limit: 150 MUSD", "rules[1]": "name: coverage",
        "rigs.s21_pro.supply": "supply: 8 MW", "treasury.cash": "cash: 12 MUSD", "sites.texas.ai_hall.convert.limit": "limit: 6 MW",
    }  # fmt: skip
    for key, text in wanted.items():
        file, line, column = found[key].source.rsplit(":", 2)
        assert file.endswith("quickstart.yaml")
        assert lines[int(line) - 1][int(column) - 1 :].startswith(text), key
    assert all(one.source for one in found.values() if one.path)
    assert not any(one.source or one.path for one in found.values() if one.name.startswith("cash at"))


def test_prices_csv(tmp_path: Path) -> None:
    """Written only where asked for, with the manifest, and read back."""
    solution, found = quickstart()
    folder = results.write(solution, tmp_path, label="plain")
    assert not (folder / "prices.csv").exists()
    folder = results.write(solution, tmp_path, prices=tuple(found.values()))
    table = load(folder)["prices"]
    assert list(table["name"]) == [one.name for one in found.values()]
    for name in ("next_value", "dual_value", "headroom"):
        np.testing.assert_array_equal(table[name], [getattr(one, name) for one in found.values()])
    last = np.array([one.last_value for one in found.values()])
    np.testing.assert_array_equal(np.isnan(table["last_value"]), np.isinf(last))
    assert set(table["source"]) >= {""} and str(tmp_path) not in (folder / "prices.csv").read_text()
    assert table["source"][0].startswith("quickstart.yaml:")


def test_places_in_few_words() -> None:
    p = tiny(4, months=3, scenarios=3)
    d = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01"]
    assert compact((), p) == ""
    assert compact((("s0", None), ("s1", None), ("s2", None)), p) == "all"
    binds = (("s0", d[0]), ("s0", d[1]), ("s0", d[3]), ("s2", d[0]), ("s2", d[1]), ("s2", d[3]), ("s1", d[4]))
    assert compact(binds, p) == "s0+s2 2026-01..2026-04, 2026-10; s1 2027-01"


# ---------------------------------------------------------------------------------------------------------------------
# The shipped cases, every hour


class Change:
    """A value of a shipped case as `--set` changes it, and the step in its unit."""

    def __init__(self, path: str, value: str, step: float, amount: float | None = None) -> None:
        self.path, self.value, self.step, self.amount = path, value, step, amount

    def setting(self, change: float) -> str:
        """change: in the direction of relief of a rule, of more of a value."""
        if self.amount is not None:
            return f"{self.path}={self.value.format(self.amount + change)}"
        return f"{self.path}={self.value} {'-' if change < 0 else '+'} {abs(change):.6f} USD"


QUICKSTART = [
    Change("sites.texas.interconnection.now", "{:.9f} MW", 0.05, 60.0),
    Change("sites.texas.mining_hall.now", "{:.9f} MW", 0.05, 40.0),
    Change("sites.texas.ai_hall.convert.limit", "{:.9f} MW", 0.02, 6.0),
    Change("rigs.s21_pro.supply", "{:.9f} MW", 0.02, 8.0),
    Change("financing.revolver.limit", "{:.3f} USD", 2e4, 10e6),
    Change("financing.notes.limit", "{:.3f} USD", 1e5, 150e6),
    Change("treasury.cash", "{:.3f} USD", 1e5, 12e6),
    Change("rules[1].require", "ltm(cfads + rescue) >= 1.30 * ltm(debt_service)", -2e3),
]
LAKE_MARINER = [
    Change("sites.lake_mariner.interconnection.now", "{:.9f} MW", 0.05, 500.0),
    Change("sites.lake_mariner.mining_hall.now", "{:.9f} MW", 0.02, 245.0),
    Change("sites.lake_mariner.ai_hall.now", "{:.9f} MW", 0.02, 60.0),
    Change("sites.lake_mariner.ai_hall.convert.limit", "{:.9f} MW", 0.01, 80.0),
    Change("ai.cb_5.limit", "{:.9f} MW", 0.01, 160.0),
    Change("ai.core42.limit", "{:.9f} MW", 0.01, 60.0),
    Change("financing.capped_convert.limit", "{:.3f} USD", 1e6, 500e6),
    Change("financing.atm.per_date", "{:.3f} USD", 1e5, 100e6),
    Change("rules[4].require", "dividends + debt_service <= cfads + rescue", 2e4),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "variant", "changes"), [("quickstart", None, QUICKSTART), ("lake-mariner", "leases_open", LAKE_MARINER)]
)
def test_shipped_cases_changed_and_solved_again(name: str, variant: str | None, changes: list[Change]) -> None:
    """Every hour kept, the case itself changed, a cold solve: the difference quotient is the value that was said, to 1e-4."""
    file = ROOT / "cases" / f"{name}.yaml"
    solved = solve_warm(Case.load(file, variant), baseline=False)
    base = solved.solution.objective
    assert base is not None
    found = {one.path: one for one in price_statements(solved)}
    degenerate = 0
    for change in changes:
        one = found[change.path.removesuffix(".require")]
        degenerate += one.next_value != pytest.approx(one.last_value, rel=1e-3)
        for sign, value in ((1.0, one.next_value), (-1.0, one.last_value)):
            try:
                changed = Case.load(file, variant, settings=(change.setting(sign * change.step),))
            except CaseError:
                assert math.isinf(value), change.path  # a limit below what is contracted: the case itself is refused
                continue
            other = changed.solve(baseline=False, canonical=False)
            if math.isinf(value):
                assert other.outcome is Outcome.INFEASIBLE, change.path
                continue
            assert other.outcome is Outcome.OPTIMAL and other.objective is not None, change.path
            quotient = sign * (other.objective - base) / abs(change.step)
            assert quotient == pytest.approx(value, rel=1e-4, abs=1e-10 * abs(base) / abs(change.step)), (change.path, sign)
    assert name == "quickstart" or degenerate >= 3
