"""One single point of CP2K, Quantum ESPRESSO or GPAW as files: inputs that its program runs without this package, and results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.labels import packed
from dlmd.labels.engines import cp2k, espresso, gpaw, upf
from dlmd.labels.engines.base import Unconverged
from dlmd.labels.engines.dft import judged, require_version

if TYPE_CHECKING:
    from ase import Atoms

CP2K_COMMANDS = "HARSH UNITS_EV_A LOAD EVAL_EF GET_E GET_F GET_STRESS EXIT"
GPAW_SCRIPT = '''"""One single point by GPAW from point.json, into results.json: PYTHON point.py"""
import json
from pathlib import Path

from ase import Atoms
from ase.parallel import world
from gpaw import GPAW, PW, ConvergenceError

point = json.loads(Path("point.json").read_text())
atoms = Atoms(point["symbols"], point["positions"], cell=point["cell"], pbc=True)
atoms.set_initial_magnetic_moments(point["moments"])
atoms.calc = GPAW(mode=PW(point["ecut_ev"]), txt="gpaw.txt", **point["keywords"])
try:
    found = {
        "energy": atoms.get_potential_energy(force_consistent=True),
        "forces": atoms.get_forces().tolist(),
        "stress": atoms.get_stress().tolist(),
    }
    if point["keywords"]["spinpol"]:
        found["magmoms"] = atoms.get_magnetic_moments().tolist()
except ConvergenceError as error:
    found = {"unconverged": str(error)}
if world.rank == 0:
    Path("results.json").write_text(json.dumps(found))
'''


@dataclass(frozen=True)
class Point:
    """How the single points of one program are staged, run and read.

    Parameters
    ----------
    example
        A command that starts it.
    inputs, outputs
        Files of each frame.
    command
        Line of the shell, in the frame's folder.
    texts
        Input files of a frame from a level's settings and its atoms.
    shared
        Puts what all frames share into the folder above; paths of it as seen from a frame.
    results
        Checked results of a frame from its folder.
    """

    name: str
    example: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    command: str
    texts: Callable[[Any, Atoms], Mapping[str, str]]
    shared: Callable[[Any, Path], list[str]]
    results: Callable[[Any, Atoms, Path], dict[str, Any]]


def _text(folder: Path, name: str) -> str:
    """What a program wrote, which may have been packed since.

    Raises
    ------
    DlmdError
        where it is not there.
    """
    found = packed.find(folder, name)
    if found is None:
        raise DlmdError(
            f"no {name}, or an empty one", where=str(folder), remedy="bring the whole folder back"
        )
    return packed.read_text(found)


def _nothing(settings: Any, home: Path) -> list[str]:
    return []


def _cp2k_texts(settings: Any, atoms: Atoms) -> dict[str, str]:
    arguments = {
        "LOAD": "cp2k.inp cp2k.out",
        **dict.fromkeys(("EVAL_EF", "GET_E", "GET_F", "GET_STRESS"), "1"),
    }
    lines = [f"{word} {arguments.get(word, '')}".rstrip() for word in CP2K_COMMANDS.split()]
    return {"cp2k.inp": cp2k.input_text(settings, atoms), "commands": "".join(f"{line}\n" for line in lines)}


def _cp2k_results(settings: Any, atoms: Atoms, folder: Path) -> dict[str, Any]:
    output = _text(folder, "cp2k.out")
    require_version("CP2K", output, cp2k.VERSION_LINE, cp2k.OLDEST)
    cp2k.require_converged(output, settings)
    answers = _text(folder, "answers").split("* READY")[1:]
    energy, forces, stress = (
        answers[CP2K_COMMANDS.split().index(f"GET_{name}")] for name in ("E", "F", "STRESS")
    )
    words = forces.replace("* END", "").split()
    if int(words[0]) != 3 * len(atoms) or len(words) != 3 * len(atoms) + 1:
        raise ValueError(f"forces on {int(words[0]) // 3} atoms, there are {len(atoms)}")
    tensor = np.array(stress.split(), float).reshape(3, 3)
    results = {
        "energy": float(energy),
        "forces": np.array(words[1:], float).reshape(-1, 3),
        # CP2K's sign is the other one
        "stress": -tensor[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],
    }
    moments = cp2k.spin_moments(output, len(atoms)) if settings.spin_polarised else None
    return judged(results, atoms.symbols, settings, moments)


def _espresso_texts(settings: Any, atoms: Atoms) -> dict[str, str]:
    return {espresso.INPUT: espresso.input_text(settings, atoms, pseudo_dir="../../pseudo")}


def _espresso_shared(settings: Any, home: Path) -> list[str]:
    upf.require_files(settings, settings.pseudopotentials)
    (home / "pseudo").mkdir(parents=True, exist_ok=True)
    for element in settings.pseudopotentials:
        file = upf.file_of(settings, element)
        shutil.copyfile(file, home / "pseudo" / file.name)
    return [f"../../pseudo/{name}" for name in dict.fromkeys(settings.pseudopotentials.values())]


def _espresso_results(settings: Any, atoms: Atoms, folder: Path) -> dict[str, Any]:
    output = _text(folder, espresso.OUTPUT)
    espresso.require_sound(output, settings)
    results = espresso.energy_forces_stress(output)
    if results["forces"].shape != (len(atoms), 3):
        raise ValueError(f"forces on {len(results['forces'])} atoms, there are {len(atoms)}")
    return judged(results, atoms.symbols, settings, espresso.last_moments(output, len(atoms)))


def _gpaw_texts(settings: Any, atoms: Atoms) -> dict[str, str]:
    point = {
        "symbols": list(atoms.symbols),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "moments": [settings.magmom.get(s, 0.0) for s in atoms.symbols],
        "ecut_ev": settings.ecut_ev,
        "keywords": gpaw.keywords(settings),
    }
    return {"point.json": json.dumps(point, indent=1) + "\n", "point.py": GPAW_SCRIPT}


def _gpaw_results(settings: Any, atoms: Atoms, folder: Path) -> dict[str, Any]:
    found = json.loads(_text(folder, "results.json"))
    if "unconverged" in found:
        raise Unconverged(f"the electrons did not converge: {found['unconverged']}")
    results = {"energy": found["energy"]} | {name: np.array(found[name]) for name in ("forces", "stress")}
    if results["forces"].shape != (len(atoms), 3):
        raise ValueError(f"forces on {len(results['forces'])} atoms, there are {len(atoms)}")
    moments = np.array(found["magmoms"]) if "magmoms" in found else None
    return judged(results, atoms.symbols, settings, moments)


# engine -> its single points
POINTS = {
    "cp2k": Point(
        *("CP2K", "srun cp2k.psmp", ("cp2k.inp", "commands"), ("cp2k.out", "answers")),
        "$PROGRAM -s < commands > answers 2> errors",
        *(_cp2k_texts, _nothing, _cp2k_results),
    ),
    "espresso": Point(
        *("pw.x", "srun pw.x", (espresso.INPUT,), (espresso.OUTPUT,)),
        f"$PROGRAM -in {espresso.INPUT} > {espresso.OUTPUT} 2> errors",
        *(_espresso_texts, _espresso_shared, _espresso_results),
    ),
    "gpaw": Point(
        *("GPAW", "srun gpaw python", ("point.json", "point.py"), ("results.json", "gpaw.txt")),
        "$PROGRAM point.py > errors 2>&1",
        *(_gpaw_texts, _nothing, _gpaw_results),
    ),
}
