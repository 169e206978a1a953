"""Financing: debt and shares, each with its terms."""

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from optimizer.case.schema.field_types import (
    Bounds,
    Choice,
    ConversionPrice,
    DateField,
    Duration,
    DurationPositive,
    Money,
    Prose,
    Quantity,
    RatePath,
    RateUp,
    Section,
    ShareAbove,
    ShareBelow,
    SharePositive,
    Spread,
    When,
    Window,
    Yes,
    by_scenario,
)
from optimizer.case.schema.fleet import type_of
from optimizer.case.schema.rules import Days, PayField, SitesOf, Years

Frequency = Annotated[str, Choice("monthly", "quarterly", "semiannual", "annual", "at_maturity")]
Asset = Annotated[str, Choice("rigs", "halls", "equipment", "coins")]
Amortisation = Annotated[str, Choice("bullet", "level", "annuity", "given", "after_completion", "sculpted", "as_cash_allows")]
IssuePrice = Annotated[float, Quantity("1", Bounds(0.0, 2.0, open_low=True))]
Coverage = Annotated[float, Quantity("", Bounds(0.0, 100.0, open_low=True))]


class Otherwise(Section):
    """What a breach of a soft rule costs."""

    pay: PayField = Field(description="USD per unit of breach and date, in what the rule compares: 0.05 USD/USD, 1000 USD/MW")


class RuleTerms(Section):
    """A rule: a sentence that the plan keeps."""

    name: Prose = Field(description="what it is called in reports")
    require: Prose = Field(description="a sentence such as: cash >= 6 * overhead_monthly")
    from_: DateField | None = Field(default=None, alias="from", description="first date it applies at; default: the start")
    until: DateField | None = Field(default=None, description="last date it applies at; default: the end")
    at: Days | None = Field(default=None, description="dates it applies at, or `end`, in place of from and until; default: all")
    every: Annotated[str, Choice("period", "quarter", "year")] = Field(
        default="period", description="quarter, year: only where one ends (and at the end of the horizon); default: every period"
    )
    years: Years | None = Field(
        default=None, description="calendar years it applies in; 1 January ends the year before; default: all"
    )
    after: Annotated[str, Choice("completion")] | None = Field(
        default=None,
        description="completion: covenants only, from the first date after the debt's `completion`; default: from the start",
    )
    scenarios: list[Prose] | None = Field(default=None, description="scenarios it applies in; default: all")
    expected: Yes = Field(default=False, description="holds on average over scenarios, by probability; default false: in each")
    sites: SitesOf | None = Field(
        default=None,
        description="all, or a list: one rule for each, in which [site] is that site; default: the sentence names them",
    )
    otherwise: Otherwise | None = Field(default=None, description="makes the rule soft: a breach is paid for; default: hard")


class Coupon(Section):
    """Interest: a rate, or a floating `base` and a `spread`."""

    shorthand: ClassVar[str | None] = "base"

    base: RatePath = by_scenario(description="rate by the year, a path in time")
    spread: Spread = Field(default=0.0, description="added to the base: 225 bp; default 0")

    @classmethod
    def shorthand_takes_maps(cls) -> bool:
        return True  # {start: 5 %/year, growth: ...} is a rate too


class Existing(Section):
    """What is outstanding at the start."""

    face: Money = Field(description="USD outstanding")
    issued: DateField = Field(description="when it was issued, at or before the start: interest accrues from there")


class Pik(Section):
    """Interest added to the balance in place of being paid."""

    share: SharePositive = Field(default=1.0, description="share of the interest; default 100 %")
    term: DurationPositive = Field(description="how long after issue")


class CallStep(Section):
    """Issuer's call: from a date on, at a price."""

    from_: DateField = Field(alias="from", description="first date the price is in force")
    price: ShareAbove = Field(description="share of the balance: 104 %")


class Put(Section):
    """Holder's put: redeemed at the date."""

    date: DateField = Field(description="date")
    price: ShareAbove = Field(default=1.0, description="share of the balance; default 100 %")


class CappedCall(Section):
    """Calls the company buys against dilution by its convertible."""

    cost: ShareBelow = Field(description="share of face, paid at issue")
    cap_premium: ShareAbove = Field(description="cap: share price at issue x (1 + cap_premium)")


class Security(Section):
    """What secures a debt: outstanding <= advance_rate x value of the assets."""

    assets: list[Asset] = Field(description="rigs (resale value), halls (cost), equipment (cost), coins (value)")
    advance_rate: SharePositive = Field(description="share of the assets' value that may be outstanding")


class Instalment(Section):
    """Principal repaid at a time after issue."""

    after: DurationPositive = Field(description="time after issue")
    share: SharePositive = Field(description="share of face")


class Completion(Section):
    """When a project is complete; the delay of its site, in a scenario, is added."""

    shorthand: ClassVar[str | None] = "date"

    date: DateField = Field(description="date of completion without delay")
    site: Prose | None = Field(default=None, description="site whose delay moves the date; default none")


