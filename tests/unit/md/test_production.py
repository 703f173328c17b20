"""An interrupted segment ends up with the frames of one that was not; the real LAMMPS with Lennard-Jones ions.

The equilibration and the run of two ranks start LAMMPS as the pipeline does, with DeePMD-kit's plugin; the others without.
"""

import json
import re
import stat
import sys
from dataclasses import replace

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.io.lammpsdata import write_lammps_data

import needs
from dlmd.base import time_series
from dlmd.base.errors import DlmdError
from dlmd.base.units import GPA_PER_BAR
from dlmd.md import cell_file, jobs, lattice, production
from dlmd.md.inputs import Dynamics, Strides
from dlmd.process import programs
from dlmd.trajectory import binary, segments

PAIR = ["pair_style lj/cut 6", "pair_coeff 1 1 0.01 2.5", "pair_coeff 2 2 0.01 2.5", "pair_coeff 1 2 0.2 2.5"]
DYNAMICS = Dynamics(
    pair=PAIR, species=["Na", "Cl"], mobile="Na", temperature_k=300, time_step_fs=2, damping_fs=100
)
STRIDES = Strides(positions=10, all_atoms=100, thermo=50, restart=500)

pytestmark = pytest.mark.slow


def segment(folder, lmp=None):
    production.run_segment(
        folder,
        number=1,
        steps=2000,
        dynamics=DYNAMICS,
        strides=STRIDES,
        identity={"level": "lj"},
        lmp=lmp or needs.lammps(),
        threads=1,
        log=folder / "log",
    )


@pytest.fixture(scope="module")
def equilibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("md")
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True) * (2, 2, 2)
    write_lammps_data(folder / "cell.data", atoms, specorder=["Na", "Cl"], masses=True)
    production.equilibrate(
        folder,
        data=folder / "cell.data",
        dynamics=DYNAMICS,
        steps=200,
        seed=3,
        thermo_stride=50,
        all_atoms_stride=100,
        identity={},
        lmp=programs.command("lmp"),
        threads=1,
        log=folder / "log",
    )
    return folder / "0000.restart"


def run_folder(tmp_path, equilibrated, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "0000.restart").write_bytes(equilibrated.read_bytes())
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory, equilibrated):
    """Folder of a segment that nothing has interrupted, to compare with."""
    folder = run_folder(tmp_path_factory.mktemp("uninterrupted"), equilibrated, "whole")
    segment(folder)
    return folder


def dying_lmp(tmp_path, *, step, last=2000):
    """A LAMMPS that is killed at `step` of `last`, wherever its restart files are."""
    program = tmp_path / "dying_lmp"
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, subprocess, sys\n"
        "name = pathlib.Path(sys.argv[2])\n"
        f"name.write_text(name.read_text().replace('run {last} upto', 'run {step} upto'))\n"
        f"subprocess.run([*{needs.lammps()!r}, *sys.argv[1:]])\nsys.exit(137)\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return [str(program)]


def test_going_on_from_a_restart_file_is_exact(tmp_path, equilibrated, whole):
    """LAMMPS sorts and lists neighbours anew wherever it writes a restart file, so that both runs sum in one order."""
    broken = run_folder(tmp_path, equilibrated, "broken")
    with pytest.raises(DlmdError, match="137"):
        segment(broken, dying_lmp(tmp_path, step=1300))
    assert not (broken / "0001.json").exists()
    segment(broken)

    assert json.loads((broken / "0001.json").read_text())["attempts"] == 2
    for suffix in ("thermo.csv", "host.txt", "xtc"):
        assert (whole / f"0001.{suffix}").read_bytes() == (broken / f"0001.{suffix}").read_bytes(), suffix
    atoms, header, _ = binary.dcd_layout(whole / "0001.dcd")
    assert atoms == 32
    assert binary.dcd_frames(whole / "0001.dcd") == binary.dcd_frames(broken / "0001.dcd") == 201
    # the header holds the last step of the first attempt
    a, b = ((f / "0001.dcd").read_bytes()[header:] for f in (whole, broken))
    assert a == b
    assert not (broken / "0001.parts").exists()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        # the equilibrated ions have 300 K, far above what a set point of 1 K allows
        ({"temperature_k": 1, "damping_fs": 1e6}, "the temperature is"),
        # neighbours of rock salt with a = 5.6 Å
        ({"shortest_a": 3.0}, "two atoms are 2"),
        # a time step a hundred times too long
        ({"time_step_fs": 60}, "atoms have flown away"),
    ],
)
def test_a_potential_that_fails_ends_the_run_and_says_so(tmp_path, equilibrated, changes, found):
    folder = run_folder(tmp_path, equilibrated, "failing")
    run = dict(
        number=1, steps=2000, dynamics=replace(DYNAMICS, **changes), strides=Strides(10, 100, 50, 100),
        identity={}, threads=1, log=folder / "log",
    )  # fmt: skip
    with pytest.raises(DlmdError, match=f"not stable at .*{found}"):
        production.run_segment(folder, **run, lmp=needs.lammps())
    assert not (folder / "0001.json").exists()
    # a scheduler's retries do not spend the time again
    with pytest.raises(DlmdError, match=f"not stable at .*{found}"):
        production.run_segment(folder, **run, lmp=["/no/such/program"])


