"""GPAW (Mortensen et al., J. Chem. Phys. 160, 092503 (2024)): density functional theory with a Hubbard U, free software.

PAW with plane waves, spin-polarised, U - J of Dudarev on chosen elements. It runs in this process, on one core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from dlmd.config.launch import LevelLaunch
from dlmd.config.levels.gpaw import GpawSettings
from dlmd.labels.engines.base import Unconverged, package_version
from dlmd.labels.engines.dft import judged, validated

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


def keywords(settings: GpawSettings) -> dict[str, Any]:
    """Keywords of GPAW's calculator, without mode and output."""
    mesh = (
        {"size": settings.kpoint_mesh}
        if settings.kpoint_mesh
        else {"density": settings.kpoint_density_angstrom}
    )
    return {
        "xc": settings.functional,
        # 0: the orbital's occupation is what lies in the augmentation sphere, not scaled up to the whole orbital
        "setups": {
            element: f":{settings.orbital(element)},{u:g},0" for element, u in settings.plus_u.items()
        },
        "kpts": mesh | {"gamma": True},
        "spinpol": settings.spin_polarised,
        "occupations": {"name": "fermi-dirac", "width": settings.smearing_ev},
        **settings.program_keywords,
        # atoms move, so a symmetry of the first step would be broken by the second
        "symmetry": {"point_group": False},
    }


def create(settings: Mapping[str, Any], launch: LevelLaunch) -> GpawEngine:
    """Engine from the keys of a level.

    Raises
    ------
    DlmdError
        for an unknown key or wrong value, or where gpaw is not installed.
    """
    own = validated(GpawSettings, settings, engine="gpaw", launch=launch)
    if not launch.external:
        package_version("gpaw", extra="gpaw")
    return GpawEngine(own)


@dataclass(frozen=True)
class GpawEngine:
    """GPAW with one set of settings."""

    settings: GpawSettings

    @property
    def level(self) -> dict[str, Any]:
        return {"engine": "gpaw", **self.settings.theory(), "ecut_ev": self.settings.ecut_ev}

    def calculator(self, *, threads: int = 1) -> Calculator:
        """See `dlmd.labels.engines.base.Engine`. Its linear algebra takes OMP_NUM_THREADS threads, whatever `threads` says."""
        return _calculator_class()(self.settings)

    def versions(self) -> dict[str, str]:
        return {name: package_version(name, extra="gpaw") for name in ("gpaw", "gpaw-data", "ase")}


@cache
def _calculator_class():
    """The calculator's class, made on first use because its base needs ASE's import."""
    from ase.calculators.calculator import Calculator, all_changes

    class GpawCalculator(Calculator):
        """GPAW's own calculator, with the level's initial moments on the atoms it is given."""

        implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

        def __init__(self, settings: GpawSettings):
            super().__init__()
            from gpaw import GPAW, PW

            self.settings = settings
            # one object for all steps: each starts from the wave functions of the one before; '-' is the job's log
            self.start = partial(GPAW, mode=PW(settings.ecut_ev), txt="-", **keywords(settings))
            self.dft = self.start()

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            from ase import Atoms
            from gpaw import ConvergenceError

            super().calculate(atoms, properties, system_changes)
            own = Atoms(self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=True)
            own.set_initial_magnetic_moments([self.settings.magmom.get(s, 0.0) for s in own.symbols])
            try:
                # the free energy of the smeared electrons is the one whose derivatives the forces are
                energy = self.dft.get_property("free_energy", own)
                forces, stress = self.dft.get_property("forces", own), self.dft.get_property("stress", own)
            except ConvergenceError as error:
                # the next step is not to start from what did not converge
                self.dft = self.start()
                raise Unconverged(
                    f"the electrons did not converge in {self.settings.program_keywords['maxiter']} iterations: {error}",
                    remedy="check the structure, or set launch.levels.<level>.electrons, for instance {maxiter: 400, mixer: "
                    "{backend: pulay, beta: 0.02, nmaxold: 5, weight: 100}}: what is done stays valid",
                ) from None
            results = {"energy": energy, "free_energy": energy, "forces": forces, "stress": stress}
            if self.settings.spin_polarised:
                results["magmoms"] = self.dft.get_property("magmoms", own)
            self.results = judged(results, own.symbols, self.settings)

    return GpawCalculator
