"""Compare what `run.py` left: RDFs, vibrational densities of states, MSD and D of teacher and potential, with intervals.

python benchmarks/teacher/compare.py OUT [--teacher OTHER] [--lag 2.0] [--skip 1.0]
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import ase.io
import numpy as np
from scipy.signal import welch
from scipy.special import stdtrit

from dlmd.base import plot_style
from dlmd.base.files import write_json
from dlmd.trajectory import rdf
from dlmd.trajectory.segments import all_atoms
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport import msd, window_slopes
from dlmd.transport.gates import Limits

INTERVAL_PS = 0.02
# length of a batch of time origins
BATCH_LAGS = 4
# of the host's mean positions, by which a change of its structure is seen
BLOCK_PS = 2.5
SHORTEST_PS = 8.0
LONGEST_LAG_PS = 10.0
SPECTRUM_PS = 1.5
RDF_STRIDE = 5
CONFIDENCE = 0.95


@dataclass
class Run:
    """All atoms (frames, atoms, 3) in Å, unwrapped, every 20 fs, after the skipped start."""

    positions: np.ndarray
    cell: np.ndarray
    symbols: list
    masses: np.ndarray

    @property
    def centre(self):
        """(frames, 3): centre of mass of the host."""
        host = np.array([s != "Li" for s in self.symbols])
        return np.average(self.positions[:, host], axis=1, weights=self.masses[host])

    def displacements(self):
        """What `dlmd.transport.msd` keeps of the mobile ions."""
        mobile = np.array([s == "Li" for s in self.symbols])
        trajectory = Trajectory.from_arrays(
            self.positions[:, mobile],
            frame_interval_ps=INTERVAL_PS,
            cell=self.cell,
            mobile="Li",
            host_com=self.centre,
        )
        return msd.displacements(trajectory)


def teacher_runs(folder: Path, reference: Run, skip_ps: float) -> list[Run]:
    runs = []
    for home in sorted(folder.glob("r*")):
        chunks = [np.load(path)["positions"] for path in sorted(home.glob("[0-9]*.npz"))]
        if not chunks:
            continue
        positions = np.concatenate(chunks)[round(skip_ps / INTERVAL_PS) :].astype(float)
        # the relaxed cell in the engine's own frame, atoms in the same order as in the potential's
        runs.append(Run(positions, reference.cell, reference.symbols, reference.masses))
    return runs


def potential_runs(folder: Path, skip_ps: float) -> list[Run]:
    runs = []
    for sidecar in sorted(folder.glob("r*/0001.json")):
        atoms = all_atoms([sidecar])
        positions = atoms.positions[round(skip_ps / INTERVAL_PS) :].astype(float)
        runs.append(Run(positions, atoms.cell, atoms.symbols, atoms.masses_amu))
    return runs


def intact(runs: list[Run]) -> list[Run]:
    """The runs as long as the host keeps the structure of their start (`dlmd.transport.health.host_same`).

    A run that goes on in another crystal compares two crystals, not two potentials. What is left of less than `SHORTEST_PS`
    is left out.
    """
    kept = []
    block = round(BLOCK_PS / INTERVAL_PS)
    for run in runs:
        host = np.array([s != "Li" for s in run.symbols])
        relative = run.positions[:, host] - run.centre[:, None]
        means = [relative[i : i + block].mean(axis=0) for i in range(0, len(relative) - block + 1, block)]
        shifts = [np.median(np.linalg.norm(mean - means[0], axis=1)) for mean in means]
        changed = next((k for k, shift in enumerate(shifts) if shift > Limits().host_shift_angstrom), None)
        # a block is left out before the one in which the change is seen: it may have begun there
        end = len(relative) if changed is None else max(0, changed - 1) * block
        if end * INTERVAL_PS >= SHORTEST_PS:
            kept.append(Run(run.positions[:end], run.cell, run.symbols, run.masses))
    return kept


def msd_at(runs: list[Run], lag_ps: float) -> dict:
    """MSD_self and MSD_total (Å²) at one lag, and D_self (Å²/ps) over [lag/2, lag], each with an interval from batches of
    time origins (see `dlmd.transport.window_slopes.mean_error`)."""
    done = [run.displacements() for run in runs]
    lag = round(lag_ps / INTERVAL_PS)
    found, self_, total = {}, [], []
    for one in done:
        u = one.thinned[:, :, lag:].astype(float) - one.thinned[:, :, :-lag]
        self_.append((u**2).sum(axis=1).mean(axis=0))
        total.append((u.sum(axis=0) ** 2).sum(axis=0) / one.n_ions)
    for name, series in (("msd_self_a2", self_), ("msd_total_a2", total)):
        batches = [
            np.array([part.mean() for part in np.array_split(s, max(2, len(s) // (BATCH_LAGS * lag)))])
            for s in series
        ]
        error = window_slopes.mean_error(
            batches, [float(len(s)) for s in series], lags=np.array([lag]), weights=np.ones(1)
        )
        found[name] = _interval(float(np.concatenate(series).mean()), error.error, error.dof)
    series = window_slopes.slope_series(done, start_ps=lag_ps / 2, end_ps=lag_ps)
    curves = msd.curves(done)
    value = np.trace(window_slopes.window_slope(curves, start_ps=lag_ps / 2, end_ps=lag_ps)) / 3
    error = series.error()
    found["d_self_a2_per_ps"] = _interval(float(value), error.error, error.dof)
    found["length_ps"] = [len(run.positions) * INTERVAL_PS for run in runs]
    return found


def _interval(value: float, error: float, dof: float) -> dict:
    reach = float(stdtrit(dof, 0.5 + CONFIDENCE / 2)) * error
    return {"value": value, "low": value - reach, "high": value + reach, "error": error, "dof": dof}


def ratio(potential: dict, teacher: dict) -> dict:
    """Potential over teacher, with the interval of the difference of their logarithms."""
    squares = [(one["error"] / one["value"]) ** 2 for one in (potential, teacher)]
    relative = np.sqrt(sum(squares))
    # Welch and Satterthwaite
    dof = sum(squares) ** 2 / sum(
        s**2 / one["dof"] for s, one in zip(squares, (potential, teacher), strict=True)
    )
    quantile = float(stdtrit(dof, 0.5 + CONFIDENCE / 2))
    value = potential["value"] / teacher["value"]
    return {
        "value": value,
        "low": float(value * np.exp(-quantile * relative)),
        "high": float(value * np.exp(quantile * relative)),
    }


def spectrum(runs: list[Run], element: str) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (THz) and vibrational density of states of one element, normalised to 1, from finite-difference velocities."""
    chosen = np.array([s == element for s in runs[0].symbols])
    window = round(SPECTRUM_PS / INTERVAL_PS)
    total = 0.0
    for run in runs:
        relative = run.positions[:, chosen] - run.centre[:, None]
        velocity = np.diff(relative, axis=0)
        frequency, power = welch(velocity, fs=1 / INTERVAL_PS, nperseg=window, axis=0, detrend="constant")
        total = total + len(velocity) * power.mean(axis=(1, 2))
    return frequency, total / np.trapezoid(total, frequency)


