"""What a planner wrote, statement by statement: which rows of the program say it, how it is dropped, how it is loosened.

Of a case without a plan: `conflict` drops statements and `repair` loosens them, by settings of the case. What the same values are worth
to a plan, `statements` finds in the rows of the solved program.

A statement with `rows` is in the program as these rows alone: without them it is not said. The others (windows, lead times, what is
owned) shape the program: without them it has to be written anew, and `touches` are the rows that would change, so that a proof in which
none of these weighs anything holds without the statement too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.hours.meters import COMPANY, Limited, allowance, yearly_limits
from models.problem import Debt, Equity, Expansion, Problem, Rig, Rule, Service, Site
from models.rules.language import WORDS
from optimizer.case.arrays.problem import owed_after
from optimizer.case.quotes import CaseWords, Part, dotted
from optimizer.case.reading.units import parse_quantity
from optimizer.case.schema.rules import MEASURES
from optimizer.explain.marginal.scarce_things import PARTS
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.adjustments import Lever, Settings
from optimizer.explain.no_plan.figures import Figure
from optimizer.explain.no_plan.row_owners import ANY, FACT, HOURS, Pattern, Stated

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.case.schema.field_types import When


#: what a site can build -> where the case says it
KINDS = {kind: tuple(part.split(".")) for kind, (part, _) in PARTS.items()}
#: policies that are rules: the key of their figure, its unit, whether more of it is looser, and how far it goes
FIGURES = {
    "hold_coins": ("share", "1", False, 1e-6),
    "capital_share": ("at_most", "1", True, 1.0),
    "refinancing_wall": ("at_most", "USD", True, None),
    "tenant_concentration": ("at_most", "1", True, 1.0),
    "minimum_issue": ("at_least", "USD", False, None),
    "maximum_issue": ("at_most", "USD", True, None),
}


def stated(problem: Problem, case: Case | None = None) -> list[Stated]:
    """Every statement of a case that takes part in feasibility. Without a case: those of plain arrays that have rows, and the cash."""
    return _Catalogue(problem, case).all()


def plenty(problem: Problem) -> dict[str, float]:
    """More money (USD), power (MW), coins and units than the case can have a use for, yet no number that spoils the arithmetic."""
    finite = [x for x in (*(d.limit for d in problem.debts), *(e.limit for e in problem.equities)) if np.isfinite(x)]
    flows = [float(np.abs(flow.amount).sum(axis=1).max()) for flow in problem.cash_flows]
    money = [problem.treasury.cash, *finite, *flows, problem.money]
    power = [1.0]
    for site in problem.sites:
        power += [site.interconnection_mw, site.mining_mw, site.ai_mw]
        for kind in KINDS:
            one: Expansion | None = getattr(site, kind)
            if one is not None and np.isfinite(one.limit):
                power.append(one.limit)
                money.append(one.limit * float(one.cost.max()))
    for rig in problem.rigs:
        power += [float(rig.owned.sum()), rig.limit if np.isfinite(rig.limit) else 0.0]
    for service in problem.services:
        power += [service.limit if np.isfinite(service.limit) else 0.0, service.minimum]
    for rule in problem.rules:
        amount = float(np.abs(rule.constant).max(initial=0.0))
        units = {WORDS[term.word].unit for term in rule.terms if term.word in WORDS}
        money.append(amount if "USD" in units else 0.0)
        power.append(amount if "MW" in units else 0.0)
    units_ = [p.limit for p in problem.projects if np.isfinite(p.limit)] + [p.minimum for p in problem.projects]
    return {
        "USD": _round_up(100.0 * sum(money)),
        "MW": _round_up(10.0 * sum(power)),
        "BTC": _round_up(100.0 * max(problem.treasury.coins, sum(money) / float(problem.market.btc_price.min()), 1.0)),
        "units": _round_up(100.0 * max([1.0, *units_])),
    }


def _round_up(value: float) -> float:
    return float(10.0 ** np.ceil(np.log10(value)))


class _Catalogue:
    """The statements of one problem, and of the case that it was built from."""

    def __init__(self, problem: Problem, case: Case | None) -> None:
        self.p, self.case = problem, case
        self.words = CaseWords(None if case is None else case.tree)
        self.model: Any = None if case is None else case.model
        self.found: list[Stated] = []
        self.plenty = plenty(problem)

    def all(self) -> list[Stated]:
        for debt in self.p.debts:
            self._debt(debt)
        for equity in self.p.equities:
            self._equity(equity)
        for rig in self.p.rigs:
            self._rig(rig)
        for site in self.p.sites:
            self._site(site)
        for service in self.p.services:
            self._service(service)
        for project in self.p.projects:
            at: tuple[Part, ...] = ("projects", project.name)
            self._limit((*at, "limit"), "units", project.limit, (("project_limit", project.name),), "projects")
            self._minimum((*at, "minimum"), "units", project.minimum, (("project_minimum", project.name),), "projects")
            wide = ("project_minimum", project.name), ("cash",), ("rule",)
            self._window((*at, "when"), project.window, wide, last=True, ends_before=self._owed_from(project.name))
        self._company()
        for limited in yearly_limits(self.p):
            self._yearly(limited)
        self._rules()
        self._policies()
        return self.found

    # ---- how statements are told -------------------------------------------------------------------------------------
    def _place(self, *parts: Part) -> str:
        place = self.words.place(*parts)
        return "" if place is None else str(place)

    def _add(self, parts: Sequence[Part], kind: str, label: str, **more: Any) -> None:
        self.found.append(Stated(dotted(*parts), kind, label, self._place(*parts), **more))

    def _said(self, parts: Sequence[Part], default: str) -> str:
        """`path of 400 MUSD`, in the words of the case; what holds where it says nothing."""
        text = self.words.text(*parts)
        path = dotted(*parts)
        if text is None:
            return f"{path}, which is not given: {default}" if self.case is not None else f"{path} of {default}"
        return f"{path} of {text}"

    def _shown(self, unit: str, value: float) -> str:
        return Figure.like(unit, None).shown(value)

    # ---- limits and minimums -----------------------------------------------------------------------------------------
    def _limit(
        self,
        parts: Sequence[Part],
        unit: str,
        value: float,
        rows: tuple[Pattern, ...],
        where: str,
        touches: tuple[Pattern, ...] = (),
        field: str = "limit",
        drop: Settings = (),
    ) -> None:
        """A limit. With `touches` in place of rows it is no row of the program (a limit of nothing leaves nothing to limit)."""
        if not np.isfinite(value):
            return
        much = self._shown(unit, max(self.plenty[unit], 10.0 * value))
        apply = by.with_part(where, str(parts[1]), **{field: lambda v: v})
        lever = by.quantity(self.words, parts, unit, value, up=True, apply=apply)
        given = self.words.node(*parts) is not None or self.case is None
        self._add(
            parts,
            "limit",
            self._said(parts, self._shown(unit, value)),
            rows=() if touches else rows,
            touches=touches,
            drop=(f"{dotted(*parts)}={much}", *drop) if given else None,
            free=None if rows and not touches else lambda p: apply(p, max(self.plenty[unit], 10.0 * value)),
            levers=(lever,),
        )

    def _minimum(self, parts: Sequence[Part], unit: str, value: float, rows: tuple[Pattern, ...], where: str) -> None:
        if value <= 0.0:
            return
        apply = by.with_part(where, str(parts[1]), minimum=lambda v: v)
        lever = by.quantity(self.words, parts, unit, value, up=False, apply=apply)
        said = self._said(parts, self._shown(unit, value))
        self._add(parts, "minimum", said, rows=rows, drop=(f"{dotted(*parts)}={self._shown(unit, 0.0)}",), levers=(lever,))

    # ---- windows -----------------------------------------------------------------------------------------------------
    def _when(self, parts: Sequence[Part]) -> When | None:
        """The window as the case has it."""
        from optimizer.case.schema.field_types import When

        part = self.model
        for key in parts:
            name = {"build": "build", "from": "from_"}.get(str(key), str(key))
            part = part.get(key) if isinstance(part, dict) else getattr(part, name, None)
        return part if isinstance(part, When) else None

    def _owed_from(self, name: str) -> int | None:
        """The first date from which a project would be paid after the horizon, and may not be decided; None: it never is."""
        if self.case is None:
            return None
        late = [int(np.flatnonzero(mask)[0]) for mask in owed_after(self.case.frame, name).values()]
        return min(late, default=None)

    def _window(
        self, parts: Sequence[Part], mask: np.ndarray, touches: tuple[Pattern, ...], last: bool = False, note: str = "",
        ends_before: int | None = None, offered: bool = False,
    ) -> None:  # fmt: skip
        """Dates at which something may be decided, where they are not all. ends_before: the first date at which it may never be.

        What may be decided `never` is not on offer, unless offered says that it is.
        """
        if self.case is None:
            return
        whole = np.ones_like(mask)
        if not last:
            whole[-1] = False
        if ends_before is not None:
            whole[ends_before:] = False
        if not (whole & ~mask).any() or not (mask.any() or offered):
            return
        days = self.case.frame.timeline.dates
        path = dotted(*parts)
        open_ = np.flatnonzero(whole)
        always = "always" if ends_before is None else _window_text(days[0], days[int(open_[-1])])
        when = self._when(parts)
        made: list[Lever] = []
        if mask.any() and when is not None and not when.never:
            first, final = int(np.flatnonzero(mask)[0]), int(np.flatnonzero(mask)[-1])
            later = [days[d] for d in open_ if d > final]
            earlier = [days[d] for d in open_[::-1] if d < first]
            start, end = when.first, when.last
            begins = by.dates(path, lambda d: (f"{path}={_window_words(d, end)}",), earlier, days[first], up=False)
            ends = by.dates(path, lambda d: (f"{path}={_window_words(start, d)}",), later, days[final], up=True)
            made = [lever for lever in (ends, begins) if lever is not None]
        else:
            made = [Lever(path, 0.0, True, 1.0, lambda _: (f"{path}={always}",), lambda _: always, by.nearest, (1.0,))]
        if mask[0]:
            note = ""  # it opens at once: what is late is so for another reason
        said = self._said(parts, "never" if not mask.any() else "its default")
        self._add(parts, "window", said, touches=touches, drop=(f"{path}={always}",), levers=tuple(made), note=note)

    def _date(self, d: int) -> str:
        month = self.p.clock.start_month + int(self.p.clock.date_month[min(d, self.p.clock.periods)])
        return f"{month // 12:04d}-{month % 12 + 1:02d}"

    def _arrives(self, mask: np.ndarray, lead: int, what: str, done: str, ordered: str = "ordered") -> str:
        """When the first order works, if orders begin or take some time."""
        dates = np.flatnonzero(mask)
        if not len(dates):
            return f"{what} cannot be {ordered}"
        if lead == 0 and dates[0] == 0:
            return ""
        at = int(dates[0]) + lead
        if at > self.p.clock.periods - 1:
            return f"{what} cannot {done} within the horizon"
        return f"{what} cannot {done} before {self._date(at)}: {ordered} in {self._date(int(dates[0]))} at the earliest"

    def _lead(
        self, parts: Sequence[Part], lead: int, touches: tuple[Pattern, ...], note: str, payments: Sequence[Part] | None
    ) -> None:
        """A lead time of some periods. What is paid later than the shorter lead is paid with it."""
        if lead <= 0 or self.case is None:
            return
        months = int(self.p.clock.months[0])

        def paid_in_time(value: float) -> Settings:
            """No instalment later than the lead."""
            node = None if payments is None else self.words.node(*payments)
            out: list[str] = []
            for n, one in enumerate(node.value if node is not None and node.kind == "list" else ()):
                after = one.get("after")
                if after is not None and payments is not None and parse_quantity(after.value, "months") > value:
                    out.append(f"{dotted(*payments, n)}.after={value:.0f} months")
            return tuple(out)

        points = [months * k for k in range(lead - 1, -1, -1)]
        lever = by.months(parts, months * lead, points, up=False, more=paid_in_time)
        self._add(parts, "lead", self._said(parts, "none"), touches=touches, drop=lever.settings(0.0), levers=(lever,), note=note)

    # ---- financing ---------------------------------------------------------------------------------------------------
    def _debt(self, debt: Debt) -> None:
        at: tuple[Part, ...] = ("financing", debt.name)
        money: tuple[Pattern, ...] = (("cash",), ("rule",), ("issue_minimum", debt.name), ("debt_roll", debt.name))
        money += (("loan_to_value", debt.name), ("coverage", debt.name), ("issue_limit", debt.name))
        rows: tuple[Pattern, ...] = (("revolver_limit", debt.name),) if debt.kind == "revolver" else (("issue_limit", debt.name),)
        no_row = debt.kind == "btc_loan" or (debt.kind != "revolver" and (not debt.is_strip or debt.limit - debt.existing <= 0.0))
        costs: Settings = ()
        if debt.kind == "revolver":
            # a limit beyond all need would cost its fees
            costs = (f"{dotted(*at)}.fee=0 %", f"{dotted(*at)}.commitment_fee=0 %/year")
        self._limit((*at, "limit"), "USD", debt.limit, rows, "debts", money if no_row else (), drop=costs)
        self._minimum((*at, "minimum"), "USD", debt.minimum, (("issue_minimum", debt.name),), "debts")
        self._per_date(at, debt, money)
        before = self.p.clock.date_at(debt.maturity) if debt.maturity is not None and debt.is_strip else None
        if debt.limit > debt.existing:
            ends = before if before is not None and before <= self.p.clock.periods - 1 else None
            self._window((*at, "issue"), debt.window, money, ends_before=ends)
        if debt.collateral:
            share = by.quantity(self.words, (*at, "security", "advance_rate"), "1", debt.advance_rate, up=True, bound=1.0)
            self._add(
                (*at, "security"), "share", self._said((*at, "security"), f"{debt.advance_rate:.0%} of {', '.join(debt.collateral)}"),
                rows=(("collateral", debt.name),), drop=(f"{dotted(*at)}.security=",), levers=(share,),
            )  # fmt: skip
        if debt.kind == "btc_loan":
            self._ltv(at, debt)
        if debt.coverage > 0.0:
            parts = (*at, "coverage")
            lever = by.quantity(self.words, parts, "", debt.coverage, up=False, bound=1e-6)
            rows = (("coverage", debt.name),)
            said = self._said(parts, f"{debt.coverage:g}")
            self._add(parts, "share", said, rows=rows, drop=(f"{dotted(*parts)}=0.000001",), levers=(lever,))
        if debt.amortisation == "sculpted":
            self._sculpted(at, debt)
        if debt.existing > 0.0:
            self._existing(at, debt, money)

    def _sculpted(self, at: tuple[Part, ...], debt: Debt) -> None:
        """One ratio at every date and one schedule: without them the loan is repaid as cash allows."""
        parts = (*at, "amortisation")
        rows: tuple[Pattern, ...] = (("sculpted", debt.name), ("agreed", debt.name))
        drop = [f"{dotted(*parts)}=as_cash_allows"]
        if self.words.node(*at, "bank_case") is not None:
            drop.append(f"{dotted(*at)}.bank_case=")
        if debt.ratio is not None:
            drop += [f"{dotted(*at)}.ratio=", f"{dotted(*at)}.coverage=0.000001"]
        self._add(parts, "share", self._said(parts, "sculpted"), rows=rows, drop=tuple(drop))

    def _per_date(self, at: tuple[Part, ...], one: Debt | Equity, money: tuple[Pattern, ...]) -> None:
        most = float(one.date_limit.min())
        if np.isfinite(most) and self.case is not None:
            parts = (*at, "per_date")
            much = self._shown("USD", max(self.plenty["USD"], 10.0 * most))
            lever = by.quantity(self.words, parts, "USD", most, up=True)
            said = self._said(parts, self._shown("USD", most))
            self._add(parts, "limit", said, touches=money, drop=(f"{dotted(*parts)}={much}",), levers=(lever,))

    def _ltv(self, at: tuple[Part, ...], debt: Debt) -> None:
        parts, top = (*at, "ltv"), (*at, "top_up")
        given = self.words.node(*top) is not None

        def more(value: float, text: str) -> Settings:
            return (f"{dotted(*top)}={text}",) if given and value > debt.top_up else ()

        ltv = by.quantity(self.words, parts, "1", debt.ltv, up=True, bound=1.0, more=more)
        made = [ltv, by.quantity(self.words, top, "1", debt.top_up, up=True, bound=1.0)] if given else [ltv]
        drop = (f"{dotted(*parts)}=100 %", *((f"{dotted(*top)}=100 %",) if given else ()))
        said = self._said(parts, f"{debt.ltv:.0%}")
        self._add(parts, "share", said, rows=(("loan_to_value", debt.name),), drop=drop, levers=tuple(made))

    def _existing(self, at: tuple[Part, ...], debt: Debt, money: tuple[Pattern, ...]) -> None:
        """What is outstanding is due some day: later, and nothing of it is needed until then."""
        if self.case is None:
            return
        frame = self.case.frame
        days = frame.timeline.dates
        due = self.p.clock.date_at(debt.maturity_month(debt.existing_month))
        made = []
        if due <= self.p.clock.periods:
            key = "maturity" if debt.maturity is not None else "tenor"
            path = dotted(*at, key)
            step = int(self.p.clock.months[-1])
            beyond = frame.timeline.first_month + int(self.p.clock.date_month[-1]) + step
            from optimizer.case.reading.timeline import first_of_month

            later = [*days[due + 1 :], first_of_month(beyond)]
            if key == "maturity":
                lever = by.dates(path, lambda d: (f"{path}={d}",), later, days[due], up=True)
            else:
                base = frame.timeline.first_month + debt.existing_month
                points = [day.year * 12 + day.month - 1 - base for day in later]
                lever = by.months((*at, key), debt.tenor or 0, points, up=True)
            made = [lever] if lever is not None else []
        note = f"due {self._date(due)}" if due <= self.p.clock.periods else ""
        said = self._said((*at, "existing"), self._shown("USD", debt.existing))
        drop = (f"{dotted(*at)}.existing.face=0 USD",)
        self._add((*at, "existing"), "amount", said, touches=money, drop=drop, levers=tuple(made), note=note)

    def _equity(self, equity: Equity) -> None:
        at: tuple[Part, ...] = ("financing", equity.name)
        money: tuple[Pattern, ...] = (("cash",), ("rule",), ("issue_minimum", equity.name))
        rows = (("issue_limit", equity.name),)
        self._limit((*at, "limit"), "USD", equity.limit, rows, "equities", money if equity.limit <= 0.0 else ())
        self._minimum((*at, "minimum"), "USD", equity.minimum, (("issue_minimum", equity.name),), "equities")
        self._per_date(at, equity, money)
        if equity.limit > 0.0:
            self._window((*at, "issue"), equity.window, money, last=True)

    # ---- rigs, sites, services ---------------------------------------------------------------------------------------
    def _rig(self, rig: Rig) -> None:
        at: tuple[Part, ...] = ("rigs", rig.name)
        fleet: tuple[Pattern, ...] = (("fleet", rig.name),)
        orders = bool(rig.sites.any()) and (rig.limit > 0.0 and bool(rig.window.any()))
        self._limit((*at, "limit"), "MW", rig.limit, (("rig_limit", rig.name),), "rigs", fleet if rig.limit <= 0.0 else ())
        note = self._arrives(rig.window & (np.arange(len(rig.window)) < self.p.clock.periods), rig.lead, rig.name, "work")
        if rig.limit > 0.0 and rig.sites.any():
            self._window((*at, "order"), rig.window, fleet, note=note)
        if orders or rig.option is not None:
            self._lead((*at, "lead"), rig.lead, fleet, note, (*at, "payments"))
        if np.isfinite(rig.supply).any():
            size = float(rig.supply[np.isfinite(rig.supply)].max())
            lever = by.path_in_time(self.words, (*at, "supply"), "MW", size, up=True)
            drop = (f"{dotted(*at)}.supply=",)
            said = self._said((*at, "supply"), self._shown("MW", size))
            made = () if lever is None else (lever,)
            self._add((*at, "supply"), "limit", said, rows=(("rig_supply", rig.name),), drop=drop, levers=made)
        self._life(at, rig)
        if rig.option is not None:
            parts = (*at, "option", "limit")
            much = self._shown("MW", self.plenty["MW"])
            lever = by.quantity(self.words, parts, "MW", rig.option.limit, up=True)
            said = self._said(parts, self._shown("MW", rig.option.limit))
            rows = (("rig_option_limit", rig.name),)
            self._add(parts, "limit", said, rows=rows, drop=(f"{dotted(*parts)}={much}",), levers=(lever,))
            self._window((*at, "option", "buy"), rig.option.buy, (("rig_options", rig.name), *fleet))
            self._window((*at, "option", "exercise"), rig.option.exercise, fleet)
        if self.case is not None:
            if rig.ramps:
                self._ramp(at, rig.ramp_limit, ((HOURS,), ("capacity", "rig")))
            self._owned(at, rig)
            if not rig.sites.all() and self.words.node(*at, "sites") is not None:
                said = self._said((*at, "sites"), "")
                self._add((*at, "sites"), "window", said, touches=fleet, drop=(f"{dotted(*at)}.sites=",))

    def _life(self, at: tuple[Part, ...], rig: Rig) -> None:
        """How long rigs work; the owned ones may have a life of their own."""
        if self.case is None:
            return
        periods, months = self.p.clock.periods, int(self.p.clock.months[0])
        owned = float(rig.owned.sum()) > 0.0 and rig.owned_life < periods
        key = "owned_life" if owned and self.words.node(*at, "owned_life") is not None else "life"
        if not owned and rig.life >= periods:
            return
        parts = (*at, key)
        now = rig.owned_life if key == "owned_life" else rig.life
        points = [months * k for k in range(now + 1, periods + 2)]
        lever = by.months(parts, months * now, points, up=True)
        far = months * (periods + 1)
        drop = tuple(f"{dotted(*at)}.{k}={far} months" for k in ("life", "owned_life") if self.words.node(*at, k) is not None)
        self._add(parts, "life", self._said(parts, "its life"), rows=(("rig_life", rig.name),), drop=drop, levers=(lever,))

    def _owned(self, at: tuple[Part, ...], rig: Rig) -> None:
        for i, site in enumerate(self.p.sites):
            parts = (*at, "owned", site.name)
            text = self.words.text(*parts)
            if rig.owned[i] <= 0.0 or text is None:
                continue
            rows: tuple[Pattern, ...] = (("fleet", rig.name, site.name, ANY, 0), ("rig_life", rig.name, site.name))
            self._add(parts, FACT, self._said(parts, ""), touches=rows)

    def _site(self, site: Site) -> None:
        at: tuple[Part, ...] = ("sites", site.name)
        for kind, inside in KINDS.items():
            one: Expansion | None = getattr(site, kind)
            if one is not None:
                self._expansion(site, kind, (*at, *inside), one)
        i = [s.name for s in self.p.sites].index(site.name)
        power: tuple[Pattern, ...] = ((HOURS, site.name), ("capacity", ANY, ANY, i), ("blocks_fit", site.name), ("rule",))
        power += (("service_floor_after", site.name),)
        if site.blocks and self.case is not None:
            self._blocks(site, at)
        if site.diesel is not None and np.isfinite(site.diesel.permit_hours):
            parts = (*at, "power", "diesel", "permit")
            lever = by.quantity(self.words, parts, "hours/year", site.diesel.permit_hours, up=True)
            rows = (("diesel_permit", site.name),)
            drop = (f"{dotted(*parts)}=",)
            said = self._said(parts, f"{site.diesel.permit_hours:g} hours/year")
            self._add(parts, "limit", said, rows=rows, drop=drop, levers=(lever,))
        if self.case is None:
            return
        halls: tuple[Pattern, ...] = (("mining_hall", site.name), ("mining_hall_left", site.name), ("rule",))
        ai: tuple[Pattern, ...] = (("ai_hall", site.name), ("ai_hall_after", site.name), ("rule",))
        for key, now, touched in (
            ("interconnection", site.interconnection_mw, power),
            ("mining_hall", site.mining_mw, halls),
            ("ai_hall", site.ai_mw, ai),
        ):
            parts = (*at, key, "now")
            path = dotted(*parts)
            if self.words.node(*parts) is None:
                continue
            free: Settings = (f"{path}={self._shown('MW', self.plenty['MW'])}",)
            if key != "interconnection":  # a hall beyond all need would cost its upkeep
                free += (f"{dotted(*at)}.{key}.fixed_cost=0 USD/MW/year",)
            said = f"{dotted(*at, key)} of {self.words.text(*parts)}"
            lever = by.quantity(self.words, parts, "MW", now, up=True)
            self._add(parts, "amount", said, touches=touched, drop=free, levers=(lever,), slides=True)
        if site.battery is not None:
            self._add((*at, "battery"), FACT, self._said((*at, "battery"), ""), touches=((HOURS, site.name),))
        if site.delay.any():
            self._delay(site, at, (*power, *halls, *ai))
        own: list[tuple[tuple[Part, ...], Any]] = [(("own", one.name), one) for one in site.own]
        for names, source in [(("diesel",), site.diesel), *own]:
            if source is not None:
                parts = (*at, "power", *names, "mw")
                far = by.path_in_time(self.words, parts, "MW", float(source.mw.max()), up=True)
                much: Settings = (f"{dotted(*parts)}={self._shown('MW', self.plenty['MW'])}",)
                if getattr(source, "export", False):  # more than the line carries may not be sold
                    much += (f"{dotted(*parts[:-1])}.export=false",)
                if far is not None:
                    self._add(parts, "amount", self._said(parts, ""), touches=power, drop=much, levers=(far,))

    def _blocks(self, site: Site, at: tuple[Part, ...]) -> None:
        """Contracted blocks need their MW of interconnection, and are paid whether used or not."""
        parts: tuple[Part, ...] = (*at, "power", "blocks")
        touched = ((HOURS, site.name), ("blocks_fit", site.name), ("operating_cash",), ("cash",))
        lever = None
        if len(site.blocks) == 1:
            one = site.blocks[0]
            parts = (*parts, one.name, "mw")
            lever = by.path_in_time(self.words, parts, "MW", float(one.mw.max()), up=False)
        drop = (f"{dotted(*at, 'power', 'blocks')}=",)
        made = () if lever is None else (lever,)
        self._add(parts, "amount", self._said(parts, ""), touches=touched, drop=drop, levers=made)

    def _delay(self, site: Site, at: tuple[Part, ...], touched: tuple[Pattern, ...]) -> None:
        """A site's builds are late: in all scenarios, or in some."""
        drop: list[str] = []
        if self.words.node(*at, "delay") is not None:
            drop.append(f"{dotted(*at)}.delay=0 months")
        late = [name for name, one in self.model.scenarios.items() if f"sites.{site.name}" in one.delay]
        drop += [f"scenarios.{name}.delay=" for name in late]
        parts: tuple[Part, ...] = ("scenarios", late[0], "delay") if late else (*at, "delay")
        self._add(parts, "lead", self._said(parts, ""), touches=touched, drop=tuple(drop))

    def _expansion(self, site: Site, kind: str, parts: tuple[Part, ...], one: Expansion) -> None:
        figure = Figure.like("MW", self.words.text(*parts, "limit"))
        limit = by.quantity(self.words, (*parts, "limit"), "MW", one.limit, up=True, apply=_with_expansion(site, kind, "limit"))
        much = figure.shown(max(self.plenty["MW"], 10.0 * one.limit))
        if np.isfinite(one.limit):
            said = self._said((*parts, "limit"), self._shown("MW", one.limit))
            rows = (("build_limit", site.name, kind),)
            self._add((*parts, "limit"), "limit", said, rows=rows, drop=(f"{dotted(*parts)}.limit={much}",), levers=(limit,))
        if one.minimum > 0.0:
            apply = _with_expansion(site, kind, "minimum")
            least = by.quantity(self.words, (*parts, "minimum"), "MW", one.minimum, up=False, apply=apply)
            said = self._said((*parts, "minimum"), self._shown("MW", one.minimum))
            rows = (("build_minimum", site.name, kind),)
            self._add((*parts, "minimum"), "minimum", said, rows=rows, drop=(f"{dotted(*parts)}.minimum=0 MW",), levers=(least,))
        i = [s.name for s in self.p.sites].index(site.name)
        touches: tuple[Pattern, ...] = {
            "expand": (
                (HOURS, site.name),
                ("capacity", "grid", ANY, i),
                ("blocks_fit", site.name),
                ("service_floor_after", site.name),
            ),
            "build_mining": (("mining_hall", site.name), ("mining_hall_left", site.name)),
            "build_ai": (("ai_hall", site.name), ("ai_hall_after", site.name)),
            "convert": (("ai_hall", site.name), ("ai_hall_after", site.name), ("mining_hall", site.name)),
            "store": ((HOURS, site.name), ("capacity", ANY, ANY, i)),
        }[kind]
        touches = (*touches, ("rule",), ("build_minimum", site.name, kind))
        late = int(site.delay.max(initial=0))
        note = self._arrives(one.window, one.lead, dotted(*parts), "be ready") + (f" (and {late} periods late)" if late else "")
        self._window((*parts, "order"), one.window, touches, note=note)
        self._lead((*parts, "lead"), one.lead, touches, note, (*parts, "payments"))

    def _service(self, service: Service) -> None:
        at: tuple[Part, ...] = ("ai", service.name)
        j = [s.name for s in self.p.services].index(service.name)
        runs: tuple[Pattern, ...] = (("service_minimum", service.name), ("rented", service.name), ("capacity", "service", j))
        runs += (("ai_hall",), ("ai_hall_after",), ("service_floor_after",), ("rule",), ("operating_cash",), (HOURS,))
        gone = service.limit <= 0.0
        self._limit((*at, "limit"), "MW", service.limit, (("service_limit", service.name),), "services", runs if gone else ())
        self._minimum((*at, "minimum"), "MW", service.minimum, (("service_minimum", service.name),), "services")
        if service.floor > 0.0:
            self._floor(at, service)
        self._flexible(at, service)
        note = self._arrives(service.window, service.lead, service.name, "run", "signed")
        if service.limit > 0.0:
            # what is signed is paid for within the horizon
            paid = max(after for after, _ in service.payments.shares) if service.equipment is not None else 0
            ends = self.p.clock.periods - paid + 1 if paid > service.lead + 1 else None
            self._window((*at, "sign"), service.window, runs, note=note, ends_before=ends)
            self._lead((*at, "lead"), service.lead, runs, note, (*at, "equipment", "payments"))
        if self.case is not None and service.contracted.any():
            said = self._said((*at, "contracted"), "")
            self._add(
                (*at, "contracted"), FACT, said, touches=(("ai_hall",), ("ai_hall_after",), ("service_floor", ANY, service.name))
            )

    def _floor(self, at: tuple[Part, ...], service: Service) -> None:
        """The served share that the contract asks for; that of a policy (`ai_first`) is told by the policy where it asks for more."""
        own = service.floor if self.case is None else float(self.model.ai[service.name].floor)
        if own <= 0.0:
            return
        parts = (*at, "floor")
        # a lease must owe something: nearly nothing stands for nothing
        lever = by.quantity(self.words, parts, "1", own, up=False, bound=1e-6, apply=None)
        rows = (("service_floor", ANY, service.name),)
        said = self._said(parts, f"{own:.0%}")
        told: dict[str, Any] = {"rows": rows} if own >= service.floor and not self._first(service.name) else {"touches": rows}
        self._add(parts, "floor", said, drop=(f"{dotted(*parts)}=0.0001 %",), levers=(lever,), **told)

    def _first(self, service: str) -> bool:
        """Whether a policy gives the service a floor as well."""
        if self.case is None:
            return False
        from optimizer.case.arrays.policies import serves_first

        return serves_first(self.model, service)

    def _flexible(self, at: tuple[Part, ...], service: Service) -> None:
        """Demand that waits only so much and so long, use that changes only so fast: more of it serves more."""
        if self.case is None or service.floor <= 0.0:
            return
        touched: tuple[Pattern, ...] = ((HOURS,), ("service_floor", ANY, service.name), ("capacity",))
        if service.deferrable is not None:
            parts = (*at, "deferrable")
            node = self.words.node(*parts)
            bare = node is None or node.kind == "scalar"
            share = parts if bare else (*parts, "share")
            drop = (f"{dotted(*share)}=100 %",) if bare else (f"{dotted(*share)}=100 %", f"{dotted(*parts)}.deadline=")
            lever = by.quantity(self.words, share, "1", service.deferrable.share, up=True, bound=1.0)
            self._add(parts, "share", self._said(parts, ""), touches=touched, drop=drop, levers=(lever,))
        if service.ramps:
            self._ramp(at, service.ramp_limit, touched)

    def _ramp(self, at: tuple[Part, ...], limit: float, touched: tuple[Pattern, ...]) -> None:
        parts = (*at, "ramp_limit")
        lever = by.quantity(self.words, parts, "1/hour", limit, up=True)
        self._add(parts, "limit", self._said(parts, ""), touches=touched, drop=(f"{dotted(*parts)}=",), levers=(lever,))

    # ---- the company -------------------------------------------------------------------------------------------------
    def _company(self) -> None:
        p, treasury = self.p, self.p.treasury
        cash = ("treasury", "cash")
        apply = _with_cash
        lever = by.quantity(self.words, cash, "USD", treasury.cash, up=True, apply=apply)
        much = self.plenty["USD"]
        self._add(
            cash, "amount", self._said(cash, self._shown("USD", treasury.cash)), touches=(("cash", ANY, 0),), levers=(lever,),
            drop=(f"treasury.cash={self._shown('USD', much)}",), free=lambda problem: apply(problem, much), slides=True,
        )  # fmt: skip
        if self.case is None:
            return
        coins = ("treasury", "coins")
        if self.words.node(*coins) is not None:
            held = by.quantity(self.words, coins, "BTC", treasury.coins, up=True)
            drop = (f"treasury.coins={self._shown('BTC', self.plenty['BTC'])}",)
            touched: tuple[Pattern, ...] = (("coins", ANY, 0), ("pledges",), ("rule",), ("cash",))
            self._add(coins, "amount", self._said(coins, "0 BTC"), touches=touched, drop=drop, levers=(held,), slides=True)
        if treasury.retain.any():
            kept = by.path_in_time(self.words, ("treasury", "retain"), "1", float(treasury.retain.max()), up=False)
            made = () if kept is None else (kept,)
            touched = ((HOURS,), ("coins",), ("cash",))
            self._add(
                ("treasury", "retain"), "share", self._said(("treasury", "retain"), ""), touches=touched,
                drop=("treasury.retain=",), levers=made,
            )  # fmt: skip
        if treasury.coins > 0.0 or treasury.retain.any():
            self._window(("treasury", "sell"), treasury.sell, (("cash",), ("coins",), ("rule",)), last=True, offered=True)
        # money can always stay: only a rule can want it paid out
        self._window(("treasury", "dividends"), treasury.dividends, (("rule",),), last=True, offered=True)
        if p.overhead.any():
            less = by.path_in_time(self.words, ("company", "overhead"), "USD/year", float(p.overhead.max()), up=False)
            drop = ("company.overhead=0 USD/year",)
            touched = (("operating_cash",), ("cash",), ("rule",))
            made = () if less is None else (less,)
            said = self._said(("company", "overhead"), "")
            self._add(("company", "overhead"), "amount", said, touches=touched, drop=drop, levers=made)
        for name in self.model.cash_flows:
            self._flow(name)
        if p.tax is not None and p.tax.interest_limit is not None:
            parts = ("tax", "interest_limit")
            share = by.quantity(self.words, (*parts, "share"), "1", p.tax.interest_limit.share, up=True, bound=1.0)
            rows = (("interest_limit",),)
            self._add(parts, "share", self._said(parts, ""), rows=rows, drop=("tax.interest_limit=",), levers=(share,))
        self._information()

    def _flow(self, name: str) -> None:
        """A given stream of cash that is paid at some date."""
        at: tuple[Part, ...] = ("cash_flows", name)
        flow = next(f for f in self.p.cash_flows if f.name == name)
        if flow.amount.min() >= 0.0:
            return
        touched: tuple[Pattern, ...] = (("operating_cash",), ("cash",), ("rule",))
        made: list[Lever] = []
        dated = self.words.node(*at, "dated")
        if dated is not None:
            paid = [key for key, node in dated.value.items() if node.value.strip().startswith("-")]
            drop = tuple(f"{dotted(*at)}.dated.{key}=0 USD" for key in paid)
            if len(paid) == 1:
                parts = (*at, "dated", paid[0])
                text = self.words.text(*parts) or ""
                made.append(by.quantity(self.words, parts, "USD", parse_quantity(text, "USD"), up=True, bound=0.0))
        else:
            drop = (f"{dotted(*at)}.amount=0 USD/year",)
            less = by.path_in_time(self.words, (*at, "amount"), "USD/year", float(_flow_size(self, name)), up=False)
            made = [] if less is None else [less]
        said = f"{dotted(*at)} of {self.words.text(*at, 'dated') or self.words.text(*at, 'amount')}"
        self._add(at, "amount", said, touches=touched, drop=drop, levers=tuple(made))

    def _information(self) -> None:
        """Scenarios share decisions until they are told apart."""
        p = self.p
        assert self.case is not None
        scenarios = self.model.scenarios
        node = p.scenarios.node
        if len(scenarios) < 2 or any(one.follows is not None for one in scenarios.values()) or (node[0, 0] != node[1:, 0]).all():
            return
        days = self.case.frame.timeline.dates
        shared = np.flatnonzero((node[0] == node[1:]).any(axis=0))
        first = int(shared[-1]) + 1
        earlier = [days[d] for d in range(min(first, p.clock.periods) - 1, 0, -1)]
        lever = by.dates("information", lambda d: (f"information={d}",), earlier, days[min(first, p.clock.periods)], up=False)
        said = self._said(("information",), "all scenarios share every decision")
        made = () if lever is None else (lever,)
        self._add(("information",), "information", said, touches=((ANY,),), drop=("information=start",), levers=made)

    # ---- limits of calendar years ------------------------------------------------------------------------------------
    def _yearly(self, limited: Limited) -> None:
        """An energy budget or emission cap; a soft one is paid for, and the money can be what is missing."""
        amounts = allowance(self.p, limited.terms)
        if not np.isfinite(amounts).any():
            return
        where = limited.where(self.p)
        energy = limited.family == "energy_budget"
        if where == COMPANY:
            at: tuple[Part, ...] = ("limits", "energy" if energy else "emissions")
        else:
            at = ("sites", where, limited.family)
        rows = ((limited.family, where),)
        unit = "MWh/year" if energy else "t/year"
        finite = limited.terms.amount[np.isfinite(limited.terms.amount)]
        node = self.words.node(*at)
        parts: tuple[Part, ...] = at
        if node is not None and node.kind == "map" and node.get("limit") is not None:
            parts = (*at, "limit")
        lever = by.path_in_time(self.words, parts, unit, float(finite.max()), up=True)
        made = () if lever is None else (lever,)
        said = self._said(parts, self._shown(unit, float(finite.max())))
        self._add(at, "limit", said, rows=rows, drop=(f"{dotted(*at)}=",) if self.case is not None else None, levers=made)

    # ---- rules -------------------------------------------------------------------------------------------------------
    def _rules(self) -> None:
        """Hard rules and covenants; what stands once in the case (for several sites, services) is one statement."""
        groups: dict[str, list[Rule]] = {}
        for rule in self.p.rules:
            if rule.penalty is None:
                groups.setdefault(rule.path if self.case is not None and rule.path else f'rule "{rule.name}"', []).append(rule)
        for path, rules in groups.items():
            if self.case is None or not rules[0].path:
                self._bare_rule(path, rules[0])
            elif path.startswith("policies."):
                self._policy_rule(path.removesuffix(".type"), rules)
            else:
                self._rule(path, rules)

    def _bare_rule(self, path: str, rule: Rule) -> None:
        """A rule of plain arrays."""
        shift = Lever("", 0.0, True, np.inf, lambda _: (), lambda v: f"by {v:.6g}", lambda v, up: v, apply=_loosened(rule.name))
        rows = (("rule", rule.name),)
        self.found.append(Stated(path, "rule", _label("rule", rule.name, rule.text), rule.source, rows=rows, levers=(shift,)))

    def _rule(self, path: str, rules: list[Rule]) -> None:
        rule = rules[0]
        given = self.words.text(*_parts(path), "name")
        text = " ".join(rule.text.split())
        made = by.sentence_levers(f"{path}.require", text, self._unit(rule))
        rows = tuple(("rule", one.name) for one in rules)
        label = _label("rule", rule.name if len(rules) == 1 or given is None else given, text)
        self.found.append(Stated(path, "rule", label, rule.source, rows=rows, drop=(self._soft(path, rule),), levers=tuple(made)))

    def _unit(self, rule: Rule) -> str | None:
        """What a rule compares, where its sentence tells it."""
        return rule.unit

    def _soft(self, path: str, rule: Rule) -> str:
        """The setting with which breaches of a rule cost nothing, in the unit that it is measured in."""
        measured = {"shares": "share", "units": "unit"}.get(self._unit(rule) or "", self._unit(rule))
        return f"{path}.otherwise={{pay: 0 USD/{measured if measured in MEASURES else 'USD'}}}"

    def _policy_rule(self, path: str, rules: list[Rule]) -> None:
        """A policy that is a rule, or one for each service."""
        rule, at = rules[0], _parts(path)
        type_ = self.words.text(*at, "type") or ""
        sentence = " ".join(rule.text.split()) if len(rules) == 1 else f"{type_} of {self.words.text(*at, 'at_most')}"
        made: list[Lever] = []
        if type_ in FIGURES:
            key, unit, up, bound = FIGURES[type_]
            value = parse_quantity(self.words.text(*at, key) or "", unit)
            made.append(by.quantity(self.words, (*at, key), unit, value, up=up, bound=bound))
        elif type_ == "payback":
            step, now = int(self.p.clock.months[0]), int(parse_quantity(self.words.text(*at, "within") or "", "months"))
            points = [m for m in range(step, int(self.p.clock.date_month[-1]) + 1, step) if m > now]
            if points:
                made.append(by.months((*at, "within"), now, points, up=True))
        # coins that are to be held are also kept when they are mined: that shapes the program
        held: dict[str, Any] = {"touches": (("rule", rule.name), (HOURS,), ("coins",), ("cash",))}
        told: dict[str, Any] = held if type_ == "hold_coins" else {"rows": tuple(("rule", one.name) for one in rules)}
        self._add(at, "rule", _label("policy", str(at[1]), sentence), drop=(f"{path}=",), levers=tuple(made), **told)

    def _policies(self) -> None:
        """Policies that are not rules: what is served first, when rigs stop, what cash repays; without a case only the last."""
        for sweep in self.p.sweeps:
            at: tuple[Part, ...] = ("policies", sweep.name)
            level = float(sweep.level.max())
            more = by.quantity(self.words, (*at, "above"), "USD", level, up=True)
            shown = self.words.text(*at, "above") or self._shown("USD", level)
            label = _label("policy", sweep.name, f"cash above {shown} repays {sweep.debt}")
            drop = (f"{dotted(*at)}=",) if self.case is not None else None
            self._add(
                at, "rule", label, rows=(("sweep", sweep.name),), drop=drop, levers=(more,) if self.case is not None else ()
            )
        if self.case is None:
            return
        from optimizer.case.schema.policies import AiFirst, CurtailAbove

        for name, policy in self.model.policies.items():
            at = ("policies", name)
            if isinstance(policy, AiFirst):
                served = policy.services or list(self.model.ai)
                less = by.quantity(self.words, (*at, "share"), "1", policy.share, up=False, bound=1e-6)
                label = _label(
                    "policy",
                    name,
                    f"{policy.share:.6g} of AI demand is served" if policy.share < 1.0 else "all AI demand is served",
                )
                # a lease without penalty owes its service to the policy: it can be made small, not taken away
                touches: tuple[Pattern, ...] = tuple(("service_floor", ANY, one) for one in served)
                self._add(at, "floor", label, touches=touches, drop=(f"{dotted(*at)}.share=0.0001 %",), levers=(less,))
            if isinstance(policy, CurtailAbove):
                price = by.path_in_time(self.words, (*at, "price"), "USD/MWh", float(np.max(self._strike(name))), up=True)
                label = _label("policy", name, f"no rig runs above {self.words.text(*at, 'price')}")
                sites = [site.name for site in self.p.sites if policy.sites is None or site.name in policy.sites]
                touches = tuple((HOURS, site) for site in sites)
                made = () if price is None else (price,)
                self._add(at, "share", label, touches=touches, drop=(f"{dotted(*at)}=",), levers=made)

    def _strike(self, name: str) -> np.ndarray:
        """(T,) USD/MWh above which a policy stops rigs, in the first scenario."""
        assert self.case is not None

        def price(model: Any) -> Any:
            return model.policies[name].price

        return self.case.frame.over_periods(price)[0]


