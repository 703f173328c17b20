"""Keywords that a level hands on to its program: refused where they have a key of their own, recorded as they always were."""

from pathlib import Path

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config.levels import LEVELS, recorded
from dlmd.labels import engines
from dlmd.labels.engines import base, cp2k, espresso, gpaw

ROOT = Path(__file__).parents[3]
# how programs are started is recorded nowhere
STARTED = ("command", "cores", "gpus", "scratch")
NEEDED = {
    "gpaw": {},
    "espresso": {"pseudo_dir": "pp", "pseudopotentials": {"Ti": "Ti.upf"}},
    "cp2k": {"basis_sets": {"Ti": "DZVP"}, "potentials": {"Ti": "GTH"}},
}


def level(engine, **keys):
    return LEVELS[engine].model_validate({"engine": engine} | NEEDED[engine] | keys)


def scf(**keys):
    return {"FORCE_EVAL": {"DFT": {"SCF": keys}}}


@pytest.mark.parametrize(
    ("engine", "given", "told"),
    [
        ("gpaw", {"keywords": {"xc": "PBE"}}, "set functional instead"),
        ("gpaw", {"keywords": {"mode": {"name": "pw"}}}, "set ecut_ev instead"),
        ("gpaw", {"keywords": {"convergence": {"maximum iterations": 9}}}, "set keywords.maxiter instead"),
        ("gpaw", {"keywords": {"symmetry": "off"}}, "cannot be set"),
        ("gpaw", {"keywords": {"mixr": {"beta": 0.1}}}, "did you mean 'mixer'"),
        ("gpaw", {"keywords": {"convergence": 1}}, "no map of criteria"),
        ("espresso", {"input_data": {"system": {"ecutwfc": 50}}}, "set ecut_ev instead"),
        ("espresso", {"input_data": {"SYSTEM": {"Starting_Magnetization(1)": 1}}}, "set magmom instead"),
        ("espresso", {"input_data": {"system": {"lda_plus_u": True}}}, "set hubbard_u_ev instead"),
        ("espresso", {"input_data": {"control": {"calculation": "relax"}}}, "cannot be set"),
        ("espresso", {"input_data": {"electrons": {"mixing_betta": 0.1}}}, "did you mean 'mixing_beta'"),
        ("espresso", {"input_data": {"electron": {"mixing_beta": 0.1}}}, "did you mean 'electrons'"),
        ("cp2k", {"input": scf(EPS_SCF=1e-7)}, "set eps_scf instead"),
        ("cp2k", {"input": scf(smear={"method": "fermi_dirac"})}, "set smearing_ev instead"),
        ("cp2k", {"input": scf(DIAGONALIZATION={})}, "cannot be set"),
        ("cp2k", {"input": scf(OT={"MINIMIZER": "CG"})}, "set smearing_ev: 0 with it"),
        ("cp2k", {"smearing_ev": 0, "kpoint_mesh": [2, 1, 1]}, "leave kpoint_mesh out"),
        ("cp2k", {"input": {"FORCE_EVAL": {"SUBSYS": {"KIND": {"_": "Ti"}}}}}, "set basis_sets"),
        ("cp2k", {"input": {"GLOBAL": {"a b": 1}}}, "no name of a section"),
    ],
)
def test_a_keyword_with_a_place_of_its_own_is_refused(engine, given, told):
    with pytest.raises(ValueError) as caught:
        level(engine, **given)
    assert told in str(caught.value)


def test_keywords_reach_the_programs(monkeypatch):
    from ase import Atoms
    from ase.calculators.cp2k import parse_input

    made = gpaw.keywords(
        level("gpaw", keywords={"maxiter": 50, "mixer": {"beta": 0.02}, "convergence": {"density": "1e-6"}})
    )
    assert made["maxiter"] == 50 and made["mixer"] == {"beta": 0.02}
    assert made["convergence"] == {"density": 1e-6, "eigenstates": 1e-5}

    given = {"electrons": {"mixing_beta": 0.1}, "system": {"vdw_corr": "dft-d3"}}
    made = espresso.keywords(
        level("espresso", kpoint_mesh=[1, 1, 1], input_data=given), Atoms("Ti", cell=[3, 3, 3])
    )
    assert made["input_data"]["electrons"]["mixing_beta"] == 0.1
    assert made["input_data"]["electrons"]["electron_maxstep"] == 200
    assert made["input_data"]["system"]["vdw_corr"] == "dft-d3"

    given = scf(MAX_SCF=50, added_mos=40, Mixing={"Method": "PULAY_MIXING"}, OUTER_SCF={"_": True})
    settings = level("cp2k", input=given)
    made = cp2k.keywords(settings, ["Ti"])
    assert made["max_scf"] == 50
    section = parse_input(made["inp"]).get_subsection("FORCE_EVAL/DFT/SCF")
    assert "ADDED_MOS 40" in section.keywords and not any("MAX_SCF" in k for k in section.keywords)
    assert sorted(section.get_subsection("MIXING").keywords) == ["ALPHA 0.2", "METHOD PULAY_MIXING"]
    assert section.get_subsection("OUTER_SCF").params == "ON"


