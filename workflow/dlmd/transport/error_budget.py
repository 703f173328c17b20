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

VERSION = 1

# Scale of the half-Cauchy prior on tau: tau is as likely above it as below. It stands for a factor of 1.6 in
# conductivity and for 30 meV in energy.
PRIOR_SCALE = {"ln": 0.5, "ev": 0.03}
GRID = 40
DRAWS = 8000
STATISTICS, POTENTIAL, ORDERING = "statistics", "potential", "ordering"


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
    taus, same = _grid(potentials, orderings, scale)
    varies = {POTENTIAL: len(set(potentials)) > 1, ORDERING: len(set(orderings)) > 1}
    log_weight, centre, parts = _on_grid(y, s, taus, same)
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


def scatter(
    values: Sequence[float],
    errors: Sequence[float],
    *,
    potentials: Sequence[int],
    orderings: Sequence[int],
    scale: float,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Posterior of the scatter of runs: the grid of tau by name, and its probabilities (tau of potentials, tau of orderings)."""
    taus, same = _grid(potentials, orderings, scale)
    log_weight, _, _ = _on_grid(np.asarray(values, float), np.asarray(errors, float), taus, same)
    probability = np.exp(log_weight - log_weight.max())
    return taus, probability / probability.sum()


def _grid(
    potentials: Sequence[int], orderings: Sequence[int], scale: float
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Grid of tau by name, only zero for what does not vary, and (runs, runs) which runs have it in common."""
    groups = {POTENTIAL: potentials, ORDERING: orderings}
    same = {name: np.equal.outer(group, group).astype(float) for name, group in groups.items()}
    quantiles = (np.arange(GRID) + 0.5) / GRID
    # the prior's own quantiles, so that every point of the grid is equally likely beforehand
    points = scale * np.tan(0.5 * np.pi * quantiles)
    return {name: points if len(set(group)) > 1 else np.zeros(1) for name, group in groups.items()}, same


def _on_grid(
    y: np.ndarray, s: np.ndarray, taus: Mapping[str, np.ndarray], same: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every tau_p and tau_o of the grid: log likelihood and mu's mean (tau_p, tau_o), and the three parts of mu's variance
    (3, tau_p, tau_o)."""
    shape = (len(taus[POTENTIAL]), len(taus[ORDERING]))
    log_weight, centre, parts = np.empty(shape), np.empty(shape), np.empty((3, *shape))
    squares = taus[ORDERING] ** 2
    for i, tau_p in enumerate(taus[POTENTIAL]):
        cov = np.diag(s**2) + tau_p**2 * same[POTENTIAL] + squares[:, None, None] * same[ORDERING]
        log_weight[i], centre[i], weights = _given(y, cov)
        parts[0, i] = (weights**2 * s**2).sum(axis=1)
        parts[1, i] = tau_p**2 * np.einsum("ga,ab,gb->g", weights, same[POTENTIAL], weights)
        parts[2, i] = squares * np.einsum("ga,ab,gb->g", weights, same[ORDERING], weights)
    return log_weight, centre, parts


def _given(y: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For covariances (g, runs, runs): log likelihood with mu integrated out (g,), mu's mean (g,), and the weights (g, runs) of
    its best linear estimate."""
    weights = np.linalg.solve(cov, np.ones((len(cov), len(y), 1)))[..., 0]
    information = weights.sum(axis=1)
    weights = weights / information[:, None]
    mu = weights @ y
    residual = y - mu[:, None]
    misfit = np.einsum("ga,ga->g", residual, np.linalg.solve(cov, residual[..., None])[..., 0])
    log_determinant = np.linalg.slogdet(cov)[1]
    return -0.5 * (log_determinant + np.log(information) + misfit), mu, weights


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
