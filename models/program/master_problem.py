"""The plan: every part put together into one Pyomo model, and the decisions read back from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.decisions import Decisions, SiteDispatch
from models.hours.coupled_subproblem import OpenBlock
from models.modelling import pyo
from models.problem import Problem, Project
from models.program.ai_services import Services
from models.program.by_parts.own_rates import OwnRates
from models.program.by_parts.traced import mark, since
from models.program.expressions import Build, Decision, Lin, without_rounding
from models.program.extensive_hours import Power
from models.program.financing import Instruments
from models.program.fleet import Fleet, leaves
from models.program.parts import Parts
from models.program.recourse_value import RecourseValues
from models.program.risk import Risk
from models.program.rules.cash_sweeps import Sweeps
from models.program.rules.covenants import Covenants
from models.program.rules.earned_dividends import DividendsEarned
from models.program.rules.words import Words
from models.program.sites import Sites
from models.program.tax import Taxes
from models.program.treasury import Treasury
from models.program.yearly_limits import Limits


class MasterProblem:
    """The linear program of a problem. `model` is the Pyomo model; objective in money units, maximised.

    hours 'extensive': every hour as rows and columns (`power`); 'benders': their exact value by cuts (`recourse`).
    open_block: what solves the blocks of sites with coupled hours, where hours are valued.
    """

    def __init__(self, problem: Problem, hours: str = "extensive", open_block: OpenBlock | None = None) -> None:
        b = self.build = Build(problem)
        wanted = frozenset(term.word for rule in problem.rules for term in rule.terms)
        rates = problem.objective.rates
        if rates is not None:
            wanted |= {"ai_revenue"}
        self.fleet = Fleet(b)
        self.sites = Sites(b)
        self.services = Services(b)
        self.sites.limit(self.fleet, self.services.at_site())
        self.sites.limit_after(self.services)
        self._blocks_fit()
        self.power: Power | None = None
        self.recourse: RecourseValues | None = None
        before = mark(b.operating)
        if hours == "extensive":
            self.power = Power(b, self.fleet, self.sites, self.services, wanted)
        else:
            self.recourse = RecourseValues(b, self.fleet, self.sites, self.services, wanted, open_block)
        of_hours = since(b.operating, before)
        self.limits = Limits(b)
        self.units: dict[str, Decision] = {}
        self._overhead()
        self._given()
        for project in problem.projects:
            self._project(project)
        before = mark(b.cash)
        self.instruments = Instruments(b)
        of_financing = since(b.cash, before)
        self._investing()
        self._operating()
        self.treasury = Treasury(b, self.instruments)
        self.treasury.cash_income()
        self.taxes = Taxes(b)
        self.treasury.roll_cash(self.taxes)
        self.instruments.secure(self.fleet, self.sites, self.services, self.treasury.free)
        parts = Parts(
            b,
            self.fleet,
            self.sites,
            self.services,
            self.power,
            self.recourse,
            self.units,
            self.instruments,
            self.treasury,
            self.taxes,
        )
        self.words = Words(parts)
        self.covenants = Covenants(parts, self.words)
        self.covenants.sculpt()
        self.sweeps = Sweeps(parts)
        self.earned = DividendsEarned(parts)
        self._terminal()
        if rates is not None:
            OwnRates(parts, rates, of_hours, of_financing, self.instruments.accrued)
        self.risk = Risk(b)
        b.finish()
        self.model = b.model
        self.model.objective = pyo.Objective(expr=self.risk.objective.expression(), sense=pyo.maximize)

    def _blocks_fit(self) -> None:
        """Contracted blocks need their MW of interconnection."""
        b = self.build
        for i, site in enumerate(b.problem.sites):
            if not site.blocks:
                continue
            for s in range(b.S):
                for t in range(b.T):
                    mw = sum(float(block.mw[t]) for block in site.blocks)
                    line = self.sites.interconnection(i, s, t)
                    b.row("blocks_fit", (site.name, s, t), line, at_least=mw)

    def _overhead(self) -> None:
        b, p = self.build, self.build.problem
        for s in range(b.S):
            for t in range(b.T):
                b.operating[s, t + 1].const -= float(p.overhead[s, t] * p.years[t]) / b.unit

    def _given(self) -> None:
        b = self.build
        for flow in b.problem.cash_flows:
            for s in range(b.S):
                for d in range(b.D):
                    amount = float(flow.amount[s, d]) / b.unit
                    (b.operating if flow.operating else b.cash)[s, d].const += amount
                    # operating cash is taxable as a whole: what is not taxed is taken out again
                    if flow.taxable != flow.operating:
                        b.taxable[s, b.year_of(d)].const += amount if flow.taxable else -amount

    def _project(self, project: Project) -> None:
        """Units of another opportunity: cash per unit at its dates, within its limits on every path."""
        b = self.build
        made = self.units[project.name] = b.decide(("units", project.name), project.window, recourse=project.recourse)
        for s in range(b.S):
            for d in range(b.D):
                var = made.at(s, d)
                if var is None:
                    continue
                for e in np.flatnonzero(project.cash[s, d]):
                    amount = float(project.cash[s, d, e]) / b.unit
                    b.cash[s, e].add(var, amount)
                    if project.taxable:
                        b.taxable[s, b.year_of(int(e))].add(var, amount)
        for s in range(b.S) if project.recourse else leaves(b):
            total = Lin().add(made.cum(s, b.T))
            if np.isfinite(project.limit) and not total.constant_only:
                b.row("project_limit", (project.name, s), total, at_most=project.limit, unit="USD/unit")
            if project.minimum > 0.0:
                b.row("project_minimum", (project.name, s), total, at_least=project.minimum, unit="USD/unit")

    def _investing(self) -> None:
        """One variable for all that is paid for investment at a date."""
        b = self.build
        for s in range(b.S):
            for d in range(b.D):
                b.capex[s, d] = b.shared("capex", (s, d), b.capex[s, d])
                b.cash[s, d].plus(b.capex[s, d], -1.0)

    def _operating(self) -> None:
        """One variable for the operating cash of a date: cash, tax and covenants all refer to it."""
        b = self.build
        for s in range(b.S):
            for d in range(b.D):
                made = b.operating[s, d]
                if made.constant_only:
                    continue
                var = b.named("operating_cash", (s, d), None)
                row = Lin().add(var).plus(made, -1.0).merged()
                constant, row.const = row.const, 0.0
                b.row("operating_cash", (s, d), row, equal=-constant)
                b.operating[s, d] = Lin().add(var)

    def _terminal(self) -> None:
        b, p = self.build, self.build.problem
        if p.terminal.opening_assets:
            for s in range(b.S):
                b.entry("terminal_opening_assets")[s, b.T].const += p.terminal.opening_assets / b.unit

    # ---- after a solve ---------------------------------------------------------------------------------------------
    def lexicographic_objectives(self) -> list[Lin]:
        """What the canonical plan minimises in turn among equal optima: less expected value (a pure CVaR objective does not look at
        good scenarios), debt, early spending, and gains and losses that cancel."""
        b, p = self.build, self.build.problem
        value, debt, early, losses = Lin(), Lin(), Lin(), Lin()
        for s in range(b.S):
            probability = float(p.scenarios.probability[s])
            if p.objective.weight > 0.0:
                value.add(self.risk.value[s], -probability)
            for d in range(b.D):
                for table in b.outstanding.values():
                    debt.plus(table[s, d], probability)
                early.plus(b.capex[s, d], probability * (b.T - d + 1) / b.D)
        if p.tax is not None:
            # at no discounting the split of income into gains and losses is free: the law's split is the smallest
            for s in range(b.S):
                for y in range(b.Y):
                    losses.add(b.component("income_positive")[s, y]).add(b.component("income_negative")[s, y])
                    losses.add(b.component("nol_used")[s, y], -(b.Y - y) / b.Y)
        return [lin.merged() for lin in (value, debt, early, losses) if lin.vars]

    def decisions(self, dispatch: Mapping[tuple[str, int, int], SiteDispatch] | None = None) -> Decisions:
        """What the solved model decides, in natural units. dispatch: the hours, where the model does not hold them."""
        b, p = self.build, self.build.problem
        found: dict[str, dict] = {name: {} for name in ("orders", "exercised", "retired", "options", "built", "signed", "units")}
        for key, decision in b.decisions.items():
            if key[0] in found:
                found[key[0]][key[1:] if len(key) > 2 else key[1]] = decision.values()
        ins = self.instruments
        called = {}
        for name in sorted({name for name, _ in ins.called}):
            faces = ins.calls(name, b.S, b.D) * b.unit
            called[name] = faces[:, 0, :] if name.endswith("@existing") else faces

        def numbers(table: np.ndarray, unit: float) -> np.ndarray:
            return np.array([[0.0 if v is None else without_rounding(v.value) * unit for v in row] for row in table])

        return Decisions(
            sold=self.treasury.sold.values(),
            dividends=self.treasury.dividends.values() * b.unit,
            rescue=self.treasury.rescue.values() * b.unit,
            issued={name: d.values() * b.unit for name, d in ins.issued.items()},
            called=called,
            repaid={name: d.values() * b.unit for name, d in ins.repaid.items()},
            balance={d.name: numbers(ins.balances[d.name], b.unit) for d in p.debts if d.kind == "revolver"},
            pledged={name: numbers(table, 1.0) for name, table in self.treasury.pledged.items()},
            breach={rule.name: self.covenants.breaches(rule) for rule in p.rules if rule.penalty is not None},
            exceeded=self.limits.exceeded(),
            dispatch=self.power.dispatch() if self.power is not None else dispatch or {},
            **found,
        )
