"""Keys that the DFT engines share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Orbital = Literal["p", "d", "f"]
Mesh = tuple[PositiveInt, PositiveInt, PositiveInt]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpinsAndU:
    """What follows from the keys hubbard_u_ev, hubbard_orbital and magmom, which every DFT level has."""

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
        return self.hubbard_orbital.get(element, "d")


class DftSettings(Strict, SpinsAndU):
    """Keys that every DFT engine here has."""

    functional: Literal["PBE"] = Field("PBE", description="Exchange and correlation.")
    hubbard_u_ev: dict[str, Annotated[float, Field(ge=0)]] = Field(
        {}, description="Effective U-J (Dudarev) per element, for instance {Ti: 4.0}."
    )
    hubbard_orbital: dict[str, Orbital] = Field(
        {}, description="Orbital the U acts on, per element; d where not given."
    )
    magmom: dict[str, float] = Field(
        {},
        description="Initial moment in Bohr magnetons per element, others 0; without any, spins are paired.",
    )
    moment_range: dict[str, tuple[float, float]] = Field(
        {},
        description="Range of |moment| per element outside which a frame is flagged, for instance {Ti: "
        "[0.5, 1.5]} for Ti3+.",
    )
    smearing_ev: PositiveFloat = Field(0.05, description="Width of the Fermi-Dirac smearing.")

    @model_validator(mode="after")
    def _spins(self):
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
        }
