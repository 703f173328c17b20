"""Collect finished VASP jobs: relaxed cells and label trajectories in the pipeline's own files.

Frames are those of the embedded engines: extxyz with energy (the free energy), forces, stress, moments, and in the info
step, time_ps, temperature_k, kinetic_temperature_k, level, theory, strain, source, converged.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import whole
from dlmd.base.units import EV_PER_A3_PER_GPA, FS_PER_PS
from dlmd.config.levels.vasp import usual
from dlmd.config.levels.vasp_tags import theory
from dlmd.labels import numerics
from dlmd.labels.vasp import as_staged, continuation, inputs, potcar, verify
from dlmd.labels.vasp.continuation import Joined
from dlmd.labels.vasp.frames import Frame, Run
from dlmd.labels.vasp.output import find, read_text
from dlmd.labels.vasp.production import find_production, require_finished
from dlmd.labels.vasp.stage import load_job

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1

# A mean kinetic temperature that differs by more than this is mentioned.
TEMPERATURE_TOLERANCE = 0.1
# The single point after a relaxation is on its last structure.
RELAXED_PLACE_A = 0.1


def collect_relax(folder: str | Path) -> tuple[Atoms, dict]:
    """The relaxed structure of a job, with the energy and stress of its last step.

    Returns
    -------
    Atoms
        Relaxed supercell with results attached, the array 'site' as staged.
    dict
        converged, steps, fmax_ev_per_angstrom (at the end of the relaxation), stress_max_gpa, energy_ev_per_atom,
        energy_start_ev_per_atom, volume_change, total_moment, moments_in_range, theory, level, source, runs.

    Raises
    ------
    DlmdError
        if steps are missing or unfinished, of another level, or did not converge.
    """
    folder = Path(folder)
    job = load_job(folder)
    runs = _runs(folder, job)
    for step in job["run_steps"]:
        if not continuation.done(step, runs[step["name"]]):
            raise DlmdError(
                f"{step['name']} is not finished",
                where=str(folder / step["name"]),
                remedy="run the job again (run.sh where it runs elsewhere): it goes on from its CONTCAR",
            )
    ordered = [run for name in runs for run in runs[name]]
    continuation.require_connected(ordered)
    relaxed = next(runs[s["name"]][-1] for s in reversed(job["run_steps"]) if s["role"] == "relax")
    last, end = ordered[-1].frames[-1], relaxed.frames[-1]
    for frame, run in ((end, relaxed), (last, ordered[-1])):
        if frame.reason is not None:
            raise DlmdError(
                f"the last step of the relaxation is no good: {frame.reason}",
                where=str(run.path),
                remedy=remedy_for([frame.reason], "relax"),
            )
    as_staged.require_relaxed(
        end, relaxed, next(s for s in reversed(job["run_steps"]) if s["role"] == "relax")
    )
    start = next(f for run in ordered for f in run.whole_frames)
    if ordered[-1] is not relaxed and not (np.allclose(last.cell, _final_cell(folder, job, end), atol=2e-3)):
        raise DlmdError(
            "the static run is not on the relaxed cell",
            where=str(ordered[-1].path),
            remedy="its POSCAR must be the CONTCAR of the last relaxation; run it again",
        )
    if ordered[-1] is not relaxed:
        continuation.require_connected([relaxed, ordered[-1]], within_a=RELAXED_PLACE_A)
    potcar.sweep_job(folder)
    atoms = _atoms(job, last)
    if job["sites"] is not None:
        atoms.set_array("site", np.array(job["sites"]))
    n = len(atoms)
    return atoms, {
        "converged": True,
        "steps": sum(len(run.frames) for run in ordered),
        "fmax_ev_per_a": float(np.linalg.norm(last.forces, axis=1).max()),
        "stress_max_gpa": float(np.abs(last.stress).max() / EV_PER_A3_PER_GPA),
        "energy_ev_per_atom": last.energy / n,
        "energy_start_ev_per_atom": start.energy / n,
        "volume_change": float(np.linalg.det(last.cell) / np.linalg.det(np.array(job["cell_angstrom"])) - 1),
        "total_moment": last.total_moment,
        "moments_in_range": as_staged.moments_in_range(last, job),
        "level": job["level"],
        "theory": _theory(job, ordered),
        "source": job["source"],
        "inputs_sha256": _marks(job),
        "runs": _run_records(ordered, folder),
    }


def collect_static(folder: str | Path) -> tuple[Atoms | None, dict]:
    """The frame of a single point, or None where it must not be a label.

    Returns
    -------
    Atoms or None
        With results attached, as `collect_aimd` writes them.
    dict
        `theory`, `numerics` (what the frame says of k-points and smearing), `reason` (why there is no frame, else None),
        `moments_in_range` (None where it was not judged).

    Raises
    ------
    DlmdError
        if there is no result, it is unfinished, or of another level.
    """
    folder = Path(folder)
    job = load_job(folder)
    (runs,) = _runs(folder, job).values()
    if not continuation.done(job["run_steps"][0], runs):
        raise DlmdError("the single point is not finished", where=str(folder), remedy="run it again")
    as_staged.require_start(runs[-1], job)
    potcar.sweep_job(folder)
    frame = runs[-1].frames[-1]
    usable = frame.reason is None
    return _atoms(job, frame) if usable else None, {
        "theory": _theory(job, runs),
        "numerics": numerics.of_job(job),
        "reason": frame.reason,
        "moments_in_range": as_staged.moments_in_range(frame, job) if usable else None,
    }


def _final_cell(folder: Path, job: dict, end: Frame) -> np.ndarray:
    """Cell that the relaxation ended with: of its CONTCAR, where it was brought back, else of its last ionic step."""
    name = next(s["name"] for s in reversed(job["run_steps"]) if s["role"] == "relax")
    for run in reversed(continuation.run_folders(folder / name)):
        path = find(run, "CONTCAR")
        if path is not None:
            try:
                return verify.parse_poscar(read_text(path)).cell
            except (ValueError, IndexError):
                continue
    return end.cell


def collect_aimd(
    folder: str | Path, *, stride: int, max_rejected_fraction: float, frames: str | Path, record: str | Path
) -> dict:
    """Frames of the production segments of a job, written as extxyz.

    Parameters
    ----------
    folder
        Job folder.
    stride
        Steps between kept frames; step 0 is the first frame of production.
    max_rejected_fraction
        A larger part of rejected frames is an error.
    frames, record
        Files to write: extxyz, and JSON with counts, reasons, temperature and moments. The frames appear last.

    Returns
    -------
    The record.

    Raises
    ------
    DlmdError
        if segments are missing, unfinished, of another level or not continuous, or too many frames are rejected.
    """
    folder, frames, record = Path(folder), Path(frames), Path(record)
    job = load_job(folder)
    runs = _runs(folder, job)
    require_finished(folder, job, runs)
    ordered = [run for name in runs for run in runs[name]]
    production = find_production(folder, job, runs)
    rejected = production.rejected()
    computed = len(production.frames) - production.learned + sum(not f.whole for _, f in rejected)
    fraction = len(rejected) / computed if computed else 0.0
    reasons = Counter(_kind(f.reason) for _, f in rejected)
    kept = production.kept(stride)
    in_range = [as_staged.moments_in_range(j.frame, job) for j in kept]
    temperatures = [j.frame.temperature_k for j in production.frames if j.frame.temperature_k is not None]
    result = {
        "version": VERSION,
        "source": job["source"],
        "level": job["level"],
        "theory": _theory(job, ordered),
        "inputs_sha256": _marks(job),
        "steps": production.steps,
        "frames_kept": len(kept),
        "frames_rejected": len(rejected),
        "rejected_fraction": fraction,
        "rejected_reasons": dict(reasons),
        "machine_learned_steps": production.learned,
        "rejected": [
            {"run": str(run.path.parent.relative_to(folder)), "step_in_run": f.step, "reason": f.reason}
            for run, f in rejected
        ],
        "moments_out_of_range": in_range.count(False),
        "moments_not_judged": in_range.count(None),
        "mean_temperature_k": float(np.mean(temperatures)) if temperatures else None,
        "notes": _notes(job, temperatures, in_range, production.learned),
        "runs": _run_records(ordered, folder),
    }
    for note in result["notes"]:
        print(f"note: {note}", file=sys.stderr)
    record.write_text(json.dumps(result, indent=1))
    if fraction > max_rejected_fraction:
        common = ", ".join(f"{n} x {reason}" for reason, n in reasons.most_common(2))
        raise DlmdError(
            f"{len(rejected)} frames are rejected ({common}), {fraction:.0%} of the trajectory, "
            f"more than {max_rejected_fraction:.0%}",
            where=str(record),
            remedy=remedy_for([f.reason for _, f in rejected], "aimd"),
        )
    if not kept:
        raise DlmdError(
            "every step is machine-learned: there is no DFT frame" if not computed else "no frame is left",
            where=str(record),
            remedy="run the staged inputs without ML_ tags"
            if not computed
            else "look at the reasons in this file",
        )
    potcar.sweep_job(folder)
    _write(frames, job, kept, in_range, production.origin, result["theory"])
    return result


def missing(folder: str | Path) -> list[str]:
    """Steps of a staged job for which no output is there, with the folder it is expected in."""
    folder = Path(folder)
    return [
        str(folder / s["name"] / "run00")
        for s in load_job(folder)["run_steps"]
        if not continuation.run_folders(folder / s["name"])
    ]


def _runs(folder: Path, job: dict) -> dict[str, list[Run]]:
    """Runs of every step, checked against what was staged."""
    absent = missing(folder)
    if absent:
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise DlmdError(
            f"no results in {absent[0]}{more}",
            where=str(folder),
            remedy="run the job, or bring its OUTCAR or vasprun.xml (gzip, bzip2 or xz is fine) back to this folder",
        )
    runs = {s["name"]: continuation.read_runs(folder / s["name"]) for s in job["run_steps"]}
    for step in job["run_steps"]:
        for run in runs[step["name"]]:
            as_staged.require_level(run, job, step)
    as_staged.require_start(next(iter(runs.values()))[0], job)
    return runs


def _notes(
    job: dict, temperatures: Sequence[float], in_range: Sequence[bool | None], learned: int
) -> list[str]:
    """What a reader should know of frames that are kept all the same."""
    notes = []
    if learned:
        notes.append(
            f"{learned} steps are machine-learned (ML_LMLFF) and left out; the frames are those of DFT"
        )
    if temperatures:
        mean, asked = float(np.mean(temperatures)), job["temperature_k"]
        if abs(mean - asked) > TEMPERATURE_TOLERANCE * asked:
            notes.append(f"the mean temperature is {mean:.0f} K, the thermostat's {asked:g} K")
    if in_range.count(False):
        notes.append(f"{in_range.count(False)} of {len(in_range)} frames have a moment outside its range")
    if job["moment_range"] and None in in_range:
        notes.append(
            f"{in_range.count(None)} frames came without moments (no OUTCAR), so these are not judged"
        )
    return notes


def _theory(job: dict, runs: Sequence[Run]) -> dict:
    """Level of theory with the very potentials that were used, so that two editions of one potential are not mixed."""
    editions = {tuple(run.titels) for run in runs}
    if len(editions) > 1:
        raise DlmdError(
            f"runs of one job used different potentials: {' | '.join(', '.join(e) for e in sorted(editions))}",
            where=job["source"],
            remedy="run all steps with the same POTCAR",
        )
    level = dict(job["level_of_theory"])
    last = job["run_steps"][-1]
    if "inputs_sha256" not in last:
        # staged before tags beside the level's keys were recorded with it
        level |= theory(last["tags"], usual("aimd" if job["kind"] in ("aimd", "static") else "relax"))
    return level | {"potcar_titels": list(editions.pop())}


def _marks(job: dict) -> dict[str, str]:
    """Hash of what was staged for every step."""
    return {s["name"]: inputs.record(s["tags"], job)["sha256"] for s in job["run_steps"]}


def _kind(reason: str | None) -> str:
    return str(reason).split(":")[0]


# What helps against the commonest reason that frames are no good
REMEDIES = {
    "electrons unconverged": "raise NELM, or change ALGO or the mixing ({kind}.incar), and run the job again without its run*",
    "electrons stopped early": "run the job again from before those steps, and stop it with LSTOP, which ends a whole step",
    "unreadable": "the file is damaged there, or a number overflowed: bring it back again, with its vasprun.xml",
    "incomplete": "bring the whole file back, or its vasprun.xml; if the run was cut off, run the job again",
    "no labels": "forces and stress of every step are needed: NWRITE and ISIF as staged, or bring back the vasprun.xml",
}


def remedy_for(reasons: Sequence[str | None], kind: str) -> str:
    """What to do about frames that were refused for `reasons`; `kind` is that of the settings, relax or aimd."""
    ((commonest, _),) = Counter(_kind(reason) for reason in reasons).most_common(1)
    return REMEDIES.get(commonest, "look at its output").format(kind=kind)


def _atoms(job: dict, frame: Frame) -> Atoms:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.stress import full_3x3_to_voigt_6_stress

    symbols = [s for s, n in zip(job["species"], job["counts"], strict=True) for _ in range(n)]
    atoms = Atoms(symbols, positions=frame.positions, cell=frame.cell, pbc=True)
    results = {
        "energy": frame.energy,
        "forces": frame.forces,
        "stress": full_3x3_to_voigt_6_stress(frame.stress),
    }
    if frame.moments is not None:
        results["magmoms"] = frame.moments
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def _write(
    path: Path, job: dict, kept: Sequence[Joined], in_range: Sequence[bool | None], origin: int, theory: dict
) -> None:
    from ase.io.extxyz import write_extxyz

    unwrapped = kept[0].frame.positions
    with whole(path) as part, part.open("w") as out:
        for joined, good in zip(kept, in_range, strict=True):
            frame, step = joined.frame, joined.step - origin
            # OUTCARs wrap positions; frames are kept unwrapped, like those of the embedded engines
            shift = np.linalg.solve(frame.cell.T, (frame.positions - unwrapped).T).T
            unwrapped = frame.positions - np.round(shift) @ frame.cell
            atoms = _atoms(job, frame)
            atoms.positions = unwrapped
            atoms.calc.atoms.positions = unwrapped
            atoms.info = {
                "step": step,
                "time_ps": step * job["time_step_fs"] / FS_PER_PS,
                "temperature_k": float(job["temperature_k"]),
                "kinetic_temperature_k": frame.temperature_k
                if frame.temperature_k is not None
                else float("nan"),
                "level": job["level"],
                "theory": theory,
                **numerics.of_job(job),
                "strain": job["strain"],
                "source": job["source"],
                "converged": True,
            }
            if good is not None:
                atoms.info["moments_in_range"] = good
            if frame.total_moment is not None:
                atoms.info["total_moment"] = frame.total_moment
            write_extxyz(out, [atoms])


def _run_records(runs: Sequence[Run], folder: Path) -> list[dict]:
    return [
        {
            "output": str(run.path.relative_to(folder)),
            "ionic_steps": len(run.frames),
            "unconverged": [f.step for f in run.frames if f.reason and f.reason.startswith("electrons ")],
            "titels": run.titels,
            "elapsed_s": run.elapsed_s,
        }
        for run in runs
    ]
