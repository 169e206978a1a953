"""`data`: files of the world that more than one part of a case is drawn from."""

from pydantic import Field

from optimizer.case.schema.field_types import Prose, Section


class Data(Section):
    """Files in or below the folder of the case."""

    network: Prose | None = Field(
        default=None,
        description="csv of days of bitcoin: date, difficulty, price_usd, perhaps fees_btc of a day; what `scenarios.generate` learns from;"
        " default: the calibration that comes with the program",
    )
