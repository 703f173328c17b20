"""Trials of damaged trajectories of other programs: what `dlmd transport` reads of them, against the whole file.

Such files have no checksums: a digit that is another one cannot be seen by anybody, so those kinds of damage are left out. A file
whose end is missing may be used up to its last whole frame, if that is said.
"""

import json
import multiprocessing
import random
import traceback
from pathlib import Path

import damage
import numpy as np

KINDS = ("cut", "cut_at_a_line", "empty", "zeros", "foreign")
LI, CL, CELL_A, FRAMES, STRIDE = 8, 16, 12.0, 60, 10
SYMBOLS = ["Li"] * LI + ["Cl"] * CL
OPTIONS = {"mobile": "Li", "time_step_fs": 2.0, "stride": STRIDE}


FORMATS_OF_ASE = (
    ("extended XYZ", "run.extxyz", "extxyz"),
    ("XDATCAR", "XDATCAR", "vasp-xdatcar"),
    ("ASE .traj", "run.traj", "traj"),
)
FORMATS_OF_CHEMFILES = (
    ("XTC", "xtc"),
    ("TRR", "trr"),
    ("Amber NetCDF", "nc"),
    ("DCD", "dcd"),
    ("GRO", "gro"),
)


def walk() -> np.ndarray:
    """Positions (frames, atoms, 3) in Å: Li on a random walk in a cage of Cl."""
    rng = np.random.default_rng(6)
    li = rng.normal(0, 0.2, (FRAMES, LI, 3)).cumsum(axis=0)
    return rng.random((LI + CL, 3)) * CELL_A + np.concatenate(
        [li, rng.normal(0, 0.1, (FRAMES, CL, 3))], axis=1
    )


def write_all(folder: Path) -> dict[str, tuple[Path, dict]]:
    """The walk in every format: its file and the options that it needs beside the common ones."""
    import ase
    import ase.io
    import chemfiles

    frames = [ase.Atoms(SYMBOLS, positions=f % CELL_A, cell=[CELL_A] * 3, pbc=True) for f in walk()]
    found: dict[str, tuple[Path, dict]] = {}
    for name, file, kind in FORMATS_OF_ASE:
        ase.io.write(folder / file, frames, format=kind)
        found[name] = folder / file, {}
    lines = []
    for number, atoms in enumerate(frames):
        lines += ["ITEM: TIMESTEP", str(STRIDE * number), "ITEM: NUMBER OF ATOMS", str(len(atoms))]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"0 {CELL_A}"] * 3, "ITEM: ATOMS id element x y z"]
        lines += [
            f"{i + 1} {a.symbol} {a.position[0]:.5f} {a.position[1]:.5f} {a.position[2]:.5f}"
            for i, a in enumerate(atoms)
        ]
    (folder / "run.lammpstrj").write_text("\n".join(lines) + "\n")
    found["LAMMPS dump"] = folder / "run.lammpstrj", {}
    for name, ending in FORMATS_OF_CHEMFILES:
        path = folder / f"run.{ending}"
        with chemfiles.Trajectory(str(path), "w", name) as out:
            for number, atoms in enumerate(frames):
                frame = chemfiles.Frame()
                for atom in atoms:
                    frame.add_atom(chemfiles.Atom(atom.symbol), atom.position)
                frame.cell = chemfiles.UnitCell([CELL_A] * 3)
                frame.step = number * STRIDE
                frame["time"] = 0.002 * STRIDE * number
                out.write(frame)
        species = None if name == "GRO" else [f"{LI}*Li", f"{CL}*Cl"]
        found[name] = path, {"species": species, "wrapped": True}
    return found


def _read(path: Path, options: dict, answer) -> None:
    from dlmd.base.errors import DlmdError
    from dlmd.trajectory import readers

    try:
        trajectory = readers.read(path, **(OPTIONS | options))
        positions = np.concatenate(list(trajectory.blocks()), axis=1)
        answer.send(("read", positions, list(trajectory.notes)))
    except DlmdError as error:
        answer.send(("refused", str(error), []))
    except BaseException:
        answer.send(("traceback", traceback.format_exc(), []))


def read(path: Path, options: dict, *, limit_s: float = 60.0) -> tuple[str, object, list[str]]:
    """What a process of its own reads of a file: libraries in C may take theirs down."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_read, args=(path, options, there))
    child.start()
    there.close()
    try:
        found = here.recv() if here.poll(limit_s) else ("traceback", "it did not end", [])
    except EOFError:
        found = ("traceback", "the process died", [])
    child.kill()
    child.join()
    return found


def judge(found: tuple[str, object, list[str]], whole: np.ndarray, path: Path) -> str:
    """What a trial was; fewer frames are right where a note says so."""
    kind, got, notes = found
    if kind == "traceback":
        return "traceback"
    if kind == "refused":
        said = str(got)
        return "refused" if path.name in said and said.count("\n") <= 2 and "fix:" in said else "no remedy"
    assert isinstance(got, np.ndarray)
    frames = len(got)
    if frames > len(whole) or not np.allclose(got, whole[:frames], atol=1e-9):
        return "silently wrong"
    told = any(word in note for note in notes for word in ("whole frames are used", "middle of a frame"))
    return "recovered" if frames == len(whole) or told else "shorter without a word"


def trials(folder: Path, *, seed: int, count: int, out: Path) -> None:
    """`count` trials of every kind of damage of every format, one line of `out` each."""
    folder.mkdir(parents=True, exist_ok=True)
    with out.open("a") as file:
        for name, (path, options) in write_all(folder).items():
            kind, whole, _ = read(path, options)
            if kind != "read":
                print(f"{name}: left out: {whole}", flush=True)
                continue
            for kind in KINDS:
                for number in range(count):
                    rng = random.Random(f"{seed} {name} {kind} {number}")
                    before = damage.do(path, kind, rng)
                    found = read(path, options)
                    damage.write(path, before)
                    message = found[1] if isinstance(found[1], str) else "; ".join(found[2])
                    row = {"rule": "dlmd transport", "file": name, "damage": kind}
                    row |= {"verdict": judge(found, whole, path), "message": message[-1500:]}
                    file.write(json.dumps(row) + "\n")
                    file.flush()
