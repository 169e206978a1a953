"""The words of rules (README 13): what each means, its unit, and what may stand in its brackets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """What a word of README section 13 means.

    unit: canonical; sign: 'nonnegative' | 'any'; kind: 'flow' of the date | 'stock' after the date;
    argument: what stands in brackets, None | 'instrument' | 'sale' (of shares to new holders) | 'rig' | 'site' | 'service' |
    'project' | 'good' | 'asset' (a kind of `ASSETS`); a rig or service also takes [@site], all of a site, and [name@site];
    optional: the argument may be left out, and the word is then the sum over all; operating: settles from date 1 on.
    """

    meaning: str
    unit: str
    sign: str
    kind: str
    argument: str | None = None
    optional: bool = False
    operating: bool = False


def _operating(meaning: str, unit: str, sign: str = "nonnegative", argument: str | None = None) -> Word:
    return Word(meaning, unit, sign, "flow", argument, optional=argument is not None, operating=True)


def _metered(meaning: str, unit: str) -> Word:
    """Measured at sites: of one, or of all."""
    return Word(meaning + " in the period that ends at the date", unit, "nonnegative", "flow", "site", True, True)


def _flow(meaning: str, unit: str, argument: str | None = None, sign: str = "nonnegative", optional: bool = False) -> Word:
    return Word(meaning, unit, sign, "flow", argument, optional)


def _stock(meaning: str, unit: str, argument: str | None = None, optional: bool = False, sign: str = "nonnegative") -> Word:
    return Word(meaning, unit, sign, "stock", argument, optional)


#: what capital is spent on: the names in the brackets of capex
ASSETS = ("rigs", "options", "halls", "interconnection", "equipment")

WORDS: dict[str, Word] = {
    "revenue": _operating("rents, cloud, mining (all coins), power sold, demand response", "USD", "any"),
    "ai_revenue": _operating("rents, and cloud prices on energy served, without energy paid back", "USD", "any", "service"),
    "ebitda": _operating("revenue less energy, hosting, fixed costs and overhead, with all coins mined", "USD", "any"),
    "cfads": _operating("cash flow available for debt service: ebitda less coins kept less tax paid", "USD", "any"),
    "interest": _operating("cash interest and commitment fees paid", "USD"),
    "principal": _operating("scheduled principal paid; no maturity, call, put or revolver movement", "USD"),
    "debt_service": _operating("interest + principal", "USD"),
    "maturities": _operating("debt repaid in cash at its maturity or at a holder's put", "USD", argument="instrument"),
    "tax": _operating("income tax paid", "USD"),
    "btc_mined": _operating("coins mined in the period that ends at the date, after the pool's fee", "BTC", argument="site"),
    "energy_mwh": _metered("energy that rigs and AI used, at the meter,", "MWh"),
    "grid_mwh": _metered("energy bought from the grid, without contracted blocks,", "MWh"),
    "emissions_t": _metered("CO2 emitted", "t"),
    "ai_mwh": _operating("energy used by AI in the period that ends at the date, at the meter", "MWh", argument="service"),
    "diesel_mwh": _operating("diesel energy generated in the period that ends at the date", "MWh", argument="site"),
    "capex": _flow("cash paid for rigs, options, halls, interconnection and equipment", "USD", "asset", optional=True),
    "dividends": _flow("cash paid to shareholders", "USD"),
    "contributions": _flow("shares sold to existing holders", "USD"),
    "rescue": _flow("rescue equity", "USD"),
    "issued": _flow("face issued, drawn or sold; nothing for a revolver", "USD", "instrument"),
    "raised": _flow("face issued, drawn or sold of all instruments but revolvers", "USD"),
    "shares_issued": _flow("new shares sold to new holders, at the price of the date", "shares", "sale", optional=True),
    "provided": _flow("amount of a good that projects provide", "units", "good", "any"),
    "cash": _stock("cash", "USD"),
    "coins": _stock("bitcoin held", "BTC"),
    "coins_value": _stock("bitcoin held, at the price of the date", "USD"),
    "liquidity": _stock("cash + coins_value", "USD"),
    "total_debt": _stock("balances of all debt, with PIK, without interest due", "USD"),
    "net_debt": _stock("total_debt - cash", "USD", sign="any"),
    "outstanding": _stock("balance of a debt", "USD", "instrument"),
    "rigs_mw": _stock("rigs installed, at the wall", "MW", "rig", optional=True),
    "mining_hall_mw": _stock("mining halls ready", "MW", "site"),
    "ai_hall_mw": _stock("AI halls ready, critical MW", "MW", "site"),
    "interconnection_mw": _stock("interconnection ready", "MW", "site"),
    "ai_mw": _stock("AI capacity that runs, critical MW", "MW", "service", optional=True),
    "hashrate": _stock("hashrate installed", "PH/s", "rig", optional=True),
    "units": _stock("units of a project decided so far", "units", "project"),
}

#: A rule with one of these in it applies at d >= 1: they are 0 at date 0 by definition.
FLOW_WORDS: frozenset[str] = frozenset(name for name, word in WORDS.items() if word.operating)


def vocabulary(
    *,
    debts: Iterable[str] = (),
    equities: Iterable[str] = (),
    rigs: Iterable[str] = (),
    sites: Iterable[str] = (),
    services: Iterable[str] = (),
    projects: Iterable[str] = (),
    goods: Iterable[str] = (),
    sales: Iterable[str] = (),
) -> dict[str, frozenset[str] | None]:
    """`words` for `compile_rule`: every word with the arguments that exist. Equity is issued but never outstanding.

    sales: the equities that are sold to new holders.
    """
    borrowed, places = frozenset(debts), frozenset(sites)

    def placed(things: Iterable[str]) -> frozenset[str]:
        """Names alone, [@site] and [name@site]."""
        alone = frozenset(things)
        return alone | {f"{thing}@{site}" for thing in ("", *alone) for site in places} if alone else alone

    names = {
        "instrument": borrowed, "rig": placed(rigs), "site": places, "service": placed(services), "sale": frozenset(sales),
        "project": frozenset(projects), "good": frozenset(goods), "asset": frozenset(ASSETS),
    }  # fmt: skip
    out: dict[str, frozenset[str] | None] = {}
    for name, word in WORDS.items():
        allowed = None if word.argument is None else names[word.argument]
        out[name] = allowed if allowed is None or not word.optional else allowed | {""}
    out["issued"] = borrowed | frozenset(equities)
    return out
