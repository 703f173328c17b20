"""Time, memory and MSD of dlmd and its peers on the same trajectory, each in a process of its own.

    python benchmarks/transport/benchmark.py --peers PYTHON [--output FILE] [--only TOOL ...]

PYTHON is the interpreter of an environment with the peers (README.md says how to make one). Every process runs on one thread. It
reports the CPU seconds of reading and of the analysis, its peak memory, and MSD values at fixed lags.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CELL_A = 60.0
FRAME_PS = 0.1
TEMPERATURE_K = 600.0
# A random walk with vibration on top: onset of diffusion within a few frames.
STEP_A, VIBRATION_A = 0.05, 0.2
LAGS = (10, 100, 1000, 5000)
CASES = {"moderate": (1008, 10_000), "peers": (2016, 20_000), "paper": (6000, 55_000)}
HOST_ATOMS = 8
THREADS = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}
TIMEOUT_S = 3600


# --- the trajectory ---------------------------------------------------------------------------------------------


def write_segment(folder: Path, n_ions: int, n_frames: int) -> Path:
    """One MD segment as the pipeline leaves it: DCD, host, thermo, XTC and sidecar. Returns the sidecar."""
    import chemfiles

    rng = np.random.default_rng(0)
    header = b"CORD" + np.array([n_frames, 0, 50, *[0] * 7, 1, *[0] * 8, 24], dtype="<i4").tobytes()
    title = struct.pack("<i", 2) + b" " * 160
    cell = struct.pack("<6d", CELL_A, 0, CELL_A, 0, 0, CELL_A)
    frame = np.dtype(
        [
            ("a", "<i4"),
            ("cell", "V48"),
            ("b", "<i4"),
            ("xyz", [("c", "<i4"), ("r", "<f4", n_ions), ("d", "<i4")], 3),
        ]
    )
    with (folder / "0001.dcd").open("wb") as file:
        for record in (header, title, struct.pack("<i", n_ions)):
            file.write(struct.pack("<i", len(record)) + record + struct.pack("<i", len(record)))
        place = rng.random((1, n_ions, 3), dtype=np.float32) * np.float32(CELL_A)
        for start in range(0, n_frames, 200):
            n = min(200, n_frames - start)
            steps = rng.standard_normal((n, n_ions, 3), dtype=np.float32) * np.float32(STEP_A)
            walk = place + np.cumsum(steps, axis=0, dtype=np.float64)
            place = walk[-1:].copy()
            walk += rng.standard_normal((n, n_ions, 3), dtype=np.float32) * np.float32(VIBRATION_A)
            chunk = np.zeros(n, dtype=frame)
            chunk["a"] = chunk["b"] = 48
            chunk["cell"] = np.void(cell)
            chunk["xyz"]["c"] = chunk["xyz"]["d"] = 4 * n_ions
            chunk["xyz"]["r"] = walk.transpose(0, 2, 1)
            chunk.tofile(file)
    stride, last = 50, 50 * (n_frames - 1)
    steps = np.arange(0, last + 1, stride)
    np.savetxt(folder / "0001.host.txt", np.column_stack([steps, np.zeros((n_frames, 3))]), fmt="%.8g")
    columns = "step,temperature_k,potential_energy_ev,kinetic_energy_ev,pressure_bar,conserved_ev"
    thermo = np.column_stack([[0, last // 2, last], np.full(3, TEMPERATURE_K), np.zeros((3, 4))])
    np.savetxt(folder / "0001.thermo.csv", thermo, delimiter=",", header=columns, comments="")
    host = rng.random((HOST_ATOMS, 3)) * CELL_A
    with chemfiles.Trajectory(str(folder / "0001.xtc"), "w") as file:
        for _ in range(2):
            all_atoms = chemfiles.Frame()
            for xyz in np.concatenate([np.zeros((n_ions, 3)), host]):
                all_atoms.add_atom(chemfiles.Atom("X"), xyz)
            file.write(all_atoms)
    sidecar = {
        "format": "dlmd-segment",
        "version": 1,
        "segment": 1,
        "parent": None,
        "level": "synthetic",
        "replica": 0,
        "temperature_k": TEMPERATURE_K,
        "ensemble": "nvt",
        "time_step_fs": 1000 * FRAME_PS / stride,
        "first_step": 0,
        "last_step": last,
        "dcd_stride": stride,
        "dcd_frames": n_frames,
        "xtc_stride": last,
        "xtc_frames": 2,
        "mobile": "Li",
        "ids": list(range(1, n_ions + 1)),
        "n_atoms": n_ions + HOST_ATOMS,
        "species": ["Li", "Cl"],
        "types": [1] * n_ions + [2] * HOST_ATOMS,
        "masses_amu": {"Li": 6.94, "Cl": 35.45},
        "cell_angstrom": (np.eye(3) * CELL_A).tolist(),
        **{key: f"0001.{key}" for key in ("dcd", "xtc")},
        "host": "0001.host.txt",
        "thermo": "0001.thermo.csv",
    }
    path = folder / "0001.json"
    path.write_text(json.dumps(sidecar))
    return path


# --- the tools: each reads the trajectory, and returns a function that analyses it into a report -----------------------


def _sidecar(folder: Path) -> dict:
    return json.loads((folder / "0001.json").read_text())


def dlmd(folder: Path):
    """DCD to D_self, D_total, Haven ratio and conductivity, all with intervals; MSD at all lags."""
    from dlmd.trajectory.segments import join
    from dlmd.transport.analysis import analyse

    trajectory = join([folder / "0001.json"])

    def run() -> dict:
        result = analyse([trajectory], charge=1).to_dict()
        names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")
        return {"verdict": result["verdict"]["code"], **{name: result[name] for name in names}}

    return run


def _command(folder: Path, name: str, out: str) -> list[Path]:
    """Run a command of `dlmd` on the bare DCD; returns the files that it wrote."""
    import contextlib
    import io

    from dlmd.cli.main import main

    n_ions = len(_sidecar(folder)["ids"])
    system = ["--mobile", "Li", "--species", f"{n_ions}*Li", "--temperature", f"{TEMPERATURE_K:g}"]
    times = ["--time-step", "2", "--stride", f"{1000 * FRAME_PS / 2:g}"]
    with contextlib.redirect_stdout(io.StringIO()):
        main([name, str(folder / "0001.dcd"), *system, *times, "-o", out])
    return list(Path(out).iterdir())


def dlmd_command(folder: Path):
    """The user's route: `dlmd transport` on the bare DCD, with JSON, CSV and figures; reading is part of the command."""

    def run() -> dict:
        with tempfile.TemporaryDirectory() as out:
            written = _command(folder, "transport", out)
            (result,) = (json.loads(path.read_text()) for path in written if path.suffix == ".json")
        names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")
        return {"verdict": result["verdict"]["code"], **{name: result[name] for name in names}}

    return run


