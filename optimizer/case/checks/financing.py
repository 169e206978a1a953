"""Checks of instruments: what they need from the company, and terms that contradict each other."""

from __future__ import annotations

import math
from itertools import pairwise

from models.problem import RUNNING
from optimizer.case.checks.checker import Checker, Parts
from optimizer.case.schema import financing
from optimizer.case.schema.field_types import When
from optimizer.case.schema.share_price import FollowsPlan


def check_company(c: Checker) -> None:
    company = c.base.company
    if company.plant and not company.plant_life:
        c.wrong(("company", "plant"), "`plant_life` is missing: the life left of the plant in the books")
    if isinstance(company.share_price, FollowsPlan) and not company.shares:
        what = "a share price that follows the plan needs company.shares, those outstanding at the start"
        c.wrong(("company", "share_price"), what, "shares: 100 Mshares")
    if company.share_price is None and c.sound("company"):
        for name, one in c.base.financing.items():
            if isinstance(one, financing.Convertible):
                c.wrong(("financing", name, "type"), "a convertible needs company.share_price", "share_price: 12 USD/share")
            elif isinstance(one, financing.Atm) or (isinstance(one, financing.Equity) and one.holders == "new"):
                c.wrong(("financing", name, "type"), "a sale to new holders needs company.share_price")


def check_financing(c: Checker) -> None:
    for name, one in c.base.financing.items():
        at: Parts = ("financing", name)
        if isinstance(one, financing.SharesTerms):
            c.window((*at, "issue"), one.issue, last=True)
            c.minimum(at, one.minimum, one.limit)
            new = isinstance(one, financing.Atm) or getattr(one, "holders", "") == "new"
            if one.discount and not new:
                c.wrong((*at, "discount"), "owners pay in 1 for 1: a discount is for new holders")
            continue
        if one.limit > 0 or one.issue != When():
            c.window((*at, "issue"), one.issue)
        c.minimum(at, one.minimum, one.limit)
        _maturity(c, at, one)
        if one.existing is not None:
            if one.existing.face > one.limit + 1e-6:
                c.wrong((*at, "existing", "face"), f"{one.existing.face:g} USD outstanding, above the limit of {one.limit:g} USD")
            if c.frame is not None and one.existing.issued > c.frame.timeline.dates[0]:
                c.wrong((*at, "existing", "issued"), "issued after the start: then it is not outstanding yet")
            if one.maturity is None and isinstance(one, financing.StripTerms) and c.frame is not None:
                ends = c.frame.month(one.existing.issued) + (one.tenor or 0)
                if one.tenor is not None and ends <= 0:
                    c.wrong((*at, "tenor"), f"what was issued {one.existing.issued} matured before the start")
        if isinstance(one, financing.StripTerms):
            _strip(c, at, one)
        if isinstance(one, financing.BtcLoan) and one.top_up is not None and one.top_up < one.ltv:
            c.wrong((*at, "top_up"), f"the margin-call level {one.top_up:.6g} is below ltv, {one.ltv:.6g}")


def _maturity(c: Checker, at: Parts, one: financing.DebtTerms) -> None:
    if (one.maturity is None) == (one.tenor is None):
        what = "give one of `maturity` (a date) and `tenor` (a time)"
        c.wrong((*at, "tenor") if one.tenor is not None else at, f"maturity and tenor: {what}" if one.tenor else what)
        return
    if one.maturity is None or c.frame is None:
        return
    if one.issue.never:
        if one.maturity <= c.frame.timeline.dates[0]:
            c.wrong((*at, "maturity"), f"matured {one.maturity}, at or before the start")
        return
    first = one.issue.first or c.frame.timeline.dates[0]
    last = one.issue.last
    if one.maturity <= max(first, c.frame.timeline.dates[0]):
        c.wrong((*at, "maturity"), f"matures {one.maturity}, at or before its issue from {max(first, c.frame.timeline.dates[0])}")
    elif last is not None and one.maturity <= last:
        c.wrong((*at, "maturity"), f"matures {one.maturity}, and may be issued until {last}", "end the issue before")
    elif last is None and one.maturity <= c.frame.timeline.dates[-2] and isinstance(one, financing.StripTerms):
        c.wrong(
            (*at, "maturity"),
            f"matures {one.maturity}, within the horizon, and may be issued at any date",
            "give issue: {from: ..., until: ...} that ends before",
        )


