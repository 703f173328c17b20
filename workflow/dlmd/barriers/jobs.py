"""Barriers as jobs: the hops of the relaxed cells, one band each, and what they say together."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, whole, write_csv, write_json
from dlmd.base.provenance import file_sha256, versions
from dlmd.config.launch import LevelLaunch
from dlmd.process.ownership import owned
from dlmd.process.programs import thread_environment

PATHS = {"format": "dlmd-barrier-paths", "version": 1}
BAND = {"format": "dlmd-barrier", "version": 1}


def paths(
    relaxed: Sequence[str],
    *,
    paths: str,
    cif: str,
    wanted: Mapping,
    cells: Sequence[Mapping],
    charges: Mapping[str, float],
    mobile: str,
    seed: int,
) -> None:
    """List the hops of one kind in the relaxed cells, in the order in which they are computed.

    Parameters
    ----------
    wanted
        One of the config's `barriers.hops`.
    cells
        `occupancy`, `cell`, `ordering` and `repeat` of each relaxed cell.
    """
    import ase.io

    from dlmd.barriers import paths as neb_paths
    from dlmd.structures import ion_sites
    from dlmd.structures.crystal import read_cif

    hop, crystal = neb_paths.Hop(**wanted), read_cif(cif)
    mobile = hop.ion or mobile
    found = neb_paths.find_paths(
        crystal,
        [ase.io.read(path) for path in relaxed],
        hop,
        repeat=[cell["repeat"] for cell in cells],
        charges=charges,
        mobile=mobile,
        seed=seed,
    )
    print(f"{hop.label}: {len(found)} paths", file=sys.stderr)
    places = [
        ion_sites.IonSites.of(crystal, repeat=cell["repeat"], charges=charges, mobile=mobile).places
        for cell in cells
    ]
    write_json(
        Path(paths),
        {
            **PATHS,
            "hop": hop.name,
            "label": hop.label,
            "mobile": mobile,
            "charges": dict(charges),
            # the bands need the sites too, in an environment that reads no CIF
            "cells": [
                {**cell, "ion_sites": p.ions.tolist(), "framework_sites": p.framework.tolist()}
                for cell, p in zip(cells, places, strict=True)
            ],
            "paths": [path.to_dict() for path in found],
        },
    )


def read_path(file: str, number: int) -> tuple[dict, dict, dict]:
    """(the file, its path `number`, the cell of that path) of a list of paths.

    Raises
    ------
    DlmdError
        where the cells have fewer such hops.
    """
    listed = read_json(file)
    if number >= len(listed["paths"]):
        raise DlmdError(
            f"the cells have {len(listed['paths'])} hops of {listed['label']}, number {number} is asked for",
            where=file,
            remedy="lower barriers.environments, or name more orderings in barriers.cells",
        )
    path = listed["paths"][number]
    return listed, path, listed["cells"][path["cell"]]


def band(
    paths: str,
    relaxed: Sequence[str],
    model: str,
    *,
    number: int,
    record: str,
    level: str,
    settings: Mapping,
    threads: int,
) -> None:
    """Endpoints and band of one path by a trained potential; the images lie beside `record`.

    Parameters
    ----------
    settings
        `spacing_a`, `fmax_ev_per_a` and `max_steps`, as `dlmd.barriers.search.find_band` takes them. The keys are values of the
        rule's params: spelt otherwise, every band would be computed again.
    """
    calculator, source = _potential(model, threads)
    _band(paths, relaxed, calculator, source, number=number, record=record, level=level, settings=settings)


def engine_band(
    paths: str,
    relaxed: Sequence[str],
    *,
    number: int,
    record: str,
    level: str,
    engine: Mapping,
    launch: LevelLaunch,
    settings: Mapping,
    threads: int,
) -> None:
    """The same by a label engine."""
    calculator, source = _engine(engine, launch, threads)
    _band(paths, relaxed, calculator, source, number=number, record=record, level=level, settings=settings)


def _band(
    paths: str,
    relaxed: Sequence[str],
    calculator,
    source: Mapping,
    *,
    number: int,
    record: str,
    level: str,
    settings: Mapping,
) -> None:
    import ase.io

    from dlmd.barriers import bands as barriers
    from dlmd.barriers import paths as neb_paths
    from dlmd.barriers.search import find_band

    listed, chosen, cell = read_path(paths, number)
    path = neb_paths.Path(**chosen)
    start, end, ion = neb_paths.endpoints(ase.io.read(relaxed[path.cell]), path)
    with owned(Path(record).parent, name=f"{number}.owner.json"):
        found = find_band(
            start,
            end,
            calculator,
            ion=ion,
            judge=barriers.site_judge(ion=ion, start=start, end=end, site_of=_site_of(listed, cell)),
            checkpoint=Path(record).with_suffix(".checkpoint"),
            stream=sys.stderr,
            spacing_angstrom=settings["spacing_a"],
            fmax_ev_per_angstrom=settings["fmax_ev_per_a"],
            max_steps=settings["max_steps"],
        )
    print(f"{found.status}: {found.message}", file=sys.stderr)
    write_band(record, found, level=level, number=number, listed=listed, source=source, ion=ion, start=start)


def write_band(
    result: str, found, *, level: str, number: int, listed: Mapping, source: Mapping, ion: int, start
) -> None:
    """Write a band's images (extxyz beside `result`) and its record, which appears last."""
    import ase.io

    from dlmd.barriers import bands as barriers

    path = listed["paths"][number]
    images = Path(result).with_suffix(".extxyz")
    with whole(images) as part:
        ase.io.write(part, found.images, format="extxyz")
    write_json(
        Path(result),
        {
            **BAND,
            "level": level,
            "hop": listed["hop"],
            "label": listed["label"],
            "number": number,
            **source,
            "status": found.status,
            "message": found.message,
            "steps": found.steps,
            "residual_ev_per_a": found.residual_ev_per_a,
            **barriers.profile(found),
            "path": {
                **path,
                **{k: listed["cells"][path["cell"]][k] for k in ("occupancy", "cell", "ordering")},
            },
            "moving_ion": ion,
            "composition": start.get_chemical_formula(),
            # The hop needs a cell without the ion, which has minus the ion's charge. Without the neutral atom it would stay
            # neutral,
            # and something else in the cell would be oxidised.
            "charge_of_removed_e": listed["charges"][listed["mobile"]] if path["removed"] is not None else 0,
        },
    )


