"""`wattfolio scenarios`: what was drawn for a case."""

from __future__ import annotations

import textwrap
from typing import Any

import click

from optimizer.cli.common import PIPE_WIDTH, Mistaken, check_options, load_case, print_now
from optimizer.cli.exit_codes import DONE
from optimizer.text import money


@click.command()
@click.argument("path", metavar="CASE")
@click.option("--variant", metavar="NAME", help="The case with a variant of it.")
@click.option(
    "--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value, such as scenarios.generate.seed=8. Repeatable."
)
@click.option("--knowing", "solved", is_flag=True, help="Solve it four times: what it is worth to know the future sooner.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop each of these solves after this time.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON and nothing else.")
def scenarios(
    path: str, variant: str | None, changes: tuple[str, ...], solved: bool, time_limit: float | None, as_json: bool
) -> int:
    """Show what was drawn: estimates with intervals, fans, odds, what the tree keeps; with --knowing, how much the objective owes to it."""
    check_options(changes, time_limit)
    case = load_case(path, variant, changes)
    from optimizer.results import serialise
    from optimizer.results.drawn import drawn

    found: dict[str, Any] = {}
    if case.generated is not None:
        found = drawn(case)
    elif not solved:
        raise Mistaken(f"{path}: its scenarios are written, not drawn: `scenarios: {{generate: {{}}}}` draws them")
    if solved:
        from optimizer.studies.knowing import knowing

        found["knowing"] = [vars(one) for one in knowing(case, time_limit)]
    text = serialise.to_json(found).rstrip("\n") if as_json else "\n".join(_lines(found))
    print_now(lambda: click.echo(text))
    return DONE


def _lines(found: dict[str, Any]) -> list[str]:
    last = _knowing(found["knowing"]) if "knowing" in found else []
    if "fans" not in found:
        return last[1:]
    data, start = found["data"], found["start"]
    out = [
        f"{found['case']}: {found['sample']:,} futures drawn with seed {found['seed']}, {len(found['scenarios'])} kept",
        f"  date 0: {start['date']}, {start['btc_price']:,.0f} USD/BTC, {start['network_hashrate']:,.1f} EH/s, block {start['height']:,.0f}",
        *_wrapped(f"data until {data['until']}: {data['source']}", "  "),
    ]
    return [*out, *_estimates(found), *_fans(found), *_odds(found), *_kept(found), *_digests(found), *last]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, PIPE_WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False)


def _table(rows: list[list[str]], left: int = 1) -> list[str]:
    """Columns, the first `left` of them to the left; the first row is a head."""
    wide = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  "
        + "  ".join(
            cell.ljust(w) if at < left else cell.rjust(w) for at, (cell, w) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [lines[0], "  " + "-" * (sum(wide) + 2 * (len(wide) - 1)), *lines[1:]]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _estimates(found: dict[str, Any]) -> list[str]:
    rows = [["estimate", "unit", "value", "from", "to", "by"]]
    notes = []
    for one in found["estimates"]:
        by = one["source"] + (", leans on its prior" if one["source"] == "data" and one["leans"] else "")
        rows.append([one["name"], one["unit"], *(_figure(one[key]) for key in ("value", "low", "high")), by])
        notes += _wrapped(f"{one['name']}: {one['note']}", "  ")
    return ["", "Estimates, each with its 90 % interval", *_table(rows, 2), *notes]


def _fans(found: dict[str, Any]) -> list[str]:
    out = ["", "Fans over all that were drawn"]
    rows = [["driver", "date", "5 %", "25 %", "50 %", "75 %", "95 %"]]
    last = None
    for one in found["fans"]:
        name = "" if one["driver"] == last else f"{one['driver']} ({one['unit']})"
        last = one["driver"]
        rows.append([name, one["date"], *(_figure(one[key]) for key in ("p05", "p25", "p50", "p75", "p95"))])
    out += _table(rows, 2)
    for one in found["halvings"]:
        early, middle, late = (one[key] or "after the horizon" for key in ("p05", "p50", "p95"))
        out.append(f"  halving at block {one['height']:,}: {middle}, 90 % between {early} and {late}")
    return out


def _odds(found: dict[str, Any]) -> list[str]:
    rows = [["scenario", "follows", "until", "odds", "which is"]]
    for one in found["scenarios"]:
        late = "".join(f"; {path} {months} months late" for path, months in one["delay"].items())
        until = (one["until"] or "")[:7]
        rows.append(
            [one["name"], one["follows"] or "", until, f"{one['odds']:.1%}", one["describe"].removeprefix("drawn: ") + late]
        )
    lines = _table(rows, 3)
    return ["", f"Scenarios, known at {', '.join(found['stages'])}", *lines]


def _kept(found: dict[str, Any]) -> list[str]:
    dates = list(dict.fromkeys(one["date"] for one in found["kept"]))
    names = list(dict.fromkeys(one["driver"] for one in found["kept"]))
    by = {(one["driver"], one["date"]): one for one in found["kept"]}
    rows = [["driver", *dates]]
    for name in names:
        cells = [by.get((name, date)) for date in dates]
        rows.append([name, *("-" if one is None else f"{one['variance']:.2f} ({one['shift']:+.2f})" for one in cells)])
    out = ["", "Variance kept of all that were drawn, and how far the mean is off in standard deviations", *_table(rows)]
    apart = ", ".join(f"{usd / 1e6:,.1f}" for usd in found["distance_usd"])
    out += _wrapped(
        f"distance by stage: {apart} MUSD of a trial plan's value, whose standard deviation over all is {found['spread_usd'] / 1e6:,.1f} MUSD",
        "  ",
    )
    off = max((abs(one["shift"]) for one in found["plans"]), default=0.0)
    out += _wrapped(
        f"mean value of {len(found['plans'])} trial plans over those kept: off by at most {off:.2f} standard deviations", "  "
    )
    for one in found["kept"]:
        if not 0.8 <= one["variance"] <= 1.2:
            text = f"{one['driver']} at {one['date']} keeps {one['variance']:.2f} of its variance, outside of 0.8 to 1.2"
            out += _wrapped(text, "  note: ")
    return out


def _knowing(rows: list[dict[str, Any]]) -> list[str]:
    """Objectives, and what each adds to the one before."""
    out, before = [["scenarios are known", "objective", "more by"]], None
    for one in rows:
        value = one["objective"]
        more = "" if value is None or before is None else money(value - before)
        out.append([one["when"], one["reason"] if value is None else money(value), more])
        before = value
    return ["", "What it is worth to know sooner: what is above `as the case says` is optimism", *_table(out)]


def _digests(found: dict[str, Any]) -> list[str]:
    rows = [[name, digest[:16]] for name, digest in found["digests"].items()]
    wide = max(len(name) for name, _ in rows)
    lines = [f"  {name.ljust(wide)}  {digest}" for name, digest in [*rows, ["case", found["case_digest"][:16]]]]
    return ["", "Digests of what was drawn", *lines]
