"""Requirements of rules and of policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from models.problem import Array, Problem, Rule
from optimizer.case.quotes import Part, dotted, parts_of
from optimizer.case.reading.units import parse_quantity
from optimizer.case.schema.policies import AiFirst, CurtailAbove
from optimizer.case.schema.rules import MEASURES
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.adjustments import AdjustableParameter
from optimizer.explain.no_plan.requirements.case_view import CaseView, shown
from optimizer.explain.no_plan.requirements.terms import present
from optimizer.explain.no_plan.row_owners import ANY, HOURS, Pattern, Requirement

#: policies that are rules: the key of their figure, its unit, whether more of it is looser, and how far it goes
POLICY_FIGURES = {
    "hold_coins": ("share", "1", False, 1e-6),
    "capital_share": ("at_most", "1", True, 1.0),
    "refinancing_wall": ("at_most", "USD", True, None),
    "tenant_concentration": ("at_most", "1", True, 1.0),
    "minimum_issue": ("at_least", "USD", False, None),
    "maximum_issue": ("at_most", "USD", True, None),
}


def rule_requirements(view: CaseView) -> Iterator[Requirement]:
    """Hard rules and covenants; what stands once in the case (for several sites, services) is one requirement."""
    groups: dict[str, list[Rule]] = {}
    for rule in view.problem.rules:
        if rule.penalty is None:
            groups.setdefault(rule.path if view.case is not None and rule.path else f'rule "{rule.name}"', []).append(rule)
    for path, rules in groups.items():
        if view.case is None or not rules[0].path:
            yield _bare_rule(path, rules[0])
        elif path.startswith("policies."):
            yield _policy_rule(view, path.removesuffix(".type"), rules)
        else:
            yield _rule(view, path, rules)


def policy_requirements(view: CaseView) -> Iterator[Requirement]:
    """Policies that are not rules: what is served first, when rigs stop, what cash repays; without a case only the last."""
    yield from _sweeps(view)
    yield from _earned_dividends(view)
    if view.case is None:
        return
    for name, policy in view.model.policies.items():
        if isinstance(policy, AiFirst):
            yield _ai_first(view, name, policy)
        if isinstance(policy, CurtailAbove):
            yield _curtail_above(view, name, policy)


# ---- rules -----------------------------------------------------------------------------------------------------------


def _bare_rule(path: str, rule: Rule) -> Requirement:
    """A rule of plain arrays."""
    shift = AdjustableParameter(
        "", 0.0, True, np.inf, lambda _: (), lambda v: f"by {v:.6g}", lambda v, up: v, apply=_loosened(rule.name)
    )
    rows = (("rule", rule.name),)
    return Requirement(path, "rule", _label("rule", rule.name, rule.text), rule.source, rows=rows, parameters=(shift,))


def _loosened(name: str) -> Callable[[Problem, float], Problem]:
    """A rule less strict by so many of its own units."""

    def apply(problem: Problem, value: float) -> Problem:
        def changed(rule: Rule) -> Rule:
            sign = {">=": -1.0, "<=": 1.0, "==": 0.0}[rule.sense]
            return replace(rule, constant=rule.constant + sign * value) if rule.name == name else rule

        return replace(problem, rules=tuple(changed(rule) for rule in problem.rules))

    return apply


def _rule(view: CaseView, path: str, rules: list[Rule]) -> Requirement:
    rule = rules[0]
    given = view.words.text(*parts_of(path), "name")
    text = " ".join(rule.text.split())
    parameters = tuple(by.sentence_parameters(f"{path}.require", text, rule.unit))
    rows = tuple(("rule", one.name) for one in rules)
    label = _label("rule", rule.name if len(rules) == 1 or given is None else given, text)
    return Requirement(path, "rule", label, rule.source, rows=rows, drop=(_at_no_cost(path, rule),), parameters=parameters)


def _at_no_cost(path: str, rule: Rule) -> str:
    """The setting with which breaches of a rule cost nothing, in the unit that it is measured in."""
    measured = {"shares": "share", "units": "unit"}.get(rule.unit or "", rule.unit)
    return f"{path}.otherwise={{pay: 0 USD/{measured if measured in MEASURES else 'USD'}}}"


def _policy_rule(view: CaseView, path: str, rules: list[Rule]) -> Requirement:
    """A policy that is a rule, or one for each service."""
    rule, at = rules[0], parts_of(path)
    type_ = view.words.text(*at, "type") or ""
    sentence = " ".join(rule.text.split()) if len(rules) == 1 else f"{type_} of {view.words.text(*at, 'at_most')}"
    parameter: AdjustableParameter | None = None
    if type_ in POLICY_FIGURES:
        key, unit, up, bound = POLICY_FIGURES[type_]
        value = parse_quantity(view.words.text(*at, key) or "", unit)
        parameter = by.quantity(view.words, (*at, key), unit, value, up=up, bound=bound)
    elif type_ == "payback":
        clock = view.problem.clock
        step, now = int(clock.months[0]), int(parse_quantity(view.words.text(*at, "within") or "", "months"))
        points = [m for m in range(step, int(clock.date_month[-1]) + 1, step) if m > now]
        if points:
            parameter = by.months((*at, "within"), now, points, up=True)
    # coins that are to be held are also kept when they are mined: that shapes the program
    held: dict[str, Any] = {"touches": (("rule", rule.name), (HOURS,), ("coins",), ("cash",))}
    told: dict[str, Any] = held if type_ == "hold_coins" else {"rows": tuple(("rule", one.name) for one in rules)}
    label = _label("policy", str(at[1]), sentence)
    return view.requirement(at, "rule", label, drop=(f"{path}=",), parameters=present(parameter), **told)


# ---- policies that are no rules --------------------------------------------------------------------------------------


def _sweeps(view: CaseView) -> Iterator[Requirement]:
    for sweep in view.problem.sweeps:
        at: tuple[Part, ...] = ("policies", sweep.name)
        level = float(sweep.level.max())
        more = by.quantity(view.words, (*at, "above"), "USD", level, up=True)
        above = view.words.text(*at, "above") or shown("USD", level)
        label = _label("policy", sweep.name, f"cash above {above} repays {sweep.debt}")
        drop = (f"{dotted(*at)}=",) if view.case is not None else None
        parameters = (more,) if view.case is not None else ()
        yield view.requirement(at, "rule", label, rows=(("sweep", sweep.name),), drop=drop, parameters=parameters)


def _earned_dividends(view: CaseView) -> Iterator[Requirement]:
    for policy in view.problem.earned_dividends:
        at: tuple[Part, ...] = ("policies", policy.name)
        label = _label("policy", policy.name, "dividends are paid out of earnings")
        rows: tuple[Pattern, ...] = (("dividends_earned", policy.name), ("dividends_blocked", policy.name))
        yield view.requirement(at, "rule", label, rows=rows, drop=(f"{dotted(*at)}=",) if view.case is not None else None)


def _ai_first(view: CaseView, name: str, policy: AiFirst) -> Requirement:
    at: tuple[Part, ...] = ("policies", name)
    served = policy.services or list(view.model.ai)
    less = by.quantity(view.words, (*at, "share"), "1", policy.share, up=False, bound=1e-6)
    sentence = f"{policy.share:.6g} of AI demand is served" if policy.share < 1.0 else "all AI demand is served"
    # a lease without penalty owes its service to the policy: it can be made small, not taken away
    touches: tuple[Pattern, ...] = tuple(("service_floor", ANY, one) for one in served)
    drop = (f"{dotted(*at)}.share=0.0001 %",)
    return view.requirement(at, "floor", _label("policy", name, sentence), touches=touches, drop=drop, parameters=(less,))


def _curtail_above(view: CaseView, name: str, policy: CurtailAbove) -> Requirement:
    at: tuple[Part, ...] = ("policies", name)
    price = by.path_in_time(view.words, (*at, "price"), "USD/MWh", float(np.max(_strike(view, name))), up=True)
    label = _label("policy", name, f"no rig runs above {view.words.text(*at, 'price')}")
    sites = [site.name for site in view.problem.sites if policy.sites is None or site.name in policy.sites]
    touches = tuple((HOURS, site) for site in sites)
    return view.requirement(at, "share", label, touches=touches, drop=(f"{dotted(*at)}=",), parameters=present(price))


def _strike(view: CaseView, name: str) -> Array:
    """(T,) USD/MWh above which a policy stops rigs, in the first scenario."""
    assert view.case is not None

    def price(model: Any) -> Any:
        return model.policies[name].price

    return view.case.frame.over_periods(price)[0]


def _label(what: str, name: str, sentence: str) -> str:
    return f'{what} "{name}", {" ".join(sentence.split())}'
