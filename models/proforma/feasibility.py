"""Pro forma of what may be decided: windows, limits, capacities, collateral, who knows what when (README 1 to 10)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Debt, EarnedDividends, Expansion, Hourly, Ints, Mask, Problem, Rig, Site
from models.proforma.assets import EXPANSIONS, Assets, ai_after, decided, expansion
from models.proforma.books import Books
from models.proforma.calendar import calendar
from models.proforma.checks import Checklist, Measured
from models.proforma.debt import Liabilities, first_date, first_month, matures, running_maturity
from models.proforma.hours import Hours
from models.proforma.sizes import FLOAT_TINY, least_usd, rule_size
from models.proforma.terms import by_contract, call_price
from models.proforma.yearly_limits import soft_limits

WINDOW = "decisions inside their windows"
SIGN = "decisions are not negative"
LIMIT = "limits and minimums"


def check_decisions(
    problem: Problem, decisions: Decisions, assets: Assets, debts: Liabilities, books: Books, checks: Checklist
) -> None:
    """Note every limit of the problem that the decisions must keep."""
    usd = books.moved
    for name, values, allowed, scale in _allowed(problem, decisions, books, usd):
        measured = checks.by(max(scale, _size(values)), scale)
        measured.at_most(SIGN, -values, 0.0, name)
        measured.at_most(WINDOW, np.where(allowed, 0.0, np.abs(values)), 0.0, name)
    _names(problem, decisions, checks)
    _nodes(problem, decisions, checks)
    for rig in problem.rigs:
        _check_rig(problem, decisions, assets, rig, checks)
    _check_sites(problem, decisions, assets, checks)
    _check_services(problem, decisions, checks)
    for project in problem.projects:
        total = decided(decisions.units, project.name, problem).sum(axis=1)
        _between(_in_units(checks), total, project.minimum, project.limit, project.name)
    for issue in problem.equities:
        sold = decided(decisions.issued, issue.name, problem)
        face = _face(problem, issue.limit, 0.0, usd)
        of_face = checks.by(face, face)
        _between(of_face, sold.sum(axis=1), issue.minimum, issue.limit, issue.name)
        of_face.at_most(LIMIT, sold, issue.date_limit, issue.name)
    pledged = np.zeros((problem.scenarios.count, problem.clock.dates))
    for debt in problem.debts:
        if debt.kind == "btc_loan":
            pledged = pledged + decided(decisions.pledged, debt.name, problem)
    checks.at_most("pledges within coins", pledged, books.words["coins"])
    for debt in problem.debts:
        _check_debt(problem, decisions, debts, books, debt, checks, usd)
        _check_collateral(problem, assets, books, debt, pledged, checks, usd)


def _size(values: Array) -> float:
    return float(np.max(np.abs(values), initial=0.0))


def _face(problem: Problem, limit: float, existing: float, usd: float) -> float:
    """USD that amounts of an instrument are measured against: all that may be owed on it, or sold of it, and at least `least_usd`.

    A program that is exact to 1e-9 of its unit of money may leave an issue of 3e-4 USD, or a call or a balance of it, where the plan has
    none: against each other such remainders are all wrong, against the face of the instrument they are nothing. What is off by 1e-6 of
    the face shows as that. Where the face itself is small, 1e-7 of it may be less than the program can tell, hence the least, as for
    the program's own figures. usd: what moves at all.
    """
    return max(limit if np.isfinite(limit) else 0.0, existing, least_usd(problem, usd))


def _in_units(checks: Checklist) -> Measured:
    """For amounts that are no money: measured against one natural unit at least."""
    return checks.by(1.0, 1.0)


def _between(measured: Measured, total: Array, least: float, most: float, item: str) -> None:
    """least <= total (S,) <= most."""
    measured.at_most(LIMIT, total[:, None], most, f"{item} in all")
    measured.at_most(LIMIT, least, total[:, None], f"{item}, minimum")


def _ready_in_time(problem: Problem, window: Mask, lead: int) -> Mask:
    """(D,) dates of the window from which an order is ready before the horizon ends (delays apart)."""
    return window & (np.arange(problem.clock.dates) + lead <= problem.clock.periods - 1)


def _allowed(problem: Problem, decisions: Decisions, books: Books, usd: float) -> Iterator[tuple[str, Array, Mask, float]]:
    """Every decision with the dates (broadcast to its shape) at which it may be other than zero, and a scale."""
    dates = np.arange(problem.clock.dates)
    never = np.zeros(problem.clock.dates, dtype=bool)
    inside = dates <= problem.clock.periods - 1
    for rig in problem.rigs:
        may_exercise = _ready_in_time(problem, rig.option.exercise, rig.lead) if rig.option else never
        for i, site in enumerate(problem.sites):
            key, here = (rig.name, site.name), bool(rig.sites[i])
            item = f"{rig.name} at {site.name}"
            may_order = _ready_in_time(problem, rig.window, rig.lead) & here
            yield f"orders of {item}", decided(decisions.orders, key, problem), may_order, 1.0
            yield f"exercises of {item}", decided(decisions.exercised, key, problem), may_exercise & here, 1.0
            yield f"retirements of {item}", decided(decisions.retired, key, problem), inside, 1.0
        may_buy = rig.option.buy if rig.option else never
        yield f"options on {rig.name}", decided(decisions.options, rig.name, problem), may_buy, 1.0
    for site in problem.sites:
        for kind in EXPANSIONS:
            terms: Expansion | None = expansion(site, kind)
            may = _ready_in_time(problem, terms.window, terms.lead) if terms else never
            yield f"{kind} of {site.name}", decided(decisions.built, (site.name, kind), problem), may, 1.0
    for service in problem.services:
        for i, site in enumerate(problem.sites):
            may = _ready_in_time(problem, service.window, service.lead) & bool(service.sites[i])
            signed = decided(decisions.signed, (service.name, site.name), problem)
            yield f"{service.name} at {site.name}", signed, may, 1.0
    for project in problem.projects:
        yield f"units of {project.name}", decided(decisions.units, project.name, problem), project.window, 1.0
    for issue in problem.equities:
        yield f"issue of {issue.name}", decided(decisions.issued, issue.name, problem), issue.window, usd
    for debt in problem.debts:
        yield from _allowed_debt(problem, decisions, debt, usd)
    yield "coins sold", decisions.sold, problem.treasury.sell, 1.0
    yield "dividends", decisions.dividends, problem.treasury.dividends, usd
    may_rescue = np.full(problem.clock.dates, problem.treasury.rescue_penalty is not None)
    yield "rescue", decisions.rescue, may_rescue, usd
    for rule in problem.rules:
        may = np.full(problem.clock.dates, rule.penalty is not None)
        size = rule_size(rule, books.words, books.sizes)
        largest = float(np.max(size, where=np.isfinite(size), initial=FLOAT_TINY))
        yield f"breach of {rule.name}", decided(decisions.breach, rule.name, problem), may, largest
    for key, above in decisions.exceeded.items():
        yield (
            f"excess over {' of '.join(key)}",
            above,
            np.full(calendar(problem.clock).tax_years, key in soft_limits(problem)),
            1.0,
        )


def _allowed_debt(problem: Problem, decisions: Decisions, debt: Debt, usd: float) -> Iterator[tuple[str, Array, Mask, float]]:
    clock, months, dates = problem.clock, calendar(problem.clock), np.arange(problem.clock.dates)
    never = np.zeros(clock.dates, dtype=bool)
    may_issue = never if debt.kind == "revolver" else debt.window
    if debt.kind == "revolver" or not by_contract(debt):
        end = running_maturity(problem, debt) if first_date(debt) is not None else 0
        start = first_date(debt) or 0
        if debt.kind == "revolver":
            balance = decided(decisions.balance, debt.name, problem)
            yield f"balance of {debt.name}", balance, (dates >= start) & (dates < end), usd
        else:
            may_issue = may_issue & (dates < end)
            yield f"repayment of {debt.name}", decided(decisions.repaid, debt.name, problem), dates >= 1, usd
        if debt.kind == "btc_loan":
            pledged = decided(decisions.pledged, debt.name, problem)
            yield f"pledge of {debt.name}", pledged, np.full(clock.dates, True), 1.0
    yield f"issue of {debt.name}", decided(decisions.issued, debt.name, problem), may_issue, usd
    callable_at = np.array([_callable(problem, debt, d) for d in range(clock.dates)])
    if debt.name in decisions.called:
        for v in range(clock.dates):
            end = matures(problem, debt, months.month_at(v))
            may = callable_at & (dates > v) & (dates < end)
            yield f"call of {debt.name} of date {v}", decisions.called[debt.name][:, v], may, usd
    key = f"{debt.name}@existing"
    if key in decisions.called:
        end = matures(problem, debt, debt.existing_month)
        may = callable_at & (dates < end) & (debt.existing > 0.0)
        yield f"call of {key}", decisions.called[key], may, usd


def _callable(problem: Problem, debt: Debt, date: int) -> bool:
    if debt.kind == "convertible" or not by_contract(debt) or date < 1:
        return False
    return call_price(debt.call, calendar(problem.clock).month_at(date)) is not None


def _names(problem: Problem, decisions: Decisions, checks: Checklist) -> None:
    """A decision about something the problem does not have is refused: it would be silently left out of the books."""
    sites = [site.name for site in problem.sites]
    rigs = {(rig.name, name) for rig in problem.rigs for name in sites}
    debts = [debt.name for debt in problem.debts]
    known: list[tuple[str, dict, set]] = [
        ("orders", decisions.orders, rigs),
        ("exercised", decisions.exercised, rigs),
        ("retired", decisions.retired, rigs),
        ("options", decisions.options, {rig.name for rig in problem.rigs}),
        ("built", decisions.built, {(name, kind) for name in sites for kind in EXPANSIONS}),
        ("signed", decisions.signed, {(j.name, name) for j in problem.services for name in sites}),
        ("units", decisions.units, {project.name for project in problem.projects}),
        ("issued", decisions.issued, {*debts, *(issue.name for issue in problem.equities)}),
        ("called", decisions.called, {*debts, *(f"{name}@existing" for name in debts)}),
        ("repaid", decisions.repaid, {d.name for d in problem.debts if not by_contract(d) and d.kind != "revolver"}),
        ("balance", decisions.balance, {d.name for d in problem.debts if d.kind == "revolver"}),
        ("pledged", decisions.pledged, {d.name for d in problem.debts if d.kind == "btc_loan"}),
        ("breach", decisions.breach, {rule.name for rule in problem.rules if rule.penalty is not None}),
        ("exceeded", decisions.exceeded, soft_limits(problem)),
    ]
    for table, values, names in known:
        for key, amount in values.items():
            stray = 0.0 if key in names else float(np.max(np.abs(amount), initial=0.0))
            checks.note("decisions are about what exists", stray, 1.0, (table, key))
    for place in dict.fromkeys(key[0] for key in decisions.dispatch):
        checks.note("decisions are about what exists", 0.0 if place in sites else 1.0, 1.0, ("dispatch", place))


def _nodes(problem: Problem, decisions: Decisions, checks: Checklist) -> None:
    """Scenarios that share a node share the decision."""
    tables: list[tuple[str, dict]] = [
        ("orders", decisions.orders),
        ("exercised", decisions.exercised),
        ("retired", decisions.retired),
        ("options", decisions.options),
        ("built", decisions.built),
        ("signed", decisions.signed),
        ("issued", decisions.issued),
        ("called", decisions.called),
    ]
    first = _first_of_node(problem)
    for table, values in tables:
        for key, amount in values.items():
            _same(first, amount, f"{table} {key}", checks)
    for debt in problem.debts:
        # A BTC loan's repayments answer margin calls: they are decided in each scenario.
        if debt.kind != "btc_loan" and debt.name in decisions.repaid:
            _same(first, decisions.repaid[debt.name], f"repaid {debt.name}", checks)
    _same(first, decisions.sold, "sold", checks)
    _same(first, decisions.dividends, "dividends", checks)
    for project in problem.projects:
        if not project.recourse:
            _same(first, decided(decisions.units, project.name, problem), project.name, checks)


def _first_of_node(problem: Problem) -> Ints:
    """(S, D) the first scenario of each scenario's node."""
    node = problem.scenarios.node
    first = np.empty_like(node)
    for d in range(node.shape[1]):
        _, index, inverse = np.unique(node[:, d], return_index=True, return_inverse=True)
        first[:, d] = index[inverse]
    return first


