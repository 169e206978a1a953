"""The answer on a terminal: what to buy, who pays, what it returns, where megawatts go, what is scarce, the proof."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.box import SIMPLE_HEAD, Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.dates import iso_dates
from models.finance.rates import SMALLEST_USD
from optimizer.engine.views import tables
from optimizer.results import capital_text
from optimizer.results.plan_notes import plan_notes
from optimizer.results.value_per_share import per_share, share_price, who_gains
from optimizer.text import money, number, percent, printable

if TYPE_CHECKING:
    from models.problem import Array, Problem
    from optimizer.engine.solution import Solution
    from optimizer.engine.values import Covenant
    from optimizer.engine.views.tables import Step

WIDEST = 100  # columns of a line
MOST_STEPS = 24  # rows of a table of decisions; the rest is in plan.csv
MOST_SCENARIOS = 12
MOST_RULES = 12
LEAST_PRICE = {"USD/MW": 1.0}  # up to which a limit is no scarcity
MOST_PRICES = 4  # per unit: megawatts and dollars do not compete
BALANCES = frozenset({"opening_cash", "change", "closing_cash"})  # lines of the cash flow statement that move nothing

#: tables of files and pipes
PLAIN_BOX = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def render(solution: Solution, console: Console) -> None:
    """Print the whole summary of an optimal or unverified solution; of any other outcome, the reasons."""
    out = _Printer(console)
    _head(solution, out)
    if solution.books is None or solution.decisions is None:
        return
    decided = tables.steps(solution)
    _capital(solution, decided, out)
    _financing(solution, decided, out)
    _sources_and_uses(solution, out)
    _returns(solution, out)
    _who_gains(solution, out)
    _capital_costs(solution, out)
    _power(solution, out)
    _rules(solution, out)
    _scarce(solution, out)
    _proof(solution, out)


class _Printer:
    """Prints titles, lines and tables; names from cases are text and never markup."""

    def __init__(self, console: Console):
        self.console = console
        self.box = SIMPLE_HEAD if console.is_terminal and console.encoding.lower().startswith("utf") else PLAIN_BOX

    def line(self, text: str = "", style: str = "") -> None:
        self.console.print(Text(printable(text), style=style), highlight=False)

    def title(self, text: str) -> None:
        self.line()
        self.line(text, "bold")

    def table(self, columns: Iterable[str], rows: Iterable[Iterable[str]], right: Iterable[int] = ()) -> None:
        """Columns numbered in `right` are aligned there."""
        right = set(right)
        made = Table(box=self.box, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
        for n, column in enumerate(columns):
            side: Any = "right" if n in right else "left"
            made.add_column(Text(column), justify=side, overflow="fold", no_wrap=n in right)
        for row in rows:
            made.add_row(*(Text(printable(cell)) for cell in row))
        self.console.print(made, highlight=False)


def _head(solution: Solution, out: _Printer) -> None:
    name = solution.case.name if solution.variant is None else f"{solution.case.name}, variant {solution.variant}"
    out.line(f"{name}: {solution.outcome.name.lower()}", "bold")
    for reason in solution.reasons:
        out.line(f"  - {reason}")
    notes = (
        getattr(solution.case, "horizon_note", ""),
        *getattr(solution.case, "notes", ()),
        *solution.notes,
        *plan_notes(solution),
    )
    for note in filter(None, notes):
        out.line(f"  note: {note}")
    books, aim = solution.books, solution.problem.objective
    if books is None:
        return
    out.title("Return to shareholders, discounted at " + percent(aim.discount))
    if aim.rates is not None:
        streams = ", ".join(f"{name} at {percent(getattr(aim.rates, name))}" for name in ("contracts", "cloud", "mining"))
        out.line(f"  counted by parts: {streams}, tax saved by interest at {_shield_rate(aim.rates.debt)}")
    made = f"{percent(1 - aim.weight)} expected value + {percent(aim.weight)} CVaR" if aim.weight else "expected value"
    worst = f"worst {percent(aim.tail)}"
    if solution.problem.scenarios.count == 1:
        out.line(f"  value           {money(books.objective):>14}")
        _per_share(solution, out)
        _beside(solution, out)
        return
    out.line(f"  objective       {money(books.objective):>14}   {made}")
    out.line(f"  expected value  {money(books.expected):>14}")
    out.line(f"  VaR             {money(books.var):>14}   best of the {worst} of cases")
    out.line(f"  CVaR            {money(books.cvar):>14}   mean of the {worst} of cases")
    _per_share(solution, out)
    _beside(solution, out)


def _shield_rate(rate: float | str) -> str:
    if isinstance(rate, float):
        return percent(rate)
    return "each debt's own rate" if rate == "own" else "each debt's rate in its year"


def _beside(solution: Solution, out: _Printer) -> None:
    """What no objective should be read without."""
    for title, text in (("odds of", capital_text.odds_line(solution)), ("after horizon", capital_text.horizon_line(solution))):
        for n, line in enumerate(textwrap.wrap(text, WIDEST - 18, break_on_hyphens=False)):
            out.line(f"  {'' if n else title:<16}{line}")
    _baseline(solution, out)


def _per_share(solution: Solution, out: _Printer) -> None:
    """The objective by the share, and how a share price that follows the plan was found."""
    found, price = per_share(solution), share_price(solution)
    if found is None:
        return
    what = f"the objective, over the {number(found['shares'] / 1e6)} million shares held today"
    out.line(f"  per share       {number(found['objective']):>10} USD   {what}")
    if price is None:
        return
    out.line(
        f"  of {number(price['today'])} USD a share, {number(found['in_case'])} is in this case and"
        f" {number(price['rest_of_company'])} in the rest of the company"
    )
    how = "" if price["closed"] else ", which is too far: both ends are below"
    out.line(
        f"  the share price follows the plan: used and implied differ by {price['gap']:.2%} at most{how};"
        f" {price['programs']} programs"
    )
    for one in price["plans"]:
        raised = ", ".join(f"{name} {money(usd)}" for name, usd in one["raised"].items()) or "nothing"
        out.line(
            f"    {percent(one['weight'])} of a plan that raises {raised}; it implies {number(one['price_at_end'])} USD at the end"
        )


def _who_gains(solution: Solution, out: _Printer) -> None:
    """Everybody with a claim on the company, where shares or convertibles are given for money."""
    found = who_gains(solution)
    if found is None or not any(one["holder"] in ("new shares", "convertible") for one in found["holders"]):
        return
    out.title("Who gains, who pays: expected, discounted at " + percent(solution.problem.objective.discount))
    rows = []
    for one in found["holders"]:
        label = f"{one['holder']}: {one['name']}" if one["name"] else one["holder"]
        shares = "" if one["shares"] is None else f"{one['shares'] / 1e6:,.4g} M"
        rows.append([label, money(one["pays"]), money(one["gets"]), money(one["gains"]), shares])
    rows.append(["what the business is worth", "", "", money(found["business"]), ""])
    out.table(["holder", "pays in", "gets", "gains", "shares at the end"], rows, right=range(1, 5))


def _baseline(solution: Solution, out: _Printer) -> None:
    """What the company would be worth if it invested in nothing new, or why nobody knows."""
    one = solution.baseline
    if one is None:
        return
    label = "nothing new but what is signed" if one.name == "what-is-signed" else "no new investment"
    if one.objective is None or one.upper_bound is None:
        out.line(_shorter(f"  {label}: {one.reason}", WIDEST))
        return
    most = one.upper_bound - one.objective > 1e-6 * abs(one.objective)
    known = f" (at most {money(one.upper_bound)})" if most else ""
    out.line(f"  {label} {money(one.objective)}{known}: optimising is worth {money(one.value_of_optimising)}")


def _capital(solution: Solution, decided: list[Step], out: _Printer) -> None:
    chosen = [step for step in decided if step.kind in tables.CAPITAL]
    out.title("What to buy and build")
    if not chosen:
        out.line("  nothing")
        return
    _step_table(solution.problem, chosen, out)


def _financing(solution: Solution, decided: list[Step], out: _Printer) -> None:
    chosen = [step for step in decided if step.kind in ("issue", "draw", "call", "rescue")]
    if not chosen and not solution.problem.debts and not solution.problem.equities:
        return
    out.title("Who pays")
    if not chosen:
        out.line("  no new debt or equity")
        return
    _step_table(solution.problem, chosen, out)


def _step_table(problem: Problem, chosen: list[Step], out: _Printer) -> None:
    dates = iso_dates(problem.clock)
    one = problem.scenarios.count == 1
    rows = []
    for step in chosen[:MOST_STEPS]:
        who = _shorter(tables.joined(problem, step.members), 28)
        what = " ".join(filter(None, [step.what, f"at {step.where}" if step.where and step.what else step.where]))
        rows.append([dates[step.d], *([] if one else [who]), step.kind, what, number(step.amount, step.unit)])
    header = ["date", *([] if one else ["scenarios"]), "decision", "what", "amount"]
    out.table(header, rows, right=[len(header) - 1])
    if len(chosen) > MOST_STEPS:
        out.line(f"  ... and {len(chosen) - MOST_STEPS} more in plan.csv")


def _shorter(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _sources_and_uses(solution: Solution, out: _Printer) -> None:
    assert solution.books is not None
    odds, flows = solution.problem.scenarios.probability, solution.books.cash_flow
    totals: dict[str, float] = {}
    if "opening_cash" in flows:
        totals["opening cash"] = float(odds @ flows["opening_cash"][:, 0])
    for line, values in flows.items():
        if line in BALANCES:
            continue
        parts = _by_instrument(solution, values) if line == "debt_issued" else {line.replace("_", " "): values}
        for name, part in parts.items():
            totals[name] = totals.get(name, 0.0) + float(odds @ part.sum(axis=1))
    if "closing_cash" in flows:
        totals["closing cash"] = -float(odds @ flows["closing_cash"][:, -1])
    sources = sorted(((n, v) for n, v in totals.items() if v > SMALLEST_USD), key=lambda item: -item[1])
    uses = sorted(((n, -v) for n, v in totals.items() if v < -SMALLEST_USD), key=lambda item: -item[1])
    if not sources and not uses:
        return
    out.title("Sources and uses of cash over the horizon, expected")
    rows = []
    for n in range(max(len(sources), len(uses))):
        left = [sources[n][0], money(sources[n][1])] if n < len(sources) else ["", ""]
        rows.append([*left, *([uses[n][0], money(uses[n][1])] if n < len(uses) else ["", ""])])
    rows.append(["total", money(sum(v for _, v in sources)), "total", money(sum(v for _, v in uses))])
    out.table(["source", "", "use", ""], rows, right=[1, 3])


def _capital_costs(solution: Solution, out: _Printer) -> None:
    out.title("What capital costs, expected")
    out.table(["source", "a year", "worth at the start"], capital_text.cost_rows(solution), right=[1, 2])
    out.title("From the business to its owners, present value, expected")
    out.table(["item", ""], capital_text.bridge_rows(solution), right=[1])


def _by_instrument(solution: Solution, total: Array) -> dict[str, Array]:
    """Proceeds of each debt, if the schedules tell them apart and add up."""
    assert solution.books is not None
    revolvers = {debt.name for debt in solution.problem.debts if debt.kind == "revolver"}
    parts = {
        f"debt: {name}": lines["proceeds"]
        for name, lines in solution.books.schedules.items()
        if name not in revolvers and "proceeds" in lines
    }
    if parts and np.allclose(sum(parts.values()), total, rtol=1e-9, atol=SMALLEST_USD):
        return parts
    return {"debt issued": total}


def _returns(solution: Solution, out: _Printer) -> None:
    figures = tables.scenario_figures(solution)
    names = list(figures)
    if len(names) > MOST_SCENARIOS:  # the ends and the middle of the distribution
        ranked = sorted(names, key=lambda name: figures[name]["npv"] or 0.0)
        middle, third = len(ranked) // 2, MOST_SCENARIOS // 3
        names = [*ranked[:third], *ranked[middle - third // 2 : middle + third - third // 2], *ranked[-third:]]
    out.title("By scenario")
    rows = []
    for name in names:
        f: dict[str, Any] = figures[name]
        multiple = "-" if f["moic"] is None else f"{f['moic']:.2f}x"
        amounts = [money(f[key]) for key in ("capex", "min_cash", "peak_debt")]
        rows.append([name, percent(f["probability"]), money(f["npv"]), percent(f["irr"]), multiple, *amounts])
    out.table(["scenario", "odds", "NPV", "IRR", "MOIC", "capex", "least cash", "peak debt"], rows, right=range(1, 8))
    if len(names) < len(figures):
        out.line(f"  ... worst, middle and best of {len(figures)}; all in scenarios.csv")
    why = sorted({str(f["irr_reason"]) for f in figures.values() if f["irr_reason"]})
    if why:
        out.line(f"  no IRR where {'; '.join(why)}")


def _power(solution: Solution, out: _Printer) -> None:
    problem, books = solution.problem, solution.books
    assert books is not None
    odds, hours = problem.scenarios.probability, float(problem.clock.hours.sum())
    price = _money_per_mwh(solution)
    for kind, title in (("use", "How megawatts are used"), ("source", "Where they come from")):
        flows = {key: mwh for key, mwh in books.power.items() if tables.flow_kind(key[1]) == kind}
        energy = {key: float(odds @ mwh.sum(axis=1)) for key, mwh in flows.items()}
        energy = {key: mwh for key, mwh in energy.items() if mwh > tables.SMALLEST * hours}
        if not energy:
            continue
        total = sum(energy.values())
        out.title(title + ", expected over the horizon")
        rows = [
            [*key, number(mwh, "MWh"), percent(mwh / total), number(mwh / hours, "MW"), number(price.get(key))]
            for key, mwh in sorted(energy.items(), key=lambda item: (-item[1], item[0]))
        ]
        paid = "earns USD/MWh" if kind == "use" else "costs USD/MWh"
        out.table(["site", kind, "energy", "share", "average", paid], rows, right=range(2, 6))
        if kind == "source":
            for site, name in energy:
                flat = _flat_price(solution, site) if name == "grid" else None
                if flat is not None:
                    out.line(f"  {site}: grid power over all hours costs {flat:,.2f} USD/MWh on average")
    emitted = float(odds @ books.words["emissions_t"].sum(axis=1)) if "emissions_t" in books.words else 0.0
    if emitted > tables.SMALLEST:
        used = float(odds @ books.words["energy_mwh"].sum(axis=1))
        out.line(f"  emits {number(emitted, 't')} of CO2" + (f", {emitted / used:.4g} t/MWh used" if used > 0.0 else ""))


def _money_per_mwh(solution: Solution) -> dict[tuple[str, str], float]:
    """(site, use or source) -> USD per MWh at the meter, weighted by energy and odds; leases earn rent, not this."""
    problem, decisions, clock = solution.problem, solution.decisions, solution.problem.clock
    assert decisions is not None
    sites = {site.name: site for site in problem.sites}
    rigs = {f"rig:{r.name}": r for r in problem.rigs}
    services = {f"ai:{j.name}": j for j in problem.services if j.kind == "cloud"}
    usd: dict[tuple[str, str], float] = {}
    mwh: dict[tuple[str, str], float] = {}
    for (name, s, t), split in decisions.dispatch.items():
        site, odds = sites[name], float(problem.scenarios.probability[s])
        grid = site.grid.price.values(clock, s, t) if site.grid else 0.0
        adder = site.grid.adder.values(clock, s, t) if site.grid else 0.0
        value: dict[str, Any] = {"grid": grid + adder, "diesel": site.diesel.cost[s, t] if site.diesel else 0.0}
        value |= {f"block:{b.name}": b.price[s, t] for b in site.blocks}
        value |= {f"own:{g.name}": g.cost[s, t] for g in site.own}
        fees = {f"sell:{b.name}": b.sell_fee for b in site.blocks} | {f"sell:{g.name}": g.sell_fee for g in site.own}
        value |= {flow: grid - fee for flow, fee in fees.items()}
        hashprice = problem.market.hashprice[s, t] / 24.0
        value |= {use: r.density * hashprice * (1.0 - r.pool_fee) for use, r in rigs.items()}
        value |= {use: j.rate[s, t] / site.gross_ratio for use, j in services.items()}
        for flow, mw in (*split.uses.items(), *split.sources.items()):
            if flow in value:
                energy = odds * clock.weight[t] * mw
                usd[name, flow] = usd.get((name, flow), 0.0) + float(np.sum(energy * value[flow]))
                mwh[name, flow] = mwh.get((name, flow), 0.0) + float(energy.sum())
    return {key: usd[key] / energy for key, energy in mwh.items() if energy > 0.0}


def _flat_price(solution: Solution, name: str) -> float | None:
    """What the same power around the clock would have cost: the measure of what choosing hours is worth."""
    problem, clock = solution.problem, solution.problem.clock
    grid = next((site.grid for site in problem.sites if site.name == name), None)
    if grid is None:
        return None
    total = sum(
        float(odds) * float(clock.weight[t] @ (grid.price.values(clock, s, t) + grid.adder.values(clock, s, t)))
        for s, odds in enumerate(problem.scenarios.probability)
        for t in range(clock.periods)
    )
    return total / float(clock.hours.sum())


def _rules(solution: Solution, out: _Printer) -> None:
    if not solution.covenants:
        return
    tightest: dict[str, Covenant] = {}
    price: dict[str, float] = {}
    breached: dict[str, int] = {}
    for c in solution.covenants:
        price[c.name] = price.get(c.name, 0.0) + c.price
        breached[c.name] = breached.get(c.name, 0) + (c.breach > SMALLEST_USD)
        if c.name not in tightest or _tightness(c) < _tightness(tightest[c.name]):
            tightest[c.name] = c
    out.title("Rules, where they are tightest")
    order = sorted(tightest.values(), key=lambda c: (-abs(price[c.name]), _tightness(c), c.name))
    rows = [
        [c.name, _shorter(c.text, 44), f"{c.scenario} {c.date[:7]}", _headroom(c), _amount(price[c.name]),
         str(breached[c.name] or "")]
        for c in order[:MOST_RULES]
    ]  # fmt: skip
    out.table(["rule", "", "tightest in", "headroom", "price", "breached"], rows, right=[3, 4, 5])
    if len(order) > MOST_RULES:
        out.line(f"  ... and {len(order) - MOST_RULES} more in covenants.csv")
    out.line("  price: what one unit less required, at every date and in every scenario, would add")


def _tightness(c: Covenant) -> float:
    return c.headroom / max(abs(c.left), abs(c.right), 1e-9)


def _headroom(c: Covenant) -> str:
    """Room left; what is a rounding of its sides is none."""
    return "0" if abs(c.headroom) <= 1e-9 * max(abs(c.left), abs(c.right), 1.0) else _amount(c.headroom)


def _amount(value: float) -> str:
    """A number of the rule's own unit: thousands separated, not scaled."""
    return "0" if abs(value) < 1e-9 else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _scarce(solution: Solution, out: _Printer) -> None:
    found: dict[tuple[str, str, str], list[Any]] = {}
    for p in solution.prices:
        if p.family not in ("rule", "cash"):  # rules have their own table, and cash is worth about a dollar
            found.setdefault((p.unit, p.family, p.name), []).append(p)
    if not found:
        return
    totals = {key: sum(p.value for p in prices) for key, prices in found.items()}
    # where there is nothing to use it, a limit has a price of rounding
    found = {key: prices for key, prices in found.items() if abs(totals[key]) > LEAST_PRICE.get(key[0], 1e-6)}
    if not found:
        return
    out.title("What is scarce: one more unit would add to the objective")
    rows = []
    for unit in sorted({key[0] for key in found}, key=lambda unit: (unit == "USD/USD", unit)):
        ranked = sorted((key for key in found if key[0] == unit), key=lambda key: (-abs(totals[key]), key))
        for key in ranked[:MOST_PRICES]:
            peak = max(found[key], key=lambda p: abs(p.value))
            where = " ".join(filter(None, [peak.scenario, (peak.date or "")[:7]]))
            what = key[1].replace("_", " ") + ("" if key[2] == key[1] else f" {key[2]}")
            what += ", a unit less" if key[1].endswith("_minimum") else ""
            rows.append([what, number(totals[key], unit), number(peak.value, unit), where])
    out.table(["what", "in all", "at most", "in"], rows, right=[1, 2])


def _proof(solution: Solution, out: _Printer) -> None:
    books, certificate = solution.books, solution.certificate
    assert books is not None
    out.title("Proof")
    if certificate is not None and solution.gap is not None:
        bounds = f"plan {money(solution.lower_bound)}, dual bound {money(solution.upper_bound)}"
        out.line(f"  gap {solution.gap:.1e}: {bounds}")
        out.line(f"  residuals: rows {certificate.primal_residual_relative:.1e}, dual {certificate.dual_residual:.1e}")
    checks = (*books.checks, *solution.lp_checks)
    if not checks:
        return
    worst = max(checks, key=lambda check: check.relative)
    if solution.outcome.name == "OPTIMAL":
        out.line("  books and balance sheet verified in every scenario and period, and equal to the program:")
        out.line(f"  {len(checks)} checks, largest residual {worst.relative:.1e}")
    else:
        where = f" ({worst.where})" if worst.where else ""
        out.line(f"  NOT verified: {solution.reasons[0]}" if solution.reasons else "  NOT verified")
        out.line(f"  worst of {len(checks)} checks: {worst.name}{where}, residual {worst.relative:.1e}")
