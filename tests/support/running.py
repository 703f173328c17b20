"""Running Snakemake as a user would, in a working directory of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"


def snakemake(workdir, *args, timeout=1200):
    """Run Snakemake on the repository's Snakefile in `workdir`; returns the completed process (text, both streams)."""
    profile = ROOT / "profiles/default"
    command = [
        SNAKEMAKE,
        "--snakefile",
        ROOT / "Snakefile",
        "--directory",
        workdir,
        "--workflow-profile",
        profile,
        *args,
    ]
    env = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
    return subprocess.run(
        list(map(str, command)),
        cwd=workdir,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def jobs(output):
    """{rule: number of jobs} of the table that a run or dry run prints first; empty where there is nothing to do."""
    table = output.split("Job stats:", 1)[-1].split("total", 1)[0] if "Job stats:" in output else ""
    return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def told(html):
    """A report without what nobody reads: the letters of images and the code of plotly; the data of the charts stay."""
    return re.sub(r"<script>.*?</script>", "", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html), flags=re.DOTALL)
