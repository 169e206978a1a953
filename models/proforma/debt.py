"""Pro forma of debt: every vintage's balance walked from its terms, date by date (README 7 and 8).

A strip's balance is walked in USD with its calls, not per 1 of face: the second book's own way to the same number.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Debt, Problem
from models.proforma.assets import decided
from models.proforma.books import Convertible
from models.proforma.calendar import calendar
from models.proforma.checks import Checklist
from models.proforma.interest import left_of_cost
from models.proforma.terms import by_contract, call_price, cap, capped_call_value, held_at_maturity, maturity, strike

#: lines of a schedule, USD (S, D); closing, interest_due, unamortised are stocks after the date, opening before. amortisation, unamortised:
#: straight-line, for tax; effective_amortisation, written_off (of what is called or put), effective_unamortised: in the books
LINES = (
    "opening",
    "issued",
    "pik",
    "principal",
    "redeemed",
    "called",
    "put",
    "converted",
    "closing",
    "proceeds",
    "capped_call_cost",
    "interest_accrued",
    "commitment_accrued",
    "interest_paid",
    "interest_due",
    "amortisation",
    "call_premium",
    "put_premium",
    "unamortised",
    "effective_amortisation",
    "written_off",
    "effective_unamortised",
)


@dataclass
class Liabilities:
    """schedules instrument -> line -> (S, D); opening, opening_due instrument -> (S,) before date 0.

    conversion, capped_call, terminal_debt (S, D): their ledger entries, signed as value to the old holders.
    put_earned instrument -> (S,) USD at T of the premium of a put after the horizon, of debts that have one.
    convertibles: every vintage of a convertible in every scenario.
    """

    conversion: Array
    capped_call: Array
    terminal_debt: Array
    schedules: dict[str, dict[str, Array]] = field(default_factory=dict)
    opening_due: dict[str, Array] = field(default_factory=dict)
    put_earned: dict[str, Array] = field(default_factory=dict)
    convertibles: list[Convertible] = field(default_factory=list)

    def total(self, line: str) -> Array:
        """(S, D) sum of a schedule line over instruments."""
        zero = np.zeros_like(self.conversion)
        return sum((lines[line] for lines in self.schedules.values()), zero)

    def of(self, debt: str, line: str) -> Array:
        """(S, D) a line of one instrument, new face and existing face together."""
        known = [self.schedules[key][line] for key in (debt, f"{debt}@existing") if key in self.schedules]
        return sum(known, np.zeros_like(self.conversion))


def first_date(debt: Debt) -> int | None:
    """Date from which a running balance may stand: 0 if it exists already, else the first window date; None: never."""
    if debt.existing > 0.0:
        return 0
    dates = np.flatnonzero(debt.window)
    return int(dates[0]) if len(dates) else None


def first_month(problem: Problem, debt: Debt) -> int:
    """Month a running loan's tenor and grace count from."""
    if debt.existing > 0.0:
        return debt.existing_month
    start = first_date(debt)
    return calendar(problem.clock).month_at(start) if start is not None else 0


def running_maturity(problem: Problem, debt: Debt) -> int:
    """Date from which a running balance is zero (may lie beyond T)."""
    return matures(problem, debt, first_month(problem, debt))


def matures(problem: Problem, debt: Debt, issued: int) -> int:
    """Date at which face issued in month `issued` matures (may lie beyond T)."""
    return calendar(problem.clock).date_of(maturity(debt, issued))


def keep_debts(problem: Problem, decisions: Decisions, checks: Checklist) -> Liabilities:
    """All schedules of the plan."""
    shape = (problem.scenarios.count, problem.clock.dates)
    books = Liabilities(np.zeros(shape), np.zeros(shape), np.zeros(shape))
    for debt in problem.debts:
        if by_contract(debt):
            _keep_strip(problem, decisions, debt, books, checks)
        elif debt.kind == "revolver":
            _keep_revolver(problem, decisions, debt, books)
        else:
            _keep_loan(problem, decisions, debt, books)
    return books


def _blank(problem: Problem) -> dict[str, Array]:
    return {line: np.zeros((problem.scenarios.count, problem.clock.dates)) for line in LINES}


def _open(lines: dict[str, Array], existing: float) -> None:
    """Opening of a date is the closing of the date before."""
    lines["opening"][:, 0] = existing
    lines["opening"][:, 1:] = lines["closing"][:, :-1]


# --- fixed strips ---------------------------------------------------------------------------------------------------


