"""What few labels have made of a potential: held-out single points before and after, and what more labels would bring.

Slopes are sum(predicted x reference) / sum(reference²), of force components and of energies about the mean of their system. Both
are 1 for a good potential; below 1 the surface is too soft, and its barriers are too low by as much. Intervals are those of the
jackknife over frames, which are single points of long dynamics and count as independent.

The learning curve is of trainings with parts of the labels, all else being the same. Error and number of labels N are related by

    error² = floor² + b / N,

with floor the limit of this network and this length of training: what no number of labels would mend. How much of it is there on
the frames that were trained on, too, says whether longer training would.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_json
from dlmd.base.intervals import jackknife, jackknife_ratio
from dlmd.base.units import BOLTZMANN_EV_PER_K, EV_PER_A3_PER_GPA
from dlmd.training.systems import System, read_system, systems

VERSION = 1

CONFIDENCE = 0.95
# below this many frames the jackknife says nothing
FEWEST = 4
# part of the held-out error's square that the trained frames show too, above which the training is what limits
UNLEARNT = 0.5
# barrier (eV) for which an error of the slope is put into words: that of a good conductor
TYPICAL_BARRIER_EV = 0.3
MEV = 1000.0


@dataclass(frozen=True)
class Compared:
    """Held-out frames and a potential's answer: per frame sums over force components, energies per atom about their system's mean
    (eV), and pressures (GPa)."""

    force_cross: np.ndarray
    force_square: np.ndarray
    force_error: np.ndarray
    components: np.ndarray
    energy_reference: np.ndarray
    energy_predicted: np.ndarray
    pressure_error_gpa: np.ndarray


def compare(model: str | Path, found: Sequence[System]) -> Compared:
    """Let a potential predict all frames of some systems."""
    from deepmd.infer import DeepPot

    potential = DeepPot(str(Path(model).resolve()))
    rows: list[list[np.ndarray]] = []
    for system in found:
        n, atoms = len(system.energies), len(system.types)
        energy, forces, virial = potential.eval(
            system.positions.reshape(n, -1), system.cells.reshape(n, 9), system.types
        )
        reference, volume = system.forces, np.abs(np.linalg.det(system.cells))
        trace = (virial.reshape(n, 3, 3) - system.virials).trace(axis1=1, axis2=2) / 3
        own, predicted = system.energies / atoms, energy.reshape(n) / atoms
        rows.append(
            [
                (forces * reference).sum(axis=(1, 2)),
                (reference**2).sum(axis=(1, 2)),
                ((forces - reference) ** 2).sum(axis=(1, 2)),
                np.full(n, 3 * atoms),
                own - own.mean(),
                predicted - predicted.mean(),
                trace / volume / EV_PER_A3_PER_GPA,
            ]
        )
    return Compared(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def numbers(found: Compared) -> dict[str, Any]:
    """Errors, slopes and the mean error of the pressure with intervals, None where there are too few frames for one."""
    n = len(found.force_square)
    enough = n >= FEWEST

    def ratio(above: np.ndarray, below: np.ndarray) -> dict[str, float] | None:
        estimate = jackknife_ratio(above, below, confidence=CONFIDENCE) if enough else None
        return None if estimate is None else asdict(estimate)

    left_out = (found.pressure_error_gpa.sum() - found.pressure_error_gpa) / max(1, n - 1)
    pressure = float(found.pressure_error_gpa.mean())
    return {
        "frames": n,
        "force_rmse_mev_per_a": float(MEV * np.sqrt(found.force_error.sum() / found.components.sum())),
        "force_rms_mev_per_a": float(MEV * np.sqrt(found.force_square.sum() / found.components.sum())),
        "relative_force_rmse": float(np.sqrt(found.force_error.sum() / found.force_square.sum())),
        "force_slope": ratio(found.force_cross, found.force_square),
        "energy_slope": ratio(found.energy_predicted * found.energy_reference, found.energy_reference**2),
        "pressure_error_gpa": asdict(jackknife(pressure, left_out, confidence=CONFIDENCE))
        if enough
        else None,
    }


def learning_curve(labels: Sequence[int], errors: Sequence[float]) -> dict[str, Any]:
    """Floor and b of the module's relation, from errors at numbers of labels, and how many labels would halve the last error."""
    from scipy.optimize import nnls

    n, squares = np.asarray(labels, float), np.asarray(errors, float) ** 2
    # relative errors count: the smallest ones are as well known as the largest
    (floor2, b), _ = nnls(np.stack([1 / squares, 1 / (n * squares)], axis=1), np.ones(len(n)))
    half = float(squares[-1]) / 4
    more = math.ceil(b / (half - floor2)) if b > 0 and half > floor2 else None
    return {"floor": math.sqrt(floor2), "b": float(b), "labels_to_halve": more}


def judge(
    model: str,
    start: str,
    train: str,
    test: str,
    shares: Sequence[str],
    *,
    result: str,
    lowest_k: float,
) -> None:
    """Write what the labels of a level that starts from another have brought.

    Parameters
    ----------
    model, start
        The potential, and the one that its training began with.
    shares
        Records of the trainings with parts of the labels (`train_part`).
    lowest_k
        Production's lowest temperature, for which errors of the slope are put into words.
    """
    held_out = [read_system(folder) for folder in systems(test)]
    if not held_out:
        raise DlmdError(
            "no single point is held out",
            where=test,
            remedy="give labels 'split: test', or see which of them were dropped in provenance.csv",
        )
    trained = [read_system(folder) for folder in systems(train)]
    count = sum(len(system.energies) for system in trained)
    before, after = (numbers(compare(path, held_out)) for path in (start, model))
    points = sorted((record["labels"], record["relative_force_rmse"]) for record in map(read_json, shares))
    points.append((count, after["relative_force_rmse"]))
    curve = learning_curve(*zip(*points, strict=True)) if len(points) > 1 else None
    found = {
        "version": VERSION,
        "labels": count,
        "before": before,
        "after": after,
        "trained_relative_force_rmse": numbers(compare(model, trained))["relative_force_rmse"],
        "curve": [{"labels": n, "relative_force_rmse": error} for n, error in points],
        "relation": curve,
        "lowest_temperature_k": lowest_k,
    }
    write_json(Path(result), found | {"sentences": sentences(found)})
    print(*sentences(found), sep="\n", file=sys.stderr)


