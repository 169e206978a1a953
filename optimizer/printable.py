"""Names of cases on a terminal."""

from __future__ import annotations
