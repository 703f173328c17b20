"""Time step and neighbour list of production, judged by the energy and the CPU time with a run's own potential.

    python benchmarks/md/run.py results/demo/md/u4/750K/r0 results/demo/training/u4/0/compressed.pb --species Li Ti Cl

begins at the last restart file of the given production run and prints two tables. Times are CPU seconds of the loop, so that
other work on the machine matters little.
"""

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
from continued import begin, lammps

TIME_STEPS_FS = (1, 2, 3, 4, 5)
NEIGHBOURS = ((1.0, 5), (0.5, 5), (2.0, 5), (1.0, 1), (1.0, 10), (2.0, 10))
NEIGHBOUR_STEPS = 300
PER_ROW_FS = 20


def loops(log):
    """Per run: rows (n, 4), CPU seconds, neighbour list builds, dangerous builds."""
    found = []
    for part in re.findall(r"Step +Temp.*?\n(.*?)Dangerous builds = (\d+)", log, flags=re.DOTALL):
        body, dangerous = part
        rows = np.array([line.split() for line in body.split("Loop time")[0].splitlines()], float)
        wall = float(re.search(r"Loop time of (\S+)", body)[1])
        percent = float(re.search(r"([\d.]+)% CPU use", body)[1])
        builds = int(re.search(r"Neighbor list builds = (\d+)", body)[1])
        found.append((rows, wall * percent / 100, builds, int(dangerous)))
    return found


def time_steps(given, folder):
    """Drift and fluctuation of the energy at constant energy, against the time step."""
    lines = []
    for dt in TIME_STEPS_FS:
        steps = round(given.energy_ps * 1000 / dt)
        lines += begin(given.restart, given.model, given.species)
        lines += [
            f"timestep {dt / 1000}",
            "fix integrate all nve",
            f"thermo {max(1, PER_ROW_FS // dt)}",
            f"run {steps}",
        ]
    log = lammps(lines, folder)
    atoms = int(re.search(r"(\d+) atoms", log)[1])
    print(
        "| time step, fs | drift, meV per atom and ps | scatter about it, meV per atom | mean temperature, K | CPU s per ps |"
    )
    print("|---|---|---|---|---|")
    for dt, (rows, cpu, *_) in zip(TIME_STEPS_FS, loops(log), strict=True):
        time = (rows[:, 0] - rows[0, 0]) * dt / 1000
        energy = 1000 * rows[:, 2] / atoms
        slope, start = np.polyfit(time, energy, 1)
        rest = np.std(energy - slope * time - start)
        print(f"| {dt} | {slope:+.4f} | {rest:.4f} | {rows[:, 1].mean():.0f} | {cpu / time[-1]:.2f} |")


def neighbours(given, folder):
    """CPU time and list builds against the skin and how often it is looked at."""
    lines = []
    for skin, every in NEIGHBOURS:
        lines += begin(given.restart, given.model, given.species, skin=skin, every=every)
        lines += ["timestep 0.002", "fix integrate all nve", "thermo 100", f"run {NEIGHBOUR_STEPS}"]
    print("\n| skin, Å | looked at every | builds | dangerous builds | CPU ms per step | last energy, eV |")
    print("|---|---|---|---|---|---|")
    for (skin, every), (rows, cpu, builds, dangerous) in zip(
        NEIGHBOURS, loops(lammps(lines, folder)), strict=True
    ):
        cost = 1000 * cpu / NEIGHBOUR_STEPS
        print(f"| {skin} | {every} | {builds} | {dangerous} | {cost:.2f} | {rows[-1, 2]:.4f} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a production run")
    parser.add_argument("model", type=Path, help="its potential")
    parser.add_argument("--species", nargs="+", required=True, help="elements in the order of the atom types")
    parser.add_argument(
        "--energy-ps", type=float, default=2.0, help="length of each run at constant energy; default 2 ps"
    )
    given = parser.parse_args()
    given.model = given.model.resolve()
    given.restart = sorted(given.run.glob("[0-9]*.restart"))[-1].resolve()
    with tempfile.TemporaryDirectory() as folder:
        time_steps(given, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        neighbours(given, Path(folder))


if __name__ == "__main__":
    main()
