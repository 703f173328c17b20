"""Coverage, bias and RMSE of the transport analysis on synthetic conductors of exactly known answers.

    python benchmarks/truth/truth.py [--replicas 64] [--models strings,swarm] [--out table.md]

Each replica is one Arrhenius series of six temperatures with an activation energy of 0.2 eV. The same
trajectories are given to other estimators of D_total. See README.md beside this file for the table.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support")]

import synthetic  # noqa: E402
from dlmd.base.units import (  # noqa: E402
    BOLTZMANN_EV_PER_K,
    CM2_PER_S_PER_A2_PER_PS,
    conductivity_ms_per_cm,
)
from dlmd.transport import analysis, arrhenius, msd, spectrum  # noqa: E402

ENERGY_EV = 0.2
TEMPERATURES_K = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0)
REFERENCE_K = 600.0


def speed(temperature_k: float) -> float:
    """Rate relative to the reference temperature."""
    return float(np.exp(-ENERGY_EV / BOLTZMANN_EV_PER_K * (1 / temperature_k - 1 / REFERENCE_K)))


def least_squares_total(trajectory) -> float:
    """D_total from a line through MSD_total between a tenth and half of the run."""
    curve = msd.curves([msd.displacements(trajectory)])
    n = len(curve.lags_ps)
    trace = np.trace(curve.total, axis1=1, axis2=2)
    return float(np.polyfit(curve.lags_ps[n // 10 : n // 2], trace[n // 10 : n // 2], 1)[0] / 6)


def whittle_known_onset(trajectory, onset_ps: float) -> float:
    """D_total by maximum likelihood of a (1 + beta f²) below 1/(2 t*), with the model's true t*."""
    from scipy.optimize import minimize_scalar

    frequency, modes = spectrum.sine_modes(
        trajectory.collective(), frame_interval_ps=trajectory.frame_interval_ps, n_ions=trajectory.n_ions
    )
    keep = frequency <= 0.5 / onset_ps
    x, power = (frequency[keep] * onset_ps) ** 2, np.sum(modes[keep] ** 2, axis=1) / 3

    def cost(beta: float) -> float:
        return np.log(np.mean(power / (1 + beta * x))) + np.mean(np.log1p(beta * x))

    beta = minimize_scalar(cost, bounds=(-2.6, 80.0), method="bounded").x
    return float(np.mean(power / (1 + beta * x)))


class Score:
    """Collects value / truth and whether the interval holds the truth."""

    def __init__(self):
        self.errors, self.held = [], []

    def add(self, truth: float, value: float, low: float | None = None, high: float | None = None) -> None:
        self.errors.append(value / truth - 1)
        if low is not None:
            self.held.append(low <= truth <= high)

    def row(self, model: str, name: str) -> str:
        if not self.errors:
            return f"| {model} | {name} | none | none | none | 0 |"
        error = np.array(self.errors)
        coverage = f"{np.mean(self.held):.3f}" if self.held else "none"
        return (
            f"| {model} | {name} | {100 * error.mean():+.1f} ± {100 * error.std() / len(error) ** 0.5:.1f} % "
            f"| {100 * np.mean(error**2) ** 0.5:.1f} % | {coverage} | {len(error)} |"
        )


def run(model: str, replicas: int) -> list[str]:
    """Rows of the table for one model."""
    names = (
        "D_self",
        "D_total",
        "Haven ratio",
        "conductivity",
        "E_a (sigma T)",
        "E_a (D_self)",
        "sigma(298 K)",
    )
    others = ("D_total, Whittle with the true t*", "D_total, least squares over 0.1-0.5 T")
    scores = {name: Score() for name in (*names, *others)}
    gated = withheld = 0
    for replica in range(replicas):
        results = []
        for k, temperature in enumerate(TEMPERATURES_K):
            rng = np.random.default_rng([list(synthetic.MODELS).index(model), replica, k])
            trajectory, truth = synthetic.MODELS[model](
                rng, speed=speed(temperature), temperature_k=temperature
            )
            # A gate on the distance moved picks, near its limit, the runs that moved far by chance.
            result = analysis.analyse([trajectory], charge=1.0, hop_length_angstrom=1.0).to_dict()
            results.append(result)
            if result["verdict"]["code"] != "ok":
                gated += 1
                continue
            cm2 = CM2_PER_S_PER_A2_PER_PS

            def sigma(d_total, temperature, run=trajectory):
                return conductivity_ms_per_cm(
                    diffusion_a2_per_ps=d_total,
                    n_ions=run.n_ions,
                    charge_e=1.0,
                    volume_angstrom3=run.volume,
                    temperature_k=temperature,
                )

            scores["D_self"].add(truth.d_self * cm2, **result["d_self_cm2_per_s"])
            scores["D_total"].add(truth.d_total * cm2, **result["d_total_cm2_per_s"])
            scores["Haven ratio"].add(truth.haven, **result["haven_ratio"])
            scores["conductivity"].add(sigma(truth.d_total, temperature), **result["conductivity_ms_per_cm"])
            scores[others[0]].add(truth.d_total, whittle_known_onset(trajectory, truth.onset_ps))
            scores[others[1]].add(truth.d_total, least_squares_total(trajectory))
        fits = arrhenius.fit(results, predict_k=[298.15])["fits"]
        if fits:
            at_298 = sigma(truth.d_total * speed(298.15) / speed(temperature), 298.15)
            scores["E_a (sigma T)"].add(ENERGY_EV, **fits["conductivity"]["activation_energy_ev"])
            scores["E_a (D_self)"].add(ENERGY_EV, **fits["d_self"]["activation_energy_ev"])
            predicted = fits["conductivity"]["predictions"][0]["value_ms_per_cm"]
            if predicted is None:
                withheld += 1
            else:
                scores["sigma(298 K)"].add(at_298, **predicted)
    label = f"{model} (H {truth.haven:.2f}, {gated} gated, {withheld} of σ(298 K) withheld)"
    return [score.row(label if not i else "", name) for i, (name, score) in enumerate(scores.items())]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=64)
    parser.add_argument("--models", default=",".join(synthetic.MODELS))
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lines = ["| model | quantity | bias | RMSE | coverage of 95 % | samples |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for model in args.models.split(","):
        started = time.process_time()
        rows = run(model, args.replicas)
        lines += rows
        print("\n".join(rows), f"\n<!-- {time.process_time() - started:.0f} CPU s -->", flush=True)
    if args.out:
        args.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
