"""Ions that jump on the octahedra of Li3TiCl6 with known rates and rattle, in a cell with a still host."""

from pathlib import Path

import numpy as np

from dlmd.base.periodic_tree import pairs
from dlmd.mechanism import analysis
from dlmd.mechanism.site_lattice import site_lattice
from dlmd.mechanism.site_network import build
from dlmd.structures.crystal import read_cif
from dlmd.trajectory.trajectory import Trajectory

CHARGES = {"Li": 1, "Ti": 3, "Cl": -1}
CIF = Path(__file__).parents[2] / "structures" / "Li3TiCl6.cif"
CRYSTAL = read_cif(CIF)
REPEAT = (2, 1, 2)
CELL = np.array(REPEAT)[:, None] * CRYSTAL.lattice
LATTICE = site_lattice(CRYSTAL, mobile="Li", charges=CHARGES)


def host():
    """The host of a 2 x 1 x 2 cell: all Cl, and Ti on the 2a sites."""
    cells = np.stack(np.meshgrid(*map(np.arange, REPEAT), indexing="ij"), -1).reshape(-1, 3)
    anions = (LATTICE.anions[:, None] + cells[None]).reshape(-1, 3)
    titanium = (CRYSTAL.site("2a").positions[:, None] + cells[None]).reshape(-1, 3)
    positions = np.concatenate([anions, titanium]) / np.array(REPEAT) @ CELL
    centre = positions.mean(axis=0)
    return analysis.Host(positions - centre, ["Cl"] * len(anions) + ["Ti"] * len(titanium), centre)


def network():
    still = host()
    return build(
        LATTICE,
        repeat=REPEAT,
        cell=CELL,
        host=still.positions,
        species=still.species,
        charges=CHARGES,
        host_centre=still.centre,
    )


def run(seed, *, within, between, n_ions=24, length_ps=150.0, dt_ps=0.1, rattle_a=0.25):
    """A trajectory, the hops made (within, between), and the hops expected from the sites that were visited.

    `within` and `between` are the rates (1/ps) of a jump to each neighbour in the same and in another layer.
    """
    rng = np.random.default_rng(seed)
    sites = network()
    resting = np.flatnonzero(sites.resting)
    i, j, vector = pairs(sites.positions[resting], sites.cell, 4.2)
    across = sites.layer[resting][i] != sites.layer[resting][j]
    rate = np.where(across, between, within)
    of_site = [np.flatnonzero(i == s) for s in range(len(resting))]
    frames = np.arange(round(length_ps / dt_ps) + 1) * dt_ps
    positions, made, expected = np.empty((len(frames), n_ions, 3)), np.zeros(2, int), np.zeros(2)
    for ion in range(n_ions):
        site, time = int(rng.integers(len(resting))), 0.0
        place, times, places = sites.positions[resting][site], [0.0], [sites.positions[resting][site]]
        while True:
            ways = of_site[site]
            total = rate[ways].sum()
            wait = rng.exponential(1 / total)
            spent = min(wait, length_ps - time)
            expected += [rate[ways][~across[ways]].sum() * spent, rate[ways][across[ways]].sum() * spent]
            time += wait
            if time >= length_ps:
                break
            way = rng.choice(ways, p=rate[ways] / total)
            site, place = int(j[way]), place + vector[way]
            made[int(across[way])] += 1
            times.append(time)
            places.append(place)
        positions[:, ion] = np.array(places)[np.searchsorted(times, frames, side="right") - 1]
    positions += rng.normal(0, rattle_a, positions.shape)
    return (
        Trajectory.from_arrays(positions, frame_interval_ps=dt_ps, cell=CELL, temperature_k=600.0),
        made,
        expected,
    )


def analysed(trajectory, **options):
    """The mechanism of such a run."""
    settings = analysis.Settings(**options.pop("settings", {}))
    return analysis.analyse(
        [trajectory],
        [host()],
        crystal=CRYSTAL,
        repeat=REPEAT,
        charges=CHARGES,
        temperature_k=600.0,
        settings=settings,
        **options,
    )
