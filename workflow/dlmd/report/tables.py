"""The report's tables: rows of text from the run's result files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmd.base.carriers import spoken
from dlmd.base.formatting import interval, known, number, pairs
from dlmd.base.units import BOLTZMANN_EV_PER_K, EV_PER_A3_PER_GPA
from dlmd.base.verdicts import Verdict
from dlmd.report.trust import frames_in_words

if TYPE_CHECKING:
    from dlmd.config.run_config import RunConfig

LATTICE = ("a", "b", "c", "beta")
CELL = ("a", "b", "c", "alpha", "beta", "gamma", "volume")
NONE = "–"
# 1 and 3 cm³/mol: an assumption, for an idea of what a pressure does
ACTIVATION_VOLUMES_A3 = (1.66, 4.98)
SIZE_COLUMNS = {
    "D_self (cm²/s)": "d_self_cm2_per_s",
    "D_total (cm²/s)": "d_total_cm2_per_s",
    "σ (mS/cm)": "conductivity_ms_per_cm",
    "Haven ratio": "haven_ratio",
}
DFT_NAMES = {"vasp": "VASP", "gpaw": "GPAW", "espresso": "Quantum ESPRESSO", "cp2k": "CP2K"}
# of a level whose potential was given without labels
NO_LABELS = "The potential was given, and no labels to judge it by: its errors are not known here."


def temperature(result: Mapping, published: Mapping | None = None) -> dict:
    """One temperature's row; beside σ what published lines have there, where the sources have an activation energy."""
    beside = published_lines(published, result["temperature_k"])
    ok = result["verdict"]["code"] == "ok"
    by_eq11 = number(result["paper_reading"]["conductivity_eq11_ms_per_cm"]) if ok else NONE

    def show(key: str) -> str:
        # an upper bound has a verdict and is shown; a ratio to what may be 0 has no value
        return interval(result[key]) if result.get(key) else "–"

    return {
        "T (K)": f"{result['temperature_k']:g}",
        "verdict": result["verdict"]["code"].replace("_", " "),
        "σ (mS/cm)": show("conductivity_ms_per_cm"),
        **({"published lines": beside} if beside else {}),
        "D_self (cm²/s)": show("d_self_cm2_per_s"),
        "D_total (cm²/s)": show("d_total_cm2_per_s"),
        "Haven ratio": show("haven_ratio"),
        "run (ps)": f"{result['length_ps']:.4g}",
        "diffusive from (ps)": "–" if result["onset_ps"] is None else f"{result['onset_ps']:.3g}",
        **({"σ by the paper's Eq. 11": by_eq11} if follows_the_paper(published) else {}),
    }


def published_lines(published: Mapping | None, temperature_k: float) -> str:
    """Published conductivities at a temperature, along the activation energies of their sources, as 'source value'."""
    if not published:
        return ""
    # the config's own models take a while to load
    from dlmd.config.published import conductivities

    lines = {name: point.at(temperature_k) for name, point in conductivities(published).items()}
    return pairs({name: float(f"{v:.3g}") for name, v in lines.items() if v is not None})


def follows_the_paper(published: Mapping | None) -> bool:
    """Whether the run is held against the study whose conventions the report shows beside the right ones: the one with a Haven
    ratio."""
    return bool(published and published.get("haven_ratio"))


def several_carriers(temperatures: Sequence[Mapping]) -> dict[str, list[dict]]:
    """Rows of the carriers, and of their matrix of conductivity, at all temperatures; none where there is one carrier."""
    return {
        "carriers": [row for t in temperatures for row in carriers(t)],
        "matrix": [row for t in temperatures for row in matrix(t)],
    }


