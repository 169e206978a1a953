"""What tests of the rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared.mill import CASE


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """mill.yaml in the working directory, which is a new one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mill.yaml"
    path.write_text(CASE)
    return path
