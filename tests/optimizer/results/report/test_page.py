"""The report of a result: true to the files, the same bytes, charts that say what they show, and names that are only text."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer import Case
from optimizer.cli.app import run
from optimizer.engine.solution import Solution
from optimizer.results import folder as results
from optimizer.results.measures import quantile
from optimizer.results.read_folder import load
from optimizer.results.report import charts as kinds
from optimizer.results.report.data import NAME
from optimizer.results.report.hours import LAYOUT, hours
from optimizer.results.report.mixes import MixError, rows_of
from optimizer.results.report.render_page import HTML, render
from optimizer.results.report.source import Source, read
from optimizer.results.report.svg import polyline, tick_labels, ticks
from optimizer.results.report.text import amount, esc, money, percent
from tests.shared import chromium
from tests.shared.places import ROOT
from tests.shared.plans import plan

CASES = ROOT / "tests" / "cases"

#: two sites, three scenarios, debt, a rule that binds, free texts that are markup; every name is replaced further below
MINE = """
case: {name: mine, description: "</title></svg><script>document.title = 'owned'</script> &amp; <img src=x onerror=alert(1)>"}
horizon: {start: 2026-01, quarters: 4, period: quarter, hours: all}
company: {overhead: 1 MUSD/year}
market: {btc_price: 100 kUSD/BTC, hashprice: 55 USD/PH/day}
scenarios:
  scenario_up: {probability: 50 %, describe: "<script>alert(2)</script>"}
  scenario_flat: {probability: 30 %, set: {market.hashprice: 48 USD/PH/day}, describe: "=cmd()"}
  scenario_down: {probability: 20 %, set: {market.hashprice: 34 USD/PH/day}}
information: 2026-07
sites:
  site_north:
    interconnection: 20 MW
    mining_hall: 20 MW
    power: {grid: {price: {shape: ercot-hub-2024, mean: 38 USD/MWh, seed: 1}}}
  site_south:
    interconnection: 5 MW
    mining_hall: 5 MW
    power: {grid: {price: 30 USD/MWh}}
rigs:
  rig_model: {hashrate: 200 TH/s, power: 3500 W, price: 12 USD/TH, resale: 40 %, lead: 3 months, life: 48 months, limit: 25 MW}
financing:
  notes_name: {type: notes, coupon: 8 %/year, limit: 3 MUSD, issue: 2026-01, tenor: 1 year, interest: annual}
  owners_name: {type: equity, limit: 20 MUSD}
treasury: {cash: 1 MUSD, dividends: always}
rules:
  - name: cash_rule
    require: cash >= 500 kUSD
objective: {discount: 10 %/year, risk_weight: 30 %, tail_probability: 20 %}
"""
NAMES = (
    "scenario_up",
    "scenario_flat",
    "scenario_down",
    "site_north",
    "site_south",
    "rig_model",
    "notes_name",
    "owners_name",
    "cash_rule",
)
#: what names could be if a result were made by somebody else
HOSTILE = (
    "<script>document.title='owned'</script>", "=cmd()|'/C calc'!A0", "</svg></title></td><h1>", "\"' onload=alert(3) x='",
    "<img src=x onerror=alert(4)>",
    "<style>*{display:none}</style>", "javascript:alert(5)//", "<!-- ]]> --> <plaintext>", "&lt;b&gt;\u202e\x00\x1b[2J",
)  # fmt: skip
MIXES = {
    "rows": [
        {
            "name": "base",
            "objective": 19e6,
            "expected_npv": 26e6,
            "cvar": 3.2e6,
            "irr": 0.19,
            "sources": {"notes": 9e7, "owners": 4e7},
        },
        {
            "name": "<script>x</script>",
            "objective": 11e6,
            "expected_npv": 12e6,
            "cvar": 8e6,
            "irr": None,
            "sources": {"owners": 9e7},
        },
        {"name": "none", "objective": None, "expected_npv": None, "cvar": None, "reason": "infeasible: <b>"},
    ]
}
POINTS = {
    "points": [{"weight": w, "expected_npv": 3e7 - 1e7 * w * w, "cvar": 1e7 * w, "objective": 2e7} for w in (0.0, 0.3, 0.6, 1.0)]
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def mine(folder: Path) -> Solution:
    path = folder / "mine.yaml"
    path.write_text(MINE, encoding="utf-8")
    return Case.load(path).solve()


@pytest.fixture(scope="module")
def written(mine: Solution, folder: Path) -> Path:
    return results.write(mine, folder, dispatch=True)


@pytest.fixture(scope="module")
def source(written: Path) -> Source:
    return read(written)


#: what the page says of hours that hang together, of one month
SHORT = {"coupled": ["horizon.months=1"]}


def _solved(name: str, folder: Path) -> Path:
    return results.write(plan(CASES / f"{name}.yaml", *SHORT.get(name, ())), folder)


@pytest.fixture(scope="module")
def pages(written: Path, folder: Path) -> dict[str, str]:
    """Pages of very different cases: everything; names that attack; no site; no debt, one scenario; a battery; projects."""
    out = {
        "mine": render(written, MIXES, POINTS),
        "hostile": render(_renamed(read(written), dict(zip(NAMES, HOSTILE, strict=True)))),
    }
    for name in ("tax-shield", "curtailment", "coupled", "farmer"):
        out[name] = (_solved(name, folder) / HTML).read_text(encoding="utf-8")
    return out


def _renamed(found: Source, names: dict[str, str]) -> Source:
    """The same result with other names, wherever a name stands."""

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in names.items():
                value = value.replace(old, new)
            return value
        if isinstance(value, dict):
            return {renamed(key): renamed(item) for key, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    return Source(
        renamed(dict(found.summary)),
        renamed(dict(found.data)),
        renamed({name: dict(columns) for name, columns in found._tables.items()}),
    )


# ---------------------------------------------------------------------------------------------------------------------
# What a page is made of


VOID = frozenset(("meta", "img", "br", "hr", "input", "link"))
#: attributes with which a page loads something
LOADS = frozenset(
    ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "background", "formaction", "manifest", "ping", "style")
)


class Reader(HTMLParser):
    """Elements with their attributes and text; an element that is not closed, or closed twice, is an error."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open: list[dict[str, Any]] = []
        self.elements: list[dict[str, Any]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        one = {"tag": tag, "attributes": dict(attrs), "text": "", "inside": list(self.open)}
        self.elements.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1]["tag"] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        for one in self.open:
            one["text"] += data

    def all(self, tag: str, mark: str | None = None) -> list[dict[str, Any]]:
        """Elements of a tag, with a class."""
        return [
            e for e in self.elements if e["tag"] == tag and (mark is None or mark in (e["attributes"].get("class") or "").split())
        ]