def dlmd_msd_command(folder: Path):
    """The user's route for what the peers do: `dlmd msd` on the bare DCD, self, total and tensors, as CSV; reading included."""

    def run() -> dict:
        with tempfile.TemporaryDirectory() as out:
            (path,) = _command(folder, "msd", out)
            columns = path.read_text().split("\n", 1)[0].split(",")
            wanted = [columns.index(name) for name in ("lags_ps", "self_a2", "total_a2")]
            lags_ps, own, total = np.loadtxt(path, delimiter=",", skiprows=1, usecols=wanted, unpack=True)
        lags = np.round(lags_ps / FRAME_PS).astype(int).tolist()
        return {
            "msd_self": dict(zip(lags, own.tolist(), strict=True)),
            "msd_total": dict(zip(lags, total.tolist(), strict=True)),
        }

    return run


def dlmd_msd(folder: Path):
    """The MSDs alone, self and total, as tensors at all lags, from the DCD."""
    from dlmd.trajectory.segments import join
    from dlmd.transport.msd import curves, displacements

    trajectory = join([folder / "0001.json"])

    def run() -> dict:
        # the thinned copy is for error bars
        found = curves([displacements(trajectory, stride=1000)])
        return {
            "msd_self": dict(enumerate(np.trace(found.self_, axis1=1, axis2=2).tolist())),
            "msd_total": dict(enumerate(np.trace(found.total, axis1=1, axis2=2).tolist())),
        }

    return run


def _positions(folder: Path) -> np.ndarray:
    """(frames, ions, 3) float32, as MDAnalysis reads the DCD."""
    import warnings

    from MDAnalysis.lib.formats.libdcd import DCDFile

    warnings.simplefilter("ignore")
    with DCDFile(str(folder / "0001.dcd")) as file:
        return file.readframes().xyz


