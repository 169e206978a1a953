"""Debt, shares, treasury, tax and the market of money and coins."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from models.problem import Array, Call, Conversion, Debt, Equity, InterestLimit, Market, PriceFollowsPlan, Tax, Treasury
from optimizer.case.arrays.frame import Frame
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.schema import financing as terms
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.share_price import FollowsPlan

FREQUENCY = {"monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12, "at_maturity": 0}
BLOCKS_PER_DAY = 144.0
#: (first day, BTC per block); the next halving is the case's
SUBSIDIES = ((date(2016, 7, 9), 12.5), (date(2020, 5, 11), 6.25), (date(2024, 4, 20), 3.125))


def build_debts(frame: Frame) -> tuple[Debt, ...]:
    return tuple(_debt(frame, name, one) for name, one in frame.base.financing.items() if isinstance(one, terms.DebtTerms))


def _debt(frame: Frame, name: str, given: terms.DebtTerms) -> Debt:
    def coupon(model: CaseModel) -> Any:
        one = model.financing[name]
        assert isinstance(one, terms.DebtTerms)
        return one.coupon

    spread = np.array([coupon(model).spread for model in frame.models])
    more: dict[str, Any] = {}
    if given.existing is not None:
        more |= {"existing": given.existing.face, "existing_month": min(frame.month(given.existing.issued), 0)}
    if given.security is not None:
        more |= {"advance_rate": given.security.advance_rate, "collateral": tuple(given.security.assets)}
    if isinstance(given, terms.StripTerms):
        more |= _strip(frame, given)
    if isinstance(given, terms.Convertible):
        capped = given.capped_call
        more["conversion"] = Conversion(
            premium=given.conversion_premium,
            capped_call_cost=0.0 if capped is None else capped.cost,
            cap_premium=None if capped is None else capped.cap_premium,
            price=given.conversion_price,
        )
    if isinstance(given, terms.Revolver):
        more["commitment"] = given.commitment_fee
    if isinstance(given, terms.BtcLoan):
        more |= {"ltv": given.ltv, "top_up": given.ltv if given.top_up is None else given.top_up}
    kind = given.type  # type: ignore[attr-defined]
    return Debt(
        name=name,
        kind=kind,
        window=frame.order_mask(given.issue),
        limit=given.limit,
        date_limit=_per_date(frame, given.per_date),
        rate=frame.over_periods(lambda model: coupon(model).base) + spread[:, None],
        minimum=given.minimum,
        price=given.price,
        fee=given.fee,
        maturity=None if given.maturity is None else frame.month(given.maturity),
        tenor=given.tenor,
        **more,
    )


def _strip(frame: Frame, given: terms.StripTerms) -> dict[str, Any]:
    """Terms of debt with a schedule."""
    out: dict[str, Any] = {
        "frequency": FREQUENCY[given.interest],
        "amortisation": given.amortisation,
        "grace": given.grace,
        "balloon": given.balloon,
    }
    if given.pik is not None:
        out |= {"pik": given.pik.share, "pik_months": given.pik.term}
    if given.schedule is not None:
        out["given"] = tuple((one.after, one.share) for one in given.schedule)
    if given.completion is not None:
        late = np.zeros(frame.scenario_count, dtype=np.int64)
        if given.completion.site is not None:
            late = frame.delay(given.completion.site)
        out["completion"] = frame.month(given.completion.date) + late
    if given.coverage is not None:
        out["coverage"] = given.coverage
    if given.ratio is not None:
        out["ratio"] = given.ratio
    if given.amortisation == "sculpted":
        followed = given.bank_case or frame.names[0]
        out["bank_case"] = np.array([name == followed for name in frame.names])
    if given.call is not None:
        out["call"] = Call(tuple((frame.month(step.from_), step.price) for step in given.call))
    if given.put is not None:
        out["put"] = (frame.month(given.put.date), given.put.price)
    return out


def _per_date(frame: Frame, limit: float | None) -> Array:
    return np.full(frame.periods + 1, np.inf if limit is None else limit)


def build_equities(frame: Frame) -> tuple[Equity, ...]:
    return tuple(
        Equity(
            name=name,
            window=frame.mask(one.issue),
            limit=one.limit,
            date_limit=_per_date(frame, one.per_date),  # type: ignore[attr-defined]
            holders=one.holders if isinstance(one, terms.Equity) else "new",
            discount=one.discount,
            fee=one.fee,
            minimum=one.minimum,
        )
        for name, one in frame.base.financing.items()
        if isinstance(one, terms.SharesTerms)
    )


def build_treasury(frame: Frame) -> Treasury:
    given = frame.base.treasury
    retain = np.zeros(frame.periods) if given.retain is None else given.retain.over_periods(frame.timeline)
    return Treasury(
        cash=given.cash,
        coins=given.coins,
        cash_yield=frame.over_periods(lambda model: model.treasury.cash_yield),
        retain=retain,
        coin_fee=given.coin_fee,
        sell=frame.mask(given.sell),
        dividends=frame.mask(given.dividends),
        rescue_penalty=None if given.rescue is None else given.rescue.penalty,
    )


def build_tax(frame: Frame) -> Tax | None:
    given = frame.base.tax
    if given is None:
        return None
    existing = np.zeros(frame.periods)
    if given.existing_depreciation is not None:
        existing = given.existing_depreciation.over_periods(frame.timeline)
    limit = None
    if given.interest_limit is not None:
        first = 0
        if given.interest_limit.from_ is not None:
            first = max(given.interest_limit.from_ - int(frame.clock.calendar_year[0]), 0)
        limit = InterestLimit(given.interest_limit.share, given.interest_limit.ebitda, first)
    return Tax(given.rate, given.losses, given.loss_cap, existing, limit)


def subsidy(frame: Frame) -> Array:
    """(S, T) BTC per block, averaged over the days of each period."""
    out = np.zeros((frame.scenario_count, frame.periods))
    for s, model in enumerate(frame.models):
        last = SUBSIDIES[-1][1]
        steps = [(day.toordinal(), value) for day, value in SUBSIDIES if day < model.market.halving]
        steps.append((model.market.halving.toordinal(), last / 2))
        # Halvings after the one the case names come 210,000 blocks, four years, later each.
        for n in range(1, 12):
            later = model.market.halving.replace(year=model.market.halving.year + 4 * n, day=min(model.market.halving.day, 28))
            steps.append((later.toordinal(), last / 2 ** (n + 1)))
        for t in range(frame.periods):
            days = np.arange(frame.timeline.dates[t].toordinal(), frame.timeline.dates[t + 1].toordinal())
            at = np.searchsorted([day for day, _ in steps], days, side="right") - 1
            values = np.array([25.0, *(value for _, value in steps)])
            out[s, t] = values[at + 1].mean()
    return out


def _followed(frame: Frame) -> PriceFollowsPlan | None:
    """Terms of a share price that follows the plan; the rest of the company as an index that begins at 1 in every scenario."""
    given = frame.base.company.share_price
    if not isinstance(given, FollowsPlan):
        return None
    rest = np.repeat(_at_owners_rate(frame)[None, :], frame.scenario_count, axis=0)
    for s, model in enumerate(frame.models):
        one = model.company.share_price
        if isinstance(one, FollowsPlan) and one.rest is not None:
            index = one.rest.at_dates(frame.timeline)
            rest[s] = index / index[0]
    return PriceFollowsPlan(given.today, rest, given.tolerance)


def _at_owners_rate(frame: Frame) -> Array:
    """(D,) what 1 grows to at the owners' rate."""
    return np.asarray((1.0 + frame.base.objective.discount) ** (frame.clock.date_month / 12.0))