def carriers(result: Mapping) -> list[dict]:
    """Rows of the carriers at one temperature, where there are several."""
    numbers = (result.get("together") or {}).get("transference", {})
    return [
        {
            "T (K)": f"{result['temperature_k']:g}",
            "ion": f"{one['n_ions']} {name} ({one['charge_e']:+g} e)",
            "verdict": one["verdict"]["code"].replace("_", " "),
            "transference number": interval(numbers[name], ".2f") if numbers.get(name) else NONE,
            "D_self (cm²/s)": interval(one["d_self_cm2_per_s"]) if one["d_self_cm2_per_s"] else NONE,
            "D_total (cm²/s)": interval(one["d_total_cm2_per_s"]) if one["d_total_cm2_per_s"] else NONE,
            "Haven ratio": interval(one["haven_ratio"]) if one["haven_ratio"] else NONE,
        }
        for name, one in result.get("carriers", {}).items()
    ]


def matrix(result: Mapping) -> list[dict]:
    """Rows of the matrix of conductivity at one temperature, where there are several carriers."""
    together = result.get("together") or {}
    return [
        {
            "T (K)": f"{result['temperature_k']:g}",
            "pair": pair,
            "σ (mS/cm)": interval(sigma),
            "correlation": interval(found, ".2f") if (found := together["correlation"].get(pair)) else NONE,
        }
        for pair, sigma in together.get("matrix_ms_per_cm", {}).items()
    ]


def theory(cfg: RunConfig, name: str) -> str:
    level: Any = cfg.levels[name]
    if level.engine in DFT_NAMES:
        u = ", ".join(f"U({element}) = {value:g} eV" for element, value in level.plus_u.items()) or "no U"
        functional = level.functional_name if level.engine == "vasp" else level.functional
        return f"{DFT_NAMES[level.engine]}, {functional}, {u}"
    from dlmd.config.levels import recorded
    from dlmd.labels.engines import base, get

    theory = get(recorded(level)).level
    functional = theory["functional"]
    if functional == base.MATERIALS_PROJECT_PBE:
        functional = base.MATERIALS_PROJECT_PBE_TOLD
    return f"{theory['engine']} {theory['model']}, {functional}"


def structures(rows: Sequence[Mapping]) -> list[dict]:
    """Rows of occupancies.csv under heads to be read."""
    return [{key.replace("_", " "): value for key, value in row.items()} for row in rows]


def lattice(rows: Sequence[Mapping]) -> list[dict]:
    return [
        {
            "source": f"{row['source']}, ordering {row['ordering']} of cell {row['cell']}"
            if row["cell"]
            else row["source"],
            "occupancy": row["occupancy"],
            **{key: f"{float(row[key]):.3f}" for key in LATTICE},
        }
        for row in rows
    ]


def lattices(expansion_found: Mapping, temperatures: Sequence[Mapping]) -> dict[str, Any]:
    """Cell and pressure of production by temperature, and what thermal expansion says."""
    return {
        "lattice": lattice_of_production(expansion_found, temperatures),
        "expansion": expansion(expansion_found),
    }


def lattice_of_production(found: Mapping, temperatures: Sequence[Mapping]) -> list[dict]:
    """Cell and mean pressure of production by temperature; empty where neither is known (results of before)."""
    by_temperature = {row["temperature_k"]: row for row in found.get("temperatures", [])}
    rows = []
    if found:
        rows.append(
            {"T (K)": "0", "cell": "relaxed", **{key: f"{found['relaxed'][key]:.3f}" for key in CELL}}
            | {"pressure (GPa)": NONE, "σ at no pressure": NONE}
        )
    for t in temperatures:
        at = by_temperature.get(t["temperature_k"])
        pressure = t.get("pressure_gpa")
        if at is None and pressure is None:
            continue  # a result of before, of the relaxed cell
        cell = {
            key: _length(at["unit_cell"][key], at.get("intervals", {}).get(key)) if at else NONE
            for key in CELL
        }
        rows.append(
            {"T (K)": f"{t['temperature_k']:g}", "cell": at["lattice"] if at else "relaxed", **cell}
            | {
                "pressure (GPa)": interval(pressure, ".2f") if pressure else NONE,
                "σ at no pressure": _without(pressure["value"], t["temperature_k"]) if pressure else NONE,
            }
        )
    # right angles say nothing
    right = [
        key for key in CELL if all(row[key] == NONE or float(row[key].split(" ")[0]) == 90 for row in rows)
    ]
    return [{key: value for key, value in row.items() if key not in right} for row in rows]


