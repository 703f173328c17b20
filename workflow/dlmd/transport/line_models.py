"""Lines, bends, kinks and Vogel curves through points of ln(sigma T), weighed against each other by what the points say.

A straight line through six temperatures knows its error only if nature keeps to the line. Here it is one of five shapes, in the
notation x = 1/(k_B T) and with E the slope -dy/dx:

    line     y = c - E x                            (Arrhenius)
    bend     E grows evenly with x                  (a quadratic)
    kink     E changes at one temperature           (a transition, another mechanism)
    Vogel    y = c - B / (k_B (T - T_0))            (a glass: Vogel, Fulcher, Tammann)
    jump     y changes at once, E stays             (a transition of first order)

each with flat priors of its height and slope. How much E changes over the fitted range has a normal prior of width 0.02, 0.06 or
0.2 eV, the jump one of width 3 (a factor of 20); kink and jump may lie anywhere between the temperatures, T_0 anywhere up to
0.85 of the coldest. The errors of the points may be too small, mostly by up to 2.5, seldom by up to 10 times (an outlier).
Given shape and error all is normal, so that the posterior of any height is a mixture of normal distributions with known weights:
Bayesian model averaging (Hoeting et al., Stat. Sci. 14, 382 (1999)).

A bound has the likelihood exp[-(D / D_1)^p], with D_1 from the bound and its level: it falls slowly, to 0.7 at half of the bound,
where motion that goes nowhere and motion that does describe a run about as well, and quickly beyond. It is
concave in ln D, and is replaced by the normal distribution of the same mode and curvature (Laplace).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from dlmd.base.units import BOLTZMANN_EV_PER_K

# Prior weights of the shapes, and of how many times the errors are too small. With them, intervals at 298 K from 450 to 650 K
# hold the truth of kinks of 0.2 eV and of Vogel curves in nine of ten cases and more (tests/unit/transport/test_line_models.py).
SHAPES = {"line": 0.38, "bend": 0.12, "kink": 0.19, "vogel": 0.26, "jump": 0.05}
ENERGY_CHANGES_EV = (0.02, 0.06, 0.2)
# of ln(sigma T)
JUMP_WIDTH = 3.0
ERROR_SCALES = {1.0: 0.735, 1.3: 0.13, 1.7: 0.08, 2.5: 0.04, 5.0: 0.01, 10.0: 0.005}
# p of a bound's likelihood: of conductors that by chance get a bound only, D was 0.3 to 0.75 of it in 13 of 14 short runs, and
# exp(-D / D_1) would hold such values against the line
BOUND_POWER = 3.0
_KINKS = 10
_VOGEL = np.linspace(0.1, 0.85, 10)
# below this distance (K) to T_0 the Vogel curve falls without end
_NEAREST_K = 5.0
ROOM_K = 298.15
# width of a prior that holds a coefficient at zero
_NONE = 1e-3
_STEPS, _BISECTIONS = 200, 32
# parts of the mixture that weigh less than this share of the heaviest are left out
_NEGLIGIBLE = 1e-4


@dataclass(frozen=True)
class Shape:
    """One shape: its prior weight, the width of its third coefficient's prior, and its columns (n, 3) at temperatures (n,)."""

    kind: str
    weight: float
    width: float
    columns: Callable[[np.ndarray], np.ndarray]


def inverse(temperature_k: np.ndarray) -> np.ndarray:
    """x = 1/(k_B T) in 1/eV, of temperatures (n,) or one."""
    return 1.0 / (BOLTZMANN_EV_PER_K * np.asarray(temperature_k, dtype=float))


def _line(t: np.ndarray, *, middle: float) -> np.ndarray:
    x = inverse(t) - middle
    return np.column_stack([np.ones_like(x), -x, np.zeros_like(x)])


def _bend(t: np.ndarray, *, middle: float, span: float) -> np.ndarray:
    x = inverse(t) - middle
    return np.column_stack([np.ones_like(x), -x, -0.5 * x**2 / span])


def _kink(t: np.ndarray, *, middle: float, at: float) -> np.ndarray:
    x = inverse(t)
    return np.column_stack([np.ones_like(x), middle - x, -np.clip(x - at, 0.0, None)])


def _jump(t: np.ndarray, *, middle: float, at: float) -> np.ndarray:
    x = inverse(t)
    return np.column_stack([np.ones_like(x), middle - x, -1.0 * (x > at)])


def _vogel(t: np.ndarray, *, t0_k: float, middle: float, scale: float) -> np.ndarray:
    f = inverse(np.maximum(np.asarray(t, dtype=float) - t0_k, _NEAREST_K))
    return np.column_stack([np.ones_like(f), -(f - middle) * scale, np.zeros_like(f)])


