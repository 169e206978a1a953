"""The gates let the code through as it is, and each of them stops what it is there to stop."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gates.__main__ import complaints
from tests.gates.circles import circles
from tests.gates.exceptions import DOCUMENT, HEADING, Excepted, TableError, read
from tests.gates.sizes import TREES, Size, measure

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

#: what is planted: file, text, what the gate of sizes and circles says to it
SIZES_AND_CIRCLES = {
    "a long module": ("models/hours/planted_long.py", "\n" * 601, "models/hours/planted_long.py: a module of 601 lines"),
    "a long function": (
        "optimizer/runtime/planted_function.py",
        "class Thing:\n    def long(self):\n" + "        self\n" * 80,
        "optimizer/runtime/planted_function.py Thing.long: a function of 81 lines",
    ),
    "a circle inside functions": (
        "optimizer/solver/planted_here.py",
        "def one():\n    from optimizer.solver import planted_there\n    return planted_there\n",
        "a circle of 2 modules: optimizer.solver.planted_here, optimizer.solver.planted_there",
    ),
    "the other half of it, for types": (
        "optimizer/solver/planted_there.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from optimizer.solver import planted_here\n",
        "a circle of 2 modules: optimizer.solver.planted_here, optimizer.solver.planted_there",
    ),
    **{
        f"module {number} of a folder": (f"docs/planted/one_{number}.py", "", "docs/planted: a folder of 21 modules")
        for number in range(21)
    },
}
#: what is planted: file, text, what the gate of imports says to it
IMPORTS = {
    "the mathematics imports the engine": (
        "models/hours/planted_engine.py",
        "def late():\n    import optimizer.text\n",
        "models.hours.planted_engine -> optimizer.text",
    ),
    "an import that runs up, for types": (
        "optimizer/runtime/planted_up.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from optimizer.solver.session import Session\n",
        "optimizer.runtime.planted_up -> optimizer.solver.session",
    ),
    "the mathematics runs up": (
        "models/rules/planted_up.py",
        "from models.hours import kernel\n",
        "models.rules.planted_up -> models.hours.kernel",
    ),
    "the second book reads the first": (
        "models/proforma/planted_book.py",
        "def late():\n    from models.program import strips\n",
        "models.proforma.planted_book -> models.program.strips",
    ),
    "the first book reads the second": (
        "models/program/planted_book.py",
        "from models.proforma import books\n",
        "models.program.planted_book -> models.proforma.books",
    ),
    "HiGHS in another room": (
        "optimizer/results/planted_highs.py",
        "def late():\n    import highspy\n",
        "optimizer.results.planted_highs -> highspy",
    ),
    "Pyomo in another module": ("models/rules/planted_pyomo.py", "import pyomo.environ\n", "models.rules.planted_pyomo -> pyomo"),
    "the engine imports the public face": (
        "optimizer/cli/planted_face.py",
        "import wattfolio\n",
        "optimizer.cli.planted_face -> wattfolio",
    ),
    "a room that nobody knows": ("optimizer/planted_room.py", "", "optimizer.planted_room"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's Python, its table of exceptions and its contracts."""
    root = tmp_path_factory.mktemp("copy")
    for tree in TREES:
        for path in (ROOT / tree).rglob("*.py"):
            target = root / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    for name in (DOCUMENT, "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    return root


def plant(root: Path, planted: dict[str, tuple[str, str, str]]) -> None:
    for where, text, _ in planted.values():
        (root / where).parent.mkdir(exist_ok=True)
        (root / where).write_text(text)


def ran(root: Path, *command: str) -> tuple[int, str]:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_each_planted_size_and_circle_is_found_and_nothing_else(copy: Path) -> None:
    gate = [sys.executable, "-m", "tests.gates"]
    assert ran(copy, *gate) == (0, "gates: all within the limits\n")
    plant(copy, SIZES_AND_CIRCLES)
    code, said = ran(copy, *gate)
    assert code == 1
    wanted = {says for _, _, says in SIZES_AND_CIRCLES.values()}
    assert [says for says in wanted if says not in said] == []
    assert len(said.splitlines()) == len(wanted), said
    for where, _, _ in SIZES_AND_CIRCLES.values():
        (copy / where).unlink()


def test_each_planted_import_is_found(copy: Path) -> None:
    gate = [str(LINT_IMPORTS), "--no-cache", "--no-logo"]
    code, said = ran(copy, *gate)
    assert code == 0, said
    plant(copy, IMPORTS)
    code, said = ran(copy, *gate)
    assert code == 1
    assert [name for name, (_, _, says) in IMPORTS.items() if says not in said] == [], said
    for where, _, _ in IMPORTS.values():
        (copy / where).unlink()


def test_an_exception_holds_up_to_its_number_and_not_without_need() -> None:
    large, ring = Size("module", "models/a.py", 700), ("a", "b")
    assert len(complaints([large], [ring], [])) == 2
    excepted = [Excepted("module", "models/a.py", 700, "why"), Excepted("circle", "a b", 2, "why")]
    assert complaints([large], [ring], excepted) == []
    assert complaints([Size("module", "models/a.py", 701)], [ring], excepted) == [
        "models/a.py: a module of 701 lines, and the limit is 600; its exception ends at 700"
    ]
    assert complaints([Size("module", "models/a.py", 600)], [], excepted) == [
        f"{DOCUMENT} names an exception that nothing needs: circle a b",
        f"{DOCUMENT} names an exception that nothing needs: module models/a.py",
    ]


@pytest.mark.parametrize(
    "row", ["| module | `a.py` | many | why |", "| module | `a.py` | 700 | |", "| thing | `a.py` | 9 | why |", "| a |"]
)
def test_an_exception_without_a_number_or_a_reason_is_a_mistake(tmp_path: Path, row: str) -> None:
    head = f"# x\n\n{HEADING}\n\n| kind | where | at most | why |\n|---|---|---|---|\n"
    (tmp_path / DOCUMENT).write_text(
        head + "| function | `a.py` `f` | 90 | why |\n\n## After\n\n| other | table |\n|---|---|\n| x | y |\n"
    )
    assert read(tmp_path) == [Excepted("function", "a.py f", 90, "why")]
    (tmp_path / DOCUMENT).write_text(head + row + "\n")
    with pytest.raises(TableError):
        read(tmp_path)


def test_functions_are_named_by_what_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.py").write_text(
        "class A:\n    async def f(self):\n        def g():\n            pass\nif 1:\n    def h(): pass\n"
    )
    sizes = {one.where: one.value for one in measure(tmp_path)}
    assert sizes == {"models": 1, "models/a.py": 6, "models/a.py A.f": 3, "models/a.py A.f.g": 2, "models/a.py h": 1}


def test_circles_are_those_that_paths_lead_round() -> None:
    """Against the closure of paths, found by trying every step in between, on random graphs."""
    draw = random.Random(7)
    for size in (1, 2, 5, 9, 14):
        for _ in range(40):
            graph = {a: {b for b in range(size) if a != b and draw.random() < 1.4 / size} for a in range(size)}
            reach = {(a, b) for a in graph for b in graph[a]}
            for between in graph:
                reach |= {(a, b) for a in graph for b in graph if (a, between) in reach and (between, b) in reach}
            rings = {
                tuple(str(b) for b in sorted(graph, key=str) if (a, b) in reach and (b, a) in reach)
                for a in graph
                if (a, a) in reach
            }
            assert circles({str(a): {str(b) for b in graph[a]} for a in graph}) == sorted(rings)
