"""What a training on another level's labels begins with: that level's potential, with the energies per atom of the new one.

Two levels of theory differ by a constant per atom of each element, several eV with other pseudopotentials. Training would spend
its steps on it, so the potential is given it beforehand: energies of labels minus predictions, per element, by least squares.
Forces and stresses of the potential stay as they are. Only the constants change hands; no label of the other level is trained on.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlmd.base.errors import DlmdError, first_line
from dlmd.base.files import whole, write_json
from dlmd.base.likeness import correlation, slope
from dlmd.base.provenance import file_sha256
from dlmd.training.systems import System, read_system, systems

VERSION = 1

# node of a frozen model that holds the constant of every element
BIAS = "fitting_attr/t_bias_atom_e"
# Forces of two levels of one material are alike: the softest pretrained potential known has 0.6 of another's. Labels in Hartree
# and Bohr have 0.02 or 0.5 and no likeness at all.
LIKE_SLOPE = (0.3, 3.0)
LIKE_CORRELATION = 0.3
# A potential whose forces are like the labels' tells of energies and stresses. Stresses with the other sign are as unlike as can
# be; energies, about the mean of their composition, vary with the forces: in Hartree by a 27th of that, in Rydberg by a 14th, in
# kcal/mol by 23 times as much. A few frames could be of one mind by chance.
JUDGE_CORRELATION = 0.6
OPPOSITE = -0.5
ENERGY_OVER_FORCE = (0.2, 5.0)
ENERGY_CORRELATION = 0.8
LEAST_FRAMES = 6


class Prediction(NamedTuple):
    """Energies (frames,), forces (frames, atoms, 3) and virials (frames, 3, 3) of a potential."""

    energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray


def make(model: str, train: str, *, start: str, record: str, species: Sequence[str]) -> None:
    """Write the potential `model` with energies of the labels below `train` as `start`, and what was found as JSON.

    Raises
    ------
    DlmdError
        where the potential is for other elements, its forces have nothing to do with the labels', or energies or stresses are
        its own in another unit or with the other sign.
    """
    potential = load(model, species)
    found = [read_system(folder) for folder in systems(train)]
    predicted = [_predict(potential, system) for system in found]
    counts = np.concatenate([np.tile(s.counts(len(species)), (len(s.energies), 1)) for s in found])
    offsets = np.concatenate([s.energies - e for s, (e, _, _) in zip(found, predicted, strict=True)])
    shift = energy_shift(counts, offsets)
    likeness = force_likeness(
        np.concatenate([s.forces.ravel() for s in found]),
        np.concatenate([f.ravel() for _, f, _ in predicted]),
    )
    _require_alike(likeness, where=train)
    varied = variation(found, predicted)
    _require_same_units(likeness | varied, where=train)
    left = (offsets - counts @ shift) / counts.sum(axis=1)
    with whole(start) as part:
        _shifted(model, shift, part)
    write_json(
        Path(record),
        {
            "version": VERSION,
            "model_sha256": file_sha256(model),
            "frames": len(offsets),
            "compositions": len(np.unique(counts, axis=0)),
            "shift_ev_per_atom": dict(zip(species, shift.tolist(), strict=True)),
            # one composition alone cannot tell the elements' shifts apart: only their sum is known then
            "elements_told_apart": bool(np.linalg.matrix_rank(counts) == len(species)),
            "energy_rmse_left_mev_per_atom": float(1e3 * np.sqrt((left**2).mean())),
            **likeness,
            **varied,
        },
    )
    print(
        f"energies are shifted by {shift.round(4).tolist()} eV per atom of {', '.join(species)}",
        file=sys.stderr,
    )


def take(given: str, *, model: str, compressed: str, species: Sequence[str]) -> None:
    """A potential of the user's own in the places of a trained one, if it is for the run's elements in their order.

    Raises
    ------
    DlmdError
        for a file that is no potential, or one for other elements.
    """
    load(given, species)
    for target in (model, compressed):
        with whole(target) as part:
            shutil.copyfile(given, part)


def load(model: str | Path, species: Sequence[str]):
    """The potential, whose types must be `species` in this order.

    Raises
    ------
    DlmdError
        otherwise.
    """
    from deepmd.infer import DeepPot

    try:
        potential = DeepPot(str(Path(model).resolve()))
        types = list(potential.get_type_map())
    except Exception as error:
        raise DlmdError(
            f"this is no potential that DeePMD-kit can load: {first_line(error)}",
            where=str(model),
            remedy="give a frozen model (dp --tf freeze)",
        ) from None
    if types != list(species):
        raise DlmdError(
            f"the potential is for {', '.join(types)}, the run has {', '.join(species)}",
            where=str(model),
            remedy="give one for these elements, or write material.species in the potential's order",
        )
    return potential


def energy_shift(counts: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(elements,) constants whose sums over `counts` (frames, elements) are nearest to `offsets` (frames,), eV.

    Of all that are equally near, as with one composition alone, the smallest.
    """
    per_atom = counts.sum(axis=1, keepdims=True)
    return np.linalg.lstsq(counts / per_atom, offsets / per_atom[:, 0], rcond=1e-10)[0]


