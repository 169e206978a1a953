"""What is used of Pyomo, without what nobody here uses: `pyomo.environ` brings every solver and transformation there is, and Pyomo
imports the statistics of scipy on sight. Three quarters of a second of every process.

Import Pyomo from here and from nowhere else: whoever comes first decides. The models that are built are Pyomo's own: who wants to
solve or transform one with Pyomo imports `pyomo.environ` beside it.
"""

from __future__ import annotations

import sys
from types import ModuleType

__all__ = [
    "Constraint",
    "InfeasibleConstraintException",
    "InvalidConstraintError",
    "InvalidExpressionError",
    "InvalidValueError",
    "LinearExpression",
    "LinearStandardFormCompiler",
    "Objective",
    "Var",
    "generate_standard_repn",
    "maximize",
    "pyo",
]

#: imported by pyomo.common.dependencies as soon as scipy is there; importable afterwards as ever, and imported when asked for
UNUSED_SCIPY = ("scipy.stats", "scipy.spatial", "scipy.integrate")

_stand_ins = {name: ModuleType(name) for name in UNUSED_SCIPY if name not in sys.modules}
sys.modules.update(_stand_ins)
try:
    import pyomo.core as pyo
    from pyomo.common.dependencies import scipy_available
    from pyomo.common.errors import (
        InfeasibleConstraintException,
        InvalidConstraintError,
        InvalidExpressionError,
        InvalidValueError,
    )
    from pyomo.core import Constraint, Objective, Var, maximize
    from pyomo.core.expr.numeric_expr import LinearExpression
    from pyomo.repn import generate_standard_repn
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    bool(scipy_available)  # Pyomo looks for scipy when first asked: here, not later
finally:
    for _name, _module in _stand_ins.items():
        if sys.modules.get(_name) is _module:
            del sys.modules[_name]