def _keep_strip(problem: Problem, decisions: Decisions, debt: Debt, books: Liabilities, checks: Checklist) -> None:
    """Notes, term loans and convertibles: one walk per scenario and vintage."""
    scenarios, dates = problem.scenarios.count, problem.clock.dates
    issued = decided(decisions.issued, debt.name, problem)
    called = decisions.called.get(debt.name, np.zeros((scenarios, dates, dates)))
    lines = _blank(problem)
    calendars: dict[int, list[int]] = {}
    worn: dict[tuple[object, ...], Array] = {}  # by what the contract depends on: scenarios with the same rates share it
    for s in range(scenarios):
        for v in map(int, np.flatnonzero(issued[s])):
            face, calls = float(issued[s, v]), called[s, v]
            vintage = _Vintage(problem, debt, s, v, face, calls, False, checks, calendars.get(v))
            calendars[v] = vintage.scheduled
            alike = (v, debt.rate[s].tobytes(), None if debt.completion is None else int(debt.completion[s]))
            if alike not in worn:
                worn[alike] = vintage.contract()
            vintage.carried = worn[alike]
            vintage.walk(lines, books)
    _open(lines, 0.0)
    books.schedules[debt.name] = lines
    books.opening_due[debt.name] = np.zeros(scenarios)
    if debt.existing > 0.0:
        key = f"{debt.name}@existing"
        calls = decided(decisions.called, key, problem)
        lines = _blank(problem)
        due = np.zeros(scenarios)
        for s in range(scenarios):
            vintage = _Vintage(problem, debt, s, 0, debt.existing, calls[s], True, checks)
            due[s] = vintage.due
            vintage.walk(lines, books)
        _open(lines, debt.existing)
        books.schedules[key] = lines
        books.opening_due[key] = due


