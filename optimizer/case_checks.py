"""What a valid type does not see: dates in order, names that exist, limits that fit. Every check notes and goes on."""

from __future__ import annotations

import math
import re
from datetime import date
from itertools import pairwise

import numpy as np

from models.rules import RuleError, compile_rule

from . import schema_common, schema_financing, schema_fleet
from .build_frame import Frame
from .build_rules import DATA, SourcedRule, quantity, words
from .build_sites import block_mw
from .diagnostics import Mistakes, Place, did_you_mean
from .schema import CaseModel
from .schema_types import When
from .yamltree import Node

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ +\-]{0,63}")
AT_HOUR = re.compile(r"(\d{2})-(\d{2}) (\d{1,2})(?::00)?")
MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

Parts = tuple["str | int", ...]


class Checker:
    """The case under check, and where its mistakes go."""

    def __init__(self, tree: Node, base: CaseModel, frame: Frame | None, whole: bool, mistakes: Mistakes):
        self.tree, self.base, self.frame, self.whole, self.mistakes = tree, base, frame, whole, mistakes

    def node(self, *parts: str | int) -> Node:
        """The node at a path, or the nearest one above it."""
        node = self.tree
        for part in parts:
            inside = node.kind == "map" and part in node.value
            if not inside and not (node.kind == "list" and isinstance(part, int) and part < len(node)):
                break
            node = node[part]
        return node

    def place(self, *parts: str | int) -> Place:
        """The value's place; the key's where the value is a mapping or a list, or is not given."""
        node, key = self.tree, self.tree.place
        for part in parts:
            if node.kind == "map" and part in node.value:
                key = node.key_place(str(part))
                node = node[part]
            elif node.kind == "list" and isinstance(part, int) and part < len(node):
                node = node[part]
                key = node.place
            else:
                return key
        return node.place if node.kind == "scalar" else key

    def wrong(self, parts: Parts, message: str, hint: str | None = None) -> None:
        where = ""
        for part in parts:
            where += f"[{part}]" if isinstance(part, int) else (f".{part}" if where else str(part))
        self.mistakes.add(self.place(*parts), where, message, hint)

    def names(self, section: str) -> list[str]:
        """The names in a section, valid or not: a reference to one with mistakes is no second mistake."""
        node = self.tree.get(section)
        return list(node.value) if node is not None and node.kind == "map" else []

    def refer(self, parts: Parts, name: str, section: str, what: str) -> bool:
        known = self.names(section)
        if name in known:
            return True
        hint = did_you_mean(name, known, "there are") if known else f"the case has no {section}"
        self.wrong(parts, f'there is no {what} "{name}"', hint)
        return False

    # --- time

    def window(self, parts: Parts, when: When, last: bool = False) -> None:
        """A window that has no date of the horizon in it. `last`: the last date counts too."""
        if self.frame is None or when.never or (when.first is None and when.last is None):
            return
        if not self.frame.mask(when, None if last else self.frame.periods).any():
            dates = self.frame.timeline.dates
            end = dates[-1] if last else dates[-2]
            late = not last and when.first == dates[-1]
            self.wrong(
                parts, f"no date of the horizon lies in this window: dates run from {dates[0]} to {end}",
                "what is decided at the end could not work any more" if late else None,
            )

    def single(self, parts: Parts, day: date, what: str = "date") -> None:
        """A date that must lie within the horizon."""
        if self.frame is not None and not self.frame.timeline.dates[0] <= day <= self.frame.timeline.dates[-1]:
            dates = self.frame.timeline.dates
            self.wrong(parts, f"the {what} {day} is outside the horizon, {dates[0]} to {dates[-1]}")

    def payments(self, parts: Parts, given: list[schema_common.Payment] | None, lead: int | None) -> None:
        if given is None:
            return
        total = math.fsum(one.share for one in given)
        if abs(total - 1.0) > 1e-9:
            self.wrong((*parts, "payments"), f"the shares add to {total * 100:.10g} %: expected 100 %")
        if lead is None or self.frame is None:
            return
        for at, one in enumerate(given):
            if self.frame.steps(one.after) > self.frame.steps(lead):
                self.wrong(
                    (*parts, "payments", at, "after"), f"paid {one.after} months after the order, later than the lead of {lead}",
                    "what is ordered is paid when it is ready at the latest",
                )

    def depreciation(self, parts: Parts, given: schema_common.Depreciation) -> None:
        if given.tax == "straight" and given.life is None:
            self.wrong((*parts, "depreciation"), "tax: straight needs `life`", "life: 60 months")
        if given.tax != "straight" and given.life is not None:
            self.wrong((*parts, "depreciation", "life"), f"`life` belongs to tax: straight, not to tax: {given.tax}")

    def expansion(self, parts: Parts, given: schema_common.Expansion | None) -> None:
        if given is None:
            return
        self.window((*parts, "order"), given.order)
        self.payments(parts, given.payments, given.lead)
        self.depreciation(parts, given.depreciation)
        self.minimum(parts, given.minimum, given.limit)

    def minimum(self, parts: Parts, minimum: float, limit: float | None) -> None:
        if limit is not None and minimum > limit:
            self.wrong((*parts, "minimum"), f"the minimum, {minimum:g}, is above the limit, {limit:g}")


