"""Jobs of the learning loop, with an engine of harmonic springs: labels, dropped frames, passing over what is settled."""

import json

import ase.io
import numpy as np
import pytest
from ase import Atoms

from dlmd.base.errors import DlmdError
from dlmd.config.launch import LevelLaunch
from dlmd.dataset import frames as dataset
from dlmd.labels import engines
from dlmd.learning import anions, jobs, labels, selection
from dlmd.learning.exploration import Explored


class Springs:
    """Every atom tied to the origin; fails for frames whose first atom is far away."""

    def __init__(self):
        self.level = {"engine": "springs"}

    def calculator(self, *, threads=1):
        return self

    def calculate(self, atoms, properties):
        if atoms.positions[0, 0] > 5:
            raise engines.Unconverged("the electrons did not converge")
        self.results = {
            "energy": 0.5 * float((atoms.positions**2).sum()),
            "forces": -atoms.positions,
            "stress": np.zeros(6),
        }


@pytest.fixture
def springs(monkeypatch):
    monkeypatch.setattr(engines, "get", lambda settings, launch: Springs())


def selected(folder, firsts, cells=None):
    """Frames of LiCl whose first atom sits at (x, 0, 0)."""
    frames = []
    for k, x in enumerate(firsts):
        atoms = Atoms("LiCl", positions=[[x, 0, 0], [1, 2, 3]], cell=[8, 8, 8], pbc=True)
        atoms.info = {
            "time_ps": 0.5,
            "temperature_k": 700.0,
            "strain": 0.01,
            "source": f"run{k}",
            "explored_cell": cells[k] if cells else "o/c/0",
            "deviation_ev_per_a": 0.2,
        }
        frames.append(atoms)
    path = folder / "selected.extxyz"
    path.write_text("")
    if frames:
        ase.io.write(path, frames)
    (folder / "selected.json").write_text(
        json.dumps({"round": 1, "selected": len(frames), "settled": not frames})
    )
    return str(path)


def label_all(folder, path, slots, each=1):
    files = []
    for slot in range(slots):
        files.append(str(folder / f"{slot}/frames.extxyz"))
        numbers = range(slot * each, (slot + 1) * each)
        labels.label(
            path,
            numbers=numbers,
            frames=files[-1],
            engine={},
            launch=LevelLaunch(),
            level="s",
            threads=1,
        )
    return files


def test_frames_of_one_job_are_those_of_many(tmp_path, springs):
    path = selected(tmp_path, [0.5, 9.0, 1.5, 4.8, 2.0])
    single = label_all(tmp_path / "single", path, 6)
    batches = label_all(tmp_path / "batches", path, 3, each=2)
    read = [[a for f in files if (a := ase.io.read(f, ":"))] for files in ([*single[:5]], batches)]
    flat = [[atoms for frames in group for atoms in frames] for group in read]
    assert [a.info["step"] for a in flat[1]] == [0, 1, 2, 3, 4]
    assert [a.info["converged"] for a in flat[1]] == [True, False, True, True, True]
    for a, b in zip(*flat, strict=True):
        assert a.info == b.info
        if a.info["converged"]:
            np.testing.assert_array_equal(a.get_forces(), b.get_forces())
    assert [p.name for p in (tmp_path / "batches/0").iterdir()] == ["frames.extxyz"]


def test_a_killed_job_goes_on_after_its_last_frame(tmp_path, monkeypatch):
    class Killed(Springs):
        calls = 0

        def calculate(self, atoms, properties):
            Killed.calls += 1
            if Killed.calls == 3:
                raise KeyboardInterrupt
            super().calculate(atoms, properties)

    monkeypatch.setattr(engines, "get", lambda settings, launch: Killed())
    path = selected(tmp_path, [0.5, 9.0, 1.5, 4.8])
    with pytest.raises(KeyboardInterrupt):
        label_all(tmp_path, path, 1, each=4)
    (file,) = label_all(tmp_path, path, 1, each=4)
    assert Killed.calls == 5
    assert [a.info["step"] for a in ase.io.read(file, ":")] == [0, 1, 2, 3]


def test_labels_of_another_selection_are_not_taken(tmp_path, springs):
    done = tmp_path / "0/labelled"
    path = selected(tmp_path, [0.5])
    label_all(tmp_path, path, 1)
    done.mkdir()
    (tmp_path / "0/frames.extxyz").rename(done / "other.extxyz")
    (file,) = label_all(tmp_path, selected(tmp_path, [1.5]), 1)
    assert ase.io.read(file).positions[0, 0] == 1.5