class _Vintage:
    """The face of one debt issued at one date in one scenario, in USD; `walk` carries it to its end or the horizon."""

    def __init__(
        self,
        problem: Problem,
        debt: Debt,
        s: int,
        v: int,
        face: float,
        called: Array,
        existing: bool,
        checks: Checklist,
        scheduled: list[int] | None = None,
    ) -> None:
        """`scheduled`: its payment dates if a sister vintage of another scenario has found them already."""
        clock, months = problem.clock, calendar(problem.clock)
        self.months = months
        self.problem, self.debt, self.s, self.v, self.existing, self.called = problem, debt, s, v, existing, called
        self.face = self.balance = face
        self.issue_month = debt.existing_month if existing else months.month_at(v)
        end = matures(problem, debt, self.issue_month)
        checks.note("debt matures after it is issued", face if end <= v else 0.0, abs(face), (debt.name, f"date {v}"), checks.usd)
        self.end = max(end, v + 1)
        self.life = months.month_at(self.end) - months.month_at(v)
        self.due = 0.0
        self.unamortised = 0.0 if existing else (1.0 - debt.price + debt.fee) * face
        self.carried = np.zeros(
            clock.dates
        )  # per 1 of face, after date v, v + 1, ...: what the books still hold of discount and fees
        self.last_paid = months.month_at(v)  # month of the last interest payment date
        if existing:
            frequency = debt.frequency
            behind = -self.issue_month % frequency if frequency > 0 else -self.issue_month
            self.due = float(debt.rate[s, 0]) * behind / 12.0 * face
            self.last_paid = -behind
        self.strike = self._strike()
        self.put_date = self._put_date()
        if scheduled is None:
            scheduled = [e for e in range(v + 1, self.end + 1) if e == self.end or self._on_schedule(e)]
        self.scheduled = scheduled
        self.standing: Convertible | None = None
        self.payment_dates = set(scheduled) | ({self.put_date} if self.put_date is not None else set())
        self.amortising = [e for e in scheduled if self._qualifies(e)]

    def _months(self, date: int) -> int:
        """Months since issue."""
        return self.months.month_at(date) - self.issue_month

    def _on_schedule(self, date: int) -> bool:
        frequency = self.debt.frequency
        return frequency > 0 and self._months(date) // frequency > self._months(date - 1) // frequency

    def _qualifies(self, date: int) -> bool:
        """Whether principal falls due at this payment date under the amortisation of the debt."""
        if self.debt.amortisation in ("level", "annuity"):
            return self._months(date) > self.debt.grace
        if self.debt.amortisation == "after_completion":
            assert self.debt.completion is not None
            return self.months.month_at(date) > int(self.debt.completion[self.s])
        return False

    def _share_price(self, date: int) -> float:
        prices = self.problem.market.share_price
        if prices is None:
            raise ValueError(f"convertible {self.debt.name!r} needs a share price path, and the problem has none")
        return float(prices[self.s, date])

    def _strike(self) -> float | None:
        """Conversion price USD per share, None if the debt does not convert."""
        terms = self.debt.conversion
        if terms is None:
            return None
        return strike(terms, self._share_price(self.v) if terms.price is None else 0.0)

    def _put_date(self) -> int | None:
        """Date at which holders put the debt; None if there is no put, it is beyond T, or conversion is worth more."""
        if self.debt.put is None:
            return None
        month, price = self.debt.put
        date = self.months.date_of(month)
        if not self.v < date < min(self.end, self.problem.clock.dates):
            return None
        if self.strike is not None and self._share_price(date) / self.strike > price:
            return None
        return date

    def _principal(self, date: int) -> float:
        """USD of scheduled principal at a date before maturity, after PIK."""
        debt = self.debt
        if debt.amortisation == "given":
            share = sum(part for month, part in debt.given if self.months.date_of(self.issue_month + month) == date)
            return min(share * self.face, self.balance)
        # A put that is taken makes its date a payment date: what is scheduled there is paid before the rest is put.
        if date not in self.payment_dates or not self._qualifies(date):
            return 0.0
        left = 1 + len(self.amortising) - bisect_right(self.amortising, date)
        over = max(self.balance - debt.balloon * self.face, 0.0)
        q = 0.0
        if debt.amortisation == "annuity":
            months = self.months.month_at(date) - self.last_paid
            q = float(debt.rate[self.s, min(date, self.problem.clock.periods) - 1]) * months / 12.0
        return over / left if q == 0.0 else over * q / ((1.0 + q) ** left - 1.0)

    def contract(self) -> Array:
        """What is left of discount and fees after date v, v + 1, ... to the end, per 1 of face, by effective interest.

        By contract: to maturity, neither called nor put. Interest periods end at payment dates and wherever principal is paid; what pays
        interest only at the end compounds date by date. Rates beyond the horizon: the last one.
        """
        debt, month_at, periods = self.debt, self.months.month_at, self.problem.clock.periods
        cost = 1.0 - debt.price + debt.fee
        months = [month_at(e) - month_at(self.v) for e in range(self.v, self.end + 1)]
        if cost == 0.0:
            return np.zeros(len(months))
        one = copy.copy(self)
        one.face, one.balance, one.due, one.put_date, one.payment_dates = 1.0, 1.0, 0.0, None, set(self.scheduled)
        breaks: list[int] = []
        coupons: list[float] = []
        balances: list[float] = []
        coupon = 0.0
        for e in range(self.v + 1, self.end + 1):
            rate = float(debt.rate[self.s, min(e, periods) - 1])
            coupon += rate * (month_at(e) - month_at(e - 1)) / 12.0
            before = one.balance
            pays = e in one.payment_dates
            one.due += rate * (month_at(e) - month_at(e - 1)) / 12.0 * before
            if pays:
                one.balance += debt.pik * one.due if one._months(e) <= debt.pik_months else 0.0
                one.due = 0.0
            principal = one._principal(e) if e < self.end else one.balance
            one.balance -= principal
            if pays:
                one.last_paid = month_at(e)
            if pays or principal > 0.0 or debt.frequency == 0:
                breaks.append(e - self.v)
                coupons.append(coupon)
                balances.append(before)
                coupon = 0.0
            if one.balance <= 0.0:
                break
        return left_of_cost(cost, months, breaks, coupons, balances)

    def walk(self, lines: dict[str, Array], books: Liabilities) -> None:
        """Carry the balance from issue to maturity, put, last call or the horizon."""
        problem, debt, s = self.problem, self.debt, self.s
        periods = problem.clock.periods
        if self.strike is not None:
            zero = np.zeros(problem.clock.dates)
            assert debt.conversion is not None
            capped = cap(debt.conversion, self.strike)
            self.standing = Convertible(debt.name, s, self.v, self.existing, self.strike, capped, zero, zero.copy(), zero.copy())
            books.convertibles.append(self.standing)
        if not self.existing:
            lines["issued"][s, self.v] += self.face
            lines["proceeds"][s, self.v] += (debt.price - debt.fee) * self.face
            if debt.conversion is not None:
                lines["capped_call_cost"][s, self.v] += debt.conversion.capped_call_cost * self.face
        self._stock(lines, self.v)
        for e in range(self.v + 1, min(self.end, periods) + 1):
            self._interest(lines, e)
            if e < self.end:
                paid = self._principal(e)
                lines["principal"][s, e] += paid
                self.balance -= paid
                if e == self.put_date:
                    assert debt.put is not None
                    self._retire(lines, "put", e, 1.0, debt.put[1])
                elif self.called[e] != 0.0 and self.face > 0.0:
                    price = call_price(debt.call, self.months.month_at(e))
                    self._retire(lines, "called", e, float(self.called[e]) / self.face, 1.0 if price is None else price)
            else:
                self._mature(lines, books, e)
            if e in self.payment_dates:
                self.last_paid = self.months.month_at(e)
            self._stock(lines, e)
        if self.balance != 0.0 or self.due != 0.0:
            self._stand(books)

    def _stock(self, lines: dict[str, Array], date: int) -> None:
        lines["closing"][self.s, date] += self.balance
        lines["interest_due"][self.s, date] += self.due
        lines["unamortised"][self.s, date] += self.unamortised
        if not self.existing:
            lines["effective_unamortised"][self.s, date] += self.carried[min(date, self.end) - self.v] * self.face
        if self.standing is not None:
            self.standing.balance[date] = self.balance

    def _interest(self, lines: dict[str, Array], date: int) -> None:
        """Accrue the period that ends at `date`, and pay or capitalise what is due on a payment date."""
        problem, debt, s = self.problem, self.debt, self.s
        accrued = float(debt.rate[s, date - 1]) * float(self.months.years[date - 1]) * self.balance
        lines["interest_accrued"][s, date] += accrued
        self.due += accrued
        if not self.existing:
            # Straight-line on the face that still stands: what is called takes its own remainder with it.
            worn = (1.0 - debt.price + debt.fee) * self.face * int(problem.clock.months[date - 1]) / self.life
            lines["amortisation"][s, date] += worn
            self.unamortised = 0.0 if date == self.end else self.unamortised - worn
            n = date - self.v
            lines["effective_amortisation"][s, date] += (self.carried[n - 1] - self.carried[n]) * self.face
        if date in self.payment_dates:
            capitalised = debt.pik * self.due if self._months(date) <= debt.pik_months else 0.0
            lines["pik"][s, date] += capitalised
            lines["interest_paid"][s, date] += self.due - capitalised
            self.balance += capitalised
            self.due = 0.0

    def _retire(self, lines: dict[str, Array], how: str, date: int, share: float, price: float) -> None:
        """A share of what stands is called or put at `price` per 1 of balance, with its interest due."""
        s, par = self.s, share * self.balance
        lines[how][s, date] += par
        lines["call_premium" if how == "called" else "put_premium"][s, date] += (price - 1.0) * par
        lines["interest_paid"][s, date] += share * self.due
        lines["amortisation"][s, date] += share * self.unamortised
        if not self.existing:
            lines["written_off"][s, date] += share * self.carried[date - self.v] * self.face
        kept = 1.0 - share
        self.balance, self.due, self.unamortised, self.face = (
            kept * self.balance,
            kept * self.due,
            kept * self.unamortised,
            kept * self.face,
        )

    def _mature(self, lines: dict[str, Array], books: Liabilities, date: int) -> None:
        """Redemption in cash, or in shares if a convertible is in the money."""
        s = self.s
        converts = False
        if self.strike is not None:
            assert self.debt.conversion is not None
            share_price = self._share_price(date)
            converts = share_price > self.strike
            assert self.standing is not None
            if converts:
                books.conversion[s, date] -= self.balance * share_price / self.strike
                self.standing.shares[date] = self.balance / self.strike
            self.standing.due[date] = self.balance
            payoff = capped_call_value(self.debt.conversion, share_price, self.strike)
            books.capped_call[s, date] += self.balance * payoff
        lines["converted" if converts else "redeemed"][s, date] += self.balance
        self.balance = 0.0

    def _stand(self, books: Liabilities) -> None:
        """What still stands at T is a claim on the terminal equity."""
        s, last = self.s, self.problem.clock.periods
        claim = 1.0
        if self.strike is not None and self.debt.conversion is not None:
            share_price = self._share_price(last)
            claim = held_at_maturity(share_price, self.strike)
            payoff = capped_call_value(self.debt.conversion, share_price, self.strike)
            books.capped_call[s, last] += self.balance * payoff
        books.terminal_debt[s, last] -= self.balance * claim + self.due
        premium = self._premium_earned() - (claim - 1.0)
        if premium > 0.0:
            name = f"{self.debt.name}@existing" if self.existing else self.debt.name
            earned = books.put_earned.setdefault(name, np.zeros(self.problem.scenarios.count))
            earned[s] += self.balance * premium

    def _premium_earned(self) -> float:
        """Per 1 of balance, the part of the premium of a put after the horizon that belongs to the months up to it."""
        months, last = self.months, self.problem.clock.periods
        if self.debt.put is None:
            return 0.0
        month, price = self.debt.put
        date = months.date_of(month)
        if date <= last or not self.v < date < self.end:
            return 0.0
        whole = months.month_at(date) - self.issue_month
        return (price - 1.0) * (months.month_at(last) - self.issue_month) / whole


