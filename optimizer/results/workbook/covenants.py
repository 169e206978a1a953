"""Covenants: credit ratios by date, and the rules of the case with both sides as formulas of the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.finance.lines import Statement
from models.problem import Array, EarnedDividends, Function, Rule, Sweep
from models.problem import Term as Word
from models.proforma.debt import first_date, running_maturity
from models.proforma.words import OPERATING
from optimizer.results.workbook.errors import WorkbookError
from optimizer.results.workbook.expressions import ZERO, Term, absolute, average, largest, least, term, total, when
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet
from optimizer.results.workbook.statements import Entry, Parts, statement_rows


@dataclass
class Rules:
    """Headroom rows of rules that must hold in the picked scenario, by the name of the rule."""

    hard: list[tuple[str, Row]] = field(default_factory=list)


def covenant_sheet(parts: Parts, statement: Statement) -> Sheet:
    """Credit ratios; rules are added by `rule_rows` once every word has its row."""
    frame, debts, market = parts.frame, parts.debts, parts.market
    sheet = Sheet("Covenants", "Covenants: credit ratios and rules", frame.dates, "statement")
    sheet.note("Flows of the period", "heading")
    income, balance = parts.rows["income_statement"], parts.rows["balance_sheet"]
    scheduled = [key for key, debt in debts.kinds.items() if debt.kind not in ("revolver", "btc_loan")]
    base = parts.base
    base["ebitda"] = sheet.row("EBITDA", lambda d: income["ebitda"][d])
    base["cfads"] = sheet.row(
        "Cash flow available for debt service",
        lambda d: income["ebitda"][d] - market.btc_mean[d] * parts.operations.at("kept", d) - income["tax"][d],
    )
    base["interest"] = sheet.row("Interest and commitment fees paid", lambda d: debts.all("paid", d))
    base["principal"] = sheet.row(
        "Principal by schedule", lambda d: sum((debts.of(key, "principal", d) for key in scheduled), ZERO)
    )
    base["debt_service"] = sheet.row("Debt service", lambda d: base["interest"][d] + base["principal"][d])
    month = frame.month

    def ltm(key: str) -> Entry:
        def make(d: int) -> Term:
            if d == 0:
                return ZERO
            first = next(e for e in range(1, d + 1) if month[e] > month[d] - 12)
            made = total(base[key].span(first, d))
            return made * (term(12) / month[d]) if month[d] < 12 else made

        return make

    closing = [key for key in debts.lines]
    entries: dict[str, Entry] = {key: ltm(key) for key in ("ebitda", "cfads", "interest", "debt_service")}
    entries |= {
        "cash": lambda d: balance["cash"][d],
        "liquidity": lambda d: balance["cash"][d] + balance["coins"][d],
        "total_debt": lambda d: sum((debts.of(key, "closing", d) for key in closing), ZERO),
        "net_debt": lambda d: parts.rows["credit_ratios"]["total_debt"][d] - balance["cash"][d],
        "total_assets": lambda d: balance["total_assets"][d],
    }
    parts.rows["credit_ratios"] = {}
    parts.rows["credit_ratios"].update(statement_rows(sheet, statement, entries))
    return sheet


def words(parts: Parts) -> dict[str, Entry]:
    """Every word that a rule may use, without functions over time."""
    debts, problem = parts.debts, parts.frame.problem
    income, ratios, cash = parts.rows["income_statement"], parts.rows["credit_ratios"], parts.rows["cash_flow"]

    out: dict[str, Entry] = {key: (lambda d, row=row: row[d]) for key, row in parts.base.items()}  # type: ignore[misc]
    out["revenue"] = lambda d: income["revenue"][d]
    for name in ("cash", "liquidity", "total_debt", "net_debt"):
        out[name] = lambda d, name=name: ratios[name][d]  # type: ignore[misc]
    out["coins"] = lambda d: parts.coins[d]
    out["coins_value"] = lambda d: parts.rows["balance_sheet"]["coins"][d]
    out["tax"] = lambda d: income["tax"][d]
    out["dividends"] = lambda d: parts.dividends[d]
    out["rescue"] = lambda d: parts.rescue[d]
    owners = [row for row, _, issue in parts.equity if issue.holders == "existing"]
    out["contributions"] = lambda d: sum((row[d] for row in owners), ZERO)
    kinds = ("rigs", "options", "halls", "interconnection", "equipment")
    for kind in kinds:
        out[f"capex[{kind}]"] = lambda d, kind=kind: -cash[f"capex_{kind}"][d]  # type: ignore[misc]
    out["capex"] = lambda d: sum((out[f"capex[{kind}]"](d) for kind in kinds), ZERO)
    raised: list[Entry] = []
    for debt in problem.debts:
        issued: Entry = lambda d: ZERO  # noqa: E731
        if debt.kind != "revolver" and debt.name in debts.lines:
            issued = lambda d, name=debt.name: debts.of(name, "issued", d)  # type: ignore[misc]  # noqa: E731
        out[f"issued[{debt.name}]"] = issued
        raised.append(issued)
        out[f"outstanding[{debt.name}]"] = lambda d, name=debt.name: debts.named(name, "closing", d)  # type: ignore[misc]
        out[f"maturities[{debt.name}]"] = _maturities(parts, debt.name)
    for row, _, issue in parts.equity:
        out[f"issued[{issue.name}]"] = lambda d, row=row: row[d]  # type: ignore[misc]
        raised.append(out[f"issued[{issue.name}]"])
        if issue.holders == "new":
            table = parts.rows["cap_table"][f"sold[{issue.name}]"]
            out[f"shares_issued[{issue.name}]"] = lambda d, table=table: table[d]  # type: ignore[misc]
    out["raised"] = lambda d: sum((make(d) for make in raised), ZERO)
    out["maturities"] = lambda d: sum((out[f"maturities[{debt.name}]"](d) for debt in problem.debts), ZERO)
    out["shares_issued"] = lambda d: sum((make(d) for key, make in list(out.items()) if key.startswith("shares_issued[")), ZERO)
    _by_site(parts, out)
    _by_thing(parts, out)
    _goods(parts, out)
    return out


def _standing(frame: Frame, row: Row) -> Entry:
    """What stands in the period that begins at a date; at the horizon that of the last period."""
    return lambda d: row[min(d, frame.periods - 1)]


def _by_site(parts: Parts, out: dict[str, Entry]) -> None:
    """Coins, energy and emissions of all sites and of each; capacities of each."""
    frame, plant, ops, problem = parts.frame, parts.plant, parts.operations, parts.frame.problem
    for word, quantity in (
        ("btc_mined", "coins"),
        ("energy_mwh", "energy"),
        ("diesel_mwh", "diesel"),
        ("grid_mwh", "grid"),
        ("emissions_t", "emissions"),
    ):
        out[word] = lambda d, quantity=quantity: ops.at(quantity, d)  # type: ignore[misc]
        for site in problem.sites:
            out[f"{word}[{site.name}]"] = lambda d, quantity=quantity, site=site: ops.at(quantity, d, site.name)  # type: ignore[misc]
    for site in problem.sites:
        for word, halls in (
            ("mining_hall_mw", plant.mining_hall),
            ("ai_hall_mw", plant.ai_hall),
            ("interconnection_mw", plant.interconnection),
        ):
            out[f"{word}[{site.name}]"] = _standing(frame, halls[site.name])


def _by_thing(parts: Parts, out: dict[str, Entry]) -> None:
    """Rigs and AI services, by thing and site."""
    frame, plant, ops, problem = parts.frame, parts.plant, parts.operations, parts.frame.problem
    density = {
        rig.name: frame.given(f"rig/{rig.name}/density", f"{rig.name}: hashrate per MW", rig.density, "PH/s/MW", "plain")
        for rig in problem.rigs
        if any(name == rig.name for name, _ in plant.fleet)
    }
    rigs, services = [rig.name for rig in problem.rigs], [one.name for one in problem.services]
    sites = [site.name for site in problem.sites]
    fleet = {pair: _standing(frame, row) for pair, row in plant.fleet.items()}
    _placed(out, "rigs_mw", fleet, rigs, sites)
    hashes: dict[tuple[str, str], Entry] = {
        pair: (lambda d, make=make, pair=pair: density[pair[0]] * make(d))  # type: ignore[misc]
        for pair, make in fleet.items()  # type: ignore[misc]
    }
    _placed(out, "hashrate", hashes, rigs, sites)
    _placed(out, "ai_mw", {pair: _standing(frame, row) for pair, row in plant.contracted.items()}, services, sites)
    energy: dict[tuple[str, str], Entry] = {}
    revenue: dict[tuple[str, str], Entry] = {}
    for name in services:
        for place in sites:
            rows = [
                row for row in (plant.rents.get((name, place)), ops.lines.get((place, f"ai_revenue:{name}"))) if row is not None
            ]
            revenue[name, place] = lambda d, rows=rows: sum((row[d] for row in rows), ZERO)  # type: ignore[misc]
            served = ops.lines.get((place, f"ai:{name}"), NOTHING)
            energy[name, place] = lambda d, row=served: row[d]  # type: ignore[misc]
    _placed(out, "ai_mwh", energy, services, sites)
    _placed(out, "ai_revenue", revenue, services, sites)


def _maturities(parts: Parts, name: str) -> Entry:
    """Cash paid at maturity or a put, and what a revolver or BTC loan still owes when it falls due."""
    debts, problem = parts.debts, parts.frame.problem
    debt = next(one for one in problem.debts if one.name == name)
    end = running_maturity(problem, debt) if debt.kind in ("revolver", "btc_loan") and first_date(debt) is not None else 0

    def make(d: int) -> Term:
        due = debts.named(name, "redeemed", d) + debts.named(name, "put", d)
        if d == end and 0 < end <= problem.clock.periods and name in debts.lines:
            due = due + debts.of(name, "closing", d - 1)
        return due

    return make


def _placed(out: dict[str, Entry], word: str, parts: dict[tuple[str, str], Entry], things: list[str], sites: list[str]) -> None:
    """'word', 'word[thing]', 'word[@site]' and 'word[thing@site]'."""

    def add(key: str, chosen: list[Entry]) -> None:
        out[key] = lambda d: sum((make(d) for make in chosen), ZERO)

    add(word, list(parts.values()))
    for thing in things:
        add(f"{word}[{thing}]", [make for (name, _), make in parts.items() if name == thing])
        for site in sites:
            add(f"{word}[{thing}@{site}]", [parts[thing, site]] if (thing, site) in parts else [])
    for site in sites if things else ():
        add(f"{word}[@{site}]", [make for (_, place), make in parts.items() if place == site])


def _goods(parts: Parts, out: dict[str, Entry]) -> None:
    """Units decided of projects, and the goods that they provide."""
    frame = parts.frame
    wanted = {str(Word(term.word, term.argument)) for rule in frame.problem.rules for term in rule.terms}
    for project in frame.problem.projects:
        units = frame.decided(frame.decisions.units, project.name)
        key = f"units[{project.name}]"
        if key in wanted:
            so_far = frame.chosen.series(f"{project.name}, units decided so far", np.cumsum(units, axis=1), "units", "plain")
            out[key] = lambda d, row=so_far: row[d]  # type: ignore[misc]
        for good, amount in project.provides.items():
            word = f"provided[{good}]"
            if word not in wanted:
                continue
            given = frame.chosen.series(
                f"{project.name}: {good} provided", np.einsum("sd,sde->se", units, amount), "units", "plain"
            )
            before = out.get(word, lambda d: ZERO)
            out[word] = lambda d, before=before, given=given: before(d) + given[d]  # type: ignore[misc]


def rule_rows(parts: Parts, sheet: Sheet) -> Rules:
    """Both sides and headroom of every rule at the dates at which it applies in some scenario."""
    frame, problem = parts.frame, parts.frame.problem
    made = Rules()
    if not problem.rules and not problem.sweeps and not problem.earned_dividends:
        return made
    known = words(parts)
    cache: dict[str, tuple[Row, int]] = {}

    def value(term: Word) -> Row:
        """The row of a term, functions over time included."""
        plain = str(Word(term.word, term.argument))
        if plain not in known:
            raise WorkbookError(f"a rule uses {plain!r}, for which the workbook has no formula")
        if plain not in cache:
            cache[plain] = (sheet.row(plain, lambda d: known[plain](d), "", "price"), 1 if term.word in OPERATING else 0)
        row, first = cache[plain]
        for k, function in enumerate(term.functions):
            key = str(Word(term.word, term.argument, term.functions[: k + 1]))
            if key not in cache:
                cache[key] = _over_time(parts, sheet, key, function, row, first, k == 0 and term.word in OPERATING)
            row, first = cache[key]
        return row

    sheet.note("Words of the rules", "section", frame.headings)
    values = {str(term): value(Word(*term)) for rule in problem.rules for term in rule.terms}
    for n, rule in enumerate(problem.rules):
        _rule(parts, sheet, made, n, rule, values)
    for n, sweep in enumerate(problem.sweeps):
        _sweep(parts, sheet, made, n, sweep)
    for n, policy in enumerate(problem.earned_dividends):
        _earned_dividends(parts, sheet, made, n, policy)
    return made


def _rule(parts: Parts, sheet: Sheet, made: Rules, n: int, rule: Rule, values: dict[str, Row]) -> None:
    frame = parts.frame
    shape = (frame.scenarios, frame.dates)
    active = np.array(np.broadcast_to(rule.active, shape))
    sheet.note(rule.name, "section", frame.headings)
    sheet.note(rule.text)
    if rule.expected:
        sheet.note("A rule in expectation over all scenarios: it is not worked out here, where one scenario is looked at.")
        return
    where = np.flatnonzero(active.any(axis=0))
    if not len(where):
        return
    frame.paths_sheet.note(f"Rule: {rule.name}", "section")

    def entries(terms: Mapping[Word, Array], side: str) -> dict[str, Entry]:
        """Coefficient of each word at a date."""
        out: dict[str, Entry] = {}
        for term_, values_of in terms.items():
            array = np.broadcast_to(values_of, shape)
            key = str(term_)
            if np.all(array == array[0, 0]):
                told = f"{rule.name}: coefficient of {key}{side}"
                cell = frame.given(f"rule/{n}/{key}{side}", told, float(array[0, 0]), "", "plain")
                out[key] = lambda d, cell=cell: cell  # type: ignore[misc]
            else:
                row = frame.paths.series(f"coefficient of {key}{side}", array, "", "price", keep=True)
                out[key] = lambda d, row=row: row[d]  # type: ignore[misc]
        return out

    # the row has all decisions on its left; what the sentence has on its right, and data on its left, is on both sides again
    coefficients = entries(rule.terms, "")
    moved = entries(rule.moved, ", on both sides")
    constant = None if rule.moved_constant is None else np.broadcast_to(rule.moved_constant, shape)
    added = None
    if constant is not None and constant.any():
        added = frame.paths.series("on both sides", constant, "", "price", keep=True)
    right = frame.paths.series("right side", np.broadcast_to(rule.constant, shape), "", "price", keep=True)
    counts = frame.paths.series("applies (1)", active.astype(float), "", "count", keep=True)
    shown = set(map(int, where))

    def at(make: Entry):  # type: ignore[no-untyped-def]
        return lambda d: make(d) if d in shown else None

    def left_of(d: int) -> Term:
        return sum((coefficients[key](d) * values[key][d] for key in coefficients), both(d))

    def both(d: int) -> Term:
        found = sum((moved[key](d) * values[key][d] for key in moved), ZERO)
        return found if added is None else found + added[d]

    left = sheet.row("Left side", at(left_of), "", "price", key=f"rule/{n}/left")
    other = sheet.row("Right side", at(lambda d: right[d] + both(d)), "", "price", key=f"rule/{n}/right")

    def room(d: int) -> Term:
        if rule.sense == ">=":
            return left[d] - other[d]
        if rule.sense == "<=":
            return other[d] - left[d]
        return -absolute(left[d] - other[d])

    headroom = sheet.row("Headroom", at(room), "", "price", "total", f"rule/{n}/headroom")
    if rule.penalty is None:
        short = sheet.row(
            "Short by",
            at(lambda d: when(counts[d].equals(0), 0, when(headroom[d] < 0, -headroom[d], 0))),
            "",
            "price",
        )
        made.hard.append((rule.name, short))


def _sweep(parts: Parts, sheet: Sheet, made: Rules, n: int, sweep: Sweep) -> None:
    """Cash above a level that has not repaid the debt it should."""
    frame, shape = parts.frame, (parts.frame.scenarios, parts.frame.dates)
    sheet.note(sweep.name, "section", frame.headings)
    sheet.note(f"cash above the level repays {sweep.debt}")
    level = frame.paths.series(f"{sweep.name}: level", np.broadcast_to(sweep.level, shape), "USD", "usd", keep=True)
    counts = frame.paths.series(
        f"{sweep.name}: applies (1)", np.broadcast_to(sweep.active, shape).astype(float), "", "count", keep=True
    )
    cash = parts.rows["credit_ratios"]["cash"]

    def kept(d: int) -> Term:
        return counts[d] * least(largest(cash[d] - level[d], 0.0), parts.debts.named(sweep.debt, "closing", d))

    sheet.row("Level", lambda d: level[d])
    sheet.row("Cash", lambda d: cash[d])
    made.hard.append((sweep.name, sheet.row("Kept in spite of it", kept, key=f"sweep/{n}/kept")))


def _earned_dividends(parts: Parts, sheet: Sheet, made: Rules, n: int, policy: EarnedDividends) -> None:
    """What is paid out of anything but earnings: the lesser of a dividend and what stands against it."""
    frame, shape = parts.frame, (parts.frame.scenarios, parts.frame.dates)
    sheet.note(policy.name, "section", frame.headings)
    sheet.note("dividends are paid out of earnings; none while a revolver is drawn or rescue money is out, nor out of new shares")
    active = np.broadcast_to(policy.active, shape).astype(float)
    counts = frame.paths.series(f"{policy.name}: applies (1)", active, "", "count", keep=True)
    opening = frame.given(
        f"earned/{n}/opening", f"{policy.name}: earnings retained before the start", policy.opening, "USD", "usd"
    )
    retained, revolvers = parts.rows["balance_sheet"]["retained_earnings"], [
        key for key, debt in parts.debts.kinds.items() if debt.kind == "revolver"
    ]  # fmt: skip

    def so_far(entry: Entry, d: int) -> Term:
        return sum((entry(e) for e in range(d + 1)), ZERO)

    def unearned(d: int) -> Term:
        paid = so_far(lambda e: parts.dividends[e], d) + so_far(lambda e: parts.rescue[e], d)
        return largest(paid - retained[d] - opening, 0.0)

    def brought(d: int) -> Term:
        sold = sum((row[e] for row, _, _ in parts.equity for e in ((d - 1, d) if d else (0,))), ZERO)
        return sum((parts.debts.of(key, "closing", d) for key in revolvers), parts.rescue[d]) + sold

    first = sheet.row("Dividends and rescue money so far, beyond what was earned", unearned)
    second = sheet.row("Revolvers drawn, rescue money, shares just sold", brought)

    def against(d: int) -> Term:
        return counts[d] * least(parts.dividends[d], largest(first[d], second[d]))

    made.hard.append((policy.name, sheet.row("Paid in spite of it", against, key=f"earned/{n}/paid")))


def _over_time(parts: Parts, sheet: Sheet, label: str, function: Function, x: Row, first: int, settles: bool) -> tuple[Row, int]:
    """A row of a function over time, and the first date at which it has a value. See models/proforma/functions.py."""
    frame, month = parts.frame, parts.frame.month
    dates = range(frame.dates)
    begins = [first_of for first_of, _ in frame.dates_of]

    def since(start: int, d: int) -> Term:
        return total(x.span(start, d)) if start <= d else ZERO

    if function.name == "total":
        return sheet.row(label, lambda d: since(0, d), "", "price"), first
    if function.name == "year":
        return sheet.row(label, lambda d: since(begins[frame.year_of[d]], d), "", "price"), first
    if function.name == "ltm":

        def ltm(d: int) -> Term:
            start = max(next(e for e in dates if month[e] > month[d] - 12), first)
            made = since(start, d)
            return made * (term(12) / month[d]) if settles and 0 < month[d] < 12 else made

        return sheet.row(label, ltm, "", "price", first=first), first
    if function.name == "average":

        def mean(d: int) -> Term:
            start = max(next(e for e in dates if month[e] > month[d] - function.months), first)
            return average(x.span(start, d)) if start <= d else ZERO

        return sheet.row(label, mean, "", "price", first=first), first
    if function.name == "previous":
        back = [
            d - 1 if not function.months else max((e for e in dates if month[e] <= month[d] - function.months), default=-1)
            for d in dates
        ]
        later = [d for d in dates if back[d] >= first]
        start = later[0] if later else frame.dates
        return sheet.row(label, lambda d: x[back[d]] if back[d] >= first else None, "", "price", first=start), start
    raise WorkbookError(f"the function {function.name!r} of a rule has no formula in the workbook")