def test_labels_reach_the_dataset_and_failures_are_counted(tmp_path, springs):
    path = selected(tmp_path, [0.5, 9.0, 1.5, 4.8], cells=["o/c/0", "o/c/0", "o/c/1", "o/c/0"])
    slots = label_all(tmp_path, path, 5)
    assert not (tmp_path / "4/frames.extxyz").read_text()
    frames = [str(tmp_path / f"c{n}.extxyz") for n in range(3)]
    labels.gather(
        slots,
        str(tmp_path / "selected.json"),
        result=str(tmp_path / "labels.json"),
        frames=frames,
        cells=["o/c/0", "o/c/1", "o/c/2"],
        max_force_ev_per_angstrom=4.5,
    )
    found = json.loads((tmp_path / "labels.json").read_text())
    counts = {"selected": 4, "labelled": 2, "unconverged": 1, "too_strange": 1}
    assert found == {"round": 1, "settled": False} | counts
    folder = tmp_path / "dataset"
    ids = ["l0", "l1", "l2"]
    counts = dataset.build_splits(
        frames,
        folder=folder,
        ids=ids,
        splits=["train"] * 3,
        species=["Li", "Cl"],
        level="s",
        discard_ps=0.1,
        optional=ids,
    )
    assert counts["train"]["used"] == 2
    forces = np.load(folder / "train/l0/set.000/force.npy")
    np.testing.assert_allclose(forces.reshape(2, 3)[0], [-0.5, 0, 0])
    assert not (folder / "train/l2").exists()


def test_no_label_at_all_is_an_error(tmp_path, springs):
    slots = label_all(tmp_path, selected(tmp_path, [9.0, 8.0]), 2)
    with pytest.raises(DlmdError, match="none of the 2 selected frames gives a label: 2 did not converge"):
        labels.gather(
            slots,
            str(tmp_path / "selected.json"),
            result=str(tmp_path / "labels.json"),
            frames=[str(tmp_path / "c.extxyz")],
            cells=["o/c/0"],
            max_force_ev_per_angstrom=10.0,
        )


def test_a_settled_round_gathers_nothing_without_complaint(tmp_path, springs):
    slots = label_all(tmp_path, selected(tmp_path, []), 2)
    labels.gather(
        slots,
        str(tmp_path / "selected.json"),
        result=str(tmp_path / "labels.json"),
        frames=[str(tmp_path / "c.extxyz")],
        cells=["o/c/0"],
        max_force_ev_per_angstrom=10.0,
    )
    assert json.loads((tmp_path / "labels.json").read_text())["labelled"] == 0
    assert (tmp_path / "c.extxyz").read_text() == ""


@pytest.mark.parametrize("labelled", [0, 3])
def test_training_keeps_the_potential_without_new_labels(tmp_path, monkeypatch, labelled):
    trained = []
    monkeypatch.setattr("dlmd.training.run.train", lambda *a, **k: trained.append(k))
    (tmp_path / "labels.json").write_text(json.dumps({"labelled": labelled}))
    names = ("model", "compressed", "lcurve")
    for name in names:
        (tmp_path / f"before.{name}").write_text(name)
    outputs = {name: str(tmp_path / f"after.{name}") for name in names}
    jobs.train(
        "input.json",
        previous=[str(tmp_path / f"before.{name}") for name in names],
        labels=str(tmp_path / "labels.json"),
        threads=1,
        log="log",
        **outputs,
    )
    assert len(trained) == (1 if labelled else 0)
    if not labelled:
        assert [(tmp_path / f"after.{name}").read_text() for name in names] == list(names)


class Members:
    """A committee whose deviation is the distance of the first atom from the origin, with its position as descriptor."""

    def __init__(self, models):
        self.models = models

    def predict(self, positions, cells, types):
        size = positions[:, :1, :1]
        forces = np.zeros((2, *positions.shape))
        forces[0, :, :1, :1], forces[1, :, :1, :1] = size, -size
        return np.zeros((2, len(positions))), forces

    def describe(self, positions, cells, types):
        return positions


def explored(path, firsts):
    positions = np.zeros((len(firsts), 2, 3))
    positions[:, 0, 0] = firsts
    times = 0.1 * np.arange(len(firsts))
    Explored(positions, 8.0 * np.eye(3), times, ["Li", "Cl"], [], "").save(path)
    return str(path)


def choose(tmp_path, runs, previous=None, error=0.1):
    """A round of selection: bounds 1 and 3 eV/Å, at most 3 frames."""
    valid = tmp_path / "valid" / "v"
    (valid / "set.000").mkdir(parents=True, exist_ok=True)
    (valid / "type.raw").write_text("0\n1\n")
    for name, values in {
        "coord": np.zeros((1, 6)),
        "box": 8.0 * np.eye(3).reshape(1, 9),
        "force": np.full((1, 6), error),
        "energy": np.zeros(1),
    }.items():
        np.save(valid / "set.000" / f"{name}.npy", values)
    paths = [explored(tmp_path / f"{k}.npz", firsts) for k, firsts in enumerate(runs)]
    sources = [
        {"id": f"s{k}", "cell": f"o/c/{k}", "temperature_k": 700.0, "strain": 0.0} for k in range(len(runs))
    ]
    out = {name: str(tmp_path / f"out.{name}") for name in ("selected", "result", "table")}
    jobs.select(
        paths,
        ["a", "b"],
        str(tmp_path / "valid"),
        previous=previous,
        number=1,
        sources=sources,
        species=["Li", "Cl"],
        bounds=(1.0, 3.0),
        max_frames=3,
        settled_share=0.2,
        settled_change=0.05,
        **out,
    )
    result = json.loads((tmp_path / "out.result").read_text())
    text = (tmp_path / "out.selected").read_text()
    return result, (ase.io.read(tmp_path / "out.selected", ":", format="extxyz") if text else [])