def pymatgen_diffusion(folder: Path):
    """DiffusionAnalyzer, all time origins (smoothed="max"), at its own 200 lags; MSD self and charge MSD."""
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Lattice, Structure

    positions = _positions(folder)
    n_frames, n_ions = positions.shape[:2]
    # it needs a framework, from which it takes the drift
    displacements = np.zeros((n_ions + HOST_ATOMS, n_frames, 3))
    displacements[:n_ions] = (positions - positions[0]).transpose(1, 0, 2)
    places = np.concatenate([positions[0], np.zeros((HOST_ATOMS, 3))])
    del positions
    species = ["Li"] * n_ions + ["Cl"] * HOST_ATOMS
    structure = Structure(Lattice.cubic(CELL_A), species, places, coords_are_cartesian=True)

    def run() -> dict:
        found = DiffusionAnalyzer(
            structure,
            displacements,
            "Li",
            TEMPERATURE_K,
            time_step=1000 * FRAME_PS,
            step_skip=1,
            smoothed="max",
        )
        lags = np.round(found.dt / (1000 * FRAME_PS)).astype(int)
        return {
            "msd_self": {int(lag): float(v) for lag, v in zip(lags, found.msd, strict=True)},
            "msd_total": {int(lag): float(v) for lag, v in zip(lags, found.mscd, strict=True)},
            "lags": len(lags),
        }

    return run


def mdanalysis(folder: Path):
    """EinsteinMSD(fft=True): MSD self at all lags."""
    import warnings

    import MDAnalysis
    from MDAnalysis.analysis.msd import EinsteinMSD

    warnings.simplefilter("ignore")
    n_ions = len(_sidecar(folder)["ids"])
    universe = MDAnalysis.Universe.empty(n_ions, trajectory=True)
    universe.load_new(str(folder / "0001.dcd"))

    def run() -> dict:
        found = EinsteinMSD(universe, select="all", msd_type="xyz", fft=True).run()
        return {"msd_self": dict(enumerate(found.results.timeseries.tolist()))}

    return run


def gemdat(folder: Path):
    """GEMDAT Trajectory.mean_squared_displacement: MSD self at all lags."""
    from gemdat import Trajectory
    from pymatgen.core import Element

    positions = _positions(folder)
    n_ions = positions.shape[1]
    # as GEMDAT's readers do: fractional coordinates, wrapped by its constructor
    coords = (positions / CELL_A).astype(float)
    del positions
    trajectory = Trajectory(
        species=[Element("Li")] * n_ions,
        coords=coords,
        lattice=np.eye(3) * CELL_A,
        time_step=FRAME_PS * 1e-12,
        metadata={"temperature": TEMPERATURE_K},
    )

    def run() -> dict:
        msd = trajectory.mean_squared_displacement()
        return {"msd_self": dict(enumerate(msd.mean(axis=0).tolist()))}

    return run


