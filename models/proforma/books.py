"""What the books hold: the lines of every scenario, the ledger, and the checks that tie them."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.problem import Array


@dataclass(frozen=True)
class Check:
    """One identity: largest absolute residual, the scale it is measured against, and where it is largest."""

    name: str
    residual: float
    scale: float
    where: str = ""

    @property
    def relative(self) -> float:
        """residual / max(scale, tiny): dimensionless."""
        return self.residual / self.scale if self.scale > 0.0 else self.residual


@dataclass(frozen=True)
class Convertible:
    """One vintage of a convertible in one scenario.

    scenario, vintage: indices of the scenario and of the date of issue (existing: it stood before date 0); strike and cap USD/share (None:
    no capped call); balance (D,) USD standing after each date; shares (D,) delivered to its holders at each date; due (D,) USD of balance
    that falls due at maturity at each date, be it paid in shares or in cash.
    """

    instrument: str
    scenario: int
    vintage: int
    existing: bool
    strike: float
    cap: float | None
    balance: Array
    shares: Array
    due: Array


@dataclass(frozen=True)
class Books:
    """Accounts of one plan kept by rule, USD unless the name says otherwise.

    words         the words of README section 13 -> (S, D); with an argument: 'outstanding[notes]'
    income, cash_flow, balance_sheet   statement line -> (S, D), in statement order; flows of date d, stocks after date d
    schedules     instrument -> line ('opening', 'issued', 'pik', 'principal', 'closing', 'interest_paid', 'interest_accrued', ...) -> (S, D)
    tax           line ('income', 'nol_opening', 'nol_used', 'nol_closing', 'interest_carryforward', 'tax', ...) -> (S, Y)
    ledger        entry of README section 12 -> (S, D) undiscounted; `value` (S,) is its discounted sum
    power         (site, quantity) -> (S, T): MWh by use and source ('rig:<name>', 'ai:<name>', 'grid', ...), 'cash_margin' USD, 'coins' BTC, ...
    expected, var, cvar, objective     the four numbers
    checks        identities and feasibility, each with its residual
    plant         'in_service[kind]' USD of cost placed in service, 'depreciation[kind]' USD, of rigs, halls, interconnection, equipment, and of
                  'opening' -> (S, D)
    convertibles  every vintage of every convertible in every scenario
    sizes         word or ledger entry -> (S, D), in its unit: the largest amount that one which may cancel is summed from
    moved         USD: the largest amount of the cash flow statement and the balance sheet
    """

    words: dict[str, Array]
    income: dict[str, Array]
    cash_flow: dict[str, Array]
    balance_sheet: dict[str, Array]
    schedules: dict[str, dict[str, Array]]
    tax: dict[str, Array]
    ledger: dict[str, Array]
    power: dict[tuple[str, str], Array]
    value: Array
    expected: float
    var: float
    cvar: float
    objective: float
    checks: tuple[Check, ...]
    plant: dict[str, Array] = field(default_factory=dict)
    convertibles: tuple[Convertible, ...] = ()
    sizes: dict[str, Array] = field(default_factory=dict)
    moved: float = 0.0
