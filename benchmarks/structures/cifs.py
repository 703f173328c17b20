"""Any folder of CIFs through `dlmd new` and the structures stage, each cell judged against the CIF as pymatgen reads it.

python benchmarks/structures/cifs.py FOLDER [--json FILE] [--only NAME ...] [--seconds 300]

A cell is right where it is neutral, has mobile ions, every atom stands on a position of the CIF that may hold its element, full
sites are full, no two atoms are nearer than ions can be (or than sites of the CIF that hold more than one atom together), and no
element's number is off by more than a tenth or one atom. Where `dlmd new` adds a site, it may hold an eighth of the mobile ions
at most, with the composition of the CIF. Nothing of the project's own reading, counting or distances is used
for that.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workflow")]

from dlmd.base.errors import DlmdError  # noqa: E402

NEWER_TAG = re.compile(r"(?m)^(\s*_[a-z_]+)\.")
FULL, FORCED, MOST_CHANGE = 0.999, 1.02, 0.1
MOST_ADDED, SAME_A = 0.125, 0.05
ON_SITE_A = 0.15  # special positions may be met within rounding of the printed digits
# shortest distances (Å) of like-charged pairs that known ordered crystals have; others: parts of covalent radii
LIKE_A = {"Li": 1.9, "Na": 2.3, "K": 2.7, "Ag": 2.4, "Cu": 2.2, "Rb": 3.0, "Cs": 3.2}
UNLIKE_SHARE, ANIONS_SHARE, CATIONS_SHARE = 0.72, 0.75, 0.75
ANIONS = {"O", "S", "Se", "Te", "F", "Cl", "Br", "I", "N", "H"}
HOLD_H, X_H_A = {"B", "C", "N", "O"}, 1.3  # atoms that hold hydrogen, and how near (Å)
COVALENT = {"B", "C", "N", "O", "H"}  # two of these may be a molecule's bond


class TooLong(Exception):
    """A CIF that took longer than is waited for."""


def reference(path: Path):
    """The conventional cell of the CIF with all its positions, as pymatgen expands it; None where it cannot."""
    from pymatgen.io.cif import CifParser

    text = path.read_text(encoding="utf-8", errors="replace")
    for spelled in (text, NEWER_TAG.sub(r"\1_", text)):  # tags of the newer dictionary are unknown to it
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            parser = CifParser(io.StringIO(spelled), occupancy_tolerance=1.01, site_tolerance=2e-3)
            return parser.parse_structures(primitive=False)[0]
    return None


def propose(path: Path, folder: Path):
    """What `dlmd new` writes, and the cells that the structures stage makes of it: (proposal, {name: (atoms, repeat)})."""
    import ase.io

    from dlmd.config.reading import loads
    from dlmd.proposal import propose as proposal_of
    from dlmd.run import structure_checks, targets
    from dlmd.structures import jobs

    made = proposal_of(path, file=str(folder / "run.yaml"))
    cfg = loads(made.text, file="run.yaml")
    structure_checks.check_structures(cfg, file="run.yaml", arrange=True)
    cells = {}
    for occupancy, cell in targets.built_cells(cfg):
        cif = folder / f"{occupancy}-{cell}.cif"
        jobs.build(
            cfg.material.cif,
            cifs=[str(cif)],
            summary=str(cif.with_suffix(".json")),
            repeat=cfg.structures.cells[cell],
            occupancies=cfg.structures.occupancies[occupancy],
            charges=cfg.material.charges,
            sampling=cfg.structures.sampling[cell],
            min_distance_angstrom=cfg.structures.min_distance_angstrom,
            tolerance=cfg.structures.tolerance,
            seed=cfg.seed,
        )
        cells[f"{occupancy}/{cell}"] = (ase.io.read(cif.with_suffix(".extxyz")), cfg.structures.cells[cell])
    return made, cfg, cells


def shortest_allowed(a: str, b: str) -> float:
    """The distance (Å) below which two ions are too near, by tables of this script."""
    from ase.data import atomic_numbers, covalent_radii

    radii = sum(covalent_radii[atomic_numbers[s]] for s in (a, b))
    if {a, b} <= COVALENT or "H" in (a, b):
        return 0.7
    if (a in ANIONS) != (b in ANIONS):
        return UNLIKE_SHARE * radii
    if a in ANIONS:
        return max(ANIONS_SHARE * radii, 1.9)
    known = [LIKE_A.get(s, 2.3) for s in (a, b)]
    return sum(known) / 2


def distances(atoms) -> dict[tuple[str, str], float]:
    """Shortest distance (Å) of every pair of elements."""
    from ase.neighborlist import neighbor_list

    i, j, d = neighbor_list("ijd", atoms, 3.6)
    symbols = np.array(atoms.get_chemical_symbols())
    found: dict[tuple[str, str], float] = {}
    for a, b in combinations_with_replacement(sorted(set(symbols)), 2):
        here = ((symbols[i] == a) & (symbols[j] == b)) | ((symbols[i] == b) & (symbols[j] == a))
        if here.any():
            found[a, b] = float(d[here].min())
    return found


def of_the_crystal(structure) -> dict[tuple[str, str], float]:
    """Shortest distance (Å) of every pair of elements on sites of which both must be filled at times, as they hold over 1."""
    from ase import Atoms
    from ase.neighborlist import neighbor_list

    atoms = Atoms(
        ["X"] * len(structure),
        scaled_positions=[site.frac_coords for site in structure],
        cell=structure.lattice.matrix,
        pbc=True,
    )
    found: dict[tuple[str, str], float] = {}
    for i, j, d in zip(*neighbor_list("ijd", atoms, 3.6), strict=True):
        first, second = structure[int(i)].species, structure[int(j)].species
        if first.num_atoms + second.num_atoms > FORCED:
            for a in first.elements:
                for b in second.elements:
                    key = tuple(sorted((a.symbol, b.symbol)))
                    found[key] = min(d, found.get(key, 9.0))
    return found


def added_sites(structure, completed, mobile: str) -> list[str]:
    """What is wrong with sites that the CIF has not: other ions, too many of them, another composition."""
    wrong = []
    asked, made = (s.composition.element_composition for s in (structure, completed))
    for species in {**asked, **made}:
        if abs(made[species] - asked[species]) > 1e-3 * max(asked[species], 1.0):
            wrong.append(f"completed: {species} {made[species]:.4g} for {asked[species]:.4g}")
    lattice, known = structure.lattice, [site.frac_coords for site in structure]
    distance = lattice.get_all_distances([site.frac_coords for site in completed], known).min(axis=1)
    new = [site for site, d in zip(completed, distance, strict=True) if d > SAME_A]
    held = sum(site.species.num_atoms for site in new)
    most = MOST_ADDED * sum(asked[s] for s in mobile.split(","))
    if any(e.symbol not in mobile.split(",") for site in new for e in site.species.elements):
        wrong.append("a site is added for other ions than the mobile ones")
    if held > most + 1e-3:
        wrong.append(f"{held:.3g} ions on added sites")
    if len(completed) - len(new) != len(structure):
        wrong.append("positions of the CIF are missing in the completed one")
    return wrong


def judge(
    structure, atoms, repeat, charges: dict[str, float], mobile: str, completed=None
) -> tuple[list[str], list[str]]:
    """(what is wrong with a cell, changes of its composition above a hundredth); `completed` has sites that were added."""
    wrong, changes = [], []
    cells = int(np.prod(repeat))
    counts = Counter(atoms.get_chemical_symbols())
    asked = Counter()
    for site in structure:
        for species, x in site.species.items():
            asked[species.symbol.replace("D", "H") if species.symbol == "D" else species.symbol] += x * cells
    # what refined occupancies leave in charge is the mobile ions' to balance
    left = sum(charges.get(s, 0.0) * n for s, n in asked.items())
    for s in sorted(set(asked) | set(counts)):
        off = counts[s] - asked[s]
        if s in mobile.split(","):
            off = min(off, off + left / charges[s], key=abs)
        if abs(off) > max(MOST_CHANGE * asked[s], 1.0 + 1e-6):
            wrong.append(f"composition: {s} {counts[s]} for {asked[s]:.4g}")
        elif abs(off) > 0.01 * asked[s] + 1e-6:
            changes.append(f"{s} {counts[s]} for {asked[s]:.4g}")
    charge = sum(charges[s] * n for s, n in counts.items())
    if abs(charge) > 1e-3 * len(atoms):
        wrong.append(f"charge {charge:+.3g} e")
    wrong += [f"no {s}" for s in mobile.split(",") if not counts[s]]
    wrong += on_sites(completed or structure, atoms, repeat)
    own = of_the_crystal(structure)
    for (a, b), d in distances(atoms).items():
        least = min(shortest_allowed(a, b), own.get((a, b), 9.0) - 0.02)
        if d < least:
            wrong.append(f"{a}-{b} {d:.2f} A, less than {least:.2f}")
    return wrong, changes


def on_sites(structure, atoms, repeat) -> list[str]:
    """Atoms off the CIF's positions, on sites of other elements, two on one position, and full sites that are not full."""
    from scipy.spatial import cKDTree

    # ASE's cell and pymatgen's may be turned against each other: fractions are compared, lengths by the metric of one cell
    lattice = structure.lattice.matrix
    positions = np.array([site.frac_coords % 1.0 for site in structure])
    fractional = (atoms.get_scaled_positions() * np.array(repeat)) % 1.0
    images = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    tree = cKDTree(((positions[None] + images[:, None]).reshape(-1, 3)) @ lattice)
    distance, index = tree.query(fractional @ lattice)
    site = index % len(positions)
    symbols = atoms.get_chemical_symbols()
    wrong = []
    if distance.max() > ON_SITE_A:
        wrong.append(
            f"{int((distance > ON_SITE_A).sum())} atoms off the CIF's positions, by up to {distance.max():.2f} A"
        )
        return wrong
    allowed = [
        {("H" if e.symbol == "D" else e.symbol) for e in structure[int(s)].species.elements}
        for s in range(len(positions))
    ]
    strange = sum(symbols[n] not in allowed[s] for n, s in enumerate(site))
    if strange:
        wrong.append(f"{strange} atoms on sites of other elements")
    wrong += hydrogens(structure, atoms, site)
    held = Counter(site.tolist())
    cells = int(np.prod(repeat))
    for s in range(len(positions)):
        if structure[s].species.num_atoms > FULL and held[s] < cells - max(1, 0.03 * cells):
            wrong.append(f"{structure[s].species_string} is not full: {held[s]} of {cells}")
            break
        if held[s] > cells:
            wrong.append(f"{structure[s].species_string} holds {held[s]} of {cells}")
            break
    return wrong


