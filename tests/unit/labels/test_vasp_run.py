import gzip
import json
import shutil
import threading

import ase.io
import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import collect, continuation, stage
from dlmd.labels.vasp.run import run_step
from vasp_bench import LAUNCH, crystal, library, settings

# custodian reads the made-up potentials through pymatgen, which does not know them
pytestmark = pytest.mark.filterwarnings("ignore:POTCAR data")


@pytest.fixture
def mishap(monkeypatch):
    return lambda **tricks: monkeypatch.setenv("FAKE_VASP", json.dumps(tricks))


@pytest.fixture
def aimd(tmp_path):
    """Staged dynamics of 30 steps in two segments; the folder and its settings."""

    def make(steps=30, **changes):
        s = settings(library(tmp_path / "lib"), **changes)
        stage.stage_aimd(
            crystal(), tmp_path / "aimd", settings=s, level="u4", cell="toy", source="o_toy_0",
            temperature_k=300.0, strain=0.0, steps=steps, time_step_fs=1.0, seed=5,
        )  # fmt: skip
        return tmp_path / "aimd", s

    return make


def gather(folder, **changes):
    options = {"stride": 1, "max_rejected_fraction": 0.2} | changes
    record = collect.collect_aimd(
        folder, frames=folder / "frames.extxyz", record=folder / "frames.json", **options
    )
    return record, ase.io.read(folder / "frames.extxyz", ":")


@pytest.fixture(scope="module")
def relaxed(tmp_path_factory):
    """A relaxation with U, run and collected."""
    folder = tmp_path_factory.mktemp("relax")
    s, watched = settings(library(folder / "lib")), LAUNCH.model_copy(update={"custodian": True})
    stage.stage_relax(crystal(), folder / "job", settings=s, level="u4", cell="toy", source="o_toy_0")
    for name in ("1-relax", "2-relax", "3-static"):
        run_step(folder / "job", name, settings=s, launch=watched)
    return folder / "job", s


def test_relaxation_goes_through_its_steps(relaxed):
    folder, _ = relaxed
    atoms, info = collect.collect_relax(folder)
    assert info["converged"] and info["fmax_ev_per_a"] < 0.08 and info["moments_in_range"] is True
    assert info["energy_ev_per_atom"] < info["energy_start_ev_per_atom"]
    assert info["energy_ev_per_atom"] == pytest.approx(atoms.get_potential_energy() / 20)
    assert atoms.arrays["site"][6] == "Ti1" and atoms.get_magnetic_moments()[6] == 1.0
    assert info["theory"]["potcar_titels"] == [f"PAW_GGA {x} 01Jan2000" for x in ("Li", "Ti", "Cl")]
    # a step's structure is what the step before ended with, to the last digit
    start = (folder / "3-static/run00/POSCAR").read_text()
    assert (folder / "2-relax/run00/CONTCAR").read_text().startswith(start)


def test_potentials_do_not_stay_and_outputs_are_compressed(relaxed):
    folder, _ = relaxed
    assert not list(folder.rglob("POTCAR"))
    assert (folder / "1-relax/run00/OUTCAR.gz").exists() and not (folder / "1-relax/run00/OUTCAR").exists()


def test_nothing_finished_is_run_again(relaxed):
    folder, s = relaxed
    broken = LAUNCH.model_copy(update={"command": "false"})
    record = run_step(folder, "1-relax", settings=s, launch=broken)
    assert [run["folder"] for run in record["runs"]] == ["run00"]


def test_a_relaxation_brought_back_as_vasprun_alone_is_judged_by_its_forces(relaxed, tmp_path):
    folder, _ = relaxed
    copy = tmp_path / "job"
    shutil.copytree(folder, copy)
    for path in list(copy.glob("*/run00/OUTCAR.gz")):
        path.unlink()
    _, info = collect.collect_relax(copy)
    assert info["energy_ev_per_atom"] == pytest.approx(collect.collect_relax(folder)[1]["energy_ev_per_atom"])
    assert info["moments_in_range"] is None
    # stopped at the limit of its steps: the last forces are too large
    record = json.loads((copy / "job.json").read_text())
    path = copy / "1-relax/run00/vasprun.xml.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    assert record["run_steps"][0]["tags"]["EDIFFG"] == -0.05 and "-0.05000000" in text
    path.write_bytes(gzip.compress(text.replace("-0.05000000", "-0.00500000").encode()))
    with pytest.raises(DlmdError, match="1-relax is not finished"):
        collect.collect_relax(copy)


