"""D_total from the spectrum of the ion current at low frequency.

The current is the finite difference of the sum of all positions, R_j - R_{j-1} for n steps of length dt. Its sine transform

    Z_k = [2 / (n + 1)]^1/2 sum_j (R_j - R_{j-1}) sin(pi k j / (n + 1)) / (2 dt N)^1/2,     f_k = k / [2 (n + 1) dt]

has variances that tend to D_total as f -> 0 (Wiener-Khinchin and Green-Kubo). The sine vanishes at both ends of the run, so
that bounded motion leaks nothing into low frequencies: in the usual periodogram the displacement between the ends does. The Z_k
of a free walk are independent, and normal where many small moves add up (Whittle, Ark. Mat. 2, 423 (1953); for transport
coefficients Ercole, Marcolongo and Baroni, Sci. Rep. 7, 15835 (2017)). In f < 1/(2 t*) the spectrum is taken as

    S(f) = a [1 + beta h(f)],   h = x² / (1 + x²),  x = 2 pi f tau

with the relaxation time tau of the single ions (`dlmd.transport.onset`), which many ions tell far better than their
sum. The strength beta of the relaxation is the sum's own, and only gently held near the single ions' A: a Cauchy prior about A,
of width 2 + 2 |A|. Where no relaxation is known, h = f². For given beta the likelihood of a is an inverse gamma
distribution, so that the posterior of a = D_total (flat in ln a) is a mixture of these over a grid of beta;
its median is the value, its quantiles the interval. Each direction has a beta of its own.

The sum may remember for longer than any single ion shows: strings that return late, or all ions that swing against the host.
With a chance of one in ten beforehand the spectrum has a further term gamma h of its own relaxation time, from t* to a
25th of the run (of short runs to 10 ps within 6 %, and to a tenth where ions have hardly moved on), whose gamma is like that
of a weak to a strong memory, or of moves that go on the same way (gamma < 0). A run has a few tens of degrees of freedom at so
low frequencies, of which chance can hide a factor of two, so that what is thought beforehand tells much of the answer. It may
decide the value, not what is excluded: the interval reaches to where it would for two other opinions. In one a weak memory has
nine times the odds that it has for the value, and motion that goes on, which chance hides best, thirty-six times; a strong one,
which hardly hides, is no likelier. In the other all strengths are alike: where the sum does remember, the first would hold it
for weaker than it is. Where the sum does not remember, intervals are therefore two to five times as wide as its scatter.

Two things this leaves out are added. Moves that are few and large, or that come in bursts, make powers scatter together by more
than independent normal Z_k do: `dlmd.transport.extra_scatter` finds by how much, and the interval widens. And D_total may be
zero: where a spectrum b h(f), of motion that goes nowhere, describes the data nearly as well as the best with a > 0, there is
only an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.base.intervals import Estimate
from dlmd.transport import extra_scatter as scatter
from dlmd.transport import swings
from dlmd.transport.msd import Displacements, shortest_ps
from dlmd.transport.onset import Relaxation

VERSION = 6

# By how much (in ln likelihood) the best spectrum with a > 0 must beat those of bounded motion: D_total = 0 passes for more with
# a chance of about 1 in 50.
_EVIDENCE = 2.0
# Slowest bounded motion that is told from diffusion: its relaxation time in onsets t*.
_SLOWEST = 0.5
# A relaxation of the sum's own: how many times of it, up to the first of these parts of the shortest run; up to what is usual in
# conductors, in ps, within the second; and up to this part of the time of a hop, within the third; its strengths.
_OWN_TIMES, _LONGEST_OWN, _USUAL_PS, _OF_A_HOP = 8, (0.04, 0.06, 0.1), 10.0, 0.5
_STRENGTHS = np.array([-0.85, -0.7, -0.5, -0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
# Odds of each strength against no such relaxation, before the data are seen: of the value (one in nine in all), and of two other
# opinions that the interval reaches to.
_LIKELY = np.array([0.5, 1.0, 1.5, 1.5, 1.0, 1.0, 1.0, 0.5, 0.25, 0.125]) / 8.375
_GOING_ON, _WEAK, _STRONG = (np.repeat(part, (4, 3, 3)) for part in np.eye(3))
_ODDS = np.array([_LIKELY / 9, _LIKELY * (4 * _GOING_ON + _WEAK + _STRONG / 9), np.full(10, 0.003)])
# Powers at neighbouring frequencies are joined in bins of this relative width.
_BIN = 0.03


@dataclass(frozen=True)
class Level:
    """Posterior of the zero-frequency limit of one spectrum.

    Attributes
    ----------
    shape_found
        (n_f,) the most probable spectrum over its limit, at each frequency.
    weights, likeliest
        (opinions, n) posterior probability of each spectrum on a grid, for each opinion beforehand of a memory of the sum's own,
        that of the value first; and (n,) the most likely limit for it.
    shape
        Half the degrees of freedom of all frequencies together.
    may_be_zero
        Whether motion that goes nowhere would do as well.
    """

    shape_found: np.ndarray
    weights: np.ndarray
    likeliest: np.ndarray
    shape: float
    may_be_zero: bool

    def quantiles(self, probabilities: Sequence[float], weight: np.ndarray | None = None) -> np.ndarray:
        """(probabilities,) of a mixture of inverse gamma distributions with parameters (shape, shape * likeliest); of the first
        weights, unless others are given."""
        from scipy.special import gammaincc

        weight = self.weights[0] if weight is None else weight
        # components differ in their likeliest limit only, and are joined where it is nearly the same
        matters = weight > 1e-7 * weight.max()
        log_likeliest, weight = np.log(self.likeliest[matters]), weight[matters]
        edges = np.linspace(log_likeliest.min(), log_likeliest.max() + 1e-9, 201)
        joined, _ = np.histogram(log_likeliest, edges, weights=weight)
        centres, _ = np.histogram(log_likeliest, edges, weights=weight * log_likeliest)
        some = joined > 0
        centre, weight = centres[some] / joined[some], joined[some] / joined.sum()
        width = 8.0 / np.sqrt(self.shape)
        log_a = np.linspace(centre.min() - width, centre.max() + width, 300)
        below = gammaincc(self.shape, self.shape * np.exp(centre - log_a[:, None])) @ weight
        return np.exp(np.interp(probabilities, below, log_a))

    def interval(self, confidence: float) -> tuple[float, float, float]:
        """Lower end, value and upper end: the value for the first opinion, each end for the one that has it further out."""
        tail = (1 - confidence) / 2
        found = np.array([self.quantiles((tail, 0.5, 1 - tail), weight) for weight in self.weights])
        return float(found[:, 0].min()), float(found[0, 1]), float(found[:, 2].max())


@dataclass(frozen=True)
class SpectralFit:
    """Modes of the collective current below the cutoff, (n_f, 3) in Å/ps^1/2, and what the fit of their powers needs.

    `own` (times, n_f) are rises of the sum's own slower memory, and `starts` (bins,) where bins of frequencies begin.
    """

    modes: np.ndarray
    rise: np.ndarray
    bounded: np.ndarray
    prior: tuple[float, float]
    own: np.ndarray | None = None
    starts: np.ndarray | None = None

    def level(self, direction: np.ndarray | None = None) -> Level | None:
        """Posterior of D_total, along a unit vector (3,), or of a third of the trace within a plane (k, 3); None where nothing
        moves."""
        if direction is not None and direction.ndim == 1:
            power, dof = (self.modes @ direction) ** 2, 1.0
        else:
            modes = self.modes if direction is None else self.modes @ direction.T
            power, dof = np.sum(modes**2, axis=1) / 3.0, degrees_of_freedom(modes)
        if not (power > 0).any():
            return None
        return posterior(
            power,
            self.rise,
            dof=dof,
            bounded=self.bounded,
            prior=self.prior,
            own=self.own,
            starts=self.starts,
        )

    @property
    def degrees_of_freedom(self) -> float:
        """Of the trace at one frequency."""
        return degrees_of_freedom(self.modes)

    def tensor(self) -> np.ndarray:
        """(3, 3) diffusion tensor in Å²/ps, at the scalar's most probable spectrum and with the scalar's trace."""
        level = self.level()
        if level is None:
            return np.zeros((3, 3))
        tensor = np.einsum("k,ka,kb->ab", 1.0 / level.shape_found, self.modes, self.modes)
        return tensor * (3.0 * float(level.quantiles([0.5])[0]) / np.trace(tensor))

    def interval(
        self, confidence: float, direction: np.ndarray | None = None, *, extra: scatter.Extra = scatter.NONE
    ) -> Estimate:
        """Value and interval in Å²/ps of what `level` is of; `extra` variance of its logarithm is added."""
        level = self.level(direction)
        if level is None:
            return Estimate(0.0, 0.0, 0.0, bound=True)
        low, middle, high = level.interval(confidence)
        # each end for itself: a memory that may be there moves one of them only, and must not hide what widens both
        below, above = np.log(middle / low), np.log(high / middle)
        # along an axis that no ion moves along the end may be anywhere: D_self bounds it
        with np.errstate(over="ignore"):
            upper = middle * np.exp(above * extra.widening(above, confidence))
        if level.may_be_zero:
            return Estimate(0.0, 0.0, float(upper), bound=True)
        lower = middle * np.exp(-below * extra.widening(below, confidence))
        return Estimate(middle, float(lower), float(upper))


def degrees_of_freedom(modes: np.ndarray) -> float:
    """Of the trace at one frequency, from modes (n_f, k): 3 for an isotropic conductor, 2 in a plane, 1 along a line.

    (tr S)² / tr(S²) (Satterthwaite), where tr(S²) is freed of the bias of a Wishart matrix's square.
    """
    n, most = modes.shape
    mean = modes.T @ modes / n
    trace = np.trace(mean)
    square = (np.sum(mean**2) - trace**2 / n) * n**2 / ((n + 2.0) * max(n - 1.0, 1.0))
    return float(np.clip(trace**2 / max(square, trace**2 / most), 1.0, most))


def sine_modes(
    collective: np.ndarray, *, frame_interval_ps: float, n_ions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (n_f,) in 1/ps and sine modes (n_f, 3) in Å/ps^1/2 of the current of summed positions (n_frames, 3) in Å."""
    from scipy.fft import dst

    steps = np.diff(collective, axis=0)
    n = len(steps)
    modes = dst(steps, type=1, axis=0, norm="ortho") / np.sqrt(2.0 * frame_interval_ps * n_ions)
    return np.arange(1, n + 1) / (2.0 * (n + 1) * frame_interval_ps), modes


