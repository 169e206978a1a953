"""Pyomo without what it imports on sight of scipy and nobody here uses: half a second of every run."""

from __future__ import annotations

import sys
from types import ModuleType

#: imported by pyomo.common.dependencies as soon as scipy is there
IDLE = ("scipy.stats", "scipy.spatial", "scipy.integrate")


def import_pyomo() -> None:
    """Import Pyomo and its standard form; scipy's idle parts stay importable afterwards, and are imported when asked for."""
    if "pyomo.repn.plugins.standard_form" in sys.modules:
        return
    stand_ins = {name: ModuleType(name) for name in IDLE if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        import pyomo.environ
        import pyomo.repn.plugins.standard_form  # noqa: F401
        from pyomo.common.dependencies import scipy_available

        bool(scipy_available)  # Pyomo looks for scipy when first asked: here, not later
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