def test_runs_of_other_settings_do_not_pass_for_done(relaxed, tmp_path):
    folder, s = relaxed
    copy = tmp_path / "job"
    shutil.copytree(folder, copy)
    u0 = s.model_copy(update={"hubbard_u_ev": {"Ti": 0.0}})
    stage.stage_relax(crystal(), copy, settings=u0, level="u0", cell="toy", source="o_toy_0")
    with pytest.raises(DlmdError, match="a run of other settings is here: LDAU is T, staged False"):
        run_step(copy, "1-relax", settings=u0, launch=LAUNCH)
    with pytest.raises(DlmdError, match="not of the staged inputs: LDAU"):
        collect.collect_relax(copy)


def test_a_killed_run_goes_on_and_joins_the_undisturbed_one(aimd, mishap, tmp_path):
    folder, s = aimd(steps=20, aimd={"chunk_steps": 20})
    mishap(only="seg000/run00", kill_after=8)
    record = run_step(folder, "seg000", settings=s, launch=LAUNCH)
    assert [run["ionic_steps"] for run in record["runs"]] == [8, 12]
    told, kept = gather(folder)
    assert [atoms.info["step"] for atoms in kept] == list(range(20)) and told["frames_rejected"] == 0
    (tmp_path / "aimd").rename(tmp_path / "killed")
    mishap()
    folder, s = aimd(steps=20, aimd={"chunk_steps": 20})
    run_step(folder, "seg000", settings=s, launch=LAUNCH)
    _, whole = gather(folder)
    # the stand-in's thermostat follows the run's own length, so only what came before the kill is the very same
    for a, b in zip(kept[:9], whole[:9], strict=True):
        assert np.allclose(a.positions, b.positions, atol=2e-5)


def test_a_contcar_behind_the_output_replays_without_repeat(aimd, mishap):
    folder, s = aimd(steps=20, aimd={"chunk_steps": 20})
    mishap(only="seg000/run00", kill_after=8, contcar_lags=True)
    run_step(folder, "seg000", settings=s, launch=LAUNCH)
    _, kept = gather(folder)
    # the repeated frame is one of the steps that the second run was asked for
    assert [atoms.info["step"] for atoms in kept] == list(range(19))
    moves = np.diff([atoms.positions for atoms in kept], axis=0)
    assert np.linalg.norm(moves, axis=2).max() < 0.05


def test_segments_follow_each_other_with_their_velocities(aimd):
    folder, s = aimd()
    with pytest.raises(DlmdError, match="seg001 needs seg000"):
        run_step(folder, "seg001", settings=s, launch=LAUNCH)
    for name in ("seg000", "seg001"):
        run_step(folder, name, settings=s, launch=LAUNCH)
    assert (folder / "seg001/run00/POSCAR").read_text() == (folder / "seg000/run00/CONTCAR").read_text()
    told, kept = gather(folder, stride=5)
    assert [atoms.info["step"] for atoms in kept] == [0, 5, 10, 15, 20, 25]
    assert kept[3].info["time_ps"] == pytest.approx(0.015) and told["steps"] == 30
    wanted = {"temperature_k": 300.0, "level": "u4", "strain": 0.0, "source": "o_toy_0", "converged": True}
    assert {k: kept[0].info[k] for k in wanted} == wanted
    assert kept[0].info["theory"]["hubbard_u_ev"] == {"Ti": 4.0}


def test_the_ladder_is_climbed_and_not_collected(aimd):
    folder, s = aimd(steps=10, aimd={"heating_ladder_k": [50.0]})
    for name in ("seg000", "seg001"):
        run_step(folder, name, settings=s, launch=LAUNCH)
    start = (folder / "seg001/run00/POSCAR").read_text()
    contcar = (folder / "seg000/run00/CONTCAR").read_text()
    # velocities go on; the predictor-corrector block is of the other ensemble
    assert contcar.startswith(start) and len(start.splitlines()) == 8 + 20 + 1 + 20 < len(
        contcar.splitlines()
    )
    _, kept = gather(folder)
    assert len(kept) == 10 and kept[0].info["step"] == 0