def low_modes(runs: Sequence[Displacements], *, cutoff_per_ps: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (n_f,) and modes (n_f, 3) of all runs up to a cutoff, at least one of each run."""
    frequencies, modes = [], []
    for run in runs:
        f, z = sine_modes(run.collective, frame_interval_ps=run.frame_interval_ps, n_ions=run.n_ions)
        last = max(1, int(np.searchsorted(f, cutoff_per_ps, side="right")))
        frequencies.append(f[:last])
        modes.append(z[:last])
    frequency = np.concatenate(frequencies)
    order = np.argsort(frequency, kind="stable")
    return frequency[order], np.concatenate(modes)[order]


def swing_ps(
    runs: Sequence[Displacements], *, onset_ps: float, relaxation: Relaxation | None
) -> float | None:
    """Period of the slowest swing of all ions as one that the low spectrum shows, along whichever axis; None without one."""
    resolution = 0.5 / shortest_ps(runs)
    uneven = [scatter.unevenness(runs, onset_ps=onset_ps, direction=axis) for axis in (None, *np.eye(3))]
    slowest: float | None = None
    while True:
        frequency, _ = low_modes(runs, cutoff_per_ps=0.5 / (slowest or onset_ps))
        fitted = fit(runs, onset_ps=onset_ps, relaxation=relaxation, swing_ps=slowest)
        found = _peak(frequency, fitted, resolution, uneven)
        if found is None or (slowest and found <= slowest):
            return slowest
        slowest = found


def _peak(
    frequency: np.ndarray, found: SpectralFit, resolution: float, uneven: Sequence[float]
) -> float | None:
    """Period in ps of the likeliest peak, of all axes together or, where these show none, along one; `uneven` (4,) is how many
    times more evidence each needs, because powers of uneven moves scatter by so much more."""
    centres, spectra = swings.peaks(frequency, resolution=resolution)
    if not len(centres):
        return None
    starts = np.arange(len(frequency)) if found.starts is None else found.starts
    count = np.diff([*starts, len(frequency)])
    without, _, of = _spectra(found.rise, prior=found.prior, own=found.own, starts=starts, count=count)
    spectra = np.add.reduceat(spectra, starts, axis=1) / count
    for axes, factor in zip(([0, 1, 2], [0], [1], [2]), uneven, strict=True):
        modes = found.modes[:, axes]
        power = np.add.reduceat(np.sum(modes**2, axis=1) / len(axes), starts)
        if not (power > 0).any():
            continue
        dof = degrees_of_freedom(modes) if len(axes) > 1 else 1.0
        peak = swings.likeliest_peak(
            power,
            count,
            dof / factor,
            without=without,
            smooth=without[of < 0][::5],
            spectra=spectra,
        )
        if peak is not None:
            return 1 / float(centres[peak])
    return None


def fit(
    runs: Sequence[Displacements],
    *,
    onset_ps: float,
    relaxation: Relaxation | None,
    swing_ps: float | None = None,
    hop_time_ps: float | None = None,
) -> SpectralFit:
    """The low spectrum of all runs together; where all ions swing as one with the period `swing_ps`, from below half of that
    frequency, where the single ions' relaxation counts for no more than the foot of the swing's peak. `hop_time_ps` is the lag at
    which 6 D t of the single ions is a hop squared."""
    if swing_ps is not None and swing_ps > onset_ps:
        onset_ps, relaxation = swing_ps, None
    frequency, modes = low_modes(runs, cutoff_per_ps=0.5 / onset_ps)
    always_ps, often_ps, most_ps = (part * shortest_ps(runs) for part in _LONGEST_OWN)
    longest_ps = max(always_ps, min(often_ps, _USUAL_PS), min(most_ps, _OF_A_HOP * (hop_time_ps or 0.0)))
    own = None
    if longest_ps > 1.5 * onset_ps:
        own = _rises(frequency, np.geomspace(onset_ps, longest_ps, _OWN_TIMES))
    further = {"own": own, "starts": _starts(frequency)}
    bounded = _rises(frequency, onset_ps * np.geomspace(0.02, _SLOWEST, 10))
    if relaxation is None:
        return SpectralFit(modes, (frequency * onset_ps) ** 2, bounded, (0.0, 2.0), **further)
    prior = relaxation.amplitude, 2 + 2 * abs(relaxation.amplitude)
    rise = _rises(frequency, np.array([relaxation.time_ps]))[0]
    return SpectralFit(modes, rise, bounded, prior, **further)


def posterior(
    power: np.ndarray,
    rise: np.ndarray,
    *,
    dof: float,
    bounded: np.ndarray,
    prior: tuple[float, float] = (0.0, 1e3),
    own: np.ndarray | None = None,
    starts: np.ndarray | None = None,
) -> Level:
    """Fit a [1 + beta h + gamma h_own] to powers (n_f,) of `dof` degrees of freedom each, for h = `rise` (n_f,), a Cauchy prior
    (centre, width) of beta, and h_own each of `own` (times, n_f); `bounded` (spectra, n_f) are those of motion that goes nowhere.

    Powers are summed, and spectra averaged, over bins that begin at `starts`.
    """
    starts = np.arange(len(power)) if starts is None else starts
    count = np.diff([*starts, len(power)])
    powers = np.add.reduceat(power, starts), count, dof
    shapes, before, of = _spectra(rise, prior=prior, own=own, starts=starts, count=count)
    bounded = np.add.reduceat(bounded, starts, axis=-1) / count
    likelihood, likeliest = swings.log_likelihood(shapes, *powers)
    best = likelihood[of < 0].max()
    odds = np.where(of < 0, 1.0, _ODDS[: 1 if own is None else None, of])
    log_weight = likelihood + np.log(before * odds)
    weights = np.exp(log_weight - log_weight.max())
    of_bounded, _ = swings.log_likelihood(bounded, *powers)
    return Level(
        shape_found=np.repeat(shapes[np.argmax(log_weight[0])], count),
        weights=weights / weights.sum(axis=1, keepdims=True),
        likeliest=likeliest,
        shape=0.5 * dof * len(power),
        may_be_zero=bool(best - of_bounded.max() < _EVIDENCE),
    )


def _spectra(
    rise: np.ndarray,
    *,
    prior: tuple[float, float],
    own: np.ndarray | None,
    starts: np.ndarray,
    count: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(spectra, bins) over their limits, their prior probabilities but for the odds of a memory of the sum's own, and its place
    in `_STRENGTHS`, -1 for the first ones, which have none."""
    rise = np.add.reduceat(rise, starts) / count
    # The spectrum may fall to a third of its limit within the band, or rise manyfold.
    beta = np.concatenate([np.linspace(-0.67, 0, 15)[:-1], np.geomspace(0.02, 1e4, 120) - 0.02]) / rise.max()
    shapes, before, of = 1.0 + beta[:, None] * rise, _prior(beta, prior), np.full(len(beta), -1)
    if own is None:
        return shapes, before, of
    own = np.add.reduceat(own, starts, axis=1) / count
    with_own, chance, strength = _with_own_memory(beta[::3], rise, prior, own)
    return np.concatenate([shapes, with_own]), np.append(before, chance), np.append(of, strength)


def _prior(beta: np.ndarray, prior: tuple[float, float]) -> np.ndarray:
    """(beta,) probabilities of a Cauchy distribution with (centre, width)."""
    density = np.gradient(beta) / (1 + ((beta - prior[0]) / prior[1]) ** 2)
    return density / density.sum()


def _with_own_memory(
    beta: np.ndarray, rise: np.ndarray, prior: tuple[float, float], own: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `_spectra` gives of those with a slower memory of the sum's own."""
    grid = 1.0 + beta[:, None, None, None] * rise + _STRENGTHS[:, None, None] * own
    chance = np.broadcast_to(_prior(beta, prior)[:, None, None] / len(own), grid.shape[:3])
    strength = np.broadcast_to(np.arange(len(_STRENGTHS))[:, None], grid.shape[:3])
    # no spectrum falls below a tenth of its limit
    possible = grid.min(axis=-1) > 0.1
    return grid[possible], chance[possible], strength[possible]


def _starts(frequency: np.ndarray) -> np.ndarray:
    """Where bins of (n_f,) rising frequencies begin: single frequencies first, then bins of a given relative width."""
    starts = [0]
    while (
        following := max(starts[-1] + 1, int(np.searchsorted(frequency, frequency[starts[-1]] * (1 + _BIN))))
    ) < len(frequency):
        starts.append(following)
    return np.array(starts)


def _rises(frequency: np.ndarray, times_ps: np.ndarray) -> np.ndarray:
    """(times, n_f): x² / (1 + x²), x = 2 pi f tau."""
    x2 = (2 * np.pi * frequency * times_ps[:, None]) ** 2
    return x2 / (1 + x2)