@pytest.fixture(scope="module")
def readers(pages: dict[str, str]) -> dict[str, Reader]:
    return {name: Reader(text) for name, text in pages.items()}


def test_a_page_that_is_not_well_formed_is_found() -> None:
    with pytest.raises(AssertionError):
        Reader("<p><b>x</p></b>")
    with pytest.raises(AssertionError):
        Reader("<div>")


def test_ids_are_unique_and_links_lead_to_them(readers: dict[str, Reader]) -> None:
    for reader in readers.values():
        ids = [e["attributes"]["id"] for e in reader.elements if "id" in e["attributes"]]
        assert len(ids) == len(set(ids))
        links = [e["attributes"]["href"] for e in reader.all("a")]
        assert links and {link[1:] for link in links} <= set(ids)


def test_nothing_is_loaded_and_only_the_pages_own_script_may_run(readers: dict[str, Reader], pages: dict[str, str]) -> None:
    for name, reader in readers.items():
        (script,), (style,) = reader.all("script"), reader.all("style")
        (policy,) = [
            e["attributes"]["content"]
            for e in reader.all("meta")
            if e["attributes"].get("http-equiv") == "Content-Security-Policy"
        ]
        digests = [base64.b64encode(hashlib.sha256(e["text"].encode()).digest()).decode() for e in (style, script)]
        wanted = "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
        assert policy == wanted.format(*digests)
        assert "@import" not in style["text"] and "url(" not in style["text"]
        for e in reader.elements:
            for key, value in e["attributes"].items():
                assert not key.startswith("on"), (name, e)
                assert key not in LOADS or (key == "href" and (value or "").startswith("#")), (name, e)
        assert {e["tag"] for e in reader.elements}.isdisjoint(
            ("img", "iframe", "object", "embed", "link", "base", "form", "image", "use")
        )


