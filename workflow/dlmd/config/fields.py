"""What all sections of the config are made of."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

# The ranges are those in which a value has a meaning: beyond them it is a slip of the pen or another unit.
Positive = Annotated[float, Field(gt=0, le=1e9)]
PositiveInt = Annotated[int, Field(gt=0, le=10**9)]
Temperature = Annotated[float, Field(ge=1, le=10_000)]
WholeTemperature = Annotated[int, Field(ge=1, le=10_000)]
TimeStep = Annotated[float, Field(ge=0.01, le=20)]
Picoseconds = Annotated[float, Field(gt=0, le=1e8)]
Length = Annotated[float, Field(gt=0, le=100)]
ForceBound = Annotated[float, Field(gt=0, le=100)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
Layer = Annotated[int, Field(gt=0, le=4096)]
Prefactor = Annotated[float, Field(ge=0, le=1e9)]
# eV and Bohr magnetons
HubbardU = Annotated[float, Field(ge=0, le=30)]
Moment = Annotated[float, Field(ge=-20, le=20)]
Strain = Annotated[float, Field(gt=-0.2, lt=0.2)]


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values are not coerced into other types' meaning."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_yes_for_a_number(cls, given: Any) -> Any:
        """YAML reads yes, no, on and off as true and false, which Python takes for 1 and 0."""
        for key, value in given.items() if isinstance(given, dict) else ():
            field = cls.model_fields.get(str(key))
            if field is not None and _holds_bool(value) and not _takes_bool(field.annotation):
                raise FieldError(
                    str(key), "yes, no, on, off, true and false are no numbers, and as names they need quotes"
                )
        return given


class FieldError(ValueError):
    """A wrong value of the field `key` of a section."""

    def __init__(self, key: str, what: str):
        super().__init__(what)
        self.key, self.what = key, what


def _holds_bool(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_bool(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_bool(item) for item in value)
    return isinstance(value, bool)


def _takes_bool(annotation: Any) -> bool:
    """Whether some part of the annotation is a bool, or a section, which checks its own fields."""
    if isinstance(annotation, type):
        return issubclass(annotation, bool | BaseModel)
    return annotation is Any or any(_takes_bool(part) for part in get_args(annotation))


class CellSelection(Section):
    """Some of the orderings of one occupancy and cell."""

    occupancy: str = Field(description="A name from structures.occupancies.")
    cell: str = Field(description="A name from structures.cells.")
    orderings: list[Annotated[int, Field(ge=0)]] = Field(
        [0], min_length=1, description="Numbers of the orderings, from 0."
    )