def halves(runs: list[Run]) -> list[list[Run]]:
    """The runs cut in two."""
    cut = [np.array_split(run.positions, 2) for run in runs]
    return [
        [Run(parts[i], run.cell, run.symbols, run.masses) for parts, run in zip(cut, runs, strict=True)]
        for i in range(2)
    ]


def vdos_difference(one: list[Run], other: list[Run], element: str) -> float:
    """Half the area between two densities of states: 0 the same, 1 without overlap."""
    frequency, a = spectrum(one, element)
    return float(0.5 * np.trapezoid(np.abs(a - spectrum(other, element)[1]), frequency))


def rdfs(runs: list[Run]) -> rdf.RdfSet:
    return rdf.mean([rdf.rdfs(run.positions[::RDF_STRIDE], run.symbols, cell=run.cell) for run in runs])


def compare(out: Path, home: Path, temperature: int, lag_ps: float, skip_ps: float) -> tuple[dict, dict]:
    """All numbers of one temperature, and the runs themselves."""
    potential = potential_runs(out / "potential" / f"{temperature}K", skip_ps)
    teacher = teacher_runs(home / "teacher" / f"{temperature}K", potential[0], skip_ps)
    # the teacher ran in the engine's frame: distances need its own cell
    cell = ase.io.read(out / "relaxed.extxyz").cell.array
    for run in teacher:
        run.cell = cell
    whole = {"teacher": len(teacher), "potential": len(potential)}
    teacher, potential = intact(teacher), intact(potential)
    numbers = {"teacher": msd_at(teacher, lag_ps), "potential": msd_at(potential, lag_ps), "runs": whole}
    numbers["ratio"] = {
        key: ratio(numbers["potential"][key], numbers["teacher"][key])
        for key in ("msd_self_a2", "msd_total_a2", "d_self_a2_per_ps")
    }
    first, second = halves(teacher)
    numbers["rdf_difference"] = rdf.difference(rdfs(potential), rdfs(teacher))["pairs"]
    numbers["rdf_halves_of_the_teacher"] = rdf.difference(rdfs(first), rdfs(second))["pairs"]
    elements = sorted(set(potential[0].symbols))
    numbers["vdos_difference"] = {e: vdos_difference(potential, teacher, e) for e in elements}
    numbers["vdos_halves_of_the_teacher"] = {e: vdos_difference(first, second, e) for e in elements}
    return numbers, {"teacher": teacher, "potential": potential}


