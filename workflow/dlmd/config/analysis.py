"""The config's sections on what is done with trajectories and relaxed cells: transport, mechanism, barriers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from dlmd.config.fields import (
    CellSelection,
    ForceBound,
    Length,
    Picoseconds,
    PositiveInt,
    Section,
    Temperature,
)

# of a direction in the conventional cell; longer ones reach over more cells than any supercell has
Index = Annotated[int, Field(ge=-10, le=10)]


class Transport(Section):
    """MSD, diffusion coefficients, Haven ratio and conductivity."""

    lag_start_ps: Picoseconds | None = Field(
        None, description="Start of the fit window (ps); null: the onset of diffusion is found and reported."
    )
    lag_end_ps: Picoseconds | None = Field(
        None, description="End of the fit window (ps); null: three times its start."
    )
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.95, description="Confidence level of all intervals."
    )
    hop_length_angstrom: Length = Field(
        3.0, description="Distance of neighbouring sites (Å). An MSD below its square is not diffusion."
    )
    max_host_shift_angstrom: Length = Field(
        0.5,
        description="Largest distance (Å, median over the atoms of an element) between the resting places of the host's atoms "
        "at the start and at the end of a run. Above it the crystal has changed its structure. Raise it for hosts "
        "with rotating groups.",
    )


class Arrhenius(Section):
    """Fit of ln(sigma T) and ln(sigma) against 1/T."""

    predict_k: list[Temperature] = Field(
        [298.15],
        min_length=1,
        description="Temperatures (K) at which the fit is evaluated. Extrapolations are flagged.",
    )


class Mechanism(Section):
    """Sites, hops and pathways of the mobile ions."""

    core_fraction: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.3,
        description="Radius of a site's core, as a part of the distance to the nearest other site. An ion hops when it arrives "
        "in another core.",
    )


class BarrierHop(Section):
    """Hops of one kind: along a direction, between two sites, or both."""

    name: str = Field(description="Name of the kind of hop. It becomes a folder.")
    direction: tuple[Index, Index, Index] | None = Field(
        None,
        description="[u, v, w] in the conventional cell; directions equivalent by symmetry count too. The hop ends on the next "
        "site on that line. null: any.",
    )
    start: str | None = Field(
        None, description="Site the ion starts from: an atom-site or Wyckoff label of the CIF; null: any."
    )
    end: str | None = Field(
        None, description="Site the ion hops to; without a direction, the nearest of these. null: any."
    )
    ion: str | None = Field(
        None, description="Element that hops, where material.mobile has several; null: the only one."
    )

    def wanted(self) -> dict[str, Any]:
        """What its rule records: an ion that was not given is no setting."""
        return self.model_dump(mode="json", exclude={"ion"} if self.ion is None else None)


class Barriers(Section):
    """Migration barriers by nudged elastic bands, with the trained potential."""

    hops: list[BarrierHop] = Field(min_length=1, description="Kinds of hops.")
    cells: list[CellSelection] = Field(
        [],
        description="Relaxed cells in which hops are looked for; empty: those that production takes its lattice from.",
    )
    environments: Annotated[int, Field(ge=1, le=100)] = Field(
        3,
        description="Bands per kind of hop, each of another ion, sampled from all local environments alike.",
    )
    engine_environments: Annotated[int, Field(ge=0, le=100)] = Field(
        0,
        description="Number of these bands that the label engine finds too. Bands of VASP are staged, and collected once their "
        "results are there.",
    )
    image_spacing_angstrom: Annotated[float, Field(ge=0.05, le=10)] = Field(
        0.8, description="Distance of neighbouring images along the ion's way (Å). It sets their number."
    )
    fmax_ev_per_angstrom: ForceBound = Field(
        0.05,
        description="Largest force on the band at the end (eV/Å). The endpoints are relaxed to a fifth of it.",
    )
    max_steps: PositiveInt = Field(
        300,
        description="Most steps for each endpoint and for the band. A band that needs more is shown and not counted.",
    )

    @property
    def bands(self) -> list[tuple[str, int]]:
        """(hop, number) of every band."""
        return [(hop.name, n) for hop in self.hops for n in range(self.environments)]

    @property
    def engine_bands(self) -> list[tuple[str, int]]:
        """Those of them that the label engine finds too."""
        return [(hop, n) for hop, n in self.bands if n < self.engine_environments]
