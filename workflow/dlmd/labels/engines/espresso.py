"""Quantum ESPRESSO (Giannozzi et al., J. Chem. Phys. 152, 154105 (2020)): plane waves, pseudopotentials of the user's own.

Every step is one run of `pw.x` on an input written by ASE. Needs version 7.1 or newer (the tests run 7.2): older ones pass over
the card that holds the U with no more than a warning, and compute without it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.provenance import file_sha256
from dlmd.config.launch import DEFAULT, PROGRAMS, LevelLaunch
from dlmd.config.levels.espresso import EspressoSettings
from dlmd.config.levels.passed_on import merged
from dlmd.labels.engines import upf
from dlmd.labels.engines.base import Unconverged, package_version
from dlmd.labels.engines.dft import (
    cannot_start,
    end_shown,
    first_output,
    judged,
    one_thread_per_rank,
    require_version,
    show_end,
    validated,
)
from dlmd.process.scratch import Scratch

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

OLDEST = (7, 1)
INPUT, OUTPUT = "espresso.pwi", "espresso.pwo"
VERSION_LINE = re.compile(r"Program PWSCF\s+v\.?\s*(\d+)\.(\d+)(\S*)")
# noble gases: an element's period is the number of those before it, plus one
NOBLE = (2, 10, 18, 36, 54, 86)
# principal quantum number of the valence orbital, counted from the period
SHELL = {"p": 0, "d": -1, "f": -2}


def keywords(settings: EspressoSettings, atoms: Atoms) -> dict[str, Any]:
    """Keywords of ASE's calculator for these atoms."""
    from ase.calculators.calculator import kpts2sizeandoffsets
    from ase.units import Ry

    system = {
        "ecutwfc": settings.ecut_ev / Ry,
        "ecutrho": settings.density_cutoff_ratio * settings.ecut_ev / Ry,
        "occupations": "smearing",
        "smearing": "fermi-dirac",
        "degauss": settings.smearing_ev / Ry,
        # whatever the pseudopotentials say
        "input_dft": settings.functional,
        # atoms move, so a symmetry of the first step would be broken by the second
        "nosym": True,
        "nspin": 2 if settings.spin_polarised else 1,
    }
    mesh = (
        settings.kpoint_mesh
        or kpts2sizeandoffsets(density=settings.kpoint_density_angstrom, gamma=True, atoms=atoms)[0]
    )
    cards = [f"U {element}-{manifold(settings, element)} {u:g}" for element, u in settings.plus_u.items()]
    elements = set(atoms.symbols)
    return {
        "input_data": merged(
            {
                "control": {"calculation": "scf", "tprnfor": True, "tstress": True, "disk_io": "nowf"},
                "system": system,
                "electrons": {"conv_thr": settings.electronic_ev / Ry},
            },
            settings.program_keywords,
        ),
        "pseudopotentials": {e: f for e, f in settings.pseudopotentials.items() if e in elements},
        # None: at Γ alone orbitals are real, which halves the work; not where forces of a U are to be had
        # not ASE's offsets: pw.x counts them from Γ, ASE from Monkhorst and Pack's mesh, which shifts even ones off Γ
        "kpts": None if not cards and all(n == 1 for n in mesh) else tuple(int(n) for n in mesh),
        "koffset": (0, 0, 0),
        "additional_cards": [f"HUBBARD ({settings.hubbard_projectors})", *cards] if cards else None,
    }


def input_text(settings: EspressoSettings, atoms: Atoms, *, pseudo_dir: str | None = None) -> str:
    """pw.x' input of one step with these atoms.

    Parameters
    ----------
    pseudo_dir
        Where the pseudopotentials lie when it runs; the level's folder where None.
    """
    import io

    from ase.io.espresso import write_espresso_in

    atoms = atoms.copy()
    for element in dict.fromkeys(atoms.symbols):
        upf.file_of(settings, element)
    if settings.spin_polarised:
        atoms.set_initial_magnetic_moments(upf.starting_magnetization(settings, list(atoms.symbols)))
    keys = keywords(settings, atoms)
    keys["input_data"] = merged(
        keys["input_data"],
        {"control": {"pseudo_dir": pseudo_dir or str(settings.pseudo_dir.absolute())}},
    )
    text = io.StringIO()
    write_espresso_in(text, atoms, **keys)
    return text.getvalue()


def manifold(settings: EspressoSettings, element: str) -> str:
    """The orbital of the U as QE names it, for instance 3d of Ti."""
    from ase.data import atomic_numbers

    period = 1 + sum(atomic_numbers[element] > z for z in NOBLE)
    orbital = settings.orbital(element)
    return f"{period + SHELL[orbital]}{orbital}"


def create(settings: Mapping[str, Any], launch: LevelLaunch) -> EspressoEngine:
    """Engine from the keys of a level.

    Raises
    ------
    DlmdError
        for an unknown key or wrong value.
    """
    return EspressoEngine(validated(EspressoSettings, settings, engine="espresso", launch=launch), launch)


