"""D_total of kinisi and pymatgen-analysis-diffusion on trajectories of the truth suite, beside dlmd's.

    python benchmarks/truth/peers.py [--replicas 32] [--models bursts,layers] [--tools line,pymatgen]

Run it in an environment with numpy, scipy, kinisi, MDAnalysis and pymatgen-analysis-diffusion, or name the tools there are. All
see positions from which the host's drift is already removed. kinisi is told the true onset, and lags up to a quarter of the
run. `line` is least squares through MSD_total from a tenth to half of the run, with the textbook error of a straight line. The
tools answer for all runs, dlmd for those that it accepts; a bound above the truth holds it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support")]

import hard_conductors  # noqa: E402
import synthetic  # noqa: E402
from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS  # noqa: E402
from dlmd.transport import analysis  # noqa: E402

BOX_A = 2000.0


def kinisi_total(positions: np.ndarray, frame_ps: float, onset_ps: float) -> tuple[float, float, float]:
    """D_J in cm²/s with its 95 % interval."""
    import MDAnalysis
    import scipp
    from kinisi.analyze import JumpDiffusionAnalyzer
    from MDAnalysis.coordinates.memory import MemoryReader

    n_frames, n_ions = positions.shape[:2]
    universe = MDAnalysis.Universe.empty(
        n_ions, n_residues=n_ions, atom_resindex=np.arange(n_ions), trajectory=True
    )
    universe.add_TopologyAttr("names", ["Li"] * n_ions)
    universe.add_TopologyAttr("types", ["Li"] * n_ions)
    box = np.tile([BOX_A, BOX_A, BOX_A, 90.0, 90.0, 90.0], (n_frames, 1))
    universe.load_new((positions + BOX_A / 2).astype(np.float32), format=MemoryReader, dimensions=box)
    lags = np.unique(np.geomspace(1, n_frames // 4, 100).astype(int))
    found = JumpDiffusionAnalyzer.from_universe(
        universe,
        specie="Li",
        time_step=frame_ps * scipp.Unit("ps"),
        step_skip=1 * scipp.Unit("dimensionless"),
        dt=scipp.array(dims=["time interval"], values=lags * frame_ps, unit="ps"),
        progress=False,
    )
    found.jump_diffusion(start_dt=onset_ps * scipp.Unit("ps"), progress=False)
    samples = scipp.to_unit(found.D_J, "cm^2/s").values
    return float(np.mean(samples)), *(float(q) for q in np.percentile(samples, [2.5, 97.5]))


def pymatgen_total(positions: np.ndarray, frame_ps: float) -> tuple[float, float, float]:
    """Charge diffusivity in cm²/s, with 1.96 of its standard errors."""
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Lattice, Structure

    n_frames, n_ions = positions.shape[:2]
    displacements = np.zeros((n_ions + 1, n_frames, 3))
    displacements[:n_ions] = (positions - positions[0]).transpose(1, 0, 2)
    structure = Structure(
        Lattice.cubic(BOX_A),
        ["Li"] * n_ions + ["Cl"],
        np.concatenate([positions[0], np.zeros((1, 3))]),
        coords_are_cartesian=True,
    )
    found = DiffusionAnalyzer(
        structure, displacements, "Li", 600.0, time_step=1000 * frame_ps, step_skip=1, smoothed="max"
    )
    value, error = found.chg_diffusivity, 1.96 * found.chg_diffusivity_std_dev
    return value, value - error, value + error


def line_total(positions: np.ndarray, frame_ps: float) -> tuple[float, float, float]:
    """D_total in cm²/s of a line through MSD_total from a tenth to half of the run, and the textbook error of its slope."""
    total = positions.sum(axis=1)
    lags = np.arange(len(total) // 10, len(total) // 2)
    msd = np.array([np.mean(np.sum((total[lag:] - total[:-lag]) ** 2, axis=1)) for lag in lags])
    time_ps = lags * frame_ps
    (slope, _), covariance = np.polyfit(time_ps, msd / positions.shape[1], 1, cov=True)
    scale = CM2_PER_S_PER_A2_PER_PS / 6
    value, error = slope * scale, 1.96 * covariance[0, 0] ** 0.5 * scale
    return value, value - error, value + error


TOOLS = {
    "kinisi": kinisi_total,
    "pymatgen": lambda positions, frame_ps, _: pymatgen_total(positions, frame_ps),
    "line": lambda positions, frame_ps, _: line_total(positions, frame_ps),
}


def own_total(run) -> tuple[tuple[float, float, float] | None, float | None]:
    """dlmd's D_total in cm²/s with its interval, None where there is a verdict instead; and the onset in ps."""
    result = analysis.analyse([run], charge=1.0)
    if result.estimates is None:
        return None, result.onset_ps
    own = result.estimates.scalar["total"]
    value = np.nan if own.bound else own.value
    low, high = own.low, own.high
    return tuple(x * CM2_PER_S_PER_A2_PER_PS for x in (value, low, high)), result.onset_ps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=32)
    parser.add_argument("--models", default="strings,exchanges")
    parser.add_argument("--tools", default=",".join(TOOLS))
    args = parser.parse_args()
    models = synthetic.MODELS | hard_conductors.MODELS
    print("| model | tool | answers | bias | RMSE | coverage of 95 % |\n|---|---|---|---|---|---|")
    for model in args.models.split(","):
        found: dict[str, list[tuple[float, float, float]]] = {}
        for replica in range(args.replicas):
            run, truth = models[model](np.random.default_rng([5, replica]))
            positions = np.concatenate(list(run.blocks()), axis=1)
            own, onset_ps = own_total(run)
            found.setdefault("dlmd", []).extend([own] if own else [])
            onset_ps = getattr(truth, "onset_ps", onset_ps) or run.length_ps / 8
            for tool in args.tools.split(","):
                one = TOOLS[tool](positions, run.frame_interval_ps, onset_ps)
                found.setdefault(tool, []).append(one)
        for tool, answers in found.items():
            print(row(model, tool, answers, args.replicas, truth.d_total), flush=True)


def row(model: str, tool: str, answers: list, replicas: int, d_total: float) -> str:
    """The table's row of one tool; d_total in Å²/ps."""
    if not answers:
        return f"| {model} | {tool} | 0 of {replicas} | - | - | - |"
    exact = d_total * CM2_PER_S_PER_A2_PER_PS
    value, low, high = np.array(answers).T
    error = value / exact - 1
    return (
        f"| {model} | {tool} | {len(value)} of {replicas} | {100 * np.nanmean(error):+.0f} % "
        f"| {100 * np.sqrt(np.nanmean(error**2)):.0f} % | {np.mean((low <= exact) & (exact <= high)):.2f} |"
    )


if __name__ == "__main__":
    main()
