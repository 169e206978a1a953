"""`company.share_price: {today, follows: plan, rest}`: what is read, what is refused, and what arrays it becomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimizer.case.case import Case
from optimizer.case.reading.diagnostics import CaseError

HEAD = """\
horizon: {start: 2026-01, years: 2, period: year}
objective: {discount: 10 %/year}
cash_flows: {income: {amount: 5 MUSD/year}}
treasury: {dividends: always}
"""


def load(folder: Path, text: str) -> Case:
    (folder / "case.yaml").write_text(HEAD + text)
    return Case.load(folder / "case.yaml")


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(CaseError) as caught:
        load(folder, text)
    return [
        f"{one.place.line - HEAD.count(chr(10))}:{one.place.column}: {one.headline().split(': ', 1)[1]}"
        for one in caught.value.mistakes
    ]


def test_it_begins_at_todays_price_growing_at_the_owners_rate(tmp_path: Path) -> None:
    case = load(tmp_path, "company: {shares: 1 Mshares, share_price: {today: 14.50 USD/share, follows: plan}}\n")
    market = case.problem().market
    assert market.follows is not None and market.share_price is not None
    assert (market.follows.today, market.follows.tolerance) == (14.5, 0.005)
    np.testing.assert_allclose(market.share_price, [[14.5, 15.95, 17.545]])
    np.testing.assert_allclose(market.follows.rest, [[1.0, 1.1, 1.21]])
    assert (
        "company.share_price: the rest of the company, which the case does not hold, grows at the owners' rate, 10 %/year"
        in case.notes
    )


def test_the_rest_grows_as_said_and_differs_by_scenario(tmp_path: Path) -> None:
    case = load(
        tmp_path,
        "company: {shares: 1 Mshares, share_price: {today: 8 USD/share, follows: plan, rest: {growth: 12 %/year}, tolerance: 1 %}}\n"
        "scenarios:\n  a: {probability: 50 %}\n"
        "  b: {probability: 50 %, set: {company.share_price.rest: {knots: {2026-01: 2, 2027-01: 5, 2028-01: 3}}}}\n",
    )
    follows = case.problem().market.follows
    assert follows is not None and follows.tolerance == 0.01
    np.testing.assert_allclose(follows.rest, [[1.0, 1.12, 1.12**2], [1.0, 2.5, 1.5]])
    assert not [note for note in case.notes if "owners' rate" in note]


@pytest.mark.parametrize(
    ("price", "told"),
    [
        ("{today: 0 USD/share, follows: plan}", ['company.share_price.today: "0 USD/share" must be above 0 USD/share']),
        ("{today: 5 USD/share}", ['company.share_price: key "follows" is missing']),
        ("{follows: plan}", ['company.share_price: key "today" is missing']),
        (
            "{today: 5 USD/share, follows: market, rst: 3}",
            ["company.share_price.follows: a share price can follow the plan only", "company.share_price.rst: unknown key"],
        ),
        (
            "{today: 5 USD/share, follows: plan, rest: 12 %/year}",
            ["company.share_price.rest: expected how the rest of the company grows"],
        ),
        ("{today: 5 USD/share, follows: plan, rest: {knots: {2026-01: 0}}}", ["company.share_price.rest: 0 must be above 0"]),
        ("{today: 5 USD, follows: plan}", ["company.share_price.today"]),
        ("{today: 5 USD/share, follows: plan, tolerance: 80 %}", ['company.share_price.tolerance: "80 %" must be at most 50 %']),
    ],
)
def test_what_is_refused(price: str, told: list[str], tmp_path: Path) -> None:
    found = mistakes(tmp_path, f"company: {{shares: 1 Mshares, share_price: {price}}}\n")
    assert len(found) == len(told)
    for one, expected in zip(found, told, strict=True):
        assert expected in one


def test_it_needs_shares(tmp_path: Path) -> None:
    (one,) = mistakes(tmp_path, "company: {share_price: {today: 5 USD/share, follows: plan}}\n")
    assert "needs company.shares" in one and one.startswith("1:")


def test_no_rule_compares_with_it(tmp_path: Path) -> None:
    text = "company: {shares: 1 Mshares, share_price: {today: 5 USD/share, follows: plan}}\n"
    (one,) = mistakes(tmp_path, text + "rules: [{name: floor, require: cash >= share_price * 1 Mshares}]\n")
    assert "the share price follows the plan: no rule can compare with it" in one


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (
            "{start: 5 USD/share, growth: 3 %/year}",
            "company.share_price follows the plan in the case, so it does in every scenario",
        ),
        ("{today: 6 USD/share, follows: plan}", "today's share price is the same in every scenario"),
    ],
)
def test_scenarios_change_the_rest_only(theirs: str, told: str, tmp_path: Path) -> None:
    (one,) = mistakes(
        tmp_path,
        "company: {shares: 1 Mshares, share_price: {today: 5 USD/share, follows: plan}}\n"
        f"scenarios:\n  a: {{probability: 50 %}}\n  b: {{probability: 50 %, set: {{company.share_price: {theirs}}}}}\n",
    )
    assert told in one and one.startswith("4:")


def test_editors_know_it() -> None:
    from optimizer.case.schema.case_model import CaseModel

    text = str(CaseModel.model_json_schema())
    assert "follows" in text and "today" in text
