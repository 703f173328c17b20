"""Small trajectories with a known answer in the formats of other programs, for the tests of traps."""

import numpy as np
import pytest

from dlmd.trajectory import readers
from positions_read import relative_to_host

LI, CL, CELL_A = 12, 20, 14.0
SYMBOLS = ["Li"] * LI + ["Cl"] * CL
TYPES = [1] * LI + [2] * CL
MASSES = np.array([6.94] * LI + [35.45] * CL)
D_A2_PER_PS, INTERVAL_PS = 0.05, 0.5
# u Å²/ps²/K
BOLTZMANN = 0.831446


def crystal(frames=200, *, seed=1, cell_a=CELL_A, host_a=0.15):
    """(frames, atoms, 3) unwrapped Å: Li walks with a known D every 0.5 ps, Cl vibrates about its places as at 600 K."""
    rng = np.random.default_rng(seed)
    start = rng.random((LI + CL, 3)) * cell_a
    steps = rng.normal(0, np.sqrt(2 * D_A2_PER_PS * INTERVAL_PS), (frames, LI, 3))
    steps[0] = 0
    return start + np.concatenate([steps.cumsum(axis=0), rng.normal(0, host_a, (frames, CL, 3))], axis=1)


def rounded(frames=120, *, seed=1):
    """`crystal` with the digits of the files, so that a restart has them too."""
    return np.round(crystal(frames, seed=seed), 6)


FRAMES, SHORT = crystal(), rounded()


def diverged(positions, at, *, seed=5):
    """The run again from frame `at` on, as a restart gives it: the same state, then another future."""
    other = crystal(len(positions) - at + 40, seed=seed)
    return positions[at] + other - other[0]


def restarted(at, *, seed=5):
    """What a restart from frame `at` gives: the same state, then another future; and the whole as it counts."""
    other = rounded(60, seed=seed)
    second = np.round(SHORT[at] + other - other[0], 6)
    return second, np.concatenate([SHORT[:at], second])


def dump(
    positions=FRAMES,
    *,
    first=0,
    every=500,
    columns="id type xu yu zu",
    names=None,
    cell=CELL_A,
    units=None,
    time=None,
    low=0.0,
):
    """A LAMMPS text dump of a cubic cell; `cell` and `low` may have one value per frame, `time` is that of one step."""
    cells, lows = np.broadcast_to(cell, len(positions)), np.broadcast_to(low, len(positions))
    names = names or ["1" if s == "Li" else "2" for s in SYMBOLS]
    lines = ["ITEM: UNITS", units] if units else []
    for number, frame in enumerate(positions):
        step = first + number * every
        lines += ["ITEM: TIME", f"{step * time}"] if time else []
        lines += ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(len(frame))]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"{lows[number]} {lows[number] + cells[number]}"] * 3]
        lines += [f"ITEM: ATOMS {columns}"]
        lines += [f"{i + 1} {names[i]} " + " ".join(f"{x:.7f}" for x in xyz) for i, xyz in enumerate(frame)]
    return "\n".join(lines) + "\n"


def dump_with(positions, columns="id type x y z", *, more=None, steps=None, head=""):
    """A LAMMPS text dump of wrapped coordinates; `more` has (frames, atoms, n) further columns."""
    lines = [head] if head else []
    for number, frame in enumerate(positions):
        step = 500 * number if steps is None else steps[number]
        lines += [f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(frame)}\nITEM: BOX BOUNDS pp pp pp"]
        lines += [f"0 {CELL_A}"] * 3 + [f"ITEM: ATOMS {columns}"]
        for i, place in enumerate(frame % CELL_A):
            words = [i + 1, TYPES[i], *place, *([] if more is None else more[number][i])]
            lines.append(" ".join(map(str, words)))
    return "\n".join(lines) + "\n"


def xyz(positions, comments, names=SYMBOLS):
    lattice = f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}"'
    lines = []
    for frame, comment in zip(positions % CELL_A, comments, strict=True):
        lines += [str(len(frame)), f"{lattice} {comment}"]
        lines += [f"{n} {x:.6f} {y:.6f} {z:.6f}" for n, (x, y, z) in zip(names, frame, strict=True)]
    return "\n".join(lines) + "\n"


def write_dcd(path, positions, *, stride, first=0):
    import struct

    control = np.zeros(20, dtype="<i4")
    control[[0, 1, 2, 10, 19]] = len(positions), first, stride, 1, 24
    records = [
        b"CORD" + control.tobytes(),
        struct.pack("<i", 1) + b"x".ljust(80),
        struct.pack("<i", len(SYMBOLS)),
    ]
    for frame in positions:
        records.append(struct.pack("<6d", CELL_A, 0, CELL_A, 0, 0, CELL_A))
        records += [frame[:, axis].astype("<f4").tobytes() for axis in range(3)]
    path.write_bytes(b"".join(struct.pack("<i", len(r)) + r + struct.pack("<i", len(r)) for r in records))
    return path


def write_h5md(path, positions, steps, *, velocities=None):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        group = file.create_group("particles/all")
        group["position/value"], group["position/step"] = positions % CELL_A / 10, steps
        group["position/value"].attrs["unit"] = "nm"
        group["position/time"] = 0.001 * np.asarray(steps)
        group["position/time"].attrs["unit"] = "ps"
        group["box/edges"] = CELL_A / 10 * np.ones(3)
        group["species"] = [3] * LI + [17] * CL
        if velocities is not None:
            group["velocity/value"] = velocities / 10
            group["velocity/value"].attrs["unit"] = "nm ps-1"
    return path


def save(path, text):
    path.write_text(text)
    return path


def read(paths, **options):
    given = {"mobile": "Li", "time_step_fs": 1.0, "temperature_k": 600.0, **options}
    return readers.read(paths if isinstance(paths, list) else [paths], **given)


def read_dump(paths, **options):
    return read(paths, **{"species": ["Li", "Cl"], **options})


def truth(positions=FRAMES):
    return relative_to_host(positions, LI)


def thermal(temperature_k, frames=120, *, seed=3):
    """(frames, atoms, 3) velocities in Å/ps."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (frames, LI + CL, 3)) * np.sqrt(BOLTZMANN * temperature_k / MASSES)[None, :, None]
