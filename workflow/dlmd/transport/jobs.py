"""From MD segments to the numbers of one temperature, their Arrhenius fit, RDFs over the engine's, and the error budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmd.base import time_series
from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_csv, write_json
from dlmd.base.units import FS_PER_PS, GPA_PER_BAR
from dlmd.transport import error_budget, gates, health, tables
from dlmd.transport.scatter import ORDERING, POTENTIAL
from dlmd.transport.size_check import overrule

if TYPE_CHECKING:
    import numpy as np

    from dlmd.trajectory.rdf import RdfSet
    from dlmd.trajectory.trajectory import Trajectory

BUDGET_COMPONENTS = (error_budget.STATISTICS, POTENTIAL, ORDERING)


def temperature(
    segments: Sequence[str],
    lattice: str | None,
    *,
    result: str,
    msd: str,
    settings: Mapping[str, Any],
    charge: float | Mapping[str, float],
    replicas: int,
) -> None:
    """Analyse all replicas of one temperature.

    Parameters
    ----------
    segments
        Sidecars of all replicas, replica by replica.
    lattice
        The lattice of this temperature (see `dlmd.md.lattice`); None: relaxed at 0 K.
    settings
        The config's section `transport`.
    charge
        Of the mobile ions in e; by element where there are several.
    """
    from dlmd.trajectory.segments import join

    per_replica = len(segments) // replicas
    chains = [segments[i * per_replica : (i + 1) * per_replica] for i in range(replicas)]
    runs = [join(chain) for chain in chains]
    pressure, broken = judged_pressure(runs, lattice, confidence=settings["confidence"])
    data = analysed(runs, charge=charge, settings=settings, further=[broken]) | {"pressure_gpa": pressure}
    tables.write_msd(msd, data["msd"])
    write_json(Path(result), data)


def analysed(
    runs: Sequence[Trajectory],
    *,
    charge: float | Mapping[str, float],
    settings: Mapping[str, Any],
    **further: Any,
) -> dict[str, Any]:
    """Transport of all runs of one temperature, JSON-ready: of one mobile element, or of several (`charge` by element).

    `further` is what `analyse` takes beside the config's section `transport` (`settings`).
    """
    from dlmd.transport.analysis import analyse
    from dlmd.transport.carriers import analyse_all

    if isinstance(charge, Mapping):
        return analyse_all(runs, charges=charge, **analysis_settings(settings), **further)
    return analyse(runs, charge=charge, **analysis_settings(settings), **further).to_dict()


def judged_pressure(
    runs: Sequence[Trajectory], lattice: str | Path | None, *, confidence: float
) -> tuple[dict[str, float] | None, gates.Gate | None]:
    """Mean pressure of runs (`mean_pressure`), and the gate where the lattice of their temperature promises another.

    `lattice` is as `temperature` has it.
    """
    pressure = mean_pressure(
        [run.thermo["pressure_bar"] for run in runs if run.thermo is not None], confidence=confidence
    )
    kind = "relaxed" if lattice is None else read_json(lattice)["lattice"]
    return pressure, health.no_pressure(pressure, kind, gates.Limits())


def mean_pressure(bars: Sequence[np.ndarray], *, confidence: float) -> dict[str, float] | None:
    """Mean pressure (GPa) of runs at constant volume with its interval (value, low, high), from each run's series (rows,) in bar;
    None without runs. The interval is the wider of the runs' own and of their scatter."""
    if not bars:
        return None
    found = [time_series.mean(run * GPA_PER_BAR, confidence=confidence, start=0) for run in bars]
    value, reach = time_series.mean_of_runs(
        [mean.value for mean in found], [mean.high - mean.value for mean in found]
    )
    return {"value": value, "low": value - reach, "high": value + reach}


def analysis_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The config's section `transport` as `dlmd.transport.analysis.analyse` takes it."""
    return {
        "lag_start_ps": settings["lag_start_ps"],
        "lag_end_ps": settings["lag_end_ps"],
        "confidence": settings["confidence"],
        "hop_length_angstrom": settings["hop_length_angstrom"],
        "host_shift_angstrom": settings["max_host_shift_angstrom"],
    }


def plot_msd(results: Sequence[str], figures: Sequence[str]) -> None:
    """MSD curves of all temperatures in one figure."""
    from dlmd.transport import plots

    plots.save(plots.msd_panels([read_json(p) for p in results]), figures)


def arrhenius(
    results: Sequence[str],
    *,
    of_runs: Sequence[str],
    runs: Sequence[tuple[int, int]],
    reference: str | None,
    size_check: str | None,
    result: str,
    table: str,
    figures: Sequence[str],
    predict_k: Sequence[float],
    confidence: float,
) -> None:
    """Fit all temperatures; JSON, CSV and figure.

    Parameters
    ----------
    of_runs, runs
        Transport results of single runs as `budget` takes them, whose scatter is part of the interval; none for one run.
    size_check
        The comparison with a second cell (`dlmd.transport.size_check`), or None: where the size matters, that is the verdict on
        a fit that has none of its own.
    """
    from dlmd.config.published import conductivities, read
    from dlmd.transport import arrhenius_plots, plots
    from dlmd.transport.arrhenius import fit

    temperatures = [read_json(p) for p in results]
    fitted = fit(
        temperatures, predict_k=predict_k, confidence=confidence, runs=_of_runs(of_runs, runs) if runs else ()
    )
    for name in temperatures[0].get("carriers", ()):
        of_one = [found["carriers"][name] for found in temperatures]
        fitted.setdefault("carriers", {})[name] = fit(of_one, predict_k=predict_k, confidence=confidence)
    if size_check is not None:
        fitted = overrule(fitted, read_json(size_check))
    write_json(Path(result), fitted)
    tables.write_temperatures(table, temperatures)
    plots.save(
        arrhenius_plots.arrhenius(temperatures, fitted, reference=conductivities(read(reference))), figures
    )


