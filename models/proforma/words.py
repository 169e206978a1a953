"""Pro forma of the words that rules may use (README 13), and of the rules themselves."""

from __future__ import annotations

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Debt, Problem, Rule
from models.proforma.assets import Assets, decided
from models.proforma.checks import Checklist
from models.proforma.debt import Liabilities, first_date, running_maturity
from models.proforma.functions import over_time
from models.proforma.power import Power
from models.proforma.sizes import rule_size

#: words made of what settles at the end of a period: a rule with one of them does not apply at date 0
OPERATING = {"revenue", "ebitda", "cfads", "interest", "principal", "debt_service", "tax"}
OPERATING |= {"btc_mined", "energy_mwh", "diesel_mwh", "grid_mwh", "emissions_t", "ai_mwh", "ai_revenue", "maturities"}

#: words of USD
MONEY = {
    "revenue",
    "ai_revenue",
    "ebitda",
    "cfads",
    "interest",
    "principal",
    "debt_service",
    "maturities",
    "capex",
    "dividends",
    "tax",
}
MONEY |= {
    "contributions",
    "rescue",
    "issued",
    "raised",
    "cash",
    "coins_value",
    "liquidity",
    "total_debt",
    "net_debt",
    "outstanding",
}


def at_period_ends(period_flow: Array) -> Array:
    """(S, D) what happens during period t, at date t + 1."""
    return np.concatenate([np.zeros((period_flow.shape[0], 1)), period_flow], axis=1)


def standing(capacity: Array) -> Array:
    """(S, D) capacities of periods as stocks of dates; date T shows period T - 1."""
    return np.concatenate([capacity, capacity[:, -1:]], axis=1)


def keep_words(
    problem: Problem,
    decisions: Decisions,
    assets: Assets,
    power: Power,
    debts: Liabilities,
    income: dict[str, Array],
    sheet: dict[str, Array],
    coins: Array,
) -> dict[str, Array]:
    """Every word and, where it takes arguments, every 'word[argument]' -> (S, D)."""
    shape = (problem.scenarios.count, problem.clock.dates)
    zero = np.zeros(shape)
    words: dict[str, Array] = {"revenue": income["revenue"], "ebitda": income["ebitda"]}
    kept_usd = at_period_ends(power.total("kept") * problem.market.btc_price_mean)
    words["cfads"] = income["ebitda"] - kept_usd - income["tax"]
    words["interest"] = debts.total("interest_paid")
    # A revolver's and a BTC loan's repayments are chosen freely, not scheduled.
    scheduled = [d.name for d in problem.debts if d.kind not in ("revolver", "btc_loan")]
    words["principal"] = sum((debts.of(name, "principal") for name in scheduled), zero)
    words["debt_service"] = words["interest"] + words["principal"]
    words["maturities"] = zero
    for debt in problem.debts:
        due = debts.of(debt.name, "redeemed") + debts.of(debt.name, "put") + _balance_due(problem, debt, debts)
        words[f"maturities[{debt.name}]"] = due
        words["maturities"] = words["maturities"] + due
    words["capex"] = sum(assets.capex.values(), zero)
    words |= {f"capex[{kind}]": paid for kind, paid in assets.capex.items()}
    words["dividends"] = decisions.dividends + 0.0
    owners = [e.name for e in problem.equities if e.holders == "existing"]
    words["contributions"] = sum((decided(decisions.issued, name, problem) for name in owners), zero)
    words["rescue"] = decisions.rescue + 0.0
    words["tax"] = income["tax"]
    for name in [*(d.name for d in problem.debts), *(e.name for e in problem.equities)]:
        words[f"issued[{name}]"] = decided(decisions.issued, name, problem)
    names = [*(d.name for d in problem.debts if d.kind != "revolver"), *(e.name for e in problem.equities)]
    words["raised"] = sum((words[f"issued[{name}]"] for name in names), zero)
    words["shares_issued"] = zero
    for equity in problem.equities:
        if equity.holders == "new":
            assert problem.market.share_price is not None
            sold = words[f"issued[{equity.name}]"] / (problem.market.share_price * (1.0 - equity.discount))
            words[f"shares_issued[{equity.name}]"] = sold
            words["shares_issued"] = words["shares_issued"] + sold
    words |= _power_words(problem, power)
    words |= _ai_words(problem, assets, power)
    for project in problem.projects:
        units = decided(decisions.units, project.name, problem)
        words[f"units[{project.name}]"] = np.cumsum(units, axis=1)
        for good, amount in project.provides.items():
            key = f"provided[{good}]"
            words[key] = words.get(key, zero) + np.einsum("sd,sde->se", units, amount)
    words |= _balances(problem, debts, sheet, coins)
    words |= _capacities(problem, assets)
    words |= over_time(problem, words, OPERATING)
    return words


