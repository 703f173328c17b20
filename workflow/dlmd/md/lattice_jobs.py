"""The lattice of production as jobs: runs at zero pressure, the mean cell of a temperature, the thermal expansion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.files import read_json, write_csv, write_json
from dlmd.config.launch import LammpsLaunch
from dlmd.md import jobs, lattice
from dlmd.md.barostat import barostat
from dlmd.md.lattice import LATTICE

PARAMETERS = (*LATTICE, "volume")
ENDS = ("low", "high")


def npt_segment(
    cell: str,
    model: str,
    cif: str,
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
    components: str,
    damping_fs: float,
    lammps: LammpsLaunch,
) -> None:
    """Run one segment at zero pressure; `components` are those of `md.npt`, and the crystal system is that of `cif`."""
    from dlmd.structures.crystal import read_cif

    pressure = barostat(read_cif(cif).cell_parameters, free=components == "all")
    jobs.segment(
        cell,
        model,
        sidecar=sidecar,
        level=level,
        replica=replica,
        number=number,
        temperature_k=temperature_k,
        threads=threads,
        log=log,
        dynamics={**dynamics, "pressure": pressure, "pressure_damping_fs": damping_fs},
        steps=steps,
        strides=strides,
        seed=seed,
        lammps=lammps,
    )


def lattice_at(
    segments: Sequence[str],
    cells: Sequence[str],
    cif: str,
    *,
    result: str,
    temperature_k: int,
    repeat: Sequence[int],
    judged: Mapping[str, float],
    measured: Mapping | None,
) -> None:
    """The lattice of one temperature: the mean of the runs at zero pressure that `segments` are of, or `measured` parameters.

    Parameters
    ----------
    cells
        What `cell` has written of the cells that the runs began with, in the order of the runs' folders.
    judged
        Fields of `dlmd.md.lattice.Judged`.
    measured
        The section `md.measured` of the config, or None.
    """
    if measured is not None:
        from dlmd.structures.crystal import read_cif

        unit_cell = lattice.measured(
            measured["cell_angstrom_degrees"] or read_cif(cif).cell_parameters,
            measured_at_k=measured["temperature_k"],
            temperature_k=temperature_k,
            expansion_per_k=measured["expansion_per_k"],
        )
        write_json(result, {"temperature_k": temperature_k, "lattice": "measured", "unit_cell": unit_cell})
        return
    folders = list(dict.fromkeys(str(Path(path).parent) for path in segments))
    runs = [
        lattice.mean_cell(
            [path for path in segments if str(Path(path).parent) == folder],
            unit_cell=read_json(cell)["unit_cell"],
            repeat=repeat,
            judged=lattice.Judged(**judged),
        )
        for folder, cell in zip(folders, cells, strict=True)
    ]
    write_json(
        result,
        {"temperature_k": temperature_k, "lattice": "thermal", **lattice.averaged(runs), "runs": runs},
    )


def expansion(
    lattices: Sequence[str],
    cells: Sequence[str],
    *,
    result: str,
    table: str,
    figures: Sequence[str],
    confidence: float,
) -> None:
    """Lattice parameters of all temperatures, and the thermal expansion that they show, as JSON, table and figures.

    Parameters
    ----------
    cells
        Cells that the runs began with, of which the first is the relaxed one that the others are compared with.
    """
    from dlmd.base.plot_style import save
    from dlmd.md import lattice_plots

    rows = [read_json(path) for path in lattices]
    relaxed = read_json(cells[0])["unit_cell"]
    thermal = [row for row in rows if row["lattice"] == "thermal"]
    write_json(
        result,
        {
            "relaxed": relaxed,
            "temperatures": rows,
            "volume_expansion": lattice.expansion(thermal, confidence=confidence),
        },
    )
    write_csv(
        table,
        [{"temperature_k": 0, "lattice": "relaxed", **relaxed}, *(_row(row) for row in rows)],
        columns=(
            *("temperature_k", "lattice", *PARAMETERS),
            *(f"{key}_{end}" for key in PARAMETERS for end in ENDS),
            *("pressure_gpa", *(f"pressure_gpa_{end}" for end in ENDS)),
        ),
    )
    save(lattice_plots.changes(rows, relaxed), figures)


def _row(found: Mapping) -> dict:
    row = {"temperature_k": found["temperature_k"], "lattice": found["lattice"], **found["unit_cell"]}
    for key, span in found.get("intervals", {}).items():
        row |= {f"{key}_{end}": value for end, value in zip(ENDS, span, strict=True)}
    if "pressure_gpa" in found:
        row["pressure_gpa"], row["pressure_gpa_low"], row["pressure_gpa_high"] = found["pressure_gpa"]
    return row
