"""The command line: exit codes, what goes to which stream, and no traceback for a user's mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.cli import app, cases
from optimizer.cli.exit_codes import USAGE
from optimizer.engine import solve as engine
from optimizer.engine.values import Outcome
from optimizer.results import folder as results
from optimizer.results.read_folder import load
from optimizer.results.serialise import ResultError
from optimizer.version import __version__
from tests.shared.mill import CASE
from tests.shared.places import ROOT


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.run(list(arguments))
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {})
    command = [sys.executable, "-m", "optimizer", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, **options)


def ended(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let the engine end as told."""
    solve = engine.solve
    monkeypatch.setattr(engine, "solve", lambda case, **options: replace(solve(case, **options), **changes))


# ---------------------------------------------------------------------------------------------------------------------


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys, optimizer.cli.app as c; c.run(['--help']); c.run(['solve', '--help']); "
        "print(sorted(set(sys.modules) & {'numpy', 'pandas', 'pyomo', 'highspy', 'pydantic', 'rich', 'scipy', 'yaml'}))"
    )
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    after = os.times()
    assert done.stdout.splitlines()[-1] == "[]"
    # processor time, so that a busy machine does not fail it
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.3
    for word in ("new", "validate", "solve", "schema", "Exit codes", "--time-limit", "--set PATH=VALUE"):
        assert word in done.stdout


def test_solve_prints_the_answer_and_writes_the_folder(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "solve", str(case))
    assert code == 0
    assert out.startswith("mill town: optimal") and "mill" in out and "verified in every scenario" in out
    lines = err.splitlines()
    folder = Path(lines[-1].removeprefix("results in "))
    assert folder == results.folder("out", "mill town", None) and (folder / "manifest.json").is_file()
    assert any(line.split()[2:3] == ["solve"] for line in lines)


def test_json_is_the_summary_and_nothing_else(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "solve", str(case), "--json", "--quiet", "--out", "elsewhere")
    folder = results.folder("elsewhere", "mill town", None)
    assert code == 0 and err == ""
    assert out.encode() == (folder / "summary.json").read_bytes()
    assert json.loads(out)["status"] == "optimal"
    assert not Path("out").exists()


