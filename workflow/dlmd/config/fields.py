"""What all sections of the config are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
PositiveInt = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values are not coerced into other types' meaning."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, frozen=True)


class CellSelection(Section):
    """Some of the orderings of one occupancy and cell."""

    occupancy: str = Field(description="A name from structures.occupancies.")
    cell: str = Field(description="A name from structures.cells.")
    orderings: list[Annotated[int, Field(ge=0)]] = Field([0], description="Numbers of the orderings, from 0.")