def test_pages_are_small(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert len(text.encode()) < 2_000_000, name


UNIT = re.compile(r"USD|MW|%|×|units|month|hour")


def test_every_chart_has_a_title_and_axes_with_units(readers: dict[str, Reader]) -> None:
    count = 0
    for name, reader in readers.items():
        for svg in reader.all("svg"):
            count += 1
            inside = [e for e in reader.elements if svg in e["inside"]]
            assert svg["attributes"]["role"] == "img" and len(svg["attributes"]["aria-label"]) > 20
            assert [e for e in inside if e["tag"] == "title" and e["inside"][-1] is svg and e["text"].strip()]
            axes = {
                kind: [e["text"] for e in inside if e["attributes"].get("class", "").split()[:1] == [kind]]
                for kind in ("axis-x", "axis-y")
            }
            assert all(axes.values()) and all(text.strip() for texts in axes.values() for text in texts), (
                name,
                svg["attributes"]["aria-label"],
            )
            assert any(UNIT.search(text) for texts in axes.values() for text in texts), (name, axes)
            assert [e for e in inside if "tick" in e["attributes"].get("class", "").split()]
            assert "nan" not in json.dumps([e["attributes"] for e in inside]).lower().replace("<n>", "")
    assert count > 60


def test_names_are_text_and_change_nothing_else(source: Source, readers: dict[str, Reader]) -> None:
    """The elements of a page with hostile names are those of a page with harmless names of the same lengths."""
    harmless = Reader(render(_renamed(source, {old: "x" * len(new) for old, new in zip(NAMES, HOSTILE, strict=True)})))
    hostile = readers["hostile"]

    def structure(reader: Reader) -> list[tuple[str, tuple[str, ...]]]:
        return [(e["tag"], tuple(e["attributes"])) for e in reader.elements]

    assert structure(hostile) == structure(harmless)
    told = "".join(hostile.text)
    for name in HOSTILE[:-1]:
        assert name in told, name
    assert "&lt;b&gt;??" in told  # what does not print is a question mark
    assert not re.search("[\x00\x1b\u202e]", told)
    assert "</title></svg><script>document.title = 'owned'</script> &amp; <img src=x onerror=alert(1)>" in told


def test_the_page_tells_the_plan(readers: dict[str, Reader], mine: Solution) -> None:
    told = re.sub(r"\s+", " ", "".join(readers["mine"].text))
    books = mine.books
    assert books is not None
    for amount_of in (books.objective, books.expected, books.cvar, books.var, mine.upper_bound):
        assert money(amount_of) in told
    assert "of rig_model at site_north" in told and "of notes_name in 2026-01" in told
    assert "“cash_rule” (cash >= 500 kUSD) binds" in told
    assert "scenario_down makes 100.0% of the worst 20.0%" in told


def test_sections_without_content_are_left_out(readers: dict[str, Reader]) -> None:
    sections = {name: {e["attributes"]["id"] for e in reader.all("section")} for name, reader in readers.items()}
    always = {"plan", "cash", "returns", "proof"}
    assert sections["mine"] == always | {"capital", "debt", "covenants", "power", "mixes", "frontier", "scarce"}
    assert not sections["tax-shield"] & {"power", "mixes", "frontier", "covenants"} and sections["tax-shield"] >= always | {
        "debt"
    }
    assert not sections["curtailment"] & {"debt", "covenants", "mixes"} and sections["curtailment"] >= always | {"power"}
    assert all(found >= always for found in sections.values())
    assert "one scenario" in "".join(readers["curtailment"].text)


# ---------------------------------------------------------------------------------------------------------------------
# True to the files


def test_the_folder_alone_gives_the_same_page(written: Path, mine: Solution) -> None:
    page = (written / HTML).read_text(encoding="utf-8")
    assert render(written) == page
    assert render(load(written)) == page
    assert results.contents(mine)[HTML] == page.encode() == results.contents(mine)[HTML]


def _calendar() -> list[date]:
    days = [date(2026, 1, 1) + timedelta(n) for n in range(365)]
    return [*days[:59], days[58], *days[59:]]


def test_hours_are_those_of_the_dispatch(written: Path, mine: Solution) -> None:
    """Maps and weeks, worked out once more from dispatch.parquet with pandas; and all of a map's energy is that of dispatch_monthly.csv."""
    loaded = load(written)
    table = loaded["dispatch"]
    odds = dict(zip(mine.problem.scenarios.names, mine.problem.scenarios.probability, strict=True))
    days = _calendar()
    month = np.repeat([day.month - 1 for day in days], 24)
    weekday = np.repeat([day.weekday() for day in days], 24)
    hour = np.tile(np.arange(24), 366)
    season = np.array([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0])[month]
    assert len(month) == LAYOUT
    at = table["hour"].to_numpy()
    table = table.assign(
        map=month[at] * 24 + hour[at], week=season[at] * 168 + weekday[at] * 24 + hour[at],
        energy=table["mw"] * table["weight"] * table["scenario"].map(odds).astype(float),
        real=table["weight"] * table["scenario"].map(odds).astype(float),
    )  # fmt: skip
    found = loaded["report"]["hours"]
    assert [place["site"] for place in found["sites"]] == ["", "site_north", "site_south"]
    place = found["sites"][1]
    use = table[(table["site"] == "site_north") & (table["kind"] == "use") & (table["name"] == "rig:rig_model")]
    for kind, length in (("map", 288), ("week", 672)):
        sums = use.groupby(kind)[["energy", "real"]].sum()
        mean = (sums["energy"] / sums["real"]).reindex(range(length)).to_numpy()
        np.testing.assert_allclose(np.array(place["series"]["rig:rig_model"][kind], dtype=float), mean, rtol=1e-4, atol=1e-9)
    monthly = loaded["dispatch_monthly"]
    monthly = monthly[(monthly["kind"] == "use")].assign(expected=monthly["mwh"] * monthly["scenario"].map(odds))
    behind = np.array(found["hours"])
    assert behind.sum() == pytest.approx(mine.problem.clock.hours.sum())
    for one in found["sites"]:
        rows = monthly if one["site"] == "" else monthly[monthly["site"] == one["site"]]
        total = float(rows[rows["name"] == "rig:rig_model"]["expected"].sum())
        assert float(np.array(one["series"]["rig:rig_model"]["map"], dtype=float) @ behind) == pytest.approx(total, rel=1e-4)
        assert total > 0.0


def test_rigs_that_stand_are_on_or_off(written: Path, mine: Solution) -> None:
    """Mining and off together are what stands, in expectation over the horizon."""
    found = load(written)["report"]["hours"]
    behind, clock, odds = np.array(found["hours"]), mine.problem.clock, mine.problem.scenarios.probability
    assert mine.books is not None
    assert "off" in found["sites"][1]  # where power is dear at times
    for place in found["sites"][1:]:
        off = place.get("off", {"map": [0.0] * 288})["map"]
        both = np.array(place["series"]["rig:rig_model"]["map"], dtype=float) + np.array(off, dtype=float)
        standing = mine.books.words[f"rigs_mw[@{place['site']}]"][:, :-1] @ clock.hours
        assert float(both @ behind) == pytest.approx(float(odds @ standing), rel=1e-4)


def test_the_price_of_power_has_its_peaks(pages: dict[str, str], folder: Path) -> None:
    """Curtailment: 43 USD/MWh, and 15,000 more in one hour of a day in June, July, August and September."""
    found = load(folder / "curtailment" / "base")["report"]["hours"]["sites"][0]["price"]["map"]
    price = np.array(found).reshape(12, 24)
    for month, days in ((5, 30), (6, 31), (7, 31), (8, 30)):
        assert price[month, 16] == pytest.approx(43.0 + 15_000.0 / days, rel=1e-4)
        price[month, 16] = 43.0
    np.testing.assert_allclose(price, 43.0)


def test_hours_of_a_plan_without_sites_are_none(folder: Path, pages: dict[str, str]) -> None:
    assert load(folder / "tax-shield" / "base")["report"]["hours"]["sites"] == []


def test_headroom_of_a_rule_is_a_share_of_its_larger_side(mine: Solution, written: Path) -> None:
    """cash >= 500 kUSD: cash less 500,000 over the larger of the two, least over scenarios at each date."""
    (rule,) = load(written)["report"]["rules"]
    assert mine.books is not None
    cash = mine.books.words["cash"]
    share = (cash - 5e5) / np.maximum(cash, 5e5)
    np.testing.assert_allclose(rule["least"], share.min(axis=0), rtol=1e-5, atol=1e-7)
    assert rule["unit"] == "USD" and rule["of"] == cash.size and rule["binds"] == int((share <= 1e-7).sum()) > 0


def test_sides_of_a_rule_do_not_depend_on_where_its_terms_stand(folder: Path) -> None:
    """`cash >= 2 * overhead_monthly` and `cash - 2 * overhead_monthly >= 0` have the same headroom in shares."""
    rules = "".join(f"\n  - {{name: r{n}, require: {text}}}" for n, text in enumerate(
        ["cash >= 2 * overhead_monthly", "cash - 2 * overhead_monthly >= 0", "2 * overhead_monthly <= cash", "cash >= 400 kUSD"]))  # fmt: skip
    text = MINE.replace("hours: all", "hours: {every: 121}").replace(
        "\n  - name: cash_rule\n    require: cash >= 500 kUSD", rules
    )
    path = folder / "sides.yaml"
    path.write_text(text, encoding="utf-8")
    from optimizer.results.report.data import rules as told

    first, *others, _ = told(Case.load(path).solve(baseline=False))
    for other in others:
        np.testing.assert_allclose(other["least"], first["least"], rtol=1e-5, atol=1e-6)
    assert max(first["least"]) > 0.1


def test_every_decision_is_in_the_totals(mine: Solution, written: Path) -> None:
    loaded = load(written)
    odds = dict(zip(mine.problem.scenarios.names, mine.problem.scenarios.probability, strict=True))
    plan = loaded["plan"]
    for one in loaded["report"]["decisions"]:
        rows = plan[(plan["kind"] == one["kind"]) & (plan["what"] == one["what"]) & (plan["where"] == one["where"])]
        total = 0.0
        for who, size in zip(rows["scenarios"], rows["amount"], strict=True):
            total += size * (1.0 if who == "all" else sum(odds[name] for name in who.split("+")))
        assert one["expected"] == pytest.approx(total)
        assert one["least"] <= one["expected"] * (1 + 1e-12) and one["expected"] <= one["most"] * (1 + 1e-12)
        assert (one["first"], one["last"]) == (rows["date"].min(), rows["date"].max())
    assert len(loaded["report"]["decisions"]) == len(plan.groupby(["kind", "what", "where"]))


def test_many_sites_are_shown_in_part(mine: Solution, monkeypatch: pytest.MonkeyPatch) -> None:
    from optimizer.results.report import hours as module

    monkeypatch.setattr(module, "MOST_SITES", 1)
    found = hours(mine)
    assert [one["site"] for one in found["sites"]] == ["", "site_north"] and found["left_out"] == ["site_south"]


# ---------------------------------------------------------------------------------------------------------------------
# Charts


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-3.2, 17.0), (0.0, 0.0), (1e-7, 3e-7), (-5e9, -1e9), (4.0, 4.0), (-0.3, -0.3)]
)
def test_ticks_are_round_and_hold_the_range(low: float, high: float) -> None:
    at = ticks(low, high, 6)
    assert at[0] <= low + 1e-9 * abs(low) and at[-1] >= high - 1e-9 * abs(high) and 2 <= len(at) <= 9
    steps = np.diff(at)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    assert len(set(tick_labels(at))) == len(at)