def draw(out: Path, temperature: int, runs: dict) -> None:
    """MSDs and densities of states, with their numbers beside."""
    fig, axes = plot_style.figure(1, 2, width=8.8, height=3.6)
    left, right = axes[0]
    for name, colour in (("teacher", plot_style.BLACK), ("potential", plot_style.VERMILION)):
        curves = msd.curves([run.displacements() for run in runs[name]])
        # longer lags are single draws
        shown = slice(1, np.searchsorted(curves.lags_ps, LONGEST_LAG_PS))
        for curve, style in ((curves.self_, "-"), (curves.total, "--")):
            left.plot(
                curves.lags_ps[shown], np.trace(curve[shown], axis1=1, axis2=2), style, color=colour, lw=1.2
            )
        left.plot([], [], color=colour, label=name)
        columns = [curves.lags_ps, *(np.trace(c, axis1=1, axis2=2) for c in (curves.self_, curves.total))]
        np.savetxt(
            out / f"{temperature}K_{name}_msd.csv",
            np.stack(columns, axis=1),
            delimiter=",",
            header="lag_ps,msd_self_a2,msd_total_a2",
            comments="",
            fmt="%.6g",
        )
        for k, element in enumerate(sorted(set(runs[name][0].symbols))):
            frequency, density = spectrum(runs[name], element)
            kept = frequency < 16
            right.plot(frequency[kept], density[kept] + 0.25 * k, color=colour, lw=1.2)
            if name == "teacher":
                right.text(15.5, 0.25 * k + 0.03, element, ha="right")
            np.savetxt(
                out / f"{temperature}K_{name}_vdos_{element}.csv",
                np.stack([frequency, density], axis=1),
                delimiter=",",
                header="thz,per_thz",
                comments="",
                fmt="%.6g",
            )
    left.set(xlabel="lag (ps)", ylabel="MSD (Å²), self (solid) and total (dashed)", title=f"{temperature} K")
    left.legend()
    right.set(xlabel="frequency (THz)", ylabel="density of states, shifted", yticks=[])
    plot_style.save(fig, [str(out / f"{temperature}K.png")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", type=Path, help="where the teacher's runs are, if not in OUT")
    parser.add_argument("--lag", type=float, default=2.0, help="ps")
    parser.add_argument("--skip", type=float, default=1.0, help="start of each run that is left out, ps")
    options = parser.parse_args()
    found = {}
    for folder in sorted((options.out / "potential").glob("*K")):
        temperature = int(folder.name[:-1])
        home = options.teacher or options.out
        numbers, runs = compare(options.out, home, temperature, options.lag, options.skip)
        found[folder.name] = numbers
        draw(options.out, temperature, runs)
    write_json(options.out / "comparison.json", {"lag_ps": options.lag, "skip_ps": options.skip} | found)
    print(json.dumps({t: v["ratio"] for t, v in found.items()}, indent=1))


if __name__ == "__main__":
    main()