def _share_price(frame: Frame) -> Array | None:
    """(S, D) the path given; of one that follows the plan where the search for it begins: today's price, growing at the owners' rate."""
    given = frame.base.company.share_price
    if given is None:
        return None
    if isinstance(given, FollowsPlan):
        return np.repeat(given.today * _at_owners_rate(frame)[None, :], frame.scenario_count, axis=0)

    def path(model: CaseModel) -> Path | None:
        one = model.company.share_price
        return one if isinstance(one, Path) else None

    return frame.at_dates(path)


def build_market(frame: Frame) -> Market:
    """Without a price of bitcoin, one of 1 USD/BTC: nothing in such a case depends on it."""
    price = frame.over_periods(lambda model: model.market.btc_price, 1.0)
    hashprice = np.zeros_like(price)
    if frame.base.market.hashprice is not None:
        hashprice = frame.over_periods(lambda model: model.market.hashprice)
    elif frame.base.market.network_hashrate is not None:
        fees = frame.over_periods(lambda model: model.market.transaction_fees)
        network = frame.over_periods(lambda model: model.market.network_hashrate)
        hashprice = BLOCKS_PER_DAY * subsidy(frame) * (1.0 + fees) * price / network
    return Market(
        btc_price=frame.at_dates(lambda model: model.market.btc_price, 1.0),
        btc_price_mean=price,
        hashprice=hashprice,
        share_price=_share_price(frame),
        shares=frame.base.company.shares,
        follows=_followed(frame),
    )
