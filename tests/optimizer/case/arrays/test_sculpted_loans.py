"""Loans whose debt service follows cash flow: one ratio at every date (sculpted), or a cap on it (as_cash_allows)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimizer import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve
from optimizer.engine.values import Outcome

#: eighteen years of cash flow, USD
FLOWS = (
    19455920, 19374670, 19291388.75, 19206025.47, 19118528.11, 19028843.31, 18936916.39, 18842691.3, 18746110.58,
    18647115.35, 18545645.23, 18441638.36, 18335031.32, 18225759.1, 18113755.08, 17998950.96, 17881276.73, 17760660.65,
)  # fmt: skip
LOAN = """case: {{name: sizing}}
horizon: {{start: 2026-01, years: 18, period: year}}
cash_flows: {{plant: {{dated: {{{flows}}}}}}}
financing:
  loan: {{type: loan, coupon: 7 %/year, limit: 1 GUSD, issue: 2026-01, tenor: 18 years, interest: annual, {terms}}}
treasury: {{dividends: always}}
objective: {{discount: 20 %/year}}
"""
MINE = """case: {name: mine}
horizon: {start: 2026-01, years: 3, period: year}
scenarios: {good: {probability: 50 %, set: {ai.tenant.rent: 3 MUSD/MW/year}}, bad: {probability: 50 %}}
information: 2027-01
sites: {dale: {interconnection: 20 MW, ai_hall: {now: 10 MW}, power: {grid: {price: 40 USD/MWh}}}}
ai:
  tenant: {type: lease, rent: 2 MUSD/MW/year, sign: 2026-01, term: 10 years, limit: 10 MW, penalty: 100 USD/MWh}
financing:
  loan:
    {type: loan, coupon: 8 %/year, limit: 200 MUSD, issue: 2026-01, tenor: 3 years, interest: annual, amortisation: sculpted,
     ratio: 1.4, bank_case: bad}
treasury: {dividends: always}
tax: {rate: 21 %}
objective: {discount: 15 %/year}
"""


def sizing(folder: Path, terms: str, *settings: str) -> Solution:
    path = folder / "sizing.yaml"
    flows = ", ".join(f"{2027 + n}-01: {amount} USD" for n, amount in enumerate(FLOWS))
    path.write_text(LOAN.format(flows=flows, terms=terms), encoding="utf-8")
    solution = solve(Case.load(path, settings=settings), baseline=False)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    return solution


def ratios(solution: Solution) -> np.ndarray:
    """cfads / debt service after the first date."""
    assert solution.books is not None
    words = solution.books.words
    return words["cfads"][0, 1:] / words["debt_service"][0, 1:]


def test_one_ratio_in_every_year_also_where_the_limit_binds(tmp_path: Path) -> None:
    """145.8 MUSD at 1.30; of 100 MUSD the ratio is 1.895 in each of eighteen years."""
    worth = sum(amount / 1.07 ** (n + 1) for n, amount in enumerate(FLOWS))
    whole = sizing(tmp_path, "amortisation: sculpted, coverage: 1.30")
    assert whole.decisions is not None
    assert whole.decisions.issued["loan"][0, 0] == pytest.approx(worth / 1.3, rel=1e-9)
    assert ratios(whole) == pytest.approx([1.3] * 18, rel=1e-8)
    less = sizing(tmp_path, "amortisation: sculpted, coverage: 1.30", "financing.loan.limit=100 MUSD")
    assert ratios(less) == pytest.approx([worth / 100e6] * 18, rel=1e-8)
    assert worth / 100e6 == pytest.approx(1.895, abs=5e-4)


def test_a_stated_ratio_says_how_much_is_drawn(tmp_path: Path) -> None:
    stated = sizing(tmp_path, "amortisation: sculpted, ratio: 1.895")
    assert stated.decisions is not None
    assert stated.decisions.issued["loan"][0, 0] == pytest.approx(100e6, rel=1e-4)
    assert ratios(stated) == pytest.approx([1.895] * 18, rel=1e-8)


def test_as_cash_allows_is_a_cap_and_no_schedule(tmp_path: Path) -> None:
    """It repays as late as it may: seven years of interest alone, then all that coverage permits."""
    found = ratios(sizing(tmp_path, "amortisation: as_cash_allows, coverage: 1.30", "financing.loan.limit=100 MUSD"))
    assert found.min() == pytest.approx(1.3, rel=1e-8) and found[:6].min() > 2.6


def test_a_limit_below_what_a_stated_ratio_asks_for_is_proved_to_leave_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE, encoding="utf-8")
    found = solve(Case.load(path, settings=["financing.loan.limit=1 MUSD", "ai.tenant.minimum=10 MW"]))
    assert found.outcome is Outcome.INFEASIBLE and found.certificate is not None and found.certificate.verified


def test_a_stated_ratio_goes_with_cash_flow_that_is_decided(tmp_path: Path) -> None:
    """Rents, power and tax are decisions: cfads of the bank case is 1.4 of debt service, which is the same in the other scenario."""
    path = tmp_path / "mine.yaml"
    path.write_text(MINE, encoding="utf-8")
    found = solve(Case.load(path))
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    assert found.books is not None and found.decisions is not None
    cfads, service = (found.books.words[word][:, 1:] for word in ("cfads", "debt_service"))
    assert found.decisions.issued["loan"][0, 0] > 10e6
    assert cfads[1] / service[1] == pytest.approx([1.4] * 3, rel=1e-8)
    assert service[0] == pytest.approx(service[1], rel=1e-9) and (cfads[0] > 1.5 * service[0]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["financing.loan.ratio=", "financing.loan.coverage=1.4"],
            r"financing.loan.coverage: the one ratio .* decided \(sites, ai, tax\)",
        ),
        (["financing.loan.coverage=1.4"], "financing.loan.ratio: coverage and ratio: give `coverage`"),
        (["financing.loan.bank_case="], "a sculpted loan needs `bank_case`"),
        (["financing.loan.bank_case=worse"], 'no scenario "worse"|"worse"'),
        (["financing.loan.amortisation=as_cash_allows"], "amortisation: as_cash_allows needs `coverage`"),
        (["financing.loan.amortisation=bullet"], "`ratio` belongs to amortisation: sculpted, not to amortisation: bullet"),
    ],
)
def test_terms_that_do_not_go_together_are_told(tmp_path: Path, settings: list[str], message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE, encoding="utf-8")
    with pytest.raises(CaseError, match=message):
        Case.load(path, settings=settings)