def kinisi(folder: Path):
    """kinisi DiffusionAnalyzer: MSD and D_self with its posterior, at its own 100 lags up to a quarter of the run."""
    import MDAnalysis
    import scipp
    from kinisi.analyze import DiffusionAnalyzer

    n_ions = len(_sidecar(folder)["ids"])
    universe = MDAnalysis.Universe.empty(
        n_ions, n_residues=n_ions, atom_resindex=np.arange(n_ions), trajectory=True
    )
    universe.add_TopologyAttr("names", ["Li"] * n_ions)
    universe.add_TopologyAttr("types", ["Li"] * n_ions)
    universe.load_new(str(folder / "0001.dcd"))

    def run() -> dict:
        n_frames = len(universe.trajectory)
        lags = np.unique(np.geomspace(1, n_frames // 4, 100).astype(int))
        found = DiffusionAnalyzer.from_universe(
            universe,
            specie="Li",
            time_step=FRAME_PS * scipp.Unit("ps"),
            step_skip=1 * scipp.Unit("dimensionless"),
            dt=scipp.array(dims=["time interval"], values=lags * FRAME_PS, unit="ps"),
            progress=False,
        )
        found.diffusion(start_dt=20 * FRAME_PS * scipp.Unit("ps"), progress=False)
        return {
            "msd_self": {int(lag): float(v) for lag, v in zip(lags, found.msd.values, strict=True)},
            "d_self_cm2_per_s": float(found.D.values.mean()),
        }

    return run


TOOLS = {
    f.__name__: f
    for f in (dlmd, dlmd_command, dlmd_msd_command, dlmd_msd, pymatgen_diffusion, mdanalysis, gemdat, kinisi)
}
PEERS = ("pymatgen_diffusion", "mdanalysis", "gemdat", "kinisi")
PACKAGES = {
    "dlmd": "dlmd",
    "dlmd_command": "dlmd",
    "dlmd_msd_command": "dlmd",
    "dlmd_msd": "dlmd",
    "pymatgen_diffusion": "pymatgen-analysis-diffusion",
    "mdanalysis": "MDAnalysis",
    "gemdat": "gemdat",
    "kinisi": "kinisi",
}


def child(tool: str, folder: Path) -> None:
    """Run one tool and print its report as JSON."""
    from importlib.metadata import PackageNotFoundError, version

    analysis = TOOLS[tool](folder)
    read_s = time.process_time()
    found = analysis()
    total_s = time.process_time()
    try:
        release = version(PACKAGES[tool])
    except PackageNotFoundError:
        release = "this checkout"
    report = {
        "version": release,
        "read_cpu_s": read_s,
        "analysis_cpu_s": total_s - read_s,
        "total_cpu_s": total_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **found,
    }
    print(json.dumps(report))


def measure(tool: str, folder: Path, python: str) -> dict:
    """Run `child` in a process of its own."""
    command = [python, __file__, "--child", tool, str(folder)]
    try:
        finished = subprocess.run(
            command,
            env={**os.environ, **THREADS},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {TIMEOUT_S} s"}
    if finished.returncode:
        lines = finished.stderr.strip().splitlines()
        return {"failed": f"exit code {finished.returncode}: {lines[-1] if lines else 'killed'}"}
    return json.loads(finished.stdout.strip().splitlines()[-1])


def print_table(case: str, reports: dict[str, dict]) -> None:
    n_ions, n_frames = CASES[case]
    print(f"\n{n_ions} ions x {n_frames} frames")
    print(
        "| tool | version | reading, CPU s | analysis, CPU s | all, CPU s | over dlmd | peak MB | MSD_self at lags "
        + ", ".join(map(str, LAGS))
        + " |"
    )
    print("|---|---|---|---|---|---|---|---|")
    own = reports.get("dlmd", {}).get("total_cpu_s")
    for tool, r in reports.items():
        if "failed" in r:
            print(f"| {tool} | | | | | | | {r['failed']} |")
            continue
        msd = {int(lag): value for lag, value in r.get("msd_self", {}).items()}
        shown = ", ".join(f"{msd[lag]:.5g}" if lag in msd else "-" for lag in LAGS)
        ratio = f"{r['total_cpu_s'] / own:.1f}" if own else "-"
        print(
            f"| {tool} | {r['version']} | {r['read_cpu_s']:.1f} | {r['analysis_cpu_s']:.1f} | {r['total_cpu_s']:.1f} | {ratio} "
            f"| {r['peak_mb']:.0f} | {shown} |"
        )


def agreement(reports: dict[str, dict]) -> None:
    """Largest relative difference of each tool's MSDs from dlmd's, over lags 1 to half the run that both have."""
    for kind in ("msd_self", "msd_total"):
        own = reports["dlmd_msd"][kind]
        for tool, r in reports.items():
            common = [lag for lag in r.get(kind, {}) if lag in own and 0 < int(lag) <= len(own) // 2]
            if tool != "dlmd_msd" and common:
                worst = max(abs(r[kind][lag] / own[lag] - 1) for lag in common)
                print(f"{kind} of {tool}: differs from dlmd by at most {worst:.1e} at {len(common)} lags")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter of the environment with the peers")
    parser.add_argument("--only", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--output", type=Path, default=Path("transport_benchmark.json"))
    args = parser.parse_args()
    if args.child:
        child(args.child[0], Path(args.child[1]))
        return
    results = {}
    for case in args.cases:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_segment(folder, *CASES[case])
            tools = [t for t in args.only if t not in PEERS or (args.peers and case != "paper")]
            results[case] = {
                t: measure(t, folder, args.peers if t in PEERS else sys.executable) for t in tools
            }
        print_table(case, results[case])
        if "failed" not in results[case].get("dlmd_msd", {"failed": ""}):
            agreement(results[case])
        for report in results[case].values():
            for kind in ("msd_self", "msd_total"):
                report[kind] = {lag: v for lag, v in report.get(kind, {}).items() if int(lag) in LAGS}
        args.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
