"""What is ordered, what it costs, when it stands, and how it wears: rigs, halls, interconnection, AI contracts and their equipment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from models.problem import Array, Depreciation, Payments, Rig, Service, Site
from models.proforma.assets import CAPEX, EXPANSIONS, depreciation_by_year, expansion
from optimizer.engine.views.builds import BUILDS
from optimizer.results.workbook.expressions import ZERO, Term, both, formula, pick, sum_product, term, total, when, whole
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet

KINDS = {
    "rigs": "Rigs",
    "options": "Rig options",
    "halls": "Halls",
    "interconnection": "Interconnection and batteries",
    "equipment": "AI equipment",
}


@dataclass
class Plant:
    """Rows of what stands and what it costs; totals by kind of asset ('rigs', ...), capacities at the date their period begins.

    wear: (terms of tax depreciation, row of cost placed in service) of everything that wears for tax.
    """

    frame: Frame
    fleet: dict[tuple[str, str], Row] = field(default_factory=dict)
    resale: dict[str, Row] = field(default_factory=dict)
    mining_hall: dict[str, Row] = field(default_factory=dict)
    ai_hall: dict[str, Row] = field(default_factory=dict)
    interconnection: dict[str, Row] = field(default_factory=dict)
    contracted: dict[tuple[str, str], Row] = field(default_factory=dict)
    rents: dict[tuple[str, str], Row] = field(default_factory=dict)
    fixed: list[Row] = field(default_factory=list)
    sales: list[Row] = field(default_factory=list)
    paid: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in CAPEX})
    ordered: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in CAPEX})
    in_service: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in CAPEX})
    worn: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in (*CAPEX, "opening")})
    wear: list[tuple[Depreciation, Row]] = field(default_factory=list)
    totals: dict[str, Row] = field(default_factory=dict)
    contract_value: Term = ZERO
    _rates: dict[str, Row] = field(default_factory=dict)

    def rate(self, service: Service) -> Row:
        """Rent (USD/MW/year) or price (USD/MWh) of a service, where it settles."""
        if service.name not in self._rates:
            lease = service.kind == "lease"
            what, unit = ("rent", "USD/MW/year") if lease else ("price", "USD/MWh")
            self._rates[service.name] = self.frame.paths.series(
                f"{service.name}: {what}", self.frame.settles(service.rate), unit, "price", self.frame.factor["ai"]
            )
        return self._rates[service.name]


def plant_sheet(frame: Frame) -> tuple[Sheet, Plant]:
    """Everything that is ordered, by item, and the totals of each kind."""
    problem = frame.problem
    sheet = Sheet("Plant", "Plant: orders, capacities, spending and wear", frame.dates)
    made = Plant(frame)
    for rig in problem.rigs:
        _rig(frame, sheet, made, rig)
    for site in problem.sites:
        _site(frame, sheet, made, site)
    for service in problem.services:
        _service(frame, sheet, made, service)
    if problem.opening_ppe_months > 0 and problem.opening_ppe:
        sheet.note("Plant owned at the start", "section")
        value = frame.given("opening_ppe", "Plant owned at the start, book value", problem.opening_ppe, "USD", "usd")
        life = frame.given(
            "opening_ppe_months", "its life in the books from then on", problem.opening_ppe_months, "months", "count"
        )
        months = frame.months

        def share(d: int) -> Term:
            return when(months[d] < life, months[d], life) / life

        made.worn["opening"].append(sheet.row("Depreciation", lambda d: value * (share(d) - share(d - 1)), first=1))
    sheet.note("All together", "section")
    for kind, label in KINDS.items():
        for what, table, text in (
            ("paid", made.paid, "paid"),
            ("ordered", made.ordered, "ordered, at cost"),
            ("in_service", made.in_service, "placed in service, at cost"),
            ("worn", made.worn, "depreciation"),
        ):
            rows = table[kind]
            made.totals[f"{what}:{kind}"] = NOTHING if not rows else sheet.row(
                f"{label}, {text}", lambda d, rows=rows: sum((r[d] for r in rows), ZERO), kind="total"  # type: ignore[misc]
            )  # fmt: skip
    rows = made.worn["opening"]
    made.totals["worn:opening"] = rows[0] if rows else NOTHING
    for key, label, rows in (("fixed", "Fixed costs", made.fixed), ("sales", "Rigs sold", made.sales)):
        made.totals[key] = NOTHING if not rows else sheet.row(
            label, lambda d, rows=rows: sum((r[d] for r in rows), ZERO), kind="total"  # type: ignore[misc]
        )  # fmt: skip
    return sheet, made


def _item(
    frame: Frame,
    sheet: Sheet,
    made: Plant,
    kind: str,
    name: str,
    cost: Row,
    payments: Payments,
    lead: int,
    delay: Term,
    terms: Depreciation,
) -> None:
    """Payments, date of service and wear of one thing ordered; cost: its row of USD at the order."""
    key = f"item/{name}"
    made.ordered[kind].append(cost)
    shares = [
        (
            later,
            frame.given(f"{key}/paid/{later}", f"{name}: share paid {later} periods after the order", share, "share", "percent"),
        )
        for later, share in payments.shares
    ]
    made.paid[kind].append(
        sheet.row(
            f"{name}: paid",
            lambda d: sum((share * cost[d - later] for later, share in shares if d >= later), ZERO),
        )
    )

    def placed(d: int) -> Term:
        if delay.zero:
            return cost[d - lead] if d >= lead else ZERO
        if d < lead:
            return ZERO
        at = term(d - lead) - delay
        return when(at < 0, 0, pick(cost.span(0, d - lead), when(at < 0, 0, at) + 1))

    served = sheet.row(f"{name}: placed in service", placed, end=frame.periods)
    made.in_service[kind].append(served)
    made.wear.append((terms, served))
    if terms.book_months > 0:
        life = frame.given(f"{key}/book", f"{name}: life in the books", terms.book_months, "months", "count")
        worn = sheet.row(f"{name}: worn in the books so far", lambda d: worn_so_far(frame, served, life, d), first=1)
        made.worn[kind].append(sheet.row(f"{name}: depreciation", lambda d: worn[d] - worn[d - 1], first=1))


def worn_so_far(frame: Frame, served: Row, life: Term, d: int) -> Term:
    """Straight-line: every cost placed in service before date d, times the share of its life that has passed."""
    last = min(d, served.end) - 1
    cost, months, now = served.span(0, last), frame.months.span(0, last), frame.months[d]
    age = f"({now.text}-{months.text})"
    value = sum(c * min(now.number - m, life.number) for c, m in zip(cost.filled, months.filled, strict=True))
    text = f"SUMPRODUCT({cost.text},({age}<{life.text})*{age}+({age}>={life.text})*{life.text})/{life.text}"
    return formula(text, value / life.number)


def _rig(frame: Frame, sheet: Sheet, made: Plant, rig: Rig) -> None:
    problem, decisions, chosen, paths = frame.problem, frame.decisions, frame.chosen, frame.paths
    name = f"rig/{rig.name}"
    sheet.note(rig.name, "section")
    frame.decisions_sheet.note(f"{rig.name}: orders and sales", "section")
    frame.paths_sheet.note(f"{rig.name}: prices", "section")
    orders, exercises = [], []
    price = NOTHING
    resale = NOTHING
    any_spot = any(frame.decided(decisions.orders, (rig.name, site.name))[:, : frame.periods].any() for site in problem.sites)
    if any_spot:
        price = paths.series(f"{rig.name}: price", rig.price, "USD/MW", "usd", frame.factor["capex"])
    for i, site in enumerate(problem.sites):
        pair = rig.name, site.name
        limited = frame.zero.copy()
        limited[:, : frame.periods] = 1.0
        spot = chosen.series(f"{rig.name} at {site.name}, ordered", frame.decided(decisions.orders, pair) * limited, "MW", "mw")
        called = chosen.series(
            f"{rig.name} at {site.name}, by options", frame.decided(decisions.exercised, pair) * limited, "MW", "mw"
        )
        retired = chosen.series(f"{rig.name} at {site.name}, sold", frame.decided(decisions.retired, pair), "MW", "mw")
        owned = frame.fixed(
            f"{name}/owned/{site.name}", f"{rig.name} at {site.name}: owned at the start", float(rig.owned[i]), "MW", "mw"
        )
        if spot is NOTHING and called is NOTHING and owned.zero:
            continue
        orders.append(spot)
        exercises.append(called)
        fleet: Row

        def installed(
            d: int,
            spot: Row = spot,
            called: Row = called,
            retired: Row = retired,
            owned: Term = owned,
            pair: tuple[str, str] = pair,
        ) -> Term:
            here = made.fleet[pair]
            if d == frame.periods:
                return here[d - 1]
            arrived = spot[d - rig.lead] + called[d - rig.lead] if d >= rig.lead else ZERO
            return (here[d - 1] if d else owned) + arrived - retired[d]

        fleet = made.fleet[pair] = sheet.row(f"{rig.name} at {site.name}, in service", installed, "MW", "mw")
        if rig.fixed_cost:
            cost = frame.given(f"{name}/fixed", f"{rig.name}: fixed cost", rig.fixed_cost, "USD/MW/year", "usd")
            made.fixed.append(
                sheet.row(
                    f"{rig.name} at {site.name}: fixed costs",
                    lambda d, fleet=fleet, cost=cost: cost * frame.years[d] * fleet[d - 1],  # type: ignore[misc]
                    first=1,
                )
            )
        if resale is NOTHING:
            resale = paths.series(f"{rig.name}: resale price", rig.resale, "USD/MW", "usd")
        if retired is not NOTHING:
            made.sales.append(
                sheet.row(
                    f"{rig.name} at {site.name}: sold",
                    lambda d, retired=retired, resale=resale: retired[d] * resale[d],  # type: ignore[misc]
                )
            )
    made.resale[rig.name] = resale
    if any(row is not NOTHING for row in (*orders, *exercises)):
        strike = ZERO
        if rig.option is not None and any(row is not NOTHING for row in exercises):
            strike = frame.given(f"{name}/strike", f"{rig.name}: price by options", rig.option.strike, "USD/MW", "usd")
        cost_row = sheet.row(
            f"{rig.name}: cost at order",
            lambda d: price[d] * sum((r[d] for r in orders), ZERO) + strike * sum((r[d] for r in exercises), ZERO),
            end=frame.periods,
        )
        _item(frame, sheet, made, "rigs", rig.name, cost_row, rig.payments, rig.lead, ZERO, rig.depreciation)
    if rig.option is not None:
        bought = chosen.series(f"{rig.name}, options bought", frame.decided(decisions.options, rig.name), "MW", "mw")
        if bought is not NOTHING:
            fee = frame.given(f"{name}/option_fee", f"{rig.name}: fee of an option", rig.option.fee, "USD/MW", "usd")
            made.paid["options"].append(sheet.row(f"{rig.name}: options paid", lambda d: fee * bought[d]))


def _delay(frame: Frame, site: Site) -> Term:
    """Periods that builds of a site are late in the picked scenario."""
    if not np.any(site.delay):
        return ZERO
    key = f"delay/{site.name}"
    if key not in frame.paths.used:
        values = np.asarray(site.delay, dtype=float)[:, None]
        frame.paths.used[key] = frame.paths.series(f"{site.name}: delay of builds", values, "periods", "count", keep=True)
    return frame.paths.used[key][0]


def _site(frame: Frame, sheet: Sheet, made: Plant, site: Site) -> None:
    decisions, periods = frame.decisions, frame.periods
    sheet.note(site.name, "section")
    frame.decisions_sheet.note(f"{site.name}: orders", "section")
    frame.paths_sheet.note(f"{site.name}: costs", "section")
    delay = _delay(frame, site)
    ready: dict[str, Row] = {kind: NOTHING for kind in EXPANSIONS}
    builds: dict[str, Row] = {kind: NOTHING for kind in EXPANSIONS}
    for kind, capex_kind in EXPANSIONS.items():
        terms = expansion(site, kind)
        if terms is None:
            continue
        decision = frame.decided(decisions.built, (site.name, kind)).copy()
        decision[:, periods:] = 0.0
        name = f"{site.name}, {BUILDS[kind].noun}"
        built = builds[kind] = frame.chosen.series(f"{name}, ordered", decision, "MW", "mw")
        if built is NOTHING:
            continue
        price = frame.paths.series(f"{name}: cost", terms.cost, "USD/MW", "usd", frame.factor["capex"])
        lead = terms.lead

        def stands(d: int, built: Row = built, lead: int = lead, kind: str = kind) -> Term:
            if d == periods:
                return ready[kind][d - 1]
            if delay.zero:
                return (ready[kind][d - 1] if d else ZERO) + (built[d - lead] if d >= lead else ZERO)
            if d < lead:
                return ZERO
            at = term(d - lead) - delay
            newest = pick(frame.months.span(0, d - lead), when(at < 0, 0, at) + 1)
            upto = int(at.number)
            value = sum(built.span(0, d - lead).filled[: upto + 1]) if upto >= 0 else 0.0
            there = f"SUMPRODUCT({built.span(0, d - lead).text},1*({frame.months.span(0, d - lead).text}<={newest.text}))"
            return when(at < 0, 0, formula(there, value))

        ready[kind] = sheet.row(f"{name}, ready", stands, "MW", "mw")
        cost_row = sheet.row(
            f"{name}: cost at order",
            lambda d, built=built, price=price: price[d] * built[d],  # type: ignore[misc]
            end=periods,  # type: ignore[misc]
        )
        _item(frame, sheet, made, capex_kind, name, cost_row, terms.payments, lead, delay, terms.depreciation)
    key = f"site/{site.name}"
    owned = {
        "mining": frame.fixed(f"{key}/mining", f"{site.name}: mining hall at the start", site.mining_mw, "MW", "mw"),
        "ai": frame.fixed(f"{key}/ai", f"{site.name}: AI hall at the start", site.ai_mw, "critical MW", "mw"),
        "grid": frame.fixed(
            f"{key}/interconnection", f"{site.name}: interconnection at the start", site.interconnection_mw, "MW", "mw"
        ),
    }
    ratio = frame.fixed(
        f"{key}/mining_per_ai", f"{site.name}: mining hall used up per MW converted", site.mining_per_ai, "ratio", "plain"
    )
    converts = builds["convert"]

    def mining(d: int) -> Term:
        at = min(d, periods - 1)
        gone = ratio * total(converts.span(0, at)) if converts is not NOTHING else ZERO
        return owned["mining"] + ready["build_mining"][at] - gone

    hall = made.mining_hall[site.name] = sheet.row(f"{site.name}, mining hall", mining, "MW", "mw")
    ai = made.ai_hall[site.name] = sheet.row(
        f"{site.name}, AI hall", lambda d: owned["ai"] + ready["build_ai"][d] + ready["convert"][d], "critical MW", "mw"
    )
    made.interconnection[site.name] = sheet.row(
        f"{site.name}, interconnection", lambda d: owned["grid"] + ready["expand"][d], "MW", "mw"
    )
    fixed = frame.paths.series(f"{site.name}: fixed cost", frame.settles(site.fixed_cost), "USD/year", "usd")
    per_mining = frame.fixed(
        f"{key}/mining_cost", f"{site.name}: fixed cost of mining halls", site.mining_cost, "USD/MW/year", "usd"
    )
    per_ai = frame.fixed(f"{key}/ai_cost", f"{site.name}: fixed cost of AI halls", site.ai_cost, "USD/MW/year", "usd")
    if not (fixed is NOTHING and per_mining.zero and per_ai.zero):
        made.fixed.append(
            sheet.row(
                f"{site.name}: fixed costs",
                lambda d: (fixed[d] + per_mining * hall[d - 1] + per_ai * ai[d - 1]) * frame.years[d],
                first=1,
            )
        )


def _service(frame: Frame, sheet: Sheet, made: Plant, service: Service) -> None:
    problem, periods = frame.problem, frame.periods
    name = f"ai/{service.name}"
    noted = False
    for i, site in enumerate(problem.sites):
        signed = frame.decided(frame.decisions.signed, (service.name, site.name))
        if not signed.any() and not service.contracted[i]:
            continue
        if not noted:
            sheet.note(service.name, "section")
            frame.decisions_sheet.note(f"{service.name}: contracts", "section")
            frame.paths_sheet.note(f"{service.name}: rents, prices and equipment", "section")
            noted = True
        _contract(frame, sheet, made, service, i, site, signed, name, periods)


def _contract(
    frame: Frame, sheet: Sheet, made: Plant, service: Service, i: int, site: Site, signed: Array, name: str, periods: int
) -> None:
    lease, delay, months = service.kind == "lease", _delay(frame, site), frame.months
    label = f"{service.name} at {site.name}"
    decided = frame.chosen.series(f"{label}, signed", signed, "critical MW", "mw")
    escalator = frame.fixed(f"{name}/escalator", f"{service.name}: escalator", service.escalator, "per year", "percent")
    ramp = [
        frame.given(f"{name}/ramp/{k}", f"{service.name}: share of MW in period {k + 1} of a contract", part, "share", "percent")
        for k, part in enumerate(service.ramp)
    ]
    vintages: list[tuple[str, Term, Term, int, bool]] = []  # label, MW, date of start, term, ramps
    if service.contracted[i]:
        mw = frame.given(
            f"{name}/contracted/{site.name}", f"{label}: MW at the start", float(service.contracted[i]), "critical MW", "mw"
        )
        vintages.append(("contracted at the start", mw, ZERO, service.contracted_term, False))
    for v in map(int, np.flatnonzero(signed.any(axis=0))):
        vintages.append((f"signed at date {v}", decided[v], term(v + service.lead) + delay, service.term, True))
    running: list[Row] = []
    earning: list[Row] = []
    for text, mw, start, length, ramps in vintages:

        def age(d: int, start: Term = start) -> Term:
            return term(d) - start

        def runs(d: int, mw: Term = mw, start: Term = start, length: int = length, ramps: bool = ramps) -> Term:
            old = age(d, start)
            if start.text.isdigit():
                k = d - int(start.text)
                if not 0 <= k < length:
                    return ZERO
                return mw * ramp[k] if ramps and k < len(ramp) else mw
            part = _ramped(ramp, d, start) if ramps else term(1)
            return when(both(old >= 0, old < length), mw * part, 0)

        mw_row = sheet.row(f"{label}, {text}: MW running", runs, "critical MW", "mw", end=periods)
        running.append(mw_row)

        def earns(d: int, start: Term = start, mw_row: Row = mw_row) -> Term:
            if mw_row[d].zero or escalator.zero:
                return mw_row[d]
            if start.text.isdigit():
                began: Term = months[int(start.text)]
            else:
                began = pick(months.span(0, frame.periods), when(start > frame.periods, frame.periods, start) + 1)
            since = whole((months[d] - began) / 12)
            return mw_row[d] * (1 + escalator) ** since

        if lease:
            earning.append(sheet.row(f"{label}, {text}: MW x escalator", earns, "critical MW", "mw", end=periods))

    def standing(d: int) -> Term:
        return made.contracted[service.name, site.name][d - 1] if d == periods else sum((r[d] for r in running), ZERO)

    row = made.contracted[service.name, site.name] = sheet.row(f"{label}, MW under contract", standing, "critical MW", "mw")
    if service.fixed_cost:
        cost = frame.given(f"{name}/fixed", f"{service.name}: fixed cost", service.fixed_cost, "USD/MW/year", "usd")
        made.fixed.append(sheet.row(f"{label}: fixed costs", lambda d: cost * frame.years[d] * row[d - 1], first=1))
    if lease:
        rate = made.rate(service)
        made.rents[service.name, site.name] = sheet.row(
            f"{label}: rent", lambda d: rate[d] * frame.years[d] * sum((r[d - 1] for r in earning), ZERO), first=1
        )
        _after(frame, sheet, made, label, vintages, ramp, escalator, rate)
    if service.equipment is not None and signed.any():
        price = frame.paths.series(f"{label}: equipment", service.equipment, "USD/MW", "usd", frame.factor["capex"])
        cost_row = sheet.row(f"{label}: cost of equipment", lambda d: price[d] * decided[d])
        _item(
            frame,
            sheet,
            made,
            "equipment",
            f"{label}, equipment",
            cost_row,
            service.payments,
            service.lead,
            delay,
            service.depreciation,
        )


def _after(
    frame: Frame,
    sheet: Sheet,
    made: Plant,
    label: str,
    vintages: list[tuple[str, Term, Term, int, bool]],
    ramp: list[Term],
    escalator: Term,
    rate: Row,
) -> None:
    """Rents after the horizon: every period of a contract that lies there, at the last rate, on the MW that run by then, escalated and
    discounted to the horizon."""
    terminal, periods = frame.problem.terminal, frame.periods
    if not terminal.contracts:
        return
    share_rate = frame.given(
        "terminal/contract_rate", "Rents after the horizon are discounted at", terminal.contract_rate, "per year", "percent"
    )
    step = int(frame.problem.clock.months[-1])
    for text, mw, start, length, ramps in vintages:
        fixed = start.text.isdigit()
        latest = (int(start.text) if fixed else _latest(frame, start)) + length
        count = max(latest - periods, 0)
        if count == 0:
            continue

        def worth(
            k: int, start: Term = start, length: int = length, fixed: bool = fixed, mw: Term = mw, ramps: bool = ramps
        ) -> Term:
            """The k-th period after the horizon."""
            t = periods + k
            if fixed:
                begin = int(start.text)
                if not begin <= t < begin + length:
                    return ZERO
                months = (frame.month_at(t) - frame.month_at(begin)) // 12
                grown: Term = (1 + escalator) ** months if months and not escalator.zero else term(1)
            else:
                inside = frame.months.span(0, periods)
                early = pick(inside, when(start > periods, periods, start) + 1)
                began = when(start > periods, term(frame.month[-1]) + (start - periods) * step, early)
                grown = (1 + escalator) ** whole((term(frame.month_at(t)) - began) / 12)
            factor = (1 + share_rate) ** (term(-(k + 1)) * (term(step) / 12))
            paid = rate[periods] * (term(step) / 12) * mw * grown * factor
            if ramps:
                paid = paid * _ramped(ramp, t, start)
            return paid if fixed else when(both(start <= t, start + length > t), paid, 0)

        row = sheet.row(
            f"{label}, {text}: worth of rent in the periods after the horizon (first, second, ...)", worth, look="usd", end=count
        )
        made.contract_value = made.contract_value + total(row.span(0, count - 1))


def _ramped(ramp: list[Term], t: int, start: Term) -> Term:
    """Share of the MW of a contract that runs in period t."""
    if start.text.isdigit():
        age = t - int(start.text)
        return ramp[age] if age < len(ramp) else term(1)
    part: Term = term(1)
    for age in reversed(range(len(ramp))):
        part = when((term(t) - start).equals(age), ramp[age], part)
    return part


def _latest(frame: Frame, start: Term) -> int:
    """The latest date at which a contract with a delayed start begins in any scenario."""
    return int(start.number) + max(int(np.max(site.delay)) for site in frame.problem.sites)


def depreciation_shares(frame: Frame, terms: Depreciation) -> Array:
    """(Y, D) share of cost deducted in each tax year, by the date it is placed in service."""
    years = frame.problem.clock.tax_years
    out = np.zeros((years, frame.dates))
    for start in range(frame.periods):
        out[:, start] = depreciation_by_year(frame.problem.clock, terms, start)
    return out


def tax_depreciation(frame: Frame, sheet: Sheet, made: Plant) -> Callable[[int], Term]:
    """Tables of shares on the sheet, and the deduction of a year."""
    groups: dict[Depreciation, list[Row]] = {}
    for terms, row in made.wear:
        if terms.method != "none" or terms.bonus:
            groups.setdefault(Depreciation(terms.method, terms.months, terms.table, terms.bonus), []).append(row)
    parts: list[tuple[Row, list[Row]]] = []
    first = int(frame.problem.clock.calendar_year[0])
    for number, (terms, rows) in enumerate(groups.items(), 1):
        sheet.note(
            f"Tax depreciation, class {number}: {_told(terms)}; share of cost by date in service (across) and tax year (down)",
            "section",
        )
        cost = sheet.row("placed in service, at cost", lambda d, rows=rows: sum((r[d] for r in rows), ZERO), end=frame.periods)  # type: ignore[misc]
        table = depreciation_shares(frame, terms)
        shares = [
            sheet.row(
                str(first + y),
                lambda d, y=y, table=table: float(table[y, d]),  # type: ignore[misc]
                "share",
                "percent",
                "input",
                end=frame.periods,  # type: ignore[misc]
            )  # type: ignore[misc]
            for y in range(len(table))
        ]
        parts.append((cost, shares))

    def deducted(y: int) -> Term:
        made = ZERO
        for cost, shares in parts:
            made = made + sum_product(cost.span(0, frame.periods - 1), shares[y].span(0, frame.periods - 1))
        return made

    return deducted


def _told(terms: Depreciation) -> str:
    text = {"none": "no further method", "straight": f"straight-line over {terms.months} months", "macrs": "by table"}[
        terms.method
    ]
    return text if not terms.bonus else f"{terms.bonus:.0%} at once, the rest {text}"
