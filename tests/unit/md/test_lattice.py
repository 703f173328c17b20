"""The mean cell at zero pressure: from made segments with a known lattice, and with the real LAMMPS."""

import json

import numpy as np
import pytest
from ase.geometry import cellpar_to_cell

from dlmd.base.errors import DlmdError
from dlmd.md import lattice
from dlmd.md.barostat import barostat
from dlmd.md.cell_file import box
from segment_files import write_segments

JUDGED = lattice.Judged(
    min_independent=10,
    max_volume_error=0.01,
    max_pressure_gpa=0.02,
    max_host_shift_angstrom=0.5,
    confidence=0.95,
)
# of the unit cell that the made runs begin with
UNIT = {"a": 12.0, "b": 13.04, "c": 14.18, "alpha": 85.0, "beta": 98.0, "gamma": 86.0}


@pytest.mark.parametrize(
    ("parameters", "parts"),
    [
        ((10, 10, 10, 90, 90, 90), ("iso",)),
        ((10, 10, 12, 90, 90, 90), ("x", "y", "z", "couple xy")),
        ((10, 10, 17, 90, 90, 120), ("x", "y", "z", "couple xy")),
        ((10, 11, 12, 90, 90, 90), ("x", "y", "z")),
        ((10, 11, 12, 90, 105, 90), ("x", "y", "z", "xz")),
        ((10, 10, 12, 90, 105, 90), ("x", "y", "z", "xz")),
        ((10, 11, 12, 80, 95, 105), ("x", "y", "z", "yz", "xz", "xy")),
        ((10, 10, 10, 55, 55, 55), ("x", "y", "z", "yz", "xz", "xy")),
    ],
)
def test_the_barostat_moves_what_the_crystal_system_leaves_free(parameters, parts):
    assert barostat(parameters, free=False) == parts
    assert barostat(parameters, free=True) == ("x", "y", "z", "yz", "xz", "xy")


def made(folder, *, growth=0.02, drift=0.0, noise=1e-3, pressure=0.0, shift=0.0, length=4000):
    """Sidecars of a run of one segment whose cell fluctuates about `UNIT` grown by `growth` along all edges."""
    rng = np.random.default_rng(3)
    stride, rows = 20, length // 20 + 1
    start = box(cellpar_to_cell(list(UNIT.values()))).cell
    scale = 1 + growth + noise * rng.normal(size=rows) + drift * np.linspace(0, 1, rows)
    cells = start * scale[:, None, None]
    frames = length // 10 + 1
    fractional = rng.random((12, 3))
    places = np.interp(np.arange(frames) * 10, np.arange(rows) * stride, scale)
    positions = (fractional @ start)[None] * places[:, None, None] + rng.normal(0, 0.05, (frames, 12, 3))
    # the last six atoms of the host move to other places, each its own way
    positions[frames // 2 :, 6:] += shift * rng.normal(size=(6, 3))
    sidecars, _ = write_segments(folder, lengths=(length,), all_positions=positions)
    table = folder / "0001.thermo.csv"
    head = table.read_text().splitlines()[0]
    columns = [cells[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (1, 0), (2, 0), (2, 1))]
    bars = pressure * 1e4 + 2000 * rng.normal(size=rows)
    lines = [
        f"{k * stride},300.0,-10.0,1.0,{bars[k]:.6f},-9.0,"
        + ",".join(f"{c[k]:.8f}" for c in columns)
        + ",0,0,0"
        for k in range(rows)
    ]
    names = ",".join((*lattice.BOX, "pxx_bar", "pyy_bar", "pzz_bar"))
    table.write_text("\n".join([f"{head},{names}", *lines]) + "\n")
    return sidecars


def test_the_mean_cell_is_the_one_put_in(tmp_path):
    found = lattice.mean_cell(made(tmp_path), unit_cell=UNIT, repeat=[1, 1, 1], judged=JUDGED)
    for key, value in UNIT.items():
        wanted = value * 1.02 if key in "abc" else value
        assert found["unit_cell"][key] == pytest.approx(wanted, rel=5e-4)
        low, high = found["intervals"][key]
        assert low - 1e-6 <= wanted <= high + 1e-6
    assert found["independent"] > 100
    assert max(found["host_shift_angstrom"].values()) < 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drift": 0.05}, "the volume goes on changing"),
        ({"length": 100, "noise": 1e-4}, "independent volumes"),
        ({"noise": 0.1}, "the mean volume is known to"),
        ({"pressure": 0.5}, r"the mean pressure is 0\.49.* GPa"),
        ({"shift": 2.0}, "the crystal has changed its structure"),
    ],
)
def test_a_mean_that_does_not_count_is_refused(tmp_path, changes, message):
    sidecars = made(tmp_path, **changes)
    with pytest.raises(DlmdError, match=message):
        lattice.mean_cell(sidecars, unit_cell=UNIT, repeat=[1, 1, 1], judged=JUDGED)


def test_a_cell_that_lammps_has_other_edges_for(tmp_path):
    """An edge that LAMMPS exchanges for a less tilted one comes back as the crystal's."""
    unit = {"a": 12.0, "b": 13.0, "c": 14.0, "alpha": 90.0, "beta": 90.0, "gamma": 45.0}
    tilted = box(cellpar_to_cell(list(unit.values())))
    assert (tilted.flips != np.eye(3)).any()
    values = (*np.diag(tilted.cell), *tilted.cell[[1, 2, 2], [0, 0, 1]])
    table = {name: np.full(4, value) for name, value in zip(lattice.BOX, values, strict=True)}
    back = np.linalg.inv(tilted.flips) @ lattice.cells(table)
    assert lattice.cell_parameters(back)[0] == pytest.approx(list(unit.values()))


def test_measured_parameters_expand():
    found = lattice.measured(
        [10, 11, 12, 90, 105, 90], measured_at_k=300, temperature_k=600, expansion_per_k=2e-5
    )
    assert (found["a"], found["b"], found["c"]) == pytest.approx((10.06, 11.066, 12.072))
    assert found["beta"] == 105
    assert found["volume"] == pytest.approx(10.06 * 11.066 * 12.072 * np.sin(np.radians(105)))


def row(temperature, volume, reach):
    return {
        "temperature_k": temperature,
        "unit_cell": {"volume": volume},
        "intervals": {"volume": [volume - reach, volume + reach]},
    }


def test_expansion_is_the_slope_that_was_put_in():
    exact = [row(t, 500 * (1 + 6e-5 * (t - 500)), 0.1) for t in (300, 400, 500, 600, 700)]
    found = lattice.expansion(exact, confidence=0.95)
    assert found["value_per_k"] == pytest.approx(6e-5, rel=1e-6)
    assert found["low_per_k"] < 6e-5 < found["high_per_k"]
    assert lattice.expansion(exact[:2], confidence=0.95) is None


def test_several_runs_widen_the_interval_by_their_scatter():
    keys = (*lattice.LATTICE, "volume")
    runs = [
        {
            "unit_cell": dict.fromkeys(keys, value),
            "intervals": {key: [value - 0.01, value + 0.01] for key in keys},
            "pressure_gpa": [0, -0.01, 0.01],
        }
        for value in (10.0, 10.4)
    ]
    found = lattice.averaged(runs)
    assert found["unit_cell"]["a"] == pytest.approx(10.2)
    low, high = found["intervals"]["a"]
    assert low < 10.0 and high > 10.4
    assert json.dumps(found)
