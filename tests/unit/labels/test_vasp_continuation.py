from pathlib import Path

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import continuation, verify
from dlmd.labels.vasp.frames import Frame, Run

CELL = np.diag([5.0, 5.0, 5.0])


def frames(numbers, *, bad=()):
    """Frames along one line in time: frame t has its first atom 0.02 t Å along x, wrapped as OUTCARs are."""
    made = []
    for local, t in enumerate(numbers, 1):
        positions = np.array([[(4.9 + 0.02 * t) % 5.0, 0.0, 0.0], [2.5, 2.5, 2.5]])
        frame = Frame(step=local, electronic_steps=5, cell=CELL, positions=positions, energy=float(t))
        frame.forces = None if t in bad else np.zeros((2, 3))
        made.append(frame)
    return made


def run(numbers, name="run00", **kind):
    return Run(Path(name) / "OUTCAR", ["Li", "Cl"], [1, 1], [], {"NSW": "5"}, None, frames(numbers, **kind))


def joined(*runs):
    return [(j.step, j.frame.energy) for j in continuation.join(runs, where="here")]


def test_next_frame_and_repeated_frame_both_join_without_gap_or_repeat():
    expected = [(t, float(t)) for t in range(10)]
    assert joined(run(range(5)), run(range(5, 10), "run01")) == expected
    assert joined(run(range(6)), run(range(5, 10), "run01")) == expected


def test_a_replay_from_an_older_contcar_replaces_what_it_repeats():
    replay = run(range(3, 10), "run01")
    result = continuation.join([run(range(6)), replay], where="here")
    assert [(j.step, j.frame.energy) for j in result] == [(t, float(t)) for t in range(10)]
    assert all(j.run is replay for j in result[3:])


def test_steps_count_unreadable_frames():
    assert joined(run(range(5), bad=(2,)), run(range(5, 8), "run01")) == [
        (t, float(t)) for t in (0, 1, 3, 4, 5, 6, 7)
    ]
    assert joined(run(range(5), bad=(3,)), run(range(4, 8), "run01"))[-1] == (7, 7.0)


def test_a_gap_is_an_error():
    with pytest.raises(DlmdError, match="does not continue the one before"):
        joined(run(range(5)), run(range(12, 20), "run01"))


def test_another_cell_is_an_error():
    other = run(range(5, 10), "run01")
    for frame in other.frames:
        frame.cell = CELL * 1.01
    with pytest.raises(DlmdError, match="cell changes"):
        joined(run(range(5)), other)


def test_a_step_is_done_by_its_last_run():
    dynamics = run(range(5))
    assert not continuation.step_done("produce", dynamics)  # VASP did not end by itself
    dynamics.finished = True
    assert continuation.step_done("produce", dynamics)
    short = run(range(4))
    short.finished = True  # a STOPCAR ended it
    assert not continuation.step_done("produce", short)
    relaxation = run(range(5))
    relaxation.finished = True
    relaxation.frames[-1].forces = np.full((2, 3), 0.5)
    assert not continuation.step_done("relax", relaxation)
    relaxation.relaxed = True
    assert continuation.step_done("relax", relaxation)


def contcar(n=2, velocities=2, predictor=True):
    rows = ["  0.1 0.2 0.3", "  0.4 0.5 0.6000000000000001"][:n]
    speeds = ["", " 0.12345678E-02 0.0 0.0", " 0.0 -0.3E-03 0.0"][: velocities + 1]
    block = ["", " 1", " 1.0", " 1.0 0 0 0", *["0 0 0"] * 6] if predictor else []
    head = ["LiCl", " 1.0", " 5 0 0", " 0 5 0", " 0 0 5", " Li Cl", " 1 1", "Direct"]
    return "\n".join(head + rows + speeds + block) + "\n"


def test_contcar_is_taken_over_digit_by_digit():
    text = contcar()
    assert continuation.next_poscar(text, n_atoms=2, dynamics=True, same_ensemble=True) == text
    changed = continuation.next_poscar(text, n_atoms=2, dynamics=True, same_ensemble=False)
    assert changed == contcar(predictor=False)
    still = continuation.next_poscar(text, n_atoms=2, dynamics=False, same_ensemble=True)
    assert still == "\n".join(text.splitlines()[:10]) + "\n"
    assert verify.parse_poscar(still).tail == []


@pytest.mark.parametrize(
    ("text", "n"),
    [
        (contcar(velocities=1, predictor=False), 2),
        (contcar(n=1, velocities=0, predictor=False), 2),
        (contcar()[:60], 2),
        (contcar(), 3),
        (contcar().replace("-0.3E-03", "NaN"), 2),
        ("", 2),
    ],
)
def test_a_damaged_contcar_starts_nothing(text, n):
    with pytest.raises((ValueError, IndexError)):
        continuation.next_poscar(text, n_atoms=n, dynamics=True, same_ensemble=True)
