"""A stand-in for vasp_std: reads INCAR, POSCAR, KPOINTS and POTCAR in the current folder as VASP would, refuses what VASP
would refuse, computes with a pair potential, and writes OUTCAR, vasprun.xml, OSZICAR, XDATCAR and CONTCAR in VASP's formats.

Run as a program. It knows nothing of dlmd. Mishaps are asked for by the JSON in FAKE_VASP:
  only            acts only in folders whose path ends so (for instance "seg001/run00")
  unconverged     list of ionic steps whose electrons use up NELM
  kill_after      dies by SIGKILL after so many whole ionic steps (in the middle of writing the next one)
  contcar_lags    at that death, the CONTCAR is still the one of the step before
  flip_moment     list of ionic steps at which every moment collapses to 0.05
  overflow        list of ionic steps whose forces do not fit their columns
  sleep           seconds per ionic step
  stop_after      ends after so many ionic steps as by a STOPCAR with LSTOP, which it leaves behind
  labort          ionic step in which a STOPCAR with LABORT ends the electrons and the run
  learned         list of ionic steps that are machine-learned (ML_LMLFF); all begin with a prediction
  version         6: the OUTCAR repeats the INCAR
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers

from fake_vasp_output import Output

KB = 8.617333262e-5  # eV/K
ACCEL = 9.648533212e-3  # eV/Å/amu in Å/fs²
CATIONS = {"Li", "Na", "Ti", "In", "Y"}
CUTOFF = 5.0


def refuse(message: str) -> None:
    print(f" ERROR: {message}")
    print(" ---->  I REFUSE TO CONTINUE WITH THIS SICK JOB ... BYE!!! <----")
    sys.exit(1)


def read_incar() -> dict[str, list[str]]:
    tags = {}
    for line in Path("INCAR").read_text().splitlines():
        name, equals, value = re.split("[#!]", line)[0].partition("=")
        if equals:
            words = []
            for word in value.split():
                count, star, item = word.partition("*")
                words += [item] * int(count) if star else [word]
            tags[name.strip()] = words
    return tags


def read_poscar() -> tuple[Atoms, list[str], list[int], np.ndarray | None]:
    lines = Path("POSCAR").read_text().splitlines()
    cell = float(lines[1]) * np.array([line.split() for line in lines[2:5]], dtype=float)
    species, counts = lines[5].split(), [int(n) for n in lines[6].split()]
    n = sum(counts)
    if not lines[7].strip().lower().startswith("d"):
        refuse("only direct coordinates are understood here")
    scaled = np.array([line.split()[:3] for line in lines[8 : 8 + n]], dtype=float)
    symbols = [s for s, m in zip(species, counts, strict=True) for _ in range(m)]
    rest = [line.split() for line in lines[8 + n :]]
    velocities = None
    if len(rest) >= n + 1 and all(len(row) == 3 for row in rest[1 : n + 1]):
        velocities = np.array(rest[1 : n + 1], dtype=float)
    if np.linalg.det(cell) < 0:
        refuse("the triple product of the basis vectors is negative exchange two basis vectors")
    return Atoms(symbols, scaled_positions=scaled, cell=cell, pbc=True), species, counts, velocities


def pairs(atoms: Atoms):
    """First and second atom, distance and vector of all pairs within the cutoff (own images included)."""
    reach = np.ceil(CUTOFF * np.linalg.norm(atoms.cell.reciprocal(), axis=1)).astype(int)
    scaled = atoms.get_scaled_positions(wrap=True)
    images = np.array([(x, y, z) for x in range(-reach[0], reach[0] + 1) for y in range(-reach[1], reach[1] + 1)
                       for z in range(-reach[2], reach[2] + 1)])  # fmt: skip
    d = (scaled[None, None] - scaled[None, :, None] + images[:, None, None]) @ atoms.cell.array
    r = np.linalg.norm(d, axis=3)
    image, i, j = np.nonzero((r < CUTOFF) & (r > 1e-8))
    return i, j, r[image, i, j], d[image, i, j]


def pair_potential(atoms: Atoms, shift: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy, forces and stress (ASE's sign): Morse between unlike charges, Born-Mayer between like ones.

    About as soft as the chloride itself, so that a network fitted to a few frames of it stays on its feet.
    """
    i, j, r, d = pairs(atoms)
    cation = np.array([s in CATIONS for s in atoms.get_chemical_symbols()])
    unlike = cation[i] != cation[j]
    depth, steepness = 0.4, 1.4
    x = np.exp(-steepness * (r - 2.5 - shift))
    morse, d_morse = depth * ((1 - x) ** 2 - 1), 2 * depth * steepness * x * (1 - x)
    repulsion = 0.08 * np.exp(-(r - 3.3) / 0.35)
    phi = np.where(unlike, morse, repulsion)
    d_phi = np.where(unlike, d_morse, -repulsion / 0.35)
    taper = (1 - (r / CUTOFF) ** 2) ** 2
    d_taper = -4 * r / CUTOFF**2 * (1 - (r / CUTOFF) ** 2)
    slope = d_phi * taper + phi * d_taper
    pull = slope[:, None] * d / r[:, None]
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, i, pull)
    stress = 0.5 * np.einsum("na,nb->ab", pull, d) / atoms.get_volume()
    return 0.5 * float((phi * taper).sum()), forces, stress


