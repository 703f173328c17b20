"""Run materials of the scorecard one after the other: `dlmd new`, then Snakemake, then what came out beside what was measured.

    python benchmarks/experiment/run.py                      all of materials.yaml: an evening and a night of two cores
    python benchmarks/experiment/run.py Li3InCl6 Na3PS4      these
    python benchmarks/experiment/run.py --dry-run            every config, and how many jobs it would be

Start it from the repository's root. It may be stopped at any time: a material that is finished is not run again, one that is not
goes on where it was. What fails stays in the record with its reason. scorecard.py makes the table.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import crystals
import outcome
from materials import Material, chosen

from dlmd.base.errors import DlmdError
from dlmd.process import programs

HERE = Path(__file__).parent
WORK = Path("results/experiment")
DLMD = [sys.executable, "-m", "dlmd.cli.main"]
REASON_LINES = 3


def settings(material: Material) -> list[str]:
    """What is laid over the config, as Snakemake's command line has it."""
    laid = [f"{key}={json.dumps(value)}" for key, value in material.settings.items()]
    return ["--config", *laid] if laid else []


def config_of(material: Material) -> str:
    """The config of a material; `dlmd new` writes it where it is not there, or was asked for otherwise.

    Raises
    ------
    DlmdError
        where `dlmd new` refuses.
    """
    cif = material.crystal or str(crystals.write(str(material.written), WORK / "crystals"))
    if material.config:
        return material.config
    path = WORK / "configs" / f"{material.run}.yaml"
    options = [text for key, value in material.new.items() for text in (f"--{key}", str(value))]
    command = [*DLMD, "new", cif, "--output", str(path), *options]
    asked = path.with_suffix(".asked")
    if path.exists() and asked.exists() and asked.read_text() == " ".join(command):
        return str(path)
    done = subprocess.run([*command, "--overwrite"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DlmdError(
            "dlmd new refuses it", where=material.name, remedy=last_lines(done.stderr or done.stdout)
        )
    asked.write_text(" ".join(command))
    return str(path)


def last_lines(text: str, n: int = REASON_LINES) -> str:
    """The last lines that say something, as one."""
    return "; ".join(line.strip() for line in text.strip().splitlines()[-n:] if line.strip())


def log_of(material: Material, kind: str = "") -> Path:
    """Where the output of a material's run, or of its dry run, goes."""
    return WORK / "logs" / f"{material.run}{kind}.log"


def snakemake(material: Material, config: str, *, cores: int, dry: bool) -> tuple[int, str]:
    """Exit code and output of a run, or of its dry run; the output grows in the log of the material meanwhile."""
    command = [
        *programs.command("snakemake"),
        "--cores",
        str(cores),
        "--configfile",
        config,
        *settings(material),
    ]
    log = log_of(material, ".dry" if dry else "")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            [*command, *(["--dry-run"] if dry else [])], stdout=file, stderr=subprocess.STDOUT, check=False
        )
    return done.returncode, log.read_text(encoding="utf-8")


def run(material: Material, *, cores: int, dry: bool) -> str:
    """Run one material and write its record; one line of what became of it."""
    start = time.time()
    try:
        config = config_of(material)
        code, printed = snakemake(material, config, cores=cores, dry=dry)
    except DlmdError as error:
        config, code, printed = None, 1, f"{error.what}: {error.remedy}"
    if dry:
        jobs = re.search(r"^total\s+(\d+)", printed, re.MULTILINE)
        if code:
            return f"refused: {last_lines(printed)}"
        return f"{jobs[1]} jobs" if jobs else "nothing left to do"
    found = outcome.of(material, config=config, code=code, printed=printed)
    outcome.write(outcome.path(HERE, material), found)
    return f"{found['state']} after {(time.time() - start) / 60:.0f} min{': ' + found['reason'] if found['reason'] else ''}"


def main() -> None:
    """Run the materials that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("materials", nargs="*", metavar="NAME", help="names in materials.yaml; default: all")
    parser.add_argument("--cores", type=int, default=2, help="default: %(default)d")
    parser.add_argument("--dry-run", action="store_true", help="write the configs, and count their jobs")
    parser.add_argument(
        "--collect",
        action="store_true",
        help="run nothing, read again what is in results/ (also of others' runs)",
    )
    args = parser.parse_args()
    try:
        listed = chosen(args.materials)
    except DlmdError as error:
        sys.exit(str(error))
    for material in listed:
        if args.collect:
            log = log_of(material)
            printed = log.read_text(encoding="utf-8") if log.exists() else ""
            found = outcome.of(material, config=outcome.config_there(material, WORK), code=0, printed=printed)
            if found["state"] != outcome.NOT_RUN:
                outcome.write(outcome.path(HERE, material), found)
            print(f"{material.name}: {found['state']}", flush=True)
            continue
        print(f"{material.name}: {run(material, cores=args.cores, dry=args.dry_run)}", flush=True)


if __name__ == "__main__":
    main()
