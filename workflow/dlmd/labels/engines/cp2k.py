"""CP2K (Kühne et al., J. Chem. Phys. 152, 194103 (2020)): Gaussian basis sets, fast for large cells at Γ.

One CP2K runs for the whole job through ASE's calculator and CP2K's shell mode, each step starting from the density of
the one before. Version 2023.1 is the oldest that was run (the tests do); from 2024.2 on positions go through a file, which large
cells need where CP2K is an MPI program.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.config.launch import DEFAULT, PROGRAMS, LevelLaunch
from dlmd.config.levels.cp2k import Cp2kSettings
from dlmd.config.levels.passed_on import merged
from dlmd.labels.engines import cp2k_data
from dlmd.labels.engines.base import Unconverged, package_version
from dlmd.labels.engines.dft import (
    end_shown,
    first_output,
    judged,
    one_thread_per_rank,
    require_version,
    show_end,
    validated,
)
from dlmd.process.scratch import Scratch, end_program

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

OLDEST = (2023, 1)
VERSION_LINE = re.compile(r"CP2K version\s+(\d+)\.(\d+)(.*)")
# of CP2K's shell, since CP2K 2024.2
SHELL_WITH_POSITION_FILES = 7
UNCONVERGED = "SCF run NOT converged"
PLUS_U = "&DFT_PLUS_U"
# iterations of OT between two preconditioners: the first is of the atomic guess and soon serves no more
OT_ROUND = 20
# With a U its forces are the derivatives of its energy, and its analytical stress is not: too high by 0.14 eV/Å³ with 6 eV on Cl
# in LiCl (2023.1). The numerical one is right, and takes nineteen energies more.
STRESS_WITH_U = ("STRESS_TENSOR ANALYTICAL", "STRESS_TENSOR NUMERICAL")
CONVERGED = "SCF run converged"
ANGULAR_MOMENTUM = {"p": 1, "d": 2, "f": 3}


def template(settings: Cp2kSettings, symbols: Sequence[str]) -> str:
    """CP2K input of what ASE's calculator does not write itself."""
    dft: dict[str, Any] = {
        "MGRID": {"REL_CUTOFF": f"[eV] {settings.relative_cutoff_ev:g}"},
        "SCF": {"EPS_SCF": f"{settings.eps_scf:g}", **_solver(settings)},
    }
    if settings.plus_u:
        dft["PLUS_U_METHOD"] = "MULLIKEN"
    if settings.kpoint_mesh:
        dft["KPOINTS"] = {"SCHEME": ["MONKHORST-PACK", *settings.kpoint_mesh]}
    if settings.spin_polarised:
        dft["PRINT"] = {"MULLIKEN": {"_": "ON"}}
    kinds = {f"KIND {element}": _kind(settings, element) for element in dict.fromkeys(symbols)}
    whole = merged({"FORCE_EVAL": {"DFT": dft, "SUBSYS": kinds}}, settings.program_keywords)
    scf = whole["FORCE_EVAL"]["DFT"]["SCF"]
    # ASE's calculator writes the first
    for name in ("MAX_SCF", *(("ADDED_MOS", "MIXING") if settings.orbital_transformation else ())):
        scf.pop(name, None)
    return "".join(f"{line}\n" for line in _lines(whole))


def _solver(settings: Cp2kSettings) -> dict[str, Any]:
    """How the electrons get to their ground state: sections of SCF."""
    from ase.units import kB

    if settings.orbital_transformation:
        further = -(-most_iterations(settings) // OT_ROUND) - 1
        return {
            "OT": {"MINIMIZER": "DIIS", "PRECONDITIONER": "FULL_ALL", "ENERGY_GAP": 0.05},
            "OUTER_SCF": {"MAX_SCF": further, "EPS_SCF": f"{settings.eps_scf:g}"},
        }
    smearing = {
        "_": "ON",
        "METHOD": "FERMI_DIRAC",
        "ELECTRONIC_TEMPERATURE": f"[K] {settings.smearing_ev / kB:.6g}",
    }
    return {"DIAGONALIZATION": {}, "SMEAR": smearing, "MIXING": {"METHOD": "BROYDEN_MIXING"}}


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
        # of OT in each of its rounds
        "max_scf": min(most_iterations(settings), OT_ROUND)
        if settings.orbital_transformation
        else most_iterations(settings),
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
    }


