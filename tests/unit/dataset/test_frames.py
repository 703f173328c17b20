"""The dataset holds the frames it says it holds, split by trajectory, with DeePMD's signs, and refuses the rest."""

import csv

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

import needs
from dlmd.base.errors import DlmdError
from dlmd.dataset import frames as dataset

needs.module("dpdata")

SPECIES = ["Cu", "Al"]
THEORY = {"engine": "emt"}


def labelled(step, *, seed=0, **info):
    """A labelled frame, atoms not in the order of SPECIES."""
    atoms = Atoms(
        "Al2Cu3",
        positions=[[0, 0, 0], [2.5, 0, 0.2], [0, 2.4, 0], [0.1, 0, 2.6], [2.4, 2.6, 2.3]],
        cell=[[5.0, 0, 0], [0.3, 5.2, 0], [0.1, -0.4, 4.9]],
        pbc=True,
    )
    atoms.rattle(0.1, seed=seed + step)
    atoms.calc = EMT()
    results = {
        "energy": atoms.get_potential_energy(),
        "forces": atoms.get_forces(),
        "stress": atoms.get_stress(),
    }
    atoms.calc = SinglePointCalculator(atoms, **results)
    common = {"temperature_k": 500.0, "strain": 0.0, "level": "emt", "theory": THEORY, "converged": True}
    atoms.info = common | {"step": step, "time_ps": step * 0.002} | info
    return atoms


def reversed_atoms(frame):
    turned = frame[::-1]
    results = frame.calc.results | {"forces": frame.get_forces()[::-1]}
    turned.calc = SinglePointCalculator(turned, **results)
    return turned


def build(tmp_path, trajectories, **settings):
    """Write {id: (split, frames)} and build the dataset of them."""
    files = []
    for name, (_, frames) in trajectories.items():
        files.append(tmp_path / f"{name}.extxyz")
        write(files[-1], frames, format="extxyz")
    arguments = {
        "folder": tmp_path / "dataset",
        "ids": list(trajectories),
        "splits": [split for split, _ in trajectories.values()],
        "species": SPECIES,
        "level": "emt",
    } | settings
    (tmp_path / "dataset").mkdir(exist_ok=True)
    return dataset.build_splits(files, **arguments)


def rows(tmp_path):
    with (tmp_path / "dataset" / "provenance.csv").open() as file:
        return list(csv.DictReader(file))


def test_whole_trajectories_go_to_their_split(tmp_path):
    counts = build(
        tmp_path,
        {
            "a": ("train", [labelled(s) for s in range(4)]),
            "b": ("train", [labelled(s, seed=50) for s in range(3)]),
            "c": ("test", [labelled(s, seed=90) for s in range(2)]),
        },
    )
    assert {split: dict(n) for split, n in counts.items()} == {
        "train": {"used": 7},
        "valid": {},
        "test": {"used": 2},
    }
    folder = tmp_path / "dataset"
    assert sorted(p.name for p in folder.iterdir()) == ["provenance.csv", "test", "train", "valid"]
    assert [p.name for p in sorted((folder / "train").iterdir())] == ["a", "b"]
    assert list((folder / "valid").iterdir()) == []
    table = rows(tmp_path)
    assert [(r["source"], r["split"], r["set_frame"]) for r in table[-3:]] == [
        ("b", "train", "2"),
        ("c", "test", "0"),
        ("c", "test", "1"),
    ]
    # the row's energy is that of the frame it points to
    energies = np.load(folder / "train" / "b" / "set.000" / "energy.npy")
    assert energies.ravel()[2] / 5 == pytest.approx(float(table[6]["energy_ev_per_atom"]), abs=1e-7)


