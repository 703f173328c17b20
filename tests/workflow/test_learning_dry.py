"""The DAG of a learning loop and of production with several potentials, by dry runs."""

import re
import textwrap

import pytest
import yaml

from running import ROOT, jobs, snakemake


@pytest.fixture
def workdir(make_workdir):
    return make_workdir("learning")


def config(workdir, base="toy", **sections):
    data = yaml.safe_load((ROOT / f"config/{base}.yaml").read_text())
    # YAML's 0.750 is a number
    data["structures"]["occupancies"] = {f"{k:.3f}": v for k, v in data["structures"]["occupancies"].items()}
    for name, values in sections.items():
        data[name] = (data.get(name) or {}) | values
    (workdir / "run.yaml").write_text(yaml.safe_dump(data))
    return "-n", "--cores", "2", "--configfile", "run.yaml"


def test_a_dry_run_shows_every_round(workdir):
    loop = {
        "iterations": 3,
        "explore": [{"occupancy": "0.750", "cell": "80", "orderings": [0, 1], "temperatures_k": [700, 900]}],
        "explore_ps": 0.4,
        "max_frames": 5,
        "steps": 100,
    }
    done = snakemake(workdir, *config(workdir, learning=loop, training={"potentials": 2}))
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["learning_train"] == 3 * 2
    assert table["explore"] == 3 * 4
    assert table["learning_label"] == 3 * 1  # five frames are one job of a pretrained potential
    assert table["learning_select"] == table["learning_gather"] == table["learning_dataset"] == 3
    # and the potentials that everything else uses
    assert table["train"] == 2


def test_the_recommended_loop_is_a_dag(workdir):
    """That of docs/potential.md laid over the pretrained teacher's: over a thousand frames, in one job each or in a few."""
    page = (ROOT / "docs/potential.md").read_text(encoding="utf-8")
    loop = yaml.safe_load(
        textwrap.dedent(re.search(r"```yaml\n((?:(?!```).)*?explore_ps: 12\.0.*?)```", page, re.DOTALL)[1])
    )
    for frames, count in ((1, 1200), (None, 48)):
        changed = loop | {"learning": loop["learning"] | {"frames_per_job": frames}}
        done = snakemake(workdir, *config(workdir, base="pretrained", **changed))
        assert done.returncode == 0, done.stdout + done.stderr
        assert jobs(done.stdout + done.stderr)["learning_label"] == count


def test_every_potential_runs_with_every_ordering(workdir):
    done = snakemake(
        workdir, *config(workdir, training={"potentials": 2}, md={"potentials": 2, "replicas": 2})
    )
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["md_equilibrate"] == table["transport_of_run"] == 3 * 4
    assert table["trial"] == table["train"] == 2
    assert table["error_budget"] == table["committee"] == 1


def test_a_single_potential_has_neither_committee_nor_loop_nor_budget(workdir):
    done = snakemake(workdir, *config(workdir))
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["trial"] == 1
    assert not {"committee", "explore", "error_budget", "transport_of_run", "learning_train"} & set(table)