def _power_words(problem: Problem, power: Power) -> dict[str, Array]:
    """What was mined, used, bought, burnt and emitted, of all sites and of each."""
    words: dict[str, Array] = {}
    zero = np.zeros((problem.scenarios.count, problem.clock.dates))
    words["btc_mined"] = at_period_ends(power.total("coins"))
    words["energy_mwh"] = at_period_ends(power.used())
    words["diesel_mwh"] = at_period_ends(power.total("diesel"))
    words["grid_mwh"] = at_period_ends(power.total("grid"))
    words["emissions_t"] = at_period_ends(power.total("emissions_t"))
    for site in problem.sites:
        words[f"energy_mwh[{site.name}]"] = at_period_ends(power.used(site.name))
        words[f"grid_mwh[{site.name}]"] = at_period_ends(power.lines.get((site.name, "grid"), np.zeros(power.shape)))
        words[f"emissions_t[{site.name}]"] = at_period_ends(power.lines[site.name, "emissions_t"])
        words[f"btc_mined[{site.name}]"] = at_period_ends(power.lines[site.name, "coins"])
        burnt = power.lines.get((site.name, "diesel"))
        words[f"diesel_mwh[{site.name}]"] = zero if burnt is None else at_period_ends(burnt)
    return words


def _balances(problem: Problem, debts: Liabilities, sheet: dict[str, Array], coins: Array) -> dict[str, Array]:
    """Cash, coins and debt after each date."""
    words: dict[str, Array] = {}
    words["cash"] = sheet["cash"]
    words["coins"] = coins
    words["coins_value"] = sheet["coins"]
    words["liquidity"] = sheet["cash"] + sheet["coins"]
    words["total_debt"] = debts.total("closing")
    words["net_debt"] = words["total_debt"] - sheet["cash"]
    for debt in problem.debts:
        words[f"outstanding[{debt.name}]"] = debts.of(debt.name, "closing")
    return words


def _capacities(problem: Problem, assets: Assets) -> dict[str, Array]:
    """MW and hashrate that stand at each date."""
    words: dict[str, Array] = {}
    density = {rig.name: rig.density for rig in problem.rigs}
    fleet = {pair: standing(mw) for pair, mw in assets.fleet.items()}
    words |= _placed("rigs_mw", fleet, problem, [rig.name for rig in problem.rigs])
    hashes = {pair: density[pair[0]] * mw for pair, mw in fleet.items()}
    words |= _placed("hashrate", hashes, problem, [rig.name for rig in problem.rigs])
    for site in problem.sites:
        words[f"mining_hall_mw[{site.name}]"] = standing(assets.mining_hall[site.name])
        words[f"ai_hall_mw[{site.name}]"] = standing(assets.ai_hall[site.name])
        words[f"interconnection_mw[{site.name}]"] = standing(assets.interconnection[site.name])
    contracted = {pair: standing(mw) for pair, mw in assets.contracted.items()}
    words |= _placed("ai_mw", contracted, problem, [service.name for service in problem.services])
    return words


def _placed(word: str, parts: dict[tuple[str, str], Array], problem: Problem, things: list[str]) -> dict[str, Array]:
    """'word', 'word[thing]', 'word[@site]' and 'word[thing@site]' of what stands by (thing, site)."""
    zero = np.zeros((problem.scenarios.count, problem.clock.dates))
    out = {word: sum(parts.values(), zero)}
    for thing in things:
        out[f"{word}[{thing}]"] = sum((mw for (name, _), mw in parts.items() if name == thing), zero)
    for site in problem.sites if things else ():
        out[f"{word}[@{site.name}]"] = sum((mw for (_, place), mw in parts.items() if place == site.name), zero)
        for thing in things:
            out[f"{word}[{thing}@{site.name}]"] = parts.get((thing, site.name), zero)
    return out


