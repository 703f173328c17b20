"""What the pipeline adds to LAMMPS: a segment with all its outputs and guards against the same steps of plain NVT.

Both run by turns in one call, so that a busy machine slows both; the ratio of the loops' CPU times counts, start-up apart.

    python benchmarks/overhead/run.py results/pretrained/training/chgnet/0/compressed.pb results/pretrained/md/chgnet/600K/r0 -n 5
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from dlmd.md.inputs import Dynamics, Strides, deepmd_pair, segment_input
from dlmd.process import programs

# the demo's and the reference protocol's intervals (fs) of positions, all atoms, restarts
INTERVALS = {"demo": (20.0, 100.0, 7000.0), "reference": (100.0, 5000.0, 50000.0)}


def loop_seconds(text, folder, lmp):
    """CPU seconds of the loop over the steps; on a machine that others use, wall time would say more of them."""
    (folder / "in").write_text(text)
    done = subprocess.run(
        [*lmp, "-in", "in", "-nocite", "-log", "none"],
        cwd=folder,
        env={**os.environ, **programs.thread_environment(1)},
        capture_output=True,
        text=True,
        check=True,
    )
    # of the last run: the guards' reference state is a run of no steps before it
    wall = float(re.findall(r"Loop time of ([\d.]+)", done.stdout)[-1])
    used = float(re.findall(r"([\d.]+)% CPU use", done.stdout)[-1])
    return wall * used / 100


def plain(dynamics, restart, steps):
    """The same dynamics as a user would write them down, with thermo output alone."""
    t = dynamics.temperature_k
    return "\n".join(
        [
            "units metal",
            "atom_style atomic",
            "atom_modify map yes",
            f"read_restart {restart}",
            *dynamics.pair,
            "neighbor 1.0 bin",
            "neigh_modify every 5 delay 0 check yes",
            f"timestep {dynamics.time_step_fs / 1000:.6g}",
            f"fix integrate all nvt temp {t:g} {t:g} {dynamics.damping_fs / 1000:.6g}",
            "thermo 1000",
            f"run {steps}",
            "",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument(
        "run", type=Path, help="folder of a run, with 0000.restart and the sidecar of a segment"
    )
    parser.add_argument("-n", type=int, default=5, help="turns")
    parser.add_argument("--steps", type=int, default=2000)
    args = parser.parse_args()
    sidecar = json.loads(min(args.run.glob("????.json")).read_text())
    dynamics = Dynamics(
        pair=deepmd_pair([str(args.model.resolve())], sidecar["species"]),
        species=sidecar["species"],
        mobile=sidecar["mobile"],
        temperature_k=sidecar["temperature_k"],
        time_step_fs=sidecar["time_step_fs"],
        damping_fs=sidecar["thermostat_damping_fs"],
    )
    restart = str((args.run / "0000.restart").resolve())
    lmp = programs.command("lmp")
    times = {"plain": [], **{name: [] for name in INTERVALS}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(args.n):
            times["plain"].append(loop_seconds(plain(dynamics, restart, args.steps), folder, lmp))
            for kind, intervals in INTERVALS.items():
                positions, everything, restarts = (round(fs / dynamics.time_step_fs) for fs in intervals)
                text = segment_input(
                    dynamics,
                    restart_in=restart,
                    last_step=args.steps,
                    strides=Strides(positions, everything, positions, restarts),
                    positions="a.dcd",
                    all_atoms="a.xtc",
                    host="a.host.txt",
                    thermo="a.thermo.csv",
                    restart_out="end",
                    restart_prefix="restart",
                    reached="reached",
                )
                times[kind].append(loop_seconds(text, folder, lmp))
    for kind in INTERVALS:
        ratios = [t / p for t, p in zip(times[kind], times["plain"], strict=True)]
        print(
            f"{kind:<10} {statistics.median(times[kind]):7.2f} s, plain {statistics.median(times['plain']):7.2f} s, "
            f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        )


if __name__ == "__main__":
    main()