def check(tree: Node, base: CaseModel, frame: Frame | None, whole: bool, mistakes: Mistakes) -> None:
    """Note every mistake of meaning. `whole`: all sections were valid; otherwise `base` lacks the parts with mistakes."""
    checker = Checker(tree, base, frame, whole, mistakes)
    for one in (_names, _horizon, _market, _scenarios, _sites, _rigs, _services, _financing, _company, _other, _rules):
        one(checker)


def _names(c: Checker) -> None:
    for section in ("scenarios", "sites", "rigs", "ai", "financing", "cash_flows", "projects", "variants"):
        for name in c.names(section):
            if not NAME.fullmatch(name):
                c.mistakes.add(
                    c.tree[section].key_place(name), f"{section}.{name[:64]}",
                    "a name has letters, digits, blanks, - and _ only, 64 at most",
                )
    title = c.base.case.name
    if title is not None and not NAME.fullmatch(title):
        c.wrong(("case", "name"), f'"{title[:64]}": a name has letters, digits, blanks, - and _ only, 64 at most')


def _horizon(c: Checker) -> None:
    every = c.base.horizon.hours
    if every > 1 and math.gcd(every, 24) > 1:
        near = next(n for n in range(every + 1, every + 24) if math.gcd(n, 24) == 1)
        c.wrong(
            ("horizon", "hours", "every"),
            f"{every} shares the factor {math.gcd(every, 24)} with 24: some hours of the day would never be seen",
            f"use {near}",
        )
    if c.frame is not None and every > min(len(c.frame.period_hours(t)) for t in range(c.frame.periods)):
        c.wrong(("horizon", "hours", "every"), f"{every} is longer than a period: it would have no hours")


def _market(c: Checker) -> None:
    market = c.base.market
    given = [key for key in ("hashprice", "network_hashrate") if getattr(market, key) is not None]
    if len(given) == 2:
        c.wrong(("market", "network_hashrate"), "hashprice is given too: one of the two follows from the other")
    if c.names("rigs") and not given and c.whole:
        at: Parts = ("market",) if "market" in c.tree else ("rigs",)
        c.wrong(at, "rigs need market.hashprice, or market.network_hashrate", "network_hashrate: 1000 EH/s")
    if market.transaction_fees is not None and market.hashprice is not None:
        c.wrong(("market", "transaction_fees"), "hashprice includes fees already: leave transaction_fees out")
    uses: list[Parts] = [("rigs",)] if c.names("rigs") else []
    uses += [("treasury", "coins")] if c.base.treasury.coins else []
    uses += [("financing", k) for k, one in c.base.financing.items() if isinstance(one, schema_financing.BtcLoan)]
    if uses and market.btc_price is None and c.whole:
        c.wrong(uses[0], "this needs market.btc_price", "btc_price: 95000 USD/BTC")


