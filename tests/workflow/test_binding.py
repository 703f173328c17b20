"""Every rule of the real Snakefile fits its function: no missing and no surplus name, for configs that make all rules."""

import json
import subprocess
import sys

import pytest
import yaml

from dlmd.run import binding
from running import ROOT

# names of every rule, read in a process of its own: Snakemake keeps state between workflows
READ = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

with SnakemakeApi(OutputSettings(quiet={"all"})) as api:
    workflow = api.workflow(
        snakefile=Path(sys.argv[1]),
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(configfiles=[Path(sys.argv[2])]),
        workdir=Path.cwd(),
    )._workflow
    found = {}
    for rule in workflow.rules:
        unnamed = [v for part in (rule.input, rule.output, rule.params) for k, v in part._allitems() if k is None]
        found[rule.name] = {
            "script": rule.script,
            "named": [k for part in (rule.input, rule.output, rule.params) for k, _ in part.items()],
            "unnamed": len(unnamed),
            "wildcards": sorted(rule.wildcard_names),
            "resources": sorted(rule.resources),
        }
    print(json.dumps(found), file=sys.stderr)
"""


def rules(workdir, config):
    (workdir / "read.py").write_text(READ)
    done = subprocess.run(
        [sys.executable, "read.py", str(ROOT / "Snakefile"), config],
        cwd=workdir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stderr.splitlines()[-1])


@pytest.fixture(scope="module")
def configs(make_workdir):
    workdir = make_workdir("binding")
    config = yaml.safe_load((workdir / "config/toy.yaml").read_text())
    config["structures"]["occupancies"] = {"0.750": {"2a": 0.75, "4g": 0.125}}
    vasp = config | {
        "levels": {"u4": {"engine": "vasp", "run": "external", "hubbard_u_ev": {"Ti": 4.0}}},
    }
    learning = config | {
        "training": config["training"] | {"potentials": 2},
        "learning": {
            "iterations": 2,
            "explore": [{"occupancy": "0.750", "cell": "80", "temperatures_k": [700]}],
            "explore_ps": 0.2,
        },
    }
    cells = config["structures"]["cells"] | {"160": [2, 2, 2]}
    sized = config | {
        "structures": config["structures"] | {"cells": cells},
        "md": config["md"] | {"size_check": {"cell": "160", "temperatures_k": [600]}},
    }
    for name, data in (("vasp", vasp), ("learning", learning), ("sized", sized)):
        (workdir / f"config/{name}.yaml").write_text(yaml.safe_dump(data))
    return workdir


@pytest.mark.parametrize("name", ["toy", "toy_few", "demo", "li3ticl6", "vasp", "learning", "sized"])
def test_every_rule_fits_its_function(configs, name):
    found = rules(configs, f"config/{name}.yaml")
    assert len(found) > 40
    for rule, names in found.items():
        if rule == "all":
            continue
        assert names["script"] == "../scripts/job.py" and names["unnamed"] == 0, rule
        job = binding.JOBS[rule]
        binding.check(job.function(), named=names["named"], wildcards=names["wildcards"], unread=job.unread)
    # inherited and not lost
    assert {"gpu", "mem_mb", "runtime"} <= set(found["learning_train"]["resources"])


def test_no_function_is_listed_for_a_rule_that_is_gone(configs):
    assert set(binding.JOBS) == set(rules(configs, "config/sized.yaml")) - {"all"}


def test_the_raw_config_is_read_in_one_place():
    """Jobs get validated values: nothing but the script that binds them reads Snakemake's config."""
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("workflow/rules", "workflow/scripts", "workflow/dlmd")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".smk") and "snakemake.config" in path.read_text(encoding="utf-8")
    ]
    assert readers == ["workflow/scripts/job.py"]
    indexed = [
        path.name
        for path in (ROOT / "workflow/rules").glob("*.smk")
        if "config[" in path.read_text() or "config.get(" in path.read_text()
    ]
    assert indexed == []
