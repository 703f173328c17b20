"""Where the uncertainty of an answer comes from: the length of the runs, the potential, the ordering of the disorder.

Production runs y_mn with potential m and ordering n, each with its own known statistical error s_mn, are described by

    y_mn = mu + p_m + o_n + e_mn,   e ~ N(0, s_mn²),  p ~ N(0, tau_p²),  o ~ N(0, tau_o²)

a two-way random-effects analysis of variance (one-way where only one of them varies). A handful of potentials tells little of
tau, so its whole posterior is used: a half-Cauchy prior (Gelman, Bayesian Anal. 1, 515 (2006)), flat for mu,
integrated on a grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.transport.scatter import ORDERING, POTENTIAL, PRIOR_SCALE, grid, on_grid

VERSION = 1

DRAWS = 8000
STATISTICS = "statistics"


def decompose(
    values: Sequence[float],
    errors: Sequence[float],
    *,
    potentials: Sequence[int],
    orderings: Sequence[int],
    scale: float,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Variance components of runs, and what each contributes to the uncertainty of their mean.

    Parameters
    ----------
    values, errors
        (runs,) result and its statistical standard error: logarithms, or energies in eV.
    potentials, orderings
        (runs,) which potential and ordering each run had.
    scale
        Median of the prior of tau_p and of tau_o, in the unit of `values`.

    Returns
    -------
    dict
        `mean`, with the interval of everything, and `mean_statistics_only`, the weighted mean with the interval that the
        statistical errors alone would give; `components`: by name `sd` (of one run, one potential, one ordering) and `share` of
        the variance of the mean, each with its interval, None for what the runs do not vary.
    """
    y, s = np.asarray(values, float), np.asarray(errors, float)
    taus, same = grid(potentials, orderings, scale)
    varies = {POTENTIAL: len(set(potentials)) > 1, ORDERING: len(set(orderings)) > 1}
    log_weight, centre, parts = on_grid(y, s, taus, same)
    posterior = np.exp(log_weight - log_weight.max()).ravel()
    rng = np.random.default_rng(seed)
    drawn = rng.choice(posterior.size, size=DRAWS, p=posterior / posterior.sum())
    variance = parts.reshape(3, -1)[:, drawn]
    total = variance.sum(axis=0)
    mean = centre.ravel()[drawn] + np.sqrt(total) * rng.standard_normal(DRAWS)

    def interval(draws: np.ndarray) -> dict[str, float]:
        low, value, high = np.quantile(draws, [0.5 - confidence / 2, 0.5, 0.5 + confidence / 2])
        return {"value": float(value), "low": float(low), "high": float(high)}

    rows, columns = np.unravel_index(drawn, centre.shape)
    components: dict[str, dict[str, dict[str, float]] | None] = {
        STATISTICS: {
            "sd": {"value": float(np.sqrt((s**2).mean()))},
            "share": interval(variance[0] / total),
        }
    }
    for k, (name, index) in enumerate(((POTENTIAL, rows), (ORDERING, columns)), start=1):
        components[name] = (
            {"sd": interval(taus[name][index]), "share": interval(variance[k] / total)}
            if varies[name]
            else None
        )
    return {
        "runs": len(y),
        "potentials": len(set(potentials)),
        "orderings": len(set(orderings)),
        "mean": interval(mean),
        "mean_statistics_only": _statistics_only(y, s, confidence),
        "components": components,
    }


def _statistics_only(y: np.ndarray, s: np.ndarray, confidence: float) -> dict[str, float]:
    from scipy.special import ndtri

    weight = 1.0 / s**2
    mu = float(weight @ y / weight.sum())
    reach = float(ndtri(0.5 + confidence / 2) / np.sqrt(weight.sum()))
    return {"value": mu, "low": mu - reach, "high": mu + reach}


def standard_error(estimate: Mapping[str, float], *, confidence: float, logarithm: bool) -> float:
    """Half the interval of `value`, `low`, `high` as a standard error, of the logarithm where that is asked for."""
    from scipy.special import ndtri

    low, high = estimate["low"], estimate["high"]
    width = np.log(high / low) if logarithm else high - low
    return float(0.5 * width / ndtri(0.5 + confidence / 2))


def budget(
    runs: Sequence[Mapping[str, Any]], *, predict_k: Sequence[float], confidence: float = 0.95
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Error budget of the conductivity at every temperature, of the activation energy, and of predicted conductivities.

    Parameters
    ----------
    runs
        Per production run `potential`, `ordering` and `temperatures`: transport results (`TransportResult.to_dict`) of this run
        alone.

    Returns
    -------
    list, list
        Rows with `quantity`, `unit`, the fields of `decompose` (logarithms turned back into values, `sd` of logarithms as it is);
        and what is left out: `quantity`, `reason`.
    """
    from dlmd.transport import arrhenius

    rows, left_out = [], []

    def add(
        name: str, unit: str, found: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], *, logarithm: bool
    ) -> None:
        """From (run, estimate) pairs; a quantity that fewer than two runs give has no budget."""
        usable = [(run, e) for run, e in found if not logarithm or e["low"] > 0]
        if len(usable) < 2:
            left_out.append({"quantity": name, "reason": f"{len(usable)} of {len(runs)} runs give it"})
            return
        result = decompose(
            [np.log(e["value"]) if logarithm else e["value"] for _, e in usable],
            [standard_error(e, confidence=confidence, logarithm=logarithm) for _, e in usable],
            potentials=[run["potential"] for run, _ in usable],
            orderings=[run["ordering"] for run, _ in usable],
            scale=PRIOR_SCALE["ln" if logarithm else "ev"],
            confidence=confidence,
        )
        if logarithm:
            for key in ("mean", "mean_statistics_only"):
                result[key] = {k: float(np.exp(v)) for k, v in result[key].items()}
        rows.append({"quantity": name, "unit": unit, "logarithm": logarithm} | result)

    temperatures = sorted({t["temperature_k"] for run in runs for t in run["temperatures"]})
    for temperature in temperatures:
        found = [
            (run, t["conductivity_ms_per_cm"])
            for run in runs
            for t in run["temperatures"]
            if t["temperature_k"] == temperature and t["verdict"]["code"] == "ok"
        ]
        add(f"conductivity at {temperature:g} K", "mS/cm", found, logarithm=True)
    fits = [
        (run, arrhenius.fit(run["temperatures"], predict_k=predict_k, confidence=confidence)["fits"])
        for run in runs
    ]
    fits = [(run, fit["conductivity"]) for run, fit in fits if fit]
    add("activation energy", "eV", [(run, fit["activation_energy_ev"]) for run, fit in fits], logarithm=False)
    for k, temperature in enumerate(predict_k):
        found = [(run, fit["predictions"][k]["value_ms_per_cm"]) for run, fit in fits]
        add(f"conductivity at {temperature:g} K, from the fit", "mS/cm", found, logarithm=True)
    return rows, left_out
