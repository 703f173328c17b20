"""The rules of the workflow as Snakemake parses them for one config, in a process of its own."""

import json
import subprocess
import sys

from running import ROOT

# how a rule begins in a file of rules; its name is the group
RULE = r"(?:use rule \w+ as|rule|checkpoint) (\w+)"

CODE = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.io import strip_wildcard_constraints as plain
from snakemake.settings.types import (
    ConfigSettings, OutputSettings, Quietness, ResourceSettings, StorageSettings, WorkflowSettings
)

with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    parsed = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(configfiles=[Path(sys.argv[1])]),
        storage_settings=StorageSettings(),
        workflow_settings=WorkflowSettings(),
        snakefile=Path(sys.argv[2]),
    )._workflow
    print("RULES " + json.dumps({
        rule.name: {
            "output": [plain(str(path)) for path in rule.output],
            "log": [plain(str(path)) for path in rule.log],
            "benchmark": rule.benchmark and plain(str(rule.benchmark)),
        }
        for rule in parsed.rules
    }))
"""


def rules(workdir, config):
    """{rule: {"output": patterns, "log": patterns, "benchmark": pattern or None}} of every rule."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, config, str(ROOT / "Snakefile")],
        cwd=workdir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RULES ")]
    return json.loads(line.removeprefix("RULES "))
