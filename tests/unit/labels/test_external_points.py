"""Single points computed elsewhere: what was computed with other settings, or not to its end, is no label."""

import gzip
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ase.build import bulk

from dlmd.base.errors import DlmdError
from dlmd.config.launch import LevelLaunch
from dlmd.labels import engines
from dlmd.labels.engines import Unconverged, dft
from dlmd.labels.external import Elsewhere
from dlmd.labels.relaxation import structure_mark

LEVEL = {"engine": "gpaw", "ecut_ev": 400.0, "kpoint_mesh": [1, 1, 1], "smearing_ev": 0.05}
# stands in for GPAW: its energy tells the settings that it was run with
GPAW = """
import json
from pathlib import Path
point = json.loads(Path("point.json").read_text())
n = len(point["symbols"])
energy = -point["ecut_ev"] - sum(point["keywords"]["kpts"].get("size", [0]))
found = {"energy": energy, "forces": [[0.0] * 3] * n, "stress": [0.0] * 6}
Path("results.json").write_text(json.dumps(found))
"""


def frames():
    atoms = bulk("LiCl", "rocksalt", a=5.14)
    moved = atoms.copy()
    moved.positions[1] += 0.1
    return [atoms, moved]


def elsewhere(home, electrons=None, **changes):
    engine = engines.get(LEVEL | changes, LevelLaunch(external=True, electrons=electrons or {}))
    return Elsewhere(engine, home, frames())


def run(home, text=GPAW):
    (home / "fake.py").write_text(text)
    # called with the script that is staged as its argument
    subprocess.run(
        [home / "run.sh"],
        env={"PATH": "/usr/bin:/bin", "PROGRAM": f"{sys.executable} {home}/fake.py"},
        check=True,
    )


def energies(point):
    found = []
    for atoms in frames():
        point.calculate(atoms, ["energy"])
        found.append(point.results["energy"])
    return found


@pytest.fixture
def computed(tmp_path):
    point = elsewhere(tmp_path / "home")
    with pytest.raises(DlmdError, match="2 of 2 single points wait"):
        energies(point)
    run(tmp_path / "home")
    assert energies(point) == [-403.0, -403.0]
    return tmp_path / "home"


CHANGES = [
    ({"kpoint_mesh": [2, 2, 2]}, -406.0),
    ({"kpoint_mesh": None}, None),
    ({"ecut_ev": 500.0}, -503.0),
    ({"smearing_ev": 0.1}, None),
    ({"magmom": {"Li": 1.0}}, None),
    ({"hubbard_u_ev": {"Cl": 1.0}, "hubbard_orbital": {"Cl": "p"}}, None),
    ({"keywords": {"convergence": {"density": 1e-3}}}, None),
    ({"keywords": {"nbands": 20}}, None),
]


@pytest.mark.parametrize(("change", "energy"), CHANGES)
def test_other_settings_wait_for_results_of_their_own_and_the_former_ones_stay(computed, change, energy):
    point = elsewhere(computed, **change)
    with pytest.raises(DlmdError, match="2 of 4 single points wait"):
        energies(point)
    assert energies(elsewhere(computed)) == [-403.0, -403.0]
    if energy is not None:
        run(computed)
        assert energies(elsewhere(computed, **change)) == [energy] * 2


def test_how_electrons_converge_leaves_results_valid(computed):
    assert energies(elsewhere(computed, electrons={"maxiter": 400})) == [-403.0, -403.0]
    assert len(list((computed / "frames").iterdir())) == 2


def test_folders_named_before_settings_were_part_of_the_name_are_found(computed):
    point = elsewhere(computed)
    for atoms in frames():
        point.folder(atoms).rename(computed / "frames" / structure_mark(atoms, point.engine.level)[:16])
    assert energies(elsewhere(computed)) == [-403.0, -403.0]
    with pytest.raises(DlmdError, match="2 of 4 single points wait"):
        energies(elsewhere(computed, kpoint_mesh=[2, 2, 2]))


