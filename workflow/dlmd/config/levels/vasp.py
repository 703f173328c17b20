"""Typed settings of one VASP level of theory.

Defaults are the published Li3TiCl6 protocol where it says, and a stated choice elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from dlmd.config.fields import HubbardU, Moment
from dlmd.config.levels import vasp_functionals
from dlmd.config.levels.dft import Mesh, SpinsAndU, Strict, renamed
from dlmd.config.levels.origin import Origin
from dlmd.config.levels.vasp_functionals import Dispersion, Family, Functional
from dlmd.config.levels.vasp_tags import IncarValue, Tags, check_tags, theory

# Tag -> its name in what rules record. Results made before the tags were in `incar` were recorded with these names; Snakemake
# compares the records, and would stage every job again if a name or its place had changed.
RECORDED = {
    "NELM": "nelm",
    "ALGO": "algo",
    "PREC": "precision",
    "LREAL": "lreal",
    "POTIM": "potim",
    "SMASS": "thermostat_mass",
}


class KpointSettings(Strict):
    """k-points of one kind of run: a mesh per supercell name, and a spacing for the supercells not named."""

    mesh: dict[str, Mesh] = Field(
        {}, description="Subdivisions along a, b, c per supercell name, for instance {x2x2x2: [4, 2, 4]}."
    )
    spacing_per_angstrom: PositiveFloat | None = renamed(
        None,
        before="spacing_per_a",
        description="Largest distance of k-points (1/Å, 2π included, as VASP's KSPACING) in supercells "
        "without a mesh.",
    )
    centring: Literal["gamma", "monkhorst"] = Field("gamma", description="Centre of the mesh.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.mesh and self.spacing_per_angstrom is None:
            raise ValueError("neither mesh nor spacing_per_angstrom is given; set one of them")
        return self


class ElectronicSettings(Strict):
    """What relaxation and dynamics may choose differently."""

    # INCAR tags that are set where `incar` does not
    TAGS: ClassVar[Tags]
    # tags refused in `incar` of this kind of run alone
    ELSEWHERE: ClassVar[dict[str, str]]

    incar: dict[str, IncarValue] = Field(
        {},
        description="Further INCAR tags for this kind of run alone, for instance {ALGO: All, NELM: 300, AMIX: 0.2}.",
    )

    @field_validator("incar")
    @classmethod
    def _tags(cls, tags: dict[str, IncarValue]) -> dict[str, IncarValue]:
        return check_tags(tags, elsewhere=cls.ELSEWHERE)

    @property
    def tags(self) -> dict[str, IncarValue]:
        """The tags of `TAGS` as this level sets them."""
        return {tag: self.incar.get(tag, value) for tag, value in self.TAGS.items()}


class RelaxSettings(ElectronicSettings):
    """Variable-cell relaxation: runs from a fresh basis set until nothing moves, then one static run."""

    TAGS: ClassVar[Tags] = {"NELM": 200, "ALGO": "Normal", "PREC": "Accurate", "LREAL": "Auto", "POTIM": 0.3}
    ELSEWHERE: ClassVar[dict[str, str]] = {"SMASS": "aimd.incar.SMASS"}

    kpoints: KpointSettings = Field(
        default_factory=lambda: KpointSettings(spacing_per_angstrom=0.2),
        description="k-points of the relaxation; the paper used 4x2x4 for 160 and 4x2x2 for 320 atoms.",
    )
    fmax_ev_per_angstrom: PositiveFloat = renamed(
        0.01,
        before="fmax_ev_per_a",
        description="Largest force on an atom at the end (eV/Å; EDIFFG is minus this). The paper's 10 meV/Å.",
    )
    ediff_ev: PositiveFloat = Field(1e-6, description="Electronic convergence (eV; EDIFF).")
    max_steps: PositiveInt = Field(200, description="Most ionic steps of one relaxation run (NSW).")
    restarts: Annotated[int, Field(ge=0, le=9)] = Field(
        1,
        description="Relaxations repeated from the relaxed cell, so that the plane waves fit it (Pulay stress).",
    )
    static: bool = Field(
        True,
        description="A single point on the relaxed cell follows; its energy and stress are the reported ones.",
    )


class AimdSettings(ElectronicSettings):
    """NVT dynamics (Nosé-Hoover) at the temperatures and lengths of the trajectories."""

    # SMASS = 0 lets VASP choose a thermostat with a period of 40 steps; the paper does not say
    TAGS: ClassVar[Tags] = {"NELM": 200, "ALGO": "Fast", "PREC": "Normal", "LREAL": "Auto", "SMASS": 0.0}
    ELSEWHERE: ClassVar[dict[str, str]] = {"POTIM": "labels.aimd.time_step_fs"}

    kpoints: KpointSettings = Field(
        default_factory=lambda: KpointSettings(spacing_per_angstrom=0.6),
        description="k-points of the dynamics; the paper does not say. A spacing of 0.6 gives Γ alone from "
        "10.5 Å on.",
    )
    ediff_ev: PositiveFloat = Field(
        1e-5,
        description="Electronic convergence (eV; EDIFF). A looser one makes forces noisy and the energy drift.",
    )
    heating_ladder_k: list[PositiveFloat] = Field(
        [],
        description="Temperatures (K) in rising order. Dynamics is heated from the first, rung by rung (TEBEG to TEEND), to "
        "the trajectory's own. Rungs not below it are skipped; empty: it starts at its own.",
    )
    heating_steps: PositiveInt = Field(
        500,
        description="Steps per rung of the ladder, the last ramp to the target included; never collected.",
    )
    chunk_steps: Annotated[int, Field(gt=0, le=9999)] = Field(
        1000,
        description="Steps per segment; every segment is a target, and none is run twice. VASP's step "
        "counter "
        "has four safe digits.",
    )

    @field_validator("heating_ladder_k")
    @classmethod
    def _rising(cls, ladder: list[float]) -> list[float]:
        if any(low >= high for low, high in pairwise(ladder)):
            raise ValueError(f"temperatures {ladder} do not rise; list each once, in rising order")
        return ladder


class PotcarSettings(Strict):
    """Where the user's own pseudopotentials are, and which of them to take."""

    directory: Path | None = Field(
        None,
        description="Library with one folder or POTCAR.<name> file per potential, or pymatgen's layout "
        "above it. "
        "Default: PMG_VASP_PSP_DIR. Without a library a POTCAR.spec of names is written.",
    )
    family: Family | None = Field(
        None,
        description="Set the potentials belong to; default the functional's own (PW91; PBE, also for PBEsol; PBE_54 for SCAN and "
        "r2SCAN). PW91 as INCAR tag over PBE "
        "potentials, another reading of the paper, is `functional: PW91` with `family: PBE_54`.",
    )
    flavours: dict[str, str] = Field(
        {},
        description="Potential per element, for instance {Li: Li_sv, Ti: Ti_pv}; others take their plain "
        "symbol.",
    )

    @field_validator("flavours")
    @classmethod
    def _own_element(cls, flavours: dict[str, str]) -> dict[str, str]:
        for element, name in flavours.items():
            if name.split("_")[0] != element:
                raise ValueError(
                    f"'{name}' is no potential of {element}; write {element} or {element}_<flavour>"
                )
        return flavours