def sentences(found: Mapping[str, Any]) -> list[str]:
    """The result in words."""
    before, after = found["before"], found["after"]
    lines = [
        f"{found['labels']} labels and {after['frames']} held-out single points: the force error is "
        f"{after['relative_force_rmse']:.1%} of the RMS force, and was {before['relative_force_rmse']:.1%} with the potential "
        "that the training began with."
    ]
    slope, first = after["force_slope"], before["force_slope"]
    if slope and first:
        lines.append(
            f"Forces are {slope['value']:.2f} ({slope['low']:.2f} to {slope['high']:.2f}) times the labels', "
            f"{first['value']:.2f} before."
        )
    else:
        lines.append(
            f"Softening cannot be judged: {after['frames']} held-out frames, at least {FEWEST} are needed."
        )
    energy = after["energy_slope"]
    if energy:
        low, high = (d_factor(energy[side], found["lowest_temperature_k"]) for side in ("high", "low"))
        lines.append(
            f"Energies vary {energy['value']:.2f} ({energy['low']:.2f} to {energy['high']:.2f}) times as much: with a barrier "
            f"of {TYPICAL_BARRIER_EV} eV D at {found['lowest_temperature_k']:g} K could be {low:.2g} to {high:.2g} times the "
            "true one."
        )
    pressure = after["pressure_error_gpa"]
    if pressure:
        lines.append(
            f"The pressure is {pressure['value']:+.2f} ({pressure['low']:+.2f} to {pressure['high']:+.2f}) GPa off on held-out "
            f"frames: by so much the relaxed cell is pressed."
        )
    relation = found["relation"]
    if relation:
        limit = (
            f"by the curve of {len(found['curve'])} trainings the limit of this network and length of training is "
            f"{relation['floor']:.1%}"
        )
        more = relation["labels_to_halve"]
        lines.append(
            f"Some {more} labels would halve the force error ({limit})."
            if more
            else f"More labels alone would not halve the force error: {limit}."
        )
    trained = found.get("trained_relative_force_rmse", 0.0)
    if trained**2 > UNLEARNT * after["relative_force_rmse"] ** 2:
        lines.append(
            f"The labels that it trained on are missed by {trained:.1%}, too: what is left is not learnt yet. Longer training "
            "(training.fine_tuning.steps) or a larger network lowers it."
        )
    return lines


def d_factor(slope: float, temperature_k: float) -> float:
    """Factor by which D is wrong where barriers are `slope` times the right ones."""
    return math.exp((1 - slope) * TYPICAL_BARRIER_EV / (BOLTZMANN_EV_PER_K * temperature_k))


def train_part(
    train: str,
    test: str,
    start: str,
    *,
    result: str,
    share: float,
    settings: Mapping,
    species: Sequence[str],
    seed: int,
    threads: int,
    log: str,
) -> None:
    """Train on a part of the labels and write the error on the held-out ones; the potential is not kept."""
    import shutil

    from dlmd.training import input as training_input
    from dlmd.training import run as training

    place = Path(result).with_suffix(".work")
    place.mkdir(parents=True, exist_ok=True)
    count = take_part(Path(train), place / "train", share, seed=seed)
    (place / "valid").mkdir(exist_ok=True)
    training_input.write_input(
        place / "input.json",
        train=place / "train",
        valid=place / "valid",
        settings=settings,
        species=species,
        seed=seed,
        start=start,
    )
    training.train(
        place / "input.json",
        model=place / "model.pb",
        compressed=place / "compressed.pb",
        lcurve=place / "lcurve.csv",
        threads=threads,
        log=log,
    )
    after = numbers(compare(place / "compressed.pb", [read_system(folder) for folder in systems(test)]))
    write_json(Path(result), {"version": VERSION, "labels": count, "share": share, **after})
    shutil.rmtree(place)


def take_part(train: Path, target: Path, share: float, *, seed: int) -> int:
    """Copy a part of the frames of all systems, drawn once for all shares: a smaller share is a part of a larger one.

    Returns
    -------
    int
        Their number, at least one.
    """
    import shutil

    shutil.rmtree(target, ignore_errors=True)
    found = systems(train)
    places = [(s, k) for s, folder in enumerate(found) for k in range(len(read_system(folder).energies))]
    order = np.random.default_rng(seed).permutation(len(places))
    chosen = [places[i] for i in order[: max(1, round(share * len(places)))]]
    for s, folder in enumerate(found):
        frames = sorted(k for system, k in chosen if system == s)
        if not frames:
            continue
        own = target / folder.relative_to(train)
        (own / "set.000").mkdir(parents=True)
        for name in ("type.raw", "type_map.raw"):
            if (folder / name).exists():
                shutil.copyfile(folder / name, own / name)
        for name in ("coord", "box", "force", "energy", "virial"):
            values = np.concatenate([np.load(part / f"{name}.npy") for part in sorted(folder.glob("set.*"))])
            np.save(own / "set.000" / f"{name}.npy", values[frames])
    return len(chosen)
