"""The lattice of production at a temperature: the mean cell of runs at zero pressure, or measured parameters that expand.

A mean cell counts only where the volume has settled, enough independent volumes were seen, the mean pressure is zero within its
error, and the host is still the crystal that the runs began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base import time_series
from dlmd.base.errors import DlmdError
from dlmd.base.units import GPA_PER_BAR
from dlmd.md.cell_file import box
from dlmd.trajectory import segments
from dlmd.trajectory.host import host_health

VERSION = 1
LATTICE = ("a", "b", "c", "alpha", "beta", "gamma")
BOX = ("lx_angstrom", "ly_angstrom", "lz_angstrom", "xy_angstrom", "xz_angstrom", "yz_angstrom")
_HEALTH_FRAMES = 200


@dataclass(frozen=True)
class Judged:
    """Bounds that a mean cell must keep (the section `md.npt` of the config, and `transport.max_host_shift_angstrom`)."""

    min_independent: float
    max_volume_error: float
    max_pressure_gpa: float
    max_host_shift_angstrom: float
    confidence: float


def cells(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """LAMMPS' cells (rows, 3, 3) from the columns of thermo.csv, rows of a cell in Å."""
    lx, ly, lz, xy, xz, yz = (table[name] for name in BOX)
    zero = np.zeros_like(lx)
    return np.stack(
        [np.stack(row, axis=-1) for row in ((lx, zero, zero), (xy, ly, zero), (xz, yz, lz))], axis=-2
    )


def cell_parameters(found: np.ndarray) -> np.ndarray:
    """a, b, c (Å) and alpha, beta, gamma (degrees) of cells (..., 3, 3): (..., 6)."""
    lengths = np.linalg.norm(found, axis=-1)
    unit = found / lengths[..., None]
    pairs = [(1, 2), (0, 2), (0, 1)]
    angles = [np.degrees(np.arccos((unit[..., i, :] * unit[..., j, :]).sum(-1))) for i, j in pairs]
    return np.concatenate([lengths, np.stack(angles, axis=-1)], axis=-1)


def mean_cell(
    sidecars: Sequence[str | Path], *, unit_cell: Mapping[str, float], repeat: Sequence[int], judged: Judged
) -> dict[str, Any]:
    """Mean lattice parameters of a run at constant pressure, with intervals, from its chain of segments.

    Parameters
    ----------
    unit_cell
        Lattice parameters that the run began with: a, b, c (Å), alpha, beta, gamma (degrees).
    repeat
        Unit cells along a, b, c.

    Returns
    -------
    dict
        `unit_cell` and `intervals` by parameter and `volume` (per unit cell, Å³), `pressure_gpa` [mean, low, high],
        `length_ps`, `discarded_ps`, `independent`, `temperature_k`, `host_shift_angstrom` by species.

    Raises
    ------
    DlmdError
        where the mean does not count: too few independent volumes, an interval that is too wide, a volume that goes on changing,
        a mean pressure, a host that has left its places.
    """
    from ase.geometry import cellpar_to_cell

    chain = segments.read_sidecars(sidecars)
    table = segments.thermodynamics(chain, ("step", "temperature_k", "pressure_bar", *BOX))
    where = str(Path(sidecars[0]).parent)
    start_cell = cellpar_to_cell(
        [
            *(unit_cell[key] * n for key, n in zip(LATTICE[:3], repeat, strict=True)),
            *(unit_cell[k] for k in LATTICE[3:]),
        ]
    )
    # back from LAMMPS' choice of edges to the crystal's
    found = np.linalg.inv(box(start_cell).flips) @ cells(table)
    parameters = cell_parameters(found)
    parameters[:, :3] /= np.array(repeat)
    volumes = np.abs(np.linalg.det(found)) / np.prod(repeat)
    volume = time_series.mean(volumes, confidence=judged.confidence)
    _check_volume(volumes, volume, times=table["time_ps"], where=where, judged=judged)
    pressure = time_series.mean(
        table["pressure_bar"] * GPA_PER_BAR, confidence=judged.confidence, start=volume.start
    )
    if abs(pressure.value) > judged.max_pressure_gpa and not pressure.low <= 0 <= pressure.high:
        raise DlmdError(
            f"the mean pressure is {pressure.value:.3f} GPa ({pressure.low:.3f} to {pressure.high:.3f}), not zero",
            where=where,
            remedy="the barostat is too slow for the run: lower md.npt.damping_fs or raise md.npt.segments",
        )
    shift = _host_shift(sidecars, chain, table, found.mean(axis=0))
    worst = max(shift, key=lambda kind: shift[kind], default=None)
    if worst is not None and shift[worst] > judged.max_host_shift_angstrom:
        raise DlmdError(
            f"half of the {worst} rest {shift[worst]:.2f} Å and more from where they were, limit "
            f"{judged.max_host_shift_angstrom:g}: the crystal has changed its structure",
            where=where,
            remedy="leave this temperature out, or raise transport.max_host_shift_angstrom for hosts with rotating groups",
        )
    means = {
        key: time_series.mean(parameters[:, i], confidence=judged.confidence, start=volume.start)
        for i, key in enumerate(LATTICE)
    } | {"volume": volume}
    return {
        "unit_cell": {key: m.value for key, m in means.items()},
        "intervals": {key: [m.low, m.high] for key, m in means.items()},
        "pressure_gpa": [pressure.value, pressure.low, pressure.high],
        "temperature_k": float(table["temperature_k"][volume.start :].mean()),
        "length_ps": float(table["time_ps"][-1]),
        "discarded_ps": float(table["time_ps"][volume.start]),
        "independent": volume.independent,
        "host_shift_angstrom": shift,
    }


