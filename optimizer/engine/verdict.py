"""How a solve has ended, and what is said of it where that is not an optimum: with the proof, or what there is of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.problem import Problem
from optimizer.engine.master import WarmProgram
from optimizer.engine.solution import Solution
from optimizer.engine.stages import Stages
from optimizer.engine.values import Outcome
from optimizer.engine.verification import directions
from optimizer.solver import certificates
from optimizer.solver.answer import Answer
from optimizer.solver.branch_and_bound import BranchResult
from optimizer.solver.certificates import Certificate
from optimizer.solver.linear_program import LinearProgram

#: rules and limits of a proof that are told
MAX_BLAMED = 12

#: what a solve has come to: outcome, and fields of `Solution`
Ending = Callable[..., Solution]


def outcome_of(answer: Answer) -> Outcome:
    """Of a solve, before anything is verified."""
    status = answer.status.value
    return Outcome(status) if status in {one.value for one in Outcome} else Outcome.UNVERIFIED


def without_plan(program: WarmProgram, answer: Answer, upper: float | None, stages: Stages, ended: Ending) -> Solution:
    """No optimum. upper: USD, what is verified that no plan is worth more than, if anything is."""
    lp, outcome = program.session.lp, outcome_of(answer)
    certificate, reasons = None, [answer.message] if answer.message else []
    with stages("verify"):
        if outcome is Outcome.INFEASIBLE and answer.ray is not None:
            certificate = certificates.verify_infeasible(lp, answer.ray)
            reasons = blamed(program.problem, lp, answer.ray) if certificate.verified else list(certificate.reasons)
        elif outcome is Outcome.UNBOUNDED and answer.ray is not None:
            certificate = certificates.verify_unbounded(lp, answer.x if np.isfinite(answer.x).all() else None, answer.ray)
            reasons = directions(lp, answer.ray) if certificate.verified else list(certificate.reasons)
    if outcome in (Outcome.INFEASIBLE, Outcome.UNBOUNDED) and (certificate is None or not certificate.verified):
        late = program.expired()  # while a ray that proves it was looked for
        why = "time was up before it was proved" if late else "but its proof did not hold"
        reasons.insert(0, f"the solver says {outcome.value}, {why}")
        outcome = Outcome.LIMIT if late else Outcome.UNVERIFIED
    known = upper if outcome is Outcome.LIMIT else None
    if known is not None:
        reasons.append(f"no plan is worth more than {known:,.2f} USD, which is verified")
    return ended(outcome=outcome, certificate=certificate, reasons=tuple(reasons), upper_bound=known)


def blamed(problem: Problem, lp: LinearProgram, ray: np.ndarray) -> list[str]:
    """The rules and limits that take part in the proof, the heaviest first, each family once."""
    shares: dict[str, float] = {}
    for row, share in certificates.blame(lp, ray):
        if row >= len(lp.rows):
            # a cut: what the hours can give at most
            shares["the hours of power"] = shares.get("the hours of power", 0.0) + abs(share)
            continue
        con = lp.rows[row]
        family = con.parent_component().local_name.removeprefix("row_")
        key = con.index() if isinstance(con.index(), tuple) else (con.index(),)
        name = f"{family} {key[0]}" if isinstance(key[0], str) else family
        shares[name] = shares.get(name, 0.0) + abs(share)
    sources = {f"rule {r.name}": r for r in problem.rules}
    out = []
    for name, share in sorted(shares.items(), key=lambda kv: (-kv[1], kv[0]))[:MAX_BLAMED]:
        rule = sources.get(name)
        text = (
            f"rule '{rule.name}' ({rule.text}){' at ' + rule.source if rule.source else ''}" if rule else name.replace("_", " ")
        )
        out.append(f"{text}: {share:.1%} of the proof")
    return out


def without_lawful_plan(problem: Problem, branches: BranchResult, ended: Ending) -> Solution:
    """No plan obeys the law in any branch looked at."""
    if not branches.complete:
        why = f"stopped after {branches.branches} branches over {branched_over(problem)} without a plan"
        bound = branches.bound * problem.money
        return ended(outcome=Outcome.LIMIT, upper_bound=bound, reasons=(why, *branches.reasons))
    why = "the rules leave a plan only if losses or interest are deducted later than tax law demands"
    if problem.sweeps:
        why += ", or cash stays where a sweep takes it"
    if problem.earned_dividends:
        why += ", or dividends are paid that were not earned"
    if branches.reasons:
        return ended(outcome=Outcome.UNVERIFIED, reasons=(why, *branches.reasons))

    nan = float("nan")
    note = f"each of {branches.branches} branches over {branched_over(problem)} is infeasible by a Farkas proof that was checked"
    certificate = Certificate("infeasible", nan, nan, nan, nan, nan, nan, nan, verified=True, notes=(note,))
    return ended(outcome=Outcome.INFEASIBLE, certificate=certificate, reasons=(why,))


def with_plan(
    problem: Problem, faults: list[str], late: bool, branches: BranchResult | None, certificate: Certificate
) -> tuple[Outcome, tuple[str, ...]]:
    """(outcome, reasons) of a plan in which these faults were found. late: as `Dispatched`."""
    outcome = Outcome.OPTIMAL if not faults else Outcome.UNVERIFIED
    reasons = list(faults)
    if late and outcome is Outcome.UNVERIFIED:
        outcome = Outcome.LIMIT
        reasons.insert(0, "time was up before the hours of the plan were worked out")
    if outcome is Outcome.OPTIMAL and branches is not None and not branches.complete:
        outcome = Outcome.LIMIT
        reasons.append(f"stopped after {branches.branches} branches over {branched_over(problem)}, gap {certificate.gap:.3g}")
    return outcome, tuple(reasons)


def branched_over(problem: Problem) -> str:
    """What branches are over."""
    over = ["tax deductions"] + ["cash sweeps"] * bool(problem.sweeps) + ["dividends"] * bool(problem.earned_dividends)
    return " and ".join([", ".join(over[:-1]), over[-1]] if len(over) > 1 else over)
