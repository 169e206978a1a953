"""A case beside the same case without something: the same balance sheet at the start, solved twice, and what capital costs in both.

What is left out is new: contracts, debt and rigs that stand at the start stay, so that the two differ by what is decided and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.finance.capital.streams import BREACH_ODDS
from models.spelling import did_you_mean
from optimizer.engine.views.builds import BUILDS
from optimizer.studies.jobs import solve_jobs
from optimizer.text import percent

if TYPE_CHECKING:
    from models.problem import Debt, Problem, Rule, Service
    from optimizer.case.case import Case
    from optimizer.runtime.executor import Executor
    from optimizer.studies.jobs import Job, Point

#: words that stand for all of a kind
KINDS = {"ai": "AI contracts", "debt": "new debt", "rigs": "new rigs"}
PLURAL = ("ai", "rigs")
#: rates that differ by less are the same
SAME = 5e-5
#: USD a unit and date of a rule that is broken where no plan keeps it; what it is measured in for that; rounds of naming such rules
PRICE, PRICED_UNITS, MOST_ROUNDS = 1, ("USD", "MW", "MWh", "BTC", "share"), 6


class WithoutError(ValueError):
    """Something that cannot be left out of a case: why, in a sentence."""


@dataclass(frozen=True)
class Without:
    """What is left out: how a person says it, and the settings that do it."""

    what: str
    label: str
    settings: tuple[str, ...]


def without(case: Case, what: str) -> Without:
    """The settings that leave `what` out of a case: ai, debt, rigs, or the name of an instrument, a site, a service or a rig model.

    Raises WithoutError where there is no such thing, or nothing of it that could be decided.
    """
    problem = case.problem()
    label, found = _settings(case, problem, what)
    settings = tuple(found)
    if not settings:
        raise WithoutError(f"--without {what}: {case.name} decides on no {what}, so there is nothing to leave out")
    other = case.further(settings).problem()
    if (moved := _moved(problem, other)) is not None:
        raise WithoutError(f"--without {what}: the two would not start alike ({moved})")
    return Without(what, label, settings)


def _settings(case: Case, problem: Problem, what: str) -> tuple[str, Iterator[str]]:
    debts, shares = {one.name: one for one in problem.debts}, {one.name: one for one in problem.equities}
    services = {one.name: one for one in problem.services}
    rigs, sites = ([one.name for one in problem.rigs], [one.name for one in problem.sites])
    if what == "ai":
        return KINDS[what], (setting for one in problem.services for setting in _no_contract(one))
    if what == "debt":
        return KINDS[what], (setting for one in problem.debts if one.window.any() for setting in without_debt(one))
    if what == "rigs":
        return KINDS[what], (setting for name in rigs for setting in _no_rig(problem, name))
    if what in debts:
        return f"financing.{what}", iter(without_debt(debts[what]))
    if what in shares:
        least = (f"financing.{what}.minimum=0 USD",) if shares[what].minimum > 0.0 else ()
        return f"financing.{what}", iter((f"financing.{what}.limit=0 USD", *least))
    if what in services:
        return f"ai.{what}", _no_contract(services[what])
    if what in rigs:
        return f"rigs.{what}", _no_rig(problem, what)
    if what in sites:
        return f"anything new at {what}", _no_site(case, problem, what)
    names = [*KINDS, *debts, *shares, *sites, *services, *rigs]
    raise WithoutError(f"--without {what}: {case.name} has nothing of that name; {did_you_mean(what, names, 'it can leave out')}")


def _no_contract(service: Service) -> Iterator[str]:
    """No new contract; what is contracted at the start runs on."""
    stands = float(service.contracted.sum())
    if service.limit > stands:
        if service.minimum > stands:
            yield f"ai.{service.name}.minimum={stands!r} MW"
        yield f"ai.{service.name}.limit={stands!r} MW"


def _no_rig(problem: Problem, name: str) -> Iterator[str]:
    rig = next(one for one in problem.rigs if one.name == name)
    if rig.window.any() and rig.limit > 0.0:
        yield f"rigs.{name}.limit=0 MW"
    if rig.option is not None and rig.option.limit > 0.0:
        yield f"rigs.{name}.option.limit=0 MW"


def _no_site(case: Case, problem: Problem, name: str) -> Iterator[str]:
    """Nothing is built, ordered for or signed at a site; what stands there goes on."""
    n = next(i for i, site in enumerate(problem.sites) if site.name == name)
    for kind, build in BUILDS.items():
        terms = getattr(problem.sites[n], kind)
        if terms is not None and terms.limit > 0.0:
            if terms.minimum > 0.0:
                yield f"sites.{name}.{build.place}.minimum=0 MW"
            yield f"sites.{name}.{build.place}.limit=0 MW"
    others = [site.name for site in problem.sites]
    for rig in problem.rigs:
        if rig.sites[n] and rig.window.any() and rig.limit > 0.0:
            kept = [site for i, site in enumerate(others) if rig.sites[i] and i != n]
            if rig.owned[n] > 0.0 and kept:
                raise WithoutError(
                    f"--without {name}: rigs.{rig.name} stands there and may be ordered elsewhere, which a case cannot say apart"
                )
            yield f"rigs.{rig.name}.sites=[{', '.join(kept)}]" if kept else f"rigs.{rig.name}.limit=0 MW"
    for service in problem.services:
        if service.sites[n] and service.limit > float(service.contracted.sum()):
            kept = [site for i, site in enumerate(others) if service.sites[i] and i != n]
            if service.contracted[n] > 0.0 and kept:
                raise WithoutError(
                    f"--without {name}: ai.{service.name} runs there and may be signed elsewhere, which a case cannot say apart"
                )
            if kept:
                yield f"ai.{service.name}.sites=[{', '.join(kept)}]"
            else:
                yield from _no_contract(service)


def _moved(one: Problem, other: Problem) -> str | None:
    """What of the balance sheet at the start, of what stands and of the scenarios is not the same in both; None where all is."""

    def start(problem: Problem) -> dict[str, object]:
        return {
            "cash": problem.treasury.cash,
            "coins": problem.treasury.coins,
            "plant": (problem.opening_ppe, problem.opening_ppe_months),
            "debt": [(debt.name, debt.existing) for debt in problem.debts],
            "rigs": [(rig.name, rig.owned.tolist()) for rig in problem.rigs],
            "contracts": [(service.name, service.contracted.tolist()) for service in problem.services],
            "sites": [(site.name, site.interconnection_mw, site.mining_mw, site.ai_mw) for site in problem.sites],
            "odds": problem.scenarios.probability.tolist(),
            "bitcoin": problem.market.btc_price.tolist(),
            "hashprice": problem.market.hashprice.tolist(),
        }

    mine, theirs = start(one), start(other)
    return next((name for name in mine if mine[name] != theirs[name]), None)


# ---- solving ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Two answers that differ by what is left out of the second. priced: rules that both may break at a price, as no plan without it could
    keep them."""

    one: Without
    first: Point
    other: Point
    priced: tuple[str, ...] = ()