def _scenarios(c: Checker) -> None:
    scenarios = c.base.scenarios
    # With a broken scenario left out, the rest need not add up.
    if scenarios and len(scenarios) == len(c.names("scenarios")):
        total = math.fsum(one.probability for one in scenarios.values())
        if abs(total - 1.0) > 1e-9:
            c.wrong(("scenarios",), f"the probabilities add to {total * 100:.10g} %: expected 100 %")
    for name, one in scenarios.items():
        at: Parts = ("scenarios", name)
        if one.probability <= 0:
            c.wrong((*at, "probability"), "a scenario has a probability above 0 %", "leave the scenario out")
        if (one.follows is None) != (one.until is None):
            missing = "until" if one.until is None else "follows"
            c.wrong(at, f'key "{missing}" is missing: a scenario follows another until a date')
        if one.follows is not None and c.refer((*at, "follows"), one.follows, "scenarios", "scenario"):
            seen, step = [name], one.follows
            while step in scenarios and step not in seen:
                seen.append(step)
                step = scenarios[step].follows or ""
            if step == name:
                c.wrong((*at, "follows"), f"scenarios follow each other in a circle: {' -> '.join([*seen, name])}")
        for path in one.delay:
            site = path.removeprefix("sites.")
            if not path.startswith("sites.") or site not in c.names("sites"):
                place = c.node(*at, "delay").key_place(path)
                known = [f"sites.{site}" for site in c.names("sites")]
                hint = did_you_mean(path, known, "there are") if known else "the case has no sites"
                where = f"scenarios.{name}.delay.{path}"
                c.mistakes.add(place, where, f'"{path}" cannot be delayed: only a site can', hint)
    if c.base.information is not None and not scenarios and not c.names("scenarios"):
        c.wrong(("information",), "there are no scenarios to be informed about")


def _hours(c: Checker, parts: Parts, hours: list) -> None:
    if not hours:
        c.wrong(parts, "no hours are given")
    for at, one in enumerate(hours):
        if one.at is None and one.months is None and one.hours is None:
            c.wrong((*parts, at), "no hours are given", "08-20 17, or {months: [7, 8], hours: [16, 17]}")
        elif one.at is not None:
            found = AT_HOUR.fullmatch(one.at.strip())
            good = found and 1 <= int(found[1]) <= 12 and 1 <= int(found[2]) <= MONTH_DAYS[int(found[1]) - 1]
            if not (good and found and int(found[3]) <= 23):
                c.wrong((*parts, at), f'"{one.at}" is not an hour such as 08-20 17: month-day and the hour it begins')
            if one.months is not None or one.hours is not None:
                c.wrong((*parts, at), "give `at`, or `months` and `hours`")


