import json
import re

import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import stage, verify
from vasp_bench import crystal, library, settings

REFERENCE = """ALGO = Normal
EDIFF = 1e-06
EDIFFG = -0.05
ENCUT = 450.0
GGA = 91
IBRION = 2
ISIF = 3
ISMEAR = 0
ISPIN = 2
LASPH = True
LCHARG = False
LDAU = True
LDAUJ = 0.0 0.0 0.0
LDAUL = -1 2 -1
LDAUPRINT = 1
LDAUTYPE = 2
LDAUU = 0.0 4.0 0.0
LMAXMIX = 4
LORBIT = 11
LREAL = Auto
LWAVE = False
MAGMOM = 6*0.0 2*1.0 12*0.0
NELM = 200
NELMIN = 4
NSW = 200
NWRITE = 2
POTIM = 0.3
PREC = Accurate
SIGMA = 0.05
SYSTEM = o_toy_0 u4
VOSKOWN = 1
"""


def relax(folder, s=None, atoms=None, cell="toy"):
    return stage.stage_relax(
        atoms or crystal(), folder, settings=s or settings(), level="u4", cell=cell, source="o_toy_0"
    )


def check(folder, job, **changes):
    tags = job["run_steps"][0]["tags"]
    meant = dict(
        tags=tags,
        moments=job["moments"],
        kpoints=("gamma", [2, 1, 2]),
        species=job["species"],
        counts=job["counts"],
        potential_names=job["potcar"]["names"],
        cell=crystal().cell.array,
        scaled=crystal().get_scaled_positions(),
    )
    return verify.mismatches(folder / "1-relax/inputs", **meant | changes)


def test_inputs_equal_the_stored_reference(tmp_path):
    relax(tmp_path)
    inputs = tmp_path / "1-relax/inputs"
    assert (inputs / "INCAR").read_text() == REFERENCE
    assert (inputs / "KPOINTS").read_text().split() == [
        "Automatic",
        "kpoint",
        "scheme",
        "0",
        "Gamma",
        "2",
        "1",
        "2",
    ]
    assert (inputs / "POTCAR.spec").read_text().split() == ["Li", "Ti", "Cl"]
    poscar = verify.parse_poscar((inputs / "POSCAR").read_text())
    assert (poscar.species, poscar.counts) == (["Li", "Ti", "Cl"], [6, 2, 12])


def test_the_two_levels_differ_in_u_alone(tmp_path):
    relax(tmp_path / "u4")
    relax(tmp_path / "u0", settings(hubbard_u_ev={"Ti": 0.0}))
    u4, u0 = (verify.parse_incar((tmp_path / u / "1-relax/inputs/INCAR").read_text()) for u in ("u4", "u0"))
    assert {name for name in u4.keys() ^ u0.keys()} == {
        "LDAU",
        "LDAUTYPE",
        "LDAUL",
        "LDAUU",
        "LDAUJ",
        "LDAUPRINT",
    }
    assert all(u0[name] == u4[name] for name in u0)


