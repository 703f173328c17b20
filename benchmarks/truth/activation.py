"""E_a of ions whose hops return: bias and coverage over series of six temperatures.

    python benchmarks/truth/activation.py [--series 16] [--back 0.3]

Single ions hop with an activation energy of 0.30 eV, a share of the hops being the reverse of the one before however long ago
that was (`tests/support/hard_conductors.py`), 400 ps at each temperature. D = rate h²/6 (1 - b) / (1 + b) has the activation
energy of the rate. Temperatures with a verdict have no part in the line. Seeds: default_rng([30, series, temperature]).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support")]

import hard_conductors  # noqa: E402
from dlmd.base.units import BOLTZMANN_EV_PER_K, CM2_PER_S_PER_A2_PER_PS  # noqa: E402
from dlmd.transport import analysis, arrhenius  # noqa: E402

ENERGY_EV, HOTTEST_RATE = 0.30, 0.5
TEMPERATURES_K = (500.0, 550.0, 600.0, 650.0, 700.0, 750.0)
HOP_A, FRAME_PS, N_FRAMES, N_IONS = 3.0, 0.2, 2000, 120


def rate(temperature_k: float) -> float:
    """Hops of an ion in 1/ps."""
    x = 1 / (BOLTZMANN_EV_PER_K * temperature_k) - 1 / (BOLTZMANN_EV_PER_K * max(TEMPERATURES_K))
    return HOTTEST_RATE * float(np.exp(-ENERGY_EV * x))


def result(series: int, number: int, back: float) -> dict:
    """Transport result at one temperature."""
    temperature = TEMPERATURES_K[number]
    rng = np.random.default_rng([30, series, number])
    positions = hard_conductors._grouped(
        rng,
        (1.0,),
        n_ions=N_IONS,
        vibration_a=0.3,
        vibration_ps=0.3,
        rate=rate(temperature),
        back=back,
        n_frames=N_FRAMES,
        frame_ps=FRAME_PS,
        hop_a=HOP_A,
    )
    trajectory = hard_conductors._trajectory(positions, FRAME_PS, temperature)
    return analysis.analyse([trajectory], charge=1.0).to_dict()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=16)
    parser.add_argument("--back", type=float, default=0.3)
    args = parser.parse_args()
    found: dict[str, list[dict]] = {"conductivity": [], "d_self": []}
    codes: Counter[str] = Counter()
    room = []
    exact = rate(298.15) * HOP_A**2 / 6 * (1 - args.back) / (1 + args.back) * CM2_PER_S_PER_A2_PER_PS
    for series in range(args.series):
        results = [result(series, number, args.back) for number in range(len(TEMPERATURES_K))]
        codes.update(f"{one['temperature_k']:g} K {one['verdict']['code']}" for one in results)
        fitted = arrhenius.fit(results)
        codes[f"line: {fitted['verdict']['code']}"] += 1
        for name, each in found.items():
            if fitted["fits"]:
                each.append(fitted["fits"][name]["activation_energy_ev"])
        if fitted["fits"]:
            room.append(fitted["fits"]["d_self"]["predictions"][0]["value_cm2_per_s"])
    for name, each in found.items():
        values = np.array([[e["low"], e["value"], e["high"]] for e in each])
        held = (values[:, 0] <= ENERGY_EV) & (ENERGY_EV <= values[:, 2])
        print(
            f"E_a of {name}: {len(each)} of {args.series} series, mean {values[:, 1].mean():.3f} eV for {ENERGY_EV}, "
            f"scatter {values[:, 1].std():.3f}, half-width {np.mean(values[:, 2] - values[:, 0]) / 2:.3f}, "
            f"coverage {held.mean():.2f}"
        )
    shown = [one for one in room if one]
    held = [one["low"] <= exact <= one["high"] for one in shown]
    print(f"D_self at 298 K: {len(shown)} of {len(room)} shown, {sum(held)} of them hold the truth")
    print(dict(sorted(codes.items())))


if __name__ == "__main__":
    main()
