"""Keys of a level run by Quantum ESPRESSO."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveFloat, field_validator

from dlmd.base.errors import did_you_mean
from dlmd.config.levels.dft import DftSettings, Mesh, renamed
from dlmd.config.levels.passed_on import Handed, Value, numbers

SCF = "every step is one self-consistent run with forces and stress"
CELL = "cell and atoms come from the structure"
COLLINEAR = "moments are read as collinear ones"
SEARCH = tuple(
    ("electrons", name)
    for name in (
        *("electron_maxstep", "exx_maxstep", "adaptive_thr", "conv_thr_init", "conv_thr_multi"),
        *("startingpot", "startingwfc", "mixing_mode", "mixing_beta", "mixing_ndim", "mixing_fixed_ns"),
        *("diagonalization", "diago_thr_init", "diago_cg_maxiter", "diago_ppcg_maxiter", "diago_david_ndim"),
        *("diago_rmm_ndim", "diago_rmm_conv", "diago_gs_nblock", "diago_full_acc"),
    )
)
HANDED = Handed(
    key="input_data",
    # pw.x's own mixing is 0.7: less is slower, and converges more often where moments are localised
    defaults={"electrons": {"electron_maxstep": 200, "mixing_beta": 0.3}},
    own_key={
        ("control", "pseudo_dir"): "pseudo_dir",
        **{("control", name): "scratch" for name in ("outdir", "wfcdir", "prefix")},
        ("system", "ecutwfc"): "ecut_ev",
        ("system", "ecutrho"): "density_cutoff_ratio",
        ("system", "degauss"): "smearing_ev",
        ("system", "input_dft"): "functional",
        ("system", "nspin"): "magmom",
        ("system", "starting_magnetization"): "magmom",
        ("electrons", "conv_thr"): "electronic_ev",
    },
    fixed={
        **{("control", name): SCF for name in ("calculation", "tprnfor", "tstress", "nstep", "dt")},
        **{
            ("control", name): "runs are never continued"
            for name in ("restart_mode", "disk_io", "max_seconds")
        },
        **{("system", name): CELL for name in ("ibrav", "celldm", "a", "b", "c", "cosab", "cosac", "cosbc")},
        **{("system", name): CELL for name in ("nat", "ntyp", "space_group")},
        **{("system", name): "electrons are smeared (Fermi-Dirac)" for name in ("occupations", "smearing")},
        **{("system", name): COLLINEAR for name in ("noncolin", "lspinorb")},
        ("system", "nosym"): "atoms move, so a symmetry of the first step would be broken by the second",
        ("electrons", "scf_must_converge"): "a step that does not converge is no label",
    },
    no_theory=(*(("control", name) for name in ("title", "verbosity", "iprint", "wf_collect")), *SEARCH),
    search=SEARCH,
    recorded={
        ("electrons", "electron_maxstep"): ("max_iterations",),
        ("electrons", "mixing_beta"): ("mixing_beta",),
    },
)


class EspressoSettings(DftSettings):
    """One level of theory run by Quantum ESPRESSO."""

    HANDED: ClassVar[Handed] = HANDED
    TOLD: ClassVar[tuple[str, ...]] = (
        *("ecut_ev", "density_cutoff_ratio", "hubbard_projectors", "pseudopotentials"),
        # the files are told by their contents
        "pseudo_dir",
    )
    pseudo_dir: Path = Field(description="Folder of the pseudopotentials (UPF; GTH where no U acts).")
    pseudopotentials: dict[str, str] = Field(description="File of every element, in pseudo_dir.")
    ecut_ev: PositiveFloat = Field(
        680.0, description="Cutoff of the wave functions (eV; ecutwfc). 680 eV are 50 Ry."
    )
    density_cutoff_ratio: PositiveFloat = Field(
        8.0,
        description="Cutoff of the density (ecutrho) over that of the wave functions: 4 for norm-conserving pseudopotentials, "
        "8 to 12 for ultrasoft ones.",
    )
    kpoint_density_angstrom: PositiveFloat = renamed(
        2.0,
        before="kpoint_density_a",
        description="k-points per Å⁻¹ along each axis, where no mesh is given; the mesh holds Γ.",
    )
    kpoint_mesh: Mesh | None = Field(
        None,
        description="Subdivisions along a, b, c, for every cell of this level alike; the mesh holds Γ. null: from "
        "kpoint_density_angstrom.",
    )
    hubbard_projectors: Literal["ortho-atomic", "atomic"] = Field(
        "ortho-atomic", description="What the U acts on; numbers of the two are not comparable."
    )
    electronic_ev: PositiveFloat = Field(
        1e-6,
        description="Estimated error of the cell's energy (eV) at which the electrons are converged (conv_thr).",
    )
    input_data: dict[str, dict[str, Value]] = Field(
        {},
        description="Further input of pw.x by namelist, for instance {electrons: {mixing_beta: 0.1, electron_maxstep: 400}}; "
        "without, mixing_beta is 0.3 and electron_maxstep 200.",
    )

    @field_validator("input_data")
    @classmethod
    def _known(cls, given: dict[str, Any]) -> dict[str, Any]:
        from ase.io.espresso_namelist.keys import pw_keys

        given = {name.lower(): {k.lower(): v for k, v in keys.items()} for name, keys in given.items()}
        lists = ("control", "system", "electrons")
        for name, keys in given.items():
            if name not in lists:
                raise ValueError(f"{name} is no namelist of a single step; {did_you_mean(name, lists)}")
            for key in keys:
                # an index in brackets is the type of atom
                plain = key.partition("(")[0]
                HANDED.refuse({name: {plain: keys[key]}})
                if plain.startswith(("hubbard", "lda_plus_u")):
                    raise ValueError(f"{name}.{key} has a key of its own; set hubbard_u_ev instead")
                if plain not in pw_keys[name]:
                    raise ValueError(f"{key} is no keyword of &{name}; {did_you_mean(key, pw_keys[name])}")
        return numbers(given)
