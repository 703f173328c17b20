"""Why the ions move: sites, their occupancies and residence times, hops by layer, way and direction, concertedness, disorder.

`analyse` follows the ions of one temperature; `dlmd.mechanism.numbers` makes numbers of it, or verdicts where hops are too few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.mechanism import (
    density as ion_density,
)
from dlmd.mechanism import (
    hop_diffusion,
    hop_rates,
    hops,
    site_lattice,
    site_network,
    site_visits,
    strings,
    traces,
)
from dlmd.mechanism.hops import Hops, Stays
from dlmd.mechanism.site_network import SiteNetwork
from dlmd.mechanism.site_visits import Visits
from dlmd.structures.crystal import Crystal
from dlmd.trajectory.trajectory import Trajectory

VERSION = 1
# A few periods of an ion's vibration in its site: a hop that follows later is another event.
CONCERTED_WINDOW_PS = 0.5
# A count of fewer independent events has a relative error above one third.
FEWEST_HOPS = 10
MODULES = (
    site_lattice,
    site_network,
    site_visits,
    hops,
    hop_rates,
    hop_diffusion,
    strings,
    ion_density,
    traces,
)


@dataclass(frozen=True)
class Host:
    """The host's atoms of one run.

    Attributes
    ----------
    positions
        (h, 3) mean positions relative to their centre of mass, Å.
    species
        (h,) what they are.
    centre
        (3,) their centre of mass at the start of the run, in the frame of the cell, Å.
    """

    positions: np.ndarray
    species: list[str]
    centre: np.ndarray


@dataclass(frozen=True)
class Settings:
    """How hops are counted.

    core_fraction
        Radius of a site's core over the distance to the nearest other site.
    concerted_window_ps
        Two hops are concerted where one ion follows another into its site within this time.
    fewest_hops
        A rate, share or barrier that rests on fewer hops is not given.
    """

    core_fraction: float = 0.3
    concerted_window_ps: float = CONCERTED_WINDOW_PS
    fewest_hops: int = FEWEST_HOPS
    confidence: float = 0.95
    seed: int = 1


@dataclass
class Mechanism:
    """What the ions of all runs of one temperature did: the material of numbers, tables and figures."""

    temperature_k: float
    settings: Settings
    crystal: Crystal
    hosts: list[Host]
    networks: list[SiteNetwork]
    visits: list[Visits]
    tables: list[Hops]
    samples: list[ion_density.Samples]
    traces: list[traces.Trace]
    mobile: str
    window_ps: tuple[float, float] | None
    d_self: Mapping | None

    @cached_property
    def classes(self) -> tuple[list[str], list[np.ndarray]]:
        """Names of the classes of hops over all runs, and the class of every hop of each run."""
        found = [hops.classes(n, t) for n, t in zip(self.networks, self.tables, strict=True)]
        names = sorted({name for names, _ in found for name in names}, key=hops.class_order)
        return names, [np.array([names.index(own[k]) for k in group], dtype=int) for own, group in found]

    @cached_property
    def directions(self) -> list[list[str]]:
        """Family of directions of every hop of each run."""
        return [
            hops.directions(n, t, self.crystal.rotations)
            for n, t in zip(self.networks, self.tables, strict=True)
        ]

    @cached_property
    def profiles(self) -> list[ion_density.Profile]:
        return ion_density.profiles(self.networks, self.samples)

    @cached_property
    def density(self) -> np.ndarray:
        """(nx, ny, nz) ions per Å³ in the unit cell (see `dlmd.mechanism.density.folded`)."""
        return ion_density.folded(
            self.networks,
            self.samples,
            rotations=self.crystal.rotations,
            translations=self.crystal.translations,
        )

    @cached_property
    def edges(self) -> list[np.ndarray]:
        return [hop_rates.batch_edges(v.length_ps, len(self.visits)) for v in self.visits]

    @cached_property
    def resting_stays(self) -> list[Stays]:
        return [hops.stays(v, n.resting[v.site]) for n, v in zip(self.networks, self.visits, strict=True)]

    @cached_property
    def all_stays(self) -> list[Stays]:
        return [hops.stays(v) for v in self.visits]

    @property
    def n_hops(self) -> int:
        return sum(len(t) for t in self.tables)

    @property
    def ion_time_ps(self) -> float:
        return sum(v.n_ions * v.length_ps for v in self.visits)


def analyse(
    trajectories: Sequence[Trajectory],
    hosts: Sequence[Host],
    *,
    crystal: Crystal,
    repeat: Sequence[int],
    charges: Mapping[str, float],
    temperature_k: float,
    settings: Settings,
    window_ps: tuple[float, float] | None = None,
    d_self: Mapping | None = None,
) -> Mechanism:
    """The mechanism of one temperature from all its runs.

    Parameters
    ----------
    hosts
        The host of every run.
    repeat
        Unit cells of the CIF along a, b, c in the production cell.
    charges
        Formal charges in e of all species.
    window_ps
        Fit window of the MSD; None where there was no diffusion to fit.
    d_self
        value, low, high in cm²/s of the MSD's D_self, to be shown beside the hops'.

    Raises
    ------
    HostLeft
        where a host is no longer on its sites.
    """
    if not trajectories or len(trajectories) != len(hosts):
        raise DlmdError(
            f"{len(trajectories)} trajectories and {len(hosts)} hosts", remedy="give one host for each"
        )
    mobile = trajectories[0].mobile
    lattice = site_lattice.site_lattice(crystal, mobile=mobile, charges=charges)
    networks, visited = [], []
    for trajectory, host in zip(trajectories, hosts, strict=True):
        network = site_network.build(
            lattice,
            repeat=repeat,
            cell=trajectory.cell,
            host=host.positions,
            species=host.species,
            charges=charges,
            host_centre=host.centre,
        )
        network = site_visits.refine(network, trajectory)
        networks.append(network)
        visited.append(site_visits.visits(network, trajectory, core_fraction=settings.core_fraction))
    tables = [hops.hops(n, v) for n, v in zip(networks, visited, strict=True)]
    samples = [ion_density.sample(t, n_runs=len(trajectories)) for t in trajectories]
    picked = traces.pick(networks, tables)
    return Mechanism(
        temperature_k=temperature_k,
        settings=settings,
        crystal=crystal,
        hosts=list(hosts),
        networks=networks,
        visits=visited,
        tables=tables,
        samples=samples,
        traces=traces.follow(picked, trajectories, tables),
        mobile=mobile,
        window_ps=window_ps,
        d_self=d_self,
    )
