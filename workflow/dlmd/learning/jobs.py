"""Rounds of the learning loop as jobs: explore, select, train on; `dlmd.learning.labels` labels what was selected.

A round that follows a settled one does nothing, quickly: its explorations are empty, nothing is selected or labelled, and its
potentials are those of the round before.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, whole, write_csv, write_json, write_table
from dlmd.config.launch import LammpsLaunch
from dlmd.learning import anions

if TYPE_CHECKING:
    from dlmd.learning.exploration import Explored
    from dlmd.learning.selection import Classes
    from dlmd.validation.committee import Committee

# Largest part of a round's training frames in which anions have met, while there are enough others.
MOST_BROKEN = 0.25
COLUMNS = ("round", "source", "time_ps", "largest_deviation_mev_per_a", "class", "selected")


def explore(
    relaxed: str,
    model: str,
    *,
    previous: str | None,
    explored: str,
    dynamics: Mapping,
    temperature_k: float,
    strain: float,
    steps: int,
    stride: int,
    discard_ps: float,
    seed: int,
    lammps: LammpsLaunch,
    threads: int,
    log: str,
) -> None:
    """One exploration with one member of the committee (see `dlmd.learning.exploration.explore`).

    Parameters
    ----------
    previous
        selected.json of the round before, or None in the first round.
    """
    import ase.io

    from dlmd.learning import exploration
    from dlmd.md.inputs import deepmd_dynamics
    from dlmd.process import programs
    from dlmd.structures import cells as structures

    atoms = structures.strain(ase.io.read(relaxed), strain)
    target = Path(explored)
    if previous is not None and read_json(previous)["settled"]:
        empty = np.empty((0, len(atoms), 3))
        exploration.Explored(
            empty, atoms.cell.array, np.empty(0), atoms.get_chemical_symbols(), [], "settled"
        ).save(target)
        return
    work = target.with_suffix(".work")
    exploration.explore(
        atoms,
        work,
        dynamics=deepmd_dynamics(model, dynamics, temperature_k=temperature_k, folder=work),
        steps=steps,
        stride=stride,
        discard_ps=discard_ps,
        seed=seed,
        lmp=programs.command("lmp", lammps.command),
        threads=threads,
        log=Path(log).resolve(),
    ).save(target)
    shutil.rmtree(work)


def select(
    explored: Sequence[str],
    models: Sequence[str],
    valid: str | None,
    *,
    previous: str | None,
    selected: str,
    result: str,
    table: str,
    number: int,
    sources: Sequence[Mapping],
    species: Sequence[str],
    bounds: Sequence[float],
    max_frames: int,
    settled_share: float,
    settled_change: float,
) -> None:
    """Judge the explored frames by the committee, and pick those to label.

    Parameters
    ----------
    sources
        Of every exploration `id`, `cell` (occupancy/cell/ordering), `temperature_k` and `strain`. `held_out` is there where
        labels are few, because the level starts from another: the part of them that explorations to be held out get, else 0;
        and with it `anions`, the elements of a negative charge.
    number
        Number of the round.

    Writes the picked frames (extxyz, without results), counts and held-out error (JSON), and every frame's deviation (CSV).
    """
    from dlmd.learning import selection
    from dlmd.validation.committee import Committee

    before = read_json(previous) if previous is not None else None
    if before is not None and before["settled"]:
        Path(selected).write_text("")
        Path(table).write_text(",".join(COLUMNS) + "\n")
        write_json(Path(result), before | {"round": number, "selected": 0, "passed_over": True})
        return
    members = Committee(models)
    frames = _judge(explored, sources, members, species)
    if not frames.place:
        raise DlmdError(
            "no exploration left a frame", where=result, remedy="see the logs of the explorations"
        )
    low, high = bounds
    classes = selection.classify(frames.deviation, low=low, high=high)
    error = _held_out_error(members, valid)
    settled = selection.settled(
        failing_share=classes.failing_share,
        error=error,
        previous_error=before["valid_force_rmse_mev_per_a"] if before else None,
        max_share=settled_share,
        max_change=settled_change,
    )
    picked = [] if settled else _pick(frames, classes, most=max_frames)
    _write_selected(selected, frames, picked)
    _write_table(table, number, frames, classes, picked)
    write_json(
        Path(result),
        {
            "round": number,
            "passed_over": False,
            **_counts(frames, classes),
            **_broken(frames),
            "selected": len(picked),
            "bounds_ev_per_a": [low, high],
            "largest_deviation_mev_per_a": _spread(frames.deviation),
            "valid_force_rmse_mev_per_a": error,
            "settled": settled,
        },
    )


@dataclass(frozen=True)
class _Frames:
    """All explored frames of a round, in the order of their explorations.

    Attributes
    ----------
    runs, sources
        The explorations, and what is known of each (see `select`).
    place
        Of every frame the number of its exploration, and its own number there.
    deviation
        (frames,) largest deviation of the committee on an atom, eV/Å.
    fingerprints
        Of every exploration that left frames, (its frames, features).
    met
        (frames,) whether anions have met that the crystal keeps apart; False where nobody asks.
    """

    runs: Sequence[Explored]
    sources: Sequence[Mapping]
    place: list[tuple[int, int]]
    deviation: np.ndarray
    fingerprints: list[np.ndarray]
    met: np.ndarray


def _judge(
    explored: Sequence[str], sources: Sequence[Mapping], members: Committee, species: Sequence[str]
) -> _Frames:
    """Let the committee predict and describe every explored frame."""
    from dlmd.learning import selection
    from dlmd.learning.exploration import Explored
    from dlmd.validation.committee import FrameDeviation

    runs = [Explored.load(Path(path)) for path in explored]
    deviation, fingerprints = [np.empty(0)], []
    environments, kinds = [], []
    for run in runs:
        if not len(run.positions):
            continue
        types = np.array([species.index(s) for s in run.symbols])
        cells = np.broadcast_to(run.cell, (len(run.positions), 3, 3))
        deviation.append(FrameDeviation.of(members.predict(run.positions, cells, types)[1]).largest)
        described = members.describe(run.positions, cells, types)
        fingerprints.append(selection.mean_descriptors(described, types, len(species)))
        if few_labels(sources):
            environments.append(selection.projected(described))
            kinds.append(types)
    if environments:
        composition = selection.environment_composition(environments, kinds, len(species))
        fingerprints = selection.together(fingerprints, composition)
    place = [(r, k) for r, run in enumerate(runs) for k in range(len(run.positions))]
    met = anions.met(runs, sources) if few_labels(sources) else np.zeros(len(place), bool)
    return _Frames(runs, sources, place, np.concatenate(deviation), fingerprints, met)


def few_labels(sources: Sequence[Mapping]) -> bool:
    """Whether the round is one of few labels, see `select`."""
    return any("held_out" in source for source in sources)


def _pick(frames: _Frames, classes: Classes, *, most: int) -> list[int]:
    """Numbers of at most `most` candidates that differ from each other; what is held out is picked by itself.

    Where labels are few, every frame that is not too strange is a candidate: the committee knows another level of theory, on
    which it may well agree. Frames in which anions have met teach that they must not, and are a quarter of what is trained on at
    most; none is held out, for what is right of a broken host says little of a whole one.
    """
    if not few_labels(frames.sources):
        return _spread_out(frames, classes.candidate, most=most)
    usable = np.sort(np.concatenate([classes.accurate, classes.candidate]))
    share = np.array([frames.sources[frames.place[i][0]]["held_out"] for i in usable])
    held_out = round(most * max(source["held_out"] for source in frames.sources))
    met = frames.met[usable]
    whole, broken, test = usable[(share == 0) & ~met], usable[(share == 0) & met], usable[(share > 0) & ~met]
    train, few = most - held_out, min(round(MOST_BROKEN * (most - held_out)), len(broken))
    picked = _spread_out(frames, whole, most=train - few)
    return [
        *picked,
        *_spread_out(frames, broken, most=train - len(picked)),
        *_spread_out(frames, test if len(test) else usable[share > 0], most=held_out),
    ]


def _spread_out(frames: _Frames, candidates: np.ndarray, *, most: int) -> list[int]:
    from dlmd.learning import selection

    chosen = selection.spread_out(
        np.concatenate(frames.fingerprints)[candidates],
        frames.deviation[candidates],
        most=most,
        distance=selection.duplicate_distance(frames.fingerprints),
    )
    return [int(candidates[c]) for c in chosen]


def _counts(frames: _Frames, classes: Classes) -> dict:
    """How many frames there are of each class, and which explorations ended early."""
    runs = zip(frames.sources, frames.runs, strict=True)
    return {
        "frames": len(frames.place),
        "accurate": len(classes.accurate),
        "candidate": len(classes.candidate),
        "failed": len(classes.failed),
        "failing_share": classes.failing_share,
        "ended_early": {source["id"]: run.ended for source, run in runs if run.ended},
    }


def _broken(frames: _Frames) -> dict:
    """How many frames there are whose host has come apart, where there are any."""
    number = int(frames.met.sum())
    return {"anions_met": number} if number else {}


def _spread(deviation_ev_per_a: np.ndarray) -> dict[str, float]:
    """Median and 99th percentile in meV/Å."""
    return {
        "median": float(1e3 * np.median(deviation_ev_per_a)),
        "percentile_99": float(1e3 * np.percentile(deviation_ev_per_a, 99)),
    }


def train(
    input: str,
    *,
    previous: Sequence[str],
    labels: str | None,
    model: str,
    compressed: str,
    lcurve: str,
    threads: int,
    log: str,
) -> None:
    """Train (see `dlmd.training.run.train`), unless the round before brought no new labels: then its potential stays.

    Parameters
    ----------
    previous
        model, compressed and lcurve of the round before; empty for a training from scratch.
    labels
        What `dlmd.learning.labels.gather` wrote of the round before, or None.
    """
    from dlmd.training import run as training

    outputs = (model, compressed, lcurve)
    if labels is not None and not read_json(labels)["labelled"]:
        print("no new labels: the potential of the round before stays", file=sys.stderr)
        for source, target in zip(previous, outputs, strict=True):
            with whole(target) as part:
                shutil.copyfile(source, part)
        return
    training.train(input, model=model, compressed=compressed, lcurve=lcurve, threads=threads, log=log)


def summarise(
    selections: Sequence[str], labels: Sequence[str], *, table: str, figures: Sequence[str]
) -> None:
    """One row per round, and its figure."""
    from dlmd.learning import plots

    keys = (
        "round",
        "passed_over",
        "frames",
        "accurate",
        "candidate",
        "failed",
        "selected",
        "labelled",
        "unconverged",
        "too_strange",
        "valid_force_rmse_mev_per_a",
        "settled",
    )
    rows = [read_json(s) | read_json(g) for s, g in zip(selections, labels, strict=True)]
    write_csv(table, rows, keys)
    plots.rounds([row for row in rows if not row["passed_over"]], figures)


def _held_out_error(members: Committee, valid: str | None) -> float | None:
    """Force RMSE (meV/Å) over all members and all components of the systems below `valid`; None without any."""
    from dlmd.training.systems import read_system, systems

    total, count = 0.0, 0
    for system in systems(valid) if valid else ():
        frames = read_system(system)
        error = members.predict(frames.positions, frames.cells, frames.types)[1] - frames.forces
        total, count = total + float((error**2).sum()), count + error.size
    return float(1e3 * np.sqrt(total / count)) if count else None


def _write_selected(path: str, explored: _Frames, picked: Sequence[int]) -> None:
    import ase.io
    from ase import Atoms

    frames = []
    for i in picked:
        r, k = explored.place[i]
        run, source = explored.runs[r], explored.sources[r]
        atoms = Atoms(run.symbols, positions=run.positions[k], cell=run.cell, pbc=True)
        if run.sites:
            atoms.set_array("site", np.array(run.sites))
        atoms.info = {
            "time_ps": float(run.time_ps[k]),
            "temperature_k": float(source["temperature_k"]),
            "strain": float(source["strain"]),
            "source": source["id"],
            "explored_cell": source["cell"],
            "deviation_ev_per_a": float(explored.deviation[i]),
        }
        frames.append(atoms)
    with whole(path) as part:
        part.write_text("")
        if frames:
            ase.io.write(part, frames, format="extxyz")


def _write_table(path: str, number: int, frames: _Frames, classes: Classes, picked: Sequence[int]) -> None:
    names = np.full(len(frames.place), "accurate", dtype=object)
    names[classes.candidate], names[classes.failed] = "candidate", "failed"
    selected = {i: rank for rank, i in enumerate(picked)}
    rows = [
        (
            number,
            frames.sources[r]["id"],
            f"{frames.runs[r].time_ps[k]:.6g}",
            f"{1e3 * frames.deviation[i]:.4g}",
            names[i],
            selected.get(i, ""),
        )
        for i, (r, k) in enumerate(frames.place)
    ]
    write_table(path, COLUMNS, rows)