def _without(pressure_gpa: float, temperature_k: float) -> str:
    """Factor of the conductivity without the pressure, exp(p V / k_B T), for activation volumes V of `ACTIVATION_VOLUMES_A3`."""
    thermal = BOLTZMANN_EV_PER_K * temperature_k
    low, high = sorted(
        exp(pressure_gpa * EV_PER_A3_PER_GPA * volume / thermal) for volume in ACTIVATION_VOLUMES_A3
    )
    return f"× {low:.2f} to {high:.2f}"


def size_check(found: Mapping) -> list[dict]:
    """Both cells and their ratios; empty where there is one cell."""
    if not found:
        return []

    def shown(one: Mapping, digits: str = ".3g") -> dict:
        return {name: interval(one[key], digits) if one[key] else NONE for name, key in SIZE_COLUMNS.items()}

    rows = [
        {
            "cell": f"{one['cell']}, {one['n_ions']} mobile ions",
            "T (K)": f"{one['temperature_k']:g}",
            "verdict": one["verdict"]["code"].replace("_", " "),
            "pressure (GPa)": interval(one["pressure_gpa"], ".2f") if one.get("pressure_gpa") else NONE,
            **shown(one),
        }
        for one in found["temperatures"]
    ]
    judged = found["verdict"]["code"].replace("_", " ")
    return [
        *rows,
        {"cell": "larger over smaller", "T (K)": "", "verdict": judged, "pressure (GPa)": ""}
        | shown(found["ratios"]),
    ]


def size_warnings(found: Mapping, fitted: Mapping) -> list[str]:
    """What the second cell says against the answer, unless the verdict on the fit says it already."""
    if not found or found["verdict"]["code"] in (Verdict.OK.value, fitted["verdict"]["code"]):
        return []
    return [f"size of the cell: {found['verdict']['message']}"]


def _length(value: float, span: Sequence[float] | None) -> str:
    if span is None:
        return f"{value:.3f}"
    middle, _, _ = known({"value": value, "low": span[0], "high": span[1]}, ".3f")
    decimals = len(middle.partition(".")[2])
    return f"{middle} ± {(span[1] - span[0]) / 2:.{decimals}f}"


def expansion(found: Mapping) -> str:
    """The coefficient of volume thermal expansion in one line; empty where there is none."""
    value = found.get("volume_expansion")
    if not value:
        return ""
    shown = interval({key: value[f"{key}_per_k"] for key in ("value", "low", "high")}, scale=1e6)
    return f"Volume thermal expansion {shown} × 10⁻⁶ / K."


def given(records: Sequence[Mapping]) -> list[str]:
    """What files of labels that were given do not say of themselves, a sentence for each."""
    silent = {record["file"]["path"]: record.get("taken_for_granted") for record in records}
    return [
        f"{path} does not say all that its labels were computed with; taken to be the level's: "
        + ", ".join(f"{name} {value}" for name, value in found.items())
        + "."
        for path, found in silent.items()
        if found
    ]


def dataset(rows: Sequence[Mapping]) -> str:
    frames: dict[str, list[int]] = {}
    for row in rows:
        if row["status"] == "used":
            frames.setdefault(row["split"], []).append(row["source"])
    counts = (
        f"{len(s)} frames of {len(set(s))} {'source' if len(set(s)) == 1 else 'sources'} for {split}"
        for split, s in frames.items()
    )
    return f"Dataset, split by source (a trajectory, or a file of single points): {', '.join(counts)}."


