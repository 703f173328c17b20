"""What CP2K and pw.x are given besides their input (basis sets, potentials, pseudopotentials) is looked at before they start."""

import shlex
import sys

import pytest
import yaml

import dft_stand_ins
from dlmd.base.errors import DlmdError
from dlmd.config.launch import LevelLaunch
from dlmd.config.levels.espresso import EspressoSettings
from dlmd.labels import engines
from dlmd.labels.engines import cp2k, cp2k_data, dft, espresso, gth, upf
from dlmd.run.preflight import check_level
from running import ROOT

HEADER = '<UPF version="2.0.1">\n<PP_HEADER element="{}" functional="{}"\n has_so="{}" z_valence="{}"/>\n'
VERSION_1 = """<PP_HEADER>
   0                   Version Number
  Cl                   Element
   US                  Ultrasoft pseudopotential
 SLA  PW   PBX  PBC    PBE  Exchange-Correlation functional
    7.00000000000      Z valence
</PP_HEADER>
"""
DATA = """# a comment on Ti SZV-OTHER-q12
 Ti  DZVP-GTH-q12 DZVP-GTH
  2
  2  0  2  7  2  2  1
 Cl  DZVP-GTH-q7
"""


def settings(folder, **files):
    return EspressoSettings(pseudo_dir=folder, pseudopotentials=files)


def written(folder, name, *header):
    (folder / name).write_text(HEADER.format(*header))


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (("Cl", "PBE", "F", "7.0"), "is of Cl, not of Li"),
        (
            ("Li", "SLA PZ NOGX NOGC", "F", "3.0"),
            "was made with the functional 'SLA PZ NOGX NOGC', the level is PBE",
        ),
        (("Li", "PBESOL", "F", "3.0"), "functional 'PBESOL'"),
        (("Li", "SLA PW PSX PSC", "F", "3.0"), "functional"),
        (("Li", "PBE", "true", "3.0"), "is fully relativistic"),
        (("Li", "PBE", "F", "4.0"), "has 4 valence electrons, Li has 3 electrons"),
        (("Li", "PBE", "F", "2.7"), "has 2.7 valence electrons"),
        (("Li", "", "F", "3.0"), "no functional in a pseudopotential"),
        (("", "PBE", "F", "3.0"), "no element in a pseudopotential"),
    ],
)
def test_the_wrong_pseudopotential_is_refused(tmp_path, header, told):
    written(tmp_path, "Li.upf", *header)
    with pytest.raises(DlmdError) as caught:
        upf.require_files(settings(tmp_path, Li="Li.upf"), ["Li"])
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    ("functional", "is_it"),
    [
        ("PBE", True),
        (" SLA  PW   PBE  PBE", True),
        ("SLA PW PBX PBC", True),
        ("sla+pw+pbx+pbc", True),
        ("SLA  PW   PBX  PBC    PBE", True),
        ("1 4 3 4", True),
        ("1 4 3 4 0 0", True),
        ("XC_GGA_X_PBE+XC_GGA_C_PBE", True),
        ("SLA PW PBX", False),
        ("SLA PW", False),
        ("PBE0", False),
        ("REVPBE", False),
        ("SLA PW RPB PBC", False),
        ("1 4 3 4 1", False),
        ("1 1 0 0", False),
        ("SLA PW TPSS TPSS", False),
        ("SLA LYP B88 BLYP", False),
        ("PBE VDW-DF", False),
    ],
)
def test_names_of_pbe(functional, is_it):
    assert upf.is_pbe(functional) is is_it


def test_headers_of_both_editions(tmp_path):
    assert upf.read(HEADER.format(" ti", "PBE", "F", "1.2E+01")) == upf.Header("Ti", "PBE", 12.0, False)
    old = upf.read(VERSION_1)
    assert (old.element, old.valence_electrons, old.spin_orbit) == ("Cl", 7.0, False) and upf.is_pbe(
        old.functional
    )
    assert upf.read(VERSION_1 + "<PP_ADDINFO>").spin_orbit
    with pytest.raises(ValueError, match="no PP_HEADER"):
        upf.read("<UPF>")


