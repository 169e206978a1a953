"""Cases: what is loaded, patched, and told to be the same; and how fast."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.case.case import Case
from optimizer.case.patch import kind_of_field
from optimizer.case.reading import yaml_tree
from optimizer.case.reading.diagnostics import CaseError
from optimizer.case.schema.case_model import CaseModel, case_schema
from optimizer.case.schema.field_types import Section
from tests.shared.places import ROOT

CASES = ROOT / "tests" / "cases"
ALL = CASES / "all-features.yaml"
HORIZON = "horizon: {start: 2026-01, years: 2}\n"


def write(folder: Path, text: str, name: str = "case.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_case_loads_with_every_variant(path: Path) -> None:
    case = Case.load(path)
    assert case.problem().name == case.name
    assert case.problem() is case.problem()
    for name in case.variants:
        varied = Case.load(path, variant=name)
        assert varied.variant == name
        assert varied.digest != case.digest


def test_the_smallest_case_has_neutral_defaults(tmp_path: Path) -> None:
    problem = Case.load(write(tmp_path, HORIZON)).problem()
    assert problem.scenarios.names == ("base",)
    assert (problem.sites, problem.rigs, problem.debts, problem.tax, problem.rules) == ((), (), (), None, ())
    assert problem.objective.discount == 0.0 and problem.objective.weight == 0.0
    assert not problem.treasury.dividends.any() and problem.treasury.sell.all()
    assert problem.clock.periods == 8 and problem.money == 1.0


def test_settings_and_changes_are_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, HORIZON + "treasury: {cash: 5 MUSD}\n")
    first = Case.load(path, settings=["treasury.cash=7 MUSD"])
    second = Case.load(path, changes={"treasury.cash": "7 MUSD"})
    assert first.problem().treasury.cash == 7e6
    assert first.digest == second.digest != Case.load(path).digest


def test_settings_come_after_the_variant(tmp_path: Path) -> None:
    path = write(tmp_path, HORIZON + "treasury: {cash: 5 MUSD}\nvariants: {rich: {set: {treasury.cash: 9 MUSD}}}\n")
    assert Case.load(path, variant="rich").problem().treasury.cash == 9e6
    assert Case.load(path, variant="rich", settings=["treasury.cash=7 MUSD"]).problem().treasury.cash == 7e6


def test_a_setting_may_be_a_mapping_a_new_name_or_a_removal(tmp_path: Path) -> None:
    path = write(tmp_path, HORIZON + "financing: {notes: {type: notes, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years}}\n")
    more = "financing.loan={type: loan, coupon: 8 %/year, limit: 1 MUSD, tenor: 2 years}"
    assert [d.name for d in Case.load(path, settings=[more]).problem().debts] == ["notes", "loan"]
    assert Case.load(path, settings=["financing.notes="]).problem().debts == ()
    rising = Case.load(path, settings=["financing.notes.coupon={start: 7 %/year, growth: 10 %/year}"]).problem().debts[0]
    assert rising.rate[0, -1] > rising.rate[0, 0] > 0.07


def test_a_shorthand_opens_for_a_setting(tmp_path: Path) -> None:
    path = write(tmp_path, HORIZON + "sites: {barker: {interconnection: 100 MW}}\n")
    more = "sites.barker.interconnection.expand={cost: 1 MUSD/MW, limit: 5 MW}"
    site = Case.load(path, settings=[more]).problem().sites[0]
    assert site.interconnection_mw == 100.0 and site.expand is not None and site.expand.limit == 5.0


def test_the_digest_sees_values_and_files_but_not_variants_or_comments(tmp_path: Path) -> None:
    text = HORIZON + "market: {btc_price: {csv: price.csv, column: usd}}\n"
    (tmp_path / "price.csv").write_text("date,usd\n2026-01-01,90000\n")
    path = write(tmp_path, text)
    first = Case.load(path)
    assert list(first.files) == ["price.csv"] and len(first.files["price.csv"]) == 64
    write(tmp_path, "# a comment\n" + text + "variants: {a: {set: {market.btc_price: 80 kUSD/BTC}}}\n")
    assert Case.load(path).digest == first.digest
    (tmp_path / "price.csv").write_text("date,usd\n2026-01-01,90001\n")
    assert Case.load(path).digest != first.digest
    write(tmp_path, text + "treasury: {cash: 1 USD}\n")
    (tmp_path / "price.csv").write_text("date,usd\n2026-01-01,90000\n")
    assert Case.load(path).digest != first.digest


def test_scenarios_touch_their_own_data_only(tmp_path: Path) -> None:
    text = HORIZON + (
        "company: {overhead: 1 MUSD/year}\n"
        "market: {btc_price: 100 kUSD/BTC}\n"
        "scenarios:\n"
        "  base: {probability: 50 %}\n"
        "  bear: {probability: 30 %, scale: {market.btc_price: 0.7}}\n"
        "  crash:\n    probability: 20 %\n    set: {market.btc_price: {start: 50 kUSD/BTC, growth: -10 %/year}}\n"
        "    scale: {market.btc_price: 0.5}\n"
    )
    problem = Case.load(write(tmp_path, text)).problem()
    assert problem.market.btc_price[:, 0].tolist() == [100e3, 70e3, 25e3]
    assert problem.market.btc_price[2, -1] == pytest.approx(25e3 * 0.81)
    assert (problem.overhead == 1e6).all()
    assert problem.scenarios.probability.tolist() == [0.5, 0.3, 0.2]


@pytest.mark.parametrize(
    ("zone", "message"),
    [
        ("America/New_Yrok", '"America/New_Yrok" is not a time zone'), ("near the lake", '"near the lake" is not a time zone'),
        ("localtime", '"localtime" is not a time zone'), ("../UTC", '"../UTC" is not a time zone'),
        ("right/UTC", '"right/UTC" is not a time zone'), ("[UTC]", "a list: expected a time zone"),
    ],
)  # fmt: skip
def test_the_time_zone_of_a_site_is_one_that_there_is(tmp_path: Path, zone: str, message: str) -> None:
    path = write(tmp_path, HORIZON + f"sites:\n  a:\n    timezone: {zone}\n")
    with pytest.raises(CaseError) as caught:
        Case.load(path)
    (mistake,) = caught.value.mistakes
    assert mistake.path == "sites.a.timezone" and mistake.message == message and mistake.place.column == 15
    near = 'did you mean "America/New_York"?' if "Yrok" in zone else "a name such as America/New_York"
    assert mistake.hint == near or (zone in ("localtime", "../UTC", "right/UTC") and mistake.hint is not None)
    Case.load(path, settings=["sites.a.timezone=Europe/Oslo"])  # this one is


def test_bounds_hold_after_scaling(tmp_path: Path) -> None:
    text = HORIZON + (
        "treasury: {cash: 1 USD}\nmarket: {btc_price: 1 kUSD/BTC, hashprice: 1 USD/PH/day}\n"
        "sites: {a: {mining_hall: 1 MW}}\nrigs: {r: {efficiency: 15 J/TH, price: 1 USD/TH, resale: 60 %}}\n"
        "scenarios: {base: {probability: 100 %, scale: {rigs.r.resale: 2}}}\n"
    )
    with pytest.raises(CaseError, match=r"rigs\.r\.resale times 2 is 1\.2: it must be at most 1"):
        Case.load(write(tmp_path, text))


def test_horizon_note_tells_how_hours_are_used() -> None:
    note = Case.load(ALL).horizon_note
    assert note.startswith("Of 17520 hours 184 are kept: one in 365, weighted up") and "136 hours with a peak charge" in note
    assert Case.load(ALL, settings=["horizon.hours=all"]).horizon_note.startswith("All 17520 hours")
    assert Case.load(CASES / "farmer.yaml").horizon_note == "There is no site: no hours are used."


# --- the schema -------------------------------------------------------------------------------------------------------


def sections(model: type[Section], seen: set[type[Section]]) -> None:
    """Every section class below a model."""
    if model in seen:
        return
    seen.add(model)

    def look(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            sections(annotation, seen)
        for inner in getattr(annotation, "__args__", ()):
            look(inner)
        if hasattr(annotation, "__origin__") and isinstance(annotation.__origin__, type):
            look(annotation.__origin__)

    for field in model.model_fields.values():
        look(field.annotation)


def test_every_key_has_a_description_and_every_default_says_so() -> None:
    found: set[type[Section]] = set()
    sections(CaseModel, found)
    assert len(found) > 40
    for model in found:
        assert model.__doc__, model
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


def test_all_features_uses_every_key() -> None:
    """Every key of every section is written somewhere in it, or in the case of those keys that want every hour."""
    from optimizer.case.reading import yaml_tree

    used: dict[type[Section], set[str]] = {}

    def walk(node: Any, kind: Any) -> None:
        if kind.section is not None:
            if node.kind != "map":
                return
            keys = used.setdefault(kind.section, set())
            for name, field in kind.section.model_fields.items():
                key = field.alias or name
                if key in node:
                    keys.add(key)
                    walk(node[key], kind_of_field(field, node[key]))
        elif kind.names is not None or kind.items is not None:
            from optimizer.case.patch import kind_of_annotation

            children = node.value.values() if node.kind == "map" else node.value if node.kind == "list" else ()
            for child in children:
                walk(child, kind_of_annotation(kind.names or kind.items, child))

    from optimizer.case.patch import Kind

    for path in (ALL, CASES / "coupled.yaml"):
        walk(yaml_tree.read(path)[0], Kind(section=CaseModel))
    # Keys that exclude one another; and what one of a family shows, the others need not.
    apart = {
        "CaseModel": {"data"},  # of drawn scenarios: tests/optimizer/case/test_generated.py
        "Horizon": {"months", "years", "end"},
        "Market": {"hashprice"},
        "HourSet": {"at"},
        "Tax": {"interest_limit"},
        "Objective": {"value", "rates"},  # another measure of value: tests/models/program/test_own_rates.py
    }
    shared = {"describe", "tenant", "sites", "minimum", "order", "payments", "depreciation", "fixed_cost", "lead"}
    shared |= {"ratio", "bank_case"}  # of a sculpted loan, whose cash flow nothing else may decide: tested with its own cases
    for model, keys in used.items():
        every = {field.alias or name for name, field in model.model_fields.items()}
        parent = model.__mro__[1]
        kin = [its for other, its in used.items() if parent is not Section and issubclass(other, parent)]
        left = every - keys - apart.get(model.__name__, set()) - shared - set().union(*kin)
        assert not left, f"{model.__name__}: {sorted(left)}"


def test_json_schema_is_complete_and_has_units() -> None:
    schema = case_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) == set(CaseModel.model_fields)
    treasury = schema["$defs"]["Treasury"]
    assert treasury["additionalProperties"] is False
    assert treasury["properties"]["cash"]["x-unit"] == "USD"
    assert treasury["properties"]["cash"]["description"] == "USD at the start; default 0"
    assert schema["required"] == ["horizon"]


def test_shorthands_are_in_the_json_schema() -> None:
    schema = case_schema()
    interconnection = schema["$defs"]["Interconnection"]
    mapping, bare = interconnection["anyOf"]
    assert mapping["type"] == "object" and set(mapping["properties"]) == {"now", "expand"}
    assert bare["x-unit"] == "MW"
    assert len(schema["$defs"]["Coupon"]["anyOf"]) == 2


# --- speed ------------------------------------------------------------------------------------------------------------


def test_loading_imports_neither_pandas_nor_pyomo_nor_pint() -> None:
    code = f"""