def _same(first: Ints, values: Array, item: str, checks: Checklist) -> None:
    """values (S, ..., D) agree between each scenario and the first (S, D) scenario of its node."""
    flat = values.reshape(values.shape[0], -1, values.shape[-1])
    twin = np.take_along_axis(flat, first[:, None, :], axis=0)
    gap = np.abs(flat - twin).max(axis=1)
    checks.at_most("decisions agree within a node", gap, 0.0, item, scale=_size(values))


def _check_rig(problem: Problem, decisions: Decisions, assets: Assets, rig: Rig, checks: Checklist) -> None:
    """Supply, limits, life, options; a fleet is never negative."""
    clock = problem.clock
    ordered = np.zeros((problem.scenarios.count, clock.dates))
    exercised = np.zeros_like(ordered)
    for i, site in enumerate(problem.sites):
        key = (rig.name, site.name)
        by_option = decided(decisions.exercised, key, problem)
        here = decided(decisions.orders, key, problem) + by_option
        retired = np.cumsum(decided(decisions.retired, key, problem), axis=1)
        ordered, exercised = ordered + here, exercised + by_option
        worn_out = np.zeros_like(ordered)
        gone = rig.lead + rig.life
        if gone < clock.dates:
            worn_out[:, gone:] = np.cumsum(here, axis=1)[:, : clock.dates - gone]
        worn_out += np.where(np.arange(clock.dates) >= rig.owned_life, rig.owned[i], 0.0)
        at = slice(0, clock.periods)
        item = f"{rig.name} at {site.name}"
        checks.at_most("rigs retire within their life", worn_out[:, at], retired[:, at], item)
        fleet = assets.fleet[key]
        checks.at_most("rigs retired are there", -fleet, 0.0, item, scale=_size(retired))
    checks.at_most("rig supply", ordered, rig.supply, rig.name)
    checks.at_most(LIMIT, ordered.sum(axis=1)[:, None], rig.limit, f"{rig.name} in all")
    if rig.option is not None:
        held = np.cumsum(decided(decisions.options, rig.name, problem), axis=1)
        checks.at_most("options exercised are held", np.cumsum(exercised, axis=1), held, rig.name)
        checks.at_most(LIMIT, held, rig.option.limit, f"options on {rig.name}")


