"""How large things are: modules of a folder, lines of a module, lines of a function."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: what is measured: everything that is ours
TREES = ("wattfolio", "optimizer", "models", "tests", "docs")
#: modules of a folder (its `__init__` counts), lines of a module, lines of a function from its `def` on
MOST = {"folder": 20, "module": 600, "function": 80}
UNIT = {"folder": "modules", "module": "lines", "function": "lines"}


@dataclass(frozen=True)
class Size:
    """How large one thing is. where: as the table of exceptions names it."""

    kind: str
    where: str
    value: int

    @property
    def too_large(self) -> bool:
        return self.value > MOST[self.kind]

    def __str__(self) -> str:
        return f"{self.where}: a {self.kind} of {self.value} {UNIT[self.kind]}, and the limit is {MOST[self.kind]}"


def measure(root: Path) -> Iterator[Size]:
    """Every folder, module and function below `root`."""
    files = sorted(path.relative_to(root) for tree in TREES for path in (root / tree).rglob("*.py"))
    for folder, modules in Counter(path.parent.as_posix() for path in files).items():
        yield Size("folder", folder, modules)
    for path in files:
        text = (root / path).read_text(encoding="utf-8")
        yield Size("module", path.as_posix(), len(text.splitlines()))
        for name, node in _functions(ast.parse(text, str(path))):
            assert node.end_lineno is not None
            yield Size("function", f"{path.as_posix()} {name}", node.end_lineno - node.lineno + 1)


def _functions(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function below a node with its name, which begins with those of the classes and functions that it stands in."""
    for below in ast.iter_child_nodes(node):
        name = f"{within}{below.name}" if isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else ""
        if isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, below
        yield from _functions(below, f"{name}." if name else within)