# --- running balances -----------------------------------------------------------------------------------------------


def _keep_loan(problem: Problem, decisions: Decisions, debt: Debt, books: Liabilities) -> None:
    """Loans repaid by decision (sculpted, as cash allows) and BTC loans: B = B before + draw - repayment; interest paid every period."""
    clock, years = problem.clock, calendar(problem.clock).years
    drawn = decided(decisions.issued, debt.name, problem)
    repaid = decided(decisions.repaid, debt.name, problem)
    lines = _blank(problem)
    lines["issued"] += drawn
    lines["principal"] += repaid
    lines["proceeds"] += (debt.price - debt.fee) * drawn
    lines["closing"] += debt.existing + np.cumsum(drawn - repaid, axis=1)
    lines["interest_accrued"][:, 1:] = debt.rate * years * lines["closing"][:, :-1]
    lines["interest_paid"] += lines["interest_accrued"]
    if first_date(debt) is not None:
        end = running_maturity(problem, debt)
        for v in range(clock.dates):
            if v < end:
                _spread(problem, lines, v, end, (1.0 - debt.price + debt.fee) * drawn[:, v])
    _settle_running(problem, debt, lines, books)


def _keep_revolver(problem: Problem, decisions: Decisions, debt: Debt, books: Liabilities) -> None:
    """Revolver: the balance is given; interest on it, a fee on the rest of the limit, another at the first date."""
    clock, years = problem.clock, calendar(problem.clock).years
    balance = decided(decisions.balance, debt.name, problem)
    lines = _blank(problem)
    lines["closing"] += balance
    _open(lines, debt.existing)
    movement = balance - lines["opening"]
    lines["issued"] += np.maximum(movement, 0.0)
    lines["principal"] += np.maximum(-movement, 0.0)
    lines["proceeds"] += lines["issued"]
    interest = debt.rate * years * balance[:, :-1]
    start = first_date(debt)
    if start is not None:
        end = running_maturity(problem, debt)
        t = np.arange(clock.periods)
        open_periods = (t >= start) & (t < end)
        fee = debt.commitment * years * (debt.limit - balance[:, :-1])
        lines["commitment_accrued"][:, 1:] = np.where(open_periods, fee, 0.0)
        if debt.existing <= 0.0 and start < end:
            cost = np.full(problem.scenarios.count, debt.fee * debt.limit)
            lines["proceeds"][:, start] -= cost
            _spread(problem, lines, start, end, cost)
    lines["interest_accrued"][:, 1:] = interest
    lines["interest_paid"] += lines["interest_accrued"] + lines["commitment_accrued"]
    _settle_running(problem, debt, lines, books)