def _check_sites(problem: Problem, decisions: Decisions, assets: Assets, checks: Checklist) -> None:
    """Builds within limits; rigs and AI inside their halls; blocks inside the interconnection."""
    for site in problem.sites:
        for kind in EXPANSIONS:
            terms = expansion(site, kind)
            if terms is not None:
                total = decided(decisions.built, (site.name, kind), problem).sum(axis=1)
                _between(_in_units(checks), total, terms.minimum, terms.limit, f"{kind} of {site.name}")
        mining = assets.mining_hall[site.name]
        checks.at_most("mining halls are not negative", -mining, 0.0, site.name, scale=_size(mining))
        fleet = sum((k for (_, place), k in assets.fleet.items() if place == site.name), np.zeros_like(mining))
        checks.at_most("rigs within mining halls", fleet, mining, site.name)
        served = sum((c for (_, place), c in assets.contracted.items() if place == site.name), np.zeros_like(mining))
        checks.at_most("AI within AI halls", served, assets.ai_hall[site.name], site.name)
        # what runs after the horizon needs a hall that stands in its last period
        later = ai_after(assets, site.name)
        checks.at_most("AI after the horizon within AI halls", later, assets.ai_hall[site.name][:, -1:], site.name)
        checks.at_most("floors after the horizon within power", *_floors_after(problem, assets, site), site.name)
        blocks = sum((block.mw for block in site.blocks), np.zeros(problem.clock.periods))
        checks.at_most("blocks within the interconnection", blocks, assets.interconnection[site.name], site.name)


