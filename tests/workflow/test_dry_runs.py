"""The DAG of every shipped config, and mistakes as the user sees them on the command line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from running import ROOT, SNAKEMAKE, jobs, snakemake
from workflow_rules import RULE


@pytest.fixture(scope="module")
def workdir(make_workdir):
    return make_workdir("dry")


def test_demo_is_the_default_and_has_every_stage(workdir):
    done = snakemake(workdir, "-n", "--cores", "2")
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["md_equilibrate"] == table["transport"] == 4
    assert table["md_segment"] % 4 == 0
    for rule in (
        "orderings",
        "relax",
        "aimd",
        "dataset",
        "train",
        "test_errors",
        "accept",
        "arrhenius",
        "given_labels",
        "relax_potential",
        "few_labels",
        "barriers",
        "report",
    ):
        assert table[rule] >= 1


def test_the_paper_at_full_scale_has_both_levels_and_66_segments_each(workdir):
    done = snakemake(workdir, "-n", "--cores", "2", "--configfile", "config/li3ticl6.yaml")
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["md_segment"] == 2 * 6 * 11
    assert table["transport"] == 12
    # six hops of ten environments, two of each for VASP
    assert table["barrier_band"] == 2 * 6 * 10 and table["vasp_neb_stage"] == 2 * 6 * 2


def test_a_single_temperature_needs_no_other(workdir):
    done = snakemake(workdir, "-n", "--cores", "2", "results/demo/transport/u4/500K.json")
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["transport"] == 1 and table["md_equilibrate"] == 1
    assert "report" not in table


def test_a_cell_that_the_run_does_not_use_can_be_asked_for(workdir):
    target = "results/demo/labels/chgnet/relax/0.875/80/0/relaxed.extxyz"
    done = snakemake(workdir, "-n", "--cores", "2", target)
    assert done.returncode == 0, done.stderr
    assert jobs(done.stdout + done.stderr) == {"orderings": 1, "relax": 1}


def test_more_segments_add_to_the_chain(workdir):
    target = "results/demo/md/u4/500K/r0/0004.json"
    done = snakemake(workdir, "-n", "--cores", "2", target)
    assert jobs(done.stdout + done.stderr)["md_segment"] == 4


def test_a_mistake_is_one_short_message_and_a_nonzero_exit(workdir):
    bad = workdir / "bad.yaml"
    bad.write_text((ROOT / "config/toy.yaml").read_text().replace("  steps: 400", "  stepps: 400"))
    done = snakemake(workdir, "-n", "--cores", "1", "--configfile", "bad.yaml")
    assert done.returncode != 0
    assert "unknown key 'stepps'" in done.stderr and "did you mean 'steps'" in done.stderr
    assert "bad.yaml, line" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_config_files_are_refused(workdir):
    done = snakemake(workdir, "-n", "--cores", "1", "--configfile", "config/toy.yaml", "config/demo.yaml")
    assert done.returncode != 0 and "more than one config file" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        [SNAKEMAKE, "--lint"],
        [Path(sys.executable).parent / "snakefmt", "--check", "Snakefile", "workflow/rules"],
    ],
)
def test_lint_and_format_are_clean(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_profiles_name_rules_that_exist(profile):
    """Snakemake ignores resources of rules it does not know."""
    settings = yaml.safe_load((ROOT / f"profiles/{profile}/config.v9+.yaml").read_text())
    rules = {
        name
        for path in (ROOT / "workflow/rules").glob("*.smk")
        for name in re.findall(rf"^{RULE}(?:| with):", path.read_text(), flags=re.MULTILINE)
    }
    assert len(rules) > 15
    for key in ("set-resources", "set-threads"):
        assert set(settings.get(key, {})) <= rules


def test_every_rule_that_asks_for_gpus_has_a_partition():
    settings = yaml.safe_load((ROOT / "profiles/slurm/config.v9+.yaml").read_text())
    asking = set()
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^(?=rule |checkpoint |use rule )", path.read_text(), flags=re.MULTILINE)[1:]:
            if re.search(r"^ +(gpu=|\*\*md_parallel)", rule, flags=re.MULTILINE):
                asking.add(re.match(RULE, rule)[1])
    assert {"train", "md_segment"} <= asking
    assert asking == {name for name, r in settings["set-resources"].items() if "slurm_partition" in r}


def test_the_cluster_profile_plans_where_there_is_no_cluster(workdir, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    config = ["--configfile", "config/li3ticl6.yaml"]
    done = snakemake(workdir, "-n", "--profile", ROOT / "slurm", *config)
    assert done.returncode == 0, done.stderr
    assert jobs(done.stdout + done.stderr)["md_segment"] == 132
    one = snakemake(
        workdir, "-n", "results/li3ticl6/transport/u4/298K.json", "--profile", ROOT / "slurm", *config
    )
    table = jobs(one.stdout + one.stderr)
    assert (table["md_segment"], table["transport"]) == (11, 1), one.stderr
