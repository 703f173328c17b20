"""The answer of a run, first on its page: three numbers in large type, and the table with published values beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlmd.base.formatting import how_known, interval, pairs, predicted, rounded
from dlmd.base.verdicts import Verdict


def table(fitted: Mapping, temperatures: Sequence[Mapping], published: Mapping) -> list[dict]:
    """Rows of the answer, published values beside: conductivity where asked for, activation energies, Haven ratio."""
    rows = []
    if fitted["fits"]:
        sigma_fit, paper_fit = fitted["fits"]["conductivity"], fitted["fits"]["conductivity_paper_convention"]
        section = published.get("conductivity_ms_per_cm", {})
        for prediction in sigma_fit["predictions"]:
            t = prediction["temperature_k"]
            near = section and abs(section["temperature_k"] - t) < 1
            rows.append(
                {
                    "quantity": f"conductivity at {t:g} K (mS/cm)",
                    "this run": predicted(prediction),
                    "how": how_known(prediction),
                    "published": pairs(section["values"]) if near else "",
                }
            )
        energies = pairs(published.get("activation_energy_ev", {}))
        of_each = [
            (f"activation energy of self-diffusion of {name} (eV)", found["fits"]["d_self"], "")
            for name, found in fitted.get("carriers", {}).items()
            if found["fits"]
        ]
        for label, fit, beside in (
            ("activation energy, ln(σT) against 1/T (eV)", sigma_fit, energies),
            ("activation energy, ln σ against 1/T, the paper's convention (eV)", paper_fit, energies),
            ("activation energy of self-diffusion (eV)", fitted["fits"]["d_self"], ""),
            *of_each,
        ):
            rows.append(
                {
                    "quantity": label,
                    "this run": interval(fit["activation_energy_ev"]),
                    "how": points_of(fit),
                    "published": beside,
                }
            )
    usable = [t for t in temperatures if t["verdict"]["code"] == "ok" and t["haven_ratio"]]
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


def points_of(fit: Mapping) -> str:
    """What a line goes through: each quantity has temperatures of its own, and a bound moves the line too."""
    bounds = ", ".join(f"{b['temperature_k']:g}" for b in fit["bounds"])
    text = f"{len(fit['points'])} temperatures"
    return f"{text} and a bound at {bounds} K" if bounds else text


def headline(fitted: Mapping, temperatures: Sequence[Mapping]) -> list[dict]:
    """The answer in three numbers: title, value, interval and what to know of it. A verdict where there is no number."""
    cards = []
    fits = fitted["fits"] or {}
    if fits:
        for p in fits["conductivity"]["predictions"]:
            cards.append(_predicted_card(p))
        count = points_of(fits["conductivity"])
        if fitted["verdict"]["code"] == Verdict.SHOWS_THE_WAY.value:
            count += "; shows the way, not the value"
        elif fitted["verdict"]["code"] == Verdict.NOT_ARRHENIUS.value:
            count += "; a mean, the points bend"
        if (chi := fits["conductivity"].get("reduced_chi_squared")) is not None:
            count += f"; χ² per degree of freedom {chi:.2g}"
        cards.append(
            _card("activation energy of σT", fits["conductivity"]["activation_energy_ev"], "eV", count)
        )
    usable = [t for t in temperatures if t["verdict"]["code"] == "ok" and t.get("haven_ratio")]
    if usable:
        at = f"at {usable[0]['temperature_k']:g} K, the lowest usable temperature"
        cards.append(_card("Haven ratio", usable[0]["haven_ratio"], "", at))
    return cards


def _predicted_card(prediction: Mapping) -> dict:
    """A conductivity elsewhere; where it is no value, the card says so."""
    title, note, shown = (
        f"σ at {prediction['temperature_k']:g} K",
        how_known(prediction),
        prediction.get("shown", "value"),
    )
    estimate = prediction["value_ms_per_cm"]
    if shown == "value":
        return _card(title, estimate, "mS/cm", note)
    if shown == "magnitude":
        value, low, high = (rounded(estimate[k]) for k in ("value", "low", "high"))
        card = {"value": f"about {value}", "unit": "mS/cm", "range": f"{low} to {high}"}
    else:
        card = {"value": "withheld", "unit": "", "range": "no order of magnitude"}
    return {"title": title, **card, "note": note}


def _card(title: str, estimate: Mapping[str, float], unit: str, note: str) -> dict:
    value, low, high = (f"{estimate[k]:.3g}" for k in ("value", "low", "high"))
    return {"title": title, "value": value, "unit": unit, "range": f"{low} to {high}", "note": note}