def test_potentials_that_part_ways_end_the_run(tmp_path, equilibrated):
    folder = run_folder(tmp_path, equilibrated, "deviating")
    # what DeePMD's pair style writes, from LAMMPS itself: a deviation that grows with the step
    table = 'fix table all print 100 "$(step) 0 0 0 $(step/1000) 0 0" file deviation.txt screen no'
    watched = replace(DYNAMICS, pair=[*PAIR, table], max_deviation_ev_per_angstrom=0.65)
    run = dict(
        number=1, steps=200_000, strides=Strides(10, 100, 50, 50_000), identity={}, threads=1, log=folder / "log"
    )  # fmt: skip
    found = "the potentials differ by 0.70 eV/Å and more in the force on an atom from step 700 to 900"
    with pytest.raises(DlmdError, match=found):
        production.run_segment(folder, **run, dynamics=watched, lmp=needs.lammps())
    assert not (folder / "0001.json").exists()
    with pytest.raises(DlmdError, match=found):
        production.run_segment(folder, **run, dynamics=watched, lmp=["/no/such/program"])
    # without the guard the same dynamics go on; its bound is no part of what the frames depend on
    (folder / "0001.parts" / production.FAILED).unlink()
    free = replace(watched, max_deviation_ev_per_angstrom=None)
    production.run_segment(folder, **run, dynamics=free, lmp=needs.lammps())
    assert json.loads((folder / "0001.json").read_text())["last_step"] == 200_000


def test_a_segment_ends_before_its_walltime_and_goes_on(tmp_path, equilibrated, monkeypatch):
    folder = run_folder(tmp_path, equilibrated, "walltime")
    run = dict(
        number=1, steps=200_000, dynamics=DYNAMICS, strides=Strides(10, 100, 50, 50_000), identity={},
        lmp=needs.lammps(), threads=1, log=folder / "log",
    )  # fmt: skip
    monkeypatch.setattr(production.walltime, "usable_s", lambda: 1.0)
    with pytest.raises(
        DlmdError, match=r"walltime came before the end: segment 1 is at step (\d+) of 0..200000"
    ):
        production.run_segment(folder, **run)
    stopped = max(int(p.suffix[1:]) for p in (folder / "0001.parts").glob("restart.*"))
    assert 0 < stopped < 200_000 and stopped % 100 == 0
    assert not (folder / "0001.dcd").exists() and not (folder / "owner.json").exists()

    monkeypatch.setattr(production.walltime, "usable_s", lambda: None)
    production.run_segment(folder, **run)
    assert json.loads((folder / "0001.json").read_text())["attempts"] == 2
    assert binary.dcd_frames(folder / "0001.dcd") == 20_001
    steps = [int(line.split()[0]) for line in (folder / "0001.host.txt").read_text().splitlines()[2:]]
    assert steps == list(range(0, 200_001, 10))