def test_later_steps_wait_for_their_structure(tmp_path):
    relax(tmp_path)
    assert not (tmp_path / "2-relax/inputs/POSCAR").exists()
    assert (tmp_path / "3-static/inputs/INCAR").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("INCAR", "LDAUU = 0.0 4.0 0.0", "LDAUU = 4.0 0.0 0.0", "LDAUU is 4.0 0.0 0.0"),
        ("INCAR", "LDAU = True", "LDAU = .FALSE.", "LDAU is .FALSE."),
        ("INCAR", "6*0.0 2*1.0 12*0.0", "2*1.0 18*0.0", "MAGMOM"),
        ("INCAR", "6*0.0 2*1.0 12*0.0", "6*0.0 2*1.0", "MAGMOM"),
        ("INCAR", "GGA = 91\n", "", "GGA is absent"),
        ("INCAR", "PREC", "ISYM = 0\nPREC", "ISYM = 0 was not meant"),
        ("KPOINTS", "2 1 2", "2 2 1", "KPOINTS"),
        ("KPOINTS", "Gamma", "Monkhorst", "KPOINTS"),
        ("POSCAR", "Li Ti Cl", "Ti Li Cl", "POSCAR has"),
        ("POSCAR", "6 2 12", "5 3 12", "POSCAR has"),
        ("POSCAR", "0.2430000000000000", "0.2530000000000000", "positions differ"),
        ("POSCAR", "10.8900000000000006", "10.9900000000000006", "cell differs"),
        ("POTCAR.spec", "Li\nTi", "Ti\nLi", "POTCAR.spec lists"),
    ],
)
def test_reading_back_finds_every_kind_of_slip(tmp_path, file, old, new, complaint):
    job = relax(tmp_path)
    assert check(tmp_path, job) == []
    path = tmp_path / "1-relax/inputs" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    wrong = check(tmp_path, job)
    assert any(complaint in line for line in wrong), wrong
    with pytest.raises(DlmdError, match="not what was meant"):
        verify.require(wrong, tmp_path)


def test_potentials_in_the_wrong_order_are_found(tmp_path):
    job = relax(tmp_path)
    text = "".join(f"TITEL = PAW_GGA {name} 01Jan2000\n" for name in ("Ti", "Li", "Cl"))
    assert check(tmp_path, job, potentials=text) == [
        "POTCAR holds ['Ti', 'Li', 'Cl'], meant ['Li', 'Ti', 'Cl']"
    ]


def test_incar_reader_follows_vasp():
    text = "NSW = 5 ; IBRION = 2 # comment\n! all\nMAGMOM = 2*1.0 -0.5\nsystem = a b\n"
    tags = verify.parse_incar(text)
    assert tags == {"NSW": "5", "IBRION": "2", "MAGMOM": "1.0 1.0 -0.5", "SYSTEM": "a b"}
    assert verify.same_value(".TRUE.", True) and verify.same_value("F", False)
    assert not verify.same_value("T", False) and not verify.same_value("4.1", 4.0)


def test_job_record_says_what_was_staged(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("pymatgen.core.SETTINGS", {})
    relax(tmp_path)
    assert "no POTCAR of PW91 for Li, Ti, Cl: no library is set" in capsys.readouterr().err
    job = json.loads((tmp_path / "job.json").read_text())
    assert job["level_of_theory"]["hubbard_u_ev"] == {"Ti": 4.0}
    assert job["potcar"]["missing"] == ["Li", "Ti", "Cl"]
    assert job["kpoints"] == {"centring": "gamma", "mesh": [2, 1, 2]} and job["sites"][6] == "Ti1"
    assert stage.load_job(tmp_path) == job


def test_external_jobs_bring_their_potentials_and_local_ones_leave_none(tmp_path):
    potentials = library(tmp_path / "lib")
    relax(tmp_path / "local", settings(potentials))
    assert not list((tmp_path / "local").rglob("POTCAR")) and not (tmp_path / "local/run.sh").exists()
    relax(tmp_path / "external", settings(potentials, run="external"))
    titles = re.findall(r"TITEL  = PAW_GGA (\w+)", (tmp_path / "external/POTCAR").read_text())
    assert titles == ["Li", "Ti", "Cl"] and (tmp_path / "external/run.sh").exists()


def test_what_cannot_be_staged_is_refused(tmp_path):
    left = crystal()
    left.set_cell(left.cell[[1, 0, 2]], scale_atoms=False)
    with pytest.raises(DlmdError, match="left-handed"):
        relax(tmp_path, atoms=left)
    with pytest.raises(DlmdError, match="no k-mesh for the cell 'other'"):
        relax(tmp_path, cell="other")
    with pytest.raises(DlmdError, match="no VASP job is staged here"):
        stage.load_job(tmp_path)