def check_inputs():
    for name in ("INCAR", "POSCAR", "KPOINTS", "POTCAR"):
        if not Path(name).is_file():
            refuse(f"no {name} found, STOPPING")
    tags = read_incar()
    atoms, species, counts, velocities = read_poscar()
    potcar = Path("POTCAR").read_text()
    titels = [t.strip() for t in re.findall(r"TITEL\s*=\s*([^\n]+)", potcar)]
    lexch = re.findall(r"LEXCH\s*=\s*(\S+)", potcar)
    moves = int(tags.get("NSW", ["0"])[0]) > 0
    if moves and tags.get("IBRION", ["0"])[0] == "0" and "POTIM" not in tags:
        refuse("POTIM must be set for dynamics (IBRION=0)")
    if len(titels) != len(species):
        refuse("number of potentials on File POTCAR incompatible with number of species")
    if [t.split()[1].split("_")[0] for t in titels] != species:
        refuse("species of POTCAR and POSCAR differ")
    if "MAGMOM" in tags and len(tags["MAGMOM"]) != len(atoms):
        refuse("Error reading item 'MAGMOM' from file INCAR.")
    if tags.get("LDAU", ["F"])[0].strip(".").upper().startswith("T"):
        for name in ("LDAUL", "LDAUU", "LDAUJ"):
            if len(tags.get(name, [])) != len(species):
                refuse(f"Error reading item '{name}' from file INCAR.")
    lines = Path("KPOINTS").read_text().splitlines()
    if lines[1].strip() != "0" or lines[2].strip()[:1] not in "GgMm":
        refuse("Error reading KPOINTS file")
    return tags, atoms, species, counts, velocities, titels, lexch, [int(n) for n in lines[3].split()]


def main():
    tricks = json.loads(os.environ.get("FAKE_VASP", "{}"))
    if "only" in tricks and not str(Path.cwd()).endswith(tricks["only"]):
        tricks = {}
    tags, atoms, species, counts, velocities, titels, lexch, mesh = check_inputs()
    number = lambda name, default: float(tags.get(name, [default])[0])  # noqa: E731
    u = sum(float(x) for x in tags.get("LDAUU", []))
    shift = 0.01 * u  # a U makes bonds longer, as it does in truth
    out = Output(tags, atoms, species, counts, titels, lexch, mesh, tricks)
    nsw, ibrion = int(number("NSW", "0")), int(number("IBRION", "-1" if "NSW" not in tags else "0"))
    masses = np.array([atomic_masses[atomic_numbers[s]] for s in atoms.get_chemical_symbols()])[:, None]
    dof = 3 * (len(atoms) - 1)
    dt, begin = number("POTIM", "0.5"), number("TEBEG", "0")
    end = number("TEEND", str(begin))
    if ibrion == 0 and velocities is None:
        rng = np.random.default_rng(int(tags.get("RANDOM_SEED", ["1"])[0]))
        velocities = rng.normal(size=(len(atoms), 3)) * np.sqrt(KB * begin * ACCEL / masses)
        velocities -= (masses * velocities).sum(0) / masses.sum()
    energy, forces, stress = pair_potential(atoms, shift)
    relaxed, stopped = False, False
    n = 0
    while True:
        n += 1
        kinetic = temperature = None
        if ibrion == 0 and nsw:
            kinetic = float(0.5 * (masses * velocities**2).sum() / ACCEL)
            temperature = 2 * kinetic / (dof * KB)
        dying = n == tricks.get("kill_after", -1) + 1
        out.step(n, atoms, energy, forces, stress, kinetic, temperature, die=dying)
        time.sleep(tricks.get("sleep", 0.0))
        if n == tricks.get("stop_after"):
            Path("STOPCAR").write_text("LSTOP = .TRUE.\n")
        if Path("STOPCAR").is_file() and "LSTOP" in Path("STOPCAR").read_text():
            stopped = True
        stopped = stopped or n == tricks.get("labort")
        if ibrion == 2:
            # VASP compares the length of each atom's force
            strongest = np.linalg.norm(forces, axis=1).max()
            variable = number("ISIF", "2") == 3
            strain = np.abs(stress).max() * atoms.get_volume() / len(atoms) if variable else 0.0
            largest = max(strongest, strain)
            relaxed = largest < -number("EDIFFG", "-0.01")
        last = n >= nsw or relaxed or stopped
        if ibrion == 0 and nsw:
            target = begin + (end - begin) * min(1.0, n / nsw)
            velocities = velocities * np.sqrt(max(0.0, 1 + 0.1 * (target / max(temperature, 1e-9) - 1)))
            velocities = velocities + 0.5 * dt * ACCEL * forces / masses
            atoms.positions += dt * velocities
            energy, forces, stress = pair_potential(atoms, shift)
            velocities = velocities + 0.5 * dt * ACCEL * forces / masses
        elif ibrion == 2 and not last:
            deform = np.eye(3) - variable * 0.2 * np.clip(stress, -0.02, 0.02)
            scaled = atoms.get_scaled_positions(wrap=False)
            atoms.set_cell(atoms.cell @ deform)
            atoms.positions = scaled @ atoms.cell + np.clip(0.05 * forces, -0.05, 0.05)
            energy, forces, stress = pair_potential(atoms, shift)
        lag = tricks.get("contcar_lags") and n == tricks.get("kill_after", -1)
        if not lag:
            out.contcar(atoms, velocities if ibrion == 0 else None)
        if last:
            break
    out.close(atoms, relaxed)


if __name__ == "__main__":
    main()