def input_text(settings: Cp2kSettings, atoms: Atoms) -> str:
    """CP2K's whole input of one step with these atoms, as ASE's calculator writes it."""
    from ase.calculators.calculator import Calculator

    cp2k_data.require_named(settings, list(atoms.symbols))
    writer = _program_class().__new__(_program_class())
    # its own beginning would start CP2K
    writer._shell, writer._force_env_id, writer._debug = None, None, False
    Calculator.__init__(writer, label="cp2k", **keywords(settings, list(atoms.symbols)))
    writer.atoms = atoms
    return writer._generate_input()


def create(settings: Mapping[str, Any], launch: LevelLaunch) -> Cp2kEngine:
    """Engine from the keys of a level.

    Raises
    ------
    DlmdError
        for an unknown key or wrong value.
    """
    return Cp2kEngine(validated(Cp2kSettings, settings, engine="cp2k", launch=launch), launch)


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
            **own.recorded_only,
        }

    def calculator(self, *, threads: int = 1) -> Calculator:
        """See `dlmd.labels.engines.base.Engine`. The cores are those of `command`, whatever `threads` says."""
        one_thread_per_rank()
        require_version("CP2K", self._banner(), VERSION_LINE, OLDEST)
        cp2k_data.require_entries(self.settings, self.settings.basis_sets, command=self.command)
        return _calculator_class()(self.settings, self.command, self.launch.scratch)

    def versions(self) -> dict[str, str]:
        found = re.search(r"CP2K version\s+(.+)", self._banner())
        return {"cp2k": found[1].strip() if found else "unknown", "ase": package_version("ase")}

    def _banner(self) -> str:
        return first_output([*shlex.split(self.command), "--version"])


def require_converged(
    output: str, settings: Cp2kSettings, *, otherwise: Callable[[], None] = lambda: None
) -> None:
    """That the output of a step says that its electrons converged.

    Parameters
    ----------
    otherwise
        Called where they did not.

    Raises
    ------
    DlmdError
        if they did not, or the output says neither.
    """
    if UNCONVERGED in output:
        otherwise()
        raise Unconverged(
            f"the electrons did not converge in {most_iterations(settings)} iterations",
            remedy="check the structure, or set launch.levels.<level>.electrons, for instance {FORCE_EVAL: {DFT: {SCF: "
            f"{{MAX_SCF: 400, {_gentler(settings)}}}}}}}}}: what is done stays valid",
        )
    if CONVERGED not in output:
        raise DlmdError(
            "CP2K does not say whether the electrons converged",
            remedy="see the end of its output above",
        )


def _gentler(settings: Cp2kSettings) -> str:
    """Keywords that converge more often, as a remedy names them."""
    if settings.orbital_transformation:
        return "OT: {MINIMIZER: CG}"
    return "MIXING: {ALPHA: 0.1}"


def spin_moments(output: str, atoms: int) -> np.ndarray | None:
    """Moments per atom (Bohr magnetons) of the Mulliken analysis of a step; None without one."""
    # a numerical stress goes on with deformed cells
    own = CONVERGED.join(output.split(CONVERGED)[:2])
    block = own.rpartition("Mulliken Population Analysis")[2]
    found = re.findall(
        r"^\s*\d+\s+[A-Z][a-z]?\w*\s+\d+\s+\S+\s+\S+\s+\S+\s+(-?\d+\.\d+)\s*$", block, re.MULTILINE
    )
    return np.array(found[:atoms], float) if len(found) >= atoms else None


def abort_message(output: str) -> str:
    """What CP2K says in the box that it ends with; empty without one."""
    box = output.rpartition("[ABORT]")[2].partition("*****")[0]
    # the drawing is to the left of column 12, the place in CP2K's source in the last line
    lines = [line.strip("\n")[12:].strip(" *") for line in box.splitlines()]
    return " ".join(line for line in lines if line and not re.search(r"\.F:\d+$", line))


