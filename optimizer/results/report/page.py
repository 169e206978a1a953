"""The page around the sections: one file, no network, and nothing runs in it but its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from optimizer.results.report.svg import COLOURS
from optimizer.results.report.text import esc

HERE = Path(__file__).parent
SHADES = 9
DARK = {
    "page": "#12181f", "card": "#1b242e", "ink": "#e8edf2", "soft": "#a3b1be", "rule": "#33414e", "link": "#7cc4f5", "tail": "#3a2a22",
    "c0": "#3a9bdc", "c1": "#f0b236", "c2": "#22b889", "c3": "#e39ac0", "c4": "#93d3f8", "c5": "#f0803f", "c6": "#a493e3", "c7": "#c9bb3f",
    "c8": "#8f9ba6",
    "h0": "#1a2632", "h1": "#1d374e", "h2": "#214a6b", "h3": "#275f88", "h4": "#3577a6", "h5": "#4d91c0", "h6": "#72add6", "h7": "#a3cbe8",
    "h8": "#d9ecfa",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A section: an id, its title, and its HTML ('': left out)."""

    id: str
    title: str
    html: str


@lru_cache(maxsize=1)
def style() -> str:
    """The style sheet, its sets of colours filled in."""
    text = (HERE / "page.css").read_text(encoding="utf-8")
    light = text[text.index("--page") : text.index("}")].strip()
    dark = "color-scheme: dark; " + " ".join(f"--{name}: {value};" for name, value in DARK.items())
    marks = [
        f".c{n} {{ fill: var(--c{n}); }} .line.c{n} {{ fill: none; stroke: var(--c{n}); }} i.c{n} {{ background: var(--c{n}); }}"
        for n in range(COLOURS)
    ]
    marks += [f".h{n} {{ fill: var(--h{n}); }} i.h{n} {{ background: var(--h{n}); }}" for n in range(SHADES)]
    return text.replace("DARK", dark).replace("LIGHT", f"color-scheme: light; {light}").replace("COLOURS", "\n".join(marks))


@lru_cache(maxsize=1)
def script() -> str:
    return (HERE / "page.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page(title: str, head: str, parts: Sequence[Part], views: Sequence[tuple[str, str]], foot: str) -> str:
    """The whole document. views: (id, name) of what charts can be shown for, the first of which is shown."""
    css, js = style(), script()
    # names of a case are escaped; should one slip through, the policy lets no script, style, image or address of it do anything
    policy = f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(js)}; base-uri 'none'; form-action 'none'"
    shown = [part for part in parts if part.html]
    links = "".join(f'<a href="#{part.id}">{esc(part.title)}</a>' for part in shown)
    options = "".join(f'<option value="{esc(key)}">{esc(name)}</option>' for key, name in views)
    picker = f'<label hidden>charts of <select id="view" autocomplete="off">{options}</select></label>' if len(views) > 1 else ""
    sections = "".join(f'<section id="{part.id}"><h2>{esc(part.title)}</h2>{part.html}</section>' for part in shown)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{esc(title)}</title>\n<style>{css}</style></head>\n<body><header>{head}</header>\n"
        f'<div class="bar-top"><div><nav aria-label="sections">{links}</nav><div class="controls">{picker}'
        '<button type="button" id="theme" hidden>light / dark</button></div></div></div>\n'
        f"<main>{sections}</main>\n<footer>{foot}</footer>\n<script>{js}</script></body></html>\n"
    )
