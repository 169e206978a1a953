"""What a valid type does not see: dates in order, names that exist, limits that fit. Every check notes and goes on."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from models.spelling import did_you_mean
from optimizer.case.arrays.frame import Frame
from optimizer.case.arrays.policies import serves_first
from optimizer.case.arrays.problem import owed_after
from optimizer.case.arrays.sites import block_mw
from optimizer.case.checks.checker import Checker, Parts
from optimizer.case.checks.coupled import check_coupled
from optimizer.case.checks.financing import check_company, check_financing
from optimizer.case.checks.rules import check_rules
from optimizer.case.checks.yearly_limits import alike_limits, check_limits
from optimizer.case.reading.diagnostics import Mistakes
from optimizer.case.reading.yaml_tree import Node
from optimizer.case.schema import financing, fleet
from optimizer.case.schema.case_model import CaseModel, Project
from optimizer.case.schema.share_price import FollowsPlan

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ +\-]{0,63}")
AT_HOUR = re.compile(r"(\d{2})-(\d{2}) (\d{1,2})(?::00)?")
MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def check(tree: Node, base: CaseModel, frame: Frame | None, lost: frozenset[tuple[Any, ...]], mistakes: Mistakes) -> None:
    """Note every mistake of meaning. `lost`: the parts with mistakes, which `base` lacks: what follows from that is no second mistake."""
    checker = Checker(tree, base, frame, lost, mistakes)
    for one in (_names, _horizon, _market, _scenarios, _alike, _sites, _rigs, _services, check_coupled):
        one(checker)
    for one in (check_limits, check_financing, check_company, _other, check_rules):
        one(checker)


def _names(c: Checker) -> None:
    for section in ("scenarios", "sites", "rigs", "ai", "financing", "cash_flows", "projects", "policies", "variants"):
        for name in c.names(section):
            if not NAME.fullmatch(name):
                c.mistakes.add(
                    c.tree[section].key_place(name),
                    f"{section}.{name[:64]}",
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
    if c.names("rigs") and not given and c.sound("market"):
        at: Parts = ("market",) if "market" in c.tree else ("rigs",)
        c.wrong(at, "rigs need market.hashprice, or market.network_hashrate", "network_hashrate: 1000 EH/s")
    if market.transaction_fees is not None and market.hashprice is not None:
        c.wrong(("market", "transaction_fees"), "hashprice includes fees already: leave transaction_fees out")
    uses: list[Parts] = [("rigs",)] if c.names("rigs") else []
    uses += [("treasury", "coins")] if c.base.treasury.coins else []
    uses += [("financing", k) for k, one in c.base.financing.items() if isinstance(one, financing.BtcLoan)]
    if uses and market.btc_price is None and c.sound("market"):
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
        if name == "expected":
            c.wrong(at, '"expected" is the average of the scenarios in every table', "give the scenario another name")
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
            if not path.startswith("sites.") or not c.knows("sites", site):
                place = c.node(*at, "delay").key_place(path)
                known = [f"sites.{site}" for site in c.names("sites")]
                hint = did_you_mean(path, known, "there are") if known else "the case has no sites"
                where = f"scenarios.{name}.delay.{path}"
                c.mistakes.add(place, where, f'"{path}" cannot be delayed: only a site can', hint)
    if c.base.information is not None and not scenarios and not c.names("scenarios") and c.sound("scenarios"):
        c.wrong(("information",), "there are no scenarios to be informed about")


def _alike(c: Checker) -> None:
    """A scenario may change data that the case has; it cannot bring in a quantity that other scenarios lack."""
    if c.frame is None or not c.base.scenarios:
        return
    for name, model in zip(c.base.scenarios, c.frame.models, strict=True):
        pairs: list[tuple[str, object, object]] = []
        for key in ("btc_price", "hashprice", "network_hashrate"):
            pairs.append((f"market.{key}", getattr(c.base.market, key), getattr(model.market, key)))
        pairs.append(("company.share_price", c.base.company.share_price, model.company.share_price))
        _price_alike(c, name, model)
        for rig, one in c.base.rigs.items():
            for key in ("resale", "resale_price"):
                pairs.append((f"rigs.{rig}.{key}", getattr(one, key), getattr(model.rigs.get(rig, one), key)))
        for flow, stream in c.base.cash_flows.items():
            for key in ("amount", "dated"):
                pairs.append((f"cash_flows.{flow}.{key}", getattr(stream, key), getattr(model.cash_flows.get(flow, stream), key)))
        for service, terms in c.base.ai.items():
            paid, here = terms.energy, model.ai.get(service, terms).energy
            if paid != here and (isinstance(paid, str) or isinstance(here, str)):
                _not_alike(c, name, f"ai.{service}.energy", "who pays for energy is the same in every scenario")
        pairs += alike_limits(c.base, model)
        for path, ours, theirs in pairs:
            if (ours is None) != (theirs is None) and (path.partition(".")[0],) not in c.lost:
                _not_alike(c, name, path, f"{path} is not given in the case, so that other scenarios have none")


def _price_alike(c: Checker, scenario: str, model: CaseModel) -> None:
    """A share price follows the plan in all scenarios or in none; what the rest of the company does may differ."""
    ours, theirs = c.base.company.share_price, model.company.share_price
    if ours is None or theirs is None or ("company",) in c.lost:
        return
    if isinstance(ours, FollowsPlan) != isinstance(theirs, FollowsPlan):
        what = "follows the plan in the case" if isinstance(ours, FollowsPlan) else "is a path in the case"
        _not_alike(c, scenario, "company.share_price", f"company.share_price {what}, so it does in every scenario", _ONE_PRICE)
        return
    both = [(one.today, one.tolerance) for one in (ours, theirs) if isinstance(one, FollowsPlan)]
    if len(set(both)) > 1:
        _not_alike(c, scenario, "company.share_price", "today's share price is the same in every scenario", _ONE_PRICE)


_ONE_PRICE = "take it out of the scenario; company.share_price.rest may differ"


def _not_alike(c: Checker, scenario: str, path: str, message: str, hint: str | None = None) -> None:
    given = c.node("scenarios", scenario, "set")
    key = next((key for key in given if key == path or key.startswith(path + ".")), path)
    place = given.key_place(key)
    c.mistakes.add(
        place, f"scenarios.{scenario}.set.{key}", message, hint or "give it in the case too; scenarios change it from there"
    )


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
            if not c.knows("sites", site):
                place = c.node(*at, "owned").key_place(site)
                c.mistakes.add(place, f"rigs.{name}.owned.{site}", f'there is no site "{site}"', c.near(site, "sites"))
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
            if not c.knows("sites", site):
                place = c.node(*at, "contracted").key_place(site)
                c.mistakes.add(place, f"ai.{name}.contracted.{site}", f'there is no site "{site}"', c.near(site, "sites"))
        for number, site in enumerate(one.sites or ()):
            c.refer((*at, "sites", number), site, "sites", "site")
        if one.equipment is not None:
            c.payments((*at, "equipment"), one.equipment.payments, None)
            _paid_within(c, at, one)
            c.depreciation((*at, "equipment"), one.equipment.depreciation)
        served = serves_first(c.base, name) or not c.sound("policies")
        if isinstance(one, fleet.Lease) and one.penalty is None and one.floor == 0.0 and not served:
            # its rent does not depend on power, so nothing else would make the program serve it
            hint = "give `penalty` (USD/MWh not served), such as 1000 USD/MWh, or `floor`, such as 99 %"
            c.wrong(at, "a lease that owes no service would get no power: say what is owed", hint)
        if one.energy == "tenant" and isinstance(one, fleet.Service):
            sites = [s for s in (one.sites or c.base.sites) if s in c.base.sites and c.base.sites[s].power.grid is None]
            if sites:
                c.wrong((*at, "energy"), f'the tenant pays the grid price, and site "{sites[0]}" has no grid', "give USD/MWh")


def _paid_within(c: Checker, at: Parts, one: fleet.Service) -> None:
    """Equipment of what is signed last must be paid before the books close."""
    if c.frame is None or one.equipment is None:
        return
    signed = np.flatnonzero(c.frame.order_mask(one.sign))
    signed = signed[signed + c.frame.steps(one.lead) <= c.frame.periods - 1]
    for number, payment in enumerate(one.equipment.payments or ()):
        if len(signed) and one.limit > 0.0 and signed[-1] + c.frame.steps(payment.after) > c.frame.periods:
            last = c.frame.timeline.dates[signed[-1]]
            c.wrong(
                (*at, "equipment", "payments", number, "after"),
                f"paid {payment.after} months after signing: for what is signed in {last:%Y-%m}, after the end of the horizon",
                "let `sign` end earlier, or pay earlier",
            )


def _owed_within(c: Checker, name: str, project: Project) -> None:
    """What a project pays must be paid before the books close, whenever it is decided."""
    if c.frame is None or project.limit == 0.0:
        return
    window = c.frame.mask(project.when)
    for at, late in owed_after(c.frame, name).items():
        missed = np.flatnonzero(window & late)
        if len(missed):
            first, last = (c.frame.timeline.dates[d] for d in (missed[0], missed[-1]))
            c.wrong(
                ("projects", name, *at, "amount"),
                f"paid after the end of the horizon for what is decided in {last:%Y-%m}: the books close before",
                f"let `when` end before {first:%Y-%m}, or pay earlier",
            )


def _other(c: Checker) -> None:
    if c.base.objective.rates is not None and c.base.objective.value != "apv":
        c.wrong(("objective", "rates"), "rates of streams need `value: apv`", "without it all is discounted at `discount`")
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
                    node.key_place(key),
                    f"cash_flows.{name}.dated.{key}",
                    f"the date {day} is outside the horizon, {dates[0]} to {dates[-1]}",
                )
    for name, project in c.base.projects.items():
        at = ("projects", name)
        c.window((*at, "when"), project.when, last=True)
        c.minimum(at, project.minimum, project.limit)
        _owed_within(c, name, project)
        for good in project.provides:
            if not NAME.fullmatch(good):
                c.wrong((*at, "provides", good), "a name has letters, digits, blanks, - and _ only, 64 at most")
    c.window(("treasury", "sell"), c.base.treasury.sell, last=True)
    c.window(("treasury", "dividends"), c.base.treasury.dividends, last=True)