def test_what_was_in_buffers_at_a_kill_is_made_again(tmp_path, equilibrated, whole):
    """A restart file may be on the disk, and the frames before it not: the run goes on from an earlier one."""
    broken = run_folder(tmp_path, equilibrated, "broken")
    with pytest.raises(DlmdError):
        segment(broken, dying_lmp(tmp_path, step=1300))
    parts = broken / "0001.parts"
    assert {p.name for p in parts.glob("restart.*")} == {"restart.500", "restart.1000"}
    offsets = binary.xtc_offsets(parts / "000000000000.xtc")
    # frames at 0 to 800: two whole ones less than the restart file of step 1000 needs, and half of one
    with (parts / "000000000000.xtc").open("r+b") as file:
        file.truncate((offsets[9] + offsets[10]) // 2)
    host = parts / "000000000000.host.txt"
    host.write_text(host.read_text()[:-7])
    segment(broken)
    assert json.loads((broken / "0001.json").read_text())["attempts"] == 2
    for suffix in ("thermo.csv", "host.txt"):
        assert (whole / f"0001.{suffix}").read_text() == (broken / f"0001.{suffix}").read_text()
    # XTC is compressed by neighbouring frames of no other, so that the same frames are the same bytes
    assert (whole / "0001.xtc").read_bytes() == (broken / "0001.xtc").read_bytes()


def test_parts_of_another_potential_are_not_continued(tmp_path, equilibrated, capsys):
    folder = run_folder(tmp_path, equilibrated, "changed")
    run = dict(
        number=1, steps=2000, dynamics=DYNAMICS, strides=STRIDES, threads=1, log=folder / "log",
    )  # fmt: skip
    with pytest.raises(DlmdError):
        production.run_segment(
            folder, **run, identity={"model_sha256": "old"}, lmp=dying_lmp(tmp_path, step=1300)
        )
    production.run_segment(folder, **run, identity={"model_sha256": "new"}, lmp=needs.lammps())
    assert json.loads((folder / "0001.json").read_text())["attempts"] == 1
    assert "parts of another potential" in capsys.readouterr().err


def test_two_mpi_ranks_give_the_run_of_one(tmp_path, equilibrated):
    folders = [run_folder(tmp_path, equilibrated, f"ranks{n}") for n in (1, 2)]
    for ranks, folder in enumerate(folders, start=1):
        production.run_segment(
            folder, number=1, steps=500, dynamics=DYNAMICS, strides=Strides(10, 100, 50, 500), identity={},
            lmp=programs.command("lmp", ranks=ranks), threads=1, log=folder / "log",
        )  # fmt: skip
    one, two = (np.loadtxt(f / "0001.thermo.csv", delimiter=",", skiprows=1) for f in folders)
    assert two[:, 2] == pytest.approx(one[:, 2], abs=1e-3)
    assert re.search(r"Loop time of \S+ on 2 procs", (folders[1] / "log").read_text())


def ended(tmp_path, equilibrated, monkeypatch):
    """A segment that has come to its end, killed before its files were joined."""
    folder = run_folder(tmp_path, equilibrated, "ended")
    with monkeypatch.context() as killed:
        killed.setattr(production.parts, "join", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            segment(folder)
    return folder


def test_frames_missing_at_the_end_are_made_again(tmp_path, equilibrated, whole, monkeypatch, capsys):
    folder = ended(tmp_path, equilibrated, monkeypatch)
    dcd = folder / "0001.parts/000000000000.dcd"
    _, header, record = binary.dcd_layout(dcd)
    with dcd.open("r+b") as file:  # up to step 1200
        file.truncate(header + 121 * record + 5)
    segment(folder)
    assert "had ended, but" in capsys.readouterr().err
    assert json.loads((folder / "0001.json").read_text())["attempt_first_steps"] == [0, 1000]
    assert (whole / "0001.dcd").read_bytes()[header:] == (folder / "0001.dcd").read_bytes()[header:]
    for suffix in ("thermo.csv", "host.txt", "xtc"):
        assert (whole / f"0001.{suffix}").read_bytes() == (folder / f"0001.{suffix}").read_bytes(), suffix


def test_a_damaged_frame_in_the_middle_is_made_again(tmp_path, equilibrated, whole, monkeypatch):
    folder = ended(tmp_path, equilibrated, monkeypatch)
    xtc = folder / "0001.parts/000000000000.xtc"
    offsets = binary.xtc_offsets(xtc)
    with xtc.open("r+b") as file:
        file.seek(offsets[7])
        file.write(bytes(4))
    segment(folder)
    assert json.loads((folder / "0001.json").read_text())["attempt_first_steps"] == [0]
    assert (whole / "0001.xtc").read_bytes() == (folder / "0001.xtc").read_bytes()


def test_a_damaged_restart_file_is_not_gone_on_from(tmp_path, equilibrated):
    folder = run_folder(tmp_path, equilibrated, "damaged")
    segment(folder)
    restart = folder / "0001.restart"
    damaged = bytearray(restart.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    restart.write_bytes(bytes(damaged))
    with pytest.raises(DlmdError, match="restart file is not the one that the run wrote"):
        production.run_segment(
            folder, number=2, steps=2000, dynamics=DYNAMICS, strides=STRIDES, identity={}, lmp=["/no/such"],
            threads=1, log=folder / "log",
        )  # fmt: skip


# Lennard-Jones argon, whose crystal is stable: eps = 0.0104 eV, sigma = 3.405 Å; all atoms alike, two names for them
ARGON = replace(
    DYNAMICS,
    pair=["pair_style lj/cut 8.5", "pair_coeff * * 0.0104 3.405"],
    temperature_k=40,
    shortest_a=2.0,
)
FREE = replace(ARGON, pressure=("x", "y", "z"), pressure_damping_fs=1000)
REPEAT = [4, 4, 4]


def argon(folder, a):
    """An equilibrated crystal of 256 atoms at a fixed cell of edge `a` per fcc cell; the folder of its run."""
    folder.mkdir()
    atoms = bulk("Na", "fcc", a=a, cubic=True) * REPEAT
    atoms.symbols[::2] = "Cl"
    cell_file.write(atoms, folder / "cell.data", species=["Na", "Cl"])
    production.equilibrate(
        folder, data=folder / "cell.data", dynamics=ARGON, steps=5000, seed=4, thermo_stride=50,
        all_atoms_stride=5000, identity={}, lmp=needs.lammps(), threads=1, log=folder / "log",
    )  # fmt: skip
    return folder


def run_argon(folder, *, dynamics=FREE, number=1, lmp=None, steps=10_000):
    ids = [int(n) for n in range(2, 257, 2)]
    production.run_segment(
        folder, number=number, steps=steps, dynamics=dynamics, strides=replace(STRIDES, positions=50),
        identity={
            "level": "lj", "replica": 0, "ids": ids, "types": [2, 1] * 128, "n_atoms": 256,
            "masses_amu": {"Na": 22.99, "Cl": 35.45}, "cell_angstrom": (np.eye(3) * 21.2).tolist(),
        },
        lmp=lmp or needs.lammps(), threads=1, log=folder / "log",
    )  # fmt: skip


@pytest.fixture(scope="module")
def free_argon(tmp_path_factory):
    """Folder of a run of 40 ps at zero pressure, from a cell that is 1 % too small."""
    folder = argon(tmp_path_factory.mktemp("argon") / "free", 5.28)
    for number in (1, 2):
        run_argon(folder, number=number)
    return folder


def test_a_killed_run_at_constant_pressure_goes_on_with_the_barostats_state(tmp_path, free_argon):
    """LAMMPS stores the cell's edges and computes the rest anew: the run is the same up to rounding, which then grows."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "0000.restart").write_bytes((free_argon / "0000.restart").read_bytes())
    with pytest.raises(DlmdError, match="137"):
        run_argon(broken, lmp=dying_lmp(tmp_path, step=6300, last=10_000))
    run_argon(broken)
    assert json.loads((broken / "0001.json").read_text())["attempt_first_steps"] == [0, 6000]
    rows = [
        np.loadtxt(folder / "0001.thermo.csv", delimiter=",", skiprows=1) for folder in (free_argon, broken)
    ]
    assert rows[0].shape == rows[1].shape == (201, 15)
    assert np.array_equal(rows[0][:121], rows[1][:121])
    # two ps after it the edges agree to 1e-6; without the barostat's state they would not to 1e-3
    assert rows[1][121:141, 6:9] == pytest.approx(rows[0][121:141, 6:9], rel=1e-6)


def test_at_the_mean_cell_of_constant_pressure_the_mean_pressure_is_zero(tmp_path, free_argon):
    """Thermodynamics: the volume at which constant volume has no pressure is the mean volume at zero pressure."""
    judged = lattice.Judged(10, 0.01, 0.05, 1.0, 0.95)
    unit = {"a": 5.28, "b": 5.28, "c": 5.28, "alpha": 90.0, "beta": 90.0, "gamma": 90.0}
    sidecars = [free_argon / "0001.json", free_argon / "0002.json"]
    found = lattice.mean_cell(sidecars, unit_cell=unit, repeat=REPEAT, judged=judged)
    edges = [found["unit_cell"][key] for key in "abc"]
    assert edges == pytest.approx([np.mean(edges)] * 3, rel=3e-3)  # cubic, although each edge was free
    assert found["unit_cell"]["alpha"] == pytest.approx(90)

    fixed = argon(tmp_path / "fixed", found["unit_cell"]["volume"] ** (1 / 3))
    run_argon(fixed, dynamics=ARGON)
    rows = np.genfromtxt(fixed / "0001.thermo.csv", delimiter=",", names=True)
    pressure = time_series.mean(rows["pressure_bar"] * GPA_PER_BAR, confidence=0.99, start=0)
    # dp = B dV / V: what the volume's interval allows, with B = 2 GPa
    allowed = 2 * (found["intervals"]["volume"][1] / found["unit_cell"]["volume"] - 1)
    assert allowed < 0.02
    assert abs(pressure.value) < pressure.high - pressure.value + 1.5 * allowed


def test_several_mobile_elements_are_written_and_read_again(tmp_path):
    """Na and K among Cl: both in one DCD, element by element once it is read, the host's centre without either."""
    atoms = bulk("NaCl", "rocksalt", a=6.0, cubic=True) * (2, 2, 2)
    sodium = [a.index for a in atoms if a.symbol == "Na"]
    atoms.symbols[sodium[1::2]] = "K"
    species = ["Na", "K", "Cl"]
    dynamics = replace(
        DYNAMICS, species=species, mobile="K,Na", pair=["pair_style lj/cut 6", "pair_coeff * * 0.05 2.6"]
    )
    (tmp_path / "md").mkdir()
    ase.io.write(tmp_path / "ordering.extxyz", atoms)
    jobs.cell(
        str(tmp_path / "ordering.extxyz"), [str(tmp_path / "ordering.extxyz")],
        data=str(tmp_path / "cell.data"), info=str(tmp_path / "cell.json"), repeat=(2, 2, 2), lattice_repeat=(2, 2, 2),
        own=True, species=species, mobile=dynamics.mobile, lattice=None,
    )  # fmt: skip
    cell = json.loads((tmp_path / "cell.json").read_text())
    known = production.identity(
        level="lj", replica=0, seed=1, cell=cell, masses=cell["masses_amu"], versions={}, model_sha256=""
    )
    options = dict(dynamics=dynamics, identity=known, threads=1, log=tmp_path / "log")
    production.equilibrate(
        tmp_path / "md", data=tmp_path / "cell.data", steps=200, seed=3, thermo_stride=50, all_atoms_stride=100,
        lmp=programs.command("lmp"), **options,
    )  # fmt: skip
    production.run_segment(
        tmp_path / "md", number=1, steps=500, strides=STRIDES, lmp=needs.lammps(), **options
    )

    found = segments.join([tmp_path / "md/0001.json"])
    assert found.carriers == {"K": 16, "Na": 16} and found.n_host_atoms == 32
    everything = segments.all_atoms([tmp_path / "md/0001.json"])
    symbols = np.array(everything.symbols)
    host = symbols == "Cl"
    centre = everything.positions[:, host].mean(axis=1)
    for name in ("K", "Na"):
        ions = np.concatenate(list(found.of_carrier(name).blocks()), axis=1)[::10]
        expected = everything.positions[:, symbols == name] - centre[:, None]
        assert ions == pytest.approx(expected, abs=0.02)
