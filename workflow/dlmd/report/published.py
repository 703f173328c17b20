"""This run against published values, row by row, with the deviation in units of this run's error bar.

An interval of the config's confidence counts as that many standard errors (95 %: 1.96) on the side of the published value.
Quantities that are positive and spread over orders of magnitude (conductivity, Haven ratio) deviate in their logarithm. What has
no error bar here (lattice parameters of one relaxation, force errors, barriers of a few environments) gets none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dlmd.base.files import write_csv
from dlmd.base.formatting import interval, predicted, spread
from dlmd.config.published import conductivities
from dlmd.run.results import LevelResults

LATTICE = {"a": "a (Å)", "b": "b (Å)", "c": "c (Å)", "beta": "β (°)"}
ERRORS = {
    "energy_mae_mev_per_atom": "energy MAE, held out (meV/atom)",
    "energy_rmse_mev_per_atom": "energy RMSE, held out (meV/atom)",
    "force_mae_mev_per_a": "force MAE, held out (meV/Å)",
    "force_rmse_mev_per_a": "force RMSE, held out (meV/Å)",
}
COLUMNS = ("quantity", "this run", "published", "source", "deviation", "in error bars", "in words")
NONE = "–"


def rows(
    results: LevelResults, published: Mapping, *, temperatures: Sequence[Mapping], confidence: float
) -> list[dict]:
    """Rows of the table, keys `COLUMNS`; empty without published values.

    Parameters
    ----------
    published
        The reference file of the material (config/reference).
    temperatures
        Contents of transport/<level>/<T>K.json.
    confidence
        Of the intervals in the run's files.
    """
    return [
        *_transport(results.arrhenius, published, temperatures, confidence),
        *_lattice([r for r in results.run.lattice if r["source"] == results.name], published),
        *_peaks(results.rdf, published),
        *_barriers(results.barriers, published),
        *_potential(results.errors, published),
    ]


def deviation(
    estimate: Mapping[str, float], published: float, *, confidence: float, logarithmic: bool
) -> float | None:
    """How many standard errors lie between this run's value and the published one; positive where this run is above.

    None where the interval is not finite, or reaches zero while the deviation is one of logarithms.
    """
    value, low, high = (estimate[k] for k in ("value", "low", "high"))
    if logarithmic:
        if min(value, low, published) <= 0:
            return None
        value, low, high, published = np.log([value, low, high, published])
    reach = high - value if published > value else value - low
    if not np.isfinite(reach) or reach <= 0:
        return None
    from scipy.special import ndtri

    return float((value - published) / reach * ndtri(0.5 + confidence / 2))


def _row(
    quantity: str,
    shown: str,
    published: float,
    source: str,
    off: str,
    sigmas: float | None = None,
    words: str = "",
) -> dict:
    in_bars = NONE if sigmas is None else f"{sigmas:+.1f}"
    return dict(zip(COLUMNS, (quantity, shown, f"{published:g}", source, off, in_bars, words), strict=True))


def _judged(
    quantity: str, estimate: Mapping, values: Mapping[str, float], confidence: float, *, logarithmic: bool
) -> list[dict]:
    out = []
    for source, value in values.items():
        sigmas = deviation(estimate, value, confidence=confidence, logarithmic=logarithmic)
        off = f"× {estimate['value'] / value:.3g}" if logarithmic else f"{estimate['value'] - value:+.3f}"
        inside = estimate["low"] <= value <= estimate["high"]
        words = "within the interval" if inside else "outside the interval"
        out.append(
            _row(
                quantity,
                interval(estimate, ".3g" if logarithmic else ".3f"),
                value,
                source,
                off,
                sigmas,
                words,
            )
        )
    return out


def _transport(
    fitted: Mapping, published: Mapping, temperatures: Sequence[Mapping], confidence: float
) -> list[dict]:
    out: list[dict] = []
    fit = (fitted.get("fits") or {}).get("conductivity")
    if fit:
        section = published.get("conductivity_ms_per_cm")
        for p in fit["predictions"]:
            t = p["temperature_k"]
            if section and abs(t - section["temperature_k"]) < 1:
                mark = f", extrapolated by {p['beyond_range_k']:.0f} K" if p["extrapolated"] else ""
                name = f"σ at {t:g} K (mS/cm){mark}"
                if p["value_ms_per_cm"] is None:
                    out += [
                        _row(name, predicted(p), v, s, NONE, words=NONE) for s, v in section["values"].items()
                    ]
                    continue
                out += _judged(name, p["value_ms_per_cm"], section["values"], confidence, logarithmic=True)
        energies = published.get("activation_energy_ev", {})
        out += _judged(
            "E_a of ln(σT) (eV)", fit["activation_energy_ev"], energies, confidence, logarithmic=False
        )
    out += _coldest(published, temperatures, confidence)
    usable = [t for t in temperatures if t["verdict"]["code"] == "ok" and t.get("haven_ratio")]
    if usable and published.get("haven_ratio"):
        first = usable[0]
        name = f"Haven ratio, here at {first['temperature_k']:g} K"
        out += _judged(name, first["haven_ratio"], published["haven_ratio"], confidence, logarithmic=True)
    return out


def _coldest(published: Mapping, temperatures: Sequence[Mapping], confidence: float) -> list[dict]:
    """The coldest conductivity of the run, where it says most of room temperature without a fit, against published lines."""
    usable = [t for t in temperatures if t["verdict"]["code"] == "ok" and t.get("conductivity_ms_per_cm")]
    if not usable:
        return []
    cold = min(usable, key=lambda t: t["temperature_k"])
    at = cold["temperature_k"]
    lines = {
        f"{label}, along its {point.activation_energy_ev:g} eV": float(f"{value:.3g}")
        for label, point in conductivities(published).items()
        if (value := point.at(at)) is not None
    }
    return _judged(
        f"σ at {at:g} K (mS/cm)", cold["conductivity_ms_per_cm"], lines, confidence, logarithmic=True
    )


def _lattice(own: Sequence[Mapping], published: Mapping) -> list[dict]:
    """Mean over this run's orderings of an occupancy against each published cell of that occupancy."""
    out = []
    for entry in published.get("lattice", ()):
        same = [r for r in own if r["occupancy"] == str(entry["occupancy"])]
        for key, name in LATTICE.items():
            if same and key in entry:
                value = sum(float(r[key]) for r in same) / len(same)
                off = (
                    f"{value - entry[key]:+.2f}°"
                    if key == "beta"
                    else f"{100 * (value / entry[key] - 1):+.1f} %"
                )
                quantity = f"{name}, occupancy {entry['occupancy']}"
                out.append(_row(quantity, f"{value:.3f}", entry[key], entry["label"], off))
    return out


