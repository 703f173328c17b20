"""D_total of kinisi and pymatgen-analysis-diffusion on trajectories of the truth suite, beside dlmd's.

    python benchmarks/truth/peers.py [--replicas 32]

Run it in an environment with numpy, scipy, kinisi, MDAnalysis and pymatgen-analysis-diffusion. All see positions from
which the host's drift is already removed. kinisi is told the true onset, and lags up to a quarter of the run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support")]

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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=32)
    parser.add_argument("--models", default="strings,exchanges")
    args = parser.parse_args()
    print("| model | tool | bias | RMSE | coverage of 95 % |\n|---|---|---|---|---|")
    for model in args.models.split(","):
        errors: dict[str, list[float]] = {}
        held: dict[str, list[bool]] = {}
        for replica in range(args.replicas):
            run, truth = synthetic.MODELS[model](np.random.default_rng([5, replica]))
            positions = np.concatenate(list(run.blocks()), axis=1)
            own = analysis.analyse([run], charge=1.0).estimates.scalar["total"]
            found = {
                "dlmd": tuple(x * CM2_PER_S_PER_A2_PER_PS for x in (own.value, own.low, own.high)),
                "kinisi": kinisi_total(positions, run.frame_interval_ps, truth.onset_ps),
                "pymatgen-analysis-diffusion": pymatgen_total(positions, run.frame_interval_ps),
            }
            exact = truth.d_total * CM2_PER_S_PER_A2_PER_PS
            for tool, (value, low, high) in found.items():
                errors.setdefault(tool, []).append(value / exact - 1)
                held.setdefault(tool, []).append(low <= exact <= high)
        for tool, error in errors.items():
            rmse = np.sqrt(np.mean(np.square(error)))
            print(
                f"| {model} | {tool} | {100 * np.mean(error):+.0f} % | {100 * rmse:.0f} % "
                f"| {np.mean(held[tool]):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
