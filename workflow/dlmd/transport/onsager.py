"""Several kinds of carriers: the Onsager matrix of conductivity, transference numbers and cross terms, with intervals.

With R_a the sum of the positions of all ions of kind a relative to the host, of charge z_a e, in volume V at temperature T:

    sigma_ab = z_a z_b e² / (V k_B T) * d/dt <dR_a . dR_b> / 6
    sigma    = sum_ab sigma_ab
    t_a      = sum_b sigma_ab / sigma        transference number, in the frame of the host; may be negative or above 1

The slope is the difference of the mean products at two lags. Stretches of the runs, each several times the longer lag, give
values of their own, whose scatter makes the intervals (Student's quantile; the jackknife for ratios).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import conductivity_ms_per_cm
from dlmd.base.verdicts import Verdict

VERSION = 1
# A stretch is so many times the longer lag: neighbours then share little.
_STRETCH = 4
# Fewer stretches than this have no reliable scatter; more are not needed.
FEWEST, _MOST = 8, 64


def onsager(
    collective: Mapping[str, Sequence[np.ndarray]],
    *,
    charges: Mapping[str, float],
    frame_interval_ps: float,
    window_ps: tuple[float, float],
    volume_a3: float,
    temperature_k: float,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """The matrix and what follows from it, JSON-ready, in mS/cm; or a verdict where the runs are too short.

    Parameters
    ----------
    collective
        By kind of ion, for each run (frames, 3): the sum of the ions' positions relative to the host, Å.
    charges
        In e, by kind; may be fractional.
    window_ps
        The two lags between which the slope is taken.

    Raises
    ------
    DlmdError
        for a kind without charge, or lags that are no window.
    """
    kinds = list(collective)
    missing = [kind for kind in kinds if kind not in charges]
    if missing:
        raise DlmdError(f"no charge of {missing[0]}", remedy=f"give one for each of {', '.join(kinds)}")
    short, long = (max(1, round(lag / frame_interval_ps)) for lag in window_ps)
    if not short < long:
        raise DlmdError(f"no window between {window_ps[0]:g} and {window_ps[1]:g} ps", remedy="give two lags")
    stretches = _stretches(collective, short, long)
    if len(stretches) < FEWEST:
        return {
            "version": VERSION,
            "verdict": {
                "code": Verdict.TOO_SHORT.value,
                "message": f"{len(stretches)} stretches of {_STRETCH * long * frame_interval_ps:g} ps, at least {FEWEST} are "
                "needed",
            },
        }
    unit = conductivity_ms_per_cm(
        diffusion_a2_per_ps=1.0,
        n_ions=1,
        charge_e=1.0,
        volume_angstrom3=volume_a3,
        temperature_k=temperature_k,
    )
    z = np.array([charges[kind] for kind in kinds])
    sigma = stretches * (np.outer(z, z) * unit / (2 * (long - short) * frame_interval_ps))
    return {
        "version": VERSION,
        **_numbers(kinds, sigma, confidence),
        "charges_e": {k: float(charges[k]) for k in kinds},
    }


def _stretches(collective: Mapping[str, Sequence[np.ndarray]], short: int, long: int) -> np.ndarray:
    """(stretches, kinds, kinds): growth of the mean products per axis from the shorter to the longer lag, Å²."""
    found = []
    for runs in zip(*collective.values(), strict=True):
        together = np.stack([np.asarray(run, dtype=np.float64) for run in runs])
        n = together.shape[1]
        count = min(_MOST, n // (_STRETCH * long))
        length = n // count if count else 0
        for number in range(count):
            part = together[:, number * length : (number + 1) * length]
            growth = [
                np.einsum("atx,btx->ab", moved, moved) / (3 * moved.shape[1])
                for lag in (short, long)
                for moved in (part[:, lag:] - part[:, :-lag],)
            ]
            found.append(growth[1] - growth[0])
    return np.array(found).reshape(-1, len(collective), len(collective))


def _numbers(kinds: list[str], sigma: np.ndarray, confidence: float) -> dict[str, Any]:
    total = sigma.sum(axis=(1, 2))
    whole = _interval(total, confidence)
    positive = whole["low"] > 0
    return {
        "verdict": {
            "code": (Verdict.OK if positive else Verdict.UPPER_BOUND).value,
            "message": f"{len(sigma)} stretches" if positive else "the current of all carriers may be zero",
        },
        "conductivity_ms_per_cm": whole
        if positive
        else {"value": 0.0, "low": 0.0, "high": max(whole["high"], 0.0), "bound": True},
        "matrix_ms_per_cm": {
            f"{a}-{b}": _interval(sigma[:, i, j], confidence)
            for i, a in enumerate(kinds)
            for j, b in enumerate(kinds)
            if j >= i
        },
        "correlation": {
            f"{a}-{b}": _jackknife(
                lambda s, i=i, j=j: (
                    s[i, j] / (s[i, i] * s[j, j]) ** 0.5 if s[i, i] > 0 and s[j, j] > 0 else np.nan
                ),
                sigma,
                confidence,
            )
            for i, a in enumerate(kinds)
            for j, b in enumerate(kinds)
            if j > i
        },
        "transference": {
            kind: _jackknife(lambda s, i=i: s[i].sum() / s.sum(), sigma, confidence) if positive else None
            for i, kind in enumerate(kinds)
        },
    }


def _interval(values: np.ndarray, confidence: float) -> dict[str, float]:
    """Mean of (stretches,) values with Student's interval."""
    from scipy.stats import t

    mean = float(values.mean())
    reach = float(t.ppf(0.5 + confidence / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    return {"value": mean, "low": mean - reach, "high": mean + reach}


def _jackknife(ratio: Any, sigma: np.ndarray, confidence: float) -> dict[str, float] | None:
    """A ratio of means over (stretches, kinds, kinds) with the interval of the jackknife; None where it has no value."""
    from scipy.stats import t

    n = len(sigma)
    total = sigma.sum(axis=0)
    left = np.array([ratio((total - one) / (n - 1)) for one in sigma])
    value = float(ratio(total / n))
    if not (np.isfinite(left).all() and np.isfinite(value)):
        return None
    reach = float(
        t.ppf(0.5 + confidence / 2, n - 1) * ((n - 1) / n * ((left - left.mean()) ** 2).sum()) ** 0.5
    )
    return {"value": value, "low": value - reach, "high": value + reach}