def stage_vasp(
    paths: str,
    relaxed: Sequence[str],
    band: str,
    *,
    number: int,
    job: str,
    level: str,
    engine: Mapping,
    settings: Mapping,
) -> None:
    """Stage the band of one path for VASP, in the folder above that of `job`.

    Its images are those that the potential has found (`band`), or, where it found none, the first guess.
    """
    import ase.io

    from dlmd.barriers import guess, vasp
    from dlmd.barriers import paths as neb_paths
    from dlmd.barriers.search import around
    from dlmd.labels.vasp.jobs import level_settings

    listed, chosen, cell = read_path(paths, number)
    path = neb_paths.Path(**chosen)
    start, end, ion = neb_paths.endpoints(ase.io.read(relaxed[path.cell]), path)
    found = read_json(band)
    if found["curve"] is None:
        print(f"the potential has no band ({found['status']}): the images are a first guess", file=sys.stderr)
        images = guess.interpolate(*around(start, end, ion), ion=ion, spacing_angstrom=settings["spacing_a"])
    else:
        images = ase.io.read(Path(band).with_suffix(".extxyz"), ":")
    vasp.stage(
        images,
        Path(job).parents[1],
        settings=level_settings(engine),
        level=level,
        cell=cell["cell"],
        source=f"{listed['hop']} {number}",
        fmax_ev_per_angstrom=settings["fmax_ev_per_a"],
        max_steps=settings["max_steps"],
    )


def collect_vasp(
    job: str, paths: str, relaxed: Sequence[str], *, number: int, record: str, level: str
) -> None:
    """The band that VASP found, in the files of the other calculators."""
    import ase.io

    from dlmd.barriers import bands as barriers
    from dlmd.barriers import paths as neb_paths
    from dlmd.barriers import vasp

    listed, chosen, cell = read_path(paths, number)
    path = neb_paths.Path(**chosen)
    start, end, ion = neb_paths.endpoints(ase.io.read(relaxed[path.cell]), path)
    found, theory = vasp.collect(Path(job).parents[1])
    judge = barriers.site_judge(ion=ion, start=start, end=end, site_of=_site_of(listed, cell))
    for name, image in (("start", found.images[0]), ("end", found.images[-1])):
        verdict = judge(image, name)
        if verdict is not None:
            found.status, found.message = verdict
    source = {"method": "engine", "theory": theory, "versions": versions(("dlmd",))}
    write_band(record, found, level=level, number=number, listed=listed, source=source, ion=ion, start=start)


def _site_of(listed: Mapping, cell: Mapping):
    """Function that gives the site of every ion of a structure (see `dlmd.structures.ion_sites.sites_of_ions`)."""
    import numpy as np

    from dlmd.structures import ion_sites

    places = ion_sites.Places(np.array(cell["ion_sites"]), np.array(cell["framework_sites"]))

    def site_of(atoms):
        return ion_sites.sites_of_ions(atoms, places, charges=listed["charges"], mobile=listed["mobile"])[0]

    return site_of


def _potential(model: str, threads: int) -> tuple:
    """Calculator of a trained potential, and what identifies it."""
    os.environ.update(thread_environment(threads))
    from deepmd.calculator import DP

    packages = ("dlmd", "deepmd-kit", "ase", "tensorflow-cpu", "tensorflow")
    return DP(model), {
        "method": "potential",
        "model_sha256": file_sha256(model),
        "versions": versions(packages),
    }


def _engine(settings: Mapping, launch: LevelLaunch, threads: int) -> tuple:
    """Calculator of a label engine, and what identifies it."""
    from dlmd.labels import engines

    engine = engines.get(settings, launch)
    source = {"method": "engine", "theory": engine.level, "versions": engine.versions()}
    return engine.calculator(threads=threads), source


def summary(
    bands: Sequence[str],
    engine_bands: Sequence[str],
    *,
    level: str,
    arrhenius: str,
    reference: str | None,
    result: str,
    table: str,
    figures: Sequence[str],
) -> None:
    """All bands of a level: statistics per hop, the table, and the figure.

    Parameters
    ----------
    bands, engine_bands
        Records of bands by the potential and by the engine.
    arrhenius
        The run's Arrhenius fit, whose activation energies stand beside the barriers.
    reference
        YAML with published values, or None.
    """
    from dlmd.barriers import plots
    from dlmd.barriers import summary as barrier_summary
    from dlmd.base import plot_style
    from dlmd.config import published

    data = barrier_summary.summarise(
        [read_json(path) for path in (*bands, *engine_bands)],
        level=level,
        fitted=read_json(arrhenius),
        published=published.read(reference).get("neb_barriers_ev", {}),
    )
    write_json(Path(result), data)
    write_csv(table, barrier_summary.rows(data))
    plot_style.save(plots.figure(data), figures)
