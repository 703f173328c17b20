"""The example levels of config/engines are valid as they stand, and give a DAG of the same shape as the demo's."""

import json
import os
import sys

import numpy as np
import pytest
import yaml
from ase.io import read

from dlmd.config.reading import parse
from dlmd.labels.engines import ENGINES, base
from dlmd.report import tables
from running import ROOT, jobs, snakemake

FILES = sorted((ROOT / "config/engines").glob("*.yaml"))


def with_levels(levels):
    return yaml.safe_load((ROOT / "config/toy.yaml").read_text(encoding="utf-8")) | {"levels": levels}


def as_text(value):
    """Names such as 0.750 as the loader keeps them."""
    if isinstance(value, dict):
        return {f"{k:.3f}" if isinstance(k, float) else str(k): as_text(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_example_is_complete(file, monkeypatch):
    block = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert set(block) <= {"levels", "launch"}
    cfg = parse(as_text(with_levels(block["levels"])), file=file.name)
    assert {level.engine for level in cfg.levels.values()} == {file.stem}
    for name, level in cfg.levels.items():
        # every DFT level has both values of U, and judges the moment of Ti
        if hasattr(level, "hubbard_u_ev"):
            assert level.hubbard_u_ev == {"Ti": {"u0": 0.0, "u4": 4.0}[name]}
            assert level.magmom == {"Ti": 1.0} and level.moment_range == {"Ti": (0.5, 1.5)}
    monkeypatch.setattr(base, "version", lambda package: "1")  # as if installed
    told = {name: tables.theory(cfg, name) for name in cfg.levels}
    pretrained = "7net-0, PBE (+U only in oxides and fluorides)"
    ends = {"u0": "PBE, no U", "u4": "PBE, U(Ti) = 4 eV", "sevennet": pretrained}
    assert all(text.endswith(ends[name]) for name, text in told.items())


def test_how_a_program_is_started_reaches_the_job_and_makes_nothing_stale(make_workdir):
    """One relaxation with the stand-in for pw.x, through the rule and its script."""
    workdir = make_workdir("program")
    (workdir / "upf").mkdir()
    for element, electrons in (("Li", 3), ("Ti", 12), ("Cl", 7)):
        (workdir / "upf" / f"{element}.upf").write_text(
            f'<PP_HEADER element="{element}" functional="PBE" z_valence="{electrons}.0"/>\n'
        )
    stand_in = ROOT / "tests/support/dft_stand_ins.py"
    level = {
        "engine": "espresso",
        "pseudo_dir": "upf",
        "pseudopotentials": {e: f"{e}.upf" for e in ("Li", "Ti", "Cl")},
        "hubbard_u_ev": {"Ti": 4.0},
        "magmom": {"Ti": 1.0},
        "moment_range": {"Ti": [0.5, 1.5]},
        "kpoint_mesh": [1, 1, 1],
    }
    text = (workdir / "config/toy.yaml").read_text(encoding="utf-8")
    before, after = text.split("levels:\n  chgnet:\n    engine: chgnet\n")
    after = after.replace("fmax_ev_per_angstrom: 0.3", "fmax_ev_per_angstrom: 30.0")
    config, target = workdir / "config/program.yaml", "results/toy/labels/u4/relax/0.750/80/0/relax.json"

    def run(level, *args, launch=None):
        launch = launch or {"command": f"{sys.executable} {stand_in} pw"}
        block = {"levels": {"u4": level}, "launch": {"levels": {"u4": launch}}}
        config.write_text(before + yaml.safe_dump(block) + after, encoding="utf-8")
        return snakemake(workdir, target, "--cores", "2", "--configfile", "config/program.yaml", *args)

    done = run(level)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    info = json.loads((workdir / target).read_text())
    assert info["theory"]["hubbard_u_ev"] == {"Ti": 4.0} and info["versions"]["pw.x"] == "7.3.1"
    atoms = read(workdir / target.replace("relax.json", "relaxed.extxyz"))
    np.testing.assert_allclose(atoms.get_magnetic_moments()[atoms.symbols == "Ti"], 0.83)
    done = run(level, "-n", launch={"command": "another pw.x", "cores": 2})
    assert "Nothing to be done" in done.stdout + done.stderr
    done = run(level | {"hubbard_u_ev": {"Ti": 3.0}}, "-n")
    assert jobs(done.stdout + done.stderr)["relax"] == 1


def test_every_engine_has_an_example():
    assert {f.stem for f in FILES} == set(ENGINES) - {"chgnet"}  # the demo's


def test_dry_run_with_all_of_them(make_workdir, monkeypatch):
    workdir = make_workdir("engines")
    # found, not imported: what a dry run needs of packages and pseudopotentials that are not here
    for package in ("gpaw", "sevenn"):
        (workdir / "stubs" / package).mkdir(parents=True)
        (workdir / "stubs" / package / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", f"{workdir / 'stubs'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    levels = {}
    for file in FILES:
        block = yaml.safe_load(file.read_text(encoding="utf-8"))["levels"]
        levels |= {f"{file.stem}-{name}": level for name, level in block.items()}
    config = workdir / "config/engines.yaml"
    text = (workdir / "config/toy.yaml").read_text(encoding="utf-8")
    before, after = text.split("levels:\n  chgnet:\n    engine: chgnet\n")
    config.write_text(before + yaml.safe_dump({"levels": levels}) + after, encoding="utf-8")

    done = snakemake(workdir, "-n", "--cores", "2", "--configfile", "config/engines.yaml")
    assert done.returncode != 0 and "no such pseudopotential" in done.stderr

    (workdir / "pseudopotentials").mkdir()
    for element, name in levels["espresso-u4"]["pseudopotentials"].items():
        header = f'<PP_HEADER element="{element}" functional="PBE" z_valence="3.0"/>\n'
        (workdir / "pseudopotentials" / name).write_text(header)
    done = snakemake(workdir, "-n", "--cores", "2", "--configfile", "config/engines.yaml")
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert len(levels) == 7
    assert table["accept"] == table["arrhenius"] == len(levels)
    assert table["aimd"] == len(levels) * 4
