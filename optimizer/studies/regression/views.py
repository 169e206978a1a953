"""What a check found, for those who read it: a table, JSON, JUnit XML, annotations on GitHub, and a summary in Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

from optimizer.studies.regression.check import ERROR, NOTE, SAME, STATES, WARNING, Finding, Verdict, exit_code

#: GitHub shows so many annotations of a kind for each step of a job, and drops the rest
MOST_ANNOTATIONS = 10
#: bytes that GitHub takes of a step's summary
MOST_BYTES = 1_000_000
#: findings told for each verdict
MOST_FINDINGS = 24
#: what XML 1.0 cannot hold
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """By state, then by how far the objective moved."""
    order = {state: k for k, state in enumerate(STATES)}

    def far(one: Verdict) -> float:
        if one.before is None or one.after is None:
            return float("inf")
        return abs(one.after - one.before) / max(abs(one.before), 1e-300)

    return sorted(verdicts, key=lambda one: (order[one.state], -far(one), one.name))


# ---- text -----------------------------------------------------------------------------------------------------------------


def to_text(verdicts: Sequence[Verdict]) -> str:
    """One line for each verdict, and under it what moved; then a sentence."""
    lines = []
    wide = max((len(one.name) for one in verdicts), default=0)
    for one in verdicts:
        lines.append(_printable(f"{one.state:10} {one.name:{wide}}  {one.headline}"))
        told = one.findings[:MOST_FINDINGS]
        for found in told:
            first, *more = found.text.splitlines() or [""]
            lines.append(_printable(f"{'':10} {'':{wide}}    {_mark(found)} {first}"))
            lines += [_printable(f"{'':10} {'':{wide}}      {line}") for line in more]  # a mistake with its caret
        if len(one.findings) > MOST_FINDINGS:
            lines.append(f"{'':10} {'':{wide}}    and {len(one.findings) - MOST_FINDINGS} more")
    return "\n".join([*lines, sentence(verdicts)]) + "\n"


def sentence(verdicts: Sequence[Verdict]) -> str:
    """How it went, in one sentence."""
    if not verdicts:
        return "nothing was compared"
    counts = {state: sum(one.state == state for one in verdicts) for state in STATES}
    told = ", ".join(f"{count} {state}" for state, count in reversed(counts.items()) if count)
    compared = sum(one.compared for one in verdicts)
    return (
        f"{len(verdicts)} checked: {told}; {compared} figures compared in {sum(one.seconds for one in verdicts):.0f} s of solving"
    )


def _mark(found: Finding) -> str:
    return {ERROR: "-", WARNING: "!", NOTE: "."}[found.level]


def _printable(text: str) -> str:
    """One line, without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


# ---- JSON -----------------------------------------------------------------------------------------------------------------


def to_json(verdicts: Sequence[Verdict]) -> str:
    """Everything, for programs."""
    told: dict[str, Any] = {
        "schema": 1,
        "same": exit_code(verdicts) == 0,
        "exit_code": exit_code(verdicts),
        "verdicts": [
            {
                "case": one.task.case,
                "variant": one.task.variant,
                "path": one.task.path,
                "blessed": str(one.task.blessed),
                "state": one.state,
                "headline": one.headline,
                "compared": one.compared,
                "objective_before": one.before,
                "objective_after": one.after,
                "line": one.line,
                "findings": [{"level": found.level, "about": found.about, "text": found.text} for found in one.findings],
            }
            for one in verdicts
        ],
    }
    return json.dumps(told, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


# ---- JUnit ----------------------------------------------------------------------------------------------------------------


def to_junit(verdicts: Sequence[Verdict]) -> bytes:
    """One suite for each case, one test for each variant; a state other than 'same' is a failure, one without a proof an error."""
    root = ElementTree.Element("testsuites", name="wattfolio check")
    total = dict.fromkeys(("tests", "failures", "errors"), 0)
    for case in dict.fromkeys(one.task.case for one in verdicts):
        mine = [one for one in verdicts if one.task.case == case]
        counts = {
            "tests": len(mine),
            "failures": sum(STATES[one.state] == 1 for one in mine),
            "errors": sum(STATES[one.state] > 1 for one in mine),
        }
        total = {name: total[name] + count for name, count in counts.items()}
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(case))
        for name, count in counts.items():
            suite.set(name, str(count))
        suite.set("time", f"{sum(one.seconds for one in mine):.3f}")
        for one in mine:
            test = ElementTree.SubElement(
                suite, "testcase", classname=_xml(f"check.{case}"), name=_xml(one.task.variant or "base")
            )
            test.set("time", f"{one.seconds:.3f}")
            test.set("file", _xml(one.task.path))
            if one.failed:
                kind = "failure" if STATES[one.state] == 1 else "error"
                wrong = ElementTree.SubElement(test, kind, message=_xml(one.headline), type=one.state)
                wrong.text = _xml("\n".join(found.text for found in one.findings if found.level == ERROR))
            said = [found.text for found in one.findings if found.level != ERROR]
            if said:
                ElementTree.SubElement(test, "system-out").text = _xml("\n".join(said))
    for name, count in total.items():
        root.set(name, str(count))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _xml(text: str) -> str:
    return _NOT_XML.sub("?", text)


