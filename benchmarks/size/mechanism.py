"""Time and memory of the mechanism of one temperature against the number of ions and frames, on invented hops between the
crystal's own sites.

    python benchmarks/size/mechanism.py --repeat 10 10 10 --frames 500

prints one line: ions, frames, CPU seconds, peak MB, seconds per ion and frame.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from dlmd.base.periodic_tree import pairs
from dlmd.mechanism import analysis
from dlmd.mechanism.numbers import collect
from dlmd.mechanism.site_lattice import site_lattice
from dlmd.mechanism.site_network import build
from dlmd.structures.crystal import read_cif
from dlmd.trajectory.trajectory import Trajectory

CHARGES = {"Li": 1, "Ti": 3, "Cl": -1}
CIF = Path(__file__).parents[2] / "structures/Li3TiCl6.cif"
# rate (1/ps) of a hop of one ion, and the time between two frames of production
RATE, FRAME_PS, RATTLE_A, REACH_A = 0.05, 0.1, 0.25, 4.2


def host(crystal, lattice, repeat, cell):
    """Where the host is: all anions, and Ti on the 2a sites."""
    cells = np.stack(np.meshgrid(*map(np.arange, repeat), indexing="ij"), -1).reshape(-1, 3)
    anions = (lattice.anions[:, None] + cells[None]).reshape(-1, 3)
    titanium = (crystal.site("2a").positions[:, None] + cells[None]).reshape(-1, 3)
    positions = np.concatenate([anions, titanium]) / np.array(repeat) @ cell
    centre = positions.mean(axis=0)
    species = ["Cl"] * len(anions) + ["Ti"] * len(titanium)
    return analysis.Host(positions - centre, species, centre)


def hops(sites, ions, frames, rng):
    """(frames, ions, 3) positions of ions that hop from site to site, each on its own."""
    resting = np.flatnonzero(sites.resting)
    i, j, vector = pairs(sites.positions[resting], sites.cell, REACH_A)
    order = np.argsort(i, kind="stable")
    i, j, vector = i[order], j[order], vector[order]
    first, count = np.searchsorted(i, np.arange(len(resting))), np.bincount(i, minlength=len(resting))
    site = rng.permutation(len(resting))[:ions]
    place = sites.positions[resting][site].copy()
    out = np.empty((frames, ions, 3))
    for frame in range(frames):
        moved = np.flatnonzero((rng.random(ions) < RATE * FRAME_PS) & (count[site] > 0))
        way = first[site[moved]] + (rng.random(len(moved)) * count[site[moved]]).astype(int)
        place[moved] += vector[way]
        site[moved] = j[way]
        out[frame] = place
    return out + rng.normal(0, RATTLE_A, out.shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, nargs=3, default=(10, 10, 10))
    parser.add_argument("--frames", type=int, default=500)
    given = parser.parse_args()
    crystal = read_cif(CIF)
    cell = np.array(given.repeat)[:, None] * crystal.lattice
    lattice = site_lattice(crystal, mobile="Li", charges=CHARGES)
    still = host(crystal, lattice, given.repeat, cell)
    sites = build(
        lattice,
        repeat=tuple(given.repeat),
        cell=cell,
        host=still.positions,
        species=still.species,
        charges=CHARGES,
        host_centre=still.centre,
    )
    ions = 6 * int(np.prod(given.repeat))
    positions = hops(sites, ions, given.frames, np.random.default_rng(0))
    run = Trajectory.from_arrays(positions, frame_interval_ps=FRAME_PS, cell=cell, temperature_k=600.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    found = analysis.analyse(
        [run],
        [still],
        crystal=crystal,
        repeat=tuple(given.repeat),
        charges=CHARGES,
        temperature_k=600.0,
        settings=analysis.Settings(),
    )
    events = collect(found)["hops"]["events"]
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{ions} ions, {given.frames} frames, {events} hops: {seconds:.1f} CPU s, {peak:.0f} MB ({before:.0f} before, with the "
        f"trajectory of {positions.nbytes / 1e6:.0f} MB), {seconds / ions / given.frames:.2e} s per ion and frame"
    )


if __name__ == "__main__":
    main()