def _label(what: str, name: str, sentence: str) -> str:
    return f'{what} "{name}", {" ".join(sentence.split())}'


def _parts(path: str) -> tuple[Part, ...]:
    """`financing.notes.covenants[0]` as parts."""
    return tuple(int(number) if number else name for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path))


def _flow_size(catalogue: _Catalogue, name: str) -> float:
    """USD a year (with its sign) that a stream begins with."""
    amount = catalogue.model.cash_flows[name].amount
    return float(amount.at_dates(catalogue.case.frame.timeline)[0]) if amount is not None and catalogue.case is not None else -1.0


def _window_text(first: Any, last: Any) -> str:
    return f"{{from: {by.day_text(first)}, until: {by.day_text(last)}}}"


def _window_words(first: Any, last: Any) -> str:
    """A window from its ends: dates, text or nothing."""
    told = {"from": first, "until": last}
    inside = ", ".join(f"{k}: {v if isinstance(v, str) else by.day_text(v)}" for k, v in told.items() if v is not None)
    return f"{{{inside}}}" if inside else "always"


def _with_cash(problem: Problem, value: float) -> Problem:
    return replace(problem, treasury=replace(problem.treasury, cash=value))


def _with_expansion(site: Site, kind: str, field: str) -> Callable[[Problem, float], Problem]:
    def apply(problem: Problem, value: float) -> Problem:
        def changed(one: Site) -> Site:
            made: Any = {kind: replace(getattr(one, kind), **{field: value})}
            return replace(one, **made)

        return replace(problem, sites=tuple(changed(one) if one.name == site.name else one for one in problem.sites))

    return apply


def _loosened(name: str) -> Callable[[Problem, float], Problem]:
    """A rule less strict by so many of its own units."""

    def apply(problem: Problem, value: float) -> Problem:
        def changed(rule: Rule) -> Rule:
            sign = {">=": -1.0, "<=": 1.0, "==": 0.0}[rule.sense]
            return replace(rule, constant=rule.constant + sign * value) if rule.name == name else rule

        return replace(problem, rules=tuple(changed(rule) for rule in problem.rules))

    return apply