def shapes(fitted_k: np.ndarray) -> list[Shape]:
    """All shapes for points at these temperatures (n,)."""
    x = inverse(fitted_k)
    middle, span = float(x.mean()), float(np.ptp(x))
    found = [Shape("line", SHAPES["line"], _NONE, partial(_line, middle=middle))]
    share = 1.0 / len(ENERGY_CHANGES_EV)
    for width in ENERGY_CHANGES_EV:
        bend = partial(_bend, middle=middle, span=span)
        found.append(Shape("bend", SHAPES["bend"] * share, width, bend))
        for at in np.linspace(x.min(), x.max(), _KINKS + 2)[1:-1]:
            kink = partial(_kink, middle=middle, at=at)
            found.append(Shape("kink", SHAPES["kink"] * share / _KINKS, width, kink))
    between = np.unique(x)
    for at in (between[1:] + between[:-1]) / 2:
        jump = partial(_jump, middle=middle, at=at)
        found.append(Shape("jump", SHAPES["jump"] / (len(between) - 1), JUMP_WIDTH, jump))
    for t0 in _VOGEL * min(ROOM_K, float(np.min(fitted_k))):
        f = inverse(fitted_k - t0)
        vogel = partial(_vogel, t0_k=t0, middle=float(f.mean()), scale=span / float(np.ptp(f)))
        found.append(Shape("vogel", SHAPES["vogel"] / len(_VOGEL), _NONE, vogel))
    return found


@dataclass(frozen=True)
class Between:
    """What orderings, potentials or cells add to the variance of the height and of the slope of the mean: equally likely draws.

    Attributes
    ----------
    height, slope
        (k,) variances, the second in eV².
    """

    height: np.ndarray
    slope: np.ndarray

    @classmethod
    def none(cls) -> Between:
        return cls(np.zeros(1), np.zeros(1))


