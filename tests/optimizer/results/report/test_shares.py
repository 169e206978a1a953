"""The page tells how a share price that follows the plan was found, and who gains and who pays, with the figures of summary.json."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from optimizer.results import folder as results
from optimizer.results.report import shares
from optimizer.results.report.render_page import render
from optimizer.results.report.source import Source, read
from tests.shared.places import ROOT
from tests.shared.plans import plan


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results.write(plan(ROOT / "cases" / "bitfarms.yaml", variant="price_follows"), tmp_path_factory.mktemp("shares"))


def test_the_page_has_the_share_price_and_every_holder(written: Path) -> None:
    summary, page = json.loads((written / "summary.json").read_text()), (written / "report.html").read_text()
    section = re.search(r'<section id="shares">.*?</section>', page, re.DOTALL)
    assert section is not None
    told = section[0]
    price = summary["share_price"]
    assert "The price follows the plan" in told and f"{price['programs']} programs solved" in told
    for name, used in price["used_at_end"].items():
        assert name in told and f"{used:,.4g} USD/share" in told
    for one in summary["who_gains"]["holders"]:
        assert one["name"] in told
    assert f"{summary['per_share']['objective']:,.4g} USD" in page


def test_where_it_does_not_close_both_ends_are_told(written: Path) -> None:
    source = read(written)
    price = dict(source.summary["share_price"], closed=False, gap=0.034, gap_at="bear, 2027-01-01", worthless_in=["base"])
    price["plans"] = [
        {"weight": 0.25, "raised": {"convertible": 69e6}, "price_at_end": 4.0, "objective": 1e8},
        {"weight": 0.75, "raised": {}, "price_at_end": 6.0, "objective": 1e8},
    ]
    told = shares.section(Source(dict(source.summary, share_price=price), source.data, {}))
    for text in (
        "differ by 3.4 % at most, at bear, 2027-01-01, which is too far",
        "convertible 69 MUSD",
        "nothing",
        "worth nothing",
        "25 %",
        "75 %",
    ):
        assert text in told, text


def test_a_case_without_shares_has_no_such_section(written: Path) -> None:
    source = read(written)
    bare = Source(dict(source.summary, per_share=None, share_price=None, who_gains=None), source.data, source._tables)
    assert shares.section(bare) == "" and 'id="shares"' not in render(bare)
