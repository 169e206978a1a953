"""report.html: one page without network that tells the plan in words, numbers, charts and tables.

    from optimizer.results.report.render_page import render
    from optimizer.results.report.source import read
    html = render(read("out/quickstart/base"))

The page is made of the files of a result folder alone. Nothing in it is loaded from anywhere; its policy allows its own script and style
only; the same files give the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.results.report import capital, costs, debt, mixes, overview, power, proof, returns, shares
from optimizer.results.report.data import NAME, report_data, to_bytes
from optimizer.results.report.page import Part, page
from optimizer.results.report.source import Source, from_loaded, from_tables, read
from optimizer.results.report.text import esc
from optimizer.results.report.views import views
from optimizer.results.serialise import ResultError, to_json

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution
    from optimizer.engine.views.tables import Table

HTML = "report.html"


def render(result: Source | Mapping[str, Any] | str | os.PathLike[str], comparison: Any = None, frontier: Any = None) -> str:
    """The page of a result: a folder, what `optimizer.results.read_folder.load` gave of one, or a Source.

    comparison, frontier: rows as `optimizer.results.report.mixes` describes them; None: no such section.
    Raises ResultError where the result is not whole, MixError where the rows are not as described.
    """
    if isinstance(result, Source):
        return _render(result, comparison, frontier)
    told = "this result" if isinstance(result, Mapping) else str(Path(result))
    try:
        return _render(from_loaded(result) if isinstance(result, Mapping) else read(Path(result)), comparison, frontier)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError) as problem:
        # its files are as they were sealed and each has its shape, but they do not fit one another
        raise ResultError(
            f"{told} is not a result of wattfolio: its files do not fit one another ({problem!r:.200})"
        ) from problem


def _render(source: Source, comparison: Any, frontier: Any) -> str:
    """The page of a source whose files fit one another."""
    mixed = mixes.rows_of(comparison, "comparison", "rows") if comparison is not None else []
    points = mixes.rows_of(frontier, "frontier", "points") if frontier is not None else []
    summary = source.summary
    name = str(summary["case"]) + (f", {summary['variant']}" if summary["variant"] else "")
    described = source.data["description"]
    about = f'<p class="soft">{esc(described)}</p>' if described else ""
    head = f"<h1>{esc(name)}</h1>{about}{overview.tiles(source)}{costs.beside(source)}"
    parts = [
        Part("plan", "The plan in words", overview.told(source)),
        Part("capital", "Capital and financing", capital.section(source)),
        Part("debt", "Debt", debt.debt(source)),
        Part("covenants", "Rules and covenants", debt.covenants(source)),
        Part("cash", "Cash", debt.cash(source)),
        Part("power", "Power", power.section(source)),
        Part("returns", "Returns", returns.section(source)),
        Part("shares", "Value per share", shares.section(source)),
        Part("mixes", "Financing mixes", mixes.comparison(mixed, mixes.account(comparison))),
        Part("frontier", "Frontier", mixes.frontier(points)),
        Part("scarce", "What is scarce", returns.scarce(source)),
        Part("proof", "Proof", proof.section(source)),
    ]
    version = esc(summary["versions"]["wattfolio"])
    foot = f"<p>wattfolio {version}. Amounts are USD, discounted where it says present value; power is MW at the meter.</p>"
    return page(f"{name}: wattfolio", head, parts, [(key, called) for key, _, called in views(source)], foot)


def files(solution: Solution, summary: Mapping[str, Any], tables: Mapping[str, Table]) -> dict[str, bytes]:
    """report.json and report.html of a solution, its summary and its tables (by name of file) at hand."""
    data = to_bytes(report_data(solution))
    source = from_tables(json.loads(to_json(summary)), json.loads(data), tables)
    return {NAME: data, HTML: render(source).encode()}
