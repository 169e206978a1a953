"""Linear expressions and the model under construction.

A `Lin` is a list of (coefficient, Pyomo variable) with a constant: far cheaper to add up than Pyomo expressions, and handed
to Pyomo as one `LinearExpression` per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from models.modelling import LinearExpression, pyo
from models.problem import Array, Mask, Problem


class Lin:
    """constant + sum of coefs[k] * vars[k]; repeated variables are allowed (the compiler merges them)."""

    __slots__ = ("coefs", "const", "vars")

    def __init__(self, const: float = 0.0) -> None:
        self.const = const
        self.coefs: list[float] = []
        self.vars: list[Any] = []

    def add(self, var: Any, coef: float = 1.0) -> Lin:
        """Add coef * var; None is the variable that is not there."""
        if var is not None and coef != 0.0:
            self.coefs.append(float(coef))
            self.vars.append(var)
        return self

    def plus(self, other: Lin, factor: float = 1.0) -> Lin:
        """Add factor * other."""
        factor = float(factor)  # numbers of numpy are slow to multiply one by one
        if factor != 0.0:
            self.const += factor * other.const
            self.vars.extend(other.vars)
            self.coefs.extend(other.coefs if factor == 1.0 else [factor * c for c in other.coefs])
        return self

    def times(self, factor: float) -> Lin:
        """A new expression factor * self."""
        return Lin().plus(self, factor)

    @property
    def constant_only(self) -> bool:
        return not self.vars

    def merged(self) -> Lin:
        """The same with each variable once."""
        out = Lin(self.const)
        once = dict(zip(map(id, self.vars), self.vars, strict=True))
        out.vars, out.coefs = list(once.values()), self.coefs
        if len(once) < len(self.vars):
            total = dict.fromkeys(once, 0.0)
            for k, c in zip(map(id, self.vars), self.coefs, strict=True):
                total[k] += c
            out.coefs = list(total.values())
        if 0.0 in out.coefs:
            left = [(c, v) for c, v in zip(out.coefs, out.vars, strict=True) if c != 0.0]
            out.coefs, out.vars = [c for c, _ in left], [v for _, v in left]
        elif out.coefs is self.coefs:
            out.coefs = self.coefs.copy()
        return out

    def value(self) -> float:
        """At the variables' current values."""
        return self.const + float(sum(c * v.value for c, v in zip(self.coefs, self.vars, strict=True)))

    def expression(self) -> LinearExpression:
        return LinearExpression(constant=self.const, linear_coefs=self.coefs, linear_vars=self.vars)


#: terms from which a sum that several rows use gets a variable of its own
MIN_TERMS_SHARED = 3

#: what the solver may leave of a zero, in program units (its feasibility tolerance)
ZERO_TOLERANCE = 1e-9


def without_rounding(value: float) -> float:
    """A non-negative value without the solver's rounding."""
    return float(value) if value > ZERO_TOLERANCE else 0.0


def grid(rows: int, columns: int) -> np.ndarray:
    """(rows, columns) object array of empty expressions."""
    out = np.empty((rows, columns), dtype=object)
    for k in range(rows):
        for j in range(columns):
            out[k, j] = Lin()
    return out


