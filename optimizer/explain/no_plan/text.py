"""An explanation in sentences, and as JSON."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from optimizer.explain.no_plan.explanation import Explanation
from optimizer.explain.no_plan.iis import IIS, Member
from optimizer.explain.no_plan.repairs import Repair
from optimizer.explain.no_plan.unbounded import Bounded, Loop
from optimizer.text import money

SCHEMA = 1  # of the JSON; grows when a reader of the older one would go wrong
MOST_NAMES = 4  # scenarios named one by one
MOST_UNSURE = 6  # statements told one by one of those that nobody had time to try without


def lines(found: Explanation) -> list[str]:
    """The explanation of a case without a plan, or of an unbounded one, line by line."""
    out = [*opening(found), *closing(found)]
    while out and not out[-1]:
        out.pop()
    return out


def opening(found: Explanation) -> list[str]:
    """What collides, or what earns without limit: all that is known before repairs are."""
    name = found.problem.name if found.case is None else found.case.name
    if found.case is not None and found.case.variant is not None:
        name += f", variant {found.case.variant}"
    out = [f"{name}: {found.status}", ""]
    if found.bounded is not None:
        return out + _bounded(found.bounded)
    for n, iis in enumerate(found.conflicts):
        out += [*_conflict(found, iis, first=n == 0, last=n == len(found.conflicts) - 1), ""]
    if not found.conflicts:
        late = "The search ended before the statements that collide were found."
        unknown = "No set of statements that collide was found."
        out.append(
            f"{late if found.late else unknown} What the solve proved:" if found.reasons else late if found.late else unknown
        )
        out += [f"  - {reason}" for reason in found.reasons]
    return out


def closing(found: Explanation) -> list[str]:
    """What would make room for a plan."""
    out = _repairs(found)
    if found.stopped is not None:
        out += [
            "",
            f"The clock ended this after {found.stopped:g} s: on a faster or less busy machine, or with more time, more may be told.",
        ]
    return out[:-1] if out and not out[-1] else out


def sentence(found: Explanation, iis: IIS) -> str:
    """The conflict in one sentence: every statement with its numbers, its place, and where it bites."""
    told = [_member(found, m) for m in iis.members]
    if not told:
        return f"No plan can be: {_and(iis.given)} alone rule it out."
    if len(told) == 1:
        return f"No plan can meet {told[0]}."
    return f"No plan can meet all of these: {'; '.join(told[:-1])}; and {told[-1]}."


def _conflict(found: Explanation, iis: IIS, first: bool, last: bool) -> list[str]:
    out = []
    begin = "No plan can meet" if first else "And then no plan can meet"
    shown = list(iis.members)
    rest = [m for m in shown if not m.certain][MOST_UNSURE:]
    if rest:  # a list of all that could matter helps nobody
        shown = [m for m in shown if m not in rest]
    if len(iis.members) > 1:
        out.append(f"{begin} all of these:")
        ends = [";"] * (len(shown) - 2) + ["; and", ";" if rest else "."]
    else:
        out.append(f"{begin} this:")
        ends = ["."]
    out += [f"  - {_member(found, m)}{end}" for m, end in zip(shown, ends, strict=False)]
    if rest:
        out.append(
            f"  - perhaps {len(rest)} more that there was no time to try without: {_and(m.requirement.name for m in rest)}."
        )
    enough = [m for m in iis.members if m.alone]
    if not iis.members:
        out = ["No plan can be, whatever statement is dropped."]
    elif last and len(enough) == len(iis.members):
        what = "it" if len(enough) == 1 else "any one of them"
        out.append(f"Without {what} there is a plan{_in(found)}{'' if first else ' (and without what is named before)'}.")
    elif last and enough:
        out.append(f"Dropping one is enough{_in(found)} for: {_and(m.requirement.name for m in enough)}; not for the others.")
    elif iis.dropped is not None:
        out.append(f"Dropping one of them is not enough; suppose that it is {iis.dropped}.")
    if not iis.minimal:
        out.append("Time was up before each of them was known to be needed.")
    if iis.given:
        out.append(f"Taken as given: {_and(iis.given)}.")
    out += _where(found, iis)
    return out


def _in(found: Explanation) -> str:
    """ " in s3", where not all scenarios were looked at."""
    return f" in {_and(found.looked_at)}" if found.looked_at else ""


def _where(found: Explanation, iis: IIS) -> list[str]:
    """In which scenarios the statements collide."""
    names = found.problem.scenarios.names
    if len(names) == 1:
        return []
    if found.looked_at:
        one = _and(found.looked_at)
        return [f"Seen in scenario {one} by itself, one of {len(names)}: what it cannot do, all together cannot."]
    if iis.scenarios is None:
        return []
    if iis.scenarios:
        where = "every scenario" if len(iis.scenarios) == len(names) else _and(iis.scenarios)
        return [f"They collide in {where}{' by itself' if len(iis.scenarios) == 1 else ', each by itself'}."]
    return ["They collide only because scenarios share decisions: in each by itself there would be a plan."]


def _member(found: Explanation, member: Member) -> str:
    """One statement: what it says, its place, where it bites, and what follows from it."""
    out = member.requirement.message
    dates = member.first if member.first == member.last else f"{member.first} to {member.last}"
    everywhere = len(member.scenarios) == len(found.problem.scenarios.names)
    who = "" if not member.scenarios or everywhere or len(found.problem.scenarios.names) == 1 else f"in {_and(member.scenarios)}"
    where = " ".join(filter(None, [f"at {dates}" if dates else "", who]))
    if where:
        out += f", {where}"
    if member.requirement.note:
        out += f": {member.requirement.note}"
    return out


def _and(names: Iterable[str]) -> str:
    every = list(names)
    if len(every) > 2 * MOST_NAMES:
        every = [*every[:MOST_NAMES], f"{len(every) - MOST_NAMES} more"]
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}" if every else ""


# ---------------------------------------------------------------------------------------------------------------------


def _repairs(found: Explanation) -> list[str]:
    none = [f"No repair of {name}: {why}." for name, why in found.without.items()]
    if not found.repairs:
        return ["No change of these statements was found that makes room for a plan.", *none] if found.conflicts else []
    choice = [r for r in found.repairs if not _of_fact(r)]
    fact = [r for r in found.repairs if _of_fact(r)]
    out: list[str] = []
    number = 1
    for title, group in (("What would make room for a plan:", choice), ("Or if the facts were others:", fact)):
        if not group:
            continue
        out.append(title)
        for repair in group:
            out += _repair(found, repair, number)
            number += 1
        out.append("")
    return out + none


def _of_fact(repair: Repair) -> bool:
    return any(step.requirement.kind == "amount" for step in repair.steps)


def _repair(found: Explanation, repair: Repair, number: int) -> list[str]:
    result = {
        "optimal": f"objective {money(repair.objective)}",
        "unbounded": "a plan, and then one that earns without limit",
        "feasible": f"a plan worth {money(repair.objective)} whose books obey every rule{_at_most(repair)}",
        "planned": "a plan exists; what it is worth was not solved in time",
        "scenarios": "enough in the scenarios looked at; the whole was not solved again in time",
    }[repair.outcome]
    out = [f"  {number}. {repair.message}: {result}"]
    if repair.settings:
        out.append(f"     {pasted(repair.settings)}")
    elif found.case is not None:
        out.append("     (no --set says this: change the case by hand)")
    return out


def _at_most(repair: Repair) -> str:
    return "" if repair.upper is None else f"; none is worth more than {money(repair.upper)}"


def pasted(settings: Sequence[str]) -> str:
    """Settings as arguments of a command line."""
    return " ".join(f"--set {shlex.quote(setting)}" for setting in settings)


# ---------------------------------------------------------------------------------------------------------------------


def _bounded(found: Bounded) -> list[str]:
    out: list[str] = []
    for loop in found.loops:
        out += [loop_sentence(loop), ""]
    if not found.loops:
        out += ["What earns without limit was not found by the program that looks for it; the proof of the solve holds.", ""]
    if found.settings:
        what = _and(m.message for loop in found.loops for m in loop.missing[:1])
        then = f"objective {money(found.objective)}" if found.outcome == "optimal" else f"the case is then {found.outcome}"
        out += [f"With a limit, for instance {what}: {then}.", f"     {pasted(found.settings)}"]
    return out


def loop_sentence(loop: Loop) -> str:
    """What grows together without limit, what it earns, and which limit is missing."""
    steps = [f"{move.what} in {move.date}" for move in loop.moves[:6]]
    per = {"unit": "each unit adds", "MW": "each MW adds", "USD": "each dollar adds", "BTC": "each coin adds"}[loop.unit]
    out = f"Without limit {_and(steps)}: {per} {money(loop.gain)} to the objective"
    if loop.missing:
        one = loop.missing[0]
        where = f" ({one.place})" if one.place else ""
        lacks = f"{one.path}{where} does not stop it" if one.path.endswith("penalty") else f"no {one.path} is given{where}"
        return f"{out}, and {lacks}."
    return f"{out}; no limit of the case that is missing was found."


# ---------------------------------------------------------------------------------------------------------------------


def as_json(found: Explanation) -> dict[str, Any]:
    """The explanation as plain data."""
    case = found.case
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "case": found.problem.name if case is None else case.name,
        "variant": None if case is None else case.variant,
        "digest": None if case is None else case.digest,
        "status": found.status,
        "reasons": list(found.reasons),
        "stopped_after_seconds": found.stopped,
        "scenarios_looked_at": list(found.looked_at) or list(found.problem.scenarios.names),
        "conflicts": [_conflict_json(found, one) for one in found.conflicts],
        "repairs": [
            {
                "what": repair.message,
                "set": list(repair.settings),
                "change": repair.size if math.isfinite(repair.size) else None,
                "outcome": repair.outcome,
                "objective": repair.objective,
                "upper_bound": repair.objective if repair.outcome == "optimal" else repair.upper,
            }
            for repair in found.repairs
        ],
        "unbounded": None,
    }
    if found.bounded is not None:
        out["unbounded"] = {
            "loops": [
                {
                    "what": loop_sentence(loop),
                    "moves": [{"what": m.what, "date": m.date, "amount": m.amount} for m in loop.moves],
                    "gain": loop.gain,
                    "per": loop.unit,
                    "missing": [{"path": m.path, "place": m.place, "set": list(m.settings)} for m in loop.missing],
                }
                for loop in found.bounded.loops
            ],
            "set": list(found.bounded.settings),
            "outcome": found.bounded.outcome,
            "objective": found.bounded.objective,
        }
    return out


def _conflict_json(found: Explanation, iis: IIS) -> dict[str, Any]:
    return {
        "sentence": sentence(found, iis),
        "statements": [
            {
                "path": m.requirement.path,
                "kind": m.requirement.kind,
                "says": m.requirement.label,
                "place": m.requirement.place,
                "note": m.requirement.note,
                "scenarios": list(m.scenarios),
                "from": m.first or None,
                "until": m.last or None,
                "share_of_proof": m.share,
                "known_to_be_needed": m.certain,
                "enough_alone": m.alone,
                "dropped_by": list(m.requirement.drop or ()),
            }
            for m in iis.members
        ],
        "given": list(iis.given),
        "scenarios": None if iis.scenarios is None else list(iis.scenarios),
        "minimal": iis.minimal,
        "margin": iis.margin if math.isfinite(iis.margin) else None,
        "dropped_for_the_next": iis.dropped,
    }
