"""A trial run of a new potential, in a cell that the engine has labelled: does it hold, and does it look like the engine's?

In one LAMMPS run from the relaxed cell: NVT at the temperature of the RDF comparison, over the time of the engine's own
trajectory; then NVT at production's highest temperature, and NVE from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.carriers import elements
from dlmd.base.errors import DlmdError
from dlmd.base.units import FS_PER_PS
from dlmd.md import cell_file
from dlmd.md.inputs import FLAGS, Dynamics, cell_and_pair, nose_hoover
from dlmd.process import programs
from dlmd.trajectory.binary import read_xtc

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1

THERMO_STEPS = 10
# A neighbour stays one up to this multiple of the mean length of the bonds in the relaxed cell.
BOND_STRETCH = 1.4


@dataclass(frozen=True)
class Plan:
    """Steps of the three parts, and steps between stored frames; no RDF part where `rdf_temperature_k` is None."""

    rdf_temperature_k: float | None
    rdf_steps: int
    nvt_steps: int
    nve_steps: int
    stride: int


@dataclass(frozen=True)
class TrialRun:
    """What a trial left: frames (frames, atoms, 3) in Å of the RDF part and of the NVE part with their times, thermo rows of the
    NVT and NVE parts (step, temperature in K, total energy in eV), LAMMPS' cell (3, 3), and why it ended early ('' if not)."""

    rdf_frames: np.ndarray
    nve_frames: np.ndarray
    nvt: np.ndarray
    nve: np.ndarray
    cell: np.ndarray
    ended: str


def trial_input(dynamics: Dynamics, plan: Plan, *, data: str, seed: int) -> str:
    """LAMMPS input of a trial; `dynamics` has the temperature of the last two parts."""
    t = dynamics.temperature_k
    thermo = (
        f'fix thermo_file all print {THERMO_STEPS} "$(step) $(temp:%.10g) $(etotal:%.12g)" file {{}} '
        'screen no title ""'
    )
    dump = [
        f"dump frames all xtc {plan.stride} {{}}",
        "dump_modify frames unwrap yes sort id precision 10000",
    ]
    lines = [
        *cell_and_pair(dynamics, f"read_data {data}", check_every=1),
        "thermo_style custom step temp pe etotal press",
        "thermo 100",
        "variable now_temperature equal temp",
        f"fix guard all halt 10 v_now_temperature > {dynamics.runaway_k:g} error hard message yes",
    ]
    if plan.rdf_temperature_k is not None:
        rdf_t = plan.rdf_temperature_k
        lines += [
            # half of the kinetic energy goes into the relaxed cell's potential energy
            f"velocity all create {2 * rdf_t:g} {seed} mom yes rot no dist gaussian",
            nose_hoover(rdf_t, dynamics),
            *(line.format("rdf.xtc") for line in dump),
            f"run {plan.rdf_steps}",
            "undump frames",
            "unfix integrate",
        ]
    start = t if plan.rdf_temperature_k is not None else 2 * t
    return "\n".join(
        [
            *lines,
            f"velocity all create {start:g} {seed} mom yes rot no dist gaussian",
            "reset_timestep 0",
            nose_hoover(t, dynamics),
            thermo.format("nvt.txt"),
            f"run {plan.nvt_steps}",
            "unfix thermo_file",
            "unfix integrate",
            "fix integrate all nve",
            thermo.format("nve.txt"),
            *(line.format("nve.xtc") for line in dump),
            f"run {plan.nve_steps}",
            "",
        ]
    )


