"""One HTML page of somebody's own trajectories: verdicts, numbers, curves, what was noticed while reading, and the inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dlmd.base.files import write_text
from dlmd.base.formatting import how_known, interval, predicted
from dlmd.report import charts, pages, tables

AXES = {"a": "a", "b": "b", "c_star": "c*"}


def write(
    path: Path,
    results: Sequence[Mapping],
    *,
    fitted: Mapping | None,
    figures: Sequence[tuple[str, Path, dict | None]],
) -> None:
    """Write the page.

    Parameters
    ----------
    results
        Transport results with their provenance, one per temperature.
    fitted
        The Arrhenius fit through them, where there is one.
    figures
        Caption, PNG file and zoomable chart (or None) of each figure.
    """
    zoomable = find_spec("plotly") is not None
    page = pages.render(
        "own.html.j2",
        title=_title(results),
        rows=[tables.temperature(result) for result in _ordered(results)],
        verdicts=[
            f"{result['temperature_k']:g} K: {gate['message']}; {gate['remedy']}"
            for result in _ordered(results)
            for gate in result["verdict"]["gates"]
        ],
        axes=[row for result in _ordered(results) for row in _axes(result)],
        **tables.several_carriers(_ordered(results)),
        fit=_fit(fitted),
        notes=[
            {"T (K)": f"{r['temperature_k']:g}", "what was noticed": note}
            for r in _ordered(results)
            for note in r["notes"]
        ],
        figures=[
            {
                "id": file.stem,
                "alt": caption,
                "image": pages.embedded(file),
                "caption": caption,
                "links": [{"label": "PNG", "href": file.name}],
                "chart": chart if zoomable else None,
            }
            for caption, file, chart in figures
        ],
        systems=[_system(result) for result in _ordered(results)],
        files=[
            {
                "T (K)": f"{r['temperature_k']:g}",
                "file": f["path"],
                "bytes": f["bytes"],
                "SHA-256": list(f.values())[-1],
            }
            for r in _ordered(results)
            for f in r["provenance"]["inputs"]
        ],
        commands=list(dict.fromkeys(r["provenance"]["command"] for r in results)),
        versions=[{"package": p, "version": v} for p, v in results[0]["provenance"]["versions"].items()],
        plotly=_plotly() if zoomable else None,
    )
    write_text(path, page)


def msd_chart(results: Sequence[Mapping]) -> dict:
    """The zoomable MSD of all temperatures."""
    return charts.msd(_ordered(results))


def _ordered(results: Sequence[Mapping]) -> list[Mapping]:
    return sorted(results, key=lambda r: r["temperature_k"])


def _title(results: Sequence[Mapping]) -> str:
    first = results[0]
    formula = "".join(f"{kind}{n if n > 1 else ''}" for kind, n in first.get("composition", {}).items())
    temperatures = ", ".join(f"{r['temperature_k']:g}" for r in _ordered(results))
    return f"{first['mobile']} in {formula or 'its host'} at {temperatures} K"


def _axes(result: Mapping) -> list[dict]:
    if not result.get("axes"):
        return []
    return [
        {
            "T (K)": f"{result['temperature_k']:g}",
            "along": AXES[axis],
            "D_self (cm²/s)": _shown(numbers["d_self_cm2_per_s"]),
            "σ (mS/cm)": _shown(numbers["conductivity_ms_per_cm"]),
        }
        for axis, numbers in result["axes"].items()
    ]


def _shown(estimate: Mapping | None) -> str:
    return interval(estimate) if estimate else "–"


def _fit(fitted: Mapping | None) -> list[dict]:
    if not fitted:
        return []
    if not fitted["fits"]:
        return [{"fit": fitted["verdict"]["message"]}]
    rows: list[dict[str, Any]] = [
        {"": f"E_a, {fit['quantity']}", "value": interval(fit["activation_energy_ev"], ".3f", unit="eV")}
        for fit in fitted["fits"].values()
        if fit and fit.get("activation_energy_ev")
    ]
    for name, one in fitted.get("carriers", {}).items():
        rows += [
            {
                "": f"E_a of {name} by itself, {fit['quantity']}",
                "value": interval(fit["activation_energy_ev"], ".3f", unit="eV"),
            }
            for kind, fit in (one["fits"] or {}).items()
            if kind == "d_self" and fit and fit.get("activation_energy_ev")
        ]
    conductivity = fitted["fits"].get("conductivity")
    for prediction in conductivity["predictions"] if conductivity else []:
        rows.append(
            {
                "": f"σ at {prediction['temperature_k']:g} K, {how_known(prediction)}",
                "value": predicted(prediction),
            }
        )
    return rows


def _system(result: Mapping) -> dict:
    return {
        "T (K)": f"{result['temperature_k']:g}",
        "ions": f"{result['n_ions']} {result['mobile']} ({result['charge_e']:+g} e)",
        "host atoms": result["n_host_atoms"],
        "volume (Å³)": f"{result['volume_a3']:.1f}",
        "frames": result["n_frames"],
        "every (ps)": f"{result['frame_interval_ps']:g}",
        "runs": result["replicas"],
        "fit window (ps)": " to ".join(f"{t:.3g}" for t in result["fit_window_ps"] or []) or "–",
    }


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
