"""What `dlmd new` writes is a DAG that Snakemake takes as it is; swap Monte Carlo stands behind the potential in it."""

import subprocess
import sys

import pytest
import yaml

import conductors
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