def compare_rdf(
    frames: Sequence[str], run: str, *, result: str, table: str, figures: Sequence[str], discard_ps: float
) -> None:
    """RDFs of the potential's MD and of the engine's at the same temperature, and how far they differ.

    Both start from the relaxed production cell (where the engine has labelled it) and are compared over the same time after
    that start: the engine's runs are short, and ions that spread later would look like an error of the potential.

    Parameters
    ----------
    frames
        Label trajectories at this temperature.
    run
        Sidecar 0000.json of the potential's equilibration.

    Raises
    ------
    DlmdError
        where the two have no time in common.
    """
    import numpy as np

    from dlmd.trajectory import rdf
    from dlmd.trajectory.segments import all_atoms
    from dlmd.transport import plots

    labels = [_label_frames(path, discard_ps) for path in frames]
    engine = rdf.mean([r for r, _ in labels])
    end_ps = max(end for _, end in labels)
    equilibration = all_atoms([run])
    time_ps = equilibration.steps * equilibration.time_step_fs / FS_PER_PS
    common = (time_ps >= discard_ps) & (time_ps <= end_ps)
    if not common.any():
        raise DlmdError(
            f"no frame between {discard_ps:g} and {end_ps:g} ps, where the engine's are",
            where=run,
            remedy="lower md.position_interval_fs, raise md.equilibrate_ps, or lower labels.aimd.discard_ps",
        )
    potential = rdf.rdfs(equilibration.positions[common], equilibration.symbols, cell=equilibration.cell)
    sets = {"potential": potential, "engine": engine}
    columns, values = rdf.table(sets)
    np.savetxt(table, values, delimiter=",", header=",".join(columns), comments="", fmt="%.6g")
    write_json(
        Path(result),
        {
            "difference": rdf.difference(potential, engine),
            "first_peak_a": {name: {pair: s.first_peak_a(pair) for pair in s.g} for name, s in sets.items()},
            "frames": {name: s.n_frames for name, s in sets.items()},
            "window_ps": [discard_ps, end_ps],
        },
    )
    plots.save(plots.rdf_panels(sets), figures)


def _label_frames(path: str, discard_ps: float) -> tuple[RdfSet, float]:
    """RDFs of one label trajectory, its start left out, and the time of its last frame."""
    import ase.io
    import numpy as np

    from dlmd.trajectory import rdf

    images = [a for a in ase.io.read(path, ":") if a.info["time_ps"] >= discard_ps]
    positions = np.array([a.positions for a in images])
    found = rdf.rdfs(positions, images[0].get_chemical_symbols(), cell=images[0].cell.array)
    return found, images[-1].info["time_ps"]


def budget(
    results: Sequence[str],
    *,
    runs: Sequence[tuple[int, int]],
    result: str,
    table: str,
    figures: Sequence[str],
    predict_k: Sequence[float],
    confidence: float,
) -> None:
    """Decompose the uncertainty (see `dlmd.transport.error_budget.budget`).

    Parameters
    ----------
    results
        Transport results of single runs, run by run, every run at all temperatures.
    runs
        (potential, ordering) of every run.
    """
    from dlmd.transport import error_budget_plots

    given = _of_runs(results, runs)
    rows, left_out = error_budget.budget(given, predict_k=predict_k, confidence=confidence)
    write_budget(table, rows)
    error_budget_plots.shares(rows, figures)
    write_json(
        Path(result),
        {
            "format": "dlmd-error-budget",
            "version": error_budget.VERSION,
            "confidence": confidence,
            "runs": [{"potential": m, "ordering": n} for m, n in runs],
            "rows": rows,
            "left_out": left_out,
        },
    )


def _of_runs(results: Sequence[str], runs: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Potential, ordering and transport results of every run, from files run by run."""
    per_run = len(results) // len(runs)
    return [
        {
            "potential": m,
            "ordering": n,
            "temperatures": [read_json(path) for path in results[k * per_run : (k + 1) * per_run]],
        }
        for k, (m, n) in enumerate(runs)
    ]


def write_budget(path: str, rows: Sequence[dict[str, Any]]) -> None:
    """One row per quantity; empty cells for what the runs do not vary."""
    columns = [
        "quantity",
        "unit",
        "runs",
        "value",
        "low",
        "high",
        "low_statistics_only",
        "high_statistics_only",
    ]
    for name in BUDGET_COMPONENTS:
        columns += [f"{name}_{part}" for part in ("share", "share_low", "share_high", "sd")]
    write_csv(path, [_budget_cells(row) for row in rows], columns)


def _budget_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    cells = {key: row[key] for key in ("quantity", "unit", "runs")} | row["mean"]
    cells |= {f"{k}_statistics_only": row["mean_statistics_only"][k] for k in ("low", "high")}
    for name in BUDGET_COMPONENTS:
        part = row["components"][name]
        if part is not None:
            cells[f"{name}_share"] = part["share"]["value"]
            cells |= {f"{name}_share_{k}": part["share"][k] for k in ("low", "high")}
            cells[f"{name}_sd"] = part["sd"]["value"]
    return cells
