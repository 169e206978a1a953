"""The reference names every key of the schema, stands in docs as it is made, and answers for a path."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from optimizer.case import schema_reference
from optimizer.case.schema.case_model import case_schema
from optimizer.case.schema_reference import NoSuchKey, _as_map, sections, text
from optimizer.cli.app import cli
from tests.shared.places import ROOT


def test_docs_have_the_reference_as_it_is_made() -> None:
    assert (ROOT / "docs" / "reference.md").read_text() == schema_reference.markdown(case_schema()), (
        "make it again: wattfolio schema --reference > docs/reference.md"
    )


def test_every_key_of_the_schema_has_a_row_with_its_meaning() -> None:
    schema = case_schema()
    document = schema_reference.markdown(schema)
    keys = {(name, key) for name, one in schema["$defs"].items() for key in _as_map(one).get("properties", {})}
    keys |= {("", key) for key in schema["properties"]}
    assert len(keys) > 300
    assert [key for _, key in keys if f"| `{key}` |" not in document] == []
    walked = sections(schema)
    told = {(section.describes, key.name) for section in walked for key in section.keys}
    for name, one in schema["$defs"].items():
        describes = _as_map(one).get("description", "").strip().split("\n", 1)[0]
        for key in _as_map(one).get("properties", {}):
            assert (describes, key) in told, (name, key)
    assert [key for section in walked for key in section.keys if not key.meaning and key.name not in ("name", "type")] == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("financing.convertible", ["financing.NAME (convertible)", "  conversion_premium", "  capped_call", "must be given"]),
        ("financing.NAME", ["(notes)", "(loan)", "(revolver)", "(atm)"]),
        ("sites.texas.power.grid", ["sites.NAME.power.grid", "  price", "hourly energy price, USD/MWh"]),
        ("financing.notes.tenor", ["financing.NAME.tenor", "from issue to maturity"]),
        ("horizon", ["From when, how long", "`month`, `quarter`, `half-year`, `year`"]),
        ("", ["case file", "  horizon"]),
    ],
)
def test_a_path_is_answered_within_80_columns(path: str, says: list[str]) -> None:
    told = text(case_schema(), path, 80)
    for one in says:
        assert one in told
    assert path == "financing.NAME" or told.count("\n\n\n") == 0
    long = [line for line in told.splitlines() if len(line) > 80 and not line.startswith(("  type", "  "))]
    assert long == []


def test_a_path_that_is_not_there_says_what_is_close() -> None:
    with pytest.raises(NoSuchKey, match=r'there is no "treasury.chas" in a case: did you mean "treasury.cash"\?'):
        text(case_schema(), "treasury.chas", 80)
    refused = CliRunner().invoke(cli, ["schema", "treasury.chas"])
    assert refused.exit_code == 2 and "did you mean" in refused.output
    both = CliRunner().invoke(cli, ["schema", "treasury", "--reference"])
    assert both.exit_code == 2


def test_the_verb_prints_json_without_a_path() -> None:
    import json

    whole = CliRunner().invoke(cli, ["schema"], standalone_mode=False)
    assert json.loads(whole.stdout)["title"] == "CaseModel"
    part = CliRunner().invoke(cli, ["schema", "financing.notes"], standalone_mode=False)
    assert part.stdout.startswith("financing.NAME (notes)\n")
