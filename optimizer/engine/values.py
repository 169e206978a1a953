"""What a solve comes to, as values: how it ended, prices, covenants, the plan with its books and its proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from models.decisions import Decisions
from models.problem import Problem
from models.proforma.books import Books, Check
from optimizer.solver.certificates import Certificate

if TYPE_CHECKING:
    from models.finance import FinanceStatements
    from models.finance.implied_price import ImpliedPrice
    from models.problem import Array

#: relative tolerance of every identity between the program and the books, and of the proof
TOLERANCE = 1e-7


class CaseLike(Protocol):
    """What a solve needs of a case."""

    @property
    def name(self) -> str: ...
    @property
    def variant(self) -> str | None: ...

    def problem(self) -> Problem:
        """The case in plain arrays."""

    def with_problem(self, problem: Problem) -> CaseLike:
        """The same case with other arrays."""


class Outcome(Enum):
    """How a run ended."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    LIMIT = "limit"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class ShadowPrice:
    """What one more unit of something scarce would add to the objective: value USD per `unit`'s denominator."""

    family: str
    name: str
    scenario: str | None
    date: str | None
    value: float
    unit: str


@dataclass(frozen=True)
class Covenant:
    """One rule at one date in one scenario: left (sense) right in the rule's own unit; headroom >= 0 when it holds."""

    name: str
    text: str
    scenario: str
    date: str
    left: float
    right: float
    headroom: float
    price: float
    breach: float
    source: str


@dataclass(frozen=True)
class Baseline:
    """What a rule of thumb comes to, in USD; None with a reason where it has no plan.

    upper_bound: no plan of this rule of thumb is worth more (equal to the objective within the gap of a proof, but where the tax law asks
    for branches that were not all looked into). value_of_optimising: the optimum's objective less this one, >= 0. solution: the whole
    plan with its books, where it was asked for.
    """

    name: str
    objective: float | None
    upper_bound: float | None
    expected: float | None
    cvar: float | None
    value_of_optimising: float | None
    reason: str | None = None
    solution: SolvedCase | None = field(default=None, repr=False, compare=False)


#: what stands in place of a scenario where a rule averages over all
EXPECTED = "expected"


@dataclass(frozen=True)
class PlanAtPrice:
    """One of the plans between which the price lies. weight: its part in the average; raised: USD by instrument, in expectation, of what
    hangs on the share price; last: expected share price at T that it implies, USD; worth: its objective at the price used, USD."""

    weight: float
    raised: dict[str, float]
    last: float
    value: float


@dataclass(frozen=True)
class FollowedPrice:
    """How the share price of a plan was found.

    used (S, D): the price at which the program was solved; implied: that which its plan implies. gap: largest relative difference of the
    two where shares are or may be sold, convertibles issued or settled, or claims measured; where: that place. closed: whether the gap
    is within `tolerance`. solves: programs solved. ends: the plans that were averaged, or between which it did not close; () where one
    plan is the answer. within USD: the part of today's price, per share, that is in the case.
    """

    used: Array
    implied: ImpliedPrice
    gap: float
    where: str
    tolerance: float
    solves: int
    ends: tuple[PlanAtPrice, ...] = ()

    @property
    def closed(self) -> bool:
        return self.gap <= self.tolerance


@dataclass(frozen=True)
class SolvedCase:
    """What `Solution` holds. Bounds and objective in USD. reasons: why it is not optimal, in words. price: how the share price was found
    that follows the plan."""

    case: Any  # what was solved: a case, or what took its place (`CaseLike`)
    variant: str | None
    outcome: Outcome
    problem: Problem
    decisions: Decisions | None = None
    books: Books | None = None
    certificate: Certificate | None = None
    objective: float | None = None
    upper_bound: float | None = None
    lower_bound: float | None = None
    gap: float | None = None
    prices: tuple[ShadowPrice, ...] = ()
    covenants: tuple[Covenant, ...] = ()
    method: str = "extensive"
    size: dict[str, int] = field(default_factory=dict)  # of the program; with cuts also their number and the rounds
    timings: dict[str, float] = field(default_factory=dict)  # seconds by stage, and within them in the 'kernel' and in 'highs'
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lp_checks: tuple[Check, ...] = ()
    baseline: Baseline | None = None
    price: FollowedPrice | None = None

    @property
    def borne_out(self) -> bool:
        """Whether there is a plan whose books obey every limit and rule and agree with the program, be it the best one or not."""
        if self.books is None or self.certificate is None:
            return False
        off = (check.relative for check in (*self.books.checks, *self.lp_checks))
        return self.certificate.primal_residual_relative <= TOLERANCE and all(one <= TOLERANCE for one in off)

    @cached_property
    def finance(self) -> FinanceStatements:
        """Income statement, cash flow, balance sheet, schedules, tax, cap table and returns, tied. Raises ValueError without a plan."""
        from models.finance import finance_statements

        return finance_statements(self)
