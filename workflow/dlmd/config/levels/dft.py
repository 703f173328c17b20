"""Keys that the DFT engines share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from dlmd.config.fields import HubbardU, Moment
from dlmd.config.levels.passed_on import Handed, leaves, merged

Orbital = Literal["p", "d", "f"]
Mesh = tuple[PositiveInt, PositiveInt, PositiveInt]


# Keys that once had a shorter spelling -> the spelling of today. Configs are refused with the old one (`dlmd.config.removed`).
# What is handed to rules and kept in results still has it: Snakemake would run everything again for another.
RENAMED = {
    "fmax_ev_per_a": "fmax_ev_per_angstrom",
    "kpoint_density_a": "kpoint_density_angstrom",
    "spacing_per_a": "spacing_per_angstrom",
}


class Strict(BaseModel):
    """Unknown keys are errors; `model_dump` writes the old spelling of the keys in `RENAMED`, which is read as well."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True, allow_inf_nan=False)


def renamed(default: Any, *, before: str, description: str) -> Any:
    """A field whose name was `before` (a key of `RENAMED`)."""
    return Field(
        default,
        description=description,
        validation_alias=AliasChoices(RENAMED[before], before),
        serialization_alias=before,
    )


class SpinsAndU:
    """What follows from the keys hubbard_u_ev, hubbard_orbital and magmom, which every DFT level has."""

    if TYPE_CHECKING:
        # fields of the levels; annotations here would put them first among the keys
        @property
        def hubbard_u_ev(self) -> dict[str, float]: ...
        @property
        def hubbard_orbital(self) -> dict[str, Any]: ...
        @property
        def magmom(self) -> dict[str, float]: ...

    @property
    def plus_u(self) -> dict[str, float]:
        """Elements with a U above zero."""
        return {element: u for element, u in sorted(self.hubbard_u_ev.items()) if u > 0}

    @property
    def spin_polarised(self) -> bool:
        """Whether any initial moment is set."""
        return any(self.magmom.values())

    def orbital(self, element: str) -> str:
        """Orbital of the U of `element`."""
        return str(self.hubbard_orbital.get(element, "d"))


class DftSettings(Strict, SpinsAndU):
    """Keys that every DFT engine here has."""

    # what is known about the keywords that a level hands on to its program
    HANDED: ClassVar[Handed]
    # keys that rules record and that are no settings: results made without them are to be made again
    RECORDED_ONLY: ClassVar[tuple[str, ...]] = ()
    # further keys that the engine's level of theory names
    TOLD: ClassVar[tuple[str, ...]]

    functional: Literal["PBE"] = Field("PBE", description="Functional of exchange and correlation.")
    hubbard_u_ev: dict[str, HubbardU] = Field(
        {}, description="Effective U - J (eV, Dudarev) per element, for instance {Ti: 4.0}."
    )
    hubbard_orbital: dict[str, Orbital] = Field(
        {}, description="Orbital that the U acts on, per element; d where not given."
    )
    magmom: dict[str, Moment] = Field(
        {},
        description="Initial moment per element, in Bohr magnetons; others 0. Without any, spins are paired.",
    )
    moment_range: dict[str, tuple[Moment, Moment]] = Field(
        {},
        description="Range of |moment| per element, in Bohr magnetons, outside which a frame is flagged, for instance {Ti: "
        "[0.5, 1.5]} for Ti3+.",
    )
    smearing_ev: PositiveFloat = Field(0.05, description="Width of the Fermi-Dirac smearing (eV).")

    @model_validator(mode="after")
    def _spins(self) -> Self:
        if self.moment_range and not self.spin_polarised:
            raise ValueError(
                "moment_range is given but no magmom, and paired spins have no moments; set magmom"
            )
        return self

    def theory(self) -> dict[str, Any]:
        """The part of the level of theory that these keys decide."""
        return {
            "functional": self.functional,
            "hubbard_u_ev": self.plus_u,
            "hubbard_orbital": {element: self.orbital(element) for element in self.plus_u},
            "spin_polarised": self.spin_polarised,
            **self.HANDED.theory(self.given_keywords),
        }

    @property
    def recorded_only(self) -> dict[str, Any]:
        """Values of the keys in `RECORDED_ONLY`."""
        return {}

    @property
    def apart(self) -> dict[str, Any]:
        """What decides numbers as well and has no place in the level of theory: k-points, smearing, convergence, first moments;
        where it is not the default."""
        told = {"functional", "hubbard_u_ev", "hubbard_orbital", *self.TOLD}
        others = set(type(self).model_fields) - told - {"moment_range", self.HANDED.key}
        found = {
            name: getattr(self, name)
            for name in sorted(others)
            if getattr(self, name) != type(self).model_fields[name].default
        }
        kept = [
            (path, value)
            for path, value in leaves(self.given_keywords)
            if not any(path[: len(q)] == q for q in self.HANDED.search)
        ]
        return found | ({self.HANDED.key: sorted(kept)} if kept else {})

    @property
    def given_keywords(self) -> dict[str, Any]:
        """Keywords of the program that the level sets itself."""
        return getattr(self, self.HANDED.key)

    @property
    def program_keywords(self) -> dict[str, Any]:
        """Keywords of the program that have no key of their own: the engine's, and over them the level's."""
        return self.HANDED.whole(self.given_keywords)

    def with_electrons(self, given: Mapping[str, Any]) -> Self:
        """This level with further keywords that say how the electrons get to their ground state.

        Raises
        ------
        ValueError
            for an unknown keyword, and for one that decides which state that is or how exactly it is met.
        """
        if not given:
            return self
        key = self.HANDED.key
        own = type(self).model_validate(self.model_dump() | {key: dict(given)}).given_keywords
        for path, _ in leaves(own):
            if not any(path[: len(allowed)] == allowed for allowed in self.HANDED.search):
                raise ValueError(f"{'.'.join(path)} may change results; set it in {key} of the level instead")
        return self.model_copy(update={key: merged(self.given_keywords, own)})


def told(error: ValueError) -> str:
    """One line of what is wrong, also where it was found by pydantic."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    if not place:
        return message
    return (
        f"{place}: {message}"
        if first["type"] == "value_error"
        else f"{place} is {first['input']!r}: {message}"
    )
