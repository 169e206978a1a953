"""Pro forma of the words that rules may use (README 13), and of the rules themselves."""

from __future__ import annotations

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Problem, Rule
from models.proforma_assets import Assets, decided
from models.proforma_checks import Checklist
from models.proforma_debt import Liabilities
from models.proforma_power import Power

#: words made of what settles at the end of a period: a rule with one of them does not apply at date 0
OPERATING = {"revenue", "ebitda", "cfads", "interest", "principal", "debt_service", "tax"}
OPERATING |= {"btc_mined", "energy_mwh", "diesel_mwh", "grid_mwh", "emissions_t"}


def settled(period_flow: Array) -> Array:
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
    kept_usd = settled(power.total("kept") * problem.market.btc_price_mean)
    words["cfads"] = income["ebitda"] - kept_usd - income["tax"]
    words["interest"] = debts.total("interest_paid")
    # A revolver's and a BTC loan's repayments are chosen freely, not scheduled.
    scheduled = [d.name for d in problem.debts if d.kind not in ("revolver", "btc_loan")]
    words["principal"] = sum((debts.of(name, "principal") for name in scheduled), zero)
    words["debt_service"] = words["interest"] + words["principal"]
    words["capex"] = sum(assets.capex.values(), zero)
    words["dividends"] = decisions.dividends + 0.0
    owners = [e.name for e in problem.equities if e.holders == "existing"]
    words["contributions"] = sum((decided(decisions.issued, name, problem) for name in owners), zero)
    words["rescue"] = decisions.rescue + 0.0
    words["tax"] = income["tax"]
    for name in [*(d.name for d in problem.debts), *(e.name for e in problem.equities)]:
        words[f"issued[{name}]"] = decided(decisions.issued, name, problem)
    words["btc_mined"] = settled(power.total("coins"))
    words["energy_mwh"] = settled(power.used())
    words["diesel_mwh"] = settled(power.total("diesel"))
    words["grid_mwh"] = settled(power.total("grid"))
    words["emissions_t"] = settled(power.total("emissions_t"))
    for site in problem.sites:
        words[f"energy_mwh[{site.name}]"] = settled(power.used(site.name))
        words[f"grid_mwh[{site.name}]"] = settled(power.lines.get((site.name, "grid"), np.zeros(power.shape)))
        words[f"emissions_t[{site.name}]"] = settled(power.lines[site.name, "emissions_t"])
    for project in problem.projects:
        units = decided(decisions.units, project.name, problem)
        words[f"units[{project.name}]"] = np.cumsum(units, axis=1)
        for good, amount in project.provides.items():
            key = f"provided[{good}]"
            words[key] = words.get(key, zero) + np.einsum("sd,sde->se", units, amount)

    words["cash"] = sheet["cash"]
    words["coins"] = coins
    words["coins_value"] = sheet["coins"]
    words["liquidity"] = sheet["cash"] + sheet["coins"]
    words["total_debt"] = debts.total("closing")
    words["net_debt"] = words["total_debt"] - sheet["cash"]
    for debt in problem.debts:
        words[f"outstanding[{debt.name}]"] = debts.of(debt.name, "closing")
    words["rigs_mw"], words["hashrate"] = zero, zero
    for rig in problem.rigs:
        installed = sum((standing(k) for (name, _), k in assets.fleet.items() if name == rig.name), zero)
        words[f"rigs_mw[{rig.name}]"] = installed
        words["rigs_mw"] = words["rigs_mw"] + installed
        words["hashrate"] = words["hashrate"] + rig.density * installed
    for site in problem.sites:
        words[f"mining_hall_mw[{site.name}]"] = standing(assets.mining_hall[site.name])
        words[f"ai_hall_mw[{site.name}]"] = standing(assets.ai_hall[site.name])
        words[f"interconnection_mw[{site.name}]"] = standing(assets.interconnection[site.name])
    words["ai_mw"] = zero
    for service in problem.services:
        contracted = sum((standing(c) for (name, _), c in assets.contracted.items() if name == service.name), zero)
        words[f"ai_mw[{service.name}]"] = contracted
        words["ai_mw"] = words["ai_mw"] + contracted
    return words


def check_rules(problem: Problem, decisions: Decisions, words: dict[str, Array], checks: Checklist) -> None:
    """Hard rules hold; a soft rule's breach covers its shortfall."""
    shape = (problem.scenarios.count, problem.clock.dates)
    for rule in problem.rules:
        active = np.array(np.broadcast_to(rule.active, shape))
        if any(word in OPERATING for word, _ in rule.terms):
            active[:, 0] = False
        constant = np.broadcast_to(rule.constant, shape)
        total = np.zeros(shape)
        scale = np.abs(constant)
        for (word, argument), coefficient in rule.terms.items():
            key = f"{word}[{argument}]" if argument else word
            if key not in words:
                raise ValueError(f"rule {rule.name!r} ({rule.source}) uses {key!r}, which the books do not hold")
            part = coefficient * words[key]
            total = total + part
            scale = np.maximum(scale, np.abs(part))
        short = _shortfall(rule, total, constant)
        soft = rule.penalty is not None
        allowed = decided(decisions.breach, rule.name, problem) if soft else np.zeros(shape)
        largest = float(np.max(scale, where=active, initial=0.0))
        name = "soft rules: breach covers shortfall" if soft else "hard rules"
        checks.at_most(name, np.where(active, short, 0.0), np.where(active, allowed, 0.0), rule.name, scale=largest)


def _shortfall(rule: Rule, total: Array, constant: Array) -> Array:
    """(S, D) units by which the sentence is not met."""
    if rule.sense == ">=":
        return np.maximum(constant - total, 0.0)
    if rule.sense == "<=":
        return np.maximum(total - constant, 0.0)
    if rule.sense == "==":
        return np.abs(total - constant)
    raise ValueError(f"rule {rule.name!r} has sense {rule.sense!r}; expected '>=', '<=' or '=='")
