"""Circles between modules: sets of modules each of which imports every other, at once or through the rest of them.

Imports inside functions and imports for types count as any other: whoever reads one module of a circle has to know them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import grimp

PACKAGES = ("wattfolio", "optimizer", "models")


def imports() -> dict[str, set[str]]:
    """Module -> the modules it imports, of the packages that Python finds first."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}


def circles(graph: Mapping[str, Set[str]]) -> list[tuple[str, ...]]:
    """The strongly connected components of more than one node (Tarjan 1972), each sorted."""
    search = _Search(graph)
    for node in graph:
        if node not in search.number:
            search.visit(node)
    return sorted(search.found)


@dataclass
class _Search:
    graph: Mapping[str, Set[str]]
    number: dict[str, int] = field(default_factory=dict)  # in the order of first visits
    least: dict[str, int] = field(default_factory=dict)  # the least number that a node leads back to
    open: list[str] = field(default_factory=list)  # visited, and in no component yet
    found: list[tuple[str, ...]] = field(default_factory=list)

    def visit(self, node: str) -> None:
        self.number[node] = self.least[node] = len(self.number)
        self.open.append(node)
        for other in sorted(self.graph[node]):
            if other not in self.number:
                self.visit(other)
                self.least[node] = min(self.least[node], self.least[other])
            elif other in self.open:
                self.least[node] = min(self.least[node], self.number[other])
        if self.least[node] == self.number[node]:
            at = self.open.index(node)
            component, self.open = self.open[at:], self.open[:at]
            if len(component) > 1:
                self.found.append(tuple(sorted(component)))
