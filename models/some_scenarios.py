"""A problem with some of its scenarios only."""

from __future__ import annotations
