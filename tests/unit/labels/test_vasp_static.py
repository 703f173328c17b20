"""Single points of the learning loop through the stand-in for VASP: a frame, an unused slot, electrons that do not converge."""

import json

import ase.io
import numpy as np
import pytest

from dlmd.dataset.frames import Source, read_source
from dlmd.labels.vasp import static
from vasp_bench import LAUNCH, crystal, library, settings

pytestmark = pytest.mark.filterwarnings("ignore:POTCAR data")


@pytest.fixture
def job(tmp_path):
    """One selected frame, and the level's settings as the rules pass them on."""
    frame = crystal()
    frame.rattle(0.03, seed=2)
    frame.info = {
        "time_ps": 0.5,
        "temperature_k": 700.0,
        "strain": 0.0,
        "source": "o_toy_0_700K_+0.000",
        "explored_cell": "o/toy/0",
    }
    ase.io.write(tmp_path / "selected.extxyz", frame)
    engine = settings(library(tmp_path / "lib")).model_dump(mode="json") | {"engine": "vasp"}
    return tmp_path, engine, frame


def through(folder, engine, slot):
    home = folder / f"{slot:03d}"
    home.mkdir()
    selected, record, frames = (
        str(folder / "selected.extxyz"),
        str(home / "slot.json"),
        str(home / "frames.extxyz"),
    )
    static.stage(selected, slot=slot, record=record, engine=engine, level="u4")
    static.run(record, done=str(home / "done.json"), engine=engine, launch=LAUNCH)
    static.collect(record, selected, slot=slot, frames=frames, level="u4")
    return home


def test_a_frame_becomes_a_label_of_the_dataset(job):
    folder, engine, frame = job
    home = through(folder, engine, 0)
    staged = json.loads((home / "vasp" / "job.json").read_text())
    assert staged["kind"] == "static"
    assert staged["kpoints"]["mesh"] == [1, 1, 1]  # that of dynamics, whose frames it joins
    tags = staged["run_steps"][0]["tags"]
    assert (tags["NSW"], tags["ISYM"], tags["LDAUU"]) == (0, 0, [0.0, 4.0, 0.0])
    used, rows, theory = read_source(
        Source(home / "frames.extxyz", "learned", "train"),
        species=["Li", "Ti", "Cl"],
        level="u4",
        discard_ps=0.1,
    )
    assert len(used) == 1
    np.testing.assert_allclose(used[0].positions, frame.positions, atol=1e-5)
    assert np.abs(used[0].get_forces()).max() > 0.01
    assert json.loads(theory)["potcar_titels"]
    assert (rows[0]["step"], rows[0]["temperature_k"], rows[0]["moments_in_range"]) == (0, 700.0, True)


def test_an_unused_slot_is_passed_over(job):
    folder, engine, _ = job
    home = through(folder, engine, 1)
    assert not (home / "vasp").exists()
    assert json.loads((home / "done.json").read_text()) == {"used": False}
    assert (home / "frames.extxyz").read_text() == ""


def test_unconverged_electrons_are_no_label(job, monkeypatch, capsys):
    folder, engine, _ = job
    monkeypatch.setenv("FAKE_VASP", json.dumps({"unconverged": [1]}))
    home = through(folder, engine, 0)
    kept = ase.io.read(home / "frames.extxyz")
    assert not kept.info["converged"]
    assert kept.calc is None
    assert "is dropped: electrons unconverged" in capsys.readouterr().err
