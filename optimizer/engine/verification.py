"""The program against the books, and the proof over branches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.proforma.books import Books, Check
from models.proforma.sizes import least_usd
from optimizer.engine.values import TOLERANCE
from optimizer.solver import certificates
from optimizer.solver.certificates import Certificate
from optimizer.solver.compile import load_into_model

if TYPE_CHECKING:
    from models.decisions import Decisions
    from models.program.master_problem import MasterProblem
    from optimizer.engine.dispatch import Dispatched
    from optimizer.solver.answer import Answer
    from optimizer.solver.branch_and_bound import BranchResult
    from optimizer.solver.linear_program import LinearProgram


def prove(lp: LinearProgram, answer: Answer, branches: BranchResult | None) -> Certificate:
    """What arithmetic says of an answer. branches: the branch of the law that it is of, if any."""
    certificate = certificates.verify_optimal(lp, answer.x, answer.y, tolerance=TOLERANCE)
    return certificate if branches is None else over_branches(certificate, branches)


def decisions(master: MasterProblem, lp: LinearProgram, found: Dispatched) -> Decisions:
    """The plan's decisions and hours; the model holds the answer from now on."""
    load_into_model(lp, found.answer)
    return master.decisions(found.hours)


def faults(certificate: Certificate, checks: Iterable[Check]) -> list[str]:
    """What does not hold, in words: of the proof, and of the identities that are off by more than TOLERANCE."""
    off = [
        f"{check.name}: off by {check.relative:.3g} relative ({check.residual:.6g}) at {check.where or 'total'}"
        for check in checks
        if not check.relative <= TOLERANCE
    ]
    return [*certificate.reasons, *off]


def over_branches(certificate: Certificate, branches: BranchResult) -> Certificate:
    """The leaf's certificate with the bound that holds over all branches."""
    off = abs(branches.bound - certificate.objective)
    size = abs(certificate.objective)
    gap = max(off / size if size > 0.0 else off, certificate.gap)
    verified = certificate.verified and not branches.reasons and (gap <= TOLERANCE or not branches.complete)
    reasons = (*certificate.reasons, *branches.reasons)
    return replace(certificate, dual_bound=branches.bound, gap=gap, verified=verified, reasons=reasons)


def directions(lp: LinearProgram, ray: np.ndarray) -> list[str]:
    """The activities that grow without limit, the largest first."""
    order = np.argsort(-np.abs(ray), kind="stable")[:8]
    return [f"{lp.columns[j].name} grows without limit" for j in order if abs(ray[j]) > 1e-9 * np.abs(ray).max()]


def compare(master: MasterProblem, books: Books, objective: float) -> tuple[Check, ...]:
    """The program's own figures against the books': objective, value, cash, coins, debt, tax, operating cash."""
    b, unit = master.build, master.build.unit
    # the solver is exact to 1e-9 of a money unit: a line of nearly nothing is held to a hundred times that, or to what moves at all
    least = least_usd(b.problem, books.moved)
    size = max(abs(books.objective), 1e-6 * _size(books), least)
    out = [Check("objective: program against books", abs(objective - books.objective), size)]
    names = b.problem.scenarios.names

    def check(name: str, program: np.ndarray, booked: np.ndarray, flows: np.ndarray | float = 0.0) -> None:
        off = np.abs(program - booked)
        largest = max(
            float(np.abs(booked).max(initial=0.0)), float(np.abs(program).max(initial=0.0)), least, np.finfo(float).tiny
        )
        scale = np.broadcast_to(np.maximum(flows, largest), off.shape)
        k = int((off / scale).argmax()) if off.size else 0
        where = np.unravel_index(k, off.shape) if off.size else ()
        place = ", ".join([names[int(where[0])], *(f"date {int(d)}" for d in where[1:])]) if off.size else ""
        worst = (float(off[where]), float(scale[where])) if off.size else (0.0, largest)
        out.append(Check(f"{name}: program against books", *worst, place))

    def table(word: str, factor: float = unit) -> np.ndarray:
        return np.array([[master.words.at(word, None, s, d).value() * factor for d in range(b.D)] for s in range(b.S)])

    check("value", np.array([v.value for v in master.risk.value]) * unit, books.value)
    for word in ("cash", "total_debt", "tax", "interest", "principal", "capex", "ebitda"):
        check(word, table(word), books.words[word], books.sizes.get(word, 0.0))
    check("coins", table("coins", 1.0), books.words["coins"], books.sizes["coins"])
    for name, entry in b.ledger.items():
        booked = books.ledger.get(name, np.zeros((b.S, b.D)))
        check(
            f"ledger {name}",
            np.array([[lin.value() * unit for lin in row] for row in entry]),
            booked,
            books.sizes.get(_ENDS.get(name, ""), 0.0),
        )
    return tuple(out)


#: entries of the ledger that are stocks at T, by the word whose size tells what they are made of
_ENDS = {
    "terminal_cash": "cash",
    "terminal_coins": "coins_value",
    "terminal_debt": "total_debt",
    "terminal_rigs": "terminal_rigs",
}


def _size(books: Books) -> float:
    """Sum of the magnitudes the objective is made of (USD)."""
    return float(sum(np.abs(v).sum() for v in books.ledger.values())) or 1.0