def _sites(c: Checker) -> None:
    for name, site in c.base.sites.items():
        at: Parts = ("sites", name)
        c.expansion((*at, "interconnection", "expand"), site.interconnection.expand)
        c.expansion((*at, "mining_hall", "build"), site.mining_hall.build)
        c.expansion((*at, "ai_hall", "build"), site.ai_hall.build)
        c.expansion((*at, "ai_hall", "convert"), site.ai_hall.convert)
        power: Parts = (*at, "power")
        if site.power.grid is not None:
            for key, peak in site.power.grid.peaks.items():
                here: Parts = (*power, "grid", "peaks", key)
                if (peak.charge is None) == (peak.adder is None):
                    c.wrong(here, "give one of `charge` (USD/MW/year) and `adder` (USD/MWh)")
                _hours(c, (*here, "hours"), peak.hours)
            if site.power.grid.demand_response is not None:
                _hours(c, (*power, "grid", "demand_response", "hours"), site.power.grid.demand_response.hours)
        limit = site.interconnection.now
        most = limit + (site.interconnection.expand.limit if site.interconnection.expand is not None else 0.0)
        if c.frame is not None:
            total = np.zeros(c.frame.periods)
            for key, block in site.power.blocks.items():
                if block.from_ is not None and block.until is not None and block.until <= block.from_:
                    c.wrong((*power, "blocks", key, "until"), f"ends ({block.until}) before it begins ({block.from_})")
                total += block_mw(c.frame, block)
                if block.sell_back and site.power.grid is None:
                    c.wrong((*power, "blocks", key, "sell_back"), "there is no grid to sell to")
                if total.max() > most + 1e-9:
                    c.wrong((*power, "blocks", key, "mw"), f"blocks of {total.max():g} MW on an interconnection of {most:g} MW")
                    break
            export = 0.0
            for key, own in site.power.own.items():
                if own.export and site.power.grid is None:
                    c.wrong((*power, "own", key, "export"), "there is no grid to sell to")
                export += float(own.mw.over_periods(c.frame.timeline).max()) if own.export else 0.0
                if own.export and export > limit + 1e-9:
                    c.wrong((*power, "own", key, "mw"), f"exports of {export:g} MW on an interconnection of {limit:g} MW")
                    break
        if site.ai_hall.convert is not None and not site.mining_hall.now and site.mining_hall.build is None:
            c.wrong((*at, "ai_hall", "convert"), "there is no mining hall to convert")


def _rigs(c: Checker) -> None:
    for name, rig in c.base.rigs.items():
        at: Parts = ("rigs", name)
        pair = (rig.hashrate is not None, rig.power is not None)
        if rig.efficiency is not None and (pair[0] and pair[1]):
            c.wrong((*at, "efficiency"), "hashrate and power are given too: one follows from the others")
        elif rig.efficiency is None and not all(pair):
            c.wrong(at, "give efficiency (J/TH), or hashrate and power of one unit")
        if rig.resale is not None and rig.resale_price is not None:
            c.wrong((*at, "resale_price"), "`resale` is given too: give one of the two")
        c.window((*at, "order"), rig.order)
        c.payments(at, rig.payments, rig.lead)
        c.depreciation(at, rig.depreciation)
        for site, (_, units) in rig.owned.items():
            if site not in c.names("sites"):
                place = c.node(*at, "owned").key_place(site)
                hint = did_you_mean(site, c.names("sites"), "there are")
                c.mistakes.add(place, f"rigs.{name}.owned.{site}", f'there is no site "{site}"', hint)
            if units and rig.power is None:
                c.wrong((*at, "owned", site), "units need `power` of one unit", "or give MW")
        for number, site in enumerate(rig.sites or ()):
            c.refer((*at, "sites", number), site, "sites", "site")
        if rig.option is not None:
            c.window((*at, "option", "buy"), rig.option.buy)
            c.window((*at, "option", "exercise"), rig.option.exercise)


def _services(c: Checker) -> None:
    for name, one in c.base.ai.items():
        at: Parts = ("ai", name)
        c.window((*at, "sign"), one.sign)
        c.minimum(at, one.minimum, one.limit)
        total = math.fsum(one.contracted.values())
        if total > one.limit + 1e-9:
            c.wrong((*at, "contracted"), f"{total:g} MW are contracted, above the limit of {one.limit:g} MW")
        if one.contracted and one.contracted_term is None:
            c.wrong(at, 'key "contracted_term" is missing: the time left of the contracted MW')
        for site in one.contracted:
            if site not in c.names("sites"):
                place = c.node(*at, "contracted").key_place(site)
                hint = did_you_mean(site, c.names("sites"), "there are")
                c.mistakes.add(place, f"ai.{name}.contracted.{site}", f'there is no site "{site}"', hint)
        for number, site in enumerate(one.sites or ()):
            c.refer((*at, "sites", number), site, "sites", "site")
        if one.equipment is not None:
            c.payments((*at, "equipment"), one.equipment.payments, None)
            c.depreciation((*at, "equipment"), one.equipment.depreciation)
        if one.energy == "tenant" and isinstance(one, schema_fleet.Service) and c.whole:
            sites = [s for s in (one.sites or c.base.sites) if s in c.base.sites and c.base.sites[s].power.grid is None]
            if sites:
                c.wrong((*at, "energy"), f'the tenant pays the grid price, and site "{sites[0]}" has no grid', "give USD/MWh")


