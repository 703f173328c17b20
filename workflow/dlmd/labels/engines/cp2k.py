"""CP2K (Kühne et al., J. Chem. Phys. 152, 194103 (2020)): Gaussian basis sets, fast for large cells at Γ.

One CP2K runs for the whole job through ASE's calculator and CP2K's shell mode, each step starting from the density of
the one before. Needs version 2024.2 or newer, which reads the positions of large cells from a file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.config.launch import DEFAULT, PROGRAMS, LevelLaunch
from dlmd.config.levels.cp2k import Cp2kSettings
from dlmd.config.levels.passed_on import merged
from dlmd.labels.engines.base import Unconverged, package_version
from dlmd.labels.engines.dft import (
    end_shown,
    first_output,
    judged,
    one_thread_per_rank,
    own_folder,
    show_end,
    validated,
)

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

UNCONVERGED = "SCF run NOT converged"
ANGULAR_MOMENTUM = {"p": 1, "d": 2, "f": 3}


def template(settings: Cp2kSettings, symbols: Sequence[str]) -> str:
    """CP2K input of what ASE's calculator does not write itself."""
    from ase.units import kB

    dft: dict[str, Any] = {
        "MGRID": {"REL_CUTOFF": f"[eV] {settings.relative_cutoff_ev:g}"},
        "SCF": {
            "EPS_SCF": f"{settings.eps_scf:g}",
            "DIAGONALIZATION": {},
            "SMEAR": {
                "_": "ON",
                "METHOD": "FERMI_DIRAC",
                "ELECTRONIC_TEMPERATURE": f"[K] {settings.smearing_ev / kB:.6g}",
            },
            "MIXING": {"METHOD": "BROYDEN_MIXING"},
        },
    }
    if settings.plus_u:
        dft["PLUS_U_METHOD"] = "MULLIKEN"
    if settings.kpoint_mesh:
        dft["KPOINTS"] = {"SCHEME": ["MONKHORST-PACK", *settings.kpoint_mesh]}
    if settings.spin_polarised:
        dft["PRINT"] = {"MULLIKEN": {"_": "ON"}}
    kinds = {f"KIND {element}": _kind(settings, element) for element in dict.fromkeys(symbols)}
    whole = merged({"FORCE_EVAL": {"DFT": dft, "SUBSYS": kinds}}, settings.program_keywords)
    # ASE's calculator writes it
    del whole["FORCE_EVAL"]["DFT"]["SCF"]["MAX_SCF"]
    return "".join(f"{line}\n" for line in _lines(whole))


def _kind(settings: Cp2kSettings, element: str) -> dict[str, Any]:
    kind: dict[str, Any] = {
        "BASIS_SET": settings.basis_sets[element],
        "POTENTIAL": settings.potentials[element],
    }
    if settings.magmom.get(element):
        kind["MAGNETIZATION"] = f"{settings.magmom[element]:g}"
    if element in settings.plus_u:
        kind["DFT_PLUS_U"] = {
            "_": "ON",
            "L": ANGULAR_MOMENTUM[settings.orbital(element)],
            "U_MINUS_J": f"[eV] {settings.plus_u[element]:g}",
        }
    return kind


def _lines(section: Mapping[str, Any]) -> Iterator[str]:
    """A section's lines, its keywords before its subsections."""
    for name, value in section.items():
        if name != "_" and not isinstance(value, Mapping):
            yield f"{name} {_text(value)}"
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield f"&{name} {_text(value.get('_', ''))}".rstrip()
            yield from _lines(value)
            yield f"&END {name.split()[0]}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    return " ".join(map(_text, value)) if isinstance(value, list) else str(value)


def most_iterations(settings: Cp2kSettings) -> int:
    """Electronic iterations after which a step is given up."""
    return settings.program_keywords["FORCE_EVAL"]["DFT"]["SCF"]["MAX_SCF"]


def keywords(settings: Cp2kSettings, symbols: Sequence[str]) -> dict[str, Any]:
    """Keywords of ASE's calculator for these atoms."""
    total = abs(sum(settings.magmom.get(s, 0.0) for s in symbols))
    return {
        "inp": template(settings, symbols),
        "xc": settings.functional,
        "cutoff": settings.cutoff_ev,
        "max_scf": most_iterations(settings),
        "uks": settings.spin_polarised,
        # of the start: smeared electrons may change it
        "multiplicity": round(total) + 1 if settings.spin_polarised else None,
        "basis_set_file": settings.basis_set_file,
        "potential_file": settings.potential_file,
        # each kind names its own
        "basis_set": None,
        "pseudo_potential": None,
        "poisson_solver": None,
        "print_level": "MEDIUM",
        "set_pos_file": True,
    }


def create(settings: Mapping[str, Any], launch: LevelLaunch) -> Cp2kEngine:
    """Engine from the keys of a level.

    Raises
    ------
    DlmdError
        for an unknown key or wrong value.
    """
    return Cp2kEngine(validated(Cp2kSettings, settings, engine="cp2k"), launch)


