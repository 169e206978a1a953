"""What the cuts need of a solver of linear programs: stated here, so that the mathematics knows no solver."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from models.problem import Array, Ints


class Program(Protocol):
    """A linear program as arrays, a dataclass: min cost'x within bounds of rows and columns; `cost` carries `cost_scale`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def cost(self) -> Array: ...
    @property
    def matrix(self) -> Any: ...
    @property
    def row_lower(self) -> Array: ...
    @property
    def row_upper(self) -> Array: ...
    @property
    def col_lower(self) -> Array: ...
    @property
    def col_upper(self) -> Array: ...
    @property
    def cost_scale(self) -> float: ...


class Answer(Protocol):
    """How a solve ended: plan x (n,), duals y (m,) and objective mean something where it is `optimal`."""

    @property
    def optimal(self) -> bool: ...
    @property
    def x(self) -> Array: ...
    @property
    def y(self) -> Array: ...
    @property
    def objective(self) -> float: ...


class RowSession(Protocol):
    """A program that is solved again with rows added."""

    @property
    def lp(self) -> Any:
        """The `Program` that is held now, with all that was added and changed."""

    def solve(self) -> Any:
        """The `Answer`, from the basis at hand."""

    def add_rows(self, lower: Array, upper: Array, rows: Any) -> None:
        """Append  lower <= rows @ x <= upper  (csr, k by n)."""


class SolverSession(RowSession, Protocol):
    """A warm solver, whose bounds change too."""

    def solve(self, primal: bool = False) -> Any:
        """primal: since the last optimum nothing but costs has changed."""

    def set_column_bounds(self, index: Ints, lower: Array, upper: Array) -> None: ...
    def set_row_bounds(self, index: Ints, lower: Array, upper: Array) -> None: ...

    def map_basis(self, other: Any, columns: Ints) -> None:
        """Begin where another session with the same rows ended: the number there of each column here, -1 for a new one."""