def test_atoms_are_sorted_by_species(tmp_path):
    frame = labelled(3)
    build(tmp_path, {"a": ("train", [frame])})
    system = tmp_path / "dataset" / "train" / "a"
    assert (system / "type_map.raw").read_text().split() == SPECIES
    assert (system / "type.raw").read_text().split() == ["0", "0", "0", "1", "1"]
    order = [2, 3, 4, 0, 1]
    coordinates = np.load(system / "set.000" / "coord.npy").reshape(5, 3)
    np.testing.assert_allclose(coordinates, frame.positions[order], atol=1e-7)
    forces = np.load(system / "set.000" / "force.npy").reshape(5, 3)
    np.testing.assert_allclose(forces, frame.get_forces()[order], atol=1e-7)


def test_virial_is_minus_the_strain_derivative(tmp_path):
    frame = labelled(5)
    build(tmp_path, {"a": ("train", [frame])})
    virial = np.load(tmp_path / "dataset" / "train" / "a" / "set.000" / "virial.npy").reshape(3, 3)
    for i, j in ((0, 0), (1, 2)):
        energies = []
        for strain in (-1e-4, 1e-4):
            deformation = np.eye(3)
            deformation[i, j] += strain / 2
            deformation[j, i] += strain / 2
            strained = frame.copy()
            strained.set_cell(frame.cell.array @ deformation, scale_atoms=True)
            strained.calc = EMT()
            energies.append(strained.get_potential_energy())
        assert virial[i, j] == pytest.approx(-(energies[1] - energies[0]) / 2e-4, rel=1e-3)
    np.testing.assert_allclose(virial, virial.T, atol=1e-6)


def test_unusable_frames_are_counted_and_left_out(tmp_path):
    frames = [labelled(s) for s in range(5)]
    frames[1].info["converged"] = False
    frames[2].calc.results["forces"][0, 0] = np.nan
    del frames[3].calc.results["stress"]
    counts = build(tmp_path, {"a": ("train", frames)}, discard_ps=0.002)
    assert dict(counts["train"]) == {
        "discarded": 1,
        "unconverged": 1,
        "not_finite": 1,
        "unlabelled": 1,
        "used": 1,
    }
    assert [r["status"] for r in rows(tmp_path)] == [
        "discarded",
        "unconverged",
        "not_finite",
        "unlabelled",
        "used",
    ]
    energies = np.load(tmp_path / "dataset" / "train" / "a" / "set.000" / "energy.npy")
    np.testing.assert_allclose(energies.ravel(), [frames[4].get_potential_energy()])


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ([labelled(0, level="u4")], "a frame of level 'u4' in the dataset of level 'emt'"),
        ([labelled(0), labelled(1, theory={"engine": "other"})], "two levels of theory in one file"),
        ([labelled(0), labelled(5), labelled(5)], "step 5 follows step 5"),
        ([labelled(0, converged=False)], "no frame of a can be used: 1 unconverged"),
        ([labelled(0), reversed_atoms(labelled(1))], "another order of them"),
    ],
)
def test_refuses(tmp_path, frames, text):
    with pytest.raises(DlmdError, match=text):
        build(tmp_path, {"a": ("train", frames)})
    assert not (tmp_path / "dataset" / "train").exists()


def test_refuses_two_theories_under_one_name(tmp_path):
    other = {"engine": "emt", "model": "new"}
    with pytest.raises(DlmdError, match="two levels of theory would be mixed"):
        build(tmp_path, {"a": ("train", [labelled(0)]), "b": ("test", [labelled(0, theory=other)])})


def test_refuses_wrong_lists(tmp_path):
    with pytest.raises(DlmdError, match="did you mean 'train'"):
        build(tmp_path, {"a": ("trian", [labelled(0)])})
    with pytest.raises(DlmdError, match="no trajectory is for training"):
        build(tmp_path, {"a": ("test", [labelled(0)])})
    with pytest.raises(DlmdError, match="Al is not among the species"):
        build(tmp_path, {"a": ("train", [labelled(0)])}, species=["Cu"])
    with pytest.raises(DlmdError, match="no such file"):
        dataset.build_splits(
            [tmp_path / "none.extxyz"],
            folder=tmp_path,
            ids=["a"],
            splits=["train"],
            species=SPECIES,
            level="emt",
        )