def solve_pairs(
    case: Case, jobs: Sequence[Job], pairs: Sequence[Without], executor: Executor, progress: Callable[[int, int], None]
) -> tuple[list[Point], tuple[Pair, ...]]:
    """Every job's point, those of rules at a price behind them, and the pairs among them. jobs: the case, what each pair leaves out, others."""
    points = solve_jobs(jobs, executor, progress)
    found = []
    for n, one in enumerate(pairs, start=1):
        pair = Pair(one, points[0], points[n])
        if points[0].optimal and points[n].status == "infeasible":
            pair = _priced(case, jobs[0], jobs[n], pair, executor)
            if pair.priced:
                points += [pair.first, pair.other]
        found.append(pair)
    return points, tuple(found)


def _priced(case: Case, first: Job, other: Job, pair: Pair, executor: Executor) -> Pair:
    """The pair with the rules that bar a plan at a price in both; as it was where no rule bars it, or more than a few in turn."""
    priced: dict[str, Rule] = {}
    point, settings = pair.other, tuple[str, ...]()
    for _ in range(MOST_ROUNDS):
        more = {rule.name: rule for rule in _barring(case, point) if rule.name not in priced}
        if point.optimal or not more:
            break
        priced |= more
        settings = tuple(f"{rule.path}.otherwise={{pay: {PRICE} USD/{rule.unit or 'USD'}}}" for rule in priced.values())
        (point,) = solve_jobs([_again(other, settings)], executor)
    if not point.optimal:
        return pair
    (again,) = solve_jobs([_again(first, settings)], executor)
    return replace(pair, first=again, other=point, priced=tuple(priced))


def _again(job: Job, settings: tuple[str, ...]) -> Job:
    return replace(job, name=f"{job.name}, rules at a price", settings=(*job.settings, *settings))


def _barring(case: Case, point: Point) -> list[Rule]:
    """Hard rules of the case, or of its covenants, that a proof of no plan names."""
    told = " ".join(point.reasons)
    hard = [rule for rule in case.problem().rules if rule.penalty is None and (rule.unit or "USD") in PRICED_UNITS]
    return [
        rule for rule in hard if f"rule '{rule.name}'" in told and (rule.path.startswith("rules[") or ".covenants[" in rule.path)
    ]


# ---- in words -----------------------------------------------------------------------------------------------------------