def force_likeness(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Slope (least squares) and correlation of the labels' force components over the predicted ones."""
    return {
        "force_slope": slope(labels, predicted),
        "force_correlation": correlation(labels, predicted),
    }


def variation(found: Sequence[System], predicted: Sequence[Prediction]) -> dict[str, float]:
    """How energies (per atom) and stresses of labels vary with the predicted ones about the mean of each composition.

    Correlation of both, and the slope of energies; empty where frames are too few or do not vary.
    """
    members: dict[tuple[int, ...], list[int]] = {}
    for i, system in enumerate(found):
        members.setdefault(tuple(np.bincount(system.types)), []).append(i)
    energies, stresses = [], []
    for own in members.values():
        pairs = [
            (
                np.stack([found[i].energies, predicted[i].energies]) / len(found[i].types),
                np.stack([_stresses(found[i], found[i].virials), _stresses(found[i], predicted[i].virials)]),
            )
            for i in own
        ]
        energy, stress = (np.concatenate(some, axis=1) for some in zip(*pairs, strict=True))
        energies.append(energy - energy.mean(axis=1, keepdims=True))
        stresses.append((stress - stress.mean(axis=1, keepdims=True)).reshape(2, -1))
    of_energies, of_stresses = np.concatenate(energies, axis=1), np.concatenate(stresses, axis=1)
    if of_energies.shape[1] - len(members) < LEAST_FRAMES - 1:
        return {}
    told = {}
    if (of_energies.std(axis=1) > 0).all():
        told["energy_slope"] = float(of_energies[0] @ of_energies[1] / (of_energies[1] @ of_energies[1]))
        told["energy_correlation"] = float(np.corrcoef(of_energies)[0, 1])
    if (of_stresses.std(axis=1) > 0).all():
        told["stress_correlation"] = float(np.corrcoef(of_stresses)[0, 1])
    return told


def _stresses(system: System, virials: np.ndarray) -> np.ndarray:
    """(frames, 6) independent components in eV/Å³."""
    volumes = np.abs(np.linalg.det(system.cells))[:, None, None]
    return (-virials / volumes)[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]


def _require_same_units(found: dict[str, float], *, where: str) -> None:
    if found["force_correlation"] < JUDGE_CORRELATION:
        return
    if found.get("stress_correlation", 0.0) < OPPOSITE:
        raise DlmdError(
            "the labels' stresses vary against those of the potential to start from (correlation "
            f"{found['stress_correlation']:.2f}): they have the other sign",
            where=where,
            remedy="give stresses as ASE has them, positive under tension (outputs of VASP and LAMMPS have pressures)",
        )
    low, high = ENERGY_OVER_FORCE
    times = found.get("energy_slope", found["force_slope"]) / found["force_slope"]
    if not low <= times <= high and found["energy_correlation"] > ENERGY_CORRELATION:
        raise DlmdError(
            f"the labels' energies vary {times:.3g} times as much as their forces say (correlation with those of the start's "
            f"potential {found['energy_correlation']:.2f}), so they are in another unit",
            where=where,
            remedy="give energies in eV per cell (1 Ha = 27.2 eV, 1 Ry = 13.6 eV, 1 kcal/mol = 0.0434 eV)",
        )


def _require_alike(found: dict[str, float], *, where: str) -> None:
    low, high = LIKE_SLOPE
    slope, correlation = found["force_slope"], found["force_correlation"]
    if not (low <= slope <= high and correlation >= LIKE_CORRELATION):
        raise DlmdError(
            f"the labels' forces are {slope:.3g} times those of the potential to start from (correlation {correlation:.2f}), "
            "so they are of other structures or in other units",
            where=where,
            remedy="give energies in eV and forces in eV/Å (1 Ha/Bohr = 51.4 eV/Å), or start from another level",
        )


def _predict(potential, system: System) -> Prediction:
    n = len(system.energies)
    energy, forces, virials = potential.eval(
        system.positions.reshape(n, -1), system.cells.reshape(n, 9), system.types
    )
    return Prediction(energy.reshape(n), forces, virials.reshape(n, 3, 3))


def _shifted(model: str, shift: np.ndarray, target: Path) -> None:
    """Write a copy of a frozen model whose constants are higher by `shift` (eV per atom of each type)."""
    from deepmd.tf.env import tf
    from tensorflow.python.framework import tensor_util

    graph = tf.GraphDef()
    graph.ParseFromString(Path(model).read_bytes())
    nodes = [node for node in graph.node if node.name == BIAS]
    if len(nodes) != 1:
        raise DlmdError(
            "the potential has no energies per element that could be changed",
            where=str(model),
            remedy="start from a potential of the type se_e2_a, frozen by DeePMD-kit 2.1 or newer",
        )
    value = nodes[0].attr["value"].tensor
    before = tensor_util.MakeNdarray(value)
    value.CopyFrom(tensor_util.make_tensor_proto((before + shift.reshape(before.shape)).astype(before.dtype)))
    target.write_bytes(graph.SerializeToString())
