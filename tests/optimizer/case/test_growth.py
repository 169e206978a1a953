"""What a large case costs grows with its size: twice the variants, keys or blanks take twice the work, not four times."""

from __future__ import annotations

import difflib
import io
import sys
from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.case.reading import scalar_places
from optimizer.case.reading.diagnostics import MOST_SHOWN, CaseError
from optimizer.case.reading.scalar_places import place_in
from optimizer.case.reading.yaml_tree import load
from optimizer.cli.app import run

SMALL = """
case: {name: small}
horizon: {start: 2026-01, quarters: 2, hours: {every: 97}}
company: {overhead: 1 MUSD/year}
market: {btc_price: 80_000 USD/BTC, network_hashrate: 900 EH/s}
scenarios:
  low: {probability: 50 %, set: {market.btc_price: 60_000 USD/BTC}}
  high: {probability: 50 %}
"""


def calls(work: object) -> int:
    """How many functions were called: the same on a busy machine as on an idle one."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()  # type: ignore[operator]
    finally:
        sys.setprofile(None)
    return count


def validated(path: Path, text: str, code: int = 0) -> int:
    path.write_text(text)
    codes: list[int] = []
    load.__globals__["_load"].cache_clear()
    counted = calls(lambda: codes.append(run(["validate", str(path)])))
    assert codes == [code]
    return counted


def test_validation_is_linear_in_variants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def case(count: int) -> str:
        return SMALL + "variants:\n" + "".join(f"  v{k}: {{set: {{company.overhead: {k} MUSD/year}}}}\n" for k in range(count))

    path = tmp_path / "case.yaml"
    validated(path, case(2))  # what is imported once is not counted
    few, some, many = (validated(path, case(count)) for count in (20, 80, 140))
    assert (many - some) < 1.1 * (some - few)
    assert "valid" in capsys.readouterr().out


def test_a_variant_that_leads_nowhere_is_told_whichever_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        SMALL + "variants:\n  good: {set: {company.overhead: 2 MUSD/year}}\n  bad: {set: {company.overheads: 1 USD}}\n"
    )
    for variant in (None, "good", "bad", "good"):
        with pytest.raises(CaseError, match="overheads"):
            Case.load(path, variant)
    path.write_text(path.read_text().replace("overheads: 1 USD", "overhead: 3 MUSD/year"))
    assert [Case.load(path, variant).variant for variant in (None, "good", "bad")] == [None, "good", "bad"]
    with pytest.raises(CaseError, match="no variant"):
        Case.load(path, "other")


@pytest.mark.parametrize("where", ["", "  "], ids=["at the top", "in a section"])
def test_unknown_keys_are_linear_and_hints_are_found_for_those_that_are_shown(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    near = difflib.get_close_matches
    monkeypatch.setattr(difflib, "get_close_matches", lambda word, *rest, **more: asked.append(word) or near(word, *rest, **more))

    def case(count: int) -> str:
        told = "".join(f"{where}marke{k}: 1\n" for k in range(count))
        return SMALL + (f"treasury:\n{told}" if where else told)

    path = tmp_path / "case.yaml"
    validated(path, case(3), 2)
    few, some, many = (validated(path, case(count), 2) for count in (1000, 3000, 5000))
    assert (many - some) < 1.1 * (some - few)
    told = capsys.readouterr().err
    assert "5000 mistakes" in told and "and 4900 more" in told
    assert len(asked) <= 4 * MOST_SHOWN
    assert told.count("hint: ") == 3 + 3 * MOST_SHOWN


def test_mistakes_in_unknown_keys_keep_their_places_and_hints(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(SMALL.replace("market: {", "market: {zz: 1, ") + "horizn: 1\n")
    with pytest.raises(CaseError) as found:
        Case.load(path)
    told = [(one.place.line, one.path, one.hint) for one in found.value.mistakes]
    assert [where for _, where, _ in told] == ["market.zz", "horizn"]
    assert told[1][2] == 'did you mean "horizon"?' and told[0][2] is not None


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_run_of_blanks_is_looked_through_once(quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    class Counted:
        def match(self, source: str, at: int) -> object:
            nonlocal looked
            end = at
            while end < len(source) and source[end] in " \t":
                end += 1
            looked += end - at
            return None if source[end : end + 1] != "\n" else fold.match(source, at)

    fold = scalar_places._FOLD
    monkeypatch.setattr(scalar_places, "_FOLD", Counted())
    source = f"rule: {quote}cash" + " " * 20_000 + f">= 1 USD{quote}\n"
    node = load(source, "case.yaml")["rule"]
    for offset in (3, 500, 19_000, 20_005):
        looked = 0
        assert place_in(node, offset, source).column == 8 + offset
        assert looked <= 20_000


def test_the_excerpt_of_a_long_line_is_cut_before_it_is_cleaned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    path = tmp_path / "case.yaml"
    path.write_text(SMALL + 'rules: [{name: long, require: "cash' + " " * 200_000 + '>= 1 USD"}]\n')
    assert calls(lambda: run(["validate", str(path)])) < 200_000
    assert "at most 500 characters" in shown.getvalue()
