"""Errors of a potential on held-out trajectories, from `dp test`.

With N the number of values, reference r and prediction p:

    MAE = sum |p - r| / N,   RMSE = sqrt(sum (p - r)^2 / N),   RMS force = sqrt(sum r^2 / N) over Cartesian components,
    relative force RMSE = force RMSE / RMS force.

Energies and virials are per atom. A constant offset of the energy counts as an error, although forces do not feel it. The slope
of the predicted over the reference energies of one trajectory is the opposite: blind to an offset, it tells whether the surface
is too steep or too flat as a whole, and so are its barriers; D is then wrong by a factor of about
exp(-(slope - 1) E_a / k_B T).

The pressure is that of the virial, tr(virial) / 3 V. Its mean error over a trajectory presses or stretches every cell that is
relaxed or run at zero pressure with the potential: its volume is off by error / bulk modulus, and no force shows it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base import time_series
from dlmd.base.arrays import read_npy
from dlmd.base.errors import DlmdError
from dlmd.base.files import whole, write_text
from dlmd.base.intervals import jackknife_ratio
from dlmd.base.units import EV_PER_A3_PER_GPA
from dlmd.dataset.frames import MOMENTS_FILE
from dlmd.process import programs
from dlmd.training.input import systems

VERSION = 3

MAX_POINTS = 20_000
# batches of consecutive frames, from which the interval of a trajectory's slope is taken
SLOPE_BATCHES = 10
# below this many frames the mean of a pressure says nothing
FEWEST_PRESSURES = 4
CONFIDENCE = 0.95
MEV_PER_EV = 1000.0


@dataclass(frozen=True)
class Prediction:
    """Reference and prediction of one trajectory: energies (frames,) in eV per atom, forces (frames, atoms, 3) in eV/Å,
    virials (frames, 9) in eV per atom, volumes (frames,) in Å³ per atom (NaN without virials of the
    reference), and the element of every atom.

    `moments_in_range` (frames,) is 1 where the magnetic moments are in their state, 0 where they left it, NaN where nobody
    judged.
    """

    source: str
    elements: np.ndarray
    energy_reference: np.ndarray
    energy_predicted: np.ndarray
    force_reference: np.ndarray
    force_predicted: np.ndarray
    virial_reference: np.ndarray
    virial_predicted: np.ndarray
    volume: np.ndarray
    moments_in_range: np.ndarray

    def frames(self, chosen: np.ndarray) -> Prediction:
        """Only the frames of a mask."""
        arrays = [field.name for field in fields(self) if field.name not in ("source", "elements")]
        return replace(self, **{name: getattr(self, name)[chosen] for name in arrays})


def test_errors(
    model: str | Path,
    test: str | Path,
    *,
    errors: str | Path,
    parity: str | Path,
    species: Sequence[str],
    threads: int,
    log: str | Path,
) -> None:
    """Run `dp test` on every system below `test` and write errors.json (`summarise`) and parity.npz (`parity_points`).

    Raises
    ------
    DlmdError
        where there is nothing to test on, or dp fails.
    """
    found = systems(test)
    if not found:
        raise DlmdError(
            "no trajectory is held out for testing",
            where=str(test),
            remedy="give a trajectory of labels.aimd 'split: test'",
        )
    errors, parity = Path(errors), Path(parity)
    work = errors.parent / "dp_test"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    args = [str(programs.locate("dp").absolute()), "--tf", "test", "-m", str(Path(model).absolute())]
    # a list, because dp finds the systems of a folder in no particular order
    (work / "systems.txt").write_text("".join(f"{system.absolute()}\n" for system in found))
    args += ["-f", "systems.txt", "-n", "0", "-d", "detail"]
    programs.run(args, cwd=work, log=Path(log).resolve(), threads=threads)
    predictions = read_details(work, found, species=species)

    arrays: dict[str, Any] = dict(parity_points(predictions, species=species))
    with whole(parity) as part:
        np.savez_compressed(part, **arrays)
    write_text(errors, json.dumps(summarise(predictions, species=species), indent=2) + "\n")
    shutil.rmtree(work)


def read_details(work: Path, found: Sequence[Path], *, species: Sequence[str]) -> list[Prediction]:
    """Predictions of the systems `found`, from the detail files that `dp test` wrote for them in this order.

    Raises
    ------
    DlmdError
        where the rows are not those of the systems.
    """
    energies, forces, virials = (
        parse_detail((work / f"detail.{kind}.out").read_text()) for kind in ("e", "f", "v")
    )
    predictions = []
    frame = row = 0
    for system in found:
        elements = np.array(species)[np.loadtxt(system / "type.raw", dtype=int, ndmin=1)]
        labels = np.concatenate([read_npy(path).ravel() for path in sorted(system.glob("set.*/energy.npy"))])
        frames, atoms = len(labels), len(elements)
        energy = energies[frame : frame + frames]
        force = forces[row : row + frames * atoms]
        virial = virials[frame : frame + frames]
        frame, row = frame + frames, row + frames * atoms
        # dp reads the labels in single precision
        same = len(energy) == frames and np.allclose(energy[:, 0], labels, rtol=1e-6)
        if not same or len(force) != frames * atoms or len(virial) != frames:
            raise DlmdError(
                f"what dp test wrote are not the {frames} frames of {system.name}",
                where=str(work),
                remedy="see the log of dp test",
            )
        predictions.append(
            Prediction(
                source=system.name,
                elements=elements,
                energy_reference=energy[:, 0] / atoms,
                energy_predicted=energy[:, 1] / atoms,
                force_reference=force[:, :3].reshape(-1, atoms, 3),
                force_predicted=force[:, 3:].reshape(-1, atoms, 3),
                virial_reference=virial[:, :9] / atoms,
                virial_predicted=virial[:, 9:] / atoms,
                volume=read_volumes(system, frames) / atoms,
                moments_in_range=read_moments(system, frames),
            )
        )
    if frame != len(energies) or row != len(forces):
        raise DlmdError(
            f"dp test wrote {len(energies)} frames, the held-out trajectories have {frame}",
            where=str(work),
            remedy="see the log of dp test",
        )
    return predictions


def read_volumes(system: Path, frames: int) -> np.ndarray:
    """(frames,) volumes (Å³) of a system whose labels have virials; all NaN where they have none."""
    sets = sorted(labels.parent for labels in system.glob("set.*/energy.npy"))
    if not all((one / "virial.npy").exists() for one in sets):
        return np.full(frames, np.nan)
    boxes = np.concatenate([read_npy(one / "box.npy").reshape(-1, 3, 3) for one in sets])
    return np.abs(np.linalg.det(boxes))


def read_moments(system: Path, frames: int) -> np.ndarray:
    """(frames,) flags of `dlmd.dataset.frames.MOMENTS_FILE`; all NaN where the engine judged no moments."""
    flags = np.concatenate(
        [
            np.load(labels.with_name(MOMENTS_FILE))
            if labels.with_name(MOMENTS_FILE).exists()
            else np.full(len(np.load(labels)), np.nan)
            for labels in sorted(system.glob("set.*/energy.npy"))
        ]
    )
    if len(flags) != frames:
        raise DlmdError(
            f"{len(flags)} flags of moments for {frames} frames",
            where=str(system),
            remedy="build the dataset again",
        )
    return flags


def parse_detail(text: str) -> np.ndarray:
    """(rows, columns) of a detail file of `dp test`, the systems one after the other; lines with # are headers."""
    return np.loadtxt(text.splitlines(), comments="#", ndmin=2)