# entries of CP2K's GTH_POTENTIALS
GTH = """#
Li GTH-PBE-q3 GTH-PBE
    3
     0.40000000    4   -14.08115455     9.62621962    -1.78361605     0.08515207
    0
#
Si GTH-PBE-q4 GTH-PBE
    2    2
     0.44000000    1    -6.26928833
    2
     0.43563383    2     8.95174150    -2.70627082
                                        3.49378060
     0.49794218    1     2.43127673
#
Si GTH-BLYP-q4
    2    2
     0.44000000    1    -6.0
    0
"""
SI = """GTH-PBE-q4 of Si, from CP2K's data file
14 4 0
10 11 1 2 2001 0
0.44000000 1 -6.26928833
2
0.43563383 2 8.95174150 -2.70627082
3.49378060
0.49794218 1 2.43127673
0.0
"""


def test_a_potential_of_cp2k_becomes_a_file_for_pw():
    assert gth.from_cp2k(GTH, "Si", "GTH-PBE-q4") == SI
    # no projector at all: an empty one of l = 0
    assert gth.from_cp2k(GTH, "Li", "GTH-PBE").splitlines()[1:] == [
        "3 3 0",
        "10 11 0 1 2001 0",
        "0.40000000 4 -14.08115455 9.62621962 -1.78361605 0.08515207",
        "0",
        "0.40000000 0",
    ]
    for element, name in (("Si", "GTH-BLYP-q4"), ("Si", "GTH-PBE-q3"), ("Ti", "GTH-PBE-q12")):
        with pytest.raises(DlmdError, match=f"no PBE potential '{name}' of {element}"):
            gth.from_cp2k(GTH, element, name)


@pytest.mark.parametrize(
    ("text", "keys", "told"),
    [
        (SI, {}, None),
        (SI.replace("14 4 0", "6 4 0"), {}, "is of C, not of Si"),
        (SI.replace("14 4 0", "14 15 0"), {}, "has 15 valence electrons"),
        (SI.replace("10 11 ", "10 1 "), {}, "made with the functional 'PZ', the level is PBE"),
        (SI.replace("10 11 ", "10 -263267 "), {}, "the functional 'number -263267'"),
        (SI.replace("10 11 ", "3 11 "), {}, "no file of a Goedecker-Teter-Hutter potential (kind 3"),
        (GTH, {}, "no nuclear charge, valence electrons, kind and functional in lines 2 and 3"),
        (HEADER.format("Si", "PBE", "F", "4.0"), {}, "in lines 2 and 3"),
        (SI, {"hubbard_u_ev": {"Si": 2.0}, "hubbard_orbital": {"Si": "p"}}, "has no atomic orbitals"),
    ],
)
def test_an_analytic_pseudopotential_is_looked_at_like_others(tmp_path, text, keys, told):
    (tmp_path / "Si.gth").write_text(text)
    own = EspressoSettings(pseudo_dir=tmp_path, pseudopotentials={"Si": "Si.gth"}, **keys)
    if told is None:
        upf.require_files(own, ["Si"])
        return
    with pytest.raises(DlmdError) as caught:
        upf.require_files(own, ["Si"])
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def test_a_data_file_is_read_for_its_entries():
    assert cp2k_data.entries(DATA, ["Ti", "Li"]) == {"Ti": ["DZVP-GTH-q12", "DZVP-GTH"], "Li": []}


