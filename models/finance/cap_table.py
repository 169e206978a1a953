"""Cap table: shares by date, earnings per share as if converted, and who owns what at several share prices at the horizon.

Sources: ASC 260-10-45-40 and IAS 33.49-50 (if-converted method); ASU 2020-06 (a convertible is one liability; settled in shares it is
counted as if converted). A capped call brings shares back and is left out of diluted earnings: it would be antidilutive.
"""

from __future__ import annotations

import numpy as np

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, less, plus, statement
from models.problem import Array, Conversion, Debt

#: multiples of the scenario's share price at the horizon at which conversion is worked out
MULTIPLES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)


def if_converted(earnings: Array, shares: Array, added: Array, potential: Array) -> tuple[Array, Array, Array]:
    """(earnings, shares, earnings per share), diluted: added (after tax) and potential shares count unless they would raise it.

    Raises nothing; where there are no shares the result is NaN.
    """
    earnings, shares, added, potential = (np.asarray(x, dtype=float) for x in (earnings, shares, added, potential))
    with np.errstate(divide="ignore", invalid="ignore"):
        basic = earnings / shares
        step = added / potential
        counts = (potential > 0.0) & (step < basic)
        top, bottom = earnings + np.where(counts, added, 0.0), shares + np.where(counts, potential, 0.0)
        each = np.where(bottom > 0.0, top / bottom, np.nan)
    return top, bottom, each


def cap_table(context: StatementContext, income: Statement) -> Statement:
    """Shares after each date, and earnings per share of the period that ends at it.

    Shares of a period are those after the date before. Convertibles that stand then count as if converted, each in turn, the most
    dilutive first; their interest after tax (tax at the full rate) is added back.
    """
    problem, books = context.problem, context.books
    words = books.words
    sold = [issue.name for issue in problem.equities if issue.holders == "new"]
    convertibles = [debt.name for debt in problem.debts if debt.kind == "convertible"]
    delivered = {name: context.zero.copy() for name in convertibles}
    standing = {name: context.zero.copy() for name in convertibles}
    for one in books.convertibles:
        delivered[one.instrument][one.scenario] += one.shares
        standing[one.instrument][one.scenario] += one.balance / one.strike
    lines = [Line("opening_shares", "Shares before", kind="opening", unit="shares", opens="shares", section="Shares")]
    lines += [Line(f"sold[{name}]", f"{name}, shares sold", unit="shares", section="Shares") for name in sold]
    lines += [Line(f"converted[{name}]", f"{name}, shares delivered", unit="shares", section="Shares") for name in convertibles]
    moves = plus("opening_shares", *(f"sold[{name}]" for name in sold), *(f"converted[{name}]" for name in convertibles))
    lines.append(Line("shares", "Shares after", kind="stock", unit="shares", sums=moves, section="Shares"))
    potential = [f"potential[{name}]" for name in convertibles]
    lines += [
        Line(f"potential[{name}]", f"{name}, shares if converted", kind="stock", unit="shares", section="If converted")
        for name in convertibles
    ]
    all_shares = plus("shares", *potential)
    lines.append(
        Line(
            "shares_if_converted", "Shares if all converted", kind="stock", unit="shares", sums=all_shares, section="If converted"
        )
    )
    lines += [
        Line("net_income", "Net income", section="Per share", memo=True),
        Line("diluted_income", "Net income, diluted", section="Per share", memo=True),
        Line("basic_shares", "Shares of the period", kind="stock", unit="shares", section="Per share", memo=True),
        Line("diluted_shares", "Shares of the period, diluted", kind="stock", unit="shares", section="Per share", memo=True),
        Line(
            "basic_eps",
            "Earnings per share",
            kind="ratio",
            unit="USD/share",
            ratio=("net_income", "basic_shares"),
            section="Per share",
        ),
        Line(
            "diluted_eps",
            "Earnings per share, diluted",
            kind="ratio",
            unit="USD/share",
            ratio=("diluted_income", "diluted_shares"),
            section="Per share",
        ),
    ]
    entries: dict[str, Array] = {f"sold[{name}]": words[f"shares_issued[{name}]"] for name in sold}
    entries |= {f"converted[{name}]": delivered[name] for name in convertibles}
    entries |= {f"potential[{name}]": standing[name] for name in convertibles}
    change = sum((entries[key] for key, _ in moves if key != "opening_shares"), context.zero)
    after = problem.market.shares + np.cumsum(change, axis=1)
    entries["opening_shares"] = after - change
    before = np.concatenate([np.full((len(after), 1), problem.market.shares), after[:, :-1]], axis=1)
    entries["basic_shares"], entries["net_income"] = before, income["net_income"]
    entries["diluted_income"], entries["diluted_shares"] = _diluted(context, income["net_income"], before, standing)
    return context.statement("cap_table", "Cap table", lines, entries, "shares sold and delivered positive")


