"""What statements need to know of a solved plan, whoever solved it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from models.decisions import Decisions
from models.problem import Problem
from models.proforma.books import Books


class Named(Protocol):
    """How a run ended."""

    @property
    def name(self) -> str:
        """In capital letters."""


class Proof(Protocol):
    """The proof of a plan."""

    @property
    def objective(self) -> float:
        """Objective of the linear program, in its unit of money."""


class SolvedPlan(Protocol):
    """A plan with its books; None where there is no plan, or no proof of it. covenants: rows of the case's rules with their headroom."""

    @property
    def problem(self) -> Problem: ...
    @property
    def outcome(self) -> Named: ...
    @property
    def decisions(self) -> Decisions | None: ...
    @property
    def books(self) -> Books | None: ...
    @property
    def certificate(self) -> Proof | None: ...
    @property
    def covenants(self) -> Sequence[Any]: ...