class VaspSettings(Strict, SpinsAndU):
    """One level of theory run by VASP."""

    functional: Functional = Field(
        "PW91",
        description="Functional (GGA: 91, PE or PS; METAGGA: SCAN or R2SCAN). The paper's PW91. PBE's cells are 2-7 % too large; "
        "PBEsol's and r2SCAN's are nearer. SCAN and r2SCAN want `encut_ev` of 600 or more and PBE_54 potentials.",
    )
    dispersion: Dispersion | None = Field(
        None,
        description="Correction for dispersion (IVDW 11 or 12): D3 (PBE, PBEsol, SCAN) or D3BJ (these and r2SCAN). On top of PBE "
        "it contracts cells of chlorides too far.",
    )
    encut_ev: PositiveFloat = Field(
        450.0, description="Cutoff of the plane waves (eV; ENCUT). The paper's 450 eV."
    )
    hubbard_u_ev: dict[str, HubbardU] = Field(
        {},
        description="Effective U - J (eV, Dudarev) per element, for instance {Ti: 4.0}. Without one above 0, LDAU is off.",
    )
    hubbard_orbital: dict[str, Literal["p", "d", "f"]] = Field(
        {}, description="Orbital that the U acts on, per element; d where not given."
    )
    magmom: dict[str, Moment] = Field(
        {},
        description="Initial moment in Bohr magnetons per element, or per atom-site label, which wins; others 0.",
    )
    moment_range: dict[str, tuple[Moment, Moment]] = Field(
        {},
        description="Range of |moment| per element, in Bohr magnetons, outside which a frame is flagged, for instance {Ti: "
        "[0.5, 1.5]} for Ti3+.",
    )
    ismear: Literal[0, -5] = Field(0, description="Smearing: 0 Gaussian, -5 tetrahedra (static meshes only).")
    sigma_ev: PositiveFloat = Field(0.05, description="Width of the smearing (eV; SIGMA).")
    incar: dict[str, IncarValue] = Field(
        {},
        description="Further INCAR tags for relaxation and dynamics alike, for instance {NCORE: 8, KPAR: 2}.",
    )
    relax: RelaxSettings = Field(default_factory=RelaxSettings, description="How cells are relaxed.")
    aimd: AimdSettings = Field(default_factory=AimdSettings, description="How dynamics is run.")
    potcar: PotcarSettings = Field(default_factory=PotcarSettings, description="Pseudopotentials.")
    run: Literal["local", "external"] = Field(
        "local",
        description="local: the pipeline runs `launch.levels.<level>.command` (on a cluster, in a job of its own). external: it "
        "writes the job "
        "folders and a manifest, and collects what is brought back.",
    )
    max_rejected_fraction: Annotated[float, Field(ge=0, le=1)] = Field(
        0.05, description="Largest part of a trajectory's frames that may be rejected. More is an error."
    )

    @field_validator("incar")
    @classmethod
    def _tags(cls, tags: dict[str, IncarValue]) -> dict[str, IncarValue]:
        own = {"POTIM": "labels.aimd.time_step_fs or relax.incar.POTIM", "SMASS": "aimd.incar.SMASS"}
        return check_tags(tags, elsewhere=own)

    @model_validator(mode="before")
    @classmethod
    def _algo_of_meta_gga(cls, given: Any) -> Any:
        # mixing of densities is not made for the kinetic energy density
        meta = isinstance(given, Mapping) and given.get("functional") in ("SCAN", "r2SCAN")
        if not meta or "ALGO" in _upper(given.get("incar")):
            return given
        for kind in ("relax", "aimd"):
            own = given.get(kind) or {}
            if isinstance(own, Mapping) and "ALGO" not in _upper(own.get("incar")):
                own = {**own, "incar": {"ALGO": "All", **(own.get("incar") or {})}}
                given = {**given, kind: own}
        return given

    @model_validator(mode="after")
    def _functional(self) -> Self:
        named = self.functional_tags  # ValueError where they do not go together
        for tag in vasp_functionals.OWN_TAGS:
            if tag in named and any(tag in tags for tags in (self.incar, self.relax.incar, self.aimd.incar)):
                key = "functional" if tag == "METAGGA" else "dispersion"
                raise ValueError(f"{tag} is set by {key} and in incar; leave it out of incar")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unused = sorted(set(self.hubbard_orbital) - set(self.hubbard_u_ev))
        if unused:
            raise ValueError(f"hubbard_orbital names {unused}, which have no hubbard_u_ev")
        return self

    def staging(self) -> dict[str, Any]:
        """The settings that decide inputs, and none for what is collected: a job is staged anew only for these."""
        # a setting that came later is left out where it has its default: results made before it stay up to date
        later = {"dispersion"} if self.dispersion is None else set()
        record = self.model_dump(mode="json", exclude={"max_rejected_fraction", *Origin.model_fields} | later)
        return record | {"relax": _record(self.relax), "aimd": _record(self.aimd)}

    @classmethod
    def of_staging(cls, record: Mapping[str, Any]) -> VaspSettings:
        """Settings from what `staging` made of them, or from the keys of a level."""
        settings = {
            key: value for key, value in record.items() if key not in ("engine", *Origin.model_fields)
        }
        for kind, of in (("relax", RelaxSettings), ("aimd", AimdSettings)):
            if kind in settings:
                settings[kind] = _from_record(settings[kind], of.TAGS)
        return cls.model_validate(settings)

    @property
    def potcar_family(self) -> str:
        """Set of potentials: the configured one, else that of the functional."""
        return self.potcar.family or vasp_functionals.family(self.functional)

    @property
    def functional_tags(self) -> Tags:
        """INCAR tags of the functional and its correction for dispersion."""
        return vasp_functionals.tags(self.functional, self.dispersion)

    @property
    def functional_name(self) -> str:
        """The functional for readers: r2SCAN-D3BJ, or PBE with the overrides that make another of it."""
        told = self.level_of_theory()
        name = "-".join(filter(None, (told["functional"], self.dispersion)))
        others = [f"{tag} = {value}" for tag, value in told.get("incar", {}).items() if tag != "METAGGA"]
        return name + (f" with {', '.join(others)}" if others else "")

    def level_of_theory(self, kind: Literal["aimd", "relax"] = "aimd") -> dict[str, Any]:
        """What makes energies comparable; recorded with every frame, and never mixed.

        `kind` is aimd for dynamics and single points, relax for relaxations and bands, which may have tags of their own.
        """
        own = self.aimd if kind == "aimd" else self.relax
        known = {
            "engine": "vasp",
            "functional": self.functional,
            "hubbard_u_ev": self.plus_u,
            "hubbard_orbital": {element: self.orbital(element) for element in self.plus_u},
            "encut_ev": self.encut_ev,
            "spin_polarised": self.spin_polarised,
            "potcar_family": self.potcar_family,
            "potcar_flavours": dict(sorted(self.potcar.flavours.items())),
        }
        if self.dispersion is not None:
            known["dispersion"] = self.dispersion
        return known | theory(self.incar | own.incar | {"EDIFF": own.ediff_ev}, usual(kind))