def test_bars_are_as_high_as_their_values() -> None:
    """Heights of all bars in one scale; what is negative hangs below zero; stacks stand on each other."""
    dates = ["2026-01-01", "2026-04-01", "2026-07-01"]
    series = [
        kinds.Series("a", [1e6, 2e6, 0.0], 0),
        kinds.Series("b", [3e6, None, 1e6], 1),
        kinds.Series("c", [-2e6, -1e6, None], 2),
    ]
    wide = kinds.stacked("t", dates, series, "USD").split("</svg>")[0]
    assert "MUSD" in wide
    found = {}
    for colour in range(3):
        (path,) = re.findall(rf'<path class="bar c{colour}" d="([^"]+)"', wide)
        found[colour] = [tuple(map(float, bar)) for bar in re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)h", path)]
    (zero,) = re.findall(r'<path class="zero" d="M[\d.]+ ([\d.]+)H', wide)
    (_, low, high), second = found[0]
    unit = low - high
    assert low == float(zero) and second[1] - second[2] == pytest.approx(2 * unit, abs=0.2)
    assert found[1][0][1] == high and found[1][0][1] - found[1][0][2] == pytest.approx(3 * unit, abs=0.2)
    assert found[2][0][1] == float(zero) and found[2][0][2] - found[2][0][1] == pytest.approx(2 * unit, abs=0.2)
    assert found[1][1][0] > second[0] > found[0][0][0]


