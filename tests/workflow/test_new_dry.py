"""What `dlmd new` writes is a DAG that Snakemake takes as it is; swap Monte Carlo stands behind the potential in it."""

import subprocess
import sys

import pytest
import yaml

import conductors
from drawn_cifs import cubic, write_cif
from running import ROOT, jobs, snakemake


@pytest.fixture
def workdir(make_workdir):
    return make_workdir("new")


def new(workdir, *options):
    command = [sys.executable, "-m", "dlmd.cli.main", "new", *options]
    done = subprocess.run(command, cwd=workdir, capture_output=True, text=True, check=False)
    assert "next: dlmd plan" in done.stdout or "problem" in done.stdout, done.stdout + done.stderr
    return done.stdout


def dry(workdir, config):
    done = snakemake(workdir, "-n", "--cores", "2", "--configfile", config)
    assert done.returncode == 0, done.stdout + done.stderr
    return jobs(done.stdout + done.stderr)


def test_a_new_config_is_a_whole_dag(workdir):
    conductors.write(workdir, "thioantimonate")
    new(workdir, "thioantimonate.cif", "--output", "mine.yaml")
    table = dry(workdir, "mine.yaml")
    assert table["md_equilibrate"] == table["transport"] == 6 and table["md_segment"] == 12
    assert table["learning_select"] == table["accept"] == table["report"] == 1


# one of many partial sites and one of a mixed host; the others have the same rules and take as long
FAMILIES = (
    "garnet",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("argyrodite", "lgps", "nasicon", "lisicon", "beta_alumina", "ysz", "halide")
    ),
)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_well_known_families_are_whole_dags(workdir, family):
    if family == "halide":
        cif = str(ROOT / "structures/Li3YBr6.cif")
    else:
        cif = f"{family}.cif"
        conductors.write(workdir, family)
    out = new(workdir, cif, "--output", f"{family}.yaml")
    assert "ready to start" in out
    table = dry(workdir, f"{family}.yaml")
    temperatures = len(yaml.safe_load((workdir / f"{family}.yaml").read_text())["md"]["temperatures_k"])
    assert table["transport"] == temperatures and table["report"] == table["accept"] == 1
    assert table["md_equilibrate"] % temperatures == 0


def test_charges_that_differ_between_sites_are_a_whole_dag(workdir):
    rows = [
        "Fe1 Fe3+ 0.125 0.125 0.125 0.75",
        "Li1 Li1+ 0.125 0.125 0.125 0.25",
        "Fe2 Fe2+ 0.5 0.5 0.5 0.25",
        "Fe3 Fe3+ 0.5 0.5 0.5 0.75",
        "O1 O2- 0.2548 0.2548 0.2548 1",
    ]
    write_cif(workdir, cubic(8.39), rows, group="F d -3 m :2", name="ferrite")
    out = new(workdir, "ferrite.cif", "--output", "ferrite.yaml")
    assert "Fe on Fe2/Fe3 +2.75" in out and "ready to start" in out
    dry(workdir, "ferrite.yaml")


def test_two_ions_that_may_both_move_are_a_whole_dag(workdir):
    rows = [
        "La1 La 0.5 0.5 0.5 0.5333",
        "Li1 Li 0.5 0.5 0.5 0.2",
        "Na1 Na 0.5 0.5 0.5 0.2",
        "Ti1 Ti 0 0 0 1",
        "O1 O 0.5 0 0 1",
    ]
    write_cif(workdir, cubic(3.87), rows, group="P m -3 m", name="perovskite")
    out = new(workdir, "perovskite.cif", "--output", "perovskite.yaml")
    assert "Li and Na: Li⁺ and Na⁺ are both on partly occupied sites" in out and "ready to start" in out
    material = yaml.safe_load((workdir / "perovskite.yaml").read_text())["material"]
    assert material["mobile"] == ["Li", "Na"] and set(material["species"][:2]) == {"Li", "Na"}
    assert dry(workdir, "perovskite.yaml")["transport"] == 6


def test_dft_single_points_are_as_many_as_asked_for(workdir):
    conductors.write(workdir, "bismuth_oxide")
    new(workdir, "bismuth_oxide.cif", "--engine", "vasp", "--single-points", "40", "--output", "mine.yaml")
    table = dry(workdir, "mine.yaml")
    assert table["learning_stage_vasp"] == 40
    assert not any(rule.startswith("vasp_") for rule in table)


def test_orderings_by_swaps_come_after_the_gate_and_before_production(workdir):
    data = yaml.safe_load((ROOT / "config/toy.yaml").read_text())
    data["structures"] |= {
        "occupancies": {"0.750": {"2a": 0.75, "4g": 0.125}},
        "cells": {"80": [2, 1, 2], "production": [2, 1, 2]},
        "sampling": {"80": "random", "production": "swap_mc"},
        "swap_mc": {"temperature_k": 573},
    }
    data["md"] |= {"cell": "production", "lattice_from": {"occupancy": "0.750", "cell": "80"}}
    (workdir / "run.yaml").write_text(yaml.safe_dump(data))
    done = snakemake(
        workdir, "results/toy/md/chgnet/cells/r0.json", "-n", "--cores", "2", "--configfile", "run.yaml"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["md_swap"] == table["md_cell"] == table["accept"] == table["train"] == 1
    assert "md_equilibrate" not in table
    assert dry(workdir, "run.yaml")["md_swap"] == 1