def hydrogens(structure, atoms, site) -> list[str]:
    """Ions such as OH and BH4 with other numbers of hydrogen than the occupancies around them add up to; `site` of every atom."""
    from ase.neighborlist import neighbor_list

    symbols = np.array(atoms.get_chemical_symbols())
    i, j = neighbor_list("ij", atoms, X_H_A)
    bonded = Counter(i[symbols[j] == "H"].tolist())
    expected: dict[int, float] = {}
    odd = 0
    for n in np.flatnonzero(np.isin(symbols, list(HOLD_H))).tolist():
        s = int(site[n])
        if s not in expected:
            near = structure.get_neighbors(structure[s], X_H_A)
            h = sum(x for other in near for e, x in other.species.items() if e.symbol in ("H", "D"))
            centres = sum(x for e, x in structure[s].species.items() if e.symbol in HOLD_H)
            expected[s] = h / centres
        odd += not np.floor(expected[s] - 0.05) <= bonded[n] <= np.ceil(expected[s] + 0.05) or (
            abs(expected[s] - round(expected[s])) < 0.01 and bonded[n] != round(expected[s])
        )
    return [f"{odd} ions with another number of hydrogens than the CIF's"] if odd else []


def one(path: Path) -> dict:
    """The row of one CIF."""
    structure = reference(path)
    row = {"file": path.name, "formula": structure.composition.reduced_formula if structure else ""}
    start = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            proposal, cfg, cells = propose(path, Path(folder))
            completed = None if cfg.material.cif == str(path) else reference(Path(cfg.material.cif))
    except DlmdError as error:
        return row | {
            "outcome": "refused",
            "why": f"{error.what} | {error.remedy}",
            "seconds": round(time.perf_counter() - start, 1),
        }
    except TooLong:
        return row | {"outcome": "too long", "seconds": round(time.perf_counter() - start, 1)}
    except Exception as error:  # a crash is what is looked for
        import traceback

        return row | {
            "outcome": "crash",
            "why": f"{type(error).__name__}: {error}",
            "trace": traceback.format_exc()[-1500:],
        }
    charges = {s: float(q) for s, q in cfg.material.charges.items()}
    mixed = {s for s, q in charges.items() if not q.is_integer()}
    row |= {
        "seconds": round(time.perf_counter() - start, 1),
        "charges": charges,
        "mobile": cfg.material.mobile,
        "notes": list(proposal.notes),
        "cells": {},
    }
    faults: list[str] = []
    if completed is not None and structure is not None:
        row["added"] = proposal.design.added[0]
        faults += added_sites(structure, completed, cfg.material.mobile)
    for name, (atoms, repeat) in cells.items():
        if structure is None:
            row["cells"][name] = {
                "atoms": len(atoms),
                "composition": dict(Counter(atoms.get_chemical_symbols())),
            }
            continue
        wrong, changes = judge(structure, atoms, repeat, charges, cfg.material.mobile, completed)
        if mixed:
            wrong = [w for w in wrong if not w.startswith("charge")]
        row["cells"][name] = {"atoms": len(atoms), "repeat": list(repeat), "wrong": wrong, "changes": changes}
        faults += wrong
    outcome = "unread by pymatgen" if structure is None else "wrong" if faults else "right"
    return row | {"outcome": outcome, "why": "; ".join(dict.fromkeys(faults))}


def main() -> None:
    """All CIFs of a folder, one line each, then the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--json",
        type=Path,
        help="file for all rows, one JSON object to a line; rows in it are not made again",
    )
    parser.add_argument("--only", nargs="*", help="stems of files")
    parser.add_argument("--seconds", type=int, default=300, help="most time for one CIF")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    done = {}
    if args.json and args.json.exists():
        done = {row["file"]: row for row in map(json.loads, args.json.read_text().splitlines())}

    def stop(*_):
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    outcomes: Counter = Counter()
    for path in sorted(args.folder.rglob("*.cif")):
        if args.only and path.stem not in args.only:
            continue
        row = done.get(path.name)
        if row is None:
            signal.alarm(args.seconds)
            row = one(path)
            signal.alarm(0)
            if args.json:
                with args.json.open("a") as out:
                    out.write(json.dumps(row) + "\n")
            print(
                f"{row['file']:24} {row['formula']:28} {row['outcome']:9} {row.get('seconds', 0):6.1f} s  {row.get('why', '')}",
                flush=True,
            )
        outcomes[row["outcome"]] += 1
    print(dict(outcomes))


if __name__ == "__main__":
    main()