class Decision:
    """Non-negative decisions at dates: one variable per tree node (or per scenario, for recourse) where the window is open."""

    def __init__(self, build: Build, name: str, window: Mask, upper: Array | None = None, recourse: bool = False) -> None:
        self.build = build
        self.name = name
        p = build.problem
        scenarios, dates = p.scenarios.count, p.clock.dates
        self._vars = np.full((scenarios, dates), None, dtype=object)
        self._cum: np.ndarray | None = None
        self.recourse = recourse
        component = build.component(name)
        for d in np.flatnonzero(window):
            bound = None if upper is None or not np.isfinite(upper[d]) else float(upper[d])
            made: dict[int, Any] = {}
            for s in range(scenarios):
                key = s if recourse else int(p.scenarios.node[s, d])
                if key not in made:
                    made[key] = build.variable(component, (s, int(d)), 0.0, bound)
                self._vars[s, d] = made[key]

    def at(self, s: int, d: int) -> Any:
        """Variable of scenario s at date d, or None."""
        return self._vars[s, d] if 0 <= d < self._vars.shape[1] else None

    def open(self, s: int) -> Mask:
        """(D,) dates at which scenario s has something to decide."""
        mask: Mask = np.array([var is not None for var in self._vars[s]], dtype=bool)
        return mask

    def cum(self, s: int, d: int) -> Any:
        """Variable (or None) that holds the sum of all decisions of scenario s at dates <= d, by recursion."""
        if self._cum is None:
            self._cum = self._accumulate()
        return None if d < 0 else self._cum[s, min(d, self._cum.shape[1] - 1)]

    def _accumulate(self) -> np.ndarray:
        out = np.full(self._vars.shape, None, dtype=object)
        component = self.build.component(self.name + "_cum")
        for d in range(out.shape[1]):
            made: dict[tuple[int, int], Any] = {}
            for s in range(out.shape[0]):
                var, before = self._vars[s, d], out[s, d - 1] if d else None
                if var is None or before is None:
                    out[s, d] = before if var is None else var
                    continue
                key = (id(var), id(before))
                if key not in made:
                    made[key] = self.build.variable(component, (s, d), 0.0, None)
                    row = Lin().add(made[key]).add(before, -1.0).add(var, -1.0)
                    self.build.row(self.name + "_sum", (s, d), row, equal=0.0)
                out[s, d] = made[key]
        return out

    def history(self, s: int, coefs: Array) -> Lin:
        """sum over dates d of coefs[d] * decision[s, d], written over running sums where that needs fewer terms."""
        nonzero = [d for d in np.flatnonzero(coefs) if self._vars[s, d] is not None]
        steps = np.append(coefs[:-1] - coefs[1:], coefs[-1])
        if len(nonzero) > 3 and np.count_nonzero(steps) < len(nonzero):
            out = Lin()
            for d in np.flatnonzero(steps):
                out.add(self.cum(s, int(d)), float(steps[d]))
            return out
        out = Lin()
        for d in nonzero:
            out.add(self._vars[s, d], float(coefs[d]))
        return out

    def table(self) -> np.ndarray:
        """(S, D) of `Lin`, None where nothing can be decided."""
        out = np.full(self._vars.shape, None, dtype=object)
        for s, d in np.argwhere(self._vars != None):  # noqa: E711 - elementwise
            out[s, d] = Lin().add(self._vars[s, d])
        return out

    def values(self) -> Array:
        """(S, D) values after a solve, 0 where there is no decision or only the solver's rounding."""
        return np.array([[0.0 if v is None else without_rounding(v.value) for v in row] for row in self._vars])


