"""Drawn scenarios in a case: explicit ones come of it, with the values that were drawn, and every mistake has its place."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from optimizer.case import generated
from optimizer.case.case import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.case.reading.network_days import heights
from optimizer.cli.app import cli
from optimizer.scenarios.generate.calibration import bundled, calibrate, from_history
from optimizer.scenarios.generate.history import Days, monthly
from tests.shared.network_data import NETWORK, made_days, needs_network

WORLD = """\
horizon: {start: 2026-01, years: 4, period: quarter, hours: {every: 25}}
company: {shares: 1_000_000 shares, share_price: {start: 10 USD/share, growth: 12 %/year}}
market: {btc_price: 88_700 USD/BTC, network_hashrate: 1_057 EH/s, transaction_fees: 0.7 %}
sites:
  texas:
    interconnection: 20 MW
    mining_hall: {now: 20 MW}
    ai_hall: {now: 4 MW}
    power: {grid: {price: {shape: ercot-hub-2024, seed: 1, mean: 30 USD/MWh}, level: {start: 1, growth: 5 %/year}}}
rigs:
  s21: {efficiency: 17.5 J/TH, price: {start: 10 USD/TH, growth: -15 %/year}, owned: {texas: 10 MW}, order: {until: 2028-01}}
ai:
  cloud: {type: cloud, price: {start: 2_000 USD/MWh, growth: -3 %/year}, term: 3 years, limit: 2 MW, sign: {until: 2027-01}}
  lab: {type: lease, rent: 1.5 MUSD/MW/year, term: 4 years, limit: 2 MW, contracted: {texas: 2 MW}, contracted_term: 4 years, floor: 99 %}
scenarios:
"""
DRAWN = (
    WORLD
    + """\
  generate:
    sample: 200
    keep: [3, 2]
    stages: [2027-01, 2028-01]
    seed: 7
    power: {texas: {typical: 27 USD/MWh, spread: 40 %/year}}
    ai: {cloud: {growth: -8 %/year, volatility: 20 %/year}, lab: {default: 10 %/year, relet: 80 %}}
    delay: {sites.texas: {chance: 40 %, of: 3..9 months}}
variants:
  no_cloud: {set: {ai.cloud.limit: 0 MW}}
  dearer: {set: {scenarios.generate.btc_price.growth: 20 %/year}}
