"""Short MD with a young potential, to find what it does not know: it may explode, and what came before is of use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.arrays import read_npz
from dlmd.base.errors import DlmdError
from dlmd.base.files import whole
from dlmd.base.units import FS_PER_PS
from dlmd.md import cell_file
from dlmd.md.inputs import FLAGS, Dynamics, all_atoms_dump, cell_and_pair, nose_hoover
from dlmd.process import programs
from dlmd.trajectory.binary import read_xtc, xtc_offsets

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1


@dataclass(frozen=True)
class Explored:
    """Frames of one exploration: positions (frames, atoms, 3) in Å, unwrapped, in LAMMPS' frame; cell (3, 3); time_ps
    (frames,); `ended` says why it ended early, or is empty."""

    positions: np.ndarray
    cell: np.ndarray
    time_ps: np.ndarray
    symbols: list[str]
    sites: list[str]
    ended: str

    def save(self, path: Path) -> None:
        """Write an npz that is whole or absent."""
        with whole(path) as part, part.open("wb") as out:
            np.savez_compressed(out, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Explored:
        data = read_npz(path)
        return cls(
            positions=data["positions"],
            cell=data["cell"],
            time_ps=data["time_ps"],
            symbols=[str(s) for s in data["symbols"]],
            sites=[str(s) for s in data["sites"]],
            ended=str(data["ended"]),
        )


def exploration_input(dynamics: Dynamics, *, data: str, steps: int, stride: int, seed: int, xtc: str) -> str:
    """LAMMPS input: NVT from a relaxed cell, all atoms every `stride` steps; a runaway ends it in good order.

    Velocities start at twice the temperature, because half of the kinetic energy goes into the relaxed cell's potential energy.
    """
    t = dynamics.temperature_k
    return "\n".join(
        [
            *cell_and_pair(dynamics, f"read_data {data}", check_every=1),
            f"velocity all create {2 * t:g} {seed} mom yes rot no dist gaussian",
            nose_hoover(t, dynamics),
            "variable now_temperature equal temp",
            f"fix guard all halt 10 v_now_temperature > {dynamics.runaway_k:g} error soft message yes",
            *all_atoms_dump(stride, xtc),
            f"thermo {max(stride, steps // 20)}",
            f"run {steps}",
            "",
        ]
    )


def explore(
    atoms: Atoms,
    folder: Path,
    *,
    dynamics: Dynamics,
    steps: int,
    stride: int,
    discard_ps: float,
    seed: int,
    lmp: Sequence[str],
    threads: int,
    log: Path,
) -> Explored:
    """Run NVT of `atoms` (relaxed, strained already) in `folder` and read what it left, without its first `discard_ps`.

    A run that fails (runaway, lost atoms) is no error, as long as it left frames: they are what exploring is for.

    Raises
    ------
    DlmdError
        where LAMMPS left no frame at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    box = cell_file.write(atoms, folder / "start.data", species=dynamics.species)
    text = exploration_input(
        dynamics, data="start.data", steps=steps, stride=stride, seed=seed, xtc="frames.xtc"
    )
    (folder / "explore.in").write_text(text)
    xtc = folder / "frames.xtc"
    xtc.unlink(missing_ok=True)
    ended = ""
    try:
        programs.run([*lmp, "-in", "explore.in", *FLAGS], cwd=folder, log=log, threads=threads)
    except DlmdError as error:
        ended = error.what
        if not xtc.exists() or len(xtc_offsets(xtc)) < 2:
            raise
    positions = read_xtc(xtc, len(atoms))
    if not ended and len(positions) < steps // stride + 1:
        ended = f"runaway: above {dynamics.runaway_k:g} K"
    if ended:
        print(f"ended after {len(positions)} frames: {ended}", file=sys.stderr)
    time_ps = np.arange(len(positions)) * stride * dynamics.time_step_fs / FS_PER_PS
    kept = (time_ps >= discard_ps - 1e-9) & np.isfinite(positions).all(axis=(1, 2))
    return Explored(
        positions=positions[kept],
        cell=box.cell,
        time_ps=time_ps[kept],
        symbols=atoms.get_chemical_symbols(),
        sites=[str(s) for s in atoms.arrays["site"]] if "site" in atoms.arrays else [],
        ended=ended,
    )