def _spread(problem: Problem, lines: dict[str, Array], start: int, end: int, cost: Array) -> None:
    """Book cost (S,) USD paid at `start` straight-line by months to `end`."""
    if not np.any(cost):
        return
    clock, months = problem.clock, calendar(problem.clock)
    life = months.month_at(end) - months.month_at(start)
    worn = np.clip(months.month - months.month_at(start), 0, life) / life  # (D,) share amortised by each date
    lines["amortisation"][:, 1:] += cost[:, None] * np.diff(worn)
    lines["unamortised"] += cost[:, None] * np.where(np.arange(clock.dates) >= start, 1.0 - worn, 0.0)
    # balances that are repaid at will have no contract to take a rate from: the books wear their cost as tax does
    lines["effective_amortisation"][:, 1:] += cost[:, None] * np.diff(worn)
    lines["effective_unamortised"] += cost[:, None] * np.where(np.arange(clock.dates) >= start, 1.0 - worn, 0.0)


def _settle_running(problem: Problem, debt: Debt, lines: dict[str, Array], books: Liabilities) -> None:
    _open(lines, debt.existing)
    books.schedules[debt.name] = lines
    books.opening_due[debt.name] = np.zeros(problem.scenarios.count)
    books.terminal_debt[:, -1] -= lines["closing"][:, -1]
