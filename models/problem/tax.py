"""Income tax and its limit on interest."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem.arrays import Array


@dataclass(frozen=True)
class InterestLimit:
    """Interest deduction limited to share x adjusted taxable income (taxable income before interest, depreciation and NOL when
    `ebitda`, else after depreciation) in tax years from `first_year` (index) on; the rest is carried forward."""

    share: float
    ebitda: bool = True
    first_year: int = 0


@dataclass(frozen=True)
class Tax:
    """rate share of taxable income; nol USD carried in; nol_cap share of a year's positive income that losses may offset;
    existing_depreciation (T,) USD per year of assets owned at date 0."""

    rate: float
    nol: float
    nol_cap: float
    existing_depreciation: Array
    interest_limit: InterestLimit | None = None
