"""A pseudopotential that was replaced under its name is no longer the one that a level's labels were made with."""

import json

import ase.io
import pytest
import yaml
from ase.build import bulk

from dlmd.base.errors import DlmdError
from dlmd.config.levels import recorded
from dlmd.config.reading import parse
from dlmd.labels import engines
from dlmd.run import tree
from dlmd.run.preflight import check_level
from running import ROOT

HEADER = '<UPF>\n<PP_HEADER element="{}" functional="PBE" z_valence="3.0"/>\n'


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {element: f"{element}.upf" for element in ("Li", "Ti", "Cl")}
    for element, name in files.items():
        (tmp_path / name).write_text(HEADER.format(element))
    toy = yaml.safe_load((ROOT / "config/toy.yaml").read_text(encoding="utf-8"))
    toy["structures"] |= {"occupancies": {"0.750": {"2a": 0.75}}, "cells": {"80": [2, 1, 2]}}
    toy["material"]["cif"] = str(ROOT / toy["material"]["cif"])
    level = {"engine": "espresso", "pseudo_dir": str(tmp_path), "pseudopotentials": files}
    return parse(toy | {"levels": {"u4": level}})


def place(cfg, pattern):
    known = {
        "level": "u4",
        "occupancy": "0.750",
        "cell": "80",
        "n": 0,
        "aimd_T": 300.0,
        "strain": "0.0",
        "i": 1,
        "slot": 2,
    }
    path = tree.path(tree.home(cfg.run), pattern, **known)
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("pattern", [tree.AIMD_FRAMES, tree.SLOT_FRAMES, tree.RELAXED])
def test_labels_of_a_replaced_pseudopotential_are_seen(cfg, tmp_path, pattern):
    check_level(cfg, "u4", file="c.yaml")
    theory = engines.get(recorded(cfg.levels["u4"])).level
    path = place(cfg, pattern)
    atoms = bulk("LiCl", "rocksalt", a=5.14)
    atoms.info["theory"] = theory if pattern != tree.RELAXED else {}
    ase.io.write(path, [atoms, atoms], format="extxyz")
    path.with_name("relax.json").write_text(json.dumps({"theory": theory}))
    check_level(cfg, "u4", file="c.yaml")

    (tmp_path / "Cl.upf").write_text(HEADER.format("Cl") + "another edition\n")
    with pytest.raises(
        DlmdError, match=r"Cl\.upf of Cl is another file .* than the one that results of this level"
    ) as told:
        check_level(cfg, "u4", file="c.yaml")
    assert str(path.relative_to(path.anchor) if path.is_absolute() else path) in str(told.value)
    assert len(str(told.value).splitlines()) == 3
    (tmp_path / "Cl.upf").write_text(HEADER.format("Cl"))
    check_level(cfg, "u4", file="c.yaml")


def test_results_that_say_nothing_are_passed_over(cfg):
    for pattern in (tree.AIMD_FRAMES, tree.SLOT_FRAMES, tree.RELAXED):
        place(cfg, pattern).write_text("")
    check_level(cfg, "u4", file="c.yaml")
