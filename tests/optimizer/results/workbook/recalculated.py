"""A workbook recalculated by LibreOffice, and its figures read back without asking the formulas."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
#: OOXMLRecalcMode 0: formulas are always worked out anew when a file is opened, whatever values stand in it
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


def by_libreoffice(files: list[Path], folder: Path) -> list[Path]:
    """The same workbooks with every formula worked out anew; `folder` is empty, the profile of LibreOffice goes there too."""
    assert SOFFICE is not None
    user = folder / "profile" / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(SETTINGS, encoding="utf-8")
    out = folder / "out"
    command = [
        SOFFICE,
        f"-env:UserInstallation=file://{folder / 'profile'}",
        "--headless",
        "--convert-to",
        "xlsx",
        "--outdir",
        str(out),
    ]
    ran = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return [out / file.name for file in files]


def figures(file: Path) -> dict[str, dict[str, Any]]:
    """Sheet -> cell -> what stands in it (of a formula: the value that was stored with it)."""
    import openpyxl

    book = openpyxl.load_workbook(file, data_only=True)
    return {
        page.title: {cell.coordinate: cell.value for row in page.iter_rows() for cell in row if cell.value is not None}
        for page in book
    }


def poisoned(source: Path, target: Path, inputs: dict[tuple[str, str], float] | None = None) -> int:
    """A copy in which every stored value of a formula is -777 and inputs (sheet, cell) are changed; how many formulas there are.

    The file's own text is changed: no library that might work something out writes it.
    """
    import re
    import zipfile

    import openpyxl

    order = openpyxl.load_workbook(source, read_only=True).sheetnames
    formulas = 0
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if (found := re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", name)) is not None:
                data, count = re.subn(rb"</f><v>[^<]*</v>", b"</f><v>-777</v>", data)
                data = re.sub(rb' t="str"(>|\s[^>]*>)(<f>)', rb"\1\2", data)
                formulas += count
                for (sheet, cell), value in (inputs or {}).items():
                    if order[int(found[1]) - 1] == sheet:
                        pattern = rf'(<c r="{cell}"[^>]*>)<v>[^<]*</v>'.encode()
                        data, hits = re.subn(pattern, rb"\1<v>" + repr(value).encode() + b"</v>", data)
                        assert hits == 1, (sheet, cell)
            new.writestr(name, data)
    return formulas
