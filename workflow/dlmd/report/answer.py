"""The answer of a run, first on its page: its numbers in large type, what they are worth, and published values beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlmd.base.formatting import how_known, interval, known, pairs, predicted, rounded
from dlmd.base.verdicts import Verdict
from dlmd.report.tables import follows_the_paper, published_lines
from dlmd.validation.few_labels import d_factor

ENERGY = ".3f"  # eV


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
                    "how": how_known(prediction, remedy=False),
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
            *(
                [("activation energy, ln σ against 1/T, the paper's convention (eV)", paper_fit, energies)]
                if follows_the_paper(published)
                else []
            ),
            ("activation energy of self-diffusion (eV)", fitted["fits"]["d_self"], ""),
            *of_each,
        ):
            rows.append(
                {
                    "quantity": label,
                    "this run": interval(fit["activation_energy_ev"], ENERGY),
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
                "how": "coldest temperature with a value",
                "published": pairs(published.get("haven_ratio", {})),
            }
        )
    return rows


def points_of(fit: Mapping) -> str:
    """What a line goes through: each quantity has temperatures of its own, and a bound moves the line too."""
    bounds = ", ".join(f"{b['temperature_k']:g}" for b in fit["bounds"])
    text = f"{len(fit['points'])} temperatures"
    return f"{text} and a bound at {bounds} K" if bounds else text


def headline(fitted: Mapping, temperatures: Sequence[Mapping], published: Mapping) -> list[dict]:
    """The answer in a few numbers: title, value, interval and what to know of it. A verdict where there is no number."""
    cards = []
    fits = fitted["fits"] or {}
    predictions = fits["conductivity"]["predictions"] if fits else []
    coldest = next((t for t in temperatures if _has_value(t)), None)
    if coldest and all(p["extrapolated"] for p in predictions):
        beside = published_lines(published, coldest["temperature_k"])
        note = "as simulated, the coldest with a value" + (
            f"; published lines there: {beside}" if beside else ""
        )
        title = f"σ at {coldest['temperature_k']:g} K"
        cards.append(_card(title, coldest["conductivity_ms_per_cm"], "mS/cm", note))
    if fits:
        cards += [_predicted_card(p) for p in predictions]
        count = points_of(fits["conductivity"])
        if fitted["verdict"]["code"] == Verdict.SHOWS_THE_WAY.value:
            count += "; shows the way, not the value"
        elif fitted["verdict"]["code"] == Verdict.NOT_ARRHENIUS.value:
            count += "; a mean, the points bend"
        if (chi := fits["conductivity"].get("reduced_chi_squared")) is not None:
            count += f"; χ² per degree of freedom {chi:.2g}"
        cards.append(
            _card(
                "activation energy of σT", fits["conductivity"]["activation_energy_ev"], "eV", count, ENERGY
            )
        )
    usable = [t for t in temperatures if t["verdict"]["code"] == "ok" and t.get("haven_ratio")]
    if usable:
        at = f"at {usable[0]['temperature_k']:g} K, the coldest temperature with a value"
        cards.append(_card("Haven ratio", usable[0]["haven_ratio"], "", at))
    return cards


def _predicted_card(prediction: Mapping) -> dict:
    """A conductivity elsewhere; where it is no value, the card says so."""
    title, note, shown = (
        f"σ at {prediction['temperature_k']:g} K",
        how_known(prediction, remedy=False),
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


def _card(title: str, estimate: Mapping[str, float], unit: str, note: str, form: str = ".3g") -> dict:
    value, low, high = known(estimate, form)
    return {"title": title, "value": value, "unit": unit, "range": f"{low} to {high}", "note": note}


def worth(fitted: Mapping, temperatures: Sequence[Mapping], few_labels: Mapping) -> str:
    """In a line or two, how far the answer can be leant on: where σ has values, how well E_a and σ elsewhere are known, and
    what the intervals leave out. Empty where nothing has a value.

    Parameters
    ----------
    few_labels
        What held-out single points say of the potential (few_labels.json); empty where there are none.
    """
    values = [t["temperature_k"] for t in temperatures if _has_value(t)]
    if not values:
        return ""
    span = f"{values[0]:g} to {values[-1]:g} K" if len(values) > 1 else f"{values[0]:g} K"
    said = [f"σ has a value at {len(values)} of {len(temperatures)} temperatures, {span}"]
    fit = (fitted["fits"] or {}).get("conductivity")
    if fit:
        energy = fit["activation_energy_ev"]
        reach = max(energy["high"] - energy["value"], energy["value"] - energy["low"])
        said.append(f"E_a is known to ±{reach:.2g} eV")
        said += [f"σ at {p['temperature_k']:g} K {_worth_of(p)}" for p in fit["predictions"]]
    return "; ".join(said) + f". The intervals hold statistics; {_left_out(few_labels)}"


def _has_value(result: Mapping) -> bool:
    sigma = result.get("conductivity_ms_per_cm") or {"bound": True}
    return result["verdict"]["code"] == Verdict.OK.value and not sigma.get("bound")


def _worth_of(prediction: Mapping) -> str:
    shown, estimate = prediction.get("shown", "value"), prediction["value_ms_per_cm"]
    if shown == "withheld":
        return "is not known"
    if shown == "value" and estimate["low"] > 0:
        return f"is known to a factor of {rounded((estimate['high'] / estimate['low']) ** 0.5, 2)}"
    return "is known to an order of magnitude" if shown == "magnitude" else "is known as an upper bound"


def _left_out(few_labels: Mapping) -> str:
    """What no interval of a run holds: how wrong its potential may be, in numbers where held-out energies say it."""
    slope = few_labels.get("after", {}).get("energy_slope")
    if not slope:
        return "what the potential and its labels are off by is not in them."
    kelvin = few_labels["lowest_temperature_k"]
    low, high = (d_factor(slope[side], kelvin) for side in ("high", "low"))
    return f"by its held-out energies the potential may besides put D at {kelvin:g} K off by a factor of {low:.2g} to {high:.2g}."
