"""`dlmd transport` on other people's files: charges, names of results, exit codes, what is said before minutes of reading."""

import json
import shlex

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.cli import main
from dlmd.transport.charges import charge_of

CELL_A = 14.0


def write_run(path, *, seed=0, frames=600, mobile="Li", host="Cl", d=0.05):
    """16 ions with a known D every 0.5 ps among 24 atoms that vibrate as at 600 K, as a LAMMPS dump."""
    rng = np.random.default_rng(seed)
    start = rng.random((40, 3)) * CELL_A
    walk = rng.normal(0, np.sqrt(2 * d * 0.5), (frames, 16, 3)).cumsum(axis=0)
    positions = start + np.concatenate([walk, rng.normal(0, 0.15, (frames, 24, 3))], axis=1)
    lines = []
    for number, frame in enumerate(positions):
        lines += ["ITEM: TIMESTEP", str(500 * number), "ITEM: NUMBER OF ATOMS", "40"]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"0 {CELL_A}"] * 3, "ITEM: ATOMS id element xu yu zu"]
        lines += [
            f"{i + 1} {mobile if i < 16 else host} {x:.5f} {y:.5f} {z:.5f}"
            for i, (x, y, z) in enumerate(frame)
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("own") / "run.dump")


def call(capsys, command):
    code = main.main(shlex.split(command))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_result_is_not_overwritten_by_that_of_another_run(trajectory, tmp_path, capsys):
    command = f"transport {trajectory} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}/out"
    assert call(capsys, command)[0] == 0
    assert call(capsys, command)[0] == 0  # the same run may be made again
    other = write_run(tmp_path / "other.dump", seed=3)
    again = command.replace(str(trajectory), str(other))
    code, _, error = call(capsys, again)
    assert code == 1 and "600K.json is the result of other files: run.dump" in error and "--name" in error
    assert call(capsys, again + " --name second")[0] == 0
    results = [json.loads((tmp_path / f"out/{name}.json").read_text()) for name in ("600K", "second")]
    assert results[0]["d_self_cm2_per_s"] != results[1]["d_self_cm2_per_s"]


def test_json_on_stdout(trajectory, tmp_path, capsys):
    code, printed, _ = call(
        capsys, f"transport {trajectory} --mobile Li --time-step 1 --temperature 600 --json -o {tmp_path}"
    )
    result = json.loads(printed)
    assert code == 0
    # 0.05 Å²/ps
    assert result["d_self_cm2_per_s"]["low"] < 5e-6 < result["d_self_cm2_per_s"]["high"]
    assert result["composition"] == {"Li": 16, "Cl": 24}


def test_two_frames_are_too_short(tmp_path, capsys):
    path = write_run(tmp_path / "a.dump", frames=2)
    code, _, error = call(
        capsys, f"transport {path} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}"
    )
    assert code == 1 and "2 frames are too short a run" in error


def test_the_charge_is_asked_for_before_everything_is_read(tmp_path, capsys, monkeypatch):
    from dlmd.trajectory.ion_store import IonStore

    path = write_run(tmp_path / "cu.dump", mobile="Cu", host="S")
    added, add = [], IonStore.add
    monkeypatch.setattr(IonStore, "add", lambda self, *a: added.append(1) or add(self, *a))
    code, _, error = call(
        capsys, f"transport {path} --mobile Cu --time-step 1 --temperature 600 -o {tmp_path}"
    )
    assert code == 1 and "Cu has several common charges: +1, +2, +3" in error and "--charge" in error
    assert len(added) <= 2


@pytest.mark.parametrize(
    ("element", "compound", "charge"),
    [
        ("Li", {}, 1),
        ("Cu", {"Cu": 2, "Se": 1}, 1),
        ("Cu", {"Cu": 24, "P": 4, "S": 20, "Cl": 4}, 1),
        ("Ag", {"Ag": 1, "I": 1}, 1),
        ("O", {"Zr": 3, "Y": 2, "O": 9}, -2),
        ("Cu", {"Cu": 2, "S": 3}, None),
        ("Cu", {}, None),
    ],
)
def test_charges(element, compound, charge):
    if charge is None:
        with pytest.raises(DlmdError, match="several common charges"):
            charge_of(element, None, compound)
    else:
        assert charge_of(element, None, compound)[0] == charge
    assert charge_of(element, 0.5, compound) == (0.5, None)


def test_arrhenius_does_not_mix_crystals(tmp_path, capsys):
    def result(name, temperature, **system):
        estimate = {"value": 1.0, "low": 0.9, "high": 1.1}
        names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")
        data = {"format": "dlmd-transport", "mobile": "Li", "temperature_k": temperature, "confidence": 0.95}
        data |= {
            "verdict": {"code": "ok", "message": "", "gates": []},
            **dict.fromkeys(names, estimate),
            **system,
        }
        (tmp_path / name).write_text(json.dumps(data))
        return str(tmp_path / name)

    one = {"composition": {"Li": 24, "In": 8, "Cl": 48}}
    twice = {"composition": {"Li": 48, "In": 16, "Cl": 96}}
    other = {"composition": {"Li": 24, "Y": 8, "Cl": 48}}
    files = [result("5.json", 500, **one), result("6.json", 600, **twice), result("7.json", 700, **one)]
    assert call(capsys, f"arrhenius {shlex.join(files)} -o {tmp_path}")[0] == 0
    code, _, error = call(
        capsys, f"arrhenius {shlex.join([*files, result('8.json', 800, **other)])} -o {tmp_path}"
    )
    assert code == 1 and "results of different crystals" in error and "YCl6" in error
    bare = [result(f"{n}.json", 100 * n, n_ions=24, n_host_atoms=56 + 8 * (n == 3)) for n in (1, 2, 3)]
    code, _, error = call(capsys, f"arrhenius {shlex.join(bare)} -o {tmp_path}")
    assert code == 1 and "host atoms per ion" in error


def test_exit_codes_are_in_the_docs():
    from dlmd.cli.docs import render
    from dlmd.cli.exit_codes import MEANING

    assert all(f"| {code} | {meaning} |" in render() for code, meaning in MEANING.items())
