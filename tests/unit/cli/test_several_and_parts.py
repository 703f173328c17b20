"""Commands on one's own runs: several mobile elements at several temperatures, parts of a run, segments, crystals of others."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from dlmd.cli import main
from segment_files import write_segments
from two_carriers import CELL_A, write_two_carriers

STRUCTURES = Path(__file__).parents[3] / "structures"


def call(capsys, command):
    code = main.main(shlex.split(command))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


OPTIONS = "--mobile Li Na --time-step 1 --lag-start 1 --lag-end 3 --hop-length 1"


def test_a_study_of_several_carriers(tmp_path, capsys):
    """D grows as exp(-0.3 eV / k_B T) for both; each has its line, and the whole has one."""
    for temperature in (500, 600, 700):
        faster = np.exp(-0.3 / 8.617e-5 * (1 / temperature - 1 / 600))
        write_two_carriers(tmp_path / f"T{temperature}.dump", faster=faster, seed=temperature)
    runs = " ".join(str(tmp_path / f"T{t}.dump") for t in (500, 600, 700))
    code, printed, error = call(capsys, f"study {runs} {OPTIONS} -o {tmp_path}/out")
    assert code in (0, 3), error
    fitted = json.loads((tmp_path / "out/arrhenius.json").read_text())
    for one in (fitted, *fitted["carriers"].values()):
        energy = one["fits"]["d_self"]["activation_energy_ev"]
        assert energy["low"] < 0.3 < energy["high"]
    assert list(fitted["carriers"]) == ["Li", "Na"]
    assert "Li by itself: E_a of" in printed and "Na by itself: E_a of" in printed
    page = (tmp_path / "out/study.html").read_text()
    for words in (
        "The ions one by one",
        "Transference numbers",
        "8 Na (+1 e)",
        "Li-Na",
        "E_a of Na by itself",
    ):
        assert words in page
    # what a study writes, `dlmd arrhenius` reads
    code, again, error = call(
        capsys, f"arrhenius {tmp_path}/out/500K.json {tmp_path}/out/600K.json -o {tmp_path}/two"
    )
    assert code == 3 and "Na by itself" in again, error


def test_the_page_of_several_carriers(tmp_path, capsys):
    path = write_two_carriers(tmp_path / "a.dump")
    code, printed, error = call(capsys, f"transport {path} {OPTIONS} --temperature 600 -o {tmp_path}/out")
    assert code in (0, 3), error
    result = json.loads((tmp_path / "out/600K.json").read_text())
    assert result["format"] == "dlmd-transport" and list(result["carriers"]) == ["Li", "Na"]
    page = (tmp_path / "out/600K.html").read_text()
    assert "The ions one by one" in page and "8 Li (+1 e)" in page
    assert "8 Li (+1 e) by itself" in printed
    for name in ("600K.csv", "600K.png", "600K.rdf.csv"):
        assert (tmp_path / "out" / name).stat().st_size > 0
    one = call(
        capsys, f"transport {path} {OPTIONS.replace('Li Na', 'Li')} --temperature 700 -o {tmp_path}/out"
    )
    assert one[0] in (0, 3), one[2]
    code, _, error = call(
        capsys, f"arrhenius {tmp_path}/out/600K.json {tmp_path}/out/700K.json -o {tmp_path}/line"
    )
    assert code == 1 and "results of different mobile ions: Li,Na" in error


def test_the_end_of_a_run_is_left_out(tmp_path, capsys):
    path = write_two_carriers(tmp_path / "a.dump", exploded_from=400)
    command = f"transport {path} {OPTIONS} --temperature 600 -o {tmp_path}/out"
    code, _, error = call(capsys, command)
    assert code == 1 and "NaN" in error and "--end PS" in error and len(error.splitlines()) == 3
    code, _, error = call(capsys, command + " --end 199.5 --skip 50")
    assert code in (0, 3), error
    result = json.loads((tmp_path / "out/600K.json").read_text())
    assert result["n_frames"] == 300
    assert any("after 199.5 ps" in note for note in result["notes"])


def test_a_window_that_does_not_fit_names_the_run(tmp_path, capsys):
    path = write_two_carriers(tmp_path / "a.dump", frames=40)
    command = f"transport {path} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}/out"
    for window in ("--lag-start 15 --lag-end 19", "--lag-end 5"):
        code, _, error = call(capsys, f"{command} {window}")
        assert code == 1 and f"in:  {path}" in error and len(error.splitlines()) == 3


@pytest.fixture
def segments(tmp_path):
    folder = tmp_path / "r0"
    folder.mkdir()
    write_segments(folder, lengths=(400, 400))
    # as the equilibration of a run, which has no frames of the ions
    first = json.loads((folder / "0001.json").read_text())
    (folder / "0000.json").write_text(
        json.dumps({**first, "segment": 0, "dcd": None, "host": None, "dcd_stride": 0, "dcd_frames": 0})
    )
    return folder


def test_folders_of_segments_are_read_without_their_equilibration(tmp_path, capsys, segments):
    code, printed, error = call(capsys, f"rdf {segments} -o {tmp_path}/rdf")
    assert code == 0 and "Cl-Li: first peak" in printed, error
    code, printed, error = call(capsys, f"rdf {segments}/0001.json -o {tmp_path}/rdf --end 0.2")
    assert code == 0, error
    code, _, error = call(capsys, f"transport {segments} -o {tmp_path}/out")
    assert code == 3, error
    result = json.loads(next((tmp_path / "out").glob("*K.json")).read_text())
    assert result["n_frames"] == 81 and (tmp_path / f"out/{result['temperature_k']:g}K.rdf.csv").is_file()
    code, _, _ = call(capsys, f"study {segments} --show")
    assert code == 0
    for command in ("rdf", "transport"):
        code, _, error = call(capsys, f"{command} {segments}/0000.json -o {tmp_path}/none")
        assert code == 1 and "the equilibration has no frames of the ions" in error and "0001.json" in error


def test_the_sample_of_atoms_of_segments_is_theirs(segments):
    from dlmd.trajectory.segment_atoms import with_atoms
    from dlmd.trajectory.segments import join

    sidecars = sorted(segments.glob("000[12].json"))
    trajectory = with_atoms(join(sidecars), sidecars)
    ions = np.concatenate(list(trajectory.blocks()), axis=1)
    atoms = trajectory.atoms
    assert list(atoms.frames) == list(range(0, 81, 5))
    for row, number in enumerate(atoms.frames):
        of_mobile = atoms.positions[row][atoms.mobile] - trajectory.host_centre[number]
        assert of_mobile == pytest.approx(ions[number], abs=0.02)  # XTC has 0.01 Å
    assert trajectory.composition == {"Cl": 6, "Li": 4, "Ti": 2}


def test_a_crystal_of_another_compound_is_refused(tmp_path, capsys, segments):
    path = write_two_carriers(tmp_path / "a.dump", frames=20)
    command = f"--cif {STRUCTURES}/Li3InCl6.cif -o {tmp_path}/out"
    code, _, error = call(capsys, f"mechanism {path} --mobile Li --time-step 1 --temperature 600 {command}")
    assert code == 1 and "the CIF has Cl, In, Li, the trajectory Cl, Li, Na: another compound" in error
    assert "Li3InCl6.cif" in error and len(error.splitlines()) == 3
    code, _, error = call(capsys, f"mechanism {segments} {command}")
    assert code == 1 and "the trajectory Cl, Li, Ti: another compound" in error


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--temperature inf", "inf is not positive"),
        ("--skip nan", "nan is no number of at least 0"),
        ("--charge 0", "a charge of 0 e carries no current"),
        ("--charge Li=nan", "a charge of nan e carries no current"),
        ("--end nan", "nan is not positive"),
        ("--predict nan", "nan is not positive"),
        ("--name a/b", "is no name of a file"),
        ("--cell 14 14 nan", "no lengths"),
        ("--cell 28 14 14", "--cell has edges 28, 14, 14 Å, the file's own cell 14, 14, 14 Å"),
        ("-o /proc/none/here", "no such file or directory"),
    ],
)
def test_options_without_a_meaning(tmp_path, capsys, options, says):
    path = write_two_carriers(tmp_path / "T600.dump", frames=20)
    command = "study" if "--predict" in options else "transport"
    given = "" if command == "study" or "--temperature" in options else "--temperature 600"
    out = "" if "-o" in options else f"-o {tmp_path}/out"
    try:
        code, _, error = call(capsys, f"{command} {path} --mobile Li --time-step 1 {given} {out} {options}")
    except SystemExit as ended:
        code, error = ended.code, capsys.readouterr().err
    assert code in (1, 2) and says in error and "fix:" in error
    assert "unexpected" not in error and len(error.splitlines()) <= 4
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_the_same_cell_given_again_is_no_contradiction(tmp_path):
    from dlmd.trajectory import readers

    path = write_two_carriers(tmp_path / "a.dump", frames=20)
    assert readers.read([path], mobile="Li", time_step_fs=1.0, cell=[14.0, 14.0, 14.05]).cell[0, 0] == CELL_A
