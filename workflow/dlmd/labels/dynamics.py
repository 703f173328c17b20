"""NVT molecular dynamics with a label engine: frames with energies, forces, stresses and moments, resumable.

The thermostat is Langevin's: these runs sample configurations, their dynamics are not analysed, and from a relaxed start
it thermalises every mode of a small cell within a fraction of a picosecond, where Nosé-Hoover chains ring.
Its whole state is velocities and random generator, so a killed run goes on exactly as if it had not been killed.

Where the electrons of a step do not converge, the atoms go on with the forces of the step before, and where that step is a
frame it is kept without a label. Such a step bends the path a little, which the thermostat makes up for; the labels of the others
are exact.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import numpy as np

from dlmd.base import arrays
from dlmd.base.errors import DlmdError
from dlmd.base.progress import Progress
from dlmd.base.units import FS_PER_PS
from dlmd.labels.engines.base import Unconverged
from dlmd.labels.relaxation import structure_mark

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator
    from ase.md.langevin import Langevin

VERSION = 1

FRICTION_PER_PS = 5.0
# A run beyond these bounds has melted or exploded. The kinetic temperature of 80 atoms scatters by 9 %.
RUNAWAY_FACTOR, RUNAWAY_OFFSET_K = 3.0, 300.0
MOLTEN_RMSD_A = 2.0
# Share of a run's steps without converged electrons, and how many may follow each other: old forces push on and on.
MOST_UNCONVERGED = 0.05
MOST_IN_A_ROW = 3


def run(
    atoms: Atoms,
    calculator: Calculator,
    *,
    temperature_k: float,
    time_step_fs: float,
    steps: int,
    stride: int,
    seed: int,
    frames: Path,
    level: str,
    theory: Mapping[str, Any],
    source: str,
    strain: float = 0.0,
    settings: Mapping[str, Any] | None = None,
    numerics: dict[str, Any] | None = None,
    checkpoint: Path | None = None,
    stream: TextIO | None = None,
) -> None:
    """Run NVT and write `frames`, which appears only when the run is complete.

    Velocities start at twice the temperature, because half of the kinetic energy goes into the relaxed structure's
    potential energy at once.

    Parameters
    ----------
    atoms
        Start: a relaxed structure, already strained where that is wanted.
    steps, stride
        Steps, and steps between kept frames; the first frame is the start, the last one step `steps` where
        `stride` divides it.
    frames
        extxyz to write: per frame energy, forces, stress, magmoms, and in its info `step`, `time_ps`,
        `temperature_k` (set point), `kinetic_temperature_k`, `level`, `theory`, `strain`, `source`, `converged`,
        and `moments_in_range` where the engine judges them. A frame whose electrons did not converge has no results, and
        `converged` is false.
    level, theory
        Name of the level of theory and what it stands for.
    source
        Name of this trajectory in the dataset.
    settings
        What decides numbers beside the theory (k-points, convergence); a checkpoint made with others is of no use.
    numerics
        What frames say of k-points and smearing (`dlmd.labels.numerics.beside`).
    checkpoint
        State of an interrupted run (default: beside `frames`). A checkpoint of other settings is not used.
    stream
        Where progress lines go.

    Raises
    ------
    DlmdError
        if the run explodes, the solid melts, or too many steps do not converge.
    """
    from ase.constraints import FixCom
    from ase.md.velocitydistribution import thermalize_momenta

    checkpoint = checkpoint or frames.with_name(frames.name + ".checkpoint")
    partial = frames.with_name(frames.name + ".part")
    common = {"temperature_k": temperature_k, "level": level, "theory": dict(theory)}
    common |= {"strain": strain, "source": source}
    mark = _mark(atoms, common, settings, time_step_fs, stride, seed)
    work = atoms.copy()
    work.set_constraint(FixCom())
    work.calc = steady = _steady_class()(calculator)
    rng = np.random.default_rng(seed)
    saved = _resume(work, rng, checkpoint=checkpoint, partial=partial, mark=mark, stream=stream)
    if saved is None:
        thermalize_momenta(work, 2 * temperature_k, rng=rng)
        partial.write_bytes(b"")
    step, steady.missed = saved or (0, 0)

    dynamics = _langevin(work, rng, temperature_k=temperature_k, time_step_fs=time_step_fs)
    progress = Progress(stream, title=f"MD {temperature_k:g} K", total=steps, start=step)
    with partial.open("ab") as out:
        while True:
            if step % stride == 0 and (saved is None or step != saved[0]):
                place = _place(step, steps - steps % stride, time_step_fs)
                _keep_frame(out, work, atoms, common | (numerics or {}) | place)
                _save(work, rng, checkpoint=checkpoint, size=out.tell(), step=step, mark=mark)
            if step >= steps:
                break
            dynamics.step()
            step += 1
            _require_few_unconverged(steady.missed, steady.in_a_row, step=step, steps=steps)
            progress.update(
                step, f"{work.get_temperature():.0f} K, {work.get_potential_energy() / len(work):.4f} eV/atom"
            )
    partial.replace(frames)
    arrays.drop_state(checkpoint)
    steady.tell(steps, stream)


def _mark(atoms: Atoms, common: Mapping[str, Any], settings: Mapping[str, Any] | None, *told: float) -> str:
    """Fingerprint of a run."""
    known = {**common, **({"settings": dict(settings)} if settings else {})}
    return structure_mark(atoms, *told, json.dumps(known, sort_keys=True))


def _place(step: int, last: int, time_step_fs: float) -> dict[str, float]:
    """Where a frame is in its trajectory; by the last frame's step, a file that was cut between two frames is known."""
    return {"step": step, "time_ps": step * time_step_fs / FS_PER_PS, "last_step": last}


