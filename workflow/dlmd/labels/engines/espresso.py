"""Quantum ESPRESSO (Giannozzi et al., J. Chem. Phys. 152, 154105 (2020)): plane waves, pseudopotentials of the user's own.

Every step is one run of `pw.x` through ASE's calculator. Needs version 7.1 or newer: older ones pass over the card that
holds the U with no more than a warning, and compute without it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.provenance import file_sha256
from dlmd.config.launch import DEFAULT, PROGRAMS, LevelLaunch
from dlmd.config.levels.espresso import EspressoSettings
from dlmd.config.levels.passed_on import merged
from dlmd.labels.engines.base import Unconverged, package_version
from dlmd.labels.engines.dft import (
    cannot_start,
    end_shown,
    first_output,
    judged,
    one_thread_per_rank,
    own_folder,
    show_end,
    validated,
)

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

OLDEST = (7, 1)
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
        # not ASE's offsets: pw.x counts them from Γ, ASE from Monkhorst and Pack's mesh, which shifts even ones off Γ
        "kpts": tuple(int(n) for n in mesh),
        "koffset": (0, 0, 0),
        "additional_cards": [f"HUBBARD ({settings.hubbard_projectors})", *cards] if cards else None,
    }


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
    return EspressoEngine(validated(EspressoSettings, settings, engine="espresso"), launch)


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
        files = {e: _pseudopotential(own, e) for e in sorted(own.pseudopotentials)}
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
        return _calculator_class()(self.settings, self.command, self.launch.scratch)

    def versions(self) -> dict[str, str]:
        found = VERSION_LINE.search(first_output(shlex.split(self.command)))
        return {
            "pw.x": "".join((found[1], ".", found[2], found[3])) if found else "unknown",
            "ase": package_version("ase"),
        }


def valence_electrons(upf: str) -> float:
    """Valence electrons of a pseudopotential, from the text of its file (UPF 1 or 2).

    Raises
    ------
    ValueError
        if it does not say.
    """
    found = re.search(r'z_valence\s*=\s*"\s*([\d.+\-EeDd]+)', upf) or re.search(
        r"^\s*([\d.+\-EeDd]+)\s+Z valence", upf, re.MULTILINE
    )
    if not found:
        raise ValueError("no number of valence electrons")
    return float(found[1].upper().replace("D", "E"))


def last_moments(output: str, atoms: int) -> np.ndarray | None:
    """Moments per atom (Bohr magnetons, in the program's spheres) of the last block that prints them; None without one."""
    block = output.rpartition("Magnetic moment per site")[2]
    found = re.findall(r"^\s*atom\s*:?\s*\d+.*?magn\s*[=:]\s*([-+\d.]+)", block, re.MULTILINE)
    return np.array(found[:atoms], float) if len(found) >= atoms else None


def energy_forces_stress(output: str) -> dict[str, Any]:
    """Results of a finished run, read by ASE. The energy is the free energy of the smeared electrons, whose derivatives
    the forces are."""
    import io

    from ase.io import read

    # ASE's reader stops at what newer versions print between these: occupations of the U's orbitals, bands
    text = re.sub(r"End of self-consistent calculation.*?(?=^!)", "", output, flags=re.DOTALL | re.MULTILINE)
    for block in ("number of k points=", "Magnetic moment per site"):
        text = text.replace(block, "")
    found = read(io.StringIO(text), format="espresso-out").calc.results
    return {key: found[key] for key in ("energy", "free_energy", "forces", "stress")}


def require_sound(output: str, settings: EspressoSettings) -> None:
    """That pw.x is new enough, has finished, has converged, and has used every U.

    Raises
    ------
    DlmdError
        naming what is wrong.
    """
    version = VERSION_LINE.search(output)
    if version and (int(version[1]), int(version[2])) < OLDEST:
        raise DlmdError(
            f"pw.x is version {version[1]}.{version[2]}, which does not read the card of the U",
            where="key command of the level",
            remedy="use version 7.1 or newer",
        )
    if "convergence NOT achieved" in output:
        most = settings.program_keywords["electrons"]["electron_maxstep"]
        raise Unconverged(
            f"the electrons did not converge in {most} iterations",
            remedy="check the structure, or lower mixing_beta or raise electron_maxstep (both in input_data) or smearing_ev",
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


def _pseudopotential(settings: EspressoSettings, element: str) -> Path:
    name = settings.pseudopotentials.get(element)
    if name is None:
        raise DlmdError(
            f"no pseudopotential for {element}",
            where="key pseudopotentials of the level",
            remedy=f"add '{element}: <file>'",
        )
    path = settings.pseudo_dir / name
    if not path.is_file():
        raise DlmdError(
            f"no such pseudopotential: {path}",
            where=f"key pseudopotentials.{element} of the level",
            remedy="correct pseudo_dir or the file name",
        )
    return path


def starting_magnetization(settings: EspressoSettings, symbols: list[str]) -> list[float]:
    """Initial moment of every atom as pw.x wants it: a fraction of the atom's valence electrons.

    Raises
    ------
    DlmdError
        for a missing pseudopotential, one without the number, or a moment larger than that.
    """
    fraction = {}
    for element in dict.fromkeys(symbols):
        path = _pseudopotential(settings, element)
        moment = settings.magmom.get(element, 0.0)
        try:
            electrons = valence_electrons(path.read_text(errors="replace"))
        except ValueError as error:
            raise DlmdError(
                f"{error} in a pseudopotential", where=str(path), remedy="use a UPF file"
            ) from None
        if abs(moment) >= electrons:
            raise DlmdError(
                f"a moment of {moment:g} on {element}, which has {electrons:g} valence electrons",
                where="key magmom of the level",
                remedy="lower it",
            )
        fraction[element] = moment / electrons
    return [fraction[s] for s in symbols]


@cache
def _calculator_class():
    """The calculator's class, made on first use because its base needs ASE's import."""
    from ase.calculators.calculator import Calculator, all_changes
    from ase.calculators.espresso import Espresso, EspressoProfile

    class EspressoCalculator(Calculator):
        """ASE's calculator, with the level's moments on the atoms and the output checked before it is believed."""

        implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

        def __init__(self, settings: EspressoSettings, command: str, scratch: Path | None):
            super().__init__()
            self.settings, self.command = settings, command
            self.folder = own_folder(self, scratch, prefix="pw_")
            self.profile = EspressoProfile(command, settings.pseudo_dir.absolute())

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            from ase import Atoms

            super().calculate(atoms, properties, system_changes)
            own = Atoms(self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=True)
            if self.settings.spin_polarised:
                own.set_initial_magnetic_moments(starting_magnetization(self.settings, list(own.symbols)))
            keys = keywords(self.settings, own)
            program = Espresso(profile=self.profile, directory=self.folder, **keys)
            output = self.folder / program.template.outputname
            try:
                program.write_inputfiles(own, ["energy", "forces", "stress"])
                program.template.execute(self.folder, self.profile)
            except CalledProcessError as error:
                show_end(output)
                show_end(self.folder / program.template.errorname)
                require_sound(output.read_text(errors="replace"), self.settings)
                raise DlmdError(
                    f"pw.x ended with exit code {error.returncode}",
                    where=shlex.join(error.cmd),
                    remedy="see the end of its output above",
                ) from None
            except OSError as error:
                raise cannot_start(shlex.split(self.command)[0], error) from None
            text = output.read_text(errors="replace")
            with end_shown(output):
                require_sound(text, self.settings)
            self.results = judged(
                energy_forces_stress(text), own.symbols, self.settings, last_moments(text, len(own))
            )

    return EspressoCalculator