# as releases before these keywords were handed on recorded them, word by word
RECORDED = {
    "gpaw": "{'functional': 'PBE', 'hubbard_u_ev': {}, 'hubbard_orbital': {}, 'magmom': {}, 'moment_range': {}, "
    "'smearing_ev': 0.05, 'ecut_ev': 450.0, 'kpoint_density_a': 2.0, 'kpoint_mesh': None, "
    "'convergence': {'density': 0.0001, 'eigenstates_ev2': 1e-05, 'max_iterations': 200}, 'engine': 'gpaw'}",
    "espresso": "{'functional': 'PBE', 'hubbard_u_ev': {}, 'hubbard_orbital': {}, 'magmom': {}, 'moment_range': {}, "
    "'smearing_ev': 0.05, 'pseudo_dir': 'pp', 'pseudopotentials': {'Ti': 'Ti.upf'}, 'ecut_ev': 680.0, "
    "'density_cutoff_ratio': 8.0, 'kpoint_density_a': 2.0, 'kpoint_mesh': None, 'hubbard_projectors': 'ortho-atomic', "
    "'electronic_ev': 1e-06, 'max_iterations': 200, 'mixing_beta': 0.3, 'engine': 'espresso'}",
    "cp2k": "{'functional': 'PBE', 'hubbard_u_ev': {}, 'hubbard_orbital': {}, 'magmom': {}, 'moment_range': {}, "
    "'smearing_ev': 0.05, 'basis_sets': {'Ti': 'DZVP'}, 'potentials': {'Ti': 'GTH'}, 'basis_set_file': 'BASIS_MOLOPT', "
    "'potential_file': 'GTH_POTENTIALS', 'cutoff_ev': 8200.0, 'relative_cutoff_ev': 820.0, 'kpoint_mesh': None, "
    "'eps_scf': 1e-06, 'max_iterations': 200, 'mixing_alpha': 0.2, 'added_states': 20, 'engine': 'cp2k'}",
}
MOVED = {
    "gpaw": (
        {"keywords": {"maxiter": 333, "mixer": {"beta": 0.02}}},
        "'max_iterations': 333}, 'keywords': {'mixer': {'beta': 0.02}}, 'engine'",
    ),
    "espresso": (
        {"input_data": {"electrons": {"mixing_beta": 0.1, "mixing_ndim": 4}}},
        "'mixing_beta': 0.1, 'input_data': {'electrons': {'mixing_ndim': 4}}, 'engine'",
    ),
    "cp2k": (
        {"input": scf(ADDED_MOS=40, MIXING={"NBROYDEN": 8})},
        "'added_states': 40, 'input': {'FORCE_EVAL': {'DFT': {'SCF': {'MIXING': {'NBROYDEN': 8}}}}}, 'engine'",
    ),
}


@pytest.mark.parametrize("engine", RECORDED)
def test_labels_are_recorded_as_they_always_were(engine):
    assert repr(recorded(level(engine), exclude=STARTED)) == RECORDED[engine]
    given, text = MOVED[engine]
    assert text in repr(recorded(level(engine, **given), exclude=STARTED))


@pytest.mark.parametrize("engine", RECORDED)
def test_a_job_makes_the_level_again_from_what_is_recorded(engine, monkeypatch):
    monkeypatch.setattr(base, "version", lambda package: "1")
    given, _ = MOVED[engine]
    for own in (level(engine), level(engine, **given)):
        again = engines.get(recorded(own, exclude=STARTED)).settings
        assert again.program_keywords == own.program_keywords
        assert again.ecut_ev == own.ecut_ev if engine != "cp2k" else again.cutoff_ev == own.cutoff_ev


@pytest.mark.parametrize(
    ("engine", "how", "what"),
    [
        ("gpaw", {"keywords": {"mixer": {"beta": 0.1}}}, {"keywords": {"gpts": [24, 24, 24]}}),
        (
            "espresso",
            {"input_data": {"electrons": {"mixing_beta": 0.1}}},
            {"input_data": {"system": {"vdw_corr": "dft-d3"}}},
        ),
        ("cp2k", {"input": scf(ADDED_MOS=40)}, {"input": {"FORCE_EVAL": {"DFT": {"XC": {"VDW": "ON"}}}}}),
    ],
)
def test_what_decides_numbers_is_part_of_the_theory(engine, how, what):
    assert level(engine, **how).theory() == level(engine).theory()
    assert level(engine, **what).theory() == level(engine).theory() | what


def test_an_unknown_key_of_a_level_is_an_error():
    with pytest.raises(DlmdError, match="has no key 'mixing_betta'"):
        engines.get({"engine": "espresso", **NEEDED["espresso"], "mixing_betta": 0.3})


@pytest.mark.parametrize("engine", RECORDED)
def test_the_shipped_levels_are_valid(engine):
    data = yaml.safe_load((ROOT / f"config/engines/{engine}.yaml").read_text())
    for settings in data["levels"].values():
        LEVELS[engine].model_validate(settings)