"""
)


def load(folder: Path, text: str, **options: object) -> Case:
    path = folder / "case.yaml"
    path.write_text(text, encoding="utf-8")
    return Case.load(path, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load(tmp_path_factory.mktemp("drawn"), DRAWN)


def test_odds_and_who_follows_whom(case: Case) -> None:
    """Together in the first year, three groups in the second, each by itself after."""
    scenarios = case.problem().scenarios
    leaves = case.generated.tree.leaves
    assert scenarios.probability == pytest.approx([leaf.odds for leaf in leaves], abs=1e-15)
    assert scenarios.probability.sum() == pytest.approx(1.0, abs=1e-12)
    nodes = scenarios.node
    for d in range(17):
        groups = {tuple(np.flatnonzero(nodes[:, d] == one).tolist()) for one in set(nodes[:, d].tolist())}
        depth = 0 if d < 4 else 1 if d < 8 else 2
        ways = {leaf.way[:depth] for leaf in leaves}
        assert groups == {tuple(s for s, leaf in enumerate(leaves) if leaf.way[:depth] == way) for way in ways}


def test_what_was_drawn_is_in_the_arrays(case: Case) -> None:
    problem = case.problem()
    pool = case.generated.tree.pool
    for s, leaf in enumerate(case.generated.tree.leaves):
        own = {name: series[leaf.row] for name, series in leaf.futures.series.items()}

        def mean(name: str, own: dict = own) -> np.ndarray:
            return np.array([sum(own[name][m] + own[name][m + 1] for m in range(3 * t, 3 * t + 3)) / 6 for t in range(16)])

        near = {"rel": 1e-8}
        assert problem.market.btc_price[s] == pytest.approx(own["btc_price"][::3], **near)
        assert problem.market.hashprice[s] == pytest.approx(mean("hashprice"), **near)
        assert problem.rigs[0].price[s] == pytest.approx(10 * own["rig_prices"][::3] * 1000 / 17.5 * 1000, **near)
        cloud, lab = problem.services
        assert cloud.rate[s] == pytest.approx(2000 * mean("ai.cloud"), **near)
        assert lab.rate[s] == pytest.approx(1.5e6 * mean("ai.lab"), **near)
        grid = problem.sites[0].grid
        years = (np.arange(16) + 0.5) / 4
        median = np.median(case.model.sites["texas"].power.grid.price.values)
        assert grid.price.factor[s] == pytest.approx(27 / median * 1.05**years * mean("power.texas"), **near)
        assert problem.sites[0].delay[s] == -(-leaf.futures.late["texas"][leaf.row] // 3)
        share = 10 * 1.12 ** (np.arange(17) / 4) * (own["share_price"] / pool.series["share_price"].mean(axis=0))[::3]
        assert problem.market.share_price[s] == pytest.approx(share, **near)


def test_date_0_is_the_cases_own(case: Case) -> None:
    problem = case.problem()
    assert problem.market.btc_price[:, 0] == pytest.approx(88_700.0)
    pool = case.generated.tree.pool.series
    assert pool["hashprice"][:, 0] == pytest.approx(144 * 3.125 * 1.007 * 88_700 / 1_057_000, rel=1e-9)


def test_a_stated_hashprice_is_the_start(tmp_path: Path) -> None:
    text = DRAWN.replace("network_hashrate: 1_057 EH/s, transaction_fees: 0.7 %", "hashprice: 41 USD/PH/day")
    pool = load(tmp_path, text).generated.tree.pool.series
    assert pool["hashprice"][:, 0] == pytest.approx(41.0, rel=1e-9)


def test_nothing_at_all_is_enough(tmp_path: Path) -> None:
    """A market that is left out is that of the last month of the data."""
    found = load(
        tmp_path, "horizon: {start: 2026-04, years: 3, period: year}\ntreasury: {coins: 5 BTC}\nscenarios: {generate: {}}\n"
    )
    assert len(found.problem().scenarios.names) <= 8
    assert found.problem().market.btc_price[:, 0] == pytest.approx(68_233.31)
    assert found.model.information.isoformat() == "2027-04-01"


def test_a_case_that_sees_nothing_of_what_is_drawn(tmp_path: Path) -> None:
    """Cash flows only: scenarios differ in nothing, and that is no mistake."""
    found = load(tmp_path, "horizon: {start: 2026-04, years: 2}\nscenarios: {generate: {sample: 50, keep: 2}}\n")
    assert found.problem().scenarios.probability.sum() == pytest.approx(1.0)


def test_a_short_horizon_is_never_known(tmp_path: Path) -> None:
    found = load(
        tmp_path, "horizon: {start: 2026-04, months: 6, period: month}\ntreasury: {coins: 5 BTC}\nscenarios: {generate: {}}\n"
    )
    assert found.model.information is None
    assert (found.problem().scenarios.node[:, :6] == found.problem().scenarios.node[:1, :6]).all()


def test_one_stage_gives_scenarios_known_at_one_date(tmp_path: Path) -> None:
    text = DRAWN.replace("keep: [3, 2]", "keep: 6").replace("[2027-01, 2028-01]", "2027-01")
    found = load(tmp_path, text)
    assert found.model.information.isoformat() == "2027-01-01"
    assert [one.follows for one in found.model.scenarios.values()] == [None] * 6


def test_variants_and_settings_meet_the_same_futures(tmp_path: Path, case: Case) -> None:
    def ways(one: Case) -> list:
        return [(leaf.way, leaf.odds, leaf.futures.digests()) for leaf in one.generated.tree.leaves]

    path = case.path
    assert ways(Case.load(path, variant="no_cloud")) == ways(case)
    assert ways(Case.load(path, settings=["treasury.cash=3 MUSD"])) == ways(case)
    dearer = Case.load(path, variant="dearer")
    growth = np.median(dearer.generated.tree.pool.series["btc_price"][:, 12]) / np.median(
        case.generated.tree.pool.series["btc_price"][:, 12]
    )
    assert growth == pytest.approx(1.2, rel=1e-6)


def test_the_same_case_is_the_same_bytes_and_another_seed_is_another(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "_GROWN", {})
    again = Case.load(case.path)
    assert again.digest == case.digest
    other = Case.load(case.path, settings=["scenarios.generate.seed=8"])
    assert other.digest != case.digest


def test_drawn_values_are_no_slips(case: Case) -> None:
    """They may go where nobody has been; what is written is still looked at."""
    wild = Case.load(case.path, settings=["scenarios.generate.btc_price.growth=300 %/year"])
    assert not [one for one in wild.doubts() if one.path.startswith(("market.", "rigs.", "ai.cloud.price"))]
    assert [one for one in Case.load(case.path, settings=["rigs.s21.uptime=10 %"]).doubts() if "uptime" in one.path]


def test_the_explicit_case_can_be_written_by_hand(case: Case, tmp_path: Path) -> None:
    """What a drawn case comes to is a case as anybody writes it: the same digest, so the same problem."""
    plain = {key: value for key, value in case.tree.plain().items() if key != "variants"}  # which set what is drawn
    (tmp_path / "explicit.yaml").write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")
    written = Case.load(tmp_path / "explicit.yaml")
    assert written.generated is None
    assert written.digest == case.digest


def test_a_drawn_case_is_solved(case: Case) -> None:
    solution = Case.load(case.path, settings=["horizon.hours={every: 175}"]).solve()
    assert tuple(solution.problem.scenarios.names) == tuple(leaf.name for leaf in case.generated.tree.leaves)
    assert solution.lower_bound <= solution.objective + 1e-3 and np.isfinite(solution.objective)


def days_csv(days: Days) -> str:
    """As a user has it: some days without a price."""
    rows = [
        f"{day},{difficulty:.10g},{'' if at % 97 == 5 else f'{price:.2f}'}"
        for at, (day, difficulty, price) in enumerate(zip(days.day, days.difficulty, days.price, strict=True))
    ]
    return "\n".join(["date,difficulty,price_usd", *rows, ""])


def test_own_days_of_the_network(tmp_path: Path) -> None:
    """They are learnt from up to `until`; what comes after, changed or cut, moves no byte."""
    days = made_days(72)
    text = days_csv(days)
    own = DRAWN.replace("    seed: 7\n", "    seed: 7\n    until: 2025-03-14\n") + "data: {network: days.csv}\n"
    (tmp_path / "days.csv").write_text(text, encoding="utf-8")
    whole = load(tmp_path, own)
    found = whole.generated.world.known.data
    cut = days.until(date(2025, 3, 14))
    price = np.where(np.arange(len(cut.day)) % 97 == 5, np.nan, np.round(cut.price, 2))
    height = heights(cut.day.astype(np.int64) + date(1970, 1, 1).toordinal())
    expected = from_history(
        monthly(Days(cut.day, cut.difficulty, price, 50.0 / 2 ** (height // 210_000), np.full(len(price), np.nan), height)), "x"
    )
    assert found.until == date(2025, 3, 14)
    assert found.moves.size == pytest.approx(expected.moves.size)
    assert found.answers.moments == pytest.approx(expected.answers.moments, rel=1e-8)
    lines = text.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith("2025-03-15"))
    for after in ("", "".join(re.sub(r",.*", ",1,2", line) for line in lines[at:])):
        (tmp_path / "days.csv").write_text("".join(lines[:at]) + after, encoding="utf-8")
        again = load(tmp_path, own)
        assert again.digest == whole.digest
        assert again.files == whole.files
        assert again.generated.tree.pool.digests() == whole.generated.tree.pool.digests()
    (tmp_path / "days.csv").write_text("".join(lines[: at - 1]) + lines[at - 1].replace(",", ",9"), encoding="utf-8")
    assert load(tmp_path, own).digest != whole.digest


@needs_network
def test_imported_days_say_what_the_bundled_calibration_says(tmp_path: Path) -> None:
    """`data import` writes what `data: {network: FILE}` reads: the same posterior and moves as come with the program."""
    target = tmp_path / "days.csv"
    source = str(NETWORK / "btc_network_daily_2011_2026.csv")
    done = CliRunner().invoke(cli, ["data", "import", source, "--market", "network", "--as", str(target)], standalone_mode=False)
    assert done.return_value == 0, done.output
    own = load(tmp_path, DRAWN + "data: {network: days.csv}\n").generated.world.known
    ours = calibrate(bundled())
    assert own.data.until == ours.data.until
    assert own.moves.size == pytest.approx(ours.moves.size, abs=1e-4)
    for level in (0.05, 0.5, 0.95):  # the day of a halving may fall on either side of it
        assert own.posterior.response_quantile(level) == pytest.approx(ours.posterior.response_quantile(level), rel=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,difficulty,price\n2020-01-01,1,2\n", 'has no column "price_usd"'),
        ("date,difficulty,price_usd\n2020-01-01,1e13,9000\n2020-01-01,1e13,9000\n", "days.csv:3:1: data.network: the day 2020-01-01 is given"),
        ("date,difficulty,price_usd\n2020-01-01,1e13,9000\n2020-01-02,,9000\n", "days.csv:3:12: data.network: a number is missing"),
        ("date,difficulty,price_usd\n2020-01-01,1e13,much\n", 'days.csv:2:17: data.network: "much" is not a number above 0'),
        ("date,difficulty,price_usd\n2020-01-30,1e13,9000\n", "data.network: no whole month of the network by then"),
    ],
)  # fmt: skip
def test_mistakes_in_days_have_their_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "days.csv").write_text(text, encoding="utf-8")
    with pytest.raises(CaseError, match=re.escape(said)):
        load(tmp_path, DRAWN + "data: {network: days.csv}\n")


def test_heights_of_days() -> None:
    """Against blocks whose day is known: 500,000 on 2017-12-18, 800,000 on 2023-07-24; within nine days."""
    found = heights(np.array([date(2017, 12, 18).toordinal(), date(2023, 7, 24).toordinal(), date(2024, 4, 30).toordinal()]))
    assert found == pytest.approx([500_000, 800_000, 841_440], abs=9 * 144)


def test_settings_reach_drawn_scenarios_by_name(case: Case, tmp_path: Path) -> None:
    """They come after the draw; a name that is not there is told."""
    changed = Case.load(case.path, settings=["scenarios.s1-1.scale={market.hashprice: 0.5}"])
    ratio = changed.problem().market.hashprice / case.problem().market.hashprice
    assert ratio[0] == pytest.approx(0.5)
    assert ratio[1:] == pytest.approx(1.0)
    with pytest.raises(CaseError, match='there is no "s9-9" in scenarios'):
        Case.load(case.path, settings=["scenarios.s9-9.probability=3 %"])


GOLDEN = """\
=== not a mapping
  generate: 16