@pytest.fixture
def data(tmp_path, monkeypatch):
    (tmp_path / "BASIS_MOLOPT").write_text(DATA)
    (tmp_path / "GTH_POTENTIALS").write_text(" Ti GTH-PBE-q12 GTH-PBE\n Ti GTH-PBE-q4\n Cl GTH-PBE-q7\n")
    monkeypatch.setenv("CP2K_DATA_DIR", str(tmp_path))
    return {
        "engine": "cp2k",
        "basis_sets": {"Ti": "DZVP-GTH", "Cl": "DZVP-GTH-q7"},
        "potentials": {"Ti": "GTH-PBE-q12", "Cl": "gth-pbe-q7"},
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"basis_sets": {"Ti": "DZVP-GHT", "Cl": "DZVP-GTH-q7"}}, "did you mean 'DZVP-GTH'"),
        ({"potentials": {"Ti": "GTH-PBE-q12", "Cl": "GTH-PBE-q17"}}, "different numbers of electrons"),
        # by the other names of its entry
        (
            {"potentials": {"Ti": "GTH-PBE-q4", "Cl": "GTH-PBE-q7"}},
            "DZVP-GTH (q12) and the potential GTH-PBE-q4",
        ),
        ({"potentials": {"Ti": "GTH-PBE", "Cl": "GTH-PBE-q7"}}, None),
        ({"potentials": {"Ti": "GTH-PADE-q12", "Cl": "GTH-PBE-q7"}}, "is of PADE, the level of PBE"),
        ({"potentials": {"Ti": "GTH-PBE-q12"}}, "none for Cl"),
        ({"basis_set_file": "BASIS_MOLOPTS"}, "did you mean 'BASIS_MOLOPT'"),
    ],
)
def test_basis_sets_and_potentials_are_looked_for(data, change, told):
    launch = LevelLaunch(command=shlex.join([sys.executable, dft_stand_ins.__file__, "cp2k"]))
    if told is None:
        engines.get(data | change, launch).calculator()
        return
    with pytest.raises(DlmdError) as caught:
        engines.get(data | change, launch).calculator()
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def test_what_is_not_here_is_not_judged(data, monkeypatch):
    monkeypatch.delenv("CP2K_DATA_DIR")
    own = cp2k.Cp2kSettings(**{k: v for k, v in data.items() if k != "engine"})
    cp2k_data.require_entries(own, ["Ti", "Cl"], command="srun no-such-cp2k.psmp")


@pytest.mark.parametrize(
    ("program", "banner", "line", "oldest"),
    [
        ("CP2K", " CP2K version 9.1\n Source code revision git:1", cp2k.VERSION_LINE, (2023, 1)),
        ("pw.x", "     Program PWSCF v.6.7MaX starts on 1Jan2025", espresso.VERSION_LINE, (7, 1)),
    ],
)
def test_old_programs_are_refused(program, banner, line, oldest):
    with pytest.raises(
        DlmdError, match=rf"{program} is version .*older than {oldest[0]}\.{oldest[1]}"
    ) as caught:
        dft.require_version(program, banner, line, oldest)
    assert len(str(caught.value).splitlines()) == 3
    dft.require_version(program, "no version", line, oldest)
    dft.require_version(program, " CP2K version 2023.1\n Program PWSCF v.7.1 starts", line, oldest)


def test_only_programs_that_need_no_job_are_asked(monkeypatch, tmp_path):
    program = tmp_path / "cp2k.psmp"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("QE", str(tmp_path))
    assert dft.askable("srun -n 16 cp2k.psmp") == ["cp2k.psmp"]
    assert dft.askable("env OMP_NUM_THREADS=2 mpirun -np 4 $QE/cp2k.psmp -x") == [str(program)]
    assert dft.askable("srun pw.x -nk 4") is None
    assert dft.askable(f"{sys.executable} -m qepy --pw.x") == [sys.executable, "-m", "qepy", "--pw.x"]
    assert dft.askable("absent.x") is None


