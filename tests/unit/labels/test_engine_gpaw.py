"""GPAW's settings become its keywords, wrong ones are refused, and where it is installed the forces are derivatives."""

import importlib.util
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase import Atoms

import needs
from dlmd.base.errors import DlmdError
from dlmd.config.levels.gpaw import GpawSettings
from dlmd.labels import engines
from dlmd.labels.engines import base
from dlmd.labels.engines.gpaw import keywords as keywords_of
from dlmd.run.preflight import check_packages

U4 = {"hubbard_u_ev": {"Ti": 4.0, "Cl": 0.0}, "magmom": {"Ti": 1.0}}


def test_settings_become_keywords():
    keywords = keywords_of(GpawSettings(**U4, kpoint_mesh=(2, 1, 2)))
    assert keywords["setups"] == {"Ti": ":d,4,0"}  # a U of 0 is no U
    assert keywords["kpts"] == {"size": (2, 1, 2), "gamma": True}
    assert keywords["spinpol"] is True
    assert keywords["symmetry"] == {"point_group": False}

    plain = keywords_of(GpawSettings(hubbard_u_ev={"O": 2.5}, hubbard_orbital={"O": "p"}))
    assert plain["setups"] == {"O": ":p,2.5,0"} and plain["spinpol"] is False
    assert plain["kpts"] == {"density": 2.0, "gamma": True}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"hubbard_u": {"Ti": 4}}, "hubbard_u_ev"),
        ({"functional": "PW91"}, "functional is 'PW91'"),
        ({"hubbard_u_ev": {"Ti": -1}}, "hubbard_u_ev.Ti is -1"),
        ({"keywords": {"convergence": {"densities": 1}}}, "densities is no criterion"),
    ],
)
def test_wrong_settings_are_refused(wrong, told):
    with pytest.raises(DlmdError) as caught:
        engines.get({"engine": "gpaw", **wrong})
    assert told in str(caught.value)


def test_missing_package_says_what_to_install(monkeypatch):
    def version(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(base, "version", version)
    with pytest.raises(DlmdError) as caught:
        engines.get({"engine": "gpaw"})
    assert "'gpaw' is not installed" in str(caught.value)
    assert 'pip install -e ".[gpaw]"' in str(caught.value)


def test_levels_of_different_u_are_different(monkeypatch):
    monkeypatch.setattr(base, "version", lambda package: "1")
    levels = [engines.get({"engine": "gpaw", "hubbard_u_ev": {"Ti": u}}).level for u in (0, 4)]
    assert levels[0] != levels[1]
    assert levels[0]["hubbard_u_ev"] == {} and levels[1]["hubbard_u_ev"] == {"Ti": 4.0}


def toy_config(**level):
    from dlmd.config.reading import parse

    data = yaml.safe_load((Path(__file__).parents[3] / "config/toy.yaml").read_text())
    data["structures"] |= {"occupancies": {"0.750": {"2a": 0.75}}, "cells": {"80": [2, 1, 2]}}
    data["levels"] = {"u4": {"engine": "gpaw"} | level}
    return parse(data)


def test_config_takes_the_level_and_refuses_a_u_of_no_element():
    assert toy_config(**U4).levels["u4"].plus_u == {"Ti": 4.0}
    with pytest.raises(DlmdError) as caught:
        toy_config(hubbard_u_ev={"Tl": 4.0})
    assert "Tl is not among material.species" in str(caught.value)
    assert "levels.u4.hubbard_u_ev.Tl" in str(caught.value)


def test_preflight_names_the_extra(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gpaw" else found(name))
    with pytest.raises(DlmdError, match=r"gpaw \(for level 'u4'\)") as caught:
        check_packages(toy_config())
    assert 'pip install -e ".[pipeline,gpaw]"' in str(caught.value)


COARSE = {"engine": "gpaw", "ecut_ev": 250.0, "kpoint_mesh": [1, 1, 1]}


def test_force_is_minus_the_gradient_with_a_u():
    needs.module("gpaw")
    atoms = Atoms("H2", positions=[[0, 0, 0], [0.85, 0.1, 0.05]], cell=[4.5, 3.9, 3.9], pbc=True)
    settings = {**COARSE, "hubbard_u_ev": {"H": 1.0}, "hubbard_orbital": {"H": "p"}}
    atoms.calc = engines.get(settings).calculator()
    force = atoms.get_forces()[1, 0]
    energies = []
    for shift in (-0.01, 0.02):
        atoms.positions[1, 0] += shift
        energies.append(atoms.get_potential_energy())
    assert -(energies[1] - energies[0]) / 0.02 == pytest.approx(force, abs=0.01)
    assert np.isfinite(atoms.get_stress()).all()


def test_unconverged_electrons_are_an_error():
    needs.module("gpaw")
    atoms = Atoms("H2", positions=[[0, 0, 0], [0.75, 0, 0]], cell=[3.5, 3.4, 3.3], pbc=True)
    atoms.calc = engines.get({**COARSE, "keywords": {"maxiter": 2}}).calculator()
    with pytest.raises(engines.Unconverged, match="did not converge in 2 iterations"):
        atoms.get_potential_energy()
