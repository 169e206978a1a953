"""What two results have apart adds up, and a result beside itself differs in nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optimizer.cli.app import cli
from optimizer.results import folder as results
from optimizer.results.difference import difference
from optimizer.results.read_folder import load
from tests.shared.places import ROOT
from tests.shared.plans import plan

QUICKSTART = ROOT / "cases" / "quickstart.yaml"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    out = tmp_path_factory.mktemp("difference")
    return tuple(results.write(plan(QUICKSTART, variant=variant), out) for variant in (None, "no_debt"))  # type: ignore[return-value]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["diff", *arguments], standalone_mode=False)


def test_the_difference_of_value_is_the_sum_of_its_parts(pair: tuple[Path, Path]) -> None:
    first, other = map(load, pair)
    found = difference(first, other)
    worth = {one.name: one for one in found.of("worth")}
    by = worth["expected value"].by
    assert by == other["summary"]["expected_npv"] - first["summary"]["expected_npv"] != 0.0
    assert sum(one.by or 0.0 for one in found.of("value")) == pytest.approx(by, rel=1e-9)
    issued = next(one for one in found.of("decision") if one.name == "issue notes")
    assert issued.first is not None and issued.first > 1e6 and issued.other == 0.0
    assert not found.same_inputs and any("revenue" in one.name for one in found.of("statement"))


def test_the_verb_tells_it_within_80_columns_and_by_its_code(pair: tuple[Path, Path]) -> None:
    apart = run(*map(str, pair))
    assert apart.return_value == 1 and "What is decided otherwise" in apart.stdout and "issue notes" in apart.stdout
    assert max(map(len, apart.stdout.splitlines())) <= 80
    same = run(str(pair[0]), str(pair[0]))
    assert same.return_value == 0 and same.stdout.endswith("nothing differs\n") and "same inputs" in same.stdout
    told = json.loads(run(*map(str, pair), "--json").stdout)
    assert {one["group"] for one in told["figures"]} == {"worth", "decision", "value", "statement"}


def test_what_is_no_result_is_one_message(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"schema": 1, "files": {}}')
    for other in (str(tmp_path), str(tmp_path / "nothing")):
        refused = CliRunner().invoke(cli, ["diff", str(pair[0]), other])
        assert refused.exit_code == 2 and "Traceback" not in refused.output and refused.output.count("\n") <= 2
