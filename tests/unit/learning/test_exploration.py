"""Exploration with a Lennard-Jones solid in LAMMPS: whole runs, discarded start, runaways that end in good order."""

import numpy as np
import pytest
from ase.build import bulk

import needs
from dlmd.base.errors import DlmdError
from dlmd.learning import exploration
from dlmd.md.inputs import Dynamics
from dlmd.trajectory.binary import read_xtc

LJ = ["pair_style lj/cut 8.0", "pair_coeff 1 1 0.0104 3.4", "mass 1 39.948"]


def dynamics(temperature_k=20.0, pair=LJ, time_step_fs=4.0):
    return Dynamics(
        pair=pair,
        species=["Ar"],
        mobile="Ar",
        temperature_k=temperature_k,
        time_step_fs=time_step_fs,
        damping_fs=100.0,
    )


def argon():
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True) * (4, 4, 4)
    atoms.set_array("site", np.array(["4a"] * len(atoms)))
    return atoms


def run(tmp_path, atoms=None, **changes):
    settings = {
        "dynamics": dynamics(),
        "steps": 200,
        "stride": 20,
        "discard_ps": 0.24,
        "seed": 5,
        "lmp": needs.lammps(),
        "threads": 1,
        "log": tmp_path / "log",
    }
    return exploration.explore(atoms or argon(), tmp_path / "work", **settings | changes)


def test_frames_after_the_discarded_start(tmp_path):
    found = run(tmp_path)
    np.testing.assert_allclose(found.time_ps, np.arange(0.24, 0.81, 0.08))
    assert found.positions.shape == (8, 256, 3)
    assert found.ended == ""
    moved = np.linalg.norm(found.positions[-1] - found.positions[0], axis=1)
    assert 0.01 < moved.mean() < 1.0
    spacing = np.sort(np.linalg.norm(found.positions[0] - found.positions[0, 0], axis=1))[1]
    assert 3.4 < spacing < 4.2
    found.save(tmp_path / "explored.npz")
    again = exploration.Explored.load(tmp_path / "explored.npz")
    np.testing.assert_array_equal(again.positions, found.positions)
    assert (again.symbols, again.sites, again.ended) == (found.symbols, found.sites, "")


def test_runaway_keeps_what_came_before(tmp_path):
    """Atoms far from their sites heat the cell above three times the set point plus 300 K."""
    atoms = argon()
    atoms.rattle(0.35, seed=1)
    stiff = [LJ[0], "pair_coeff 1 1 0.1 3.4", LJ[2]]
    found = run(tmp_path, atoms, dynamics=dynamics(pair=stiff, time_step_fs=1.0), stride=10, discard_ps=0.0)
    assert "runaway" in found.ended
    assert 1 <= len(found.positions) < 21
    assert np.isfinite(found.positions).all()


def test_frames_end_where_atoms_are_lost(tmp_path):
    chemfiles = needs.module("chemfiles")
    path = tmp_path / "frames.xtc"
    for k, n in enumerate((20, 20, 19, 20)):
        one = tmp_path / f"{k}.xtc"
        frame = chemfiles.Frame()
        for i in range(n):
            frame.add_atom(chemfiles.Atom("Ar"), [0.1 * i, 1.0, 2.0])
        with chemfiles.Trajectory(str(one), "w") as out:
            out.write(frame)
        with path.open("ab") as joined:
            joined.write(one.read_bytes())
    found = read_xtc(path, 20)
    assert found.shape == (2, 20, 3)
    np.testing.assert_allclose(found[1, :, 0], 0.1 * np.arange(20), atol=1e-3)


def test_a_run_without_a_frame_is_an_error(tmp_path, monkeypatch):
    def fail(*args, **keywords):
        raise DlmdError("lmp ended with exit code 1")

    monkeypatch.setattr(exploration.programs, "run", fail)
    with pytest.raises(DlmdError, match="exit code"):
        run(tmp_path)
