"""The whole chain at several sizes of the production cell, with a potential that is there: CPU time and memory of every stage.

    python benchmarks/size/chain.py POTENTIAL.pb --folder /tmp/size --steps 60 640=4,2,4 2560=8,4,4 20000=10,10,10

runs Snakemake from the toy's config for each cell (one temperature, two segments of `--steps` steps), from the structures to the
report, and prints a table. What the numbers say of the material is nothing: the runs are far too short.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
# what grows with the cell, in the order of the chain
STAGES = (
    "orderings",
    "plot_layers",
    "md_cell",
    "md_equilibrate",
    "md_segment",
    "transport",
    "mechanism",
    "plot_mechanism",
    "report",
    "ro_crate",
)
FRAME_STEPS = 10


def config(name, repeat, potential, steps):
    """The toy's config with a given potential, one temperature and a cell of that size."""
    found = yaml.safe_load((ROOT / "config/toy.yaml").read_text())
    time_step = found["md"]["time_step_fs"]
    found["run"] = name
    found["structures"]["cells"] = {"80": [2, 1, 2], "big": repeat}
    found["structures"] |= {"orderings": 1, "sampling": "coulomb"}
    found["levels"]["chgnet"]["potential"] = str(potential)
    del found["labels"]["aimd"], found["validation"]["rdf_temperature_k"], found["barriers"]
    found["md"] |= {
        "cell": "big",
        "lattice": "relaxed",
        "lattice_from": {"occupancy": "0.750", "cell": "80", "orderings": [0]},
        "temperatures_k": [600],
        "segment_ps": steps * time_step / 1000,
        "restart_interval_ps": steps * time_step / 1000,
        "position_interval_fs": FRAME_STEPS * time_step,
        "all_atom_interval_ps": FRAME_STEPS * time_step / 1000,
    }
    return found


def records(run):
    """Rule -> records of its jobs."""
    found = {}
    for path in sorted((run / "benchmarks").rglob("*.jsonl")):
        record = json.loads(path.read_text().splitlines()[-1])
        found.setdefault(record["rule_name"], []).append(record)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("potential", type=Path)
    parser.add_argument("cells", nargs="+", help="NAME=A,B,C: repeats of the CIF's cell")
    parser.add_argument("--folder", type=Path, required=True, help="where to run")
    parser.add_argument("--steps", type=int, default=60, help="steps of a segment; default 60")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in ("config", "structures"):
        shutil.copytree(ROOT / name, given.folder / name, dirs_exist_ok=True)
    table = {}
    for cell in given.cells:
        name, repeat = cell.split("=")
        path = given.folder / f"{name}.yaml"
        path.write_text(
            yaml.safe_dump(
                config(name, list(map(int, repeat.split(","))), given.potential.resolve(), given.steps)
            )
        )
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            ROOT / "Snakefile",
            "--directory",
            given.folder,
        ]
        command += ["--workflow-profile", ROOT / "profiles/default", "--cores", "1", "--configfile", path]
        subprocess.run(
            list(map(str, command)), check=True, cwd=given.folder, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        table[name] = records(given.folder / "results" / name)
    print("| stage | " + " | ".join(f"{name}: CPU s | MB" for name in table) + " |")
    print("|---" * (1 + 2 * len(table)) + "|")
    for rule in STAGES:
        row = [
            f"{max(r['cpu_time'] for r in found[rule]):.1f} | {max(r['max_rss'] for r in found[rule]):.0f}"
            for found in table.values()
        ]
        print(f"| {rule} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