def test_two_runs_write_the_same_bytes(case: Path) -> None:
    found = []
    # another process with other hashes, and this one, where much has run before
    done = process("solve", str(case), "--out", "a", "--dispatch", env={"PYTHONHASHSEED": "1"}, cwd=case.parent)
    assert done.returncode == 0 and app.run(["solve", str(case), "--out", "b", "--dispatch"]) == 0
    for out in ("a", "b"):
        folder = results.folder(case.parent / out, "mill town", None)
        found.append({path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timings.json"})
    assert found[0] == found[1] and "dispatch.parquet" in found[0]


def test_variants_and_settings_have_their_own_folders(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "solve", str(case), "--quiet")[0] == 0
    code, out, _ = run(capsys, "solve", str(case), "--quiet", "--variant", "small", "--json")
    assert code == 0 and json.loads(out)["variant"] == "small"
    code, changed, _ = run(capsys, "solve", str(case), "--quiet", "--set", "projects.mill.limit=500 units", "--json")
    assert code == 0
    assert json.loads(changed)["objective"] == pytest.approx(json.loads(out)["objective"])
    assert len([path for path in results.folder("out", "mill town", None).parent.iterdir() if not path.is_symlink()]) == 3
    assert load(results.folder("out", "mill town", "small"))["summary"]["variant"] == "small"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["solve"], ["CASE"]),
        (["solve", "absent.yaml"], ["absent.yaml", "no such file"]),
        (["solve", "."], ["folder"]),
        (["solve", "a\x00b"], ["a"]),
        (["solve", "mill.yaml", "--variant", "smal"], ["smal", "small"]),
        (["solve", "mill.yaml", "--set", "nonsense"], ["nonsense", "PATH=VALUE"]),
        (["solve", "mill.yaml", "--set", "=5"], ["PATH=VALUE"]),
        (["solve", "mill.yaml", "--set", "projects.mil.limit=5 units"], ["mil"]),
        (["solve", "mill.yaml", "--set", "projects.mill.limit=5 MW"], ["MW"]),
        (["solve", "mill.yaml", "--time-limit", "0"], ["--time-limit"]),
        (["solve", "mill.yaml", "--time-limit", "nan"], ["--time-limit"]),
        (["solve", "mill.yaml", "--time-limit", "soon"], ["--time-limit"]),
        (["solve", "mill.yaml", "--method", "magic"], ["magic", "extensive"]),
        (["solve", "mill.yaml", "--ot", "x"], ["--ot"]),
        (["slove"], ["slove"]),
        (["validate"], ["CASE"]),
        (["new"], ["NAME"]),
        (["new", "x", "--template", "nothing-like-it"], ["nothing-like-it"]),
    ],
)
def test_mistakes_are_told_on_stderr_with_code_2(
    case: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], parts: Sequence[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == ""
    for part in parts:
        assert part in err
    assert [path.name for path in case.parent.iterdir()] == ["mill.yaml"]


def test_an_unreadable_file_and_one_that_is_no_text(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.write_bytes(b"\xff\xfe\x00case")
    code, _, err = run(capsys, "solve", str(case))
    assert code == 2 and "mill.yaml" in err
    if os.geteuid() != 0:
        case.chmod(0)
        code, _, err = run(capsys, "solve", str(case))
        assert code == 2 and "permission" in err.lower()


def test_validate_tells_every_mistake_of_every_case(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = case.with_name("bad.yaml")
    bad.write_text(CASE.replace("cost: 100 USD/unit", "cots: 100 USD/unit").replace("8 %/year", "8 MW"))
    rotten = case.with_name("rotten.yaml")
    rotten.write_text(CASE.replace("500 units", "five units"))
    code, out, err = run(capsys, "validate", str(case), str(bad), str(rotten))
    assert code == 2 and out == f"{case}: valid\n"
    assert f"{bad}:4:" in err and f"{bad}:7:5" in err and "cost" in err and "2 mistakes" in err
    assert f"{rotten}:14:" in err and "five units" in err
    assert run(capsys, "validate", str(case))[0] == 0


def test_infeasible_names_the_rule_and_writes_nothing(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "solve", str(case), "--variant", "hungry")
    assert code == 3
    assert "infeasible" in out and "enough" in out and "provided[flour] >= 100" in out and "mill.yaml:12" in out
    assert "proved" in err and "nothing was written" in err
    assert not results.folder("out", "mill town", "hungry").exists()
    code, out, _ = run(capsys, "solve", str(case), "--variant", "hungry", "--json")
    assert code == 3 and json.loads(out)["status"] == "infeasible" and json.loads(out)["objective"] is None


def test_validate_takes_a_variant_and_settings(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.write_text(case.read_text() + "  poor: {set: {treasury.cash: 1 MUSD}}\n  wrong: {set: {treasury.cash: 1 MW}}\n")
    assert run(capsys, "validate", str(case))[0] == 2
    code, out, _ = run(capsys, "validate", str(case), "--variant", "poor", "--set", "treasury.cash=3 MUSD")
    assert (code, out) == (0, f"{case}: valid\n")
    assert run(capsys, "validate", str(case), "--set", "variants.x=1")[0] == 2
    code, _, err = run(capsys, "validate", str(case), "--variant", "poor", "--set", "treasury.cahs=3 MUSD")
    assert code == 2 and err.startswith('--set:1:10: treasury.cahs: there is no "cahs" in treasury')
    code, _, err = run(capsys, "validate", str(case), "--variant", "pour")
    assert code == 2 and 'did you mean "poor"?' in err


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [(Outcome.LIMIT, 4, "limit"), (Outcome.UNVERIFIED, 5, "verification"), (Outcome.UNBOUNDED, 3, "without limit")],
)
def test_other_ends_have_their_codes_and_write_nothing(
    case: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    outcome: Outcome,
    code: int,
    words: str,
) -> None:
    assert run(capsys, "solve", str(case), "--quiet")[0] == 0
    folder = results.folder("out", "mill town", None)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ended(monkeypatch, outcome=outcome, reasons=("because",))
    found, out, err = run(capsys, "solve", str(case), "--quiet")
    assert found == code and words in err and "because" in out and outcome.value in out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    aside = results.unverified_folder("out", "mill town", None)
    assert aside.is_dir() == (outcome is Outcome.UNVERIFIED) and (str(aside) in err) == aside.is_dir()


def test_an_unverified_plan_is_no_result(case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ended(monkeypatch, outcome=Outcome.UNVERIFIED, reasons=("cash is off", "What to change: less."))
    code, out, err = run(capsys, "solve", str(case), "--quiet", "--out", "there")
    aside = results.unverified_folder("there", "mill town", None)
    assert code == 5 and "cash is off" in out and "What to change: less." in out and str(aside) in err
    assert not results.folder("there", "mill town", None).exists() and not (aside.parent / "latest").exists()
    for verb in (("report", str(aside)), ("report", str(aside), "--xlsx", "x.xlsx")):
        code, _, err = run(capsys, *verb)
        assert code == 2 and err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_told_before_solving(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "solve", lambda *a, **b: pytest.fail("solved in vain"))
    Path("taken").write_text("a file")
    code, out, err = run(capsys, "solve", str(case), "--out", "taken")
    assert code == 2 and out == "" and "cannot write results to taken" in err


def test_a_disk_that_fills_up_still_shows_the_answer(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise ResultError("cannot write results to out: No space left on device")

    monkeypatch.setattr(results, "write", full)
    code, out, err = run(capsys, "solve", str(case))
    assert code == 2 and "optimal" in out and "No space left" in err


def test_an_interrupt_is_130_without_a_traceback(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "solve", interrupted)
    code, out, err = run(capsys, "solve", str(case))
    assert code == 130 and out == "" and "interrupted" in err


def test_a_bug_shows_its_traceback(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(engine, "solve", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        app.run(["solve", str(case), "--quiet"])


@pytest.mark.skipif(os.name != "posix", reason="pipes of a POSIX system")
@pytest.mark.parametrize(("extra", "code"), [(("--variant", "hungry"), 3), (("--json",), 0)])
def test_a_reader_that_leaves_changes_no_exit_code(case: Path, extra: tuple[str, ...], code: int) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "optimizer", "solve", str(case), "--quiet", *extra]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment, cwd=case.parent)
    finally:
        os.close(write)
    assert done.returncode == code and "Traceback" not in done.stderr and "Broken" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of a POSIX system")
def test_control_c_in_a_real_process(case: Path) -> None:
    script = (
        "import sys, time; from optimizer.cli import app; from optimizer.engine import solve as engine\n"
        "def wait(*a, **b): print('waiting', flush=True); time.sleep(30)\n"
        f"engine.solve = wait; sys.exit(app.run(['solve', {str(case)!r}, '--quiet']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=case.parent,
    ) as running:  # fmt: skip
        assert running.stdout is not None and running.stderr is not None
        assert running.stdout.readline() == "waiting\n"
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 130
        assert running.stderr.read().strip() == "interrupted"


def test_a_terminal_without_unicode_is_no_reason_to_fail(case: Path) -> None:
    case.write_text(CASE.replace("enough", "für 水"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "solve", str(case), "--quiet"], capture_output=True, cwd=case.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == b""
    assert "für \\u6c34".encode("latin-1") in done.stdout


def test_what_waits_for_the_end_is_done_and_nothing_said_is_lost() -> None:
    code = """
import atexit, sys
atexit.register(lambda: print("done", end=""))
from optimizer.cli.app import main
main(["schema", "--nonsense"] if sys.argv[1:] else ["--version"])
"""
    for more, exit_code in (((), 0), (("x",), USAGE)):
        done = subprocess.run([sys.executable, "-c", code, *more], capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == exit_code and done.stdout.endswith("done")
        assert (__version__ in done.stdout) == (not more) and ("nonsense" in done.stderr) == bool(more)


def test_schema_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "schema")
    assert code == 0 and "horizon" in json.loads(out)["properties"]
    code, out, _ = run(capsys, "--version")
    assert code == 0 and __version__ in out


def test_new_writes_a_template_and_never_over_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "quickstart.yaml").write_text("# A first case\n" + CASE)
    (tmp_path / "templates" / "farmer.yaml").write_text("horizon: {}\n")
    monkeypatch.setattr(cases, "TEMPLATES", tmp_path / "templates")
    code, out, _ = run(capsys, "new", "--list")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [["farmer"], ["quickstart", "A", "first", "case"]]

    code, out, err = run(capsys, "new", "mine")
    assert code == 0 and out == "" and "mine.yaml" in err
    assert run(capsys, "solve", "mine.yaml", "--quiet")[0] == 0
    (tmp_path / "mine.yaml").write_text("my work")
    code, _, err = run(capsys, "new", "mine.yaml")
    assert code == 2 and "exists" in err and (tmp_path / "mine.yaml").read_text() == "my work"

    code, _, err = run(capsys, "new", "x", "-t", "farmr")
    assert code == 2 and 'did you mean "farmer"?' in err
    code, _, err = run(capsys, "new", "no/such/folder/x")
    assert code == 2 and "cannot write" in err
