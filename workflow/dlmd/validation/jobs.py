"""What a potential is worth: its plots, what a committee says of it, trial runs, and the acceptance that they decide."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_csv, write_json, write_table, write_text
from dlmd.base.units import FS_PER_PS
from dlmd.config.launch import LammpsLaunch
from dlmd.validation import acceptance, trial
from dlmd.validation import committee as committee_numbers

if TYPE_CHECKING:
    from ase import Atoms

    from dlmd.md.inputs import Dynamics

COMMITTEE_FRAMES = 30
# what is said of a trial that ended early
NOT_JUDGED: dict[str, Any] = {
    "energy_drift_mev_per_atom_ps": None,
    "temperature_error": None,
    "host_coordination": {},
    "rdf": None,
    "relative_deviation": None,
}
# Frames of a run that are judged: enough to see a trend, few enough for any size.
RUN_FRAMES = 200
BATCH = 16


def try_out(
    relaxed: str,
    models: Sequence[str],
    labels: Sequence[str],
    *,
    potential: int,
    result: str,
    table: str,
    figures: Sequence[str],
    plan: Mapping,
    dynamics: Mapping,
    temperature_k: float,
    charges: Mapping[str, int],
    discard_ps: float,
    seed: int,
    lammps: LammpsLaunch,
    threads: int,
    log: str,
) -> None:
    """Trial run of potential number `potential`, judged by the engine's labels and by the other `models`.

    What is run and measured is in `dlmd.validation.trial`.

    Parameters
    ----------
    labels
        Label trajectories at the temperature of the RDF comparison; none leaves the comparison out.
    plan
        Fields of `dlmd.validation.trial.Plan`.
    """
    import ase.io

    from dlmd.md.inputs import deepmd_dynamics
    from dlmd.process import programs
    from dlmd.validation import trial_plots

    atoms = ase.io.read(relaxed)
    limits = trial.Plan(**plan)
    work = Path(result).with_suffix(".work")
    settings = deepmd_dynamics(models[potential], dynamics, temperature_k=temperature_k, folder=work)
    run = trial.run(
        atoms,
        work,
        dynamics=settings,
        plan=limits,
        seed=seed,
        lmp=programs.command("lmp", lammps.command),
        threads=threads,
        log=Path(log).resolve(),
    )
    found = {
        "potential": potential,
        "temperature_k": temperature_k,
        "ended": run.ended,
        **NOT_JUDGED,
    }
    if not run.ended:
        found |= _stability(run, atoms, settings, charges)
        if labels:
            found["rdf"] = _rdf(run, atoms.get_chemical_symbols(), labels, limits, settings, discard_ps)
        if len(models) > 1:
            found["relative_deviation"] = _relative_deviation(run, atoms, models, settings.species)
    _write_table(table, run, settings.time_step_fs)
    trial_plots.trial(table, n_atoms=len(atoms), temperature_k=temperature_k, figures=figures)
    write_json(Path(result), found)
    shutil.rmtree(work)


def _stability(run: trial.TrialRun, atoms: Atoms, settings: Dynamics, charges: Mapping[str, int]) -> dict:
    """What the NVE part says of energy and temperature, and of the bonds of the host."""
    return {
        "energy_drift_mev_per_atom_ps": trial.energy_drift_mev_per_atom_ps(
            run.nve, n_atoms=len(atoms), time_step_fs=settings.time_step_fs
        ),
        "temperature_error": trial.temperature_error(run.nve, temperature_k=settings.temperature_k),
        "host_coordination": trial.host_coordination(
            atoms, run.nve_frames, cell=run.cell, charges=charges, mobile=settings.mobile
        ),
    }


def _write_table(path: str, run: trial.TrialRun, time_step_fs: float) -> None:
    """Temperature and energy along both parts, as CSV."""
    rows = [
        (part, f"{step * time_step_fs / 1e3:.6g}", temperature, energy)
        for part, found in (("nvt", run.nvt), ("nve", run.nve))
        for step, temperature, energy in found
    ]
    write_table(path, ("part", "time_ps", "temperature_k", "total_energy_ev"), rows)


def _rdf(run, symbols, labels, plan, settings, discard_ps: float) -> dict:
    """Mean difference of the RDFs over all pairs, by their number, over the time that the trial and the labels share."""
    import ase.io

    from dlmd.trajectory import rdf

    interval = plan.stride * settings.time_step_fs / 1e3
    time_ps = np.arange(len(run.rdf_frames)) * interval
    engines = []
    for path in labels:
        images = [
            a
            for a in ase.io.read(path, ":")
            if discard_ps - 1e-9 <= a.info["time_ps"] <= plan.rdf_steps * settings.time_step_fs / 1e3 + 1e-9
        ]
        if images:
            positions = np.array([a.positions for a in images])
            engines.append(rdf.rdfs(positions, images[0].get_chemical_symbols(), cell=images[0].cell.array))
    kept = time_ps >= discard_ps - 1e-9
    if not engines or not kept.any():
        raise DlmdError(
            f"the trial run and the engine's have no time in common after {discard_ps:g} ps",
            where="labels.aimd.discard_ps",
            remedy="lower it, or raise validation.trial_ps",
        )
    potential = rdf.rdfs(run.rdf_frames[kept], symbols, cell=run.cell)
    found = rdf.difference(potential, rdf.mean(engines))
    number = {s: symbols.count(s) for s in set(symbols)}

    def pairs(name: str) -> float:
        one, other = name.split("-")
        return number[one] * (number[other] - (one == other)) / (2 if one == other else 1)

    weights = np.array([pairs(name) for name in found["pairs"]])
    values = np.array(list(found["pairs"].values()))
    return {
        "difference": float((weights * values).sum() / weights.sum()),
        "worst": found["worst"],
        "pairs": found["pairs"],
        "frames": {"potential": int(kept.sum()), "engine": int(sum(e.n_frames for e in engines))},
    }


def _relative_deviation(run, atoms, models, species) -> float:
    """RMS deviation of the committee over the RMS force, on at most `COMMITTEE_FRAMES` frames of the NVE part."""
    from dlmd.validation.committee import Committee, atom_deviation

    chosen = np.unique(np.linspace(0, len(run.nve_frames) - 1, COMMITTEE_FRAMES).round().astype(int))
    frames = run.nve_frames[chosen]
    types = np.array([list(species).index(s) for s in atoms.get_chemical_symbols()])
    cells = np.broadcast_to(run.cell, (len(frames), 3, 3))
    forces = Committee(models).predict(frames, cells, types)[1]
    return float(
        np.sqrt((atom_deviation(forces) ** 2).mean() / (forces.mean(axis=0) ** 2).sum(axis=-1).mean())
    )


def accept(
    errors: str | None,
    trials: Sequence[str],
    committee: str | None,
    few: str | None = None,
    met: str | None = None,
    *,
    accepted: str,
    bounds: Mapping[str, float],
    hottest_k: float,
) -> None:
    """Write `accepted` with all numbers, or raise with every bound that is not kept (see `dlmd.validation.acceptance`)."""
    found = acceptance.checks(
        read_json(errors) if errors else None,
        [read_json(t) for t in trials],
        read_json(committee) if committee else None,
        bounds,
        few=read_json(few) if few else None,
    )
    if met:
        found += acceptance.met_anions(read_json(met), bounds, hottest_k=hottest_k)
    intervals = acceptance.measured(read_json(errors) if errors else None, read_json(few) if few else None)
    for check in found:
        shown = check.text if check.name in intervals else f"{check.value:.4g} (bound {check.bound:g})"
        print(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {shown}")
    write_json(Path(accepted), acceptance.require(found, where=str(Path(accepted).parent)))


def plot_potential(
    errors: str,
    parity: str,
    lcurve: str | None,
    *,
    parity_figures: Sequence[str],
    curve_figures: Sequence[str],
) -> None:
    """Parity plots and the learning curve."""
    from dlmd.validation import plots

    plots.parity(parity, errors, parity_figures)
    plots.learning_curve(lcurve, curve_figures)


def held_out(models: Sequence[str], test: str, *, result: str, table: str, figures: Sequence[str]) -> None:
    """Deviation and error on all systems below `test`: JSON with the calibration, CSV by frame, figure.

    Raises
    ------
    DlmdError
        where there is nothing to test on.
    """
    from dlmd.training.systems import read_system, systems
    from dlmd.validation import committee_plots

    found = systems(test)
    if not found:
        raise DlmdError(
            "no trajectory is held out for testing",
            where=test,
            remedy="give a trajectory of labels.aimd 'split: test'",
        )
    members = committee_numbers.Committee(models)
    judged, squares, reference = [], np.zeros(len(models)), 0.0
    rows: list[dict[str, Any]] = []
    for system in found:
        frames = read_system(system)
        _, predicted = members.predict(frames.positions, frames.cells, frames.types)
        one = committee_numbers.judge(predicted, frames.forces)
        judged.append(one)
        squares += (one.error**2).sum(axis=(1, 2))
        reference += float((frames.forces**2).sum())
        deviation = committee_numbers.FrameDeviation.of(predicted)
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
            for k in range(len(frames.positions))
        ]
    write_csv(table, rows)
    calibration = committee_numbers.calibrate(judged)
    largest = [float(row["largest_deviation_mev_per_a"]) for row in rows]
    committee_plots.calibration(calibration, figures)
    write_json(
        Path(result),
        calibration
        | {
            "version": committee_numbers.VERSION,
            "relative_force_rmse": np.sqrt(squares / reference).tolist(),
            "largest_deviation_mev_per_a": {
                "median": float(np.median(largest)),
                "percentile_99": float(np.percentile(largest, 99)),
            },
        },
    )


def deviation(models: Sequence[str], segments: Sequence[str], *, table: str) -> None:
    """Deviation of at most `RUN_FRAMES` frames of all atoms of one production run, as CSV by time."""
    from dlmd.trajectory.segments import all_atoms

    atoms = all_atoms(segments, max_frames=RUN_FRAMES)
    species = read_json(segments[0])["species"]
    types = np.array([species.index(s) for s in atoms.symbols])
    members = committee_numbers.Committee(models)
    lines = ["time_ps,largest_mev_per_a,mean_mev_per_a,smallest_mev_per_a"]
    for first in range(0, len(atoms.positions), BATCH):
        positions = atoms.positions[first : first + BATCH].astype(np.float64)
        cells = np.broadcast_to(atoms.cell, (len(positions), 3, 3))
        deviation = committee_numbers.FrameDeviation.of(members.predict(positions, cells, types)[1])
        for k in range(len(positions)):
            time_ps = atoms.steps[first + k] * atoms.time_step_fs / FS_PER_PS
            values = (deviation.largest[k], deviation.mean[k], deviation.smallest[k])
            lines.append(f"{time_ps:.6g}," + ",".join(f"{1e3 * v:.4g}" for v in values))
    write_text(table, "\n".join(lines) + "\n")


def plot_deviation(
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