class DebtTerms(Section):
    """What all debt has in common. Debt is always bounded: `limit` must be given."""

    describe: Prose = Field(default="", description="free text")
    coupon: Coupon = by_scenario(description="interest rate: 7.75 %/year, a path, or {base: path, spread: 225 bp}")
    limit: Money = Field(description="most face in all, existing one included; 0 USD: none of it")
    issue: Window = Field(default=When(), description="when it may be issued or drawn; default: always")
    minimum: Money = Field(default=0.0, description="least face that must be issued, existing one included; default none")
    per_date: Money | None = Field(default=None, description="most face per date; default: no limit")
    price: IssuePrice = Field(default=1.0, description="issue price, share of face: 98 % is 2 % OID; default 100 %")
    fee: ShareBelow = Field(default=0.0, description="fees at issue, share of face (revolver: of its limit); default 0 %")
    maturity: DateField | None = Field(default=None, description="date of maturity. Give this or `tenor`")
    tenor: DurationPositive | None = Field(default=None, description="from issue to maturity (revolver: from its first date)")
    existing: Existing | None = Field(default=None, description="what is outstanding at the start; default none")
    security: Security | None = Field(default=None, description="default: unsecured")
    covenants: list[RuleTerms] = Field(default=[], description="rules that this debt carries; default none")


class StripTerms(DebtTerms):
    """Debt with a schedule."""

    interest: Frequency = Field(default="semiannual", description="how often interest is paid; default semiannual")
    pik: Pik | None = Field(default=None, description="interest added to the balance; default none")
    amortisation: Amortisation = Field(default="bullet", description="how principal is repaid; default bullet: all at maturity")
    grace: Duration = Field(
        default=0,
        description="time after issue without principal (level, annuity, sculpted) or coverage rule (as_cash_allows); default none",
    )
    balloon: ShareBelow = Field(default=0.0, description="share of face left for maturity (level, annuity, after_completion)")
    schedule: list[Instalment] | None = Field(default=None, description="with amortisation: given")
    completion: Completion | None = Field(default=None, description="with amortisation: after_completion")
    coverage: Coverage | None = Field(
        default=None,
        description="least cfads / debt service of it: at each date (as_cash_allows), or of the one ratio of all dates (sculpted)",
    )
    ratio: Coverage | None = Field(
        default=None, description="with amortisation: sculpted, in place of coverage: cfads / debt service of it at every date"
    )
    bank_case: Prose | None = Field(
        default=None, description="with amortisation: sculpted: scenario whose cfads the schedule follows; default: the only one"
    )
    call: list[CallStep] | None = Field(default=None, description="issuer's call, ascending dates; default: not callable")
    put: Put | None = Field(default=None, description="holder's put; default none")


class Notes(StripTerms):
    """Notes: senior secured or unsecured bonds, commercial paper."""

    type: Literal["notes"] = Field(description="notes: bonds with a schedule")


class Loan(StripTerms):
    """A term loan."""

    type: Literal["loan"] = Field(description="loan: a term loan; also sculpted, or repaid as cash allows")
    interest: Frequency = Field(default="quarterly", description="how often interest is paid; default quarterly")


class Convertible(StripTerms):
    """Convertible notes: the holder's claim at maturity is max(1, share price / conversion price) per 1 of face."""

    type: Literal["convertible"] = Field(description="convertible: notes that convert into shares")
    conversion_premium: ShareAbove = Field(description="conversion price = share price at issue x (1 + premium)")
    conversion_price: ConversionPrice | None = Field(default=None, description="of one outstanding at the start")
    capped_call: CappedCall | None = Field(default=None, description="default none")


class Revolver(DebtTerms):
    """A credit line, drawn and repaid freely."""

    type: Literal["revolver"] = Field(description="revolver: drawn and repaid freely up to its limit")
    commitment_fee: RateUp = Field(default=0.0, description="on the undrawn limit; default 0 %/year")


class BtcLoan(DebtTerms):
    """A loan against pledged coins."""

    type: Literal["btc_loan"] = Field(description="btc_loan: secured by pledged coins")
    ltv: SharePositive = Field(description="most outstanding over pledged coins' value at dates it may be drawn")
    top_up: SharePositive | None = Field(default=None, description="the same on all later dates: margin-call level; default: ltv")


class SharesTerms(Section):
    """What all sales of shares have in common."""

    describe: Prose = Field(default="", description="free text")
    limit: Money = Field(description="most USD raised in all")
    issue: Window = Field(default=When(), description="when shares may be sold; default: always")
    minimum: Money = Field(default=0.0, description="least USD raised in all; default none")
    discount: ShareBelow = Field(default=0.0, description="discount to the share price (new holders only); default 0 %")
    fee: ShareBelow = Field(default=0.0, description="fees, share of proceeds; default 0 %")


class Equity(SharesTerms):
    """A sale of shares."""

    type: Literal["equity"] = Field(description="equity: shares sold to owners or to new holders")
    holders: Annotated[str, Choice("existing", "new")] = Field(
        default="existing", description="existing: owners pay in; new: they cost the old holders their value at the end"
    )
    per_date: Money | None = Field(default=None, description="most USD per date; default: no limit")


class Atm(SharesTerms):
    """An at-the-market programme: new holders, with a limit per date."""

    type: Literal["atm"] = Field(description="atm: shares sold to new holders over time")
    per_date: Money = Field(description="most USD per date")


Instrument = Annotated[
    Annotated[Notes, Tag("notes")]
    | Annotated[Loan, Tag("loan")]
    | Annotated[Convertible, Tag("convertible")]
    | Annotated[Revolver, Tag("revolver")]
    | Annotated[BtcLoan, Tag("btc_loan")]
    | Annotated[Equity, Tag("equity")]
    | Annotated[Atm, Tag("atm")],
    Discriminator(type_of),
]

#: tags that pydantic puts into the location of an error inside a union
TAGS = frozenset({"lease", "cloud", "notes", "loan", "convertible", "revolver", "btc_loan", "equity", "atm"})
