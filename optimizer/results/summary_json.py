"""`summary.json`: status, value, proof, figures."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from optimizer.results.serialise import SCHEMA
from optimizer.version import __version__

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution


def summary(solution: Solution) -> dict[str, Any]:
    """summary.json as a dictionary. What does not exist for an outcome is None."""
    case, certificate = solution.case, solution.certificate
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "case": case.name,
        "variant": solution.variant,
        "digest": case.digest,
        "versions": versions(),
        "status": solution.outcome.name.lower(),
        "reasons": list(solution.reasons),
        "method": solution.method,
        "size": dict(solution.size),
        "weight": solution.problem.objective.weight,
        "tail": solution.problem.objective.tail,
        "discount": solution.problem.objective.discount,
        "objective": solution.objective,
        "expected_npv": None,
        "var": None,
        "cvar": None,
        "upper_bound": solution.upper_bound,
        "lower_bound": solution.lower_bound,
        "gap": solution.gap,
        "residuals": {
            "verified": bool(certificate.verified) if certificate else None,
            "primal_relative": certificate.primal_residual_relative if certificate else None,
            "dual": certificate.dual_residual if certificate else None,
            "books": _checks(solution.books.checks if solution.books else ()),
            "program_against_books": _checks(solution.lp_checks),
        },
        "horizon_note": getattr(case, "horizon_note", None) or None,
        "per_share": None,
        "share_price": None,
        "who_gains": None,
        "baseline": None,
        "odds": None,
        "after_horizon": None,
        "capital": None,
        "bridge": None,
        "plan_notes": [],
        "ledger": None,
        "kpis": None,
        "scenarios": None,
    }
    if solution.books is not None and solution.decisions is not None:
        from optimizer.engine.views import tables
        from optimizer.results.value_per_share import per_share, share_price, who_gains

        books = solution.books
        out |= {"per_share": per_share(solution), "share_price": share_price(solution), "who_gains": who_gains(solution)}
        out |= {"expected_npv": books.expected, "var": books.var, "cvar": books.cvar}
        out["ledger"] = tables.ledger(solution)
        from optimizer.results.capital_text import figures
        from optimizer.results.finance_tables import key_returns

        out["kpis"] = tables.expected_figures(solution) | key_returns(solution)
        out |= figures(solution)
        out["scenarios"] = tables.scenario_figures(solution)
    if solution.baseline is not None:
        one = solution.baseline
        out["baseline"] = {
            "name": one.name,
            "objective": one.objective,
            "upper_bound": one.upper_bound,
            "expected_npv": one.expected,
            "cvar": one.cvar,
            "value_of_optimising": one.value_of_optimising,
            "reason": one.reason,
        }
    return out


def _checks(checks: Any) -> dict[str, dict[str, Any]]:
    return {c.name: {"residual": c.residual, "relative": c.relative, "where": c.where} for c in checks}


def versions() -> dict[str, str]:
    """Versions of what made the numbers."""
    from importlib import metadata

    def installed(name: str) -> str:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return "unknown"

    return {
        "wattfolio": __version__,
        "highspy": installed("highspy"),
        "pyomo": installed("pyomo"),
        "python": platform.python_version(),
    }
