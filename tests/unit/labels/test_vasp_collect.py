import json
import os
import shutil
import subprocess
import sys

import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import collect, manifest, stage
from vasp_bench import FAKE, crystal, library, settings


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Dynamics in two segments, run by run.sh as on another machine."""
    home = tmp_path_factory.mktemp("external")
    s = settings(library(home / "lib"), run="external", aimd={"chunk_steps": 6})
    folder = home / "labels/u4/aimd"
    stage.stage_aimd(
        crystal(), folder, settings=s, level="u4", cell="toy", source="o_toy_0", temperature_k=300.0, strain=0.0,
        steps=12, time_step_fs=1.0, seed=5,
    )  # fmt: skip
    done = subprocess.run([folder / "run.sh"], env=vasp(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def job(elsewhere, tmp_path):
    """A copy of the finished job, to be damaged."""
    shutil.copytree(elsewhere, tmp_path / "labels/u4/aimd")
    return tmp_path / "labels/u4/aimd"


def vasp(**tricks):
    return os.environ | {"VASP": f"{sys.executable} {FAKE}", "FAKE_VASP": json.dumps(tricks)}


def gather(folder):
    return collect.collect_aimd(
        folder, stride=1, max_rejected_fraction=0.1, frames=folder / "f.extxyz", record=folder / "f.json"
    )


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_results_from_elsewhere_are_collected(job):
    assert gather(job)["frames_kept"] == 12
    assert not list(job.rglob("run00/POTCAR"))


def test_a_vasprun_alone_is_enough_and_says_what_it_lacks(job):
    for segment in ("seg000", "seg001"):
        (job / segment / "run00/OUTCAR").unlink()
        subprocess.run(["gzip", job / segment / "run00/vasprun.xml"], check=True)
    told = gather(job)
    assert told["frames_kept"] == 12 and told["moments_not_judged"] == 12
    assert any("without moments" in note for note in told["notes"])


def test_outputs_may_lie_in_the_step_folder_itself(job):
    for segment in ("seg000", "seg001"):
        shutil.move(job / segment / "run00/OUTCAR", job / segment / "OUTCAR")
        shutil.rmtree(job / segment / "run00")
    assert gather(job)["frames_kept"] == 12


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("LDAUU =   0.0  4.0  0.0", "LDAUU =   0.0  3.0  0.0", "LDAUU is 0 3 0, staged 0 4 0"),
        ("LDAUL =    -1    2   -1", "LDAUL =     2   -1   -1", "LDAUL is 2 -1 -1, staged -1 2 -1"),
        (" LDA+U is selected", " nothing is selected", "LDAU is F, staged True"),
        ("ENCUT  =  450.0 eV", "ENCUT  =  400.0 eV", "ENCUT is 400.0"),
        ("GGA     =    91", "GGA     =    PE", "GGA is PE, staged 91"),
        ("ISPIN  =      2", "ISPIN  =      1", "ISPIN is 1"),
        ("TEBEG  =  300.0", "TEBEG  =  500.0", "TEBEG is 500.0"),
        ("POTIM  = 1.0000", "POTIM  = 2.0000", "POTIM is 2.0000"),
        ("k-points for:    1    1    1", "k-points for:    2    1    1", "k-mesh is"),
        (
            "TITEL  = PAW_GGA Ti 01Jan2000",
            "TITEL  = PAW_GGA Ti 09Sep1999",
            "potential is 'PAW_GGA Ti 09Sep1999'",
        ),
        ("TITEL  = PAW_GGA Ti 01Jan2000", "TITEL  = PAW_GGA Ti_pv 07Sep2000", "potentials are"),
    ],
)
def test_results_of_another_level_are_refused(job, old, new, complaint):
    edit(job / "seg001/run00/OUTCAR", old, new)
    with pytest.raises(DlmdError, match="not of the staged inputs") as refused:
        gather(job)
    assert complaint in refused.value.what
    assert not (job / "f.extxyz").exists()


def test_parallelisation_may_differ(job):
    edit(job / "seg001/run00/OUTCAR", " INCAR:\n", " INCAR:\n   NCORE = 16\n   KPAR = 4\n")
    assert gather(job)["frames_kept"] == 12


def test_unset_functional_is_that_of_the_potentials(job):
    edit(job / "seg001/run00/OUTCAR", "GGA     =    91", "GGA     =    --")
    assert gather(job)["frames_kept"] == 12


def test_results_of_another_structure_are_refused(job):
    record = json.loads((job / "job.json").read_text())
    record["scaled_positions"][3][0] += 0.01
    (job / "job.json").write_text(json.dumps(record))
    with pytest.raises(DlmdError, match="another structure than was staged"):
        gather(job)
    record["cell_angstrom"][0][0] += 0.01
    (job / "job.json").write_text(json.dumps(record))
    with pytest.raises(DlmdError, match="another cell than was staged"):
        gather(job)


def test_a_missing_segment_is_named_and_a_swapped_one_noticed(job):
    shutil.rmtree(job / "seg001/run00")
    with pytest.raises(DlmdError, match=r"no results in .*seg001/run00"):
        gather(job)
    shutil.copytree(job / "seg000/run00", job / "seg001/run00")
    with pytest.raises(DlmdError, match="only 6 of 12 steps are there"):
        gather(job)


def test_an_unfinished_segment_is_named_and_run_sh_goes_on(job):
    outcar = job / "seg001/run00/OUTCAR"
    outcar.write_text(outcar.read_text()[:-3000])
    (job / "seg001/run00/vasprun.xml").unlink()
    with pytest.raises(DlmdError, match="unfinished segments: seg001"):
        gather(job)
    assert manifest.entry(job)["steps"] == {"seg000": "done", "seg001": "unfinished"}
    subprocess.run([job / "run.sh"], env=vasp(), check=True)
    assert (job / "seg001/run01/OUTCAR").exists() and manifest.entry(job)["steps"]["seg001"] == "done"
    assert gather(job)["frames_kept"] >= 12


def test_run_sh_stops_at_the_first_failure(job):
    shutil.rmtree(job / "seg000/run00")
    shutil.rmtree(job / "seg001/run00")
    done = subprocess.run(
        [job / "run.sh"], env=vasp(kill_after=2), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "seg000: VASP did not finish" in done.stderr
    assert not (job / "seg001/run00").exists()
    (job / "POTCAR").unlink()
    done = subprocess.run([job / "run.sh"], env=vasp(), capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "POTCAR is missing" in done.stderr


def test_manifest_lists_what_waits_in_one_message(job, monkeypatch):
    monkeypatch.setattr("pymatgen.core.SETTINGS", {})
    labels = job.parents[1]
    assert manifest.message(manifest.write(labels, ["u4"])) == ""
    for n in (0, 1):
        stage.stage_relax(
            crystal(),
            labels / f"u4/relax/{n}",
            settings=settings(run="external"),
            level="u4",
            cell="toy",
            source=f"o_toy_{n}",
        )
    text = manifest.message(manifest.write(labels, ["u4"]))
    assert (
        text.startswith("2 VASP jobs wait") and "relax/1: 1-relax missing, 2-relax missing, 3-static" in text
    )
    assert "POTCARs to add before running: Cl, Li, Ti" in text
    listed = json.loads((labels / "u4/manifest.json").read_text())["jobs"]
    assert len(listed) == 3 and listed[1]["k_mesh"] == [2, 1, 2] and listed[1]["atoms"] == 20
