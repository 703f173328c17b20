"""The config's sections on what is done with trajectories and relaxed cells: transport, mechanism, barriers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dlmd.config.fields import CellSelection, Model, Positive, PositiveInt


class Transport(Model):
    """MSD, diffusion coefficients, Haven ratio and conductivity."""

    lag_start_ps: Positive | None = Field(
        None, description="start of the fit window; null: the diffusive onset is found and reported"
    )
    lag_end_ps: Positive | None = Field(
        None, description="end of the fit window; null: three times its start"
    )
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(0.95, description="level of the intervals")
    hop_length_angstrom: Positive = Field(
        3.0, description="distance of neighbouring sites; an MSD below its square is not diffusion"
    )
    max_host_shift_angstrom: Positive = Field(
        0.5,
        description="how far (median of a species) the resting places of the host's atoms may be apart at the start and the end "
        "of a run: above, the crystal has changed its structure; raise it for hosts with turning groups",
    )


class Arrhenius(Model):
    """Fit of ln(sigma T) and ln(sigma) against 1/T."""

    predict_k: list[Positive] = Field(
        [298.15], description="temperatures at which the fit is evaluated; extrapolation is flagged"
    )


class Mechanism(Model):
    """Sites, hops and pathways of the mobile ions."""

    core_fraction: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.3,
        description="radius of a site's core over the distance to the nearest other site; arriving in another core is a hop",
    )


class BarrierHop(Model):
    """Hops of one kind: along a direction, between two sites, or both."""

    name: str = Field(description="becomes a folder")
    direction: tuple[int, int, int] | None = Field(
        None,
        description="[u, v, w] of the conventional cell, with those equivalent by symmetry; the hop ends on the next site "
        "on that line",
    )
    start: str | None = Field(
        None, description="site the ion starts from: atom-site or Wyckoff label of the CIF"
    )
    end: str | None = Field(None, description="site it hops to; without a direction, the nearest of these")


class Barriers(Model):
    """Migration barriers by nudged elastic bands, with the trained potential."""

    hops: list[BarrierHop] = Field(min_length=1, description="kinds of hops")
    cells: list[CellSelection] = Field(
        [], description="relaxed cells with the hops; empty: those that production takes its lattice from"
    )
    environments: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="bands per hop, each of another ion: a stratified sample of the local environments"
    )
    engine_environments: Annotated[int, Field(ge=0, le=100)] = Field(
        0,
        description="for so many of them the label engine finds the band too; VASP bands are staged, and collected once "
        "their results are there",
    )
    image_spacing_angstrom: Positive = Field(
        0.8, description="distance of the images along the ion's way, which sets their number"
    )
    fmax_ev_per_angstrom: Positive = Field(
        0.05, description="largest force on the band at the end; a fifth of it on the endpoints"
    )
    max_steps: PositiveInt = Field(
        300,
        description="most steps for each endpoint and for the band; what needs more is shown, and not counted",
    )

    @property
    def bands(self) -> list[tuple[str, int]]:
        """(hop, number) of every band."""
        return [(hop.name, n) for hop in self.hops for n in range(self.environments)]

    @property
    def engine_bands(self) -> list[tuple[str, int]]:
        """Those of them that the label engine finds too."""
        return [(hop, n) for hop, n in self.bands if n < self.engine_environments]