>>>
16:3: scenarios.generate: "16": expected a mapping
    hint: generate: {} is enough
=== nothing
  generate:
>>>
16:3: scenarios.generate: nothing: expected a mapping
    hint: generate: {} is enough
=== unknown key
  generate: {sampel: 300}
>>>
16:14: scenarios.generate.sampel: unknown key
    hint: did you mean "sample"?
=== beside written ones
  generate: {}
  bear: {probability: 100 %}
>>>
17:3: scenarios.bear: scenarios are written, or drawn by `generate`: not both
=== too few
  generate: {sample: 10}
>>>
16:22: scenarios.generate.sample: "10": expected 50 to 5000
=== not whole
  generate: {sample: 1e3}
>>>
16:22: scenarios.generate.sample: "1e3": expected a whole number such as 50
=== unequal lists
  generate: {keep: [4, 2], stages: [2027-01]}
>>>
16:14: scenarios.generate.keep: 2 numbers of branches for 1 stages
    hint: one for each stage
=== order of stages
  generate: {stages: [2028-01, 2027-01]}
>>>
16:14: scenarios.generate.stages: stages lie at different dates, in their order
=== beyond the horizon
  generate: {stages: 2030-01}
>>>
16:14: scenarios.generate.stages: stages lie after the start and before the end of the horizon, 2026-01 to 2030-01
=== too many kept
  generate: {keep: [100, 3], stages: [2027-01, 2028-01]}