def _failure(error: Exception, command: str, output: str) -> DlmdError:
    said = abort_message(output)
    if said:
        return DlmdError(
            f"CP2K ended: {said}", where=f"{command} -s", remedy="see the end of its output above"
        )
    return DlmdError(
        f"CP2K failed or could not be started {f'({error})' if str(error) else ''}".rstrip(),
        where=f"{command} -s",
        remedy="see the end of its output above, and check the command and CP2K_DATA_DIR",
    )


class Program:
    """CP2K in its shell mode; it is started for a first step, and again, with no density, after `stop`."""

    def __init__(self) -> None:
        self.running: Any = None

    def start(self, scratch: Scratch, command: str, keys: Mapping[str, Any]) -> None:
        """Start it with these keywords of ASE's calculator, in the scratch folder."""
        self.running = _program_class()(
            command=scratch.shell_command(f"{command} -s"), label=str(scratch.folder / "cp2k"), **keys
        )
        scratch.started(self.running._shell._child.pid)
        self.running.parameters["set_pos_file"] = self.running._shell.version >= SHELL_WITH_POSITION_FILES

    def results(self, atoms: Atoms) -> dict[str, Any]:
        """Energy, forces and stress of these atoms."""
        energy = self.running.get_property("free_energy", atoms)
        return {
            "energy": energy,
            "free_energy": energy,
            "forces": self.running.get_property("forces", atoms),
            "stress": self.running.get_property("stress", atoms),
        }

    def stop(self) -> None:
        """End it, in good order where it waits for a command."""
        if self.running is None or self.running._shell is None:
            return
        shell, self.running._shell, self.running = self.running._shell, None, None
        child = shell._child
        if shell.isready:
            try:
                shell.close()
            except (AssertionError, OSError):
                print(f"CP2K ended with exit code {child.returncode} after its last step", file=sys.stderr)
        else:
            end_program(child)
            # nothing is left for ASE to end
            shell._child = None


@cache
def _program_class():
    """ASE's CP2K, made on first use because of ASE's import."""
    from ase.calculators.cp2k import CP2K

    class ShortlyNamed(CP2K):
        """ASE names the project by its whole path, and CP2K refuses lines of input that are longer than 80 characters."""

        def _generate_input(self):
            text = super()._generate_input().replace(f"PROJECT {self.label}\n", "PROJECT cp2k\n")
            return text.replace(*STRESS_WITH_U) if PLUS_U in text else text

    return ShortlyNamed


@cache
def _calculator_class():
    """The calculator's class, made on first use because its base needs ASE's import."""
    from ase.calculators.calculator import Calculator, all_changes

    class Cp2kCalculator(Calculator):
        """ASE's calculator, with the output checked before it is believed, and the moments read from it."""

        implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

        def __init__(self, settings: Cp2kSettings, command: str, parent: Path | None):
            super().__init__()
            self.settings, self.command = settings, command
            self.program = Program()
            self.scratch = Scratch(self, parent, prefix="cp2k_", before=self.program.stop)
            self.folder = self.scratch.folder
            self.output = self.folder / "cp2k.out"

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            from ase import Atoms

            super().calculate(atoms, properties, system_changes)
            own = Atoms(self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=True)
            symbols = list(own.symbols)
            cp2k_data.require_named(self.settings, symbols)
            before = 0 if self.program.running is None else self.output.stat().st_size
            try:
                if self.program.running is None:
                    self.output.unlink(missing_ok=True)
                    self.program.start(self.scratch, self.command, keywords(self.settings, symbols))
                results = self.program.results(own)
            except (AssertionError, RuntimeError, ValueError, OSError) as error:
                # ASE's only sign of a CP2K that has ended
                show_end(self.output)
                text = self._text(before)
                self.program.stop()
                # newer versions end here, older ones go on
                if UNCONVERGED in text:
                    require_converged(text, self.settings)
                raise _failure(error, self.command, text) from None
            text = self._text(before)
            with end_shown(self.output):
                require_converged(text, self.settings, otherwise=self.program.stop)
            moments = spin_moments(text, len(own)) if self.settings.spin_polarised else None
            self.results = judged(results, own.symbols, self.settings, moments)

        def _text(self, start: int) -> str:
            """What CP2K has written since."""
            if not self.output.exists():
                return ""
            with self.output.open("rb") as file:
                file.seek(start)
                return file.read().decode(errors="replace")

    return Cp2kCalculator
