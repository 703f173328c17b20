"""From MD segments to the mechanism of one temperature, its figures, and the summary over temperatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.arrays import read_npz
from dlmd.base.carriers import elements
from dlmd.base.files import read_json, write_json, write_table
from dlmd.mechanism.site_network import HostLeft

if TYPE_CHECKING:
    from dlmd.mechanism.analysis import Host, Mechanism
    from dlmd.structures.crystal import Crystal

# Frames of all atoms over which the host's mean positions are taken.
HOST_FRAMES = 200


def temperature(
    segments: Sequence[str],
    *,
    cif: str,
    structures: str,
    transport: str,
    result: str,
    hops: str,
    profiles: str,
    traces: str,
    arrays: str,
    replicas: int,
    repeat: Sequence[int],
    charges: Mapping[str, float],
    settings: Mapping,
    confidence: float,
    seed: int,
) -> None:
    """Analyse all replicas of one temperature.

    Parameters
    ----------
    segments
        Sidecars of all replicas, replica by replica.
    structures
        Summary of the production orderings: its occupancies take the place of the CIF's.
    transport
        The transport result of this temperature: its fit window and D_self are used where it has them.
    result, hops, profiles, traces, arrays
        JSON with all numbers; CSV of every hop, of the free energies along paths and of the traced ions; NPZ with what the
        figures need besides.
    settings
        The config's section `mechanism`.

    A host that has left its sites gives a verdict in the JSON file, and tables without rows.
    """
    from dlmd.mechanism import analysis, numbers
    from dlmd.structures.crystal import read_cif
    from dlmd.trajectory.segments import join
    from dlmd.transport.selection import USABLE

    per_replica = len(segments) // replicas
    chains = [segments[i * per_replica : (i + 1) * per_replica] for i in range(replicas)]
    trajectories = [join(chain) for chain in chains]
    msd = read_json(transport)
    # a conductivity that may be zero leaves D_self of the ions a value
    diffusive = msd["verdict"]["code"] in USABLE and (msd["d_self_cm2_per_s"] or {}).get("low", 0.0) > 0
    found, data = None, {}
    try:
        found = analysis.analyse(
            trajectories,
            [_host(chain, trajectories[0].mobile) for chain in chains],
            crystal=as_built(read_cif(cif), read_json(structures)),
            repeat=repeat,
            charges=charges,
            temperature_k=msd["temperature_k"],
            settings=analysis.Settings(
                core_fraction=settings["core_fraction"],
                concerted_window_ps=settings["concerted_window_ps"],
                fewest_hops=settings["fewest_hops"],
                confidence=confidence,
                seed=seed,
            ),
            window_ps=tuple(msd["fit_window_ps"]) if diffusive else None,
            d_self=msd["d_self_cm2_per_s"] if diffusive and _of_ions(msd) else None,
        )
        data = numbers.collect(found)
    except HostLeft as error:
        data = numbers.refused(error.what, temperature_k=msd["temperature_k"], mobile=trajectories[0].mobile)
    write_hops(Path(hops), found)
    _write_profiles(Path(profiles), data)
    write_traces(Path(traces), found)
    write_arrays(Path(arrays), found)
    write_json(Path(result), data)


def _of_ions(msd: Mapping) -> bool:
    """Whether D_self is the mean over ions, as hops have it: not where displacements count by unlike charges."""
    return len({abs(one["charge_e"]) for one in msd.get("carriers", {}).values()}) < 2


def as_built(crystal: Crystal, summary: Mapping) -> Crystal:
    """The crystal with the occupancies of the orderings: a site that is full in the CIF may be partly empty in them.

    Parameters
    ----------
    summary
        What `dlmd.structures.cells.summary` wrote.
    """
    built: dict[str, dict[str, float]] = {site.label: {} for site in crystal.sites}
    for row in summary["sites"]:
        if row["realised_occupancy"] > 0:
            built[row["site"]][row["species"]] = row["realised_occupancy"]
    sites = tuple(replace(site, occupancy=built[site.label]) for site in crystal.sites)
    return replace(crystal, sites=sites)


def _host(chain: Sequence[str], mobile: str) -> Host:
    """Mean positions of the host of one run, from the frames of all atoms."""
    from dlmd.mechanism.analysis import Host
    from dlmd.trajectory.segments import all_atoms

    atoms = all_atoms(chain, max_frames=HOST_FRAMES)
    still = np.array([s not in elements(mobile) for s in atoms.symbols])
    weights = atoms.masses_amu[still] / atoms.masses_amu[still].sum()
    mean = np.zeros((int(still.sum()), 3))
    for frame in atoms.positions:
        host = frame[still].astype(float)
        mean += host - weights @ host
    return Host(
        positions=mean / len(atoms.positions),
        species=[s for s, keep in zip(atoms.symbols, still, strict=True) if keep],
        centre=weights @ atoms.positions[0][still].astype(float),
    )


def write_hops(path: Path, found: Mechanism | None) -> None:
    """One row per hop."""
    header = [*"run ion time_ps from_site to_site from_type to_type class direction dx_a dy_a dz_a".split()]
    rows = []
    if found is not None:
        names, groups = found.classes
        for number, (network, table, group, family) in enumerate(
            zip(found.networks, found.tables, groups, found.directions, strict=True)
        ):
            kinds = [network.labels[k] for k in network.type_of_site]
            for i in np.argsort(table.time_ps, kind="stable"):
                a, b = table.origin[i], table.target[i]
                vector = [f"{x:.3f}" for x in table.vector_a[i]]
                place = [number, table.ion[i], f"{table.time_ps[i]:.4f}", a, b, kinds[a], kinds[b]]
                rows.append([*place, names[group[i]], family[i], *vector])
    write_table(path, header, rows, line_end="\n")


def _write_profiles(path: Path, data: Mapping) -> None:
    """Free energy along every kind of path."""
    rows = [
        [p["name"], f"{x:.4f}", f"{x * p['length_a']:.4f}", "" if e is None else f"{e:.5f}"]
        for p in data.get("profiles", [])
        for x, e in zip(p["along"], p["free_energy_ev"], strict=True)
    ]
    write_table(path, ["path", "along", "distance_a", "free_energy_ev"], rows, line_end="\n")


def write_traces(path: Path, found: Mechanism | None) -> None:
    """Displacement of the traced ions along a, b and c*."""
    from dlmd.transport.msd import cell_axes

    rows = []
    for trace in found.traces if found else []:
        away = (trace.positions - trace.positions[0]) @ cell_axes(found.networks[trace.run].cell).T
        rows += [
            [trace.kind, trace.run, trace.ion, f"{t:.4f}", *(f"{x:.3f}" for x in d)]
            for t, d in zip(trace.time_ps, away, strict=True)
        ]
    write_table(path, ["kind", "run", "ion", "time_ps", "da_a", "db_a", "dc_star_a"], rows, line_end="\n")


def write_arrays(path: Path, found: Mechanism | None) -> None:
    """NPZ: the density in the unit cell, and for every trace its positions with the sites and the host of its run."""
    arrays: dict[str, Any] = {}
    if found is not None:
        network = found.networks[0]
        arrays = {
            "unit_cell_a": network.cell / np.array(network.repeat)[:, None],
            "density_per_a3": found.density.astype(np.float32),
        }
        for number, trace in enumerate(found.traces):
            network, host = found.networks[trace.run], found.hosts[trace.run]
            arrays |= {
                f"trace{number}_time_ps": trace.time_ps,
                f"trace{number}_positions_a": trace.positions,
                f"trace{number}_cell_a": network.cell,
                f"trace{number}_sites_a": network.positions[network.resting],
                f"trace{number}_layers": network.layer[network.resting],
                f"trace{number}_host_a": host.positions,
                f"trace{number}_host_species": np.array(host.species),
            }
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def plot(
    result: str,
    arrays: str,
    *,
    sites: Sequence[str],
    hops: Sequence[str],
    density: Sequence[str],
    traces: Sequence[str],
) -> None:
    """The figures of one temperature."""
    from dlmd.base.plot_style import message, save
    from dlmd.mechanism import pathway_plots, plots

    data = read_json(result)
    drawn = (
        (plots.sites, sites),
        (plots.hops, hops),
        (pathway_plots.density, density),
        (pathway_plots.traces, traces),
    )
    loaded = read_npz(arrays)
    for draw, paths in drawn:
        if "sites" not in data:
            save(message(f"{data['temperature_k']:g} K: {data['verdict']['message']}"), paths)
        else:
            save(draw(data, loaded), paths)


def summary(
    results: Sequence[str],
    *,
    arrhenius: str,
    result: str,
    table: str,
    figures: Sequence[str],
    confidence: float,
) -> None:
    """Hop rates over all temperatures, their activation energies beside those of transport; JSON, CSV and figure."""
    from dlmd.base.plot_style import save
    from dlmd.mechanism import plots
    from dlmd.mechanism import summary as mechanism_summary

    temperatures = [read_json(p) for p in results]
    data = mechanism_summary.summarise(temperatures, read_json(arrhenius), confidence=confidence)
    write_json(Path(result), data)
    columns, rows = mechanism_summary.table(temperatures)
    write_table(table, columns, rows, line_end="\n")
    save(plots.rates(data), figures)