def test_scenarios_are_as_wide_as_their_odds() -> None:
    levels = [("mean", "expected", 2e6)]
    wide = kinds.distribution("t", ["x", "y", "z"], [0.2, 0.5, 0.3], [3e6, 2e6, 1e6], 0.4, levels).split("</svg>")[0]
    bars = [
        (float(w), float(h))
        for w, h in re.findall(r'<rect class="bar c0" x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"', wide)
    ]
    assert [h for _, h in bars] == pytest.approx([bars[0][1], 2 * bars[0][1], 3 * bars[0][1]], abs=0.2)  # worst first
    assert [w + 2 for w, _ in bars] == pytest.approx([(bars[2][0] + 2) * x for x in (1.5, 2.5, 1.0)], abs=0.5)
    (tail,) = re.findall(r'<rect class="tail" x="[\d.]+" y="[\d.]+" width="([\d.]+)"', wide)
    assert float(tail) == pytest.approx(0.4 * sum(w + 2 for w, _ in bars), abs=0.5)


def test_cells_of_a_map_have_the_colour_of_their_value() -> None:
    values: list[float | None] = [float(n) for n in range(288)]
    values[5] = None
    chart = kinds.heat("t", values, "MW", 0.0, 287.0)
    cells = {n: len(re.findall("M", path)) for n, path in re.findall(r'<path class="h(\d)" d="([^"]+)"', chart)}
    assert sum(cells.values()) == 287 and [cells[str(n)] for n in range(9)] == [31, 32, 32, 32, 32, 32, 32, 32, 32]
    told = re.findall(r'data-map="([^"]+)"', chart)[0].split(" ")
    assert told[5] == "-" and told[287] == "287" and len(told) == 288


def test_what_is_left_over_is_added_up() -> None:
    series = [kinds.Series(f"s{n}", [float(n), -1.0], 0) for n in range(1, 13)]
    shown = kinds.few([*series, kinds.Series("nothing", [0.0, 0.0], 0)])
    assert len(shown) == 9 and shown[-1].name == "4 others" and [one.colour for one in shown] == list(range(9))
    assert [sum(v or 0.0 for v in column) for column in zip(*(one.values for one in shown), strict=True)] == [78.0, -12.0]


def test_a_line_has_gaps_and_lone_values() -> None:
    assert polyline([(0, 1), (1, 2), (2, None), (9, 4), (10, None), (20, 1), (21, 1)]) == "M0 1L1 2M5 4h8M20 1L21 1"


def test_quantiles_are_of_odds() -> None:
    values, odds = [5.0, 1.0, 3.0], [0.25, 0.5, 0.25]
    assert [quantile(values, odds, level) for level in (0.0, 0.5, 0.51, 0.75, 1.0)] == [1.0, 1.0, 3.0, 3.0, 5.0]


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (1.2346e9, "USD", "1,235 MUSD"), (12.5e9, "USD", "12.5 GUSD"), (-4.2e3, "USD", "-4.2 kUSD"), (0.0, "USD", "0 USD"), (None, "USD", "–"),
        (math.nan, "MW", "–"), (3.5e6, "USD/MW", "3.5 MUSD/MW"), (0.25, "USD/USD", "0.25 USD/USD"),
        (1e-5, "MW", "1.00e-05 MW"), (12.0, "", "12"),
    ],
)  # fmt: skip
def test_numbers_have_their_unit(value: float | None, unit: str, told: str) -> None:
    assert amount(value, unit) == told