@pytest.fixture
def members(monkeypatch):
    monkeypatch.setattr("dlmd.validation.committee.Committee", Members)


def test_selects_candidates_far_apart(tmp_path, members):
    """Frames that follow each other differ by 0.2: of 1.6, 1.66 and 2.0 only two are further apart than half of that."""
    runs = [[0.2, 0.4, 0.6, 0.8], [1.6, 1.66, 2.0, 3.5]]
    result, frames = choose(tmp_path, runs)
    assert (result["accurate"], result["candidate"], result["failed"]) == (4, 3, 1)
    assert result["failing_share"] == 0.5
    assert result["valid_force_rmse_mev_per_a"] == pytest.approx(100.0)
    assert sorted(f.positions[0, 0] for f in frames) == pytest.approx([1.6, 2.0])
    assert {f.info["explored_cell"] for f in frames} == {"o/c/1"}
    rows = (tmp_path / "out.table").read_text().splitlines()
    assert len(rows) == 9
    assert sum(row.endswith(("0", "1")) and "candidate" in row for row in rows) == 2


def test_settles_and_the_next_round_is_passed_over(tmp_path, members):
    before = tmp_path / "before.json"
    before.write_text(json.dumps({"settled": False, "valid_force_rmse_mev_per_a": 98.0}))
    result, frames = choose(tmp_path, [[0.1] * 9 + [1.5]], previous=str(before))
    assert result["settled"]
    assert not frames
    (tmp_path / "out.result").rename(before)
    result, frames = choose(tmp_path, [[]], previous=str(before))
    assert result["passed_over"]
    assert result["settled"]
    assert not frames


def test_few_labels_are_shared_out_between_training_and_what_is_held_out():
    """A quarter for the held-out explorations; agreement of a committee that knows another level excuses no frame."""
    rng = np.random.default_rng(3)
    points = [rng.normal(size=(20, 5)) for _ in range(2)]
    sources = [{"id": "a", "held_out": 0.0}, {"id": "b", "held_out": 0.25}]
    frames = jobs._Frames(
        runs=[],
        sources=sources,
        place=[(r, k) for r in range(2) for k in range(20)],
        deviation=np.concatenate([np.full(20, 0.01), np.full(19, 0.02), [9.0]]),
        fingerprints=points,
        met=np.zeros(40, bool),
    )
    classes = selection.classify(frames.deviation, low=0.1, high=0.5)
    picked = jobs._pick(frames, classes, most=12)
    assert [frames.place[i][0] for i in picked] == 9 * [0] + 3 * [1]
    assert 39 not in picked and len(set(picked)) == 12


@pytest.mark.parametrize(("whole", "trained"), [(15, (7, 2)), (3, (3, 6))])
def test_frames_of_a_broken_host_are_few_in_training_and_never_held_out(whole, trained):
    """Of twenty frames of two explorations the first are whole: as many of them as there are, and a quarter of broken ones."""
    rng = np.random.default_rng(4)
    met = np.concatenate([np.arange(20) >= whole, np.arange(20) >= 4])
    frames = jobs._Frames(
        runs=[],
        sources=[{"id": "a", "held_out": 0.0}, {"id": "b", "held_out": 0.25}],
        place=[(r, k) for r in range(2) for k in range(20)],
        deviation=np.full(40, 0.1),
        fingerprints=[rng.normal(size=(20, 5)) for _ in range(2)],
        met=met,
    )
    picked = np.array(jobs._pick(frames, selection.classify(frames.deviation, low=0.01, high=0.5), most=12))
    first, held_out = picked[picked < 20], picked[picked >= 20]
    assert (sum(~met[first]), sum(met[first])) == trained
    assert len(held_out) == 3 and not met[held_out].any()


def test_anions_that_belong_together_have_not_met():
    """Every frame has its own S2; in the last of the second run another pair is bonded."""

    def run(*gaps):
        places = [[[0, 0, 0], [0, 0, 2.0], [5, 5, 5], [5, 5, 5 + gap]] for gap in gaps]
        return Explored(
            positions=np.array(places, float),
            cell=12.0 * np.eye(3),
            time_ps=np.arange(len(gaps)),
            symbols=list("SSSS"),
            sites=[""] * 4,
            ended="",
        )

    sources = [{"cell": "a/1/0", "anions": ["S"]}] * 2
    assert anions.met([run(3.6, 3.3), run(3.5, 2.0)], sources).tolist() == [False, False, False, True]
    assert not anions.met([run(2.0)], sources[:1]).any()