def errors(errors: Mapping, published: Mapping) -> list[dict]:
    reference = published.get("potential_errors", {})
    rows = [
        ("energy MAE (meV/atom)", "energy_mae_mev_per_atom"),
        ("energy RMSE (meV/atom)", "energy_rmse_mev_per_atom"),
        ("force MAE (meV/Å)", "force_mae_mev_per_a"),
        ("force RMSE (meV/Å)", "force_rmse_mev_per_a"),
        ("RMS force of the reference (meV/Å)", "force_rms_mev_per_a"),
    ]
    shown = [(label, f"{errors[key]:.3g}", reference.get(key, "")) for label, key in rows]
    shown.append(("force RMSE over RMS force", f"{errors['relative_force_rmse']:.1%}", ""))
    for name, one in errors["trajectories"].items():
        slope = one["energy_slope"]
        if slope is not None:
            shown.append((f"slope of predicted over reference energies, {name}", interval(slope, ".3f"), ""))
        pressure = one.get("pressure_error_gpa")
        if pressure is not None:
            shown.append(
                (f"mean error of the pressure (GPa), {frames_in_words(name)}", interval(pressure, "+.2f"), "")
            )
    heads = ("on held-out frames", "this run", "published")[: 3 if reference else 2]
    return [dict(zip(heads, row, strict=False)) for row in shown]


def cost(rows: Sequence[Mapping]) -> list[dict]:
    return [
        {
            "stage": row["stage"],
            "jobs": row["jobs"],
            "wall time of all jobs (s)": f"{float(row['wall_s']):.0f}",
            "CPU time (s)": f"{float(row['cpu_s']):.0f}",
            "core hours": f"{float(row['core_hours']):.3g}",
            "GPU hours": f"{float(row['gpu_hours']):.3g}",
            "largest memory (MB)": f"{float(row['max_memory_mb']):.0f}",
        }
        for row in rows
    ]


def throughput(measured: Sequence[Mapping], published: Mapping) -> list[dict]:
    theirs = published.get("cost", {}).get("dlmd_over_aimd_speed")
    rows = []
    for row in measured:
        saved = row["times_cheaper_than_labels"]
        shown = {
            "level": row["level"],
            "dynamics": row["dynamics"],
            "atoms": f"{float(row['atoms']):.0f}",
            "cores": row["cores"],
            "GPUs": row["gpus"],
            "ns/day": f"{float(row['ns_per_day']):.3g}",
            "atom steps/s": f"{float(row['atom_steps_per_s']):.3g}",
            "core s per atom and ps": f"{float(row['core_s_per_atom_ps']):.3g}",
            "cheaper than labels": f"{float(saved):.3g} times" if saved else "",
        }
        rows.append(shown | ({"published": f"{theirs} times" if saved else ""} if theirs else {}))
    return rows


def asked(cfg: RunConfig, *, atoms: int, ions: int) -> list[dict]:
    """What the run was asked for; `atoms` and `ions` are those of the production cell."""
    md = cfg.md
    runs = md.replicas * md.potentials
    repeat = " × ".join(map(str, cfg.structures.cells[md.cell]))
    rows = {
        "material": f"{Path(cfg.material.cif).stem}, mobile {spoken(cfg.material.mobile)}",
        "production cell": f"{repeat} unit cells, {atoms} atoms, {ions} {spoken(cfg.material.mobile)}, occupancy {md.occupancy}",
        "temperatures (K)": ", ".join(f"{t:g}" for t in md.temperatures_k),
        "sampling": f"{md.segments * md.segment_ps:g} ps at each temperature"
        + (f" in each of {runs} runs" if runs > 1 else "")
        + f", after {md.equilibrate_ps:g} ps of equilibration",
        "labels": "; ".join(f"{name}: {theory(cfg, name)}" for name in cfg.levels),
    }
    return [{"asked": key, "": value} for key, value in rows.items()]