def test_building_again_replaces(tmp_path):
    build(tmp_path, {"a": ("train", [labelled(0)]), "b": ("train", [labelled(0, seed=4)])})
    build(tmp_path, {"a": ("train", [labelled(0), labelled(1)])})
    assert [p.name for p in (tmp_path / "dataset" / "train").iterdir()] == ["a"]
    assert len(np.load(tmp_path / "dataset" / "train" / "a" / "set.000" / "energy.npy")) == 2


def test_reads_what_label_md_writes(tmp_path):
    from dlmd.labels import dynamics

    start = labelled(0)
    start.calc = None
    dynamics.run(
        start,
        EMT(),
        temperature_k=300,
        time_step_fs=1.0,
        steps=6,
        stride=2,
        seed=1,
        frames=tmp_path / "md.extxyz",
        level="emt",
        theory=THEORY,
        source="md",
    )
    (tmp_path / "dataset").mkdir()
    counts = dataset.build_splits(
        [tmp_path / "md.extxyz"],
        folder=tmp_path / "dataset",
        ids=["md"],
        splits=["train"],
        species=SPECIES,
        level="emt",
        discard_ps=0.002,
    )
    assert dict(counts["train"]) == {"discarded": 1, "used": 3}
    last = read(tmp_path / "md.extxyz", -1)
    energies = np.load(tmp_path / "dataset" / "train" / "md" / "set.000" / "energy.npy")
    assert energies.ravel()[-1] == pytest.approx(last.get_potential_energy(), abs=1e-6)


def test_judged_moments_are_in_the_provenance_and_empty_where_nobody_judged(tmp_path):
    frames = [labelled(0, moments_in_range=True), labelled(5, moments_in_range=False), labelled(10)]
    build(tmp_path, {"one": ("train", frames)})
    assert [row["moments_in_range"] for row in rows(tmp_path)] == ["True", "False", ""]
    assert [row["status"] for row in rows(tmp_path)] == ["used"] * 3  # flagged, not rejected


def test_flags_of_moments_travel_with_their_frames(tmp_path):
    frames = [labelled(step, **flag) for step, flag in enumerate([{"moments_in_range": True}, {}, {}])]
    frames.append(labelled(3, moments_in_range=False))
    frames[1].info["converged"] = False
    build(tmp_path, {"a": ("train", frames), "b": ("test", [labelled(0)])})
    sets = tmp_path / "dataset"
    np.testing.assert_array_equal(np.load(sets / "train/a/set.000/moments_in_range.npy"), [1, np.nan, 0])
    assert not (sets / "test/b/set.000/moments_in_range.npy").exists()
    assert [r["moments_in_range"] for r in rows(tmp_path)] == ["True", "", "", "False", ""]


def test_a_trajectory_that_was_cut_between_two_frames(tmp_path):
    whole = [labelled(step, last_step=3) for step in range(4)]
    other = ("test", [labelled(step, seed=90) for step in range(2)])  # of a file without this count
    build(tmp_path, {"a": ("train", whole), "c": other})
    with pytest.raises(DlmdError, match="ends at step 2 of 3: it was cut"):
        build(tmp_path, {"a": ("train", whole[:3]), "c": other})


def test_given_labels_hold_out_frames_that_are_not_trained_on(tmp_path):
    own = {
        f"given{g}_{split}": (split, [labelled(7 * g + k) for k in range(2)])
        for g, split in enumerate(["train", "test"])
    }
    assert build(tmp_path, own)["test"]["used"] == 2
    own["given1_test"][1].append(labelled(9, seed=-9 + 1))
    with pytest.raises(DlmdError, match="one structure is for 'train' and for 'test'") as told:
        build(tmp_path, own)
    assert "given0_train.extxyz" in told.value.where and "given1_test.extxyz" in told.value.where
    del own["given1_test"]
    with pytest.raises(DlmdError, match="no frame of the labels is for 'test'"):
        build(tmp_path, own)