def _keep_frame(out: BinaryIO, atoms: Atoms, start: Atoms, info: Mapping[str, Any]) -> None:
    """Append the frame of a step that is healthy or did not converge."""
    # before the first step: a start without forces has nowhere to go on from
    atoms.get_forces()
    if atoms.calc.converged:
        check_health(atoms, start, temperature_k=info["temperature_k"], step=info["step"])
    _append(out, frame_text(atoms, info, converged=atoms.calc.converged))


@cache
def _steady_class():
    """The calculator's class, made on first use because its base needs ASE's import."""
    from ase.calculators.calculator import Calculator, all_changes

    class Steady(Calculator):
        """A calculator that gives the results of the step before where the electrons of a step do not converge, and counts."""

        implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

        def __init__(self, inner: Calculator):
            super().__init__()
            self.inner, self.missed, self.in_a_row = inner, 0, 0
            self.last: dict[str, Any] | None = None

        def tell(self, steps: int, stream: TextIO | None) -> None:
            """Say how many of `steps` were missed, if any."""
            if self.missed and stream:
                print(f"{self.missed} of {steps} steps did not converge and gave no label", file=stream)

        @property
        def converged(self) -> bool:
            """Whether the results are those of the last structure."""
            return self.in_a_row == 0

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            try:
                self.inner.calculate(self.atoms, ["energy", "forces", "stress"], all_changes)
            except Unconverged as error:
                if self.last is None:
                    raise
                print(f"no label of this step: {error.what}", file=sys.stderr)
                self.missed, self.in_a_row = self.missed + 1, self.in_a_row + 1
            else:
                self.last, self.in_a_row = dict(self.inner.results), 0
            self.results = dict(self.last)

    return Steady


def _require_few_unconverged(missed: int, in_a_row: int, *, step: int, steps: int) -> None:
    """Raise DlmdError where too many steps of a run of `steps` steps, or too many one after the other, did not converge."""
    if missed <= MOST_UNCONVERGED * steps and in_a_row <= MOST_IN_A_ROW:
        return
    what = f"the electrons of {missed} of {step} steps did not converge"
    limit = f"at most {MOST_UNCONVERGED:.0%} of {steps} may, and {MOST_IN_A_ROW} one after the other"
    raise DlmdError(
        f"{what}: {limit}",
        remedy="set launch.levels.<level>.electrons (more iterations, less mixing) and run again: no finished label is computed "
        "again, and this run goes on from its last labelled frame",
    )


def _langevin(
    atoms: Atoms, rng: np.random.Generator, *, temperature_k: float, time_step_fs: float
) -> Langevin:
    from ase import units as ase_units
    from ase.md.langevin import Langevin

    return Langevin(
        atoms,
        time_step_fs * ase_units.fs,
        temperature_K=temperature_k,
        friction=FRICTION_PER_PS / (FS_PER_PS * ase_units.fs),
        fixcm=False,
        rng=rng,
    )


