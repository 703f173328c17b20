"""What a dry run of the paper's DAG spends its time on, in CPU seconds: they count on a machine that others use too.

    python benchmarks/overhead/dry_run.py                    config/li3ticl6.yaml, three times and once under a profiler
    python benchmarks/overhead/dry_run.py config/demo.yaml -n 1

The profiler's shares are of its own, slower run. "the Snakefile" is parsing, imports and all checks before the first job.
"""

import argparse
import os
import pstats
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROFILED = """
import cProfile, runpy, sys, time
profile = cProfile.Profile(time.process_time)
sys.argv = ["snakemake", "--dry-run", "--configfile", sys.argv[1]]
try:
    profile.run("runpy.run_module('snakemake', run_name='__main__', alter_sys=True)")
except SystemExit:
    pass
profile.dump_stats(OUT)
"""
# end of a path and name of a function -> what it is
PARTS = {
    ("snakemake/cli.py", "<module>"): "importing Snakemake",
    ("Snakefile", "<module>"): "the Snakefile",
    ("run/preflight.py", "check_run"): "- of it checks before the first job",
    ("snakemake/workflow.py", "_build_dag"): "Snakemake: building the DAG",
    ("snakemake/jobs.py", "log_info"): "Snakemake: printing its jobs, resources evaluated",
    ("inspect.py", "signature"): "- of both the signatures of functions in rules",
}


def environment() -> dict[str, str]:
    """One thread each, so that no pool of threads is counted."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def cpu_seconds(command: list[str]) -> tuple[float, float, str]:
    """CPU and wall seconds of a command, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stdout


def shares(path: Path) -> dict[str, float]:
    """Share of every part in a profile."""
    stats = pstats.Stats(str(path))
    found: dict[str, float] = {}
    for (file, _, function), (_, _, _, cumulative, _) in stats.stats.items():
        for (ending, name), part in PARTS.items():
            if function == name and file.endswith(ending):
                found[part] = found.get(part, 0.0) + cumulative / stats.total_tt
    return {part: found.get(part, 0.0) for part in PARTS.values()}


def main() -> None:
    """Time it, and profile it once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="?", default="config/li3ticl6.yaml", help="default: %(default)s")
    parser.add_argument("-n", type=int, default=3, help="times; default: %(default)d")
    args = parser.parse_args()
    times = [
        cpu_seconds([sys.executable, "-m", "snakemake", "--dry-run", "--configfile", args.config])
        for _ in range(args.n)
    ]
    jobs = re.findall(r"^total\s+(\d+)", times[-1][2], re.MULTILINE)
    cpu, wall = (statistics.median(t[i] for t in times) for i in (0, 1))
    print(
        f"{args.config}: {jobs[-1] if jobs else 0} jobs, {cpu:.2f} CPU s ({wall:.1f} s of wall time), median of {args.n}"
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "profile"
        cpu_seconds([sys.executable, "-c", PROFILED.replace("OUT", repr(str(out))), args.config])
        for part, share in shares(out).items():
            print(f"{share:6.1%}  {part}")


if __name__ == "__main__":
    main()