def test_shares_and_texts() -> None:
    assert [percent(x) for x in (0.1234, 1.0, 0.0, None, -0.5, 0.00123)] == ["12.3 %", "100 %", "0 %", "–", "-50 %", "0.12 %"]
    assert esc("a<b>\"'&\u202e\n") == "a&lt;b&gt;&quot;&#x27;&amp;? "


# ---------------------------------------------------------------------------------------------------------------------
# Mixes and frontier


def test_mixes_are_dots_in_one_scale(readers: dict[str, Reader]) -> None:
    reader = readers["mine"]
    (section,) = [e for e in reader.all("section") if e["attributes"]["id"] == "mixes"]
    wide = next(e for e in reader.all("svg", "wide") if section in e["inside"])
    at = {e["text"]: float(e["attributes"]["cx"]) for e in reader.all("circle") if wide in e["inside"]}
    amounts = {"base, expected value: 26 MUSD": 26.0, "base, CVaR: 3.2 MUSD": 3.2, "base, objective: 19 MUSD": 19.0,
               "<script>x</script>, expected value: 12 MUSD": 12.0, "<script>x</script>, CVaR: 8 MUSD": 8.0}  # fmt: skip
    slope = (at["base, expected value: 26 MUSD"] - at["base, CVaR: 3.2 MUSD"]) / (26.0 - 3.2)
    for name, value in amounts.items():
        assert at[name] == pytest.approx(at["base, CVaR: 3.2 MUSD"] + slope * (value - 3.2), abs=0.2)
    told = section["text"]
    assert "infeasible: <b>" in told and "19 %" in told


def test_the_frontier_has_a_point_for_each_weight(readers: dict[str, Reader]) -> None:
    reader = readers["mine"]
    (section,) = [e for e in reader.all("section") if e["attributes"]["id"] == "frontier"]
    wide = next(e for e in reader.all("svg", "wide") if section in e["inside"])
    dots = [e for e in reader.all("circle") if wide in e["inside"]]
    x = [float(e["attributes"]["cx"]) for e in dots]
    assert np.diff(x) == pytest.approx([np.diff(x)[0]] * 2 + [np.diff(x)[0] * 4 / 3], abs=0.5) and len(x) == 4
    assert all(np.diff([float(e["attributes"]["cy"]) for e in dots]) > 0)  # less in expectation is further down
    assert "weight 0.3" in section["text"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("x", "a comparison is a list of rows"), ({"points": []}, "a comparison is a list of rows"), ([1], "a comparison is a list of rows"),
        ([{"objective": 1.0}], "row 1 of the comparison has no name"), ([{"name": "a", "cvar": "x"}], '"cvar" is not a number'),
        ([{"name": "a", "sources": [1]}], '"sources" is not a dictionary of amounts'),
        ([{"name": "a", "cvar": math.inf}], '"cvar" is not a number'),
    ],
)  # fmt: skip
def test_what_is_no_comparison_is_told(given: Any, told: str) -> None:
    with pytest.raises(MixError, match=re.escape(told)):
        rows_of(given, "comparison", "rows")


def test_a_bare_list_does_and_nothing_is_no_section(source: Source) -> None:
    assert 'id="mixes"' in render(source, MIXES["rows"]) and 'id="frontier"' in render(source, frontier=POINTS["points"])
    assert 'id="mixes"' not in render(source, [], []) and 'id="frontier"' not in render(source, [], [])


# ---------------------------------------------------------------------------------------------------------------------
# Command line