@dataclass(frozen=True)
class EspressoEngine:
    """pw.x with one set of settings."""

    settings: EspressoSettings
    launch: LevelLaunch = DEFAULT

    @property
    def command(self) -> str:
        """How pw.x is started."""
        return self.launch.command or PROGRAMS["espresso"]

    @property
    def level(self) -> dict[str, Any]:
        own = self.settings
        files = {e: upf.file_of(own, e) for e in sorted(own.pseudopotentials)}
        return {
            "engine": "espresso",
            **own.theory(),
            "ecut_ev": own.ecut_ev,
            "density_cutoff_ratio": own.density_cutoff_ratio,
            "hubbard_projectors": own.hubbard_projectors if own.plus_u else None,
            # two editions of one file name are two levels
            "pseudopotentials": {e: f"{path.name} {file_sha256(path)[:12]}" for e, path in files.items()},
        }

    def calculator(self, *, threads: int = 1) -> Calculator:
        """See `dlmd.labels.engines.base.Engine`. The cores are those of `command`, whatever `threads` says."""
        one_thread_per_rank()
        require_version("pw.x", first_output(shlex.split(self.command)), VERSION_LINE, OLDEST)
        upf.require_files(self.settings, self.settings.pseudopotentials)
        return _calculator_class()(self.settings, self.command, self.launch.scratch)

    def versions(self) -> dict[str, str]:
        found = VERSION_LINE.search(first_output(shlex.split(self.command)))
        return {
            "pw.x": "".join((found[1], ".", found[2], found[3])) if found else "unknown",
            "ase": package_version("ase"),
        }


def last_moments(output: str, atoms: int) -> np.ndarray | None:
    """Moments per atom (Bohr magnetons, in the program's spheres) of the last block that prints them; None without one."""
    block = output.rpartition("Magnetic moment per site")[2]
    found = re.findall(r"^\s*atom\s*:?\s*\d+.*?magn\s*[=:]\s*([-+\d.]+)", block, re.MULTILINE)
    return np.array(found[:atoms], float) if len(found) >= atoms else None


def energy_forces_stress(output: str) -> dict[str, Any]:
    """Results of a finished run, read by ASE. The energy is the free energy of the smeared electrons, whose derivatives
    the forces are.

    Raises
    ------
    DlmdError
        where they cannot be read, as from `*****`.
    """
    import io

    from ase.io import read

    # ASE's reader stops at what newer versions print between these: occupations of the U's orbitals, bands
    text = re.sub(r"End of self-consistent calculation.*?(?=^!)", "", output, flags=re.DOTALL | re.MULTILINE)
    for block in ("number of k points=", "Magnetic moment per site"):
        text = text.replace(block, "")
    try:
        found = read(io.StringIO(text), format="espresso-out").calc.results
        return {key: found[key] for key in ("energy", "free_energy", "forces", "stress")}
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise DlmdError(
            f"energy, forces and stress cannot be read from the output of pw.x ({error})",
            remedy="see the end of its output above",
        ) from None


def require_sound(output: str, settings: EspressoSettings) -> None:
    """That pw.x is new enough, has finished, has converged, and has used every U.

    Raises
    ------
    DlmdError
        naming what is wrong.
    """
    require_version("pw.x", output, VERSION_LINE, OLDEST)
    if "convergence NOT achieved" in output:
        most = settings.program_keywords["electrons"]["electron_maxstep"]
        raise Unconverged(
            f"the electrons did not converge in {most} iterations",
            remedy="check the structure, or set launch.levels.<level>.electrons, for instance {electrons: {mixing_beta: 0.1, "
            "electron_maxstep: 400}}: what is done stays valid",
        )
    if "convergence has been achieved" not in output or "JOB DONE" not in output:
        raise DlmdError(
            "pw.x did not finish: its output ends before JOB DONE", remedy="see the end of its output above"
        )
    for element, u in settings.plus_u.items():
        echo = re.search(rf"U\({element}-\w+\)\s*=\s*([\d.]+)", output)
        if not echo or abs(float(echo[1]) - u) > 1e-3:
            raise DlmdError(
                f"pw.x does not report U = {u:g} eV on {element}: it may have computed without",
                remedy="use version 7.1 or newer, and a pseudopotential with the atomic orbital of the U",
            )


@cache
def _calculator_class():
    """The calculator's class, made on first use because its base needs ASE's import."""
    from ase.calculators.calculator import Calculator, all_changes

    class EspressoCalculator(Calculator):
        """One run of pw.x per step, with the level's moments on the atoms and the output checked before it is believed."""

        implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

        def __init__(self, settings: EspressoSettings, command: str, parent: Path | None):
            super().__init__()
            self.settings, self.command = settings, command
            self.scratch = Scratch(self, parent, prefix="pw_")
            self.folder = self.scratch.folder

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            from ase import Atoms

            super().calculate(atoms, properties, system_changes)
            own = Atoms(self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=True)
            (self.folder / INPUT).write_text(input_text(self.settings, own), encoding="utf-8")
            output, errors = self.folder / OUTPUT, self.folder / "espresso.err"
            command = [*shlex.split(self.command), "-in", INPUT]
            try:
                code = self.scratch.run(command, output=output, errors=errors)
            except OSError as error:
                raise cannot_start(command[0], error) from None
            if code:
                show_end(output)
                show_end(errors)
                require_sound(output.read_text(errors="replace"), self.settings)
                raise DlmdError(
                    f"pw.x ended with exit code {code}",
                    where=shlex.join(command),
                    remedy="see the end of its output above",
                )
            text = output.read_text(errors="replace")
            with end_shown(output):
                require_sound(text, self.settings)
                found = energy_forces_stress(text)
            self.results = judged(found, own.symbols, self.settings, last_moments(text, len(own)))

    return EspressoCalculator