class Build:
    """The Pyomo model under construction, with what the parts of the program tell each other.

    cash, ledger...: object arrays (S, D) of `Lin` in money units (USD / problem.money); taxable etc. are (S, Y).
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.model = pyo.ConcreteModel(name=problem.name)
        clock, count = problem.clock, problem.scenarios.count
        self.S, self.T, self.D, self.Y = count, clock.periods, clock.dates, clock.tax_years
        self.unit = problem.money
        self.decisions: dict[tuple[str, ...], Decision] = {}
        self.cash = grid(self.S, self.D)  # receipts less payments other than operating cash, tax and cash yield
        self.operating = grid(self.S, self.D)  # operating cash settled at d
        self.retained = grid(self.S, self.D)  # value at the mean price of coins kept, settled at d
        self.revenue = grid(self.S, self.D)
        self.capex = grid(self.S, self.D)
        self.interest = grid(self.S, self.D)  # cash interest and commitment fees
        self.principal = grid(self.S, self.D)  # scheduled principal
        self.kept = grid(self.S, self.D)  # BTC joining the treasury at d
        self.energy = {w: grid(self.S, self.D) for w in ("btc_mined", "diesel_mwh")}
        self.meters: dict[tuple[str, str], np.ndarray] = {}  # (word, site) -> (S, D) MWh or t settled at d: see `limits`
        self.taxable = grid(self.S, self.Y)  # income before depreciation, interest and issue costs, other than operating
        #: per scenario: shares of the price deducted by year -> what is bought on these terms
        self.basis: list[dict[tuple[float, ...], Lin]] = [{} for _ in range(self.S)]
        self.interest_cost = grid(self.S, self.Y)
        self.issue_cost = grid(self.S, self.Y)
        self.outstanding: dict[str, np.ndarray] = {}
        self.ledger: dict[str, np.ndarray] = {}
        self.units: dict[str, str] = {}  # row family -> unit of its right-hand side, for prices
        self.scales: dict[tuple[str, Any], float] = {}  # natural units per row unit
        self.rows_pending: dict[str, list[tuple[Any, float | None, Lin, float | None]]] = {}
        self._components: dict[str, Any] = {}
        self._shared: dict[Any, Any] = {}  # (family, terms) -> variable that holds their sum

    # ---- names -------------------------------------------------------------------------------------------------
    def year_of(self, d: int) -> int:
        """Tax year a flow of date d belongs to."""
        return int(self.problem.clock.tax_year[max(d - 1, 0)])

    def entry(self, name: str) -> np.ndarray:
        """The (S, D) ledger entry of that name, made on first use."""
        if name not in self.ledger:
            self.ledger[name] = grid(self.S, self.D)
        return self.ledger[name]

    # ---- Pyomo ---------------------------------------------------------------------------------------------------
    def component(self, name: str) -> Any:
        """The indexed Pyomo variable of that name."""
        if name not in self._components:
            var = pyo.Var(pyo.Any, dense=False)
            self.model.add_component(name, var)
            self._components[name] = var
        return self._components[name]

    def variable(self, component: Any, key: Any, lower: float | None = 0.0, upper: float | None = None) -> Any:
        var = component.add(key)  # without bounds so far
        if lower is not None:
            var.setlb(lower)
        if upper is not None:
            var.setub(upper)
        return var

    def named(self, name: str, key: Any, lower: float | None = 0.0, upper: float | None = None) -> Any:
        return self.variable(self.component(name), key, lower, upper)

    def shared(self, family: str, key: Any, lin: Lin) -> Lin:
        """The same sum through one variable, made once for all scenarios and rows in which it stands; short sums stay as they are.

        sum[key] = the terms of lin          (its constant stays outside)
        """
        lin = lin.merged()
        if len(lin.vars) < MIN_TERMS_SHARED:
            return lin
        terms = (family, tuple(sorted((id(v), c) for v, c in zip(lin.vars, lin.coefs, strict=True))))
        if terms not in self._shared:
            self._shared[terms] = var = self.named(family, key, None, None)
            body = Lin().add(var)
            for c, v in zip(lin.coefs, lin.vars, strict=True):
                body.add(v, -c)
            self.row(family, key, body, equal=0.0)
        return Lin(lin.const).add(self._shared[terms])

    def decide(self, key: tuple[str, ...], window: Mask, upper: Array | None = None, recourse: bool = False) -> Decision:
        """Register the decision family `key`, e.g. ('orders', rig, site)."""
        made = Decision(self, "_".join(key), window, upper, recourse)
        self.decisions[key] = made
        return made

    def row(
        self,
        family: str,
        key: Any,
        body: Lin,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        equal: float | None = None,
        unit: str = "",
        scale: float = 1.0,
    ) -> None:
        """Add one row. scale: natural units of the right-hand side per row unit (prices are per natural unit).

        A row without variables is kept when it is violated, so that an impossible demand is proved infeasible, not lost.
        """
        lower, upper = (equal, equal) if equal is not None else (at_least, at_most)
        if body.constant_only:
            slack = 1e-9 * max(1.0, abs(body.const))
            if (lower is None or body.const >= lower - slack) and (upper is None or body.const <= upper + slack):
                return
            zero = self.named("nothing", (family, key), 0.0, 0.0)
            body = Lin(body.const).add(zero, 1.0)
        if unit:
            self.units[family] = unit
        if scale != 1.0:
            self.scales[(family, key)] = scale
        self.rows_pending.setdefault(family, []).append((key, lower, body, upper))

    def finish(self) -> None:
        """Hand the rows to Pyomo, one indexed constraint per family."""
        for family, rows in self.rows_pending.items():
            table = {key: (lower, body, upper) for key, lower, body, upper in rows}
            if len(table) != len(rows):
                raise ValueError(f"row family {family} has two rows of one key")
            self.model.add_component("row_" + family, pyo.Constraint(list(table), rule=_rule(table)))
        self.rows_pending.clear()


def _rule(table: dict[Any, tuple[float | None, Lin, float | None]]) -> Callable[..., Any]:
    def rule(_model: Any, *key: Any) -> Any:
        lower, body, upper = table[key if len(key) != 1 else key[0]]
        shift = body.const
        expression = LinearExpression(constant=0.0, linear_coefs=body.coefs, linear_vars=body.vars)
        if lower is not None and upper is not None and lower == upper:
            return expression == lower - shift
        return (None if lower is None else lower - shift, expression, None if upper is None else upper - shift)

    return rule


def running(build: Build, family: str, added: Callable[[int, int], Lin]) -> np.ndarray:
    """(S, D) of `Lin`: the sum of added(s, e) over dates e <= d, one variable per scenario and date at which something is added.

    sum[s, d] = sum[s, d-1] + added(s, d)
    """
    out = np.empty((build.S, build.D), dtype=object)
    for s in range(build.S):
        so_far = Lin()
        for d in range(build.D):
            more = added(s, d)
            if more.vars:
                so_far = build.shared(family, (s, d), Lin().plus(so_far).plus(more))
            out[s, d] = so_far
    return out


def total(terms: Iterable[Lin]) -> Lin:
    """Sum of expressions."""
    out = Lin()
    for t in terms:
        out.plus(t)
    return out
