"""Stage VASP jobs: write the inputs of every step, read them again, and record what was meant in job.json.

A job folder holds job.json and one folder per step (1-relax, 2-relax, 3-static; seg000, seg001, ...), each with its
`inputs/`. The runs themselves go to run00, run01, ... beside the inputs; a step that was killed has several.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_json
from dlmd.config.levels.vasp import KpointSettings, VaspSettings
from dlmd.labels.vasp import inputs as staged_inputs
from dlmd.labels.vasp import potcar, script, verify
from dlmd.labels.vasp.incar import (
    Step,
    aimd_steps,
    initial_moments,
    k_mesh,
    relax_steps,
    species_blocks,
    static_steps,
)
from dlmd.process.ownership import OWNER, look

if TYPE_CHECKING:
    from ase import Atoms

JOB = "job.json"
# ISMEAR, and the fewest k-points that it is possible with
TETRAHEDRA, FEWEST_FOR_TETRAHEDRA = -5, 4
FORMAT = {"format": "dlmd-vasp-job", "version": 1}


def stage_relax(
    atoms: Atoms, folder: str | Path, *, settings: VaspSettings, level: str, cell: str, source: str
) -> dict:
    """Stage a variable-cell relaxation.

    Parameters
    ----------
    atoms
        The ordered supercell, atoms grouped by element; the array 'site' (labels) serves moments per site.
    folder
        Job folder, made anew; finished runs in it are kept.
    settings, level
        The level of theory and its name.
    cell
        Name of the supercell, which chooses the k-mesh.
    source
        Identity of the job, recorded with every frame.

    Returns
    -------
    The job record, as written to job.json.

    Raises
    ------
    DlmdError
        for what cannot be staged, and where the files read back are not what was meant.
    """
    species, _ = species_blocks(atoms)
    steps = relax_steps(settings, species, label=f"{source} {level}")
    return stage_steps(
        atoms,
        Path(folder),
        steps,
        settings.relax.kpoints,
        settings=settings,
        record={"kind": "relax", "level": level, "cell": cell, "source": source},
    )


def stage_aimd(
    atoms: Atoms,
    folder: str | Path,
    *,
    settings: VaspSettings,
    level: str,
    cell: str,
    source: str,
    temperature_k: float,
    strain: float,
    steps: int,
    time_step_fs: float,
    seed: int,
) -> dict:
    """Stage NVT dynamics of `atoms` (relaxed, and strained already): `steps` steps after the heating ladder.

    Parameters as for `stage_relax`; `strain` is recorded, not applied; `seed` draws the first velocities.

    Returns
    -------
    The job record, as written to job.json.

    Raises
    ------
    DlmdError
        for what cannot be staged, and where the files read back are not what was meant.
    """
    species, _ = species_blocks(atoms)
    plan = aimd_steps(
        settings,
        species,
        label=f"{source} {level}",
        temperature_k=temperature_k,
        steps=steps,
        time_step_fs=time_step_fs,
        seed=seed,
    )
    record = {
        "kind": "aimd",
        "level": level,
        "cell": cell,
        "source": source,
        "temperature_k": temperature_k,
        "strain": strain,
        "steps": steps,
        "time_step_fs": time_step_fs,
        "seed": seed,
    }
    return stage_steps(atoms, Path(folder), plan, settings.aimd.kpoints, settings=settings, record=record)


def stage_static(
    atoms: Atoms, folder: str | Path, *, settings: VaspSettings, level: str, cell: str, source: str
) -> dict:
    """Stage a single point of one frame, with the settings and k-mesh of dynamics; all as for `stage_relax`."""
    species, _ = species_blocks(atoms)
    return stage_steps(
        atoms,
        Path(folder),
        static_steps(settings, species, label=f"{source} {level}"),
        settings.aimd.kpoints,
        settings=settings,
        record={"kind": "static", "level": level, "cell": cell, "source": source},
    )


def load_job(folder: str | Path) -> dict:
    """The record of a staged job.

    Raises
    ------
    DlmdError
        if there is none, or it is not one of this version.
    """
    path = Path(folder) / JOB
    try:
        job = read_json(path, remedy="stage it again")
    except FileNotFoundError:
        raise DlmdError("no VASP job is staged here", where=str(folder), remedy="stage it first") from None
    if {key: job.get(key) for key in FORMAT} != FORMAT:
        raise DlmdError(
            f"job record of format {job.get('format')} version {job.get('version')}",
            where=str(path),
            remedy="stage it again with this version",
        )
    return job


def stage_steps(
    atoms: Atoms,
    folder: Path,
    steps: list[Step],
    kpoints: KpointSettings,
    *,
    settings: VaspSettings,
    record: dict,
) -> dict:
    """Stage the runs `steps` of a job that begins with `atoms`; `record` is its `kind`, `level`, `cell`, `source` and what else
    its collecting needs. Returns the job record, as written to job.json."""
    species, counts = species_blocks(atoms)
    if np.linalg.det(atoms.cell) <= 0:
        raise DlmdError(
            "the cell is left-handed, which VASP refuses",
            where=record["source"],
            remedy="swap two cell vectors",
        )
    moments = initial_moments(atoms, settings) if settings.spin_polarised else None
    mesh = k_mesh(atoms, record["cell"], kpoints)
    _require_possible(settings, mesh, record["level"])
    text, potentials = potcar.assemble(species, settings)
    for note in [*_missing_potentials(potentials), *potentials["warnings"]]:
        print(f"note: {note}", file=sys.stderr)
    job = {
        **FORMAT,
        **record,
        "level_of_theory": settings.level_of_theory(
            "aimd" if record["kind"] in ("aimd", "static") else "relax"
        ),
        "species": species,
        "counts": counts,
        "moments": moments,
        "moment_range": {k: list(v) for k, v in settings.moment_range.items()},
        "kpoints": {"centring": kpoints.centring, "mesh": mesh},
        "potcar": potentials,
        "cell_angstrom": atoms.cell.array.tolist(),
        "scaled_positions": atoms.get_scaled_positions(wrap=False).tolist(),
        "sites": [str(s) for s in atoms.arrays["site"]] if "site" in atoms.arrays else None,
    }
    job["run_steps"] = [_step_record(step, job) for step in steps]
    for number, step in enumerate(steps):
        _sweep(folder / step.name, settings)
        inputs = folder / step.name / "inputs"
        shutil.rmtree(inputs, ignore_errors=True)
        inputs.mkdir(parents=True)
        _write_inputs(inputs, atoms, step, job, settings)
        first = number == 0
        if not first:  # its structure is the outcome of the step before
            (inputs / "POSCAR").unlink()
        _require_meant(inputs, step, job, potentials=text, start=atoms if first else None)
        staged_inputs.write(inputs, step.tags, job)
    if settings.run == "external":
        script.write(folder, job["run_steps"], n_atoms=sum(counts), dynamics=record["kind"] == "aimd")
    # a local run assembles its POTCAR when it starts and leaves none behind
    if settings.run != "external":
        (folder / "POTCAR").unlink(missing_ok=True)
    elif text is not None:
        potcar.write(folder / "POTCAR", text)
    write_json(folder / JOB, job)  # last, so that a job record means a whole job
    return job


def _require_possible(settings: VaspSettings, mesh: list[int], level: str) -> None:
    """That tetrahedra have enough k-points."""
    if settings.ismear == TETRAHEDRA and np.prod(mesh) < FEWEST_FOR_TETRAHEDRA:
        raise DlmdError(
            f"tetrahedra (ismear: {TETRAHEDRA}) on a mesh of {'x'.join(map(str, mesh))}",
            where=f"kpoints and ismear of the VASP level {level}",
            remedy=f"use ismear: 0, or a mesh of at least {FEWEST_FOR_TETRAHEDRA} points",
        )


def _sweep(folder: Path, settings: VaspSettings) -> None:
    """Remove the POTCARs of runs that were killed with all that would have done it."""
    owner = look(folder / OWNER)
    if settings.run != "external" and (owner is None or owner["state"] == "dead"):
        potcar.sweep(folder)


def _step_record(step: Step, job: dict) -> dict:
    mark = staged_inputs.record(step.tags, job)["sha256"]
    return {"name": step.name, "role": step.role, "tags": step.tags, "inputs_sha256": mark}


def _require_meant(
    inputs: Path, step: Step, job: dict, *, potentials: str | None, start: Atoms | None
) -> None:
    """Read back what was written for one run, and raise where it is not what the job's record says; `start` is None where the
    run has no structure of its own."""
    wrong = verify.mismatches(
        inputs,
        tags=step.tags,
        moments=job["moments"],
        kpoints=(job["kpoints"]["centring"], job["kpoints"]["mesh"]),
        species=job["species"],
        counts=job["counts"],
        potential_names=job["potcar"]["names"],
        potentials=potentials,
        cell=start.cell.array if start is not None else None,
        scaled=np.array(job["scaled_positions"]) if start is not None else None,
    )
    verify.require(wrong, inputs)


def _missing_potentials(record: dict) -> list[str]:
    if not record["missing"]:
        return []
    place = "the library lacks them" if record["library_found"] else "no library is set (potcar.directory)"
    return [
        f"no POTCAR of {record['family']} for {', '.join(record['missing'])}: {place}; "
        "POTCAR.spec names what has to be added before running"
    ]


def _write_inputs(inputs: Path, atoms: Atoms, step: Step, job: dict, settings: VaspSettings) -> None:
    """INCAR, KPOINTS, POSCAR and POTCAR.spec through pymatgen's input set."""
    import warnings

    from pymatgen.core import Lattice, Structure
    from pymatgen.io.vasp.inputs import Kpoints
    from pymatgen.io.vasp.sets import VaspInputSet

    species = job["species"]
    structure = Structure(
        Lattice(job["cell_angstrom"]),
        atoms.get_chemical_symbols(),
        job["scaled_positions"],
        site_properties={"magmom": job["moments"]} if job["moments"] else None,
    )
    # the input set wants values per element, and puts them into POSCAR order
    tags: dict[str, Any] = {
        name: dict(zip(species, cast(list, value), strict=True))
        if name in ("LDAUL", "LDAUU", "LDAUJ")
        else value
        for name, value in step.tags.items()
    }
    if job["moments"]:
        tags["MAGMOM"] = {}
    mesh = job["kpoints"]["mesh"]
    style = Kpoints.gamma_automatic if job["kpoints"]["centring"] == "gamma" else Kpoints.monkhorst_automatic
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on Materials Project compatibility, which is not sought
        made = VaspInputSet(
            structure=structure,
            config_dict={
                "INCAR": tags,
                "POTCAR": dict(zip(species, job["potcar"]["names"], strict=True)),
                "POTCAR_FUNCTIONAL": job["potcar"]["family"],
            },
            user_kpoints_settings=cast(dict, style(mesh)),
            sort_structure=False,
        )
        made.get_input_set(potcar_spec=True).write_input(inputs)
