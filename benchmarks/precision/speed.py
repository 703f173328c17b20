"""Speed of one potential in LAMMPS, NVT, a few hundred steps."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from dlmd.md.inputs import deepmd_pair
from dlmd.process import programs

STEPS = 200
WARM_UP = 20


def measure(model: Path, data: Path, species: list, *, threads: int, ranks: int) -> dict:
    """Milliseconds per MD step: of wall, and of CPU time summed over threads and ranks."""
    text = "\n".join(
        [
            "units metal",
            "atom_style atomic",
            "atom_modify map yes",
            "boundary p p p",
            "box tilt large",
            f"read_data {data.resolve()}",
            *deepmd_pair([str(model.resolve())], species),
            "neighbor 1.0 bin",
            "neigh_modify every 5 delay 0 check yes",
            "timestep 0.002",
            "velocity all create 600 1",
            "fix integrate all nvt temp 600 600 0.1",
            f"run {WARM_UP}",
            f"run {STEPS}",
            "",
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in").write_text(text)
        command = [*programs.command("lmp", ranks=ranks), "-in", "in", "-log", "none", "-nocite"]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **programs.thread_environment(threads)},
            capture_output=True,
            text=True,
            check=True,
        )
    seconds = float(re.findall(r"Loop time of (\S+) on", done.stdout)[-1])
    share = float(re.findall(r"(\S+)% CPU use", done.stdout)[-1]) / 100
    return {
        "wall_ms_per_step": 1000 * seconds / STEPS,
        # LAMMPS gives the mean of its ranks
        "cpu_ms_per_step": 1000 * seconds * share * ranks / STEPS,
    }
