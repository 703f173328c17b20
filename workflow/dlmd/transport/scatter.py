"""How much runs of different orderings or potentials scatter beyond their own errors: the posterior of the two scatters.

The model is that of `dlmd.transport.error_budget`, which explains it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

# Scale of the half-Cauchy prior on tau: tau is as likely above it as below. It stands for a factor of 1.6 in
# conductivity and for 30 meV in energy.
PRIOR_SCALE = {"ln": 0.5, "ev": 0.03}
GRID = 40
POTENTIAL, ORDERING = "potential", "ordering"


def posterior(
    values: Sequence[float],
    errors: Sequence[float],
    *,
    potentials: Sequence[int],
    orderings: Sequence[int],
    scale: float,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Posterior of the scatter of runs: the grid of tau by name, and its probabilities (tau of potentials, tau of orderings)."""
    taus, same = grid(potentials, orderings, scale)
    log_weight, _, _ = on_grid(np.asarray(values, float), np.asarray(errors, float), taus, same)
    probability = np.exp(log_weight - log_weight.max())
    return taus, probability / probability.sum()


def grid(
    potentials: Sequence[int], orderings: Sequence[int], scale: float
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Grid of tau by name, only zero for what does not vary, and (runs, runs) which runs have it in common."""
    groups = {POTENTIAL: potentials, ORDERING: orderings}
    same = {name: np.equal.outer(group, group).astype(float) for name, group in groups.items()}
    quantiles = (np.arange(GRID) + 0.5) / GRID
    # the prior's own quantiles, so that every point of the grid is equally likely beforehand
    points = scale * np.tan(0.5 * np.pi * quantiles)
    return {name: points if len(set(group)) > 1 else np.zeros(1) for name, group in groups.items()}, same


def on_grid(
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
