"""Whether a run can start: config, CIF, engines, programs, potentials, profile and disk, before anything is submitted.

Nothing is run or written. The exit code is 1 if there is a problem. A note is something that cannot be judged from here, such as
a program that only the jobs' own environment has. Units: disk in GB (1e9 bytes).

examples:
  dlmd check config/my.yaml
  dlmd check config/li3ticl6.yaml --profile slurm
  dlmd check config/my.yaml --resolved
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dlmd.config.run_config import RunConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd check`."""
    parser.add_argument("config", help="the run's config file")
    parser.add_argument(
        "--profile", metavar="NAME", help="the profile that the run will be started with, as for snakemake"
    )
    parser.add_argument("--snakefile", default="Snakefile", help="default: the one in this folder")
    parser.add_argument(
        "--resolved",
        action="store_true",
        help="print every setting with its default filled in, as YAML, instead",
    )


def run(args: argparse.Namespace) -> int:
    """Print one line per finding, and how to mend what is wrong."""
    from pathlib import Path

    from dlmd.base.errors import DlmdError
    from dlmd.config.reading import load

    cfg = load(args.config)
    if args.resolved:
        import yaml

        print(
            yaml.safe_dump(cfg.model_dump(mode="json", by_alias=False), sort_keys=False, allow_unicode=True),
            end="",
        )
        return 0
    snakefile = Path(args.snakefile)
    if not snakefile.exists():
        raise DlmdError(
            f"no such file: {snakefile}", remedy="run it in the folder of the Snakefile, or give --snakefile"
        )
    return 1 if report(cfg, file=args.config, profile=args.profile, snakefile=snakefile) else 0


def report(cfg: RunConfig, *, file: str, profile: str | None = None, snakefile: Path | None = None) -> int:
    """Print one line per finding; the number of problems."""
    from pathlib import Path

    from dlmd.run import readiness

    print(f"{'ok':<8} {'config':<12} {file}: run {cfg.run}")
    problems = 0
    for found in readiness.findings(
        cfg, file=file, profile=profile, snakefile=snakefile or Path("Snakefile")
    ):
        problems += found.state == "problem"
        print(f"{found.state:<8} {found.subject:<12} {found.text}")
        for label, text in (("in: ", found.where), ("fix:", found.remedy)):
            if text:
                print(f"{'':<21} {label} {text}")
    print(f"{problems} problem{'s' if problems > 1 else ''}" if problems else "ready to start")
    return problems