def test_outputs_swapped_between_frames_are_refused(computed):
    one, other = sorted(computed.glob("frames/*/results.json"))
    other.write_text(other.read_text() + "\n")  # so that the two differ
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    with pytest.raises(DlmdError, match="is not the one that GPAW wrote here"):
        energies(elsewhere(computed))
    one.write_bytes(first)
    other.write_bytes(second.rstrip(b"\n"))
    assert energies(elsewhere(computed)) == [-403.0, -403.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raise SystemExit(3)", "exit code 3 of GPAW"),
        (GPAW.replace("json.dumps(found)", "json.dumps(found)[:40]"), "of GPAW: results that cannot be read"),
        (GPAW.replace("* n", "* (n - 1)"), "forces on 1 atoms, there are 2"),
        (GPAW.replace('"stress"', '"strain"'), "results that cannot be read"),
    ],
)
def test_what_did_not_end_well_is_no_label(tmp_path, text, told):
    elsewhere(tmp_path)
    run(tmp_path, text)
    with pytest.raises(DlmdError, match=told) as caught:
        energies(elsewhere(tmp_path))
    assert "remove ended and run run.sh again" in caught.value.remedy


def test_unconverged_electrons_are_told_apart(tmp_path):
    elsewhere(tmp_path)
    run(tmp_path, 'from pathlib import Path\nPath("results.json").write_text(\'{"unconverged": "density"}\')')
    with pytest.raises(Unconverged):
        energies(elsewhere(tmp_path))


def test_results_that_are_not_finite_are_no_label(tmp_path):
    elsewhere(tmp_path)
    run(tmp_path, GPAW.replace("[[0.0] * 3]", '[[float("nan")] * 3]'))
    with pytest.raises(DlmdError, match="not finite"):
        energies(elsewhere(tmp_path))


def test_nothing_of_a_former_run_is_taken_for_that_of_a_later_one(tmp_path):
    """A point that was changed on the way has run; then, as it was staged, the program fails."""
    point = elsewhere(tmp_path)
    folder = point.folder(frames()[0])
    (folder / "point.json").write_text((folder / "point.json").read_text().replace("400.0", "300.0"))
    run(tmp_path)
    with pytest.raises(DlmdError, match=r"point\.json was not the staged one"):
        energies(point)
    (folder / "ended").unlink()
    # the next start of the job puts the inputs back as they were staged
    elsewhere(tmp_path)
    run(tmp_path, "raise SystemExit(1)")
    with pytest.raises(DlmdError, match=r"exit code 1 of GPAW: no results\.json"):
        energies(elsewhere(tmp_path))
    (folder / "ended").unlink()
    run(tmp_path)
    assert energies(elsewhere(tmp_path)) == [-403.0, -403.0]


def test_more_iterations_begin_without_what_did_not_converge(tmp_path):
    elsewhere(tmp_path)
    run(tmp_path, 'from pathlib import Path\nPath("results.json").write_text(\'{"unconverged": "density"}\')')
    again = elsewhere(tmp_path, electrons={"maxiter": 400})
    assert not list(tmp_path.glob("frames/*/results.json"))
    with pytest.raises(DlmdError, match="2 of 2 single points wait"):
        energies(again)