def _company(c: Checker) -> None:
    company = c.base.company
    if company.plant and not company.plant_life:
        c.wrong(("company", "plant"), "`plant_life` is missing: the life left of the plant in the books")
    if company.share_price is None and c.whole:
        for name, one in c.base.financing.items():
            if isinstance(one, schema_financing.Convertible):
                c.wrong(("financing", name, "type"), "a convertible needs company.share_price", "share_price: 12 USD/share")
            elif isinstance(one, schema_financing.Atm) or (
                isinstance(one, schema_financing.Equity) and one.holders == "new"
            ):
                c.wrong(("financing", name, "type"), "a sale to new holders needs company.share_price")


def _financing(c: Checker) -> None:
    for name, one in c.base.financing.items():
        at: Parts = ("financing", name)
        if isinstance(one, schema_financing.SharesTerms):
            c.window((*at, "issue"), one.issue, last=True)
            c.minimum(at, one.minimum, one.limit)
            new = isinstance(one, schema_financing.Atm) or getattr(one, "holders", "") == "new"
            if one.discount and not new:
                c.wrong((*at, "discount"), "owners pay in 1 for 1: a discount is for new holders")
            continue
        if one.limit > 0 or one.issue != When():
            c.window((*at, "issue"), one.issue)
        c.minimum(at, one.minimum, one.limit)
        _maturity(c, at, one)
        if one.existing is not None:
            if one.existing.face > one.limit + 1e-6:
                c.wrong((*at, "existing", "face"), f"{one.existing.face:g} USD outstanding, above the limit of {one.limit:g} USD")
            if c.frame is not None and one.existing.issued > c.frame.timeline.dates[0]:
                c.wrong((*at, "existing", "issued"), "issued after the start: then it is not outstanding yet")
            if one.maturity is None and isinstance(one, schema_financing.StripTerms) and c.frame is not None:
                ends = c.frame.month(one.existing.issued) + (one.tenor or 0)
                if one.tenor is not None and ends <= 0:
                    c.wrong((*at, "tenor"), f"what was issued {one.existing.issued} matured before the start")
        if isinstance(one, schema_financing.StripTerms):
            _strip(c, at, one)
        if isinstance(one, schema_financing.BtcLoan) and one.top_up is not None and one.top_up < one.ltv:
            c.wrong((*at, "top_up"), f"the margin-call level {one.top_up:.6g} is below ltv, {one.ltv:.6g}")


def _maturity(c: Checker, at: Parts, one: schema_financing.DebtTerms) -> None:
    if (one.maturity is None) == (one.tenor is None):
        what = "give one of `maturity` (a date) and `tenor` (a time)"
        c.wrong((*at, "tenor") if one.tenor is not None else at, f"maturity and tenor: {what}" if one.tenor else what)
        return
    if one.maturity is None or c.frame is None:
        return
    if one.issue.never:
        if one.maturity <= c.frame.timeline.dates[0]:
            c.wrong((*at, "maturity"), f"matured {one.maturity}, at or before the start")
        return
    first = one.issue.first or c.frame.timeline.dates[0]
    last = one.issue.last
    if one.maturity <= max(first, c.frame.timeline.dates[0]):
        c.wrong((*at, "maturity"), f"matures {one.maturity}, at or before its issue from {max(first, c.frame.timeline.dates[0])}")
    elif last is not None and one.maturity <= last:
        c.wrong((*at, "maturity"), f"matures {one.maturity}, and may be issued until {last}", "end the issue before")
    elif last is None and one.maturity <= c.frame.timeline.dates[-2] and isinstance(one, schema_financing.StripTerms):
        c.wrong(
            (*at, "maturity"), f"matures {one.maturity}, within the horizon, and may be issued at any date",
            "give issue: {from: ..., until: ...} that ends before",
        )