def test_the_check_asks_the_program_and_looks_at_its_data(data, tmp_path, monkeypatch):
    from dlmd.config.reading import parse

    program = tmp_path / "cp2k.psmp"
    program.write_text("#!/bin/sh\necho ' CP2K version 9.1'\n")
    program.chmod(0o755)
    toy = yaml.safe_load((ROOT / "config/toy.yaml").read_text(encoding="utf-8"))
    toy["structures"] |= {"occupancies": {"0.750": {"2a": 0.75}}, "cells": {"80": [2, 1, 2]}}
    level = data | {"basis_sets": {e: "DZVP-GTH" for e in ("Li", "Ti", "Cl")}}
    level["potentials"] = {"Li": "GTH-PBE-q3", "Ti": "GTH-PBE-q12", "Cl": "GTH-PBE-q7"}
    (tmp_path / "GTH_POTENTIALS").write_text(" Li GTH-PBE-q3\n Ti GTH-PBE-q12\n Cl GTH-PBE-q7\n")
    cfg = parse(toy | {"levels": {"u4": level}, "launch": {"levels": {"u4": {"command": str(program)}}}})
    with pytest.raises(DlmdError, match="has no 'DZVP-GTH' of Li") as caught:
        check_level(cfg, "u4", file="c.yaml")
    assert "c.yaml, key levels.u4" in str(caught.value)
    (tmp_path / "BASIS_MOLOPT").write_text("Li DZVP-GTH\nTi DZVP-GTH\nCl DZVP-GTH\n")
    with pytest.raises(DlmdError, match=r"CP2K is version 9\.1, older than 2023\.1"):
        check_level(cfg, "u4", file="c.yaml")
    cfg.launch.levels["u4"] = LevelLaunch(command=str(tmp_path / "absent.psmp"))
    with pytest.raises(DlmdError) as caught:
        check_level(cfg, "u4", file="c.yaml")
    assert "no such program" in str(caught.value) and "external" not in str(caught.value)


def test_electrons_of_the_launch_are_no_part_of_the_level(data):
    launch = LevelLaunch(
        electrons={"force_eval": {"dft": {"scf": {"max_scf": 400, "mixing": {"alpha": 0.1}}}}}
    )
    plain, other = engines.get(data), engines.get(data, launch)
    assert other.level == plain.level
    scf = other.settings.program_keywords["FORCE_EVAL"]["DFT"]["SCF"]
    assert (scf["MAX_SCF"], scf["MIXING"]["ALPHA"], scf["ADDED_MOS"]) == (400, 0.1, 20)
    for wrong in (
        {"FORCE_EVAL": {"DFT": {"SCF": {"ADDED_MOS": 4}}}},
        {"FORCE_EVAL": {"DFT": {"SCF": {"EPS_SCF": 1}}}},
    ):
        with pytest.raises(DlmdError, match=r"may change results|key of its own"):
            engines.get(data, LevelLaunch(electrons=wrong))


def test_electrons_of_the_launch_are_checked_with_the_config(tmp_path):
    from dlmd.config.reading import parse

    toy = yaml.safe_load((ROOT / "config/toy.yaml").read_text(encoding="utf-8"))
    toy["structures"] |= {"occupancies": {"0.750": {"2a": 0.75}}, "cells": {"80": [2, 1, 2]}}
    level = {"engine": "gpaw"}
    for engine, electrons, told in (
        ({"engine": "chgnet"}, {"maxiter": 4}, "the engine chgnet takes none"),
        (level, {"convergence": {"density": 1}}, "convergence.density may change results"),
        (level, {"maxitre": 4}, "maxitre is no argument of GPAW"),
    ):
        with pytest.raises(DlmdError) as caught:
            parse(toy | {"levels": {"u4": engine}, "launch": {"levels": {"u4": {"electrons": electrons}}}})
        assert told in str(caught.value) and "launch.levels.u4.electrons" in str(caught.value)
    parse(toy | {"levels": {"u4": level}, "launch": {"levels": {"u4": {"electrons": {"maxiter": 400}}}}})


def test_only_levels_that_start_from_another_are_computed_elsewhere():
    from dlmd.config.reading import parse

    toy = yaml.safe_load((ROOT / "config/toy.yaml").read_text(encoding="utf-8"))
    toy["structures"] |= {"occupancies": {"0.750": {"2a": 0.75}}, "cells": {"80": [2, 1, 2]}}
    launch = {"levels": {"u4": {"external": True}}}
    for level in ({"engine": "gpaw"}, {"engine": "chgnet"}):
        with pytest.raises(DlmdError) as caught:
            parse(toy | {"levels": {"u4": level}, "launch": launch})
        assert "launch.levels.u4.external" in str(caught.value) and "start_from" in str(caught.value)