def _floors_after(problem: Problem, assets: Assets, site: Site) -> tuple[Array, Array]:
    """(S, K) MWh that services must be served in periods T, T + 1, ... if each is like the last one; (S, 1) MWh that it can bring at most."""
    clock, last = problem.clock, problem.clock.periods - 1
    kept, scenarios = Hours(clock), range(problem.scenarios.count)

    def hours(of: Hourly | None) -> Array:
        part = kept.parts[last]
        weight = kept.weight[part]
        return np.array([weight.sum() if of is None else weight @ kept.of(of, s)[part] for s in scenarios])[:, None]

    owed = np.zeros_like(ai_after(assets, site.name))
    for service in problem.services:
        mw = assets.contracted_after.get((service.name, site.name))
        if mw is not None and service.floor > 0.0:
            owed[:, : mw.shape[1]] += service.floor * site.gross_ratio * hours(service.demand) * mw
    taken = sum((float(block.mw[last]) for block in site.blocks), 0.0)
    line = np.full((len(scenarios), 1), taken) if site.grid is None else assets.interconnection[site.name][:, -1:]
    power = line * hours(site.grid.availability if site.grid is not None else None)
    for own in site.own:
        power = power + float(own.mw[last]) * hours(own.availability)
    if site.diesel is not None:
        power = power + float(site.diesel.mw[last]) * hours(None)
    return owed, power


