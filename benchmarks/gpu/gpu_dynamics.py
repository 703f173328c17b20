"""Speed and memory of the dynamics: through LAMMPS as production starts it, else through ASE.

The time step is a billionth of a femtosecond, so that atoms stay where they are whatever the network (that of the paper has
random weights); neighbours are looked up anew every ten steps, as in a solid.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpu_models import Failed, Variant, reason

from dlmd.md.inputs import deepmd_pair
from dlmd.process import programs

WARM_STEPS, REBUILD = 10, 10
MOVE_A = 1e-5
MIB = 2**20


@dataclass(frozen=True)
class Speed:
    """Of one case; memory is the most that was held, on the GPU where there is one."""

    through: str
    steps: int
    seconds: float
    atoms: int
    memory_mib: float | None

    @property
    def atom_steps_per_s(self) -> float:
        """Atoms times steps in a second."""
        return self.atoms * self.steps / self.seconds

    def ns_per_day(self, time_step_fs: float) -> float:
        """Simulated in a day with that time step."""
        return 86400 * self.steps / self.seconds * time_step_fs * 1e-6


def memory_of(pid: int, device: str) -> float | None:
    """Memory (MiB) that a process holds: on the GPU by nvidia-smi, else its largest resident size."""
    if device == "cuda":
        command = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
        try:
            printed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
        except (OSError, subprocess.TimeoutExpired):
            return None
        rows = [line.split(",") for line in printed.splitlines() if line.count(",") == 1]
        # in a container process ids differ: a machine for this benchmark alone has one such process
        mine = [float(used) for of, used in rows if int(of) == pid] or [float(used) for _, used in rows]
        return max(mine, default=None)
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def environment(device: str) -> dict[str, str]:
    """Of a child: without a GPU for the CPU, and with memory that grows with need, so that it can be measured."""
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
    grows = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}
    threads = programs.thread_environment(1) if device == "cpu" else {}
    return {**os.environ, **grows, **threads, **hidden}


def watched(command: Sequence[str], *, cwd: Path, device: str, timeout_s: float) -> tuple[str, float | None]:
    """Output of a program, and the most memory that it held.

    Raises
    ------
    Failed
        where it fails or takes too long.
    """
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(device), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    most: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.3):
            if (held := memory_of(process.pid, device)) is not None:
                most.append(held)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        printed, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"more than {timeout_s:.0f} s") from None
    finally:
        done.set()
        watcher.join()
    if process.returncode:
        raise Failed(reason(printed))
    return printed, max(most, default=None)


def lammps(
    variant: Variant, data: Path, species: Sequence[str], *, steps: int, device: str, timeout_s: float
) -> Speed:
    """LAMMPS of this environment, as production starts it; its loop alone counts.

    Raises
    ------
    Failed
        where its pair style cannot load the model, or it takes too long.
    """
    lines = [
        "units metal",
        "atom_style atomic",
        f"read_data {data.name}",
        *deepmd_pair([str(variant.path)], species),
        "neighbor 1.0 bin",
        f"neigh_modify every {REBUILD} delay 0 check no",
        "timestep 1.0e-12",
        "fix integrate all nvt temp 600 600 0.1",
        f"run {WARM_STEPS}",
        f"run {steps}",
    ]
    text = data.with_name("in.speed")
    text.write_text("\n".join(lines) + "\n")
    command = [*programs.command("lmp"), "-in", text.name, "-log", "none", "-nocite"]
    printed, memory = watched(command, cwd=data.parent, device=device, timeout_s=timeout_s)
    loops = re.findall(r"Loop time of ([\d.eE+-]+) on \d+ procs? for (\d+) steps with (\d+) atoms", printed)
    if len(loops) != 2:
        raise Failed(reason(printed))
    seconds, done, atoms = loops[-1]
    return Speed("LAMMPS", int(done), float(seconds), int(atoms), memory)


def ase(variant: Variant, frame: Path, *, steps: int, device: str, timeout_s: float) -> Speed:
    """Forces by DeePMD-kit's calculator in ASE, which finds neighbours at every step; an integrator costs next to nothing.

    Raises
    ------
    Failed
        where the model cannot be loaded, or it takes too long.
    """
    command = [sys.executable, __file__, str(variant.path), str(frame), str(steps)]
    printed, memory = watched(command, cwd=frame.parent, device=device, timeout_s=timeout_s)
    told = told_of(printed)
    memory = told["gpu_mib"] or memory
    return Speed("ASE", told["steps"], told["seconds"], told["atoms"], memory)


def told_of(printed: str) -> dict:
    """The line of JSON among what libraries print before and after it.

    Raises
    ------
    Failed
        where there is none.
    """
    lines = [line for line in printed.splitlines() if line.startswith('{"steps"')]
    if not lines:
        raise Failed(reason(printed))
    return json.loads(lines[-1])


def steps_for(seconds: float, per_step: float, most: int) -> int:
    """How many steps fill a time."""
    return max(2, min(most, int(seconds / max(per_step, 1e-6))))


def measure(
    run: Callable[[int, float], Speed], *, seconds: float, left_s: Callable[[], float], most: int = 2000
) -> Speed:
    """A short run to learn how long a step takes, and one that fills `seconds`.

    Raises
    ------
    Failed
        where time runs out first.
    """
    if left_s() < seconds:
        raise Failed("no time left")
    first = run(2, left_s())
    steps = steps_for(min(seconds, left_s() / 3), first.seconds / first.steps, most)
    if steps <= 2:
        return first
    if left_s() < seconds:
        raise Failed("no time left")
    return run(steps, left_s())


def _main() -> None:
    """Run ASE's dynamics: model, frame, steps."""
    import ase.io
    from deepmd.calculator import DP

    model, frame, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    atoms = ase.io.read(frame)
    atoms.calc = DP(model=model)
    atoms.get_forces()
    start = time.perf_counter()
    for _ in range(steps):
        # the calculator gives what it has where no atom has moved
        atoms.positions[0, 0] += MOVE_A
        atoms.get_forces()
    seconds = time.perf_counter() - start
    gpu = None
    if model.endswith(".pth"):
        import torch

        gpu = torch.cuda.max_memory_reserved() / MIB if torch.cuda.is_available() else None
    print(json.dumps({"steps": steps, "seconds": seconds, "atoms": len(atoms), "gpu_mib": gpu}))


if __name__ == "__main__":
    _main()
