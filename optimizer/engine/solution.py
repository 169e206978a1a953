"""What a solve comes to: values, and no solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from models.decisions import Decisions
from models.problem import Problem
from models.proforma.books import Books, Check
from optimizer.solver.certificates import Certificate

if TYPE_CHECKING:
    from models.finance import FinanceStatements
    from optimizer.case.case import Case
    from optimizer.engine.master import Kept
    from optimizer.engine.narrowing import Baseline
    from optimizer.engine.price_fixed_point import FollowedPrice

#: relative tolerance of every identity between the program and the books, and of the proof
TOLERANCE = 1e-7
Progress = Callable[..., None]


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
class Solution:
    """A solved case: the plan, its books, its proof. Bounds and objective in USD. reasons: why it is not optimal, in words.

    price: how the share price was found that follows the plan."""

    case: Case
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
    kept: Kept | None = field(default=None, repr=False, compare=False)

    @property
    def statements(self) -> Any:
        """Tidy pandas frame of the three statements: statement, line, scenario, date, value (USD)."""
        from optimizer.engine.tables import statements_frame

        return statements_frame(self)

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


#: what stands in place of a scenario where a rule averages over all
EXPECTED = "expected"