def statistics(predictions: Sequence[Prediction], *, species: Sequence[str]) -> dict:
    """Errors over all values of the predictions (see the module's definitions), forces also per element and axis."""
    energy = np.concatenate([p.energy_predicted - p.energy_reference for p in predictions])
    virial = np.concatenate([(p.virial_predicted - p.virial_reference).ravel() for p in predictions])
    return {
        "frames": len(energy),
        "atoms": sorted({len(p.elements) for p in predictions}),
        "energy_mae_mev_per_atom": _mae(energy),
        "energy_rmse_mev_per_atom": _rms(energy),
        "virial_mae_mev_per_atom": _mae(virial),
        "virial_rmse_mev_per_atom": _rms(virial),
        **force_statistics(predictions),
        "force_by_element": {
            element: force_statistics(predictions, element=element)
            | {axis: force_statistics(predictions, element=element, axis=i) for i, axis in enumerate("xyz")}
            for element in species
            if any(element in p.elements for p in predictions)
        },
        "force_by_axis": {axis: force_statistics(predictions, axis=i) for i, axis in enumerate("xyz")},
    }


def force_statistics(
    predictions: Sequence[Prediction], *, element: str | None = None, axis: int | None = None
) -> dict[str, float]:
    """MAE, RMSE, RMS force (meV/Å) and relative RMSE over the force components of one element and axis, or of all."""
    axes = slice(None) if axis is None else slice(axis, axis + 1)
    chosen = [slice(None) if element is None else p.elements == element for p in predictions]
    reference = np.concatenate(
        [p.force_reference[:, c, axes].ravel() for p, c in zip(predictions, chosen, strict=True)]
    )
    predicted = np.concatenate(
        [p.force_predicted[:, c, axes].ravel() for p, c in zip(predictions, chosen, strict=True)]
    )
    error = predicted - reference
    return {
        "force_mae_mev_per_a": _mae(error),
        "force_rmse_mev_per_a": _rms(error),
        "force_rms_mev_per_a": _rms(reference),
        "relative_force_rmse": _rms(error) / _rms(reference),
    }


