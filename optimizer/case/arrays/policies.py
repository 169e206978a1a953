"""Policies of a case: the sentences they become, the data they change, and the either-ors they are (sweeps, dividends)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from models.problem import EarnedDividends, Mask, Service, Site, Sweep, Treasury
from optimizer.case.arrays.frame import Frame
from optimizer.case.arrays.rules import SourcedRule
from optimizer.case.reading.yaml_tree import Node
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.financing import DebtTerms, Revolver, RuleTerms
from optimizer.case.schema.policies import (
    AiFirst,
    CapitalShare,
    CashSweep,
    CurtailAbove,
    DividendsEarned,
    HoldCoins,
    Issue,
    MaximumIssue,
    MinimumIssue,
    Payback,
    Policy,
    RefinancingWall,
    Ruled,
    Scoped,
    TenantConcentration,
)


def percent(share: float) -> str:
    """40 %"""
    return f"{share * 100:.12g} %"


def money(amount: float) -> str:
    """200 MUSD"""
    return f"{amount / 1e6:.15g} MUSD" if amount >= 1e5 else f"{amount:.15g} USD"


def sentences(name: str, policy: Policy, model: CaseModel) -> list[tuple[str, str]]:
    """(name of the rule, sentence) of every rule that a policy is; none of one that changes data only."""
    if isinstance(policy, HoldCoins):
        return [(name, f"coins >= {percent(policy.share)} * total(btc_mined)")]
    if isinstance(policy, Payback):
        spent = " + ".join(f"capex[{kind}]" for kind in policy.of) if policy.of else "capex"
        return [(name, f"total({policy.cash}) >= previous(total({spent}), {policy.within} months)")]
    if isinstance(policy, CapitalShare):
        return [(name, f"share of total(issued[{policy.instrument}]) in total(raised) <= {percent(policy.at_most)}")]
    if isinstance(policy, RefinancingWall):
        return [(name, f"year(principal + maturities) <= {money(policy.at_most)}")]
    if isinstance(policy, TenantConcentration):
        word = "ai_mw" if policy.of == "power" else "ai_revenue"
        services = policy.services or list(model.ai)
        return [(f"{name}, {j}", f"{word}[{j}] <= {percent(policy.at_most)} * {word}") for j in services]
    if isinstance(policy, MinimumIssue):
        return [(name, f"total(issued[{policy.instrument}]) >= {money(policy.at_least)}")]
    if isinstance(policy, MaximumIssue):
        return [(name, f"total(issued[{policy.instrument}]) <= {money(policy.at_most)}")]
    return []


def policy_rules(tree: Node, base: CaseModel, last: date | None) -> list[SourcedRule]:
    """The rules that the policies of a case become. last: the end of the horizon, if it is known."""
    out = []
    for name, policy in base.policies.items():
        scope: dict[str, Any] = {}
        if isinstance(policy, Ruled):
            scope = {"from_": policy.from_, "until": policy.until, "scenarios": policy.scenarios, "otherwise": policy.otherwise}
        elif isinstance(policy, Issue):
            day = policy.by or last
            at = None if day is None else (day,)
            scope = {"at": at, "scenarios": policy.scenarios, "otherwise": policy.otherwise}
        if isinstance(policy, RefinancingWall):
            scope["every"] = "year"
        if isinstance(policy, Payback):
            scope["expected"] = policy.expected
        node = tree["policies"][name]["type"]
        for called, sentence in sentences(name, policy, base):
            terms = RuleTerms.model_construct(name=called, require=sentence, **scope)
            out.append(SourcedRule(terms, node, f"policies.{name}.type", policy=name))
    return out


def serves_first(model: CaseModel, service: str) -> bool:
    """Whether a policy gives an AI service its served floor."""
    ours = (policy for policy in model.policies.values() if isinstance(policy, AiFirst))
    return any(policy.services is None or service in policy.services for policy in ours)


# --- what is data, and what is neither ----------------------------------------------------------------------------------


def serve_first(frame: Frame, services: Iterable[Service]) -> tuple[Service, ...]:
    """AI services with the served floor of `ai_first`."""
    out = list(services)
    for policy in frame.base.policies.values():
        if isinstance(policy, AiFirst):
            wanted = policy.services or list(frame.base.ai)
            out = [replace(j, floor=max(j.floor, policy.share)) if j.name in wanted else j for j in out]
    return tuple(out)


def curtail(frame: Frame, sites: Iterable[Site]) -> tuple[Site, ...]:
    """Sites with the strike above which no rig runs: the lowest, where several policies name one."""
    out = list(sites)
    for name, policy in frame.base.policies.items():
        if not isinstance(policy, CurtailAbove):
            continue

        def strike(model: CaseModel, name: str = name):  # type: ignore[no-untyped-def]
            found = model.policies[name]
            assert isinstance(found, CurtailAbove)
            return found.price

        level = frame.over_periods(strike)
        for k, site in enumerate(out):
            if site.grid is not None and (policy.sites is None or site.name in policy.sites):
                lowest = level if site.curtail_above is None else np.minimum(level, site.curtail_above)
                out[k] = replace(site, curtail_above=lowest)
    return tuple(out)


def retain(frame: Frame, treasury: Treasury) -> Treasury:
    """At least the share that `hold_coins` holds is kept when it is mined: what is sold at once can never be held."""
    for policy in frame.base.policies.values():
        if isinstance(policy, HoldCoins):
            treasury = replace(treasury, retain=np.maximum(treasury.retain, policy.share))
    return treasury


def _applies(frame: Frame, policy: Scoped) -> Mask:
    """(S, D) where a policy with dates and scenarios applies."""
    days = [(policy.from_ is None or day >= policy.from_) and (policy.until is None or day <= policy.until)
            for day in frame.timeline.dates]  # fmt: skip
    told = np.array([policy.scenarios is None or scenario in policy.scenarios for scenario in frame.names])
    return np.asarray(told[:, None] & np.array(days)[None, :])


def build_sweeps(frame: Frame, tree_place: dict[str, str]) -> tuple[Sweep, ...]:
    """Cash sweeps. tree_place: policy -> where it stands."""
    out = []
    for name, policy in frame.base.policies.items():
        if isinstance(policy, CashSweep):
            active = _applies(frame, policy)
            out.append(Sweep(name, policy.into, np.full(active.shape, policy.above), active, tree_place.get(name, "")))
    return tuple(out)


def build_earned_dividends(frame: Frame, tree_place: dict[str, str]) -> tuple[EarnedDividends, ...]:
    """Policies that hold dividends to what was earned. tree_place: policy -> where it stands."""
    return tuple(
        EarnedDividends(name, policy.retained_earnings, _applies(frame, policy), tree_place.get(name, ""))
        for name, policy in frame.base.policies.items()
        if isinstance(policy, DividendsEarned)
    )


def issues(model: CaseModel, name: str) -> bool:
    """Whether an instrument has an `issued` of its own: a revolver is drawn and repaid."""
    return not isinstance(model.financing.get(name), Revolver)


def sweepable(model: CaseModel, name: str) -> bool:
    """Whether a debt has a balance that may be repaid at any date."""
    one = model.financing.get(name)
    return isinstance(one, DebtTerms) and (
        one.type in ("revolver", "btc_loan") or getattr(one, "amortisation", "") == "as_cash_allows"
    )  # type: ignore[attr-defined]
