"""Velocities that contradict the temperature, and lengths that are not in Å."""

import ase
import ase.io
import numpy as np
import pytest
from ase import units

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers

# neighbours 2.62 Å apart, as Li and Cl in LiCl
SYMBOLS, SPACING_A = ["Li"] * 12 + ["Cl"] * 20, 1.85
CELL_A = 4 * SPACING_A


def frames(temperature_k=600.0, *, count=40, lengths=1.0, box=1.0):
    """ASE's Atoms with velocities drawn at a temperature."""
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3)
    grid = grid[grid.sum(axis=1) % 2 == 0] * SPACING_A
    out = []
    for _ in range(count):
        grid = grid + rng.normal(0, 0.02, grid.shape)
        atoms = ase.Atoms(SYMBOLS, grid * lengths, cell=[CELL_A * box] * 3, pbc=True)
        sigma = np.sqrt(units.kB * temperature_k / atoms.get_masses())[:, None]
        atoms.set_velocities(rng.normal(0, 1, grid.shape) * sigma)
        out.append(atoms)
    return out


def dump(images, style):
    """A LAMMPS dump with velocities; ASE's unit of velocity is converted by ASE's own constants."""
    per_ps = {"metal": 1000 * units.fs, "real": units.fs}[style]
    lines = ["ITEM: UNITS", style]
    for number, atoms in enumerate(images):
        lines += ["ITEM: TIMESTEP", str(500 * number), "ITEM: NUMBER OF ATOMS", str(len(atoms))]
        lines += [
            "ITEM: BOX BOUNDS pp pp pp",
            *[f"0 {CELL_A}"] * 3,
            "ITEM: ATOMS id element xu yu zu vx vy vz",
        ]
        for i, (at, v) in enumerate(zip(atoms.positions, atoms.get_velocities() * per_ps, strict=True)):
            lines.append(f"{i + 1} {SYMBOLS[i]} " + " ".join(f"{x:.8f}" for x in (*at, *v)))
    return "\n".join(lines) + "\n"


def read(path, **options):
    given = {"mobile": "Li", "time_step_fs": 1.0, "stride": 500, "temperature_k": 600.0, **options}
    return readers.read([path], **given)


@pytest.mark.parametrize("kind", ["run.extxyz", "run.traj", "metal.dump", "real.dump"])
def test_velocities_are_held_against_the_temperature(tmp_path, kind):
    images = frames(600.0)
    path = tmp_path / kind
    if kind.endswith("dump"):
        path.write_text(dump(images, path.stem))
    else:
        ase.io.write(path, images)
    assert read(path).n_frames == 40
    for wrong in (400.0, 900.0):
        with pytest.raises(DlmdError, match=r"velocities in the file are those of (5[789]|6[012])\d"):
            read(path, temperature_k=wrong)
        assert read(path, temperature_k=wrong, trust_options=True).temperature_k == wrong


def test_files_without_velocities_say_nothing(tmp_path):
    images = frames(600.0)
    for atoms in images:
        atoms.set_momenta(np.zeros((len(atoms), 3)))
    ase.io.write(tmp_path / "still.traj", images)
    assert read(tmp_path / "still.traj", temperature_k=900.0).n_frames == 40


@pytest.mark.parametrize(
    ("lengths", "box", "volume", "problem"),
    [
        (0.1, 0.1, None, "Å³ per atom"),
        (10.0, 10.0, None, "Å³ per atom"),
        (0.1, 1.0, None, "nearest neighbours"),
        (1.0, 1.0, 0.4052, "--volume: 0.0127"),
        (1.0, 10.0, 405.0, None),
        (1.0, 1.0, None, None),
    ],
)
def test_lengths_that_are_not_in_angstrom(tmp_path, lengths, box, volume, problem):
    path = tmp_path / "run.extxyz"
    ase.io.write(path, frames(lengths=lengths, box=box))
    if problem is None:
        assert read(path, volume_a3=volume).n_frames == 40
        return
    with pytest.raises(DlmdError, match=problem) as refused:
        read(path, volume_a3=volume)
    assert "nm" in refused.value.what


@pytest.mark.parametrize("velocities", [True, False])
@pytest.mark.parametrize("kind", ["run.extxyz", "run.traj"])
def test_lengths_in_bohr_are_refused_with_and_without_velocities(tmp_path, kind, velocities):
    """Velocities of such a file are in a unit of their own: they vouch for no length."""
    images = frames(lengths=1 / 0.529177, box=1 / 0.529177)
    if not velocities:
        for atoms in images:
            atoms.set_momenta(np.zeros((len(atoms), 3)))
    path = tmp_path / kind
    ase.io.write(path, images)
    with pytest.raises(DlmdError, match="are these Bohr") as refused:
        read(path)
    assert "0.529177" in refused.value.remedy and "--trust-options" in refused.value.remedy
    assert read(path, trust_options=True).n_frames == 40