def usual(kind: str) -> Tags:
    """Tags of relaxations or dynamics with the values that they have where a level says nothing of them."""
    settings = AimdSettings if kind == "aimd" else RelaxSettings
    return {**settings.TAGS, "EDIFF": settings.model_fields["ediff_ev"].default}


def _upper(tags: Any) -> set[str]:
    return {str(name).upper() for name in tags} if isinstance(tags, Mapping) else set()


def _record(settings: ElectronicSettings) -> dict[str, Any]:
    """Settings of one kind of run as rules record them: each tag where its key once was."""
    dump = settings.model_dump(mode="json")
    kinds: dict[str, Any] = {tag: type(value) for tag, value in settings.TAGS.items()}
    tags = {RECORDED[tag]: kinds[tag](value) for tag, value in settings.tags.items()}
    places = {"incar": ("nelm", "algo", "precision", "lreal"), "restarts": ("potim",)}
    places["heating_ladder_k"] = ("thermostat_mass",)
    record: dict[str, Any] = {}
    for key, value in dump.items():
        record |= {name: tags[name] for name in places.get(key, ()) if name in tags}
        record[key] = value
    record["incar"] = {tag: value for tag, value in dump["incar"].items() if tag not in settings.TAGS}
    return record


def _from_record(record: Mapping[str, Any], tags: Mapping[str, IncarValue]) -> dict[str, Any]:
    settings = dict(record)
    given = {tag: settings.pop(RECORDED[tag]) for tag in tags if RECORDED[tag] in settings}
    if given.get("LREAL") == "False":
        given["LREAL"] = False
    return settings | ({"incar": given | settings.get("incar", {})} if given else {})