def _check_services(problem: Problem, decisions: Decisions, checks: Checklist) -> None:
    """Signed MW within the tenant's demand and minimum."""
    for service in problem.services:
        names = [(service.name, site.name) for site in problem.sites]
        total = np.zeros(problem.scenarios.count)
        for key in names:
            total = total + decided(decisions.signed, key, problem).sum(axis=1)
        total = total + float(np.sum(service.contracted))
        _between(_in_units(checks), total, service.minimum, max(service.limit, float(np.sum(service.contracted))), service.name)


def _check_debt(
    problem: Problem,
    decisions: Decisions,
    debts: Liabilities,
    books: Books,
    debt: Debt,
    checks: Checklist,
    usd: float,
) -> None:
    """Issue limits, calls, maturity, and what each running balance must keep."""
    clock, dates = problem.clock, np.arange(problem.clock.dates)
    issued = decided(decisions.issued, debt.name, problem)
    balance = debts.of(debt.name, "closing")
    face = _face(problem, debt.limit, debt.existing, usd)
    of_face = checks.by(face, face)
    checks.at_most("debt is not negative", -balance, 0.0, debt.name, scale=max(face, usd), least=face)
    if debt.kind != "revolver":
        of_face.at_most(LIMIT, issued, debt.date_limit, debt.name)
        missing = debt.minimum - debt.existing
        of_face.at_most(LIMIT, missing, issued.sum(axis=1)[:, None], f"{debt.name}, minimum")
    if debt.kind in ("revolver", "btc_loan"):
        of_face.at_most("balance within the limit", balance, max(debt.limit, 0.0), debt.name)
    else:
        total = issued.sum(axis=1)[:, None]
        of_face.at_most(LIMIT, total, max(debt.limit - debt.existing, 0.0), f"{debt.name} in all")
    if by_contract(debt):
        _check_strip(problem, decisions, debts, debt, of_face)
        return
    start = first_date(debt)
    end = running_maturity(problem, debt) if start is not None else 0
    after = np.where(dates >= end, np.abs(balance), 0.0)
    of_face.at_most("debt is zero at maturity", after, 0.0, debt.name)
    if debt.kind == "btc_loan":
        pledged = decided(decisions.pledged, debt.name, problem) * problem.market.btc_price
        share = np.where(debt.window, debt.ltv, debt.top_up)
        of_face.at_most("loan to value", balance, share * pledged, debt.name)
    if debt.amortisation in ("sculpted", "as_cash_allows") and debt.kind == "loan":
        lines = debts.schedules[debt.name]
        service = lines["interest_paid"] + lines["principal"]
        months = calendar(clock).month - first_month(problem, debt)
        applies = (dates >= 1) & (months > debt.grace) & (dates <= min(end, clock.periods))
        if debt.amortisation == "sculpted":
            _check_sculpted(problem, debt, lines, service, books, applies, checks, of_face)
        elif debt.coverage > 0.0:
            cover = np.where(applies, books.words["cfads"], np.inf)
            size = books.sizes["cfads"]
            checks.at_most("coverage of a loan", debt.coverage * service, cover, debt.name, scale=size, least=checks.usd)


