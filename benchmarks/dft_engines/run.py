"""Seconds of single points of Li3TiCl6 or Li3InCl6 with 20, 40 and 80 atoms, by the engines that this machine has.

    python benchmarks/dft_engines/run.py cp2k --command cp2k.psmp --atoms 20 40 --out results.json

Each cell is one random ordering at the ideal positions, rattled by 0.05 Å. Two points are timed: the first, from atoms,
and one after a move of 0.01 Å, as the next step of a trajectory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CELLS = {20: (1, 1, 1), 40: (2, 1, 1), 80: (2, 1, 2)}


def cell(name: str, atoms: int):
    """One ordering of Li3TiCl6 or Li3InCl6 with so many atoms."""
    from dlmd import apportion, orderings, read_cif

    crystal = read_cif(str(ROOT / f"structures/{name}.cif"))
    counts = apportion(
        crystal,
        repeat=CELLS[atoms],
        # the vacancies of 4g do not fit into 20 atoms
        occupancies={"2a": 0.75, "4g": 0.125} if atoms == 80 else {"2a": 0.5, "4g": 0.25},
        charges={"Li": 1, "Ti": 3, "In": 3, "Cl": -1},
    )
    found = orderings(crystal, counts, n=1, seed=1)[0]
    found.rattle(0.05, seed=1)
    return found


def cpu_seconds() -> float:
    """CPU time of this process and of all below it, those included that have ended."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in own)
    parents, times = {}, {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(file.parent.name)
        parents[pid] = int(fields[1])
        # user and system time, its own and that of its children that have ended
        times[pid] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    below = {os.getpid()}
    for _ in parents:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        if not more:
            break
        below |= more
    return total + sum(times[pid] for pid in below - {os.getpid()})


def timed(atoms, calculator) -> dict:
    """Wall and CPU seconds of one point, and its results."""
    began, cpu = time.monotonic(), cpu_seconds()
    calculator.calculate(atoms, ["energy", "forces", "stress"])
    found = calculator.results
    return {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(cpu_seconds() - cpu, 1),
        "energy_ev": found["energy"],
        "forces_ev_per_angstrom": found["forces"].round(6).tolist(),
        "stress_ev_per_angstrom3": found["stress"].round(7).tolist(),
        "magmoms": found["magmoms"].round(3).tolist() if "magmoms" in found else None,
    }


def main() -> None:
    """Time the cells and add them to the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("--command")
    parser.add_argument("--crystal", choices=["Li3TiCl6", "Li3InCl6"], default="Li3TiCl6")
    parser.add_argument("--level", default="u4", help="level of config/engines/<engine>.yaml")
    parser.add_argument("--set", default="{}", help="keys of the level to replace, as YAML")
    parser.add_argument("--atoms", type=int, nargs="+", default=list(CELLS))
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()

    from dlmd.config.launch import LevelLaunch
    from dlmd.labels import engines

    level = yaml.safe_load((ROOT / f"config/engines/{chosen.engine}.yaml").read_text(encoding="utf-8"))
    settings = level["levels"][chosen.level] | yaml.safe_load(chosen.set)
    engine = engines.get(settings, LevelLaunch(command=chosen.command))
    for number in chosen.atoms:
        atoms = cell(chosen.crystal, number)
        calculator = engine.calculator()
        row = {
            "engine": chosen.engine,
            "crystal": chosen.crystal,
            "atoms": number,
            "load": os.getloadavg()[0],
        }
        row |= {"settings": settings, "versions": engine.versions()}
        try:
            row["first"] = timed(atoms, calculator)
            atoms.positions[0] += 0.01
            row["next"] = timed(atoms, calculator)
        except engines.Unconverged as error:
            row["unconverged"] = error.what
        rows = json.loads(chosen.out.read_text()) if chosen.out.exists() else []
        chosen.out.write_text(json.dumps([*rows, row], indent=1) + "\n")
        print({key: row[key] for key in row if key not in ("first", "next")}, file=sys.stderr)


if __name__ == "__main__":
    main()