def _peaks(rdf: Mapping, published: Mapping) -> list[dict]:
    found = rdf.get("first_peak_a", {}).get("potential", {})
    out = []
    for pair, value in published.get("rdf_first_peak_a", {}).items():
        key = "-".join(sorted(pair.split("-")))
        if found.get(key):
            off = f"{found[key] - value:+.2f} Å"
            out.append(_row(f"first peak of g(r), {pair} (Å)", f"{found[key]:.2f}", value, "paper", off))
    return out


def _barriers(found: Mapping, published: Mapping) -> list[dict]:
    """Median over environments; within the range of a few environments is all that can be said."""
    hops = {h["label"]: h for h in found.get("hops", ()) if h["method"] == "potential"}
    out = []
    for label, value in published.get("neb_barriers_ev", {}).items():
        barriers = hops.get(label, {}).get("barrier_forward_ev")
        if barriers:
            low, middle, high = (barriers[k] for k in ("low", "median", "high"))
            count = hops[label]["counted"]
            one = count == 1
            shown = f"{middle:.3f}" if one else spread(barriers, ".3f")
            words = (
                "one environment only"
                if one
                else ("within" if low <= value <= high else "outside") + " the environments' range"
            )
            out.append(
                _row(f"barrier {label} (eV)", shown, value, "paper", f"{middle - value:+.3f}", words=words)
            )
    return out


def _potential(errors: Mapping, published: Mapping) -> list[dict]:
    reference = published.get("potential_errors", {})
    return [
        _row(name, f"{errors[key]:.3g}", reference[key], "paper", f"× {errors[key] / reference[key]:.3g}")
        for key, name in ERRORS.items()
        if key in errors and key in reference
    ]


def write(path: Path, levels: Mapping[str, Sequence[Mapping]]) -> None:
    """comparison.csv of a run: the rows of all levels, the level first."""
    rows = [{"level": level, **row} for level, found in levels.items() for row in found]
    write_csv(path, rows, ["level", *COLUMNS])
