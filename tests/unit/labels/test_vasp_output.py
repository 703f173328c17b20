import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import ase.io
import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.units import EV_PER_A3_PER_GPA
from dlmd.labels.vasp import output, stage
from dlmd.labels.vasp.outcar import parse_outcar
from dlmd.labels.vasp.vasprun import parse_vasprun
from vasp_bench import FAKE, crystal, potential, settings

REAL = Path(__file__).parents[4] / "shared/data/vasp"


def real(name):
    path = REAL / name
    if not path.exists():
        pytest.skip("no folder of real VASP files beside the repository")
    return path


def fake_run(folder, steps=6, **tricks):
    """A dynamics run of the stand-in in `folder`."""
    job = stage.stage_aimd(
        crystal(), folder, settings=settings(aimd={"incar": {"NELM": 60}}), level="u4", cell="toy", source="o_toy_0",
        temperature_k=300.0, strain=0.0, steps=steps, time_step_fs=1.0, seed=5,
    )  # fmt: skip
    run = folder / "seg000/run00"
    shutil.copytree(folder / "seg000/inputs", run)
    (run / "POTCAR").write_text("".join(potential(name) for name in job["species"]))
    subprocess.run(
        [sys.executable, str(FAKE)], cwd=run, env=os.environ | {"FAKE_VASP": json.dumps(tricks)}, check=False
    )
    return run


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return fake_run(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def mishaps(tmp_path_factory):
    return fake_run(
        tmp_path_factory.mktemp("mishaps"), unconverged=[2], overflow=[4], flip_moment=[5], kill_after=5
    )


def test_both_files_tell_the_same(plain):
    a = parse_outcar((plain / "OUTCAR").read_text(), plain / "OUTCAR")
    b = parse_vasprun((plain / "vasprun.xml").read_text(), plain / "vasprun.xml")
    assert a.finished and b.finished and len(a.frames) == len(b.frames) == 6
    assert (a.symbols, a.kpoints, a.titels) == (b.symbols, b.kpoints, b.titels)
    for x, y in zip(a.frames, b.frames, strict=True):
        assert x.reason is None and y.reason is None and x.electronic_steps == y.electronic_steps
        assert x.energy == pytest.approx(y.energy, abs=1e-7)
        assert np.allclose(x.forces, y.forces, atol=1e-6) and np.allclose(x.stress, y.stress, atol=1e-7)
        assert x.temperature_k == pytest.approx(y.temperature_k, abs=0.01)
    assert a.frames[0].moments[6] == 1.0 and a.frames[0].total_moment == 2.0


def test_labels_are_those_of_dpdata(plain):
    import dpdata

    run = output.read_run(plain)
    system = dpdata.LabeledSystem(str(plain / "OUTCAR"), fmt="vasp/outcar")
    assert np.allclose(system["energies"], [f.energy for f in run.frames])
    assert np.allclose(
        np.linalg.norm(system["forces"], axis=2), [np.linalg.norm(f.forces, axis=1) for f in run.frames]
    )
    virial = [-np.trace(f.stress) * abs(np.linalg.det(f.cell)) for f in run.frames]
    assert np.allclose(np.trace(system["virials"], axis1=1, axis2=2), virial, rtol=1e-3)


def test_stand_in_is_read_by_pymatgen(plain):
    from pymatgen.io.vasp.inputs import Poscar
    from pymatgen.io.vasp.outputs import Oszicar, Outcar, Vasprun, Xdatcar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert Vasprun(
            plain / "vasprun.xml", parse_dos=False, parse_eigen=False, parse_potcar_file=False
        ).converged_electronic
        assert Outcar(plain / "OUTCAR").magnetization[6]["tot"] == 1.0
        assert len(Oszicar(plain / "OSZICAR").ionic_steps) == len(Xdatcar(plain / "XDATCAR").structures) == 6
        assert len(Poscar.from_file(plain / "CONTCAR").velocities) == 20


def test_every_frame_is_refused_for_its_own_reason(mishaps):
    run = output.read_run(mishaps)
    assert not run.finished and [f.step for f in run.frames] == [1, 2, 3, 4, 5, 6]
    reasons = [f.reason for f in run.frames]
    assert reasons[0] is reasons[2] is reasons[4] is None
    # the OUTCAR says 'EDIFF is reached' after that loop too
    assert reasons[1] == "electrons unconverged: 60 steps of NELM = 60" and run.frames[1].whole
    assert reasons[3].startswith("unreadable") and not run.frames[3].whole
    assert reasons[5].startswith("unreadable")  # killed in the middle of its force table
    assert run.frames[4].moments[6] == 0.05


@pytest.mark.parametrize("name", ["OUTCAR", "vasprun.xml"])
def test_a_torn_file_gives_its_whole_frames_or_a_clear_error(plain, name):
    parse = {"OUTCAR": parse_outcar, "vasprun.xml": parse_vasprun}[name]
    text = (plain / name).read_text()
    whole = parse(text, plain / name).frames
    seen = set()
    for end in np.linspace(0, len(text) - 1, 40).astype(int):
        try:
            frames = parse(text[:end], plain / name).frames
        except DlmdError as error:
            assert error.remedy
            continue
        good = [f for f in frames if f.reason is None]
        seen.add(len(good))
        for a, b in zip(good, whole, strict=False):
            assert a.energy == b.energy and np.array_equal(a.forces, b.forces)
    assert {1, 3, 5} <= seen


@pytest.mark.parametrize("section", ["generator", "kpoints"])
def test_a_vasprun_without_what_nothing_needs_is_read(plain, section):
    text = (plain / "vasprun.xml").read_text()
    without = re.sub(rf"<{section}>.*?</{section}>", "", text, flags=re.DOTALL)
    assert len(without) < len(text)
    a, b = (parse_vasprun(t, plain / "vasprun.xml") for t in (text, without))
    assert [f.energy for f in a.frames] == [f.energy for f in b.frames] and a.settings == b.settings
    if section == "kpoints":
        assert a.kpoints is not None and b.kpoints is None and b.k_points is None


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("<parameters>.*?</parameters>", "has no whole <parameters>$"),
        ("<atominfo>.*?</atominfo>", "has no whole <atominfo>$"),
        ("<calculation>.*</calculation>", "has no whole <calculation>$"),
        ("<atominfo>.*", "has no whole <atominfo>, <calculation>$"),
        ('<i [^>]*name="NELM">.*?</i>', "has no NELM in its <parameters>$"),
    ],
)
def test_a_vasprun_says_what_it_lacks(plain, pattern, told):
    text = re.sub(pattern, "", (plain / "vasprun.xml").read_text(), flags=re.DOTALL)
    with pytest.raises(DlmdError) as error:
        parse_vasprun(text, plain / "vasprun.xml")
    assert re.search(told, error.value.what) and error.value.where == str(plain / "vasprun.xml")