def _strip(c: Checker, at: Parts, one: schema_financing.StripTerms) -> None:
    kind = one.amortisation
    needs = {"given": "schedule", "after_completion": "completion", "sculpted": "coverage"}
    for method, key in needs.items():
        if kind == method and getattr(one, key) is None:
            c.wrong((*at, "amortisation"), f"amortisation: {method} needs `{key}`")
        elif kind != method and getattr(one, key) is not None:
            c.wrong((*at, key), f"`{key}` belongs to amortisation: {method}, not to amortisation: {kind}")
    if one.balloon and kind not in ("level", "annuity", "after_completion"):
        c.wrong((*at, "balloon"), f"a balloon belongs to level, annuity or after_completion, not to {kind}")
    if one.grace and kind not in ("level", "annuity", "sculpted"):
        c.wrong((*at, "grace"), f"grace belongs to level, annuity or sculpted amortisation, not to {kind}")
    if kind == "sculpted" and not isinstance(one, schema_financing.Loan):
        c.wrong((*at, "amortisation"), "only a loan is sculpted", "type: loan")
    if kind == "sculpted":
        for key in ("pik", "call", "put"):
            if getattr(one, key) is not None:
                c.wrong((*at, key), f"a sculpted loan has no {key}: it is repaid as the program chooses")
    if kind == "annuity" and one.interest == "at_maturity":
        c.wrong((*at, "interest"), "an annuity pays interest with its principal, not at maturity")
    if one.tenor is not None and one.grace >= one.tenor:
        c.wrong((*at, "grace"), f"grace of {one.grace} months in a tenor of {one.tenor}")
    if one.schedule is not None:
        total = math.fsum(part.share for part in one.schedule)
        if total > 1 + 1e-9:
            c.wrong((*at, "schedule"), f"the instalments add to {total * 100:.10g} % of face", "what is left is due at maturity")
    if one.completion is not None and one.completion.site is not None:
        c.refer((*at, "completion", "site"), one.completion.site, "sites", "site")
    if one.call is not None:
        if isinstance(one, schema_financing.Convertible):
            c.wrong((*at, "call"), "a convertible cannot be called here: its holder would convert first")
        days = [step.from_ for step in one.call]
        if not days or any(b <= a for a, b in pairwise(days)):
            c.wrong((*at, "call"), "call dates must rise")
    if one.put is not None:
        if one.maturity is not None and one.put.date >= one.maturity:
            c.wrong((*at, "put", "date"), f"the put at {one.put.date} is not before maturity, {one.maturity}")
        if c.frame is not None and one.put.date <= c.frame.timeline.dates[0]:
            c.wrong((*at, "put", "date"), f"the put at {one.put.date} is not after the start")
    if isinstance(one, schema_financing.Convertible):
        if one.existing is not None and one.conversion_price is None:
            c.wrong(at, 'key "conversion_price" is missing: needed for a convertible issued before the start')
        if one.conversion_price is not None and one.existing is None:
            c.wrong((*at, "conversion_price"), "`conversion_price` is for one that is outstanding: give conversion_premium")
        if one.capped_call is not None and one.capped_call.cap_premium <= one.conversion_premium:
            c.wrong((*at, "capped_call", "cap_premium"), "the cap is not above the conversion price: the call is worth nothing")
        if kind != "bullet":
            c.wrong((*at, "amortisation"), f"a convertible is repaid at maturity, not {kind}")


