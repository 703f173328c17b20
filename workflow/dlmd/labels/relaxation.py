"""Variable-cell relaxation with a label engine: atoms, lengths and angles all free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from dlmd.base import arrays
from dlmd.base.errors import DlmdError
from dlmd.base.progress import Progress
from dlmd.base.provenance import fingerprint
from dlmd.base.units import EV_PER_A3_PER_GPA
from dlmd.labels.engines.base import Unconverged

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

VERSION = 1

CHECKPOINT_STEPS = 20
# Stiffness of LBFGS' first guess, eV/Å². Measured on disordered chloride cells: 134 steps, against 169 with
# ASE's 70 and 278 with FIRE, to the same energy.
STIFFNESS = 40.0


def structure_mark(atoms: Atoms, *settings: object) -> str:
    """Fingerprint that tells whether a checkpoint belongs to this structure and these settings."""
    arrays = (atoms.numbers.astype(np.int64), atoms.positions, atoms.cell.array)
    return fingerprint(*(np.ascontiguousarray(array).tobytes() for array in arrays), repr(settings))


def relax(
    atoms: Atoms,
    calculator: Calculator,
    *,
    fmax_ev_per_angstrom: float,
    max_steps: int,
    checkpoint: Path | None = None,
    stream: TextIO | None = None,
    require_converged: bool = True,
) -> tuple[Atoms, dict[str, Any]]:
    """Relax positions and cell until no force is above the bound, with LBFGS on ASE's FrechetCellFilter.

    Parameters
    ----------
    atoms
        Starting structure; it is not changed.
    calculator
        ASE calculator with energy, forces and stress.
    fmax_ev_per_angstrom
        Largest force on an atom, and largest derivative of the energy by the logarithm of the deformation
        per atom (eV), at the end.
    max_steps
        Most steps of the optimiser in this call.
    checkpoint
        File that keeps the structure of an interrupted relaxation; a later call with the same start goes on from it.
    stream
        Where progress lines go.
    require_converged
        False returns an unconverged structure with `converged: false` instead of an error.

    Returns
    -------
    Atoms, dict
        Relaxed structure (arrays and info of `atoms` kept, results attached), and `converged`, `steps`, `fmax_ev_per_a`,
        `stress_max_gpa`, `energy_ev_per_atom`, `energy_start_ev_per_atom`, `volume_change` (relative).

    Raises
    ------
    DlmdError
        if the bound is not reached, or the energy is not finite.
    """
    from ase.filters import FrechetCellFilter
    from ase.optimize import LBFGS

    mark = structure_mark(atoms, fmax_ev_per_angstrom)
    work = atoms.copy()
    work.calc = calculator
    energy_start = float(work.get_potential_energy()) / len(work)
    done = _resume(work, checkpoint, mark, stream)

    variable = FrechetCellFilter(work)
    progress = Progress(stream, title="relaxation", total=done + max_steps, start=done)
    optimizer = LBFGS(variable, logfile=None, alpha=STIFFNESS)
    converged, fmax = False, np.inf
    for _ in _kept_on_failure(optimizer.irun(fmax=0.0, steps=max_steps), work, done, checkpoint, mark):
        # the filter's atomic forces are those of the undeformed cell: take the true ones, and its cell part
        fmax = max(_largest(work.get_forces()), _largest(variable.get_forces()[-3:]))
        energy = float(work.get_potential_energy()) / len(work)
        if not (np.isfinite(fmax) and np.isfinite(energy)):
            raise DlmdError(
                f"the relaxation ran away at step {done + optimizer.nsteps}: energy {energy} eV/atom",
                remedy="check the starting structure for atoms that are too close",
            )
        progress.update(done + optimizer.nsteps, f"{energy:.5f} eV/atom, fmax {fmax:.4f} eV/Å")
        if checkpoint and optimizer.nsteps % CHECKPOINT_STEPS == 0:
            _save(work, checkpoint, mark, done + optimizer.nsteps)
        converged = fmax <= fmax_ev_per_angstrom
        if converged:
            break

    steps = done + optimizer.nsteps
    if not converged and require_converged:
        if checkpoint:
            _save(work, checkpoint, mark, steps)
        raise DlmdError(
            f"not relaxed after {steps} steps: the largest force is {fmax:.4f} eV/Å, the bound {fmax_ev_per_angstrom:g}",
            remedy="run again to go on from here, raise max_steps, or loosen fmax",
        )
    if checkpoint:
        arrays.drop_state(checkpoint)
    info = {
        "converged": bool(converged),
        "steps": steps,
        "fmax_ev_per_a": _largest(work.get_forces()),
        "stress_max_gpa": float(np.abs(work.get_stress()).max() / EV_PER_A3_PER_GPA),
        "energy_ev_per_atom": float(work.get_potential_energy()) / len(work),
        "energy_start_ev_per_atom": energy_start,
        "volume_change": float(work.get_volume() / atoms.get_volume() - 1),
    }
    return work, info


def _kept_on_failure(
    steps: Iterable[Any], atoms: Atoms, done: int, checkpoint: Path | None, mark: str
) -> Iterator[Any]:
    """The optimiser's steps on `atoms`; where the electrons of one do not converge, the one before it is kept to go on from."""
    good, number = atoms.copy(), done
    try:
        for number, step in enumerate(steps, start=done):  # noqa: B007
            good = atoms.copy()
            yield step
    except Unconverged:
        if checkpoint:
            _save(good, checkpoint, mark, number)
        raise


def _largest(forces: np.ndarray) -> float:
    return float(np.linalg.norm(forces, axis=1).max())


def _save(atoms: Atoms, checkpoint: Path, mark: str, steps: int) -> None:
    arrays.save_state(checkpoint, positions=atoms.positions, cell=atoms.cell.array, steps=steps, mark=mark)


def _resume(atoms: Atoms, checkpoint: Path | None, mark: str, stream: TextIO | None) -> int:
    """Put the checkpoint's structure into `atoms` where it belongs to the same start; steps already done."""
    saved = None if checkpoint is None else arrays.load_state(checkpoint, stream)
    if checkpoint is None or saved is None:
        return 0
    if str(saved["mark"]) != mark:
        if stream:
            print(f"{checkpoint.name} is of another structure or bound: starting afresh", file=stream)
        return 0
    atoms.set_cell(saved["cell"])
    atoms.set_positions(saved["positions"])
    if stream:
        print(f"going on after {int(saved['steps'])} steps", file=stream)
    return int(saved["steps"])