def told_of_pairs(points: Sequence[Point], pairs: Sequence[Pair]) -> tuple[str, ...]:
    """All that a comparison says of pairs. points: of which the first is the plan as optimised."""
    out: list[str] = []
    for pair in pairs:
        if pair.priced:
            rules = ", ".join(f"'{name}'" for name in pair.priced)
            out.append(
                f"Without {pair.one.label} no plan meets {rules}. So both were solved again with these broken at {PRICE} USD a USD and date:"
                " what follows compares those two."
            )
        out += pair_sentences(pair.first, pair.other, pair.one)
    carried = capacity_sentence(points[0]) if pairs else None
    return (*out, carried) if carried is not None else tuple(out)


def pair_sentences(first: Point, other: Point, one: Without) -> list[str]:
    """What the pair says of the cost of capital, whichever way it falls; nothing where either has no plan."""
    if not (first.optimal and other.optimal):
        return []
    label = one.label if "." in one.label else f"{one.label[0].upper()}{one.label[1:]}"
    whole = _falls(first, other, "cost_of_all_capital", "all capital, owners included,", one.what in PLURAL)
    outside = _falls(first, other, "cost_of_capital", "outside capital", one.what in PLURAL)
    out = [f"{label} {whole}, and {outside}."]
    if (split := _split(first, other)) is not None:
        mix, debt, equity = (f"{100.0 * part:+.2f} points" for part in split)
        out.append(
            f"Of the change of all capital, {mix} come from how much debt there is beside the owners' part, {debt} from what debt costs, and"
            f" {equity} from what shares cost. Owners are charged the same rate in both."
        )
    if all(point.values.get("relevered") is not None for point in (first, other)):
        out.append(
            f"If that rate is what owners ask without debt, at each plan's debt they ask {percent(first.values['relevered'])} with"
            f" and {percent(other.values['relevered'])} without: more debt moves risk to them, and is no lower cost by itself."
        )
    return out


def _falls(first: Point, other: Point, key: str, what: str, plural: bool) -> str:
    """`lower the cost of all capital from x to y`: from without to with."""
    with_it, alone = first.values.get(key), other.values.get(key)

    def verb(stem: str) -> str:
        return stem if plural else f"{stem}s"

    if with_it is None or alone is None:
        return f"{verb('leave')} the cost of {what} without a comparison, as there is none {'with' if with_it is None else 'without'}"
    if abs(with_it - alone) < SAME:
        return f"{verb('leave')} the cost of {what} at {with_it:.2%}"
    return f"{verb('lower' if with_it < alone else 'raise')} the cost of {what} from {alone:.2%} to {with_it:.2%}"


def _split(first: Point, other: Point) -> tuple[float, float, float] | None:
    """Points of the change in the cost of all capital from the share of debt, the cost of debt and the cost of shares; they add up to it.

    whole = L k_d + (1 - L) k_e, each change at the mean of the other factor; where one has no debt, its cost is the other's.
    """
    found = [_parts(one) for one in (first, other)]
    if found[0] is None or found[1] is None:
        return None
    (share, lent, equity), (share_0, lent_0, equity_0) = found[0], found[1]
    lent, lent_0 = (lent_0 if np.isnan(lent) else lent), (lent if np.isnan(lent_0) else lent_0)
    if np.isnan(lent):
        return 0.0, 0.0, equity - equity_0
    middle = (share + share_0) / 2.0
    mix = (share - share_0) * ((lent + lent_0) - (equity + equity_0)) / 2.0
    return mix, middle * (lent - lent_0), (1.0 - middle) * (equity - equity_0)


def _parts(one: Point) -> tuple[float, float, float] | None:
    """(share of debt, its cost or NaN, cost of shares)."""
    whole, leverage, lent = (one.values.get(key) for key in ("cost_of_all_capital", "debt_to_equity", "cost_of_debt"))
    if whole is None or leverage is None:
        return None
    share = leverage / (1.0 + leverage)
    if lent is None:
        return share, float("nan"), whole
    return share, lent, (whole - share * lent) / (1.0 - share)


def capacity_sentence(first: Point) -> str | None:
    """How many dollars of debt a dollar of each stream's cash carries; None where no stream is known."""
    told = {name: value for name, value in first.capacity.items() if value is not None}
    if not told:
        return None
    text = ", ".join(f"{value:.2f} from {name}" for name, value in told.items())
    return (
        "A dollar of expected cash before tax carries this many dollars of debt, repaid from that stream alone over the horizon at the plan's"
        f" cost of debt, with odds of a breach of no more than {BREACH_ODDS:.0%}: {text}."
    )


def without_debt(debt: Debt) -> tuple[str, ...]:
    """Settings that leave a debt what is outstanding of it at the start."""
    least = (f"financing.{debt.name}.minimum=0 USD",) if debt.minimum > 0.0 else ()
    return (f"financing.{debt.name}.limit={debt.existing!r} USD", *least)