def _diluted(context: StatementContext, earnings: Array, shares: Array, standing: dict[str, Array]) -> tuple[Array, Array]:
    """Diluted earnings and shares: convertibles one by one, the most dilutive first, while they lower earnings per share."""
    rate = context.problem.tax.rate if context.problem.tax is not None else 0.0
    if not standing:
        return earnings, shares
    added, potential = [], []
    for name, stock in standing.items():
        keys = [key for key in (name, f"{name}@existing") if key in context.books.schedules]
        cost = sum(
            (context.debt(line, key) for key in keys for line in ("interest_accrued", "effective_amortisation")), context.zero
        )
        added.append((1.0 - rate) * cost)
        potential.append(np.concatenate([context.zero[:, :1], stock[:, :-1]], axis=1))
    gain, more = np.stack(added), np.stack(potential)
    step = np.where(more > 0.0, gain / np.where(more > 0.0, more, 1.0), np.inf)
    order = np.argsort(step, axis=0, kind="stable")
    top, bottom = earnings, shares
    for k in range(len(order)):
        here = order[k : k + 1]
        top, bottom, _ = if_converted(top, bottom, np.take_along_axis(gain, here, 0)[0], np.take_along_axis(more, here, 0)[0])
    return top, bottom


def conversion_table(context: StatementContext, table: Statement) -> Statement:
    """Who owns the company at the horizon if the share price there were a multiple of the scenario's; columns are the multiples.

    A convertible that stands at the horizon takes face / strike shares where the price is above its strike, and is owed its balance
    elsewhere; its capped call brings shares worth min(max(S / K - 1, 0), cap / K - 1) of the balance.
    """
    problem, books = context.problem, context.books
    prices = problem.market.share_price
    last = context.zero[:, -1] if prices is None else prices[:, -1]
    price = last[:, None] * np.array(MULTIPLES)
    terms: dict[str, Debt] = {debt.name: debt for debt in problem.debts if debt.kind == "convertible"}
    zero = np.zeros_like(price)
    shares, back, owed, claim = ({name: zero.copy() for name in terms} for _ in range(4))
    for one in books.convertibles:
        here, s = terms[one.instrument].conversion, one.scenario
        assert isinstance(here, Conversion)
        balance, at = float(one.balance[-1]), price[s]
        converts = at > one.strike
        shares[one.instrument][s] += np.where(converts, balance / one.strike, 0.0)
        owed[one.instrument][s] += np.where(converts, 0.0, balance)
        claim[one.instrument][s] += balance * np.maximum(1.0, at / one.strike)
        room = 0.0 if one.cap is None else max(one.cap / one.strike - 1.0, 0.0)
        payoff = np.minimum(np.maximum(at / one.strike - 1.0, 0.0), room)
        back[one.instrument][s] += balance * payoff / np.where(at > 0.0, at, 1.0)
    sold = [issue.name for issue in problem.equities if issue.holders == "new"]
    given = sum((table[f"converted[{name}]"].sum(axis=1) for name in terms), context.zero[:, 0])
    entries = {"share_price": price, "old_shares": zero + problem.market.shares}
    entries |= {f"sold[{name}]": zero + table[f"sold[{name}]"].sum(axis=1)[:, None] for name in sold}
    entries["converted_before"] = zero + given[:, None]
    for name in terms:
        entries[f"converts[{name}]"], entries[f"capped_call[{name}]"] = shares[name], back[name]
        entries[f"owed[{name}]"], entries[f"claim[{name}]"] = owed[name], claim[name]
    odds = problem.scenarios
    columns = [f"{m:g}x" for m in MULTIPLES]
    return statement(
        "conversion",
        "Conversion at several share prices",
        _conversion_lines(sold, list(terms)),
        entries,
        columns,
        odds.names,
        odds.probability,
        signs="shares and claims positive; capped calls positive as shares they bring back",
    )


def _conversion_lines(sold: list[str], convertibles: list[str]) -> list[Line]:
    """The lines of `conversion_table`; sold: equities sold to new holders."""
    holders = [
        "old_shares",
        *(f"sold[{name}]" for name in sold),
        "converted_before",
        *(f"converts[{name}]" for name in convertibles),
    ]
    hedges = [f"capped_call[{name}]" for name in convertibles]
    unit = "shares"
    return [
        Line("share_price", "Share price at the horizon", kind="stock", unit="USD/share", section="Price"),
        Line("old_shares", "Shares at the start", kind="stock", unit=unit, section="Shares"),
        *(Line(f"sold[{name}]", f"{name}, shares sold", kind="stock", unit=unit, section="Shares") for name in sold),
        Line("converted_before", "Convertibles settled before", kind="stock", unit=unit, section="Shares"),
        *(
            Line(f"converts[{name}]", f"{name}, shares on conversion", kind="stock", unit=unit, section="Shares")
            for name in convertibles
        ),
        *(
            Line(f"capped_call[{name}]", f"{name}, shares from its capped call", kind="stock", unit=unit, section="Shares")
            for name in convertibles
        ),
        Line("shares", "Shares", kind="stock", unit=unit, sums=(*plus(*holders), *less(*hedges)), section="Shares"),
        *(Line(f"owed[{name}]", f"{name}, owed in cash", kind="stock", section="Claims", memo=True) for name in convertibles),
        *(
            Line(f"claim[{name}]", f"{name}, worth to its holders", kind="stock", section="Claims", memo=True)
            for name in convertibles
        ),
        Line(
            "old_share",
            "Share of the old holders",
            kind="ratio",
            unit="ratio",
            ratio=("old_shares", "shares"),
            section="Ownership",
        ),
        *(
            Line(
                f"share[{name}]",
                f"Share of {name}",
                kind="ratio",
                unit="ratio",
                ratio=(f"converts[{name}]", "shares"),
                section="Ownership",
            )
            for name in convertibles
        ),
    ]