def _check_sculpted(
    problem: Problem,
    debt: Debt,
    lines: dict[str, Array],
    service: Array,
    books: Books,
    applies: Mask,
    checks: Checklist,
    of_face: Measured,
) -> None:
    """One schedule in all scenarios, and in the bank case the same share of cfads at every date after grace.

    service (S, D) USD; applies (D,) the dates after grace up to maturity; of_face: the checks of its amounts.
    """
    cfads = books.words["cfads"]
    of_cash = checks.by(books.sizes["cfads"], checks.usd)
    for line in ("issued", "principal"):
        checks.equal("one schedule of a sculpted loan", lines[line], lines[line][:1], f"{debt.name}, {line}", least=checks.usd)
    quiet = np.where(applies, 0.0, lines["principal"])
    of_face.at_most("no principal in grace", np.abs(quiet), 0.0, debt.name)
    if not lines["issued"].any() and debt.existing <= 0.0 and (debt.ratio is None or not _may_draw(problem, debt)):
        return
    agreed = np.arange(problem.scenarios.count) == 0 if debt.bank_case is None else debt.bank_case
    at = agreed[:, None] & applies
    paid, cash = np.where(at, service, 0.0), np.where(at, cfads, 0.0)
    if debt.ratio is not None:
        of_cash.equal("ratio of a sculpted loan", debt.ratio * paid, cash, debt.name)
        return
    in_all = cash.sum(axis=1, keepdims=True)
    share = np.divide(paid.sum(axis=1, keepdims=True), in_all, out=np.zeros_like(in_all), where=in_all != 0.0)
    of_cash.equal("ratio of a sculpted loan", paid, share * cash, debt.name)
    of_cash.at_most("coverage of a loan", debt.coverage * paid, np.where(at, cfads, np.inf), debt.name)


def _may_draw(problem: Problem, debt: Debt) -> bool:
    """Whether face may be issued at any date before the loan matures."""
    dates = np.arange(problem.clock.dates)
    before = dates < min(running_maturity(problem, debt), problem.clock.periods)
    return debt.limit > debt.existing and bool((debt.window & before).any())