def _append(out: BinaryIO, text: str) -> None:
    """Write to the disk itself: the checkpoint that follows counts on it."""
    out.write(text.encode())
    out.flush()
    os.fsync(out.fileno())


def check_health(atoms: Atoms, start: Atoms, *, temperature_k: float, step: int) -> None:
    """Raise DlmdError where the run has exploded (kinetic temperature, non-finite numbers) or every element has left
    its sites (RMS displacement from `start` without the centre of mass above `MOLTEN_RMSD_A`)."""
    kinetic, energy = atoms.get_temperature(), atoms.get_potential_energy()
    remedy = "shorten the time step, lower the temperature, or check the relaxed structure"
    limit = RUNAWAY_FACTOR * temperature_k + RUNAWAY_OFFSET_K
    if not (np.isfinite(energy) and np.isfinite(kinetic) and np.isfinite(atoms.get_forces()).all()):
        raise DlmdError(f"the run exploded: energies or forces are not finite at step {step}", remedy=remedy)
    if kinetic > limit:
        raise DlmdError(
            f"the run exploded: {kinetic:.0f} K at step {step} of a run at {temperature_k:g} K (limit {limit:.0f} K)",
            remedy=remedy,
        )
    moved = atoms.positions - start.positions
    moved -= np.average(moved, axis=0, weights=atoms.get_masses())
    rmsd = {
        element: float(np.sqrt((moved[atoms.symbols == element] ** 2).sum(axis=1).mean()))
        for element in sorted(set(atoms.symbols))
    }
    if min(rmsd.values()) > MOLTEN_RMSD_A:
        text = ", ".join(f"{element} {value:.1f} Å" for element, value in rmsd.items())
        raise DlmdError(
            f"the solid has melted at step {step}: RMS displacements {text}, none below {MOLTEN_RMSD_A:g} Å",
            remedy="lower the temperature of this trajectory or shorten it",
        )


def frame_text(atoms: Atoms, info: Mapping[str, Any], *, converged: bool = True) -> str:
    """One extxyz frame with the current results of `atoms`, positions unwrapped; without results where not `converged`."""
    import io

    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io.extxyz import write_extxyz

    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    frame.info = dict(info) | {
        "kinetic_temperature_k": float(atoms.get_temperature()),
        "converged": converged,
    }
    if converged:
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(apply_constraint=False),
            "stress": atoms.get_stress(apply_constraint=False),
        }
        if "magmoms" in atoms.calc.results:
            results["magmoms"] = atoms.calc.results["magmoms"]
        if "moments_in_range" in atoms.calc.results:
            frame.info["moments_in_range"] = atoms.calc.results["moments_in_range"]
        frame.calc = SinglePointCalculator(frame, **results)
    text = io.StringIO()
    write_extxyz(text, [frame])
    return text.getvalue()


def _save(
    atoms: Atoms, rng: np.random.Generator, *, checkpoint: Path, size: int, step: int, mark: str
) -> None:
    """Keep a state to go on from, unless its forces are old ones."""
    if not atoms.calc.converged:
        return
    arrays.save_state(
        checkpoint,
        positions=atoms.positions,
        momenta=atoms.get_momenta(),
        rng=json.dumps(rng.bit_generator.state),
        size=size,
        step=step,
        missed=atoms.calc.missed,
        mark=mark,
    )


def _resume(
    atoms: Atoms,
    rng: np.random.Generator,
    *,
    checkpoint: Path,
    partial: Path,
    mark: str,
    stream: TextIO | None,
) -> tuple[int, int] | None:
    """Restore atoms and generator, cut what was written after the checkpoint; its step and how many steps up to it did not
    converge, or None to start afresh."""
    saved = arrays.load_state(checkpoint, stream) if partial.exists() else None
    if saved is None:
        return None
    if str(saved["mark"]) != mark or partial.stat().st_size < int(saved["size"]):
        if stream:
            print(f"{checkpoint.name} does not belong to this run: starting afresh", file=stream)
        return None
    atoms.set_positions(saved["positions"], apply_constraint=False)
    atoms.set_momenta(saved["momenta"], apply_constraint=False)
    rng.bit_generator.state = json.loads(str(saved["rng"]))
    os.truncate(partial, int(saved["size"]))
    # checkpoints once had no such count
    step, missed = int(saved["step"]), int(saved["missed"]) if "missed" in saved else 0
    if stream:
        print(f"going on after step {step}", file=stream)
    return step, missed
