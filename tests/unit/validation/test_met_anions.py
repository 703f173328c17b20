"""Anions that bond in an engine's own trajectories: new bonds count, those of the crystal do not, and hot runs decide nothing."""

import ase.io
import pytest
from ase import Atoms

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json
from dlmd.config.validation import Validation
from dlmd.validation import acceptance, jobs, met_anions

BOUNDS = Validation().model_dump()
CELL_A = 12.0


def frame(distance_a, *, bonded=False):
    """Na, two S at a distance across the boundary of the cell, and with `bonded` an S2 pair that belongs there."""
    symbols, positions = ["Na", "S", "S"], [[6.0, 6, 6], [0.2, 3, 3], [CELL_A + 0.2 - distance_a, 3, 3]]
    if bonded:
        symbols, positions = [*symbols, "S", "S"], [*positions, [5.0, 9, 9], [7.0, 9, 9]]
    return Atoms(symbols, positions=positions, cell=[CELL_A] * 3, pbc=True)


@pytest.mark.parametrize("bonded", [False, True])
def test_new_bonds_of_anions_count(bonded):
    distances = (3.4, 3.1, 2.0, 1.9)
    frames = [frame(d, bonded=bonded) for d in distances]
    assert met_anions.share_of_frames(frames, ["S"]) == (0.5, "S-S")
    assert met_anions.share_of_frames(frames[:2], ["S"]) == (0.0, "")
    # cations may be near anything
    assert met_anions.share_of_frames(frames, ["Cl"]) == (0.0, "")


def judged(tmp_path, temperatures_k):
    frames = []
    for n, distances in enumerate(((3.4, 3.3, 3.2), (3.4, 2.0, 2.0))):
        ase.io.write(tmp_path / f"{n}.extxyz", [frame(d) for d in distances], format="extxyz")
        frames.append(str(tmp_path / f"{n}.extxyz"))
    result = tmp_path / "met_anions.json"
    met_anions.judge(
        frames,
        result=str(result),
        ids=["whole", "apart"],
        temperatures_k=temperatures_k,
        charges={"Na": 1, "S": -2},
    )
    return result


def test_the_gate_refuses_a_teacher_whose_host_comes_apart_where_production_runs(tmp_path):
    met = judged(tmp_path, [500.0, 600.0])
    accepted = tmp_path / "accepted.json"
    with pytest.raises(
        DlmdError,
        match=r"trajectory apart S-S bonds form in 66.7 % of the frames, the limit is 5 %: its host",
    ):
        jobs.accept(None, [], None, None, str(met), accepted=str(accepted), bounds=BOUNDS, hottest_k=560.0)
    assert not accepted.exists()
    jobs.accept(None, [], None, None, str(met), accepted=str(accepted), bounds=BOUNDS, hottest_k=470.0)
    (check,) = read_json(accepted)["checks"]
    assert check["ok"] and check["value"] == 0.0 and check["key"] == "max_met_anions"


def test_thermal_contacts_of_iodide_are_no_bonds():
    frames = [
        Atoms("I2", positions=[[0, 0, 0], [0, 0, d]], cell=[CELL_A] * 3, pbc=True) for d in (4.0, 3.2, 2.8)
    ]
    assert met_anions.share_of_frames(frames[:2], ["I"]) == (0.0, "")
    assert met_anions.share_of_frames(frames, ["I"])[0] > 0


def test_trajectories_that_are_all_too_hot_decide_nothing(tmp_path):
    assert acceptance.met_anions(read_json(judged(tmp_path, [900.0, 1200.0])), BOUNDS, hottest_k=500.0) == []