def _ai_words(problem: Problem, assets: Assets, power: Power) -> dict[str, Array]:
    """Energy and revenue of every service at every site; a site without power serves nothing."""
    nothing = np.zeros((problem.scenarios.count, problem.clock.periods))
    energy, revenue = {}, {}
    for service in problem.services:
        for site in problem.sites:
            pair = service.name, site.name
            used = power.lines.get((site.name, f"ai:{service.name}"), nothing)
            paid = service.rate * used / site.gross_ratio if service.kind == "cloud" else nothing
            energy[pair], revenue[pair] = at_period_ends(used), at_period_ends(assets.rents.get(pair, nothing) + paid)
    names = [service.name for service in problem.services]
    return _placed("ai_mwh", energy, problem, names) | _placed("ai_revenue", revenue, problem, names)


def _balance_due(problem: Problem, debt: Debt, debts: Liabilities) -> Array:
    """(S, D) what a revolver or a BTC loan still owes when it falls due."""
    out = np.zeros((problem.scenarios.count, problem.clock.dates))
    end = running_maturity(problem, debt) if debt.kind in ("revolver", "btc_loan") and first_date(debt) is not None else 0
    if 0 < end <= problem.clock.periods:
        out[:, end] = debts.of(debt.name, "opening")[:, end]
    return out


def check_rules(
    problem: Problem,
    decisions: Decisions,
    words: dict[str, Array],
    sizes: dict[str, Array],
    checks: Checklist,
) -> None:
    """Hard rules hold; a soft rule's breach covers its shortfall. sizes: `word_sizes`.

    What is missing is measured against what the rule compares and the flows its words are made of, not against one dollar.
    """
    shape = (problem.scenarios.count, problem.clock.dates)
    for rule in problem.rules:
        active = np.array(np.broadcast_to(rule.active, shape))
        if any(term.word in OPERATING for term in rule.terms):
            active[:, 0] = False
        constant = np.broadcast_to(rule.constant, shape)
        total = np.zeros(shape)
        scale = np.abs(constant)
        for term, coefficient in rule.terms.items():
            if str(term) not in words:
                raise ValueError(f"rule {rule.name!r} ({rule.source}) uses {str(term)!r}, which the books do not hold")
            part = coefficient * words[str(term)]
            total = total + part
            scale = np.maximum(scale, np.abs(part))
        if rule.expected:
            odds = problem.scenarios.probability[:, None]
            total, constant = (np.broadcast_to((odds * side).sum(axis=0), shape) for side in (total, constant))
        short = _shortfall(rule, total, constant)
        soft = rule.penalty is not None
        allowed = decided(decisions.breach, rule.name, problem) if soft else np.zeros(shape)
        largest = float(np.max(scale, where=active, initial=0.0))
        size = np.maximum(rule_size(rule, words, sizes), largest)
        name = "soft rules: breach covers shortfall" if soft else "hard rules"
        short, allowed = np.where(active, short, 0.0), np.where(active, allowed, 0.0)
        checks.at_most(name, short, allowed, rule.name, scale=size, least=least_of(rule, checks))
    for sweep in problem.sweeps:
        above = np.maximum(words["cash"] - sweep.level, 0.0)
        kept = np.where(sweep.active, np.minimum(above, words[f"outstanding[{sweep.debt}]"]), 0.0)
        size = np.maximum(sizes["cash"], max(float(np.max(sweep.level, initial=0.0)), float(words["cash"].max())))
        checks.at_most("cash sweeps", kept, 0.0, sweep.name, scale=size, least=checks.usd)


def least_of(rule: Rule, checks: Checklist) -> float:
    """What a rule is measured against at least: of money where one of its words is, else one of its unit."""
    return checks.usd if any(term.word in MONEY for term in rule.terms) else 1.0


def _shortfall(rule: Rule, total: Array, constant: Array) -> Array:
    """(S, D) units by which the sentence is not met."""
    if rule.sense == ">=":
        return np.maximum(constant - total, 0.0)
    if rule.sense == "<=":
        return np.maximum(total - constant, 0.0)
    if rule.sense == "==":
        return np.abs(total - constant)
    raise ValueError(f"rule {rule.name!r} has sense {rule.sense!r}; expected '>=', '<=' or '=='")
