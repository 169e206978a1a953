"""Make docs/report.png again: parts of the report of cases/quickstart.yaml, as a browser shows them.

python -m docs.report_picture        in the folder above; needs Chromium
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from optimizer import Case
from optimizer.results import folder as results
from optimizer.results.report.render_page import HTML
from tests.shared.chromium import Browser

HERE = Path(__file__).resolve().parent
WIDTH = 900
#: headings of the figures that are shown, in their order
SHOWN = ("Capital and its financing", "Hours of texas", "Distribution of returns")
#: leaves the head, two sections of words and the figures that are shown
SHORTER = """(shown => { document.querySelector('.bar-top').remove(); document.querySelector('footer').remove();
const main = document.querySelector('main'), figures = [...main.querySelectorAll('figure')];
const words = [...main.querySelectorAll('#plan h3')].slice(0, 2).flatMap(h => [h, h.nextElementSibling]);
const kept = shown.map(name => figures.find(f => f.querySelector('h3') && f.querySelector('h3').textContent === name));
main.replaceChildren(...words, ...kept); })"""


def picture(target: Path) -> None:
    """Solve, open the page without network, leave out what would be too long, take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        written = results.write(Case.load(HERE.parent / "cases" / "quickstart.yaml").solve(), folder)
        with Browser(Path(folder) / "profile") as browser:
            page = browser.page()
            page.open(written / HTML, WIDTH)
            page.run(f"{SHORTER}({list(SHOWN)!r})")
            page.picture(target)


if __name__ == "__main__":
    picture(HERE / "report.png")
    print("wrote docs/report.png")
