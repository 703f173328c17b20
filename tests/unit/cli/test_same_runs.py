"""The same run or result twice is refused, whatever the names of its files."""

import json
import shlex
import shutil

import numpy as np
import pytest

from dlmd.cli import main

CELL_A = 14.0


def write_run(path, *, seed=0, digits=5, wrap=False):
    """12 ions that walk among 20 atoms that vibrate, as a LAMMPS dump."""
    rng = np.random.default_rng(seed)
    start = rng.random((32, 3)) * CELL_A
    walk = rng.normal(0, 0.22, (60, 12, 3)).cumsum(axis=0)
    positions = start + np.concatenate([walk, rng.normal(0, 0.15, (60, 20, 3))], axis=1)
    lines = []
    for number, frame in enumerate(positions % CELL_A if wrap else positions):
        lines += ["ITEM: TIMESTEP", str(500 * number), "ITEM: NUMBER OF ATOMS", "32"]
        axes = "x y z" if wrap else "xu yu zu"
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"0 {CELL_A}"] * 3, f"ITEM: ATOMS id element {axes}"]
        lines += [
            f"{i + 1} {'Li' if i < 12 else 'Cl'} " + " ".join(f"{x:.{digits}f}" for x in at)
            for i, at in enumerate(frame)
        ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def refused(capsys, command):
    code = main.main(shlex.split(command))
    return code == 1 and "the same run twice" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["copy", "wrapped with fewer digits", "of its own"])
def test_replicas(tmp_path, capsys, other):
    one, two = write_run(tmp_path / "1.dump"), tmp_path / "2.dump"
    if other == "copy":
        shutil.copy(one, two)
    else:
        write_run(two, seed=other == "of its own", digits=4, wrap=other != "of its own")
    command = (
        f"transport {one} {two} --replicas --mobile Li --time-step 1 --temperature 600 -o {tmp_path}/out"
    )
    assert refused(capsys, command) == (other != "of its own")


def test_a_study_of_copies_under_other_temperatures(tmp_path, capsys):
    one = write_run(tmp_path / "500K/traj.dump")
    (tmp_path / "600K").mkdir()
    shutil.copy(one, tmp_path / "600K/traj.dump")
    command = f"study {tmp_path}/500K {tmp_path}/600K --mobile Li --time-step 1 -o {tmp_path}/out"
    assert refused(capsys, command) and not (tmp_path / "out").exists()


def test_results_of_one_run(tmp_path, capsys):
    def result(name, temperature_k, content):
        estimate = {"value": 1.0, "low": 0.9, "high": 1.1}
        names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")
        data = {
            "format": "dlmd-transport",
            "mobile": "Li",
            "temperature_k": temperature_k,
            "confidence": 0.95,
        }
        data |= {"verdict": {"code": "ok", "message": "", "gates": []}, **dict.fromkeys(names, estimate)}
        data["provenance"] = {"inputs": [{"path": name, "bytes": 5, "sha256": content}]}
        (tmp_path / name).write_text(json.dumps(data))
        return str(tmp_path / name)

    five, six, seven = result("5.json", 500, "a"), result("6.json", 600, "b"), result("7.json", 700, "c")
    again = result("again.json", 650, "b")
    assert not refused(capsys, f"arrhenius {five} {six} {seven} -o {tmp_path}")
    assert refused(capsys, f"arrhenius {five} {six} {again} {seven} -o {tmp_path}")
    assert main.main(["arrhenius", five, six, six, seven, "-o", str(tmp_path)]) == 1
    assert "the same result twice" in capsys.readouterr().err


def test_results_with_a_run_in_common(tmp_path, capsys):
    """Together with others it is the same run all the same; a topology is shared by many."""

    def written(name, temperature_k, files):
        estimate = {"value": 1.0, "low": 0.9, "high": 1.1}
        names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")
        inputs = [{"path": f, "bytes": 5, "sha256": f} for f in files]
        (tmp_path / name).write_text(
            json.dumps(
                {
                    "format": "dlmd-transport",
                    "mobile": "Li",
                    "temperature_k": temperature_k,
                    "verdict": {"code": "ok", "message": "", "gates": []},
                    "provenance": {"command": "dlmd transport --topology ./cell.data", "inputs": inputs},
                    **dict.fromkeys(names, estimate),
                }
            )
        )
        return str(tmp_path / name)

    five = written("5.json", 500, ["a", "cell.data"])
    seven = written("7.json", 700, ["d", "cell.data"])
    one, other = written("6.json", 600, ["b", "cell.data"]), written("6o.json", 600, ["c", "cell.data"])
    assert not refused(capsys, f"arrhenius {five} {one} {other} {seven} -o {tmp_path}")
    both = written("6both.json", 600, ["b", "c", "cell.data"])
    assert refused(capsys, f"arrhenius {five} {one} {both} {seven} -o {tmp_path}/out")