def _sculpted(c: Checker, at: Parts, one: financing.StripTerms) -> None:
    """One ratio at every date: stated, or chosen where cash flow is given; after the cash flow of one scenario."""
    kind = one.amortisation
    if kind != "sculpted":
        for key in ("ratio", "bank_case"):
            if getattr(one, key) is not None:
                c.wrong((*at, key), f"`{key}` belongs to amortisation: sculpted, not to amortisation: {kind}")
        return
    if one.coverage is None and one.ratio is None:
        c.wrong((*at, "amortisation"), "amortisation: sculpted needs `coverage`, its least ratio, or `ratio`, the ratio itself")
    if one.coverage is not None and one.ratio is not None:
        c.wrong((*at, "ratio"), "coverage and ratio: give `coverage`, the least that the ratio may be, or `ratio` itself")
    decided = [key for key in ("sites", "ai", "tax") if key in c.tree]
    if one.coverage is not None and one.ratio is None and decided:
        c.wrong(
            (*at, "coverage"),
            "the one ratio of a sculpted loan can be chosen only where cfads is given: here it hangs on what is decided"
            f" ({', '.join(decided)})",
            "state it (ratio: 1.3), or let it differ from date to date (amortisation: as_cash_allows)",
        )
    names = c.names("scenarios")
    if one.bank_case is not None:
        if names or one.bank_case != "base":
            c.refer((*at, "bank_case"), one.bank_case, "scenarios", "scenario")
    elif len(names) > 1:
        c.wrong(
            (*at, "amortisation"),
            "a sculpted loan needs `bank_case`: the scenario whose cfads its one schedule follows",
            f"bank_case: {names[0]}",
        )


def _strip(c: Checker, at: Parts, one: financing.StripTerms) -> None:
    kind = one.amortisation
    needs = {"given": "schedule", "after_completion": "completion", "as_cash_allows": "coverage"}
    for method, key in needs.items():
        if method == "as_cash_allows" and kind == "sculpted":
            continue
        if kind == method and getattr(one, key) is None:
            c.wrong((*at, "amortisation"), f"amortisation: {method} needs `{key}`")
        elif kind != method and getattr(one, key) is not None:
            c.wrong((*at, key), f"`{key}` belongs to amortisation: {method}, not to amortisation: {kind}")
    if one.balloon and kind not in ("level", "annuity", "after_completion"):
        c.wrong((*at, "balloon"), f"a balloon belongs to level, annuity or after_completion, not to {kind}")
    if one.grace and kind not in ("level", "annuity", *RUNNING):
        c.wrong((*at, "grace"), f"grace belongs to level, annuity, sculpted or as_cash_allows amortisation, not to {kind}")
    if kind in RUNNING and not isinstance(one, financing.Loan):
        c.wrong((*at, "amortisation"), f"only a loan is {kind}", "type: loan")
    if kind in RUNNING:
        for key in ("pik", "call", "put"):
            if getattr(one, key) is not None:
                c.wrong((*at, key), f"a loan with amortisation: {kind} has no {key}: its repayments are found with the plan")
    _sculpted(c, at, one)
    if kind == "annuity" and one.interest == "at_maturity":
        c.wrong((*at, "interest"), "an annuity pays interest with its principal, not at maturity")
    if one.tenor is not None and one.grace >= one.tenor:
        c.wrong((*at, "grace"), f"grace of {one.grace} months in a tenor of {one.tenor}")
    if one.schedule is not None:
        total = math.fsum(part.share for part in one.schedule)
        if total > 1 + 1e-9:
            c.wrong((*at, "schedule"), f"the instalments add to {total * 100:.10g} % of face", "what is left is due at maturity")
    if one.completion is not None and one.completion.site is not None:
        c.refer((*at, "completion", "site"), one.completion.site, "sites", "site")
    if one.call is not None:
        if isinstance(one, financing.Convertible):
            c.wrong((*at, "call"), "a convertible cannot be called here: its holder would convert first")
        days = [step.from_ for step in one.call]
        if not days or any(b <= a for a, b in pairwise(days)):
            c.wrong((*at, "call"), "call dates must rise")
    if one.put is not None:
        if one.maturity is not None and one.put.date >= one.maturity:
            c.wrong((*at, "put", "date"), f"the put at {one.put.date} is not before maturity, {one.maturity}")
        if c.frame is not None and one.put.date <= c.frame.timeline.dates[0]:
            c.wrong((*at, "put", "date"), f"the put at {one.put.date} is not after the start")
    if isinstance(one, financing.Convertible):
        if one.existing is not None and one.conversion_price is None:
            c.wrong(at, 'key "conversion_price" is missing: needed for a convertible issued before the start')
        if one.conversion_price is not None and one.existing is None:
            c.wrong((*at, "conversion_price"), "`conversion_price` is for one that is outstanding: give conversion_premium")
        if one.capped_call is not None and one.capped_call.cap_premium <= one.conversion_premium:
            c.wrong((*at, "capped_call", "cap_premium"), "the cap is not above the conversion price: the call is worth nothing")
        if kind != "bullet":
            c.wrong((*at, "amortisation"), f"a convertible is repaid at maturity, not {kind}")
