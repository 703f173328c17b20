"""Outputs that look like the staged run and are of another one: in their numbers, their k-points, their atoms or their length."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp import VaspSettings
from dlmd.config.levels.vasp_tags import minimises
from dlmd.labels import given, given_theory
from dlmd.labels.vasp import as_staged, collect, continuation, manifest, output, seen, stage
from dlmd.labels.vasp.outcar import parse_outcar
from dlmd.labels.vasp.run import run_step
from dlmd.labels.vasp.vasprun import parse_vasprun
from vasp_bench import LAUNCH, computed_elsewhere, crystal, library, settings

BROKEN = LAUNCH.model_copy(update={"command": "false"})


@pytest.fixture(scope="module")
def point(tmp_path_factory):
    """A single point computed elsewhere as it was staged, without a library: its folder, OUTCAR (of VASP 5) and vasprun.xml."""
    folder = tmp_path_factory.mktemp("point")
    _, work = computed_elsewhere(folder, "1-static/run00")
    return folder, (work / "OUTCAR").read_text(), (work / "vasprun.xml").read_text()


def mismatches(point, text, *, role="static"):
    job = stage.load_job(point[0])
    step = job["run_steps"][0] | {"role": role}
    if role == "relax":
        step["tags"] = step["tags"] | {"IBRION": 2, "ISIF": 3, "EDIFFG": -0.01}
    parse = parse_vasprun if text.startswith("<?xml") else parse_outcar
    # a folder without inputs
    return as_staged.setting_mismatches(parse(text, point[0] / "OUTCAR"), job, step)


OTHERS = [
    ("LDAUTYPE =  2", "LDAUTYPE =  1", "LDAUTYPE is 1, staged 2"),
    ("ICHARG =      2", "ICHARG =     11", "ICHARG is 11, staged absent"),
    ("IALGO  =     68", "IALGO  =      3", "IALGO is 3, staged absent"),
    ("IDIPOL =      0", "IDIPOL =      4", "IDIPOL is 4, staged 0"),
    ("   LDIPOL =", "   EFIELD =  0.1000000\n   LDIPOL =", "EFIELD is 0.1, staged 0"),
    ("   LDIPOL =", "   LMONO  =      T\n   LDIPOL =", "LMONO is T, staged F"),
    ("NSW    =      0", "NSW    =     50", "NSW is 50, staged 0"),
    ("PAW_GGA Ti", "PAW_PBE Ti", "potential is 'PAW_PBE Ti 01Jan2000', staged one of PAW_GGA"),
    (
        "0.00000000  0.00000000  0.00000000       1.000",
        "0.25000000  0.25000000  0.25000000       1.000",
        "k-points are 1 of another mesh, staged gamma [1, 1, 1]",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), OTHERS)
def test_an_outcar_alone_tells_of_another_run(point, old, new, told):
    text = point[1]
    assert old in text and not mismatches(point, text)
    assert told in mismatches(point, text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name="LDAUTYPE">2', 'name="LDAUTYPE">1', "LDAUTYPE is 1, staged 2"),
        ('name="ALGO">Fast', 'name="ALGO">Eigenval', "ALGO is Eigenval, staged Fast"),
        ('name="NSW">0', 'name="NSW">9', "NSW is 9, staged 0"),
        (" </incar>", '  <i name="KSPACING"> 0.2</i>\n </incar>', "KSPACING is 0.2, staged absent"),
    ],
)
def test_a_vasprun_alone_tells_of_another_run(point, old, new, told):
    text = point[2]
    assert old in text and not mismatches(point, text)
    assert told in mismatches(point, text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("IBRION =     -1", "IBRION =      0", "IBRION is 0, staged 2"),
        ("ISIF   =      2", "ISIF   =      2", "ISIF is 2, staged 3"),
        ("EDIFFG = 1.0E-03", "EDIFFG = 1.0E-03", "EDIFFG is 0.001, staged -0.01"),
        ("EDIFFG = 1.0E-03", "EDIFFG = -.5E+00", "EDIFFG is -0.5, staged -0.01"),
    ],
)
def test_a_relaxation_is_as_far_and_as_free_as_staged(point, old, new, told):
    assert old in point[1]
    assert told in mismatches(point, point[1].replace(old, new), role="relax")
    tight = point[1].replace("EDIFFG = 1.0E-03", "EDIFFG = -.1E-02")
    assert not any(text.startswith("EDIFFG") for text in mismatches(point, tight, role="relax"))


@pytest.mark.parametrize("tag", ["METAGGA", "IVDW", "ADDGRID", "ENAUG"])
def test_a_staged_tag_that_no_output_tells_of_is_asked_for(point, tmp_path, tag):
    folder = tmp_path / "job"
    shutil.copytree(point[0], folder)
    job = stage.load_job(folder)
    job["run_steps"][0]["tags"][tag] = 12
    (folder / "job.json").write_text(json.dumps(job))
    run = folder / "1-static/run00"
    # INCAR says that it was not set
    with pytest.raises(DlmdError, match=f"{tag} is (absent|0), staged 12"):
        collect.collect_static(folder)
    for name in ("INCAR", "inputs.json", "vasprun.xml"):
        (run / name).unlink()
    with pytest.raises(DlmdError, match=f"{tag} is not told, staged 12") as refused:
        collect.collect_static(folder)
    assert "bring back the INCAR and inputs.json" in refused.value.remedy


def test_what_cannot_be_computed_is_refused_when_it_is_staged(tmp_path):
    told = {"level": "u4", "cell": "toy", "source": "o_toy_0"}
    with pytest.raises(DlmdError, match=r"tetrahedra \(ismear: -5\) on a mesh of 1x1x1"):
        stage.stage_static(crystal(), tmp_path / "a", settings=settings(ismear=-5), **told)
    with pytest.raises(DlmdError, match="LSORBIT is set, and moments are staged and read as collinear"):
        stage.stage_static(crystal(), tmp_path / "b", settings=settings(incar={"LSORBIT": True}), **told)


def listed(mesh, shift=(0, 0, 0), weights=None):
    points = (np.indices(mesh).reshape(3, -1).T + np.array(shift)) / np.array(mesh)
    weights = np.ones(len(points)) if weights is None else weights
    return SimpleNamespace(kpoints=None, k_points=np.column_stack((points[: len(weights)], weights)))


def test_k_points_are_those_of_the_mesh_and_its_centring():
    half = (0.5, 0.5, 0.5)
    gamma, monkhorst = ({"centring": name, "mesh": [2, 2, 2]} for name in ("gamma", "monkhorst"))
    judged = as_staged.kpoint_mismatches
    assert not judged(listed((2, 2, 2)), gamma) and not judged(listed((2, 2, 2), half), monkhorst)
    # as symmetry leaves them: Γ stands for itself
    assert not judged(listed((2, 2, 2), weights=[0.125, 0.375, 0.5]), gamma)
    for run, staged in (
        (listed((2, 2, 2), half), gamma),
        (listed((2, 2, 2)), monkhorst),
        (listed((3, 2, 2)), gamma),
        # each is a part of the staged mesh
        (listed((1, 1, 1)), gamma),
        (listed((2, 1, 2)), gamma),
    ):
        assert judged(run, staged)
    # an odd mesh is the same either way
    odd = {"centring": "monkhorst", "mesh": [3, 1, 3]}
    assert not judged(listed((3, 1, 3)), odd) and not judged(listed((3, 1, 3)), odd | {"centring": "gamma"})


@pytest.mark.parametrize("cut", ["Iteration      1(   3)", "POSITION     ", "General timing", None])
def test_two_runs_in_one_file_are_not_one(point, cut):
    _, outcar, vasprun = point
    with pytest.raises(DlmdError, match="several runs are in one OUTCAR"):
        parse_outcar(outcar[: outcar.index(cut) if cut else None] + outcar, point[0] / "OUTCAR")
    end = vasprun.index("<calculation>") + 900 if cut else None
    with pytest.raises(DlmdError, match=r"several runs are in one vasprun\.xml"):
        parse_vasprun(vasprun[:end] + vasprun, point[0] / "vasprun.xml")


@pytest.mark.parametrize("packer", ["bzip2", "xz", "gzip"])
def test_packed_outputs_are_read_also_where_they_are_cut(point, tmp_path, packer):
    path = tmp_path / "OUTCAR"
    path.write_text(point[1])
    subprocess.run([packer, path], check=True)
    (packed,) = tmp_path.iterdir()
    assert output.read_text(packed) == point[1] and output.read_head(packed) == point[1]
    assert output.read_run(tmp_path).finished
    for size in (0, 5, 20, packed.stat().st_size // 2):
        packed.write_bytes(packed.read_bytes()[:size])
        assert point[1].startswith(output.read_text(packed))


def test_values_that_minimise():
    assert all(
        minimises("ALGO", text) for text in ("N", "Normal", "VeryFast", "very_fast", "All", "a", "Conj")
    )
    assert not any(minimises("ALGO", text) for text in ("Nothing", "None", "Exact", "Eigenval", "CHI", "GW0"))
    assert minimises("IALGO", 38) and not minimises("IALGO", "2")
    assert minimises("ICHARG", "1") and not minimises("ICHARG", 12)
    for tag in ({"ICHARG": 11}, {"IALGO": 3}):
        with pytest.raises(ValueError, match="does not take the electrons to their ground state"):
            VaspSettings(incar=tag)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("ENCUT  =  450.0", "ENCUT  =  400.0", "encut_ev = 400.0"),
        ("ISPIN  =      2", "ISPIN  =      1", "spin_polarised = False"),
        ("PAW_GGA Ti ", "PAW_GGA Ti_pv ", "potcar_flavours = {'Ti': 'Ti_pv'}"),
        ("LDAUTYPE =  2", "LDAUTYPE =  1", "incar = {'LDAUTYPE': '1'}"),
    ],
)
def test_given_labels_of_another_cutoff_spin_or_potential_are_refused(point, tmp_path, old, new, told):
    path = tmp_path / "OUTCAR"
    level = settings(potcar={"flavours": {"Cl": "Cl"}}).level_of_theory()
    path.write_text(point[1])
    given_theory.require(given._load(path, None).theory, {}, level, where="here")
    assert old in point[1]
    path.write_text(point[1].replace(old, new))
    with pytest.raises(DlmdError, match="labels of another theory") as refused:
        given_theory.require(given._load(path, None).theory, {}, level, where="here")
    assert told in refused.value.what
    assert seen.theory(parse_outcar(point[1], path)) == {"functional": "PW91"}


def swapped():
    """The same atoms in another ordering: one Li and one Ti have changed places."""
    atoms = crystal()
    atoms.positions[[0, 6]] = atoms.positions[[6, 0]]
    return atoms


def test_a_job_staged_anew_with_another_ordering_does_not_take_the_old_results(tmp_path):
    s = settings(library(tmp_path / "lib"))
    told = {"settings": s, "level": "u4", "cell": "toy", "source": "o_toy_0"}
    stage.stage_static(crystal(), tmp_path / "job", **told)
    run_step(tmp_path / "job", "1-static", settings=s, launch=LAUNCH)
    stage.stage_static(swapped(), tmp_path / "job", **told)
    with pytest.raises(DlmdError, match="begins with another structure") as refused:
        run_step(tmp_path / "job", "1-static", settings=s, launch=BROKEN)
    assert "move run* out" in refused.value.remedy
    assert "another structure" in manifest.entry(tmp_path / "job")["steps"]["1-static"]
    with pytest.raises(DlmdError, match="begins with another structure"):
        collect.collect_static(tmp_path / "job")
    shutil.rmtree(tmp_path / "job/1-static/run00")
    run_step(tmp_path / "job", "1-static", settings=s, launch=LAUNCH)
    assert np.allclose(collect.collect_static(tmp_path / "job")[0].positions, swapped().positions, atol=1e-4)


def test_steps_of_two_relaxations_are_not_one(tmp_path):
    s = settings(library(tmp_path / "lib"), relax={"static": False})
    for name, atoms in (("a", crystal()), ("b", swapped())):
        stage.stage_relax(atoms, tmp_path / name, settings=s, level="u4", cell="toy", source="o_toy_0")
        for step in ("1-relax", "2-relax"):
            run_step(tmp_path / name, step, settings=s, launch=LAUNCH)
    collect.collect_relax(tmp_path / "a")
    shutil.rmtree(tmp_path / "a/2-relax/run00")
    shutil.copytree(tmp_path / "b/2-relax/run00", tmp_path / "a/2-relax/run00")
    with pytest.raises(DlmdError, match="does not go on from the one before it"):
        collect.collect_relax(tmp_path / "a")
    with pytest.raises(DlmdError, match="does not go on from the one before it"):
        run_step(tmp_path / "a", "2-relax", settings=s, launch=BROKEN)


def test_a_lost_first_frame_does_not_hide_another_ordering(point):
    run = parse_outcar(point[1], point[0] / "OUTCAR")
    job = stage.load_job(point[0])
    (frame,) = run.frames
    torn = type(frame)(step=1, electronic_steps=3, reason="unreadable")
    frame.step, run.frames = 2, [torn, frame]
    as_staged.require_start(run, job)
    frame.positions[[0, 6]] = frame.positions[[6, 0]]
    with pytest.raises(DlmdError, match="begins with another structure"):
        as_staged.require_start(run, job)


def dynamics(folder, s, steps):
    stage.stage_aimd(
        crystal(), folder, settings=s, level="u4", cell="toy", source="o_toy_0",
        temperature_k=300.0, strain=0.0, steps=steps, time_step_fs=1.0, seed=5,
    )  # fmt: skip


def test_dynamics_that_is_staged_longer_goes_on(tmp_path):
    s = settings(library(tmp_path / "lib"), aimd={"chunk_steps": 8})
    dynamics(tmp_path / "job", s, 12)
    for name in ("seg000", "seg001"):
        run_step(tmp_path / "job", name, settings=s, launch=LAUNCH)
    dynamics(tmp_path / "job", s, 18)
    assert manifest.entry(tmp_path / "job")["steps"] == {
        "seg000": "done", "seg001": "unfinished", "seg002": "missing",
    }  # fmt: skip
    run_step(tmp_path / "job", "seg000", settings=s, launch=BROKEN)
    for name in ("seg001", "seg002"):
        run_step(tmp_path / "job", name, settings=s, launch=LAUNCH)
    assert "NSW = 4\n" in (tmp_path / "job/seg001/run01/INCAR").read_text()
    files = {"frames": tmp_path / "frames.extxyz", "record": tmp_path / "frames.json"}
    told = collect.collect_aimd(tmp_path / "job", stride=1, max_rejected_fraction=0.0, **files)
    assert (told["steps"], told["frames_kept"]) == (18, 18)
    assert json.loads(files["record"].read_text())["frames_rejected"] == 0


def test_steps_made_count_whatever_the_last_run_was_asked_for():
    def run(steps, *, nsw, finished=True, torn=False):
        frames = [SimpleNamespace(step=n + 1, whole=not (torn and n + 1 == steps)) for n in range(steps)]
        return SimpleNamespace(finished=finished, frames=frames, settings={"NSW": nsw})

    step = {"role": "produce", "tags": {"NSW": 20}}
    assert continuation.done(step, [run(20, nsw=20)])
    assert not continuation.done(step, [run(10, nsw=10)]) and not continuation.done(step, [])
    # killed in its ninth step, gone on with the missing twelve
    assert continuation.done(step, [run(9, nsw=20, finished=False, torn=True), run(12, nsw=12)])
    assert not continuation.done(step, [run(9, nsw=20, finished=False, torn=True), run(11, nsw=11)])
