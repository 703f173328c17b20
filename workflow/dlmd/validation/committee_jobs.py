"""What a committee says of the held-out trajectories and of production MD."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_json
from dlmd.base.units import FS_PER_PS
from dlmd.validation import committee

# Frames of a run that are judged: enough to see a trend, few enough for any size.
RUN_FRAMES = 200
BATCH = 16


def read_system(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Positions (frames, atoms, 3), cells (frames, 3, 3), types (atoms,), forces like the positions and energies (frames,)
    of a deepmd system."""
    types = np.loadtxt(folder / "type.raw", dtype=int, ndmin=1)
    sets = sorted(folder.glob("set.*"))
    coord, box, force, energy = (
        np.concatenate([np.load(s / f"{name}.npy") for s in sets])
        for name in ("coord", "box", "force", "energy")
    )
    shape = (len(coord), len(types), 3)
    return coord.reshape(shape), box.reshape(-1, 3, 3), types, force.reshape(shape), energy.ravel()


def held_out(models: Sequence[str], test: str, *, result: str, table: str, figures: Sequence[str]) -> None:
    """Deviation and error on all systems below `test`: JSON with the calibration, CSV by frame, figure.

    Raises
    ------
    DlmdError
        where there is nothing to test on.
    """
    from dlmd.training.input import systems
    from dlmd.validation import committee_plots

    found = systems(test)
    if not found:
        raise DlmdError(
            "no trajectory is held out for testing",
            where=test,
            remedy="give a trajectory of labels.aimd 'split: test'",
        )
    members = committee.Committee(models)
    judged, rows, squares, reference = [], [], np.zeros(len(models)), 0.0
    for system in found:
        positions, cells, types, forces, _ = read_system(system)
        _, predicted = members.predict(positions, cells, types)
        one = committee.judge(predicted, forces)
        judged.append(one)
        squares += (one.error**2).sum(axis=(1, 2))
        reference += float((forces**2).sum())
        deviation = committee.FrameDeviation.of(predicted)
        rms = np.sqrt((one.error**2).mean(axis=0))
        rows += [
            {
                "trajectory": system.name,
                "frame": k,
                "largest_deviation_mev_per_a": f"{1e3 * deviation.largest[k]:.4g}",
                "mean_deviation_mev_per_a": f"{1e3 * deviation.mean[k]:.4g}",
                "smallest_deviation_mev_per_a": f"{1e3 * deviation.smallest[k]:.4g}",
                "largest_error_mev_per_a": f"{1e3 * rms[k].max():.4g}",
            }
            for k in range(len(positions))
        ]
    with Path(table).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    calibration = committee.calibrate(judged)
    largest = [float(str(row["largest_deviation_mev_per_a"])) for row in rows]
    committee_plots.calibration(calibration, figures)
    write_json(
        Path(result),
        calibration
        | {
            "version": committee.VERSION,
            "relative_force_rmse": np.sqrt(squares / reference).tolist(),
            "largest_deviation_mev_per_a": {
                "median": float(np.median(largest)),
                "percentile_99": float(np.percentile(largest, 99)),
            },
        },
    )


def run(models: Sequence[str], sidecars: Sequence[str], *, table: str) -> None:
    """Deviation of at most `RUN_FRAMES` frames of all atoms of one production run, as CSV by time."""
    from dlmd.trajectory.segments import all_atoms

    atoms = all_atoms(sidecars, max_frames=RUN_FRAMES)
    species = read_json(sidecars[0])["species"]
    types = np.array([species.index(s) for s in atoms.symbols])
    members = committee.Committee(models)
    lines = ["time_ps,largest_mev_per_a,mean_mev_per_a,smallest_mev_per_a"]
    for first in range(0, len(atoms.positions), BATCH):
        positions = atoms.positions[first : first + BATCH].astype(np.float64)
        cells = np.broadcast_to(atoms.cell, (len(positions), 3, 3))
        deviation = committee.FrameDeviation.of(members.predict(positions, cells, types)[1])
        for k in range(len(positions)):
            time_ps = atoms.steps[first + k] * atoms.time_step_fs / FS_PER_PS
            values = (deviation.largest[k], deviation.mean[k], deviation.smallest[k])
            lines.append(f"{time_ps:.6g}," + ",".join(f"{1e3 * v:.4g}" for v in values))
    part = Path(table).with_suffix(".part")
    part.write_text("\n".join(lines) + "\n")
    part.replace(table)


def plot_runs(
    tables: Sequence[str], held_out: str, *, temperatures_k: Sequence[float], figures: Sequence[str]
) -> None:
    """One figure of the deviation along the runs of all temperatures."""
    from dlmd.validation import committee_plots

    runs = {}
    for temperature, path in zip(temperatures_k, tables, strict=True):
        rows = np.genfromtxt(path, delimiter=",", names=True, ndmin=1)
        runs[temperature] = {"time_ps": rows["time_ps"], "largest_mev_per_a": rows["largest_mev_per_a"]}
    median = read_json(held_out)["largest_deviation_mev_per_a"]["median"]
    committee_plots.along_runs(runs, median, figures)