def summarise(predictions: Sequence[Prediction], *, species: Sequence[str]) -> dict:
    """Content of errors.json: `statistics` of everything, of each trajectory under `trajectories` with its `energy_slope` and
    `pressure_error_gpa`, and,
    where moments were judged, of the frames whose moments are in their state and of those that left it under `moments`."""
    summary = statistics(predictions, species=species) | {
        "trajectories": {
            p.source: statistics([p], species=species)
            | {"energy_slope": energy_slope(p), "pressure_error_gpa": pressure_error_gpa(p)}
            for p in predictions
        }
    }
    flags = np.concatenate([p.moments_in_range for p in predictions])
    if not np.isnan(flags).all():
        summary["moments"] = {"frames_not_judged": int(np.isnan(flags).sum())}
        for name, value in (("in_range", 1), ("left_their_state", 0)):
            some = [p.frames(p.moments_in_range == value) for p in predictions if value in p.moments_in_range]
            summary["moments"][name] = statistics(some, species=species) if some else {"frames": 0}
    return summary


def energy_slope(prediction: Prediction) -> dict[str, float] | None:
    """Least-squares slope of the predicted over the reference energies within one trajectory: `value`, `low`, `high` (95 %).

    The interval is the jackknife's over batches of consecutive frames, which are correlated. None below two frames per batch.
    """
    reference, predicted = (
        energy - energy.mean() for energy in (prediction.energy_reference, prediction.energy_predicted)
    )
    if len(reference) < 2 * SLOPE_BATCHES:
        return None
    above, below = (
        np.array([batch.sum() for batch in np.array_split(product, SLOPE_BATCHES)])
        for product in (reference * predicted, reference**2)
    )
    found = jackknife_ratio(above, below, confidence=CONFIDENCE)
    return None if found is None else asdict(found)


def pressure_error_gpa(prediction: Prediction) -> dict[str, float] | None:
    """Mean of the predicted less the reference pressure over one trajectory (GPa): `value`, `low`, `high` (95 %).

    None below `FEWEST_PRESSURES` frames, and without virials of the reference.
    """
    trace = (prediction.virial_predicted - prediction.virial_reference)[:, [0, 4, 8]].sum(axis=1)
    error = trace / 3 / prediction.volume / EV_PER_A3_PER_GPA
    if len(error) < FEWEST_PRESSURES or np.isnan(error).any():
        return None
    found = time_series.mean(error, confidence=CONFIDENCE, start=0)
    return {"value": found.value, "low": found.low, "high": found.high}


def parity_points(
    predictions: Sequence[Prediction], *, species: Sequence[str], max_points: int = MAX_POINTS, seed: int = 0
) -> dict[str, np.ndarray]:
    """Content of parity.npz: pairs of reference and prediction, at most `max_points` atoms or components of each kind,
    drawn without replacement.

    Keys: energy_{reference,predicted} (n,) eV per atom; force_{reference,predicted} (n, 3) eV/Å with force_element (n,);
    virial_{reference,predicted} (n,) eV per atom; {energy,force,virial}_total, the counts before drawing;
    where moments were judged, {energy,force,virial}_moments_in_range (n,), the flag of a point's frame (`Prediction`).
    """
    rng = np.random.default_rng(seed)
    flags = [p.moments_in_range for p in predictions]
    judged = not np.isnan(np.concatenate(flags)).all()

    def join(name: str, shape: tuple[int, ...]) -> np.ndarray:
        return np.concatenate([getattr(p, name).reshape(shape) for p in predictions])

    points: dict[str, np.ndarray] = {}
    for kind, shape in (("energy", (-1,)), ("force", (-1, 3)), ("virial", (-1,))):
        columns = {f"{kind}_{which}": join(f"{kind}_{which}", shape) for which in ("reference", "predicted")}
        if kind == "force":
            columns["force_element"] = np.concatenate(
                [np.tile(p.elements, len(p.energy_reference)) for p in predictions]
            )
        if judged:
            columns[f"{kind}_moments_in_range"] = np.concatenate(
                [
                    np.repeat(p.moments_in_range, len(getattr(p, f"{kind}_reference").reshape(shape)) // n)
                    for p, n in zip(predictions, map(len, flags), strict=True)
                ]
            )
        total = len(columns[f"{kind}_reference"])
        drawn = np.sort(rng.permutation(total)[:max_points])
        points |= {name: column[drawn] for name, column in columns.items()}
        points[f"{kind}_total"] = np.array(total)
    points["species"] = np.array(species)
    return points


def _mae(error: np.ndarray) -> float:
    return float(MEV_PER_EV * np.abs(error).mean())


def _rms(values: np.ndarray) -> float:
    return float(MEV_PER_EV * np.sqrt((values**2).mean()))
