"""Labels from an engine that runs in the job itself: one relaxed cell, one trajectory."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.files import whole, write_json
from dlmd.config.launch import LevelLaunch
from dlmd.process.ownership import owned


def relax(
    structure: str,
    *,
    relaxed: str,
    info: str,
    level: str,
    threads: int,
    engine: Mapping,
    launch: LevelLaunch,
    repeat: Sequence[int],
    fmax_ev_per_angstrom: float,
    max_steps: int,
) -> None:
    """Relax positions and cell; writes the structure and its numbers."""
    import ase.io

    from dlmd.labels import engines, relaxation
    from dlmd.structures import cells

    label_engine = engines.get(engine, launch)
    with owned(Path(relaxed).parent):
        atoms, result = relaxation.relax(
            ase.io.read(structure),
            label_engine.calculator(threads=threads),
            fmax_ev_per_angstrom=fmax_ev_per_angstrom,
            max_steps=max_steps,
            checkpoint=Path(relaxed).with_suffix(".checkpoint"),
            stream=sys.stderr,
        )
    record = {
        **result,
        "level": level,
        "theory": label_engine.level,
        "versions": label_engine.versions(),
        "unit_cell": cells.unit_cell_parameters(atoms, repeat=repeat),
    }
    with whole(relaxed) as part:
        ase.io.write(part, atoms, format="extxyz")
        write_json(Path(info), record)


def relax_with_potential(
    structure: str,
    model: str,
    *,
    relaxed: str,
    info: str,
    level: str,
    repeat: Sequence[int],
    fmax_ev_per_angstrom: float,
    max_steps: int,
) -> None:
    """Relax positions and cell with a DeePMD potential; writes what `relax` does."""
    import ase.io
    from deepmd.calculator import DP

    from dlmd.base.provenance import file_sha256, versions
    from dlmd.labels import relaxation
    from dlmd.structures import cells

    start = ase.io.read(structure)
    start.calc = None
    atoms, result = relaxation.relax(
        start,
        DP(str(Path(model).resolve())),
        fmax_ev_per_angstrom=fmax_ev_per_angstrom,
        max_steps=max_steps,
        stream=sys.stderr,
    )
    record = {
        **result,
        "level": level,
        "theory": {"potential_sha256": file_sha256(model)},
        "versions": versions(("deepmd-kit", "ase")),
        "unit_cell": cells.unit_cell_parameters(atoms, repeat=repeat),
    }
    with whole(relaxed) as part:
        ase.io.write(part, atoms, format="extxyz")
        write_json(Path(info), record)


def aimd(
    relaxed: str,
    *,
    frames: str,
    level: str,
    source: str,
    temperature_k: float,
    strain: float,
    threads: int,
    engine: Mapping,
    launch: LevelLaunch,
    time_step_fs: float,
    steps: int,
    stride: int,
    seed: int,
) -> None:
    """NVT trajectory of the strained relaxed cell (see `dlmd.labels.dynamics.run`)."""
    import ase.io

    from dlmd.labels import dynamics, engines, numerics
    from dlmd.labels.engines.dft import numbers
    from dlmd.structures import cells

    label_engine = engines.get(engine, launch)
    start = cells.strain(ase.io.read(relaxed), strain)
    with owned(Path(frames).parent):
        dynamics.run(
            start,
            label_engine.calculator(threads=threads),
            temperature_k=temperature_k,
            time_step_fs=time_step_fs,
            steps=steps,
            stride=stride,
            seed=seed,
            frames=Path(frames),
            level=level,
            theory=label_engine.level,
            source=source,
            strain=strain,
            settings=numbers(label_engine).get("apart"),
            numerics=numerics.beside(getattr(label_engine, "settings", None), start),
            stream=sys.stderr,
        )


def lattice_comparison(
    tables: Sequence[str], *, levels: Sequence[str], reference: str | None, table: str
) -> None:
    """The lattice tables of all levels beside each other (see `dlmd.labels.tables.lattice_comparison`)."""
    from dlmd.labels import tables as lattice_tables

    lattice_tables.lattice_comparison(dict(zip(levels, tables, strict=True)), table, reference=reference)