import sys
from optimizer.case.case import Case
Case.load({str(ALL)!r}).problem()
print([name for name in ("pandas", "pyomo", "pint", "scipy", "highspy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_arrays_are_finite_except_limits() -> None:
    problem = Case.load(ALL).problem()
    for rig in problem.rigs:
        assert np.isfinite(rig.price).all() and np.isfinite(rig.resale).all()
        assert not np.isnan(rig.supply).any()


@pytest.mark.parametrize("path", sorted((ROOT / "cases").glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_read_once_is_never_changed(path: Path) -> None:
    """The same text is read as the same tree: variants, scenarios and settings change copies of it."""
    text = path.read_text(encoding="utf-8")
    tree = yaml_tree.load(text, str(path))
    assert yaml_tree.load(text, str(path)) is tree
    case = Case.load(path)
    for variant in (None, *case.variants):
        Case.load(
            path,
            variant,
            settings=["objective.discount=11 %/year", "case.description=another", "treasury.cash=7 MUSD", "treasury.rescue=null"],
        )
    yaml_tree._load.cache_clear()
    again = yaml_tree.load(text, str(path))
    assert again is not tree and again.plain() == tree.plain() and _places(again) == _places(tree)


def _places(node: yaml_tree.Node) -> list[object]:
    below = node.value.values() if node.kind == "map" else node.value if node.kind == "list" else ()
    return [node.place, dict(node.key_places), *(_places(one) for one in below)]