def test_unconverged_frames_are_counted_and_left_out(aimd, mishap):
    folder, s = aimd(steps=10)
    mishap(unconverged=[3, 7], flip_moment=[5])
    run_step(folder, "seg000", settings=s, launch=LAUNCH)
    told, kept = gather(folder)
    assert [atoms.info["step"] for atoms in kept] == [0, 1, 3, 4, 5, 7, 8, 9]
    assert told["frames_rejected"] == 2 and told["rejected_reasons"] == {"electrons unconverged": 2}
    assert [r["step_in_run"] for r in told["rejected"]] == [3, 7]
    assert told["moments_out_of_range"] == 1
    assert [bool(atoms.info["moments_in_range"]) for atoms in kept] == [True] * 3 + [False] + [True] * 4
    (folder / "frames.extxyz").unlink()
    with pytest.raises(DlmdError, match=r"2 frames are rejected .* 20% of the trajectory, more than 10%"):
        gather(folder, max_rejected_fraction=0.1)
    assert not (folder / "frames.extxyz").exists() and (folder / "frames.json").exists()


def test_the_walltime_stops_a_whole_step_early_and_the_next_job_goes_on(aimd, mishap):
    folder, s = aimd(steps=20)
    mishap(only="run00", sleep=0.6)
    with pytest.raises(DlmdError, match="walltime came before seg000 was done") as stopped:
        run_step(
            folder,
            "seg000",
            settings=s,
            launch=LAUNCH.model_copy(update={"stop_margin_s": 8.0}),
            walltime_s=10.0,
        )
    assert "goes on from the last CONTCAR" in stopped.value.remedy
    made = continuation.read_runs(folder / "seg000")[0]
    assert made.finished and 0 < len(made.frames) < 20 and not (folder / "seg000/done.json").exists()
    run_step(folder, "seg000", settings=s, launch=LAUNCH)
    _, kept = gather(folder)
    assert [atoms.info["step"] for atoms in kept] == list(range(20))


def test_what_vasp_refuses_is_told_with_its_words(aimd, capfd):
    folder, s = aimd(steps=5)
    (folder / "seg000/inputs/KPOINTS").write_text("nonsense\n1\n")
    with pytest.raises(DlmdError, match="VASP made no ionic step"):
        run_step(folder, "seg000", settings=s, launch=LAUNCH)
    assert "Error reading KPOINTS" in capfd.readouterr().err


def test_a_missing_command_or_potential_is_told(aimd, tmp_path):
    folder, s = aimd(steps=5)
    with pytest.raises(DlmdError, match="exit code 127"):
        run_step(folder, "seg000", settings=s, launch=LAUNCH.model_copy(update={"command": "no-such-vasp"}))
    (tmp_path / "lib/Ti/POTCAR").unlink()
    with pytest.raises(DlmdError, match="no POTCAR for Ti"):
        run_step(folder, "seg000", settings=s, launch=LAUNCH)


def test_a_changed_library_is_noticed(aimd, tmp_path):
    folder, s = aimd(steps=5)
    path = tmp_path / "lib/Ti/POTCAR"
    path.write_text(path.read_text().replace("01Jan2000", "02Feb2002"))
    with pytest.raises(DlmdError, match=r"02Feb2002.* were staged"):
        run_step(folder, "seg000", settings=s, launch=LAUNCH)


def test_two_jobs_do_not_share_a_folder(aimd, mishap):
    folder, s = aimd(steps=4)
    mishap(sleep=0.5)
    first = threading.Thread(
        target=run_step, args=(folder, "seg000"), kwargs={"settings": s, "launch": LAUNCH}
    )
    first.start()
    while not (folder / "seg000/run00").exists():
        pass
    with pytest.raises(DlmdError, match="another job writes here"):
        run_step(folder, "seg000", settings=s, launch=LAUNCH)
    first.join()
    assert (folder / "seg000/done.json").exists()