def _other(c: Checker) -> None:
    for name, flow in c.base.cash_flows.items():
        at: Parts = ("cash_flows", name)
        if (flow.amount is None) == (flow.dated is None):
            c.wrong(at, "give one of `amount` (USD/year) and `dated` (date -> USD)")
        for day, _ in flow.dated or ():
            if c.frame is not None and not c.frame.timeline.dates[0] <= day <= c.frame.timeline.dates[-1]:
                node = c.node(*at, "dated")
                key = next((k for k in node if k.startswith(f"{day:%Y-%m}")), "")
                dates = c.frame.timeline.dates
                c.mistakes.add(
                    node.key_place(key), f"cash_flows.{name}.dated.{key}",
                    f"the date {day} is outside the horizon, {dates[0]} to {dates[-1]}",
                )
    for name, project in c.base.projects.items():
        at = ("projects", name)
        c.window((*at, "when"), project.when, last=True)
        c.minimum(at, project.minimum, project.limit)
        for good in project.provides:
            if not NAME.fullmatch(good):
                c.wrong((*at, "provides", good), "a name has letters, digits, blanks, - and _ only, 64 at most")
    c.window(("treasury", "sell"), c.base.treasury.sell, last=True)
    c.window(("treasury", "dividends"), c.base.treasury.dividends, last=True)


def find_rules(tree: Node, base: CaseModel) -> list[SourcedRule]:
    """The rules of the case, then the covenants of its instruments, with where they stand."""
    out = []
    for at, rule in enumerate(base.rules):
        out.append(SourcedRule(rule, tree["rules"][at]["require"], f"rules[{at}].require"))
    for name, one in base.financing.items():
        if isinstance(one, schema_financing.DebtTerms):
            for at, rule in enumerate(one.covenants):
                node = tree["financing"][name]["covenants"][at]["require"]
                out.append(SourcedRule(rule, node, f"financing.{name}.covenants[{at}].require", name))
    return out


def _rules(c: Checker) -> None:
    """Sentences are read with stand-ins for the data, so that their mistakes are told with all others."""
    known = dict(words(c.base, _goods(c)))
    for word, section in (("outstanding", "financing"), ("issued", "financing"), ("units", "projects")):
        known[word] = frozenset([*(known[word] or ()), *([] if c.whole else c.names(section))])
    data = {name: np.ones((1, 1)) for name in DATA if name != "share_price" or c.base.company.share_price is not None}
    seen: dict[str, str] = {}
    for rule in find_rules(c.tree, c.base):
        parts = _parts_of(rule.where)[:-1]
        terms = rule.terms
        try:
            compile_rule(terms.require, known, data, (1, 1), quantity)
        except RuleError as problem:
            c.mistakes.add(rule.place(problem.column), rule.where, problem.message, problem.hint)
        if terms.name in seen:
            c.wrong((*parts, "name"), f'two rules are named "{terms.name}"', f"the other is {seen[terms.name]}")
        seen.setdefault(terms.name, rule.where)
        if terms.from_ is not None and terms.until is not None and terms.until < terms.from_:
            c.wrong((*parts, "until"), f"ends ({terms.until}) before it begins ({terms.from_})")
        for at, name in enumerate(terms.scenarios or ()):
            if c.names("scenarios") or name != "base":
                c.refer((*parts, "scenarios", at), name, "scenarios", "scenario")
        if c.frame is not None and not any(
            (terms.from_ is None or day >= terms.from_) and (terms.until is None or day <= terms.until)
            for day in c.frame.timeline.dates
        ):
            c.wrong((*parts, "from" if terms.from_ else "until"), "no date of the horizon lies in the rule's dates")


def _goods(c: Checker) -> list[str]:
    """Goods as written, also of projects with mistakes."""
    out = []
    for name in c.names("projects"):
        given = c.node("projects", name, "provides")
        out += list(given.value) if given.kind == "map" else []
    return out


def _parts_of(where: str) -> Parts:
    """`financing.notes.covenants[0].require` as parts."""
    out: list[str | int] = []
    for piece in where.split("."):
        name, _, rest = piece.partition("[")
        out.append(name)
        if rest:
            out.append(int(rest.rstrip("]")))
    return tuple(out)
