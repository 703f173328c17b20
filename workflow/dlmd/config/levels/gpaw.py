"""Keys of a level run by GPAW."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, PositiveFloat, field_validator

from dlmd.base.errors import did_you_mean
from dlmd.config.levels.dft import DftSettings, Mesh, renamed
from dlmd.config.levels.passed_on import Handed, Value, numbers

HANDED = Handed(
    key="keywords",
    defaults={"convergence": {"density": 1e-4, "eigenstates": 1e-5}, "maxiter": 200},
    own_key={
        ("mode",): "ecut_ev",
        ("xc",): "functional",
        ("setups",): "hubbard_u_ev",
        ("kpts",): "kpoint_mesh or kpoint_density_angstrom",
        ("spinpol",): "magmom",
        ("magmoms",): "magmom",
        ("hund",): "magmom",
        ("occupations",): "smearing_ev",
        ("convergence", "maximum iterations"): "keywords.maxiter",
    },
    fixed={
        ("symmetry",): "atoms move, so a symmetry of the first step would be broken by the second",
        ("txt",): "the output goes to the job's log",
        ("charge",): "cells are neutral",
    },
    no_theory=tuple(
        (name,)
        for name in (
            *(
                "basis",
                "convergence",
                "eigensolver",
                "maxiter",
                "mixer",
                "nbands",
                "parallel",
                "random",
                "verbose",
            ),
        )
    ),
    search=(("eigensolver",), ("maxiter",), ("mixer",), ("parallel",), ("random",), ("verbose",)),
    recorded={
        ("convergence", "density"): ("convergence", "density"),
        ("convergence", "eigenstates"): ("convergence", "eigenstates_ev2"),
        ("maxiter",): ("convergence", "max_iterations"),
    },
)
KNOWN = (*(name for (name,) in HANDED.no_theory), "gpts", "poissonsolver")
CRITERIA = ("energy", "density", "eigenstates", "forces", "bands", "workfunction", "minimum iterations")


class GpawSettings(DftSettings):
    """One level of theory run by GPAW."""

    HANDED: ClassVar[Handed] = HANDED
    TOLD: ClassVar[tuple[str, ...]] = ("ecut_ev",)

    ecut_ev: PositiveFloat = Field(
        450.0,
        description="Cutoff of the plane waves (eV). 450 eV leave a Pulay stress of 0.3 GPa in Li3TiCl6, 600 eV 0.2 "
        "(benchmarks/gpaw).",
    )
    kpoint_density_angstrom: PositiveFloat = renamed(
        2.0,
        before="kpoint_density_a",
        description="k-points per Å⁻¹ along each axis, where no mesh is given; the mesh holds Γ.",
    )
    kpoint_mesh: Mesh | None = Field(
        None,
        description="Subdivisions along a, b, c, for every cell of this level alike; null: from kpoint_density_angstrom.",
    )
    keywords: dict[str, Value | dict[str, Value]] = Field(
        {},
        description="Further arguments of GPAW's calculator, for instance {maxiter: 400, mixer: {backend: pulay, beta: 0.02, "
        "nmaxold: 5, weight: 100}}; without, maxiter is 200, convergence {density: 1e-4 electrons, eigenstates: 1e-5 eV²}, "
        "both per valence electron.",
    )

    @field_validator("keywords")
    @classmethod
    def _known(cls, given: dict[str, Any]) -> dict[str, Any]:
        HANDED.refuse(given)
        for name in given:
            if name not in KNOWN:
                raise ValueError(
                    f"{name} is no argument of GPAW that can be set; {did_you_mean(name, KNOWN)}"
                )
        criteria = given.get("convergence", {})
        if not isinstance(criteria, dict):
            raise ValueError("convergence is no map of criteria; write convergence: {density: 1e-5}")
        for name in criteria:
            if name not in CRITERIA:
                raise ValueError(f"{name} is no criterion of convergence; {did_you_mean(name, CRITERIA)}")
        return numbers(given)
