"""What requirements are read from: the arrays of a problem, and where there is one the case in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.problem import Problem
from optimizer.case.quotes import CaseWords, Part, dotted
from optimizer.explain.no_plan.figures import Figure
from optimizer.explain.no_plan.requirements.big_m import big_m
from optimizer.explain.no_plan.row_owners import Requirement

if TYPE_CHECKING:
    from optimizer.case.case import Case


@dataclass(frozen=True)
class CaseView:
    """A problem and the case that it was built from (None: plain arrays). big_m: by unit, more than the case can have a use for."""

    problem: Problem
    case: Case | None
    words: CaseWords
    big_m: Mapping[str, float]

    @classmethod
    def of(cls, problem: Problem, case: Case | None) -> CaseView:
        return cls(problem, case, CaseWords(None if case is None else case.tree), big_m(problem))

    @property
    def model(self) -> Any:
        """The case as it was read; None without one."""
        return None if self.case is None else self.case.model

    def requirement(self, parts: Sequence[Part], kind: str, label: str, **more: Any) -> Requirement:
        """A requirement with its place; more: fields of `Requirement`."""
        place = self.words.place(*parts)
        return Requirement(dotted(*parts), kind, label, "" if place is None else str(place), **more)

    def text(self, parts: Sequence[Part], default: str) -> str:
        """`path of 400 MUSD`, in the words of the case; what holds where it says nothing."""
        text = self.words.text(*parts)
        path = dotted(*parts)
        if text is None:
            return f"{path}, which is not given: {default}" if self.case is not None else f"{path} of {default}"
        return f"{path} of {text}"

    def beyond(self, unit: str, value: float) -> float:
        """A figure that never binds where this value does."""
        return max(self.big_m[unit], 10.0 * value)


def shown(unit: str, value: float) -> str:
    """A figure in the usual unit."""
    return Figure.like(unit, None).shown(value)
