"""What was proved, how, and of which case."""

from __future__ import annotations

from optimizer.results.report.overview import proof_sentence
from optimizer.results.report.source import Source
from optimizer.results.report.tables import Cell, table
from optimizer.results.report.text import esc, money


def section(source: Source) -> str:
    summary = source.summary
    residuals = summary["residuals"]
    facts = [
        ("plan", money(summary["lower_bound"])),
        ("bound that no plan can beat", money(summary["upper_bound"])),
        ("gap", "–" if summary["gap"] is None else f"{summary['gap']:.1e} of the objective"),
        ("largest violation of a row of the program", f"{residuals['primal_relative'] or 0.0:.1e} of its terms"),
        ("largest price on a bound that does not exist", f"{residuals['dual'] or 0.0:.1e}"),
        ("method", str(summary["method"])),
        ("program", ", ".join(f"{value:,} {name}" for name, value in summary["size"].items())),
        ("digest of the case and its files", str(summary["digest"])),
        ("made with", ", ".join(f"{name} {version}" for name, version in summary["versions"].items())),
    ]
    notes = [note for note in (summary.get("horizon_note"), *source.data["notes"]) if note]
    listed = "".join(f"<li>{esc(note)}</li>" for note in notes)
    checks = [
        [name, group, Cell(f"{one['relative']:.1e}", one["relative"]), one["where"]]
        for group, found in (("books", residuals["books"]), ("program against books", residuals["program_against_books"]))
        for name, one in found.items()
    ]
    return (
        f"<p>{esc(proof_sentence(source))} The proof says that the plan is the best one for the case as written: its prices, scenarios, odds "
        "and hours. It does not say that these are true.</p>"
        + table("The proof in numbers", ("what", "value"), facts)
        + (f"<h3>Notes on the data</h3><ul>{listed}</ul>" if listed else "")
        + f"<details><summary>All {len(checks)} checks</summary>"
        + table("Checks of the books: residual relative to its scale", ("check", "of", "residual", "where it is largest"), checks)
        + "</details>"
    )