def test_gzip_and_a_torn_gzip_are_read(plain, tmp_path):
    data = gzip.compress((plain / "OUTCAR").read_bytes())
    (tmp_path / "OUTCAR.gz").write_bytes(data)
    assert len(output.read_run(tmp_path).frames) == 6
    (tmp_path / "OUTCAR.gz").write_bytes(data[: len(data) * 2 // 3])
    torn = output.read_run(tmp_path)
    assert not torn.finished and 0 < len(torn.whole_frames) < 6


def test_hidden_frames_are_taken_from_the_vasprun(plain, tmp_path):
    shutil.copy(plain / "vasprun.xml", tmp_path)
    text = (plain / "OUTCAR").read_text().replace("NWRITE =      2", "NWRITE =      0")
    keep, lines = True, []
    for line in text.splitlines():  # NWRITE=0 prints forces at the last step only
        if "Iteration" in line:
            keep = "Iteration      6(" in line
        if keep or "TOTAL-FORCE" not in line:
            lines.append(line)
    (tmp_path / "OUTCAR").write_text("\n".join(lines))
    run = output.read_run(tmp_path)
    assert run.path.name == "vasprun.xml" and len(run.whole_frames) == 6


def test_joined_files_are_refused(plain):
    text = (plain / "OUTCAR").read_text()
    with pytest.raises(DlmdError, match="several runs are in one OUTCAR"):
        parse_outcar(text + text[text.index("----- Iteration") :], plain)


def test_nothing_there_says_what_was_looked_for(tmp_path):
    (tmp_path / "OUTCAR").write_text("")
    with pytest.raises(DlmdError, match=r"neither OUTCAR nor vasprun\.xml"):
        output.read_run(tmp_path)


@pytest.mark.parametrize("name", ["OUTCAR", "vasprun.xml"])
def test_the_first_frame_is_what_the_stand_in_has_computed(plain, name, monkeypatch):
    monkeypatch.syspath_prepend(FAKE.parent)
    from fake_vasp import pair_potential

    parse = {"OUTCAR": parse_outcar, "vasprun.xml": parse_vasprun}[name]
    run = parse((plain / name).read_text(), plain / name)
    energy, forces, stress = pair_potential(ase.io.read(plain / "POSCAR"), 0.01 * sum(run.settings["LDAUU"]))
    first = run.frames[0]
    assert first.energy == pytest.approx(energy, abs=1e-7)
    np.testing.assert_allclose(first.forces, forces, atol=1e-5)
    np.testing.assert_allclose(first.stress, stress, atol=1e-6)
    # velocities of 300 K are drawn at random: 57 degrees of freedom scatter by a fifth
    assert 300 * 0.5 < first.temperature_k < 300 * 1.6
    assert run.counts == [6, 2, 12]


def test_unconverged_runs_give_no_frame(tmp_path):
    run = fake_run(tmp_path, steps=3, unconverged=[1, 2, 3])
    for parse, name in ((parse_outcar, "OUTCAR"), (parse_vasprun, "vasprun.xml")):
        frames = parse((run / name).read_text(), run / name).frames
        assert [f.reason for f in frames] == ["electrons unconverged: 60 steps of NELM = 60"] * 3


def test_the_free_energy_counts_not_that_of_no_smearing(plain):
    """VASP writes three energies; the forces are derivatives of the free one."""
    for parse, name in ((parse_outcar, "OUTCAR"), (parse_vasprun, "vasprun.xml")):
        text = (plain / name).read_text()
        other = re.sub(
            r'(energy\(sigma->0\) =|without entropy=|"e_wo_entrp">|"e_0_energy">) +\S+',
            r"\1 -0.00104706",
            text,
        )
        assert other.count("-0.00104706") >= 12
        expected = [f.energy for f in parse(text, plain / name).frames]
        assert [f.energy for f in parse(other, plain / name).frames] == expected


def test_real_dynamics_of_water():
    import dpdata

    path = real("dpdata_OUTCAR.h2o.md.10")
    run = parse_outcar(output.read_text(path), path)
    assert run.symbols == ["O", "O", "H", "H", "H", "H"] and run.titels[0] == "PAW_PBE O 08Apr2002"
    assert len(run.frames) == 10 and all(f.reason is None for f in run.frames)
    first = run.frames[0]
    # numbers read by eye: TOTEN, force of the first atom, 'in kB' XX and XY, temperature
    assert first.energy == -28.38622624 and tuple(first.forces[0]) == (-0.141986, -0.573729, 0.356515)
    kbar = 0.1 * EV_PER_A3_PER_GPA
    assert first.stress[0, 0] == pytest.approx(2.15814 * kbar) and first.stress[0, 1] == pytest.approx(
        -0.35445 * kbar
    )
    assert first.temperature_k == 12.64 and first.electronic_steps == 21
    assert (run.settings["ENCUT"], run.settings["GGA"], run.settings["LDAU"]) == ("800.0", "PE", "F")
    system = dpdata.LabeledSystem(str(path), fmt="vasp/outcar")
    assert np.allclose(
        np.trace(system["virials"], axis1=1, axis2=2)[0], -np.trace(first.stress) * 1000.0, rtol=1e-4
    )


def test_real_unconverged_runs_give_no_frame():
    path = real("dpdata_OUTCAR.ch4.1step")
    (frame,) = parse_outcar(output.read_text(path), path).frames
    assert frame.reason == "electrons unconverged: 1 steps of NELM = 1"
    path = real("pmg_vasprun.unconverged.xml.gz")
    frames = parse_vasprun(output.read_text(path), path).frames
    assert len(frames) == 5 and all(f.reason.startswith("electrons unconverged: 100") for f in frames)


def test_real_plus_u_run_and_its_free_energy():
    path = real("pmg_vasprun.lifepo4.xml.gz")
    run = parse_vasprun(output.read_text(path), path)
    assert run.counts == [16, 16, 16, 64] and len(run.frames) == 11
    assert run.settings["LDAUU"] == [0.0, 4.3, 4.3, 4.3, 0.0, 0.0] and run.settings["GGA"] == "PE"
    # the free energy, not energy(sigma->0), which this file gives as -0.00104706
    assert run.frames[0].energy == -773.09034081


def test_real_dynamics_temperature_comes_from_the_kinetic_energy():
    path = real("pmg_vasprun.md.xml.gz")
    frames = parse_vasprun(output.read_text(path), path).frames
    assert len(frames) == 10 and frames[0].temperature_k == pytest.approx(2000.0, abs=0.1)


def test_stand_in_forces_and_stress_are_derivatives_of_its_energy(monkeypatch):
    monkeypatch.syspath_prepend(FAKE.parent)
    from fake_vasp import pair_potential

    atoms = crystal()
    atoms.rattle(0.1, seed=1)
    _, forces, stress = pair_potential(atoms, 0.04)
    h = 1e-5

    def energy(shift=0.0, strain=0.0):
        moved = atoms.copy()
        moved.positions[3, 1] += shift
        moved.set_cell(
            atoms.cell @ (np.eye(3) + strain / 2 * np.eye(3)[[2, 1, 0]] * [1, 0, 1]), scale_atoms=True
        )
        return pair_potential(moved, 0.04)[0]

    assert forces[3, 1] == pytest.approx(-(energy(h) - energy(-h)) / (2 * h), abs=1e-7)
    slope = (energy(strain=h) - energy(strain=-h)) / (2 * h) / atoms.get_volume()
    assert stress[0, 2] == pytest.approx(slope, abs=1e-8)
