"""The parts of the master problem that words of rules are made of: what covenants and sweeps may look at."""

from __future__ import annotations

from dataclasses import dataclass

from models.program.ai_services import Services
from models.program.expressions import Build, Decision
from models.program.extensive_hours import Power
from models.program.financing import Instruments
from models.program.fleet import Fleet
from models.program.recourse_value import RecourseValues
from models.program.sites import Sites
from models.program.tax import Taxes
from models.program.treasury import Treasury


@dataclass(frozen=True)
class Parts:
    """Everything that is built before the first rule. power: hours written out, or recourse: their value by cuts; the other is None.

    units: project -> units decided at each date.
    """

    build: Build
    fleet: Fleet
    sites: Sites
    services: Services
    power: Power | None
    recourse: RecourseValues | None
    units: dict[str, Decision]
    instruments: Instruments
    treasury: Treasury
    taxes: Taxes