STOPPED = """
import os, signal
from pathlib import Path
Path("results.json").write_text("{}")
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_program_that_was_stopped_has_not_ended(tmp_path):
    point = elsewhere(tmp_path)
    with pytest.raises(subprocess.CalledProcessError) as stopped:
        run(tmp_path, STOPPED)
    assert stopped.value.returncode == 143
    with pytest.raises(DlmdError, match="2 of 2 single points wait"):
        energies(point)
    run(tmp_path)
    assert energies(point) == [-403.0, -403.0]


def running(pid):
    """Whether a process is there, and no zombie that nobody waits for."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_script_that_is_stopped_ends_its_program(tmp_path):
    elsewhere(tmp_path)
    (tmp_path / "slow.py").write_text(
        "import os, time\nfrom pathlib import Path\nPath('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    )
    script = subprocess.Popen(
        [tmp_path / "run.sh"],
        env={"PATH": "/usr/bin:/bin", "PROGRAM": f"{sys.executable} {tmp_path}/slow.py"},
    )
    for _ in range(300):
        pids = [file.read_text() for file in tmp_path.glob("frames/*/pid")]
        if pids and pids[0]:
            break
        time.sleep(0.1)
    script.terminate()
    assert script.wait(20) == 143
    for _ in range(100):
        if not running(pids[0]):
            break
        time.sleep(0.1)
    assert not running(pids[0])
    assert not list(tmp_path.glob("frames/*/ended"))


def test_results_may_come_back_packed_at_another_place_and_without_what_was_staged(computed, tmp_path):
    for file in computed.glob("frames/*/*"):
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    other = tmp_path / "elsewhere"
    computed.rename(other)
    assert energies(elsewhere(other)) == [-403.0, -403.0]
    run(other, "raise SystemExit(1)")
    assert energies(elsewhere(other)) == [-403.0, -403.0]
    for file in other.glob("frames/*/staged.json.gz"):
        file.unlink()
    for file in other.glob("frames/*/point.*"):
        file.unlink()
    assert energies(elsewhere(other)) == [-403.0, -403.0]
    # of other inputs, or of none that is told: to be run again
    one = elsewhere(other).folder(frames()[0])
    (one / "staged.json").unlink()
    (one / "used.sha256.gz").write_bytes(gzip.compress(b"00  point.json\n00  point.py\n"))
    with pytest.raises(DlmdError, match="1 of 2 single points wait"):
        energies(elsewhere(other))
    assert {file.name for file in one.iterdir()} == {"errors.gz", "point.json", "point.py", "staged.json"}
    run(other)
    assert energies(elsewhere(other)) == [-403.0, -403.0]


def test_an_input_that_is_missing_is_written_again(tmp_path):
    folder = elsewhere(tmp_path).folder(frames()[1])
    (folder / "point.py").unlink()
    elsewhere(tmp_path)
    run(tmp_path)
    assert energies(elsewhere(tmp_path)) == [-403.0, -403.0]


def settings(engine, **keys):
    needed = {
        "gpaw": {},
        "espresso": {"pseudo_dir": "pp", "pseudopotentials": {"Ti": "Ti.upf"}},
        "cp2k": {"basis_sets": {"Ti": "DZVP"}, "potentials": {"Ti": "GTH"}},
    }[engine]
    return engines.get({"engine": engine} | needed | keys, LevelLaunch(external=True)).settings


@pytest.mark.parametrize(
    ("engine", "keys", "apart"),
    [
        ("gpaw", {}, []),
        (
            "gpaw",
            {
                "ecut_ev": 600.0,
                "keywords": {"maxiter": 9},
                "moment_range": {"Ti": [0, 1]},
                "magmom": {"Ti": 1},
            },
            {"magmom"},
        ),
        ("gpaw", {"keywords": {"convergence": {"density": 1e-3}}}, {"keywords"}),
        (
            "espresso",
            {"electronic_ev": 1e-3, "density_cutoff_ratio": 4.0, "smearing_ev": 0.1},
            {"electronic_ev", "smearing_ev"},
        ),
        ("espresso", {"input_data": {"electrons": {"mixing_beta": 0.1}}}, []),
        (
            "espresso",
            {"input_data": {"system": {"nbnd": 40}}, "kpoint_mesh": [2, 1, 1]},
            {"input_data", "kpoint_mesh"},
        ),
        (
            "cp2k",
            {"cutoff_ev": 4000.0, "relative_cutoff_ev": 400.0, "eps_scf": 1e-4},
            {"eps_scf", "relative_cutoff_ev"},
        ),
        ("cp2k", {"input": {"FORCE_EVAL": {"DFT": {"SCF": {"MAX_SCF": 9, "ADDED_MOS": 9}}}}}, {"input"}),
        ("cp2k", {"potential_file": "OTHER"}, {"potential_file"}),
    ],
)
def test_what_decides_numbers_beside_the_theory(engine, keys, apart):
    assert set(settings(engine, **keys).apart) == set(apart)


def test_levels_of_pretrained_potentials_are_all_that_decides():
    assert dft.numbers(SimpleNamespace(level={"engine": "chgnet"})) == {"engine": "chgnet"}
