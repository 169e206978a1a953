"""What a check prints and writes: every format read back by what reads it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from optimizer.studies.regression import views
from optimizer.studies.regression.check import (
    DIFFERENT,
    ERROR,
    LIMIT,
    MISSING,
    NOTE,
    SAME,
    UNVERIFIED,
    WARNING,
    Finding,
    Task,
    Verdict,
)
from optimizer.studies.regression.run import UsageProblem, publish


def verdict(
    state: str = SAME, case: str = "a", variant: str | None = None, after: float | None = 90.0, *findings: Finding
) -> Verdict:
    return Verdict(
        Task(f"cases/{case}.yaml", variant, case, "results"), state, f"{state} told", findings, 7, 100.0, after, 12, 0.25
    )


HOSTILE = 'x<y> & "z" | *b* `c`\n::error::no\x1b[31m\x00 100 % \ud800'
ALL = [
    verdict(SAME, "a"),
    verdict(DIFFERENT, "a", "v1", 80.0, Finding(ERROR, "input", HOSTILE), Finding(NOTE, "plan", "another")),
    verdict(DIFFERENT, "b", None, 20.0, Finding(ERROR, "line", "tax"), Finding(WARNING, "gap", "wide")),
    verdict(UNVERIFIED, "b", HOSTILE, None, Finding(ERROR, "proof", "off")),
    verdict(MISSING, "c", None, None),
    verdict(LIMIT, "c", "slow", None),
]


def test_the_worst_comes_first() -> None:
    order = [(one.state, one.task.case) for one in views.worst_first(ALL)]
    assert order == [
        (UNVERIFIED, "b"), (LIMIT, "c"), (MISSING, "c"), (DIFFERENT, "b"), (DIFFERENT, "a"), (SAME, "a"),
    ]  # fmt: skip  # b moved by 80 %, a by 20 %


def test_text_is_one_line_for_each_thing() -> None:
    text = views.to_text(ALL)
    assert "\x1b" not in text and "\x00" not in text
    assert text.splitlines()[-1].startswith("6 checked: 1 same, 2 different, 1 missing, 1 limit, 1 unverified")
    assert views.to_text([]) == "nothing was compared\n"


def test_json_reads_back() -> None:
    told = json.loads(views.to_json(ALL))
    assert (told["same"], told["exit_code"], len(told["verdicts"])) == (False, 5, 6)
    assert told["verdicts"][1]["findings"][0] == {"level": "error", "about": "input", "text": HOSTILE}
    told = json.loads(views.to_json(ALL[:1]))
    assert (told["same"], told["exit_code"]) == (True, 0)
    assert set(told["verdicts"][0]) >= {"case", "variant", "state", "headline", "objective_before", "objective_after", "findings"}


def test_junit_is_what_readers_of_it_expect() -> None:
    root = ElementTree.fromstring(views.to_junit(ALL))
    assert (root.tag, root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("testsuites", "6", "3", "2")
    assert [suite.attrib["name"] for suite in root] == ["a", "b", "c"]
    for suite in root:
        tests = suite.findall("testcase")
        assert suite.attrib["tests"] == str(len(tests))
        assert suite.attrib["failures"] == str(len(suite.findall("testcase/failure")))
        assert suite.attrib["errors"] == str(len(suite.findall("testcase/error")))
        assert float(suite.attrib["time"]) == pytest.approx(sum(float(test.attrib["time"]) for test in tests))
        assert all(test.attrib["classname"] and test.attrib["name"] for test in tests)
        assert all({child.tag for child in test} <= {"failure", "error", "system-out"} for test in tests)
    failure = root.find("testsuite[@name='a']/testcase[@name='v1']/failure")
    assert failure is not None and failure.attrib == {"message": "different told", "type": "different"}
    assert failure.text is not None and 'x<y> & "z"' in failure.text and "another" not in failure.text
    said = root.find("testsuite[@name='a']/testcase[@name='v1']/system-out")
    assert said is not None and said.text == "another"


def test_annotations_are_escaped_and_point_at_the_case() -> None:
    found = views.to_annotations(ALL)
    assert all("\n" not in line and line.startswith(("::error ", "::warning ")) for line in found)
    assert found[4] == "::error file=cases/a.yaml,line=12,title=wattfolio check%3A a/v1::different told"
    assert found[-1] == "::warning file=cases/b.yaml,line=12,title=wattfolio check%3A b/base::wide"
    assert "%25" in found[0] and "%0A" in found[0] and "::error::no" not in found[0]  # the hostile name of a variant


def test_annotations_keep_within_what_is_shown() -> None:
    many = [verdict(DIFFERENT, "case", f"v{k:02}", 100.0 - k, Finding(WARNING, "gap", "wide")) for k in range(1, 14)]
    found = views.to_annotations(many)
    errors = [line for line in found if line.startswith("::error")]
    warnings = [line for line in found if line.startswith("::warning")]
    assert (len(errors), len(warnings)) == (10, 10)
    assert "case/v13" in errors[0]  # moved farthest
    assert errors[-1].endswith("::and 4 more: case/v01, case/v02, case/v03, case/v04")
    assert len(views.to_annotations(many[:10])) == 20 and "more" not in "".join(views.to_annotations(many[:10]))


def test_markdown_stays_text_and_within_its_size() -> None:
    text = views.to_markdown(ALL)
    assert "<y>" not in text and "*b*" not in text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(table) == 1 + len(ALL)
    assert all(line.replace("\\|", "").count("|") == 6 for line in table)
    assert "an optimal solution is not as blessed" in text.splitlines()[0]
    assert "are as blessed" in views.to_markdown(ALL[:1]).splitlines()[0]
    long = [verdict(DIFFERENT, "case", f"v{k}", 1.0, Finding(ERROR, "line", "x" * 5000)) for k in range(300)]
    text = views.to_markdown(long)
    assert len(text.encode()) < 1024 * 1024 and text.endswith("... the rest does not fit.\n")


def test_files_are_written_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    (tmp_path / "step.md").write_text("before\n")
    assert publish(ALL, str(tmp_path / "new" / "j.xml"), None) == []
    assert ElementTree.parse(tmp_path / "new" / "j.xml").getroot().tag == "testsuites"
    assert (tmp_path / "step.md").read_text().startswith("before\n## wattfolio check")
    publish(ALL, None, str(tmp_path / "mine.md"))
    assert (tmp_path / "mine.md").read_text() in (tmp_path / "step.md").read_text()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert len(publish(ALL, None, str(tmp_path / "mine.md"))) == 6
    with pytest.raises(UsageProblem, match="cannot write"):
        publish(ALL, str(tmp_path), None)
