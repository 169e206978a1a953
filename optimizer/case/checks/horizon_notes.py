"""Notes on what a case leaves to assumption: what counts after its horizon, what tax never sees, and where its share price goes.

Each is true of the case as it is written, and none says that it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from models.finance.capital.horizon_end import latest_end, stops
from models.problem import Depreciation, Problem, Service
from optimizer.engine.views.builds import BUILDS
from optimizer.text import money, percent

#: a year by which the growth of the share price may differ from the owners' rate before it is told
PRICE_GAP = 0.05
#: names of a kind that a sentence lists
MOST_NAMES = 4


def horizon_notes(problem: Problem, says: Callable[[str], bool]) -> Iterator[str]:
    """Sentences. says: whether the case itself has a value at a path, as in `objective.terminal.halls`."""
    yield from _counts_nothing(problem, says)
    yield from _never_deducted(problem)
    yield from _price_growth(problem)


def _counts_nothing(problem: Problem, says: Callable[[str], bool]) -> Iterator[str]:
    """What can outlast the horizon and counts nothing there because the case does not say what it counts."""
    terminal, found = problem.terminal, []

    def silent(key: str) -> bool:
        return getattr(terminal, key) == 0.0 and not says(f"objective.terminal.{key}")

    builds = {key: _sites_with(problem, *kinds) for key, kinds in _BUILDS.items()}
    found += [f"{key} ({_listed(names)})" for key, names in builds.items() if names and silent(key)]
    beyond = stops(problem)
    if silent("equipment") and (names := [f"ai.{one.name}" for one in beyond if one.equipment is not None]):
        found.append(f"equipment ({_listed(names)})")
    if silent("contracts") and (leases := [one for one in beyond if one.kind == "lease"]):
        found.append(f"contracts ({_listed([f'ai.{one.name}, {_years_beyond(problem, one)}' for one in leases])})")
    if silent("opening_assets") and problem.opening_ppe > 0.0:
        found.append(f"opening_assets (plant of {money(problem.opening_ppe)} that stands at the start)")
    if found:
        yield f"nothing is counted at the horizon's end of what objective.terminal does not name: {'; '.join(found)}"


#: share of `objective.terminal` -> what a site can order that it counts
_BUILDS = {"halls": ("build_mining", "build_ai", "convert"), "interconnection": ("expand", "store")}


def _sites_with(problem: Problem, *kinds: str) -> list[str]:
    """Paths of sites that can order any of these."""
    return [
        f"sites.{site.name}"
        for site in problem.sites
        if any((terms := getattr(site, kind)) is not None and terms.limit > 0.0 and terms.window.any() for kind in kinds)
    ]


def _years_beyond(problem: Problem, service: Service) -> str:
    """Up to how long a contract can run beyond the horizon."""
    periods = problem.clock.periods
    last = max(latest_end(service, periods), service.contracted_term)
    return f"up to {(last - periods) * float(problem.years[-1]):.3g} years beyond"


def _never_deducted(problem: Problem) -> Iterator[str]:
    """Plant that can be bought under a tax and is never deducted from what is taxed."""
    if problem.tax is None or problem.tax.rate == 0.0:
        return
    names = [path for path, terms in _plant(problem) if terms.method == "none" and terms.bonus == 0.0]
    if names:
        yield f"under a tax of {percent(problem.tax.rate)} the cost of {_listed(names)} is never deducted: no tax depreciation is given"


def _plant(problem: Problem) -> Iterator[tuple[str, Depreciation]]:
    """(path, depreciation) of everything that can be bought for money."""
    for rig in problem.rigs:
        if rig.limit > 0.0 and rig.window.any() and rig.price.any():
            yield f"rigs.{rig.name}", rig.depreciation
    for site in problem.sites:
        for kind, build in BUILDS.items():
            terms = getattr(site, kind)
            if terms is not None and terms.limit > 0.0 and terms.window.any() and terms.cost.any():
                yield f"sites.{site.name}.{build.place}", terms.depreciation
    for service in problem.services:
        if service.equipment is not None and service.limit > 0.0 and service.window.any() and service.equipment.any():
            yield f"ai.{service.name}.equipment", service.depreciation


def _price_growth(problem: Problem) -> Iterator[str]:
    """A share price in which something is paid, and whose odds-weighted growth is far from what owners ask."""
    price = problem.market.share_price
    paid = [debt.name for debt in problem.debts if debt.conversion is not None and (debt.limit > 0.0 or debt.existing > 0.0)]
    paid += [issue.name for issue in problem.equities if issue.holders == "new" and issue.limit > 0.0]
    if price is None or not paid:
        return
    mean = problem.scenarios.probability @ price
    years = float(problem.clock.date_month[-1]) / 12.0
    growth, asked = float((mean[-1] / mean[0]) ** (1.0 / years) - 1.0), problem.objective.discount
    if abs(growth - asked) > PRICE_GAP:
        yield (
            f"company.share_price grows {percent(growth)} a year, weighted by odds, and owners ask for {percent(asked)}: what is paid in"
            f" shares ({_listed([f'financing.{name}' for name in paid])}) looks {'dear' if growth > asked else 'cheap'} by the difference"
        )


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more"]
    return ", ".join(shown)