>>>
16:14: scenarios.generate.keep: 300 scenarios: at most 200
=== more kept than drawn
  generate: {sample: 50, keep: 60}
>>>
16:26: scenarios.generate.keep: 60 are kept of 50 that are drawn
    hint: keep fewer, or draw more
=== no data that end earlier
  generate: {until: 2024-01}
>>>
16:14: scenarios.generate.until: the data that come with the program end on 2026-04-21: none end earlier
    hint: data: {network: FILE} gives days of your own
=== no such service, no such site
  generate: {ai: {clout: {}}, power: {texs: {}}, delay: {sites.texs: {chance: 10 %, of: 3 months}}}
>>>
16:19: scenarios.generate.ai.clout: there is no service "clout"
    hint: did you mean "cloud"?
16:39: scenarios.generate.power.texs: there is no site "texs" with a grid
    hint: did you mean "texas"?
16:58: scenarios.generate.delay.sites.texs: "sites.texs" cannot be delayed: only a site can
    hint: did you mean "sites.texas"?
=== what a lease does not have
  generate: {ai: {lab: {volatility: 10 %/year}, cloud: {relet: 50 %}}}
>>>
16:19: scenarios.generate.ai.lab: volatility is not of a lease
    hint: leave volatility out
16:49: scenarios.generate.ai.cloud: relet is not of a cloud
    hint: leave relet out
