"""Make docs/quickstart.svg again: what `wattfolio solve cases/quickstart.yaml` prints, shortened.

python docs/picture.py
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from optimizer import Case
from optimizer.results.terminal import render

HERE = Path(__file__).resolve().parent
CASE = "cases/quickstart.yaml"
WIDTH = 96
#: sections that are shown, by the beginning of their title, and how many lines of each below it
SHOWN = {
    "Return": 4, "What to buy": 9, "Who pays": 7, "By scenario": 6, "How megawatts": 6, "What is scarce": 6, "Proof": 4
}  # fmt: skip


def printed(text: io.StringIO, record: bool = False) -> Console:
    """A console that is a colour terminal, whatever this runs in."""
    return Console(
        file=text,
        record=record,
        width=WIDTH,
        force_terminal=True,
        color_system="truecolor",
        markup=False,
        emoji=False,
        _environ={},
    )


def shortened(lines: list[str]) -> list[str]:
    """The first line and the sections that are shown; three dots where lines of a section are left out."""
    sections: list[list[str]] = [[]]
    for line in lines:
        if not Text.from_ansi(line).plain.strip():
            sections.append([])
        else:
            sections[-1].append(line)
    out = sections[0][:1]
    for title, *body in filter(None, sections[1:]):
        plain = Text.from_ansi(title).plain
        most = next((most for start, most in SHOWN.items() if plain.startswith(start)), 0)
        if most:
            out += ["", title, *body[:most], *(["  ..."] if len(body) > most else [])]
    return out


def picture() -> str:
    """The SVG. It asks no server for a font, and any fixed width will do."""
    text = io.StringIO()
    render(Case.load(HERE.parent / CASE).solve(), printed(text))
    console = printed(io.StringIO(), record=True)
    console.print(f"$ wattfolio solve {CASE}", style="bold", highlight=False)
    for line in shortened(text.getvalue().splitlines()):
        console.print(Text.from_ansi(line), highlight=False, no_wrap=True)
    svg = console.export_svg(title="wattfolio", theme=MONOKAI, unique_id="quickstart")
    svg = re.sub(r"@font-face\s*{.*?}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", "font-family: monospace")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    target = HERE / "quickstart.svg"
    target.write_text(picture(), encoding="utf-8")
    print(f"wrote {target.relative_to(HERE.parent)}")
