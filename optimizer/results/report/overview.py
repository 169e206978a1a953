"""The plan in words and numbers."""

from __future__ import annotations

from typing import Any

from optimizer.results.report import shares
from optimizer.results.report.source import EXPECTED, Source
from optimizer.results.report.tables import Cell, quantity, table, usd
from optimizer.results.report.text import amount, esc, money, month, multiple, percent

#: kinds of decisions, as a sentence tells them: "buys 24 MW of s21_xp at texas"
VERBS = {
    "buy rigs": ("buys", "of"), "buy rig options": ("buys options on", "of"), "exercise rig options": ("exercises options on", "of"),
    "retire rigs": ("retires", "of"), "expand interconnection": ("adds", "of interconnection"),
    "build mining hall": ("builds", "of mining hall"), "build AI hall": ("builds", "of AI hall"),
    "convert to AI hall": ("converts mining halls to", "of AI hall"), "build battery": ("builds", "of battery"),
    "sign AI contract": ("signs", "for"), "invest": ("invests in", "of"), "issue": ("issues", "of"), "draw": ("draws", "of"),
    "call": ("calls", "of"), "rescue": ("takes", "of rescue money"),
}  # fmt: skip
BUYS = tuple(VERBS)[:11]
#: sentences on decisions of one group
MOST_SENTENCES = 16
PAYS = ("issue", "draw", "rescue")


def tiles(source: Source) -> str:
    """Key figures."""
    summary, several = source.summary, len(source.scenarios) > 1
    kpis: dict[str, Any] = summary.get("kpis") or {}
    base = summary.get("baseline") or {}
    found = [("value to shareholders" if not several else "objective", money(summary["objective"]))]
    if several:
        tail = percent(summary["tail"])
        found += [
            ("expected value", money(summary["expected_npv"])),
            (f"CVaR, mean of the worst {tail}", money(summary["cvar"])),
            (f"VaR, best of the worst {tail}", money(summary["var"])),
        ]
    if by_share := shares.per_share(source):
        found.append(("objective by the share of today" if several else "value by the share of today", by_share))
    if base.get("value_of_optimising") is not None:
        beside = "what is signed alone" if base["name"] == "what-is-signed" else "no new investment"
        found.append((f"more than {beside}", money(base["value_of_optimising"])))
    of = "expected " if several else ""
    if kpis.get("irr") is not None:
        found.append((f"IRR of {of}flows", percent(kpis["irr"])))
    if kpis.get("moic") is not None:
        found.append((f"received over paid in, {of.strip() or 'in all'}", multiple(kpis["moic"])))
    for key, label, show in (
        ("capex", "capital spending", money),
        ("peak_debt", "highest debt", money),
        ("peak_ai_mw", "highest AI load, critical", lambda v: amount(v, "MW")),
        ("peak_rigs_mw", "most rigs installed", lambda v: amount(v, "MW")),
    ):
        if kpis.get(key):
            found.append((f"{label}{', expected' if several else ''}", show(kpis[key])))
    return (
        '<ul class="tiles">' + "".join(f"<li><b>{esc(value)}</b><span>{esc(name)}</span></li>" for name, value in found) + "</ul>"
    )


def told(source: Source) -> str:
    """The account: what it is worth, what is bought and who pays, what drives it, which rules bind, the tail, the proof."""
    account = {section["title"]: [one["text"] for one in section["sentences"]] for section in source.data["account"]}
    groups = [
        ("What the plan is worth", account.pop("What the plan is worth", [])),
        ("What is bought and built", _decided(source, BUYS)),
        ("Who pays", _decided(source, PAYS)),
        ("Which rules bind", _binding(source)),
        *account.items(),
        ("Proof", [proof_sentence(source)]),
    ]
    return "".join(
        f"<h3>{esc(title)}</h3><ul>{''.join(f'<li>{esc(text)}</li>' for text in sentences)}</ul>"
        for title, sentences in groups
        if sentences
    )


def _decided(source: Source, kinds: tuple[str, ...]) -> list[str]:
    found = [one for one in source.data["decisions"] if one["kind"] in kinds]
    several = len(source.scenarios) > 1
    out = []
    for kind in kinds:
        for one in found:
            if one["kind"] == kind:
                out.append(_sentence(one, several))
    if not out and kinds is BUYS:
        return ["Nothing is bought or built."]
    return (
        out
        if len(out) <= MOST_SENTENCES
        else [*out[:MOST_SENTENCES], f"… and {len(out) - MOST_SENTENCES} more in the table of decisions."]
    )


