"""`dlmd msd`: the curves of `dlmd transport`, without a fit, a verdict or an interval."""

import json
import shlex

import numpy as np
import pytest

from dlmd.cli import main
from dlmd.trajectory.readers import read

CELL_A = 14.0


def write_walk(path, frames=60, kinds=("Li", "Cl"), seed=0, still="Br", cell_a=CELL_A):
    """Eight ions of each kind that walk about a host that does not, in extended XYZ. Returns (frames, atoms, 3)."""
    rng = np.random.default_rng(seed)
    symbols = [kind for kind in (*kinds, still) for _ in range(8)]
    steps = rng.normal(0, 0.2, (frames, len(symbols), 3)) * (np.array(symbols) != still)[:, None]
    places = 3.5 * np.stack(np.meshgrid(*[range(4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = rng.permutation(places)[: len(symbols)] + steps.cumsum(axis=0)
    lines = []
    for frame in positions:
        lines += [str(len(symbols)), f'Lattice="{cell_a} 0 0 0 {cell_a} 0 0 0 {cell_a}"']
        lines += [f"{s} {x:.8f} {y:.8f} {z:.8f}" for s, (x, y, z) in zip(symbols, frame, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return positions


def call(capsys, command):
    code = main.main(shlex.split(command))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def table(path):
    return np.genfromtxt(path, delimiter=",", names=True)


def brute(positions, host, lag):
    """(3, 3) tensors of self and total of ions (frames, ions, 3), by definition."""
    u = positions - host.mean(axis=1, keepdims=True)
    u = u[lag:] - u[: len(u) - lag]
    total = u.sum(axis=1)
    n = u.shape[1]
    return (
        np.einsum("fia,fib->ab", u, u) / n / len(u),
        np.einsum("fa,fb->ab", total, total) / n / len(u),
    )


def test_curves_and_tensors_are_those_of_the_definition(tmp_path, capsys):
    positions = write_walk(tmp_path / "a.xyz", kinds=("Li",))
    command = f"msd {tmp_path}/a.xyz --mobile Li --time-step 1 --stride 100 -o {tmp_path}/out"
    code, printed, error = call(capsys, command)
    assert code == 0, error
    assert "8 Li, 60 frames every 0.1 ps in 1 run(s)" in printed and "verdict" not in printed
    found = table(tmp_path / "out/msd.csv")
    for lag in (1, 7, 40):
        own, total = brute(positions[:, :8], positions[:, 8:], lag)
        row = found[lag]
        assert row["lags_ps"] == pytest.approx(0.1 * lag)
        assert row["self_a2"] == pytest.approx(np.trace(own), rel=1e-4)
        assert row["total_a2"] == pytest.approx(np.trace(total), rel=1e-4)
        assert row["distinct_a2"] == pytest.approx(np.trace(total - own), rel=1e-3, abs=1e-4)
        assert row["a_self_a2"] == pytest.approx(own[0, 0], rel=1e-4)
        for kind, tensor in (("self", own), ("total", total)):
            for name, (i, j) in {"xx": (0, 0), "zz": (2, 2), "yz": (1, 2), "xy": (0, 1)}.items():
                assert row[f"{kind}_{name}_a2"] == pytest.approx(tensor[i, j], rel=1e-3, abs=1e-4)


def test_columns_begin_with_those_of_transport(tmp_path, capsys):
    write_walk(tmp_path / "a.xyz", frames=400, kinds=("Li",))
    options = f"{tmp_path}/a.xyz --mobile Li --time-step 1 --stride 100"
    code, _, error = call(capsys, f"msd {options} -o {tmp_path}/msd")
    assert code == 0, error
    assert call(capsys, f"transport {options} --temperature 600 --trust-options -o {tmp_path}/all")[0] in (
        0,
        3,
    )
    curves = (tmp_path / "msd/msd.csv").read_text().splitlines()
    known = (tmp_path / "all/600K.csv").read_text().splitlines()
    assert len(curves) == len(known) == 401
    assert all(one.startswith(other) for one, other in zip(curves, known, strict=True))


def test_every_lag_of_a_long_run(tmp_path, capsys):
    rng = np.random.default_rng(0)
    positions = CELL_A * rng.random((2, 3)) + rng.normal(0, 0.1, (2500, 2, 3)).cumsum(axis=0)
    lines = []
    for frame in positions:
        lines += [
            "2",
            f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}"',
            *(f"Li {x} {y} {z}" for x, y, z in frame),
        ]
    (tmp_path / "a.xyz").write_text("\n".join(lines) + "\n")
    command = f"msd {tmp_path}/a.xyz --mobile Li --time-step 1 --stride 100 --trust-options -o {tmp_path}/out"
    assert call(capsys, command)[0] == 0
    some = table(tmp_path / "out/msd.csv")
    assert call(capsys, f"{command} --every-lag")[0] == 0
    each = table(tmp_path / "out/msd.csv")
    assert len(each) == 2500 > len(some)
    kept = np.round(some["lags_ps"] / 0.1).astype(int)
    assert np.array_equal(each["self_a2"][kept], some["self_a2"])


def test_several_elements_and_replicas(tmp_path, capsys):
    write_walk(tmp_path / "a.xyz", kinds=("Li", "Na"))
    write_walk(tmp_path / "b.xyz", kinds=("Li", "Na"), seed=1)
    options = "--mobile Li Na --time-step 1 --stride 100"
    code, printed, error = call(
        capsys, f"msd {tmp_path}/a.xyz {tmp_path}/b.xyz {options} --replicas -o {tmp_path}/out"
    )
    assert code == 0, error
    assert "16 Li,Na, 120 frames" in printed and "2 run(s)" in printed
    assert "MSD of Li (Å²)" in printed and "MSD of Na (Å²)" in printed
    each = []
    for name in ("a", "b"):
        run = read([tmp_path / f"{name}.xyz"], mobile="Na", time_step_fs=1, stride=100)
        ions = np.concatenate(list(run.blocks()), axis=1)
        each.append(((ions[5:] - ions[:-5]) ** 2).sum(axis=2).mean())
    assert table(tmp_path / "out/msd_Na.csv")["self_a2"][5] > 0
    alone = call(capsys, f"msd {tmp_path}/a.xyz {options.replace('Li Na', 'Na')} -o {tmp_path}/alone")
    assert alone[0] == 0
    # the other mobile element belongs to the host where it is not named
    assert not (tmp_path / "out/msd.csv").exists()
    means = table(tmp_path / "out/msd_Na.csv")["self_a2"][5]
    assert means == pytest.approx(np.mean(each), rel=0.1)


def test_what_transport_refuses_is_refused(tmp_path, capsys):
    write_walk(tmp_path / "a.xyz")
    code, _, error = call(
        capsys, f"msd {tmp_path}/a.xyz --mobile K --time-step 1 --stride 100 -o {tmp_path}/out"
    )
    assert code == 1 and "K" in error and len(error.strip().splitlines()) <= 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["msd", "transport"])
@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"cell_a": 15.0}, "against Li in 2744.00"),
        ({"kinds": ("Na", "Cl")}, "Na in 2744.00"),
        ({"still": "I"}, "8*I 8*Li against 8*Br 8*Cl 8*Li"),
        ({}, ""),
    ],
)
def test_replicas_of_another_system_are_refused(tmp_path, capsys, command, other, says):
    write_walk(tmp_path / "a.xyz")
    write_walk(tmp_path / "b.xyz", seed=1, **other)
    options = "--mobile 1-8 --time-step 1 --stride 100 --replicas --trust-options"
    options += "" if command == "msd" else " --temperature 600"
    code, _, error = call(capsys, f"{command} {tmp_path}/a.xyz {tmp_path}/b.xyz {options} -o {tmp_path}/out")
    assert ("replicas differ" in error) == bool(other)
    if other:
        assert code == 1 and says in error and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["msd", "rdf"])
def test_tables_of_other_files_are_not_written_over(tmp_path, capsys, command):
    for name, seed in (("a", 1), ("b", 2)):
        write_walk(tmp_path / f"{name}.xyz", seed=seed)

    def made(name):
        options = "--mobile Li --time-step 1 --stride 100"
        return call(capsys, f"{command} {tmp_path}/{name}.xyz {options} -o {tmp_path}/out")

    code, printed, error = made("a")
    assert code == 0 and f"{tmp_path}/out/{command}.json" in printed.replace(", ", "\n"), error
    record = json.loads((tmp_path / f"out/{command}.json").read_text())
    assert (record["mobile"], record["n_ions"], record["n_frames"], record["replicas"]) == ("Li", 8, 60, 1)
    before = (tmp_path / f"out/{command}.csv").read_bytes()
    code, _, error = made("b")
    assert code == 1 and f"{command}.json is the result of other files" in error and "-o DIR" in error
    assert (tmp_path / f"out/{command}.csv").read_bytes() == before
    assert made("a")[0] == 0
