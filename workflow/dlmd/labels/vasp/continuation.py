"""How runs follow each other: where the next one starts, and how the frames of several join without gap or repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import verify
from dlmd.labels.vasp.frames import Frame, Run
from dlmd.labels.vasp.output import find, has_output, read_run, read_text

# OUTCARs print five decimals: two prints of one position differ by less than this
SAME_POSITION_A = 1e-4
# Relaxations move atoms by less than this between two runs, and atoms of another ordering are farther away.
SAME_STRUCTURE_A = 1.0
# The first step of a run may be longer than the longest step so far by this factor.
STEP_TOLERANCE = 3.0


@dataclass
class Joined:
    """A frame with its step counted from the first frame of the trajectory."""

    step: int
    frame: Frame
    run: Run


def run_folders(step: Path) -> list[Path]:
    """Folders of one step that hold output, in order: run00, run01, ..., or the step's own folder."""
    runs = [folder for folder in sorted(step.glob("run[0-9][0-9]")) if has_output(folder)]
    return runs or ([step] if has_output(step) else [])


def step_done(role: str, run: Run) -> bool:
    """Whether the last run of a step ended it: VASP ended by itself, and relaxed or made all its steps."""
    if not run.finished or not run.frames:
        return False
    if role == "relax":
        limit = -float(run.settings.get("EDIFFG", 0.0))  # negative: a force
        last = run.frames[-1]
        # vasprun.xml does not say 'reached required accuracy'; the forces do
        return run.relaxed or (last.whole and 0 < limit and np.linalg.norm(last.forces, axis=1).max() < limit)
    if role == "static" and (run.frames[-1].reason or "").startswith("electrons stopped early"):
        return False
    return run.frames[-1].step >= max(1, int(run.settings.get("NSW", 0) or 0))


def done(step: Mapping, runs: Sequence[Run]) -> bool:
    """Whether the runs of a staged step ended it; those of dynamics have made all the steps that are staged now."""
    if not runs or not step_done(step["role"], runs[-1]):
        return False
    if step["role"] not in ("heat", "produce"):
        return True
    return sum(map(_made, runs)) >= int(step["tags"]["NSW"])


def _made(run: Run) -> int:
    if not run.frames:
        return 0
    last = run.frames[-1]
    return last.step if run.finished or last.whole else last.step - 1