def _check_volume(
    volumes: np.ndarray, volume: time_series.Mean, *, times: np.ndarray, where: str, judged: Judged
) -> None:
    remedy = "raise md.npt.segments; what has been run is kept"
    kept = volumes[volume.start :]
    half = len(kept) // 2
    first, last = (
        time_series.mean(part, confidence=judged.confidence, start=0) for part in (kept[:half], kept[half:])
    )
    change = last.value - first.value
    # half-widths are those of a confidence interval: their sum in quadrature bounds the difference
    reach = float(np.hypot(first.high - first.value, last.high - last.value))
    if abs(change) > max(reach, judged.max_volume_error * volume.value):
        raise DlmdError(
            f"the volume goes on changing: {change / volume.value:+.2%} between the halves of the last "
            f"{times[-1] - times[volume.start]:.3g} ps",
            where=where,
            remedy=remedy,
        )
    if volume.independent < judged.min_independent:
        raise DlmdError(
            f"{volume.independent:.1f} independent volumes in {times[-1]:.3g} ps, md.npt.min_independent is "
            f"{judged.min_independent:g}",
            where=where,
            remedy=remedy,
        )
    error = (volume.high - volume.value) / volume.value
    if error > judged.max_volume_error:
        raise DlmdError(
            f"the mean volume is known to {error:.2%}, md.npt.max_volume_error is {judged.max_volume_error:.2%}",
            where=where,
            remedy=remedy,
        )


def _host_shift(
    sidecars: Sequence[str | Path], chain: Sequence, table: Mapping[str, np.ndarray], mean: np.ndarray
) -> dict[str, float]:
    """How far the host's atoms rest, at the end, from where they were at the start (Å, median by species), the cell's own changes
    taken out: fractional coordinates relative to the host's centre, in the mean cell."""
    atoms = segments.all_atoms(sidecars, max_frames=_HEALTH_FRAMES)
    mobile = np.isin(np.arange(len(atoms.symbols)), np.array(chain[0][1]["ids"]) - 1)
    if mobile.all():
        return {}
    at = {name: np.interp(atoms.steps, table["step"], table[name]) for name in BOX}
    host = atoms.positions[:, ~mobile].astype(float)
    weights = atoms.masses_amu[~mobile] / atoms.masses_amu[~mobile].sum()
    host -= np.einsum("fai,a->fi", host, weights)[:, None]
    fractional = host @ np.linalg.inv(cells(at))
    settled = cells({name: np.array([table[name].mean()]) for name in BOX})[0]
    kinds = [s for s, m in zip(atoms.symbols, mobile, strict=True) if not m]
    health = host_health(fractional @ settled, np.zeros((len(host), 3)), kinds, cell=settled)
    return health.median_shift_a


def averaged(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One lattice from those of several runs (orderings, potentials): means, and the wider of the runs' own mean interval and
    the scatter between the runs."""
    keys = (*LATTICE, "volume")
    unit_cell, intervals = {}, {}
    for key in keys:
        own = np.array([run["intervals"][key] for run in runs])
        value, reach = time_series.mean_of_runs(
            [run["unit_cell"][key] for run in runs], (own[:, 1] - own[:, 0]) / 2
        )
        unit_cell[key], intervals[key] = value, [value - reach, value + reach]
    pressure = np.mean([run["pressure_gpa"] for run in runs], axis=0)
    return {"unit_cell": unit_cell, "intervals": intervals, "pressure_gpa": pressure.tolist()}


def measured(
    parameters: Sequence[float], *, measured_at_k: float, temperature_k: float, expansion_per_k: float
) -> dict[str, float]:
    """Measured lattice parameters (a, b, c in Å, angles in degrees) at another temperature: lengths grow linearly."""
    from ase.geometry import cellpar_to_cell

    factor = 1 + expansion_per_k * (temperature_k - measured_at_k)
    lengths = [length * factor for length in parameters[:3]]
    volume = float(np.abs(np.linalg.det(cellpar_to_cell([*lengths, *parameters[3:]]))))
    return dict(zip(LATTICE, [*lengths, *parameters[3:]], strict=True)) | {"volume": volume}


def expansion(rows: Sequence[Mapping[str, Any]], *, confidence: float) -> dict[str, Any] | None:
    """Coefficient of volume thermal expansion (1/K) from the volumes of at least three temperatures: slope of a weighted line
    by the volume at the mean temperature, with its interval; None with fewer.

    Parameters
    ----------
    rows
        `temperature_k`, and `unit_cell` and `intervals` as `averaged` gives them.
    """
    from scipy.special import ndtri

    if len(rows) < 3:
        return None
    t = np.array([row["temperature_k"] for row in rows], float)
    v = np.array([row["unit_cell"]["volume"] for row in rows])
    reach = np.array([(row["intervals"]["volume"][1] - row["intervals"]["volume"][0]) / 2 for row in rows])
    quantile = float(ndtri(0.5 + confidence / 2))
    weight = 1 / np.maximum(reach / quantile, 1e-9 * v) ** 2
    middle = (weight * t).sum() / weight.sum()
    spread = (weight * (t - middle) ** 2).sum()
    slope = (weight * (t - middle) * v).sum() / spread
    mean = (weight * v).sum() / weight.sum()
    rest = float((weight * (v - mean - slope * (t - middle)) ** 2).sum() / max(len(t) - 2, 1))
    error = float(np.sqrt(max(rest, 1.0) / spread)) * quantile
    return {
        "value_per_k": slope / mean,
        "low_per_k": (slope - error) / mean,
        "high_per_k": (slope + error) / mean,
    }
