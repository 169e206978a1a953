"""Whose figures a chart shows: the expectation, or one scenario; and the middle and the edges of many scenarios."""

from __future__ import annotations

from collections.abc import Callable

from optimizer.results.report.source import EXPECTED, Source

#: scenarios that have lines and charts of their own; of more, the ends and the quarters by value
MOST_SCENARIOS = 8


def chosen(source: Source) -> list[str]:
    """Scenarios with charts of their own, in their order."""
    names = source.scenarios
    if len(names) <= MOST_SCENARIOS:
        return list(names)
    worth = source.column("scenarios", "npv")
    ranked = sorted(range(len(names)), key=lambda n: (worth[n] or 0.0, n))
    at = {ranked[round(share * (len(names) - 1))] for share in (0.0, 0.25, 0.5, 0.75, 1.0)}
    return [names[n] for n in sorted(at)]


def views(source: Source) -> list[tuple[str, str, str]]:
    """(id, scenario in the tables, what it is called), the first of which is shown."""
    if len(source.scenarios) == 1:
        return [("v0", source.scenarios[0], source.scenarios[0])]
    return [("v0", EXPECTED, "the expectation"), *((f"v{n}", name, name) for n, name in enumerate(chosen(source), 1))]


def by_view(source: Source, draw: Callable[[str], str]) -> str:
    """A chart for every view, of which one is shown; '' where the first has nothing to show."""
    made = [(key, draw(scenario)) for key, scenario, _ in views(source)]
    if not any(html for _, html in made):
        return ""
    nothing = '<p class="note">Nothing in this scenario.</p>'
    return "".join(
        f'<div data-view="{key}"{"" if n == 0 else " hidden"}>{html or nothing}</div>' for n, (key, html) in enumerate(made)
    )