@dataclass(frozen=True)
class Posterior:
    """Mixture of normal distributions of the three coefficients of every shape and scale of the errors.

    Attributes
    ----------
    log_weight
        (m,) logarithms of probabilities, up to a constant.
    mean, covariance
        (m, 3) and (m, 3, 3).
    shape
        (m,) index into `shapes`.
    """

    shapes: list[Shape]
    fitted_k: np.ndarray
    log_weight: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    shape: np.ndarray
    between: Between

    def share(self, kind: str) -> float:
        """Probability of a kind of shape."""
        mine = [shape.kind == kind for shape in self.shapes]
        weight = np.exp(self.log_weight - self.log_weight.max())
        return float(weight[np.array(mine)[self.shape]].sum() / weight.sum())

    def height(self, temperatures_k: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """(temperatures, probabilities) quantiles of y."""
        temperatures = np.atleast_1d(np.asarray(temperatures_k, dtype=float))
        rows = np.array([shape.columns(temperatures) for shape in self.shapes])
        reach = inverse(temperatures) - inverse(self.fitted_k).mean()
        extra = self.between.height + reach[:, None] ** 2 * self.between.slope
        return self._quantiles(rows, extra, probabilities)

    def mean_energy(self, probabilities: np.ndarray) -> np.ndarray:
        """(probabilities,) quantiles of E between the hottest and the coldest fitted temperature."""
        ends = np.array([self.fitted_k.max(), self.fitted_k.min()])
        span = float(np.ptp(inverse(self.fitted_k)))
        columns = [shape.columns(ends) for shape in self.shapes]
        rows = np.array([[(hot - cold) / span] for hot, cold in columns])
        return self._quantiles(rows, self.between.slope[None], probabilities)[0]

    def at_infinite_temperature(self, probabilities: np.ndarray) -> np.ndarray:
        """(probabilities,) quantiles of the height of the straight line at 1/T = 0."""
        middle = float(inverse(self.fitted_k).mean())
        rows = np.tile([1.0, middle, 0.0], (len(self.shapes), 1, 1))
        extra = self.between.height + middle**2 * self.between.slope
        return self._quantiles(rows, extra[None], probabilities, only="line")[0]

    def _quantiles(
        self, rows: np.ndarray, extra: np.ndarray, probabilities: np.ndarray, *, only: str | None = None
    ) -> np.ndarray:
        """Of the coefficients times rows (shapes, t, 3), with variances (t, draws) added: (t, probabilities)."""
        mine = np.array([only in (None, shape.kind) for shape in self.shapes])[self.shape]
        weight = np.where(mine, np.exp(self.log_weight - self.log_weight[mine].max()), 0.0)
        keep = weight > _NEGLIGIBLE
        row = rows[self.shape[keep]]
        centre = np.einsum("mti,mi->tm", row, self.mean[keep])
        own = np.einsum("mti,mij,mtj->tm", row, self.covariance[keep], row)
        spread = np.sqrt(own[:, :, None] + extra[:, None]).reshape(len(centre), -1)
        draws = extra.shape[1]
        weight = np.repeat(weight[keep] / weight[keep].sum() / draws, draws)
        return mixture_quantiles(probabilities, weight, np.repeat(centre, draws, axis=1), spread)


def mixture_quantiles(
    probabilities: np.ndarray, weight: np.ndarray, centre: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """(t, probabilities) quantiles of t mixtures of normal distributions (t, m) with weights (m,), by bisection."""
    from scipy.special import ndtr

    wanted = np.asarray(probabilities, dtype=float)
    low = np.repeat((centre - 9 * spread).min(axis=1)[:, None], len(wanted), axis=1)
    high = np.repeat((centre + 9 * spread).max(axis=1)[:, None], len(wanted), axis=1)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        below = ndtr((middle[:, :, None] - centre[:, None]) / spread[:, None]) @ weight < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)


def posterior(
    temperature_k: np.ndarray,
    y: np.ndarray,
    error: np.ndarray,
    *,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
    between: Between | None = None,
) -> Posterior:
    """The posterior of all shapes.

    Parameters
    ----------
    temperature_k, y, error
        (n,) points and their standard errors.
    bounds
        Temperatures (b,) with an upper bound only, and ln D_1 (b,) of the likelihood exp[-(D / D_1)^p], in the units of y.
    between
        What the choice of orderings, potentials or cells adds.
    """
    found = shapes(temperature_k)
    columns = np.array([shape.columns(temperature_k) for shape in found])
    widths = np.array([shape.width for shape in found])
    prior = np.log([shape.weight for shape in found])
    limit_k, limit = bounds if bounds is not None else (np.empty(0), np.empty(0))
    below = np.array([shape.columns(limit_k) for shape in found])
    parts = []
    for scale, weight in ERROR_SCALES.items():
        log_evidence, mean, covariance = _normal(columns, y, scale * error, widths, below, limit)
        parts.append((log_evidence + prior + np.log(weight) - len(y) * np.log(scale), mean, covariance))
    log_weight, mean, covariance = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Posterior(
        shapes=found,
        fitted_k=np.asarray(temperature_k, dtype=float),
        log_weight=log_weight,
        mean=mean,
        covariance=covariance,
        shape=np.tile(np.arange(len(found)), len(ERROR_SCALES)),
        between=between or Between.none(),
    )


def _normal(
    columns: np.ndarray,
    y: np.ndarray,
    error: np.ndarray,
    widths: np.ndarray,
    below: np.ndarray,
    limit: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For shapes (m, n, 3): log evidence (m,), mean (m, 3) and covariance (m, 3, 3) of the coefficients.

    Bounds (m, b, 3) and (b,) are met by Newton steps; without any, the first is exact.
    """
    weight = 1.0 / error**2
    fixed = np.einsum("mni,n,mnj->mij", columns, weight, columns)
    fixed[:, 2, 2] += 1.0 / widths**2
    pull = np.einsum("mni,n->mi", columns, weight * y)
    mean = np.linalg.solve(fixed, pull[..., None])[..., 0]
    information = fixed
    for _ in range(_STEPS if len(limit) else 0):
        pressure = BOUND_POWER * _unlikely(below, mean, limit)
        information = fixed + BOUND_POWER * np.einsum("mbi,mb,mbj->mij", below, pressure, below)
        slope = pull - np.einsum("mij,mj->mi", fixed, mean) - np.einsum("mbi,mb->mi", below, pressure)
        step = np.linalg.solve(information, slope[..., None])[..., 0]
        mean = mean + step
        if np.abs(step).max() < 1e-9:
            break
    misfit = (
        weight @ y**2 + np.einsum("mi,mij,mj->m", mean, fixed, mean) - 2 * np.einsum("mi,mi->m", mean, pull)
    )
    seen = _unlikely(below, mean, limit).sum(axis=1)
    log_evidence = -0.5 * (np.linalg.slogdet(information)[1] + 2 * np.log(widths) + misfit) - seen
    return log_evidence, mean, np.linalg.inv(information)


def _unlikely(below: np.ndarray, mean: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """(m, b) -ln of the likelihood of bounds; held where rounding would lose all else: Newton's steps then go down by 1/p."""
    return np.exp(np.clip(BOUND_POWER * (below @ mean[..., None] - limit[:, None]), -30.0, 15.0))[..., 0]