def moved(cell: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Distance (Å) each atom moved, by the nearest image."""
    scaled = np.linalg.solve(cell.T, (after - before).T).T
    return np.linalg.norm((scaled - np.round(scaled)) @ cell, axis=1)


def join(runs: Sequence[Run], *, where: str) -> list[Joined]:
    """Whole frames of consecutive dynamics runs as one trajectory.

    A run may begin with the last frame of the one before, or with the next one, or, after a kill, with an earlier one
    whose later frames it replaces: all three are recognised by positions, never by counting.

    Raises
    ------
    DlmdError
        if a run does not continue the one before it.
    """
    joined: list[Joined] = []
    for run in runs:
        frames = run.whole_frames
        if not frames:
            continue
        first, offset = frames[0], 0
        if joined:
            same = [
                k
                for k, old in enumerate(joined)
                if moved(first.cell, old.frame.positions, first.positions).max() < SAME_POSITION_A
            ]
            if same:
                offset = joined[same[-1]].step
                del joined[same[-1] :]
            else:
                _require_continuous(joined[-1].frame, frames, joined, run, where)
                offset = joined[-1].step + 1
        joined += [Joined(offset + f.step - first.step, f, run) for f in frames]
    return joined


def require_connected(runs: Sequence[Run], *, within_a: float = SAME_STRUCTURE_A) -> None:
    """That every run begins near where the one before it ended, whatever its cell.

    Raises
    ------
    DlmdError
        for the first that does not.
    """
    known = [(run, run.whole_frames) for run in runs if run.whole_frames]
    for (_, before), (run, after) in pairwise(known):
        a, b = before[-1], after[0]
        assert a.cell is not None and b.cell is not None
        scaled = [np.linalg.solve(f.cell.T, f.positions.T).T for f in (a, b)]
        far = moved(b.cell, scaled[0] @ b.cell, b.positions).max()
        if far > within_a:
            raise DlmdError(
                f"this run does not go on from the one before it: an atom is {far:.2f} Å away",
                where=str(run.path),
                remedy="another job's results are here, or the step before was run again: move run* out of this step's folder "
                "and run it again",
            )


def _require_continuous(last: Frame, frames: list[Frame], joined: list[Joined], run: Run, where: str) -> None:
    jump = moved(last.cell, last.positions, frames[0].positions).max()
    known = [j.frame for j in joined[-50:]], frames[:50]
    steps = [
        moved(a.cell, a.positions, b.positions).max() / (b.step - a.step)
        for series in known
        for a, b in pairwise(series)
        if b.step > a.step
    ]
    limit = STEP_TOLERANCE * max(steps, default=np.inf)
    if not np.allclose(last.cell, frames[0].cell, atol=1e-4):
        raise DlmdError(
            "the cell changes between two runs of one trajectory",
            where=f"{where}: {run.path}",
            remedy="these are results of another job; bring back the right ones",
        )
    if jump > limit:
        raise DlmdError(
            f"this run does not continue the one before: an atom jumps by {jump:.3f} Å, "
            f"steps are below {limit / STEP_TOLERANCE:.3f} Å",
            where=f"{where}: {run.path}",
            remedy="its POSCAR was not the last CONTCAR; run it again from there, or bring back the "
            "missing run",
        )


def next_poscar(contcar: str, *, n_atoms: int, dynamics: bool, same_ensemble: bool) -> str:
    """POSCAR that continues from a CONTCAR, taken over digit by digit.

    Parameters
    ----------
    contcar
        Text of the CONTCAR.
    n_atoms
        What it must hold.
    dynamics
        Keep velocities, and require them; otherwise positions and cell alone.
    same_ensemble
        Keep what follows the velocities (predictor-corrector coordinates, thermostat) as well.

    Raises
    ------
    ValueError
        if it is truncated, holds other atoms, or lacks velocities.
    """
    poscar = verify.parse_poscar(contcar)
    if sum(poscar.counts) != n_atoms:
        raise ValueError(f"{sum(poscar.counts)} atoms instead of {n_atoms}")
    lines = contcar.splitlines()
    head = lines[: len(lines) - len(poscar.tail)]
    if not dynamics:
        return "\n".join(head) + "\n"
    velocities = poscar.tail[1 : 1 + n_atoms]
    rows = [line.split() for line in velocities]
    if len(rows) != n_atoms or any(len(row) != 3 for row in rows) or poscar.tail[0].strip():
        raise ValueError("no velocities")
    if not np.isfinite(np.array(rows, dtype=float)).all():
        raise ValueError("velocities are not numbers")
    kept = poscar.tail if same_ensemble else poscar.tail[: 1 + n_atoms]
    return "\n".join(head + kept) + "\n"


def start_text(job_folder: Path, job: dict, number: int) -> tuple[str, str]:
    """POSCAR text for the next run of step `number`, and where it comes from.

    The last usable CONTCAR of the step itself, else of the step before, else the staged structure (first step only).
    A CONTCAR that a kill left damaged is passed over; what it would have continued is then repeated, and joining
    recognises the repeat.

    Raises
    ------
    DlmdError
        if the step before has not been run.
    """
    steps = job["run_steps"]
    dynamics = job["kind"] == "aimd"
    for index in (number, number - 1):
        if index < 0:
            break
        for folder in reversed(run_folders(job_folder / steps[index]["name"])):
            path = find(folder, "CONTCAR")
            if path is None:
                continue
            try:
                text = next_poscar(
                    read_text(path),
                    n_atoms=sum(job["counts"]),
                    dynamics=dynamics,
                    same_ensemble=steps[index]["role"] == steps[number]["role"],
                )
            except (ValueError, IndexError):
                continue
            return text, str(path)
    if number == 0:
        path = job_folder / steps[0]["name"] / "inputs" / "POSCAR"
        return path.read_text(), str(path)
    raise DlmdError(
        f"{steps[number]['name']} cannot start: no usable CONTCAR in {steps[number - 1]['name']}",
        where=str(job_folder),
        remedy=f"run {steps[number - 1]['name']} first",
    )


def read_runs(step: Path) -> list[Run]:
    """All runs of a step that can be read at all; one that died before its first step holds nothing and is passed over.

    Raises
    ------
    DlmdError
        if there are runs but none can be read.
    """
    runs, problems = [], []
    for folder in run_folders(step):
        try:
            runs.append(read_run(folder))
        except DlmdError as error:
            problems.append(error)
    if problems and not runs:
        raise problems[-1]
    return runs