def _check_strip(problem: Problem, decisions: Decisions, debts: Liabilities, debt: Debt, of_face: Measured) -> None:
    """No more is called than was issued and still stands; nothing is left from maturity on."""
    clock, dates = problem.clock, np.arange(problem.clock.dates)
    issued = decided(decisions.issued, debt.name, problem)
    called = decisions.called.get(debt.name)
    if called is not None:
        of_face.at_most("calls within the face", called.sum(axis=2), issued, debt.name)
    key = f"{debt.name}@existing"
    if key in decisions.called:
        total = decisions.called[key].sum(axis=1)[:, None]
        of_face.at_most("calls within the face", total, debt.existing, key)
    ends = [matures(problem, debt, month) for month in calendar(clock).month.tolist()]
    closing = debts.schedules[debt.name]["closing"]
    after = np.zeros_like(issued)
    for d in range(clock.dates):
        # With a tenor vintages end one by one: nothing stands at a date when every vintage so far has ended.
        open_face = sum((issued[:, v] for v in range(d + 1) if ends[v] > d), np.zeros(len(issued)))
        after[:, d] = np.where(open_face == 0.0, np.abs(closing[:, d]), 0.0)
    of_face.at_most("debt is zero at maturity", after, 0.0, debt.name)
    if debt.existing > 0.0:
        end = matures(problem, debt, debt.existing_month)
        lines = debts.schedules[key]
        after = np.where(dates >= max(end, 1), np.abs(lines["closing"]), 0.0)
        of_face.at_most("debt is zero at maturity", after, 0.0, key)


def _check_collateral(
    problem: Problem,
    assets: Assets,
    books: Books,
    debt: Debt,
    pledged: Array,
    checks: Checklist,
    usd: float,
) -> None:
    """Balance <= advance rate x value of the collateral named."""
    if not debt.collateral:
        return
    value = np.zeros_like(pledged)
    for kind in debt.collateral:
        if kind == "rigs":
            for rig in problem.rigs:
                mw = books.words[f"rigs_mw[{rig.name}]"]
                value = value + rig.resale * mw
        elif kind == "halls":
            value = value + np.cumsum(assets.ordered["halls"] + assets.ordered["interconnection"], axis=1)
        elif kind == "equipment":
            value = value + np.cumsum(assets.ordered["equipment"], axis=1)
        elif kind == "coins":
            value = value + problem.market.btc_price * (books.words["coins"] - pledged)
        else:
            raise ValueError(f"collateral of {debt.name!r} is {kind!r}; expected rigs, halls, equipment or coins")
    balance = books.words[f"outstanding[{debt.name}]"]
    face = _face(problem, debt.limit, debt.existing, usd)
    of_face = checks.by(face, face)
    of_face.at_most("collateral covers the balance", balance, debt.advance_rate * value, debt.name)


# ---- dividends that must be earned -----------------------------------------------------------------------------------


def dividend_bars(problem: Problem, policy: EarnedDividends, decisions: Decisions, retained: Array) -> Array:
    """(S, D) USD that stand against a dividend: what it and rescue money exceed earnings by, or money that was only lent or brought in.

    retained (S, D): net income since the start.
    """
    given_out = np.cumsum(decisions.dividends + decisions.rescue, axis=1)
    unearned = np.maximum(given_out - retained - policy.opening, 0.0)
    drawn = [decided(decisions.balance, debt.name, problem) for debt in problem.debts if debt.kind == "revolver"]
    sold = sum((decided(decisions.issued, one.name, problem) for one in problem.equities), np.zeros_like(retained))
    lately = sold.copy()
    lately[:, 1:] += sold[:, :-1]
    return np.asarray(np.maximum(unearned, sum(drawn, decisions.rescue + lately)))


def check_dividends(problem: Problem, decisions: Decisions, retained: Array, checks: Checklist) -> None:
    """No dividend where something bars it: the smaller of the two is nothing, measured against what is paid, earned and moved at all."""
    for policy in problem.earned_dividends:
        against = dividend_bars(problem, policy, decisions, retained)
        paid = np.where(policy.active, np.minimum(decisions.dividends, against), 0.0)
        size = max(float(np.max(np.abs(x), initial=0.0)) for x in (decisions.dividends, retained, np.array(policy.opening)))
        checks.at_most("dividends are earned", paid, 0.0, policy.name, scale=size, least=checks.usd)