def _copied(written: Path, target: Path) -> Path:
    target.mkdir(parents=True)
    for path in written.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_report_writes_the_page_where_it_is_asked(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = _copied(written, tmp_path / "mine" / "base")
    assert run(["report", str(copy), "--html", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_bytes() == (written / HTML).read_bytes()
    out, err = capsys.readouterr()
    assert out == "" and "page.html" in err


def test_report_renews_the_page_of_a_result(written: Path, tmp_path: Path) -> None:
    """With a comparison beside the variants and a frontier in the result; its checksum is kept up."""
    copy = _copied(written, tmp_path / "mine" / "base")
    (copy.parent / "comparison.json").write_text(json.dumps(MIXES), encoding="utf-8")
    (copy / "frontier.json").write_text(json.dumps(POINTS), encoding="utf-8")
    assert run(["report", str(copy)]) == 0
    assert (copy / HTML).read_text(encoding="utf-8") == render(written, MIXES, POINTS)
    assert load(copy)["summary"] == load(written)["summary"]
    assert not [path.name for path in copy.iterdir() if path.name.endswith(".tmp")]


def _wrong(written: Path, tmp_path: Path) -> Iterator[tuple[list[str], str]]:
    yield [str(tmp_path / "nothing")], "no result in"
    broken = _copied(written, tmp_path / "broken" / "base")
    (broken / "plan.csv").write_bytes(b"x")
    yield [str(broken)], "plan.csv was changed after it was written"
    old = _copied(written, tmp_path / "old" / "base")
    manifest = json.loads((old / "manifest.json").read_bytes())
    del manifest["files"][NAME]
    (old / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    yield [str(old)], "has no report.json, which a report needs: solve the case again"
    yield [str(written), "--html", str(tmp_path / "no" / "such" / "x.html")], "cannot write"
    yield [str(written), "--comparison", str(tmp_path / "none.json")], "there is no such file"
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    yield (
        [str(written), "--frontier", str(tmp_path / "bad.json"), "--html", str(tmp_path / "x.html")],
        "bad.json is not a frontier",
    )
    (tmp_path / "odd.json").write_text('[{"cvar": 1}]', encoding="utf-8")
    yield (
        [str(written), "--comparison", str(tmp_path / "odd.json"), "--html", str(tmp_path / "x.html")],
        "row 1 of the comparison has no name",
    )


def test_mistakes_are_one_message_and_exit_code_2(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (written / HTML).read_bytes()
    for words, told in _wrong(written, tmp_path):
        assert run(["report", *words]) == 2
        err = capsys.readouterr().err
        assert told in err and err.count("\n") == 1, err
    assert (written / HTML).read_bytes() == before


# ---------------------------------------------------------------------------------------------------------------------
# In a browser

browsed = pytest.mark.skipif(chromium.found() is None, reason="no Chromium on this machine")
#: overlaps of tick labels, texts outside their chart, and texts that are too small to read; of what is shown
CROWDED = """(() => { const out = [];
document.querySelectorAll('svg.chart').forEach(svg => { const frame = svg.getBoundingClientRect(); if (!frame.width) return;
  const texts = [...svg.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
  const told = what => out.push(svg.getAttribute('aria-label').slice(0, 60) + ': ' + what);
  texts.forEach(([t, box], n) => {
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
      told('outside: ' + t.textContent);
    if (parseFloat(getComputedStyle(t).fontSize) * frame.width / svg.viewBox.baseVal.width < 9.5) told('small: ' + t.textContent);
    texts.slice(n + 1).forEach(([u, other]) => {
      const wide = Math.min(box.right, other.right) - Math.max(box.left, other.left);
      if (wide > 1 && Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 4)
        told(t.textContent + ' covers ' + u.textContent); }); }); });
return out; })()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Browser]:
    with chromium.Browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def files(pages: dict[str, str], folder: Path) -> dict[str, Path]:
    out = {}
    for name, text in pages.items():
        out[name] = folder / f"{name} #page.html"
        out[name].write_text(text, encoding="utf-8")
    return out


@browsed
def test_the_browser_tells_what_is_wrong(browser: chromium.Browser, tmp_path: Path) -> None:
    """Without this, silence would prove nothing."""
    path = tmp_path / "bad.html"
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; script-src 'unsafe-inline'\">"
    path.write_text(
        f"<!DOCTYPE html>{policy}<p>x<script>console.error('told'); nothing.at()</script><img src=x.png>", encoding="utf-8"
    )
    page = browser.page()
    page.open(path, 800)
    told = " ".join(page.complaints)
    assert "told" in told and "ReferenceError" in told and "policy: img-src" in told
    path.write_text("<!DOCTYPE html><img src=http://192.0.2.7/x.png>", encoding="utf-8")
    page.open(path, 800)
    assert "http://192.0.2.7/x.png" in page.requests


@browsed
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True)], ids=["desk", "phone", "dark"])
def test_pages_open_without_network_or_complaint(
    browser: chromium.Browser, files: dict[str, Path], width: int, dark: bool
) -> None:
    for name, path in files.items():
        page = browser.page()
        page.open(path, width, dark)
        assert page.complaints == [] and page.requests == [path.resolve().as_uri()], name
        assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
            f"{name} scrolls sideways"
        )
        assert page.run(CROWDED) == [], name
        assert "owned" not in page.run("document.title") and page.run("document.querySelectorAll('script').length") == 1
        light = sum(map(int, re.findall(r"\d+", page.run("getComputedStyle(document.body).backgroundColor"))[:3])) > 384
        assert light is not dark


@browsed
def test_charts_change_with_the_scenario_and_the_theme(browser: chromium.Browser, files: dict[str, Path]) -> None:
    page = browser.page()
    page.open(files["mine"], 1280)
    assert page.run("[...document.querySelectorAll('#view option')].map(o => o.textContent)") == ["the expectation", *NAMES[:3]]
    shown = "[...new Set([...document.querySelectorAll('[data-view]')].filter(e => !e.hidden).map(e => e.dataset.view))].join()"
    assert page.run(shown) == "v0"
    page.run("(v => { v.value = 'v2'; v.dispatchEvent(new Event('change')); })(document.getElementById('view'))")
    assert page.run(shown) == "v2"
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.run(colour)
    page.run("document.getElementById('theme').click()")
    assert page.run(colour) != before
    page.run("document.getElementById('theme').click()")
    assert page.run(colour) == before
    assert page.complaints == []


@browsed
def test_tables_sort_by_value(browser: chromium.Browser, files: dict[str, Path], source: Source) -> None:
    page = browser.page()
    page.open(files["mine"], 1280)
    table = "[...document.querySelectorAll('table')].find(t => t.caption.textContent === 'Scenarios')"
    names = f"[...{table}.tBodies[0].rows].map(r => r.cells[0].textContent)"
    worth = dict(zip(source.scenarios, source.column("scenarios", "npv"), strict=True))
    ranked = sorted(worth, key=lambda name: worth[name])
    head = f"[...{table}.tHead.rows[0].cells].find(c => c.textContent === 'NPV')"
    page.run(f"{head}.firstChild.click()")
    assert page.run(names) == ranked and page.run(f"{head}.getAttribute('aria-sort')") == "ascending"
    page.run(f"{head}.firstChild.click()")
    assert page.run(names) == ranked[::-1] and page.run(f"{head}.getAttribute('aria-sort')") == "descending"
    page.run(f"{table}.tHead.rows[0].cells[0].firstChild.click()")
    assert page.run(names) == sorted(worth)


@browsed
def test_a_map_tells_the_value_under_the_pointer(browser: chromium.Browser, files: dict[str, Path], source: Source) -> None:
    page = browser.page()
    page.open(files["mine"], 1280)
    told = page.run(
        """(() => { const map = document.querySelector('svg[data-map]'), box = map.getBoundingClientRect();
        const f = map.dataset.frame.split(' ').map(Number);
        const scale = box.width / 400; map.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + scale * (f[0] + 17.5 * f[2]),
        clientY: box.top + scale * (f[1] + 6.5 * f[3])})); return map.parentNode.querySelector('output').textContent; })()"""
    )
    value = source.data["hours"]["sites"][0]["series"]["rig:rig_model"]["map"][6 * 24 + 17]
    assert told == f"July, 17:00 to 18:00: {float(f'{value:.4g}'):g} MW"


@browsed
def test_it_prints(browser: chromium.Browser, files: dict[str, Path], tmp_path: Path) -> None:
    """Light, without what only a screen needs, and with what is folded away."""
    page = browser.page()
    page.open(files["mine"], 1280, dark=True)
    page.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    page.pdf(tmp_path / "page.pdf")
    data = (tmp_path / "page.pdf").read_bytes()
    assert data.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", data)) >= 5
    assert page.run("[...document.querySelectorAll('details')].every(d => d.open)")


def test_counts_of_views_are_few() -> None:
    """With many scenarios: the ends and the quarters."""
    from optimizer.results.report.views import by_view, chosen, views

    names = [f"s{n:02d}" for n in range(40)]
    found = Source({}, {}, {"scenarios": {"scenario": names, "probability": [1 / 40] * 40, "npv": [float(n) for n in range(40)]}})
    assert chosen(found) == ["s00", "s10", "s20", "s29", "s39"]
    assert Counter(key for key, *_ in views(found)) == Counter(f"v{n}" for n in range(6))
    assert by_view(found, lambda name: "") == "" and by_view(found, lambda name: name).count(" hidden") == 5


def test_there_is_no_account_without_a_plan() -> None:
    from types import SimpleNamespace

    from optimizer.explain.account import brief_account

    with pytest.raises(ValueError, match="an account is of an optimal plan"):
        brief_account(SimpleNamespace(books=None, decisions=None))  # type: ignore[arg-type]


def test_what_compare_writes_is_shown_as_it_is() -> None:
    """Numbers in `values`, amounts raised, plans without a plan, and the sentences, as text."""
    from optimizer.results.report import mixes
    from optimizer.studies.comparison import Comparison
    from optimizer.studies.comparison import account as of
    from optimizer.studies.jobs import Point

    values = {"objective": 2e6, "expected_npv": 3e6, "cvar": 1e6, "dilution": 0.125, "ai_mw": 40.0}
    first = Point("as <optimised>", "optimal", values=dict(values), raised={"notes": 5e6}, ledger={"dividends": 3e6})
    lost = Point("starved", "infeasible", ("rule x",))
    given = json.loads(json.dumps(of(Comparison("c", (first, lost)))))
    rows = mixes.rows_of(given, "comparison", "rows")
    assert rows[0]["objective"] == 2e6 and rows[0]["sources"] == {"notes": 5e6} and rows[1]["reason"] == "rule x"
    page = mixes.comparison(rows, mixes.account(given))
    assert "as &lt;optimised&gt; is worth most" in page and "<optimised>" not in page
    assert "share of new holders at the end" in page and "12.5" in page and "starved has no plan to compare" in page