def _sentence(one: dict[str, Any], several: bool) -> str:
    verb, joint = VERBS[one["kind"]]
    unit = one["unit"]
    size = amount(one["expected"], unit)
    alike = abs(one["most"] - one["least"]) <= 1e-6 * abs(one["most"])
    what = f" {joint}" + (f" {one['what']}" if one["what"] else "") if one["what"] or joint != "of" else ""
    place = f" at {one['where']}" if one["where"] and not one["where"].startswith("issued ") else f" {one['where']}".rstrip()
    when = (
        f"in {month(one['first'])}" if one["first"] == one["last"] else f"between {month(one['first'])} and {month(one['last'])}"
    )
    spread = "" if not several else ", the same amount in every scenario" if alike else (
        f" in expectation ({amount(one['least'], unit)} to {amount(one['most'], unit)} by scenario)"
    )  # fmt: skip
    text = f"{verb} {size}{what}{place} {when}{spread}."
    return f"{text[0].upper()}{text[1:]}"


def _binding(source: Source) -> list[str]:
    """Rules with a price, dearest first."""
    found: dict[str, dict[str, Any]] = {}
    for row in source.rows("covenants", "name", "rule", "price", "scenario", "date"):
        one = found.setdefault(row["name"], {"text": row["rule"], "price": 0.0, "at": 0, "of": 0, "first": None})
        one["price"] += row["price"] or 0.0
        one["of"] += 1
        if row["price"]:
            one["at"] += 1
            if one["first"] is None or abs(row["price"]) > one["first"][0]:
                one["first"] = (abs(row["price"]), row["scenario"], row["date"])
    out = []
    for name, one in sorted(found.items(), key=lambda item: (-abs(item[1]["price"]), item[0])):
        if one["first"] is None:
            continue
        where = f"{one['first'][1]}, {month(one['first'][2])}"
        out.append(
            f"“{name}” ({one['text']}) binds in {one['at']} of {one['of']} places, most in {where}; one unit less required in all of them would "
            f"add {amount(one['price'], '').strip()} USD."
        )
    if found and not out:
        out.append(f"None of the {len(found)} rules costs anything.")
    return out


def proof_sentence(source: Source) -> str:
    summary = source.summary
    residuals = summary["residuals"]
    checks = {**residuals["books"], **residuals["program_against_books"]}
    worst = max((one["relative"] for one in checks.values()), default=0.0)
    gap = summary.get("gap")
    bound = (
        f"No plan can be worth more than {money(summary['upper_bound'])}, and this one is worth {money(summary['lower_bound'])}: "
        if gap is not None
        else ""
    )
    return (
        f"{bound}{'a gap of ' + (format(gap, '.1e') if gap else '0') + '. ' if gap is not None else ''}"
        f"A second set of books that does not know the program agrees with it in {len(checks)} checks, in every scenario; "
        f"the largest residual is {worst:.1e} of its size."
    )


def decisions_table(source: Source) -> str:
    rows = [
        [row["date"], row["scenarios"], row["kind"], row["what"], row["where"], quantity(row["amount"], row["unit"])]
        for row in source.rows("plan")
    ]
    if not rows:
        return ""
    return table(
        f"Every decision ({len(rows)})",
        ("date", "scenarios", "decision", "what", "where", "amount"),
        rows,
        "plan.csv",
        tall=len(rows) > 14,
    )


def flows_table(source: Source) -> str:
    """Sources and uses of cash over the horizon, expected."""
    flows = source.statement("sources_uses")
    scenario = EXPECTED if len(source.scenarios) > 1 else source.scenarios[0]
    rows: list[tuple[str, str, Cell]] = []
    for line, (label, section) in source.data["flows"].items():
        values = [v for v in flows.of(line, scenario) if v is not None]
        if line in ("total_sources", "total_uses") or not values:
            continue
        total = values[0] if line == "opening_cash" else values[-1] if line == "closing_cash" else sum(values)
        if abs(total) > 0.5:
            rows.append((label, "source" if section == "Sources" else "use", usd(total)))
    return table("Sources and uses of cash over the horizon, expected", ("line", "side", "amount"), rows) if rows else ""