=== months the wrong way
  generate: {delay: {sites.texas: {chance: 10 %, of: 9..3 months}}}
>>>
16:54: scenarios.generate.delay.sites.texas.of: "9..3 months": expected at least 1 month, and the larger number last
=== a wrong unit
  generate: {btc_price: {growth: 5 USD}}
>>>
16:34: scenarios.generate.btc_price.growth: "5 USD" is money: expected a rate by the year such as "5 %/year"
=== rig prices
  generate: {rig_prices: {answers: price}}
>>>
16:26: scenarios.generate.rig_prices: a mapping: expected {answers: hashprice}, or as stated
=== information has no place
  generate: {}
information: 2027-01
>>>
17:1: information: drawn scenarios become known at `stages`
    hint: leave information out
"""


def golden() -> list[tuple[str, str, str]]:
    out = []
    for block in re.split(r"^=== ", GOLDEN, flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        body, _, said = rest.partition(">>>\n")
        out.append((name, body, said))
    return out


@pytest.mark.parametrize(("body", "said"), [one[1:] for one in golden()], ids=[one[0] for one in golden()])
def test_mistakes_have_their_place(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(CaseError) as error:
        load(tmp_path, WORLD + body)
    told = "".join(f"{line}\n" for line in str(error.value).splitlines() if re.match(r"\S*case\.yaml:|    hint:", line))
    assert re.sub(r"\S*case\.yaml:", "", told) == said


def test_a_mistake_elsewhere_is_told_as_before(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"case.yaml:\d+:\d+: treasury.cahs: unknown key"):
        load(tmp_path, DRAWN + "treasury: {cahs: 5 MUSD}\n")