@dataclass(frozen=True)
class Cp2kEngine:
    """CP2K with one set of settings."""

    settings: Cp2kSettings
    launch: LevelLaunch = DEFAULT

    @property
    def command(self) -> str:
        """How cp2k.psmp is started."""
        return self.launch.command or PROGRAMS["cp2k"]

    @property
    def level(self) -> dict[str, Any]:
        own = self.settings
        return {
            "engine": "cp2k",
            **own.theory(),
            "cutoff_ev": own.cutoff_ev,
            "basis_sets": dict(sorted(own.basis_sets.items())),
            "potentials": dict(sorted(own.potentials.items())),
        }

    def calculator(self, *, threads: int = 1) -> Calculator:
        """See `dlmd.labels.engines.base.Engine`. The cores are those of `command`, whatever `threads` says."""
        one_thread_per_rank()
        return _calculator_class()(self.settings, self.command, self.launch.scratch)

    def versions(self) -> dict[str, str]:
        text = first_output([*shlex.split(self.command), "--version"])
        found = re.search(r"CP2K version\s+(.+)", text)
        return {"cp2k": found[1].strip() if found else "unknown", "ase": package_version("ase")}


def require_converged(output: str, settings: Cp2kSettings) -> None:
    """That the output of a step says that its electrons converged.

    Raises
    ------
    DlmdError
        if they did not, or the output says neither.
    """
    if UNCONVERGED in output:
        raise Unconverged(
            f"the electrons did not converge in {most_iterations(settings)} iterations",
            remedy="check the structure, or lower ALPHA or raise MAX_SCF (both in input) or smearing_ev",
        )
    if "SCF run converged" not in output:
        raise DlmdError(
            "CP2K does not say whether the electrons converged",
            remedy="see the end of its output above",
        )


def spin_moments(output: str, atoms: int) -> np.ndarray | None:
    """Moments per atom (Bohr magnetons) of the last Mulliken analysis; None without one."""
    block = output.rpartition("Mulliken Population Analysis")[2]
    found = re.findall(
        r"^\s*\d+\s+[A-Z][a-z]?\w*\s+\d+\s+\S+\s+\S+\s+\S+\s+(-?\d+\.\d+)\s*$", block, re.MULTILINE
    )
    return np.array(found[:atoms], float) if len(found) >= atoms else None


def _require_entries(settings: Cp2kSettings, symbols: Sequence[str]) -> None:
    """Every element needs a basis set and a potential."""
    for key in ("basis_sets", "potentials"):
        for element in dict.fromkeys(symbols):
            if element not in getattr(settings, key):
                raise DlmdError(f"none for {element}", where=f"key {key} of the level", remedy="add it")


def _failure(error: Exception, command: str) -> DlmdError:
    return DlmdError(
        f"CP2K failed or could not be started {f'({error})' if str(error) else ''}".rstrip(),
        where=f"{command} -s",
        remedy="see the end of its output above, and check the command and CP2K_DATA_DIR",
    )


@cache
def _calculator_class():
    """The calculator's class, made on first use because its base needs ASE's import."""
    from ase.calculators.calculator import Calculator, all_changes
    from ase.calculators.cp2k import CP2K

    class Cp2kCalculator(Calculator):
        """ASE's calculator, with the output checked before it is believed, and the moments read from it."""

        implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

        def __init__(self, settings: Cp2kSettings, command: str, scratch: Path | None):
            super().__init__()
            self.settings, self.command = settings, command
            self.folder = own_folder(self, scratch, prefix="cp2k_")
            self.output = self.folder / "cp2k.out"
            self.program: Any = None

        def _start(self, symbols: Sequence[str]) -> None:
            _require_entries(self.settings, symbols)
            # its own folder, for files that CP2K names itself
            command = f"cd {shlex.quote(str(self.folder))} && {self.command} -s"
            self.program = CP2K(
                command=command, label=str(self.folder / "cp2k"), **keywords(self.settings, symbols)
            )

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            from ase import Atoms

            super().calculate(atoms, properties, system_changes)
            own = Atoms(self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=True)
            before = self.output.stat().st_size if self.output.exists() else 0
            try:
                if self.program is None:
                    self._start(list(own.symbols))
                energy = self.program.get_property("free_energy", own)
                forces = self.program.get_property("forces", own)
                stress = self.program.get_property("stress", own)
            except (AssertionError, RuntimeError, ValueError, OSError) as error:
                # ASE's only sign of a CP2K that has ended
                show_end(self.output)
                # newer versions end here, older ones go on
                if self.output.exists() and UNCONVERGED in (text := self._text(before)):
                    require_converged(text, self.settings)
                raise _failure(error, self.command) from None
            text = self._text(before)
            with end_shown(self.output):
                require_converged(text, self.settings)
            results = {"energy": energy, "free_energy": energy, "forces": forces, "stress": stress}
            moments = spin_moments(text, len(own)) if self.settings.spin_polarised else None
            self.results = judged(results, own.symbols, self.settings, moments)

        def _text(self, start: int) -> str:
            """What CP2K has written since."""
            with self.output.open("rb") as file:
                file.seek(start)
                return file.read().decode(errors="replace")

    return Cp2kCalculator