def run(
    atoms: Atoms,
    folder: Path,
    *,
    dynamics: Dynamics,
    plan: Plan,
    seed: int,
    lmp: Sequence[str],
    threads: int,
    log: Path,
) -> TrialRun:
    """Run the trial in `folder`. A run that dies is a result, not an error: see `TrialRun.ended`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("rdf.xtc", "nve.xtc", "nvt.txt", "nve.txt"):
        (folder / name).unlink(missing_ok=True)
    box = cell_file.write(atoms, folder / "start.data", species=dynamics.species)
    (folder / "trial.in").write_text(trial_input(dynamics, plan, data="start.data", seed=seed))
    ended = ""
    try:
        programs.run([*lmp, "-in", "trial.in", *FLAGS], cwd=folder, log=log, threads=threads)
    except DlmdError as error:
        ended = f"{error.what}; its last line: {_last_error(log)}"

    def frames(name: str) -> np.ndarray:
        path = folder / name
        return read_xtc(path, len(atoms)) if path.exists() else np.empty((0, len(atoms), 3))

    def rows(name: str) -> np.ndarray:
        path = folder / name
        lines = path.read_text().splitlines() if path.exists() else []
        found = [line.split() for line in lines if len(line.split()) == 3]
        return np.array(found, dtype=float).reshape(-1, 3)

    return TrialRun(
        rdf_frames=frames("rdf.xtc"),
        nve_frames=frames("nve.xtc"),
        nvt=rows("nvt.txt"),
        nve=rows("nve.txt"),
        cell=box.cell,
        ended=ended,
    )


def _last_error(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
    return lines[-1] if lines else "see the log"


def energy_drift_mev_per_atom_ps(nve: np.ndarray, *, n_atoms: int, time_step_fs: float) -> float:
    """Slope of the total energy with time, by least squares over rows (step, temperature, energy in eV)."""
    time_ps = nve[:, 0] * time_step_fs / FS_PER_PS
    return float(1e3 * np.polyfit(time_ps - time_ps.mean(), nve[:, 2], 1)[0] / n_atoms)


def temperature_error(nve: np.ndarray, *, temperature_k: float) -> float:
    """How far the mean temperature of the NVE part is from the one it started at, as a part of it."""
    return float(nve[:, 1].mean() / temperature_k - 1)


def host_coordination(
    relaxed: Atoms, frames: np.ndarray, *, cell: np.ndarray, charges: Mapping[str, int], mobile: str
) -> dict[str, dict[str, float]]:
    """Neighbours that the host's cations keep during the run.

    For each host cation the neighbours of opposite charge in the relaxed cell are those within `BOND_STRETCH` of its shortest
    bond; its bonds are counted as kept while they are shorter than `BOND_STRETCH` times their mean length there.

    Parameters
    ----------
    relaxed
        The structure that the run began with.
    frames, cell
        (frames, atoms, 3) and (3, 3), Å, unwrapped or not; they may be rotated against `relaxed`.

    Returns
    -------
    dict
        'Ti-Cl' -> `start`, mean number of neighbours in the relaxed cell, and `kept`, the part of these bonds that is whole in
        the mean over the frames. Empty where the host has no cations.
    """
    symbols = np.array(relaxed.get_chemical_symbols())
    anions = np.flatnonzero([charges[s] < 0 for s in symbols])
    found = {}

    def lengths(positions: np.ndarray, box: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        scaled = np.linalg.solve(box.T, (positions[pairs[:, 1]] - positions[pairs[:, 0]]).T).T
        return np.linalg.norm((scaled - np.round(scaled)) @ box, axis=1)

    for cation in sorted({s for s in symbols if charges[s] > 0 and s not in elements(mobile)}):
        centres = np.flatnonzero(symbols == cation)
        for anion in sorted(set(symbols[anions])):
            partners = np.flatnonzero(symbols == anion)
            all_pairs = np.array([(c, p) for c in centres for p in partners])
            at_start = lengths(relaxed.positions, relaxed.cell.array, all_pairs).reshape(
                len(centres), len(partners)
            )
            bonded = at_start <= BOND_STRETCH * at_start.min(axis=1, keepdims=True)
            limit = BOND_STRETCH * at_start[bonded].mean()
            pairs = all_pairs[bonded.ravel()]
            whole = [(lengths(frame, cell, pairs) <= limit).mean() for frame in frames]
            found[f"{cation}-{anion}"] = {
                "start": float(bonded.sum(axis=1).mean()),
                "kept": float(np.mean(whole)) if whole else 0.0,
            }
    return found