# ---- GitHub ---------------------------------------------------------------------------------------------------------------


def to_annotations(verdicts: Sequence[Verdict]) -> list[str]:
    """Workflow commands, the worst first: at most MOST_ANNOTATIONS errors and as many warnings, the last of which says how many are left."""
    errors, warnings = [], []
    for one in worst_first(verdicts):
        if one.failed:
            errors.append((one, one.headline))
        warnings += [(one, found.text) for found in one.findings if found.level == WARNING]
    out = []
    for level, found in (("error", errors), ("warning", warnings)):
        fits = found if len(found) <= MOST_ANNOTATIONS else found[: MOST_ANNOTATIONS - 1]
        out += [_annotation(level, one, text) for one, text in fits]
        if len(found) > len(fits):
            rest = sorted({one.name for one, _ in found[len(fits) :]})
            named = ", ".join(rest[:20]) + (", ..." if len(rest) > 20 else "")
            out.append(f"::{level} title=wattfolio check::{_data(f'and {len(found) - len(fits)} more: {named}')}")
    return out


def _annotation(level: str, one: Verdict, text: str) -> str:
    place = f"file={_property(one.task.path)}," + (f"line={one.line}," if one.line else "")
    return f"::{level} {place}title={_property(f'wattfolio check: {one.name}')}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# ---- Markdown -------------------------------------------------------------------------------------------------------------


def to_markdown(verdicts: Sequence[Verdict]) -> str:
    """A section for a job's summary: a table, then what moved in each case that failed. Within the size that GitHub takes."""
    code = exit_code(verdicts)
    out = [
        f"## wattfolio check: {'the optimal solutions are as blessed' if code == 0 else 'an optimal solution is not as blessed'}",
        "",
    ]
    out += [sentence(verdicts), "", "| case | state | objective, USD | blessed, USD | what |", "|---|---|---:|---:|---|"]
    for one in worst_first(verdicts):
        out.append(f"| {_cell(one.name)} | {one.state} | {_number(one.after)} | {_number(one.before)} | {_cell(one.headline)} |")
    for one in worst_first(verdicts):
        told = [found for found in one.findings if one.failed or found.level == WARNING][:MOST_FINDINGS]
        if told:
            out += ["", f"### {_cell(one.name)}", "", *(f"- {_cell(found.text)}" for found in told)]
    text = ""
    for line in out:
        if len((text + line).encode()) > MOST_BYTES:
            return text + "\n... the rest does not fit.\n"
        text += line + "\n"
    return text


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _cell(text: str) -> str:
    """Text that stays text: no HTML, no emphasis, no links, no new columns."""
    clean = _printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~!@])", r"\\\1", clean)


def passed(verdicts: Sequence[Verdict]) -> bool:
    """Whether all are as blessed, and there was something to compare."""
    return bool(verdicts) and all(one.state == SAME and one.compared > 0 for one in verdicts)
