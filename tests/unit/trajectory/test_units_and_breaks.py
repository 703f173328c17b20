"""Lengths in Bohr, coordinates said to be unwrapped that are not, frames missing or shuffled, and atoms reordered."""

import ase
import ase.io
import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.geometry import nearest_over_radii
from dlmd.trajectory import frame_order, readers

A, N = 5.2, 2
CORNERS = np.array([(i, j, k) for i in range(N) for j in range(N) for k in range(N)])
FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
CHLORINE = (CORNERS[:, None] + FCC).reshape(-1, 3) * A
SYMBOLS = ["Li"] * 20 + ["Cl"] * len(CHLORINE)
BOHR = 0.529177


def moves(count=60, seed=1):
    """(frames, atoms, 3): rock salt that vibrates, whose 20 Li also walk by 0.3 Å per frame and axis."""
    rng = np.random.default_rng(seed)
    rest = np.concatenate([CHLORINE[:20] + np.array([A / 2, 0, 0]), CHLORINE])
    walk = np.cumsum(rng.normal(0, 0.3, (count, 20, 3)), axis=0)
    places = np.repeat(rest[None], count, axis=0) + rng.normal(0, 0.12, (count, len(rest), 3))
    places[:, :20] += walk
    return places


def written(path, places, *, lengths=1.0, wrap=True, symbols=SYMBOLS):
    images = [ase.Atoms(symbols, p * lengths, cell=[N * A * lengths] * 3, pbc=True) for p in places]
    if wrap:
        for atoms in images:
            atoms.wrap()
    ase.io.write(path, images)
    return path


def read(path, **options):
    return readers.read([path], **{"mobile": "Li", "time_step_fs": 2.0, "stride": 50, **options})


def test_bohr_are_refused_and_angstrom_are_not(tmp_path):
    assert read(written(tmp_path / "good.extxyz", moves())).n_frames == 60
    bohr = written(tmp_path / "bohr.extxyz", moves(), lengths=1 / BOHR)
    with pytest.raises(DlmdError, match="are these Bohr") as refused:
        read(bohr)
    assert "0.529177" in refused.value.remedy
    assert read(bohr, trust_options=True).n_frames == 60


def test_a_sparse_model_has_a_note_and_ions_alone_have_none(tmp_path):
    sparse = read(written(tmp_path / "gas.extxyz", moves(), lengths=3.0))
    assert any("no solid is as sparse" in note for note in sparse.notes)
    alone = read(written(tmp_path / "li.extxyz", moves()[:, :20], lengths=2.0, symbols=["Li"] * 20))
    assert not any("sparse" in note for note in alone.notes)


def test_nearest_atoms_in_a_skewed_cell_as_ase_finds_them():
    cell = np.array([[4.0, 0, 0], [3.1, 3.9, 0], [-2.2, 3.0, 4.4]])
    atoms = ase.Atoms("LiClPS", np.random.default_rng(2).random((4, 3)) @ cell, cell=cell, pbc=True)
    true = atoms.get_all_distances(mic=True)
    np.fill_diagonal(true, np.inf)
    shares, lengths = nearest_over_radii(atoms.positions, cell, atoms.get_chemical_symbols())
    radii = ase.data.covalent_radii[atoms.numbers]
    true_shares = true / (radii[:, None] + radii)
    assert np.allclose(shares, true_shares.min(axis=1))
    assert np.allclose(lengths, true[range(4), true_shares.argmin(axis=1)])


@pytest.mark.parametrize("temperature_k", [None, 600.0])
def test_wrapped_coordinates_that_are_said_to_be_unwrapped(tmp_path, temperature_k):
    path = written(tmp_path / "wrapped.extxyz", moves(80))
    with pytest.raises(DlmdError, match="moves per frame are those of a whole cell") as refused:
        read(path, wrapped=False, temperature_k=temperature_k)
    assert "--wrapped yes" in refused.value.remedy
    assert read(path, wrapped=False, trust_options=True).n_frames == 80


def test_long_moves_of_unwrapped_coordinates_are_taken(tmp_path):
    places = moves(80)
    places[:, :20] += np.cumsum(np.random.default_rng(4).normal(0, 4.0, (80, 20, 3)), axis=0)
    assert read(written(tmp_path / "far.extxyz", places, wrap=False), wrapped=False).n_frames == 80


@pytest.mark.parametrize("kind", ["gap", "reordered"])
def test_the_frame_where_frames_are_missing_or_atoms_reordered_is_named(tmp_path, kind):
    places = moves(300)
    if kind == "gap":
        places = np.delete(places, range(30, 270), axis=0)
    else:
        places[30:, :20] = places[30:, :20][:, ::-1]
    path = written(tmp_path / "run.extxyz", places)
    with pytest.raises(
        DlmdError, match=r"between frames 29 and 30.*frames missing or atoms reordered"
    ) as refused:
        read(path)
    assert "--end" in refused.value.remedy
    assert read(path, end_ps=2.9).n_frames == 30


def test_an_atom_that_is_missing_in_one_frame_names_the_way_round(tmp_path):
    path = written(tmp_path / "run.extxyz", moves(20))
    images = ase.io.read(path, ":")
    del images[12][50]
    ase.io.write(path, images)
    with pytest.raises(DlmdError, match="51 atoms, 52") as refused:
        read(path)
    assert "--end" in refused.value.remedy
    assert read(path, end_ps=1.1).n_frames == 12


def test_a_temperature_that_nothing_in_the_file_contradicts_has_a_note(tmp_path):
    path = written(tmp_path / "run.extxyz", moves())
    said = "K, as given: the file has no velocities"
    assert any(said in note for note in read(path, temperature_k=2000.0).notes)
    assert not any(said in note for note in read(path).notes)


@pytest.mark.parametrize("temperature_k", [None, 600.0])
@pytest.mark.parametrize("wrap", [True, False])
def test_shuffled_frames_are_named_and_no_time_step_is_blamed(tmp_path, temperature_k, wrap):
    places = moves(300)
    shuffled = places[np.random.default_rng(3).permutation(300)]
    path = written(tmp_path / "shuffled.extxyz", shuffled, wrap=wrap)
    with pytest.raises(DlmdError, match="frames are in no order of time") as refused:
        read(path, temperature_k=temperature_k)
    assert "--time-step" not in refused.value.remedy and "sorted by step or time" in refused.value.remedy
    # backwards is an order: displacements are the same
    for number, right in enumerate((places, places[::-1])):
        path = written(tmp_path / f"{number}.extxyz", right, wrap=wrap)
        assert read(path, temperature_k=temperature_k).n_frames == 300


@pytest.mark.parametrize("n", [8, 60])
def test_ordered_motion_of_any_kind_is_not_taken_for_shuffled(n):
    """Also of ions that have been everywhere between two frames, or flip between two sites of a cage."""
    rng = np.random.default_rng(6)
    cell = 12.0 * np.eye(3)
    flips = 3.0 * rng.integers(0, 2, (60, n, 1)) * np.array([1.0, 0, 0]) + rng.normal(0, 0.2, (60, n, 3))
    walk = np.cumsum(rng.normal(0, 0.5, (60, n, 3)), axis=0)
    for ions in (12.0 * rng.random((60, n, 3)), flips, walk, rng.normal(0, 0.5, (60, n, 3))):
        frame_order.require_order(ions, np.arange(n), cell, "here")
    with pytest.raises(DlmdError, match="in no order"):
        frame_order.require_order(walk[rng.permutation(60)], np.arange(n), cell, "here")
