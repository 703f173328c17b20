"""Writes DCD files and MD segments of invented motion, as LAMMPS and the pipeline leave them."""

import json
import struct

import numpy as np

MASSES = {"Li": 6.94, "Ti": 47.867, "Cl": 35.45}
CELL = np.array([[12.0, 0, 0], [1, 13, 0], [-2, 1, 14]])


def write_dcd(path, positions, *, counted=None):
    """A DCD of (frames, ions, 3) with a unit cell in every frame; `counted` is the number of frames in the header."""
    frames, ions = positions.shape[:2]
    control = np.zeros(20, dtype="<i4")
    control[0], control[1], control[2], control[10], control[19] = (
        frames if counted is None else counted,
        0,
        10,
        1,
        24,
    )
    title = struct.pack("<i", 2) + b"REMARK".ljust(80) + b"REMARK".ljust(80)
    records = [b"CORD" + control.tobytes(), title, struct.pack("<i", ions)]
    cell = cell_record(CELL)
    for frame in positions:
        records.append(cell)
        records += [frame[:, axis].astype("<f4").tobytes() for axis in range(3)]
    path.write_bytes(b"".join(struct.pack("<i", len(r)) + r + struct.pack("<i", len(r)) for r in records))


def cell_record(cell):
    """Lengths and cosines, as LAMMPS writes them: a, gamma, b, beta, alpha, c."""
    a, b, c = lengths = np.linalg.norm(cell, axis=1)
    unit = cell / lengths[:, None]
    return struct.pack("<6d", a, unit[0] @ unit[1], b, unit[0] @ unit[2], unit[1] @ unit[2], c)


def motion(n_frames, *, seed=0, n_li=4, n_ti=2, n_cl=6):
    """(frames, atoms, 3) unwrapped positions in Å: diffusing Li, a trembling host, all drifting together."""
    rng = np.random.default_rng(seed)
    n_host = n_ti + n_cl
    start = rng.random((n_li + n_host, 3)) @ CELL
    li = rng.normal(0, 0.2, (n_frames, n_li, 3)).cumsum(axis=0)
    host = rng.normal(0, 0.1, (n_frames, n_host, 3))
    drift = np.arange(n_frames)[:, None, None] * np.array([0.02, 0.01, -0.01])
    return start + np.concatenate([li, host], axis=1) + drift


def write_segments(folder, *, lengths=(100, 100), stride=10, xtc_stride=50, all_positions=None):
    """Segments of `lengths` steps in `folder`; returns their sidecars and positions (frames, atoms, 3), a frame per stride."""
    import chemfiles

    n_frames = sum(lengths) // stride + 1
    positions = motion(n_frames) if all_positions is None else all_positions
    species, types = ["Li", "Ti", "Cl"], [1] * 4 + [2] * 2 + [3] * 6
    masses = np.array([MASSES[species[t - 1]] for t in types[4:]])
    first, sidecars = 0, []
    for number, length in enumerate(lengths, start=1):
        stem, last = f"{number:04d}", first + length
        part = positions[first // stride : last // stride + 1]
        steps = np.arange(first, last + 1, stride)
        write_dcd(folder / f"{stem}.dcd", part[:, :4])
        centre = np.einsum("fai,a->fi", part[:, 4:], masses / masses.sum())
        rows = [
            f"{step} " + " ".join(f"{x:.8g}" for x in row) for step, row in zip(steps, centre, strict=True)
        ]
        (folder / f"{stem}.host.txt").write_text("# step x y z\n" + "\n".join(rows) + "\n")
        with chemfiles.Trajectory(str(folder / f"{stem}.xtc"), "w") as file:
            for frame_positions in part[:: xtc_stride // stride]:
                frame = chemfiles.Frame()
                for t, xyz in zip(types, frame_positions, strict=True):
                    frame.add_atom(chemfiles.Atom(species[t - 1]), xyz)
                frame.cell = chemfiles.UnitCell(CELL.T)
                file.write(frame)
        thermo = [f"{step},300.0,-10.0,1.0,0.0,-9.0" for step in range(first, last + 1, 20)]
        header = "step,temperature_k,potential_energy_ev,kinetic_energy_ev,pressure_bar,conserved_ev"
        (folder / f"{stem}.thermo.csv").write_text("\n".join([header, *thermo]) + "\n")
        data = {
            "format": "dlmd-segment",
            "version": 1,
            "segment": number,
            "parent": f"{number - 1:04d}.json" if number > 1 else None,
            "level": "toy",
            "replica": 0,
            "temperature_k": 300.0,
            "ensemble": "nvt",
            "seed": 1,
            "time_step_fs": 2.0,
            "first_step": first,
            "last_step": last,
            "dcd_stride": stride,
            "dcd_frames": len(part),
            "xtc_stride": xtc_stride,
            "xtc_frames": length // xtc_stride + 1,
            "thermo_stride": 20,
            "mobile": "Li",
            "ids": [1, 2, 3, 4],
            "n_atoms": 12,
            "species": species,
            "types": types,
            "masses_amu": MASSES,
            "cell_angstrom": CELL.tolist(),
            "dcd": f"{stem}.dcd",
            "host": f"{stem}.host.txt",
            "xtc": f"{stem}.xtc",
            "thermo": f"{stem}.thermo.csv",
            "restart": f"{stem}.restart",
        }
        (folder / f"{stem}.json").write_text(json.dumps(data))
        sidecars.append(folder / f"{stem}.json")
        first = last
    return sidecars, positions
