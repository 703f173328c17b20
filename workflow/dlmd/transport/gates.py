"""Named verdicts: reasons why a trajectory has no diffusion coefficient or conductivity to report, and all their limits.

Those on host and thermostat are in `dlmd.transport.health`. Each check takes numbers and returns a `Gate` where its limit is
broken, None otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import log
from typing import Any

import numpy as np

from dlmd.base.intervals import Estimate
from dlmd.base.verdicts import Verdict

VERSION = 6


@dataclass(frozen=True)
class Gate:
    """A broken limit: what it is called, the value found (None where there is none), the limit, and what to do."""

    code: Verdict
    value: float | None
    limit: float
    message: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of the gates.

    Attributes
    ----------
    hop_length_angstrom
        Distance of neighbouring sites in Å; a mean square displacement below its square is no diffusion.
    loglog_tolerance
        Accepted distance of the log-log slope of MSD_self from 1.
    onsets_per_run
        Length of a run in units of the diffusive onset t*, at least.
    hops_per_run
        6 D_self times the length of the run in units of `hop_length_angstrom` squared, at least.
    moves_per_run
        As how many equal displacements those of all ions count, at least: of few flights nobody knows how far the next goes.
    slowing
        Accepted fall of D_self with the logarithm of the lag, beyond the time of a hop: an MSD as t^0.95 passes.
    change_over_run
        Accepted change of D_self from the start to the end of a run, in parts of its mean.
    lag_chance, time_chance, drift_chance
        A fall, a change or a drift counts if chance gives more less often than this.
    host_msd_angstrom2
        Mean square displacement of the host's atoms from the first to the last fifth of a run, at most (per
        species).
    host_shift_angstrom
        Median distance between the mean positions of an atom in the first and the last fifth, at most (per species). A solid
        in which half of the atoms rest elsewhere has become another one.
    host_drift_angstrom
        Distance the host's centre of mass may travel in Å. The drift is removed, but a cell that flies takes
        kinetic energy from the ions.
    temperature_fraction
        Accepted deviation of the mean temperature from the set point, and of the trend over a run, as a
        fraction.
    energy_drift_fraction
        Accepted trend of the conserved energy over a run, per atom, as a fraction of k_B T.
    pressure_gpa, extreme_pressure_gpa
        Accepted mean pressure (GPa) beyond its interval, of a cell that is the mean at zero pressure, and of any other.
    """

    hop_length_angstrom: float = 3.0
    loglog_tolerance: float = 0.3
    onsets_per_run: float = 8.0
    hops_per_run: float = 30 / 7
    moves_per_run: float = 12.0
    slowing: float = 0.05
    change_over_run: float = 0.2
    lag_chance: float = 0.02
    time_chance: float = 0.005
    drift_chance: float = 1e-4
    host_msd_angstrom2: float = 3.0
    host_shift_angstrom: float = 0.5
    host_drift_angstrom: float = 10.0
    temperature_fraction: float = 0.03
    energy_drift_fraction: float = 0.1
    pressure_gpa: float = 0.2
    extreme_pressure_gpa: float = 5.0


def verdict(gates: Iterable[Gate | None]) -> dict[str, Any]:
    """JSON-ready verdict: the code of the first broken limit or 'ok', a sentence, and all broken limits."""
    failed = [gate for gate in gates if gate is not None]
    if not failed:
        return {"code": Verdict.OK.value, "message": "diffusive; all limits kept", "gates": []}
    return {
        "code": failed[0].code.value,
        "message": "; ".join(gate.message for gate in failed)
        + f". {failed[0].remedy[0].upper()}{failed[0].remedy[1:]}.",
        "gates": [asdict(gate) | {"code": gate.code.value} for gate in failed],
    }


def one_coefficient(with_lag: tuple[float, float], limits: Limits) -> Gate | None:
    """Does D stop falling with the lag? `with_lag` is its relative fall per unit of ln(lag), and how often chance gives more."""
    fall, chance = with_lag
    if fall <= limits.slowing or chance >= limits.lag_chance:
        return None
    return Gate(
        Verdict.NOT_DIFFUSIVE,
        1 - fall,
        1 - limits.slowing,
        f"MSD_self grows as t^{1 - fall:.2f} up to the longest lags: the motion goes on slowing down",
        "run longer or hotter",
    )


def stationary(with_time: tuple[float, float], limits: Limits) -> Gate | None:
    """Is D the same throughout the run? `with_time` is its relative change over the run, and how often chance gives more."""
    change, chance = with_time
    if abs(change) <= limits.change_over_run or chance >= limits.time_chance:
        return None
    return Gate(
        Verdict.NOT_STATIONARY,
        change,
        limits.change_over_run,
        f"D_self changes by {100 * change:+.0f} % of its mean from the start of the run to its end "
        f"(chance gives more in {100 * chance:.1g} % of runs)",
        "equilibrate for longer, or leave out the start of the run (--skip)",
    )


def no_drift(drift_a_per_ps: float, chance: float, limits: Limits) -> Gate | None:
    """Do the mobile ions as a whole stay? `chance` is how often a run without a drift shows more."""
    if chance >= limits.drift_chance:
        return None
    return Gate(
        Verdict.IONS_DRIFTING,
        drift_a_per_ps,
        0.0,
        f"the mobile ions drift through the host by {drift_a_per_ps:.3g} Å/ps on average "
        f"(chance gives more in {100 * chance:.1g} % of runs): this is no equilibrium",
        "run without a field, and unwrap ions and host alike",
    )


def moved_on(hop_time_ps: float | None, length_ps: float, reach_a2: float, limits: Limits) -> Gate | None:
    """Have the ions moved on by several hops, so that they have forgotten the first? `reach_a2` is 6 D_self times the length of
    the run."""
    if hop_time_ps is not None:
        return None
    limit = limits.hops_per_run * limits.hop_length_angstrom**2
    return Gate(
        Verdict.TOO_SHORT,
        reach_a2,
        limit,
        f"in {length_ps:g} ps the ions move on by {max(reach_a2, 0.0):.1f} Å² (6 D t), less than {limits.hops_per_run:.2g} "
        f"hops squared ({limit:.0f} Å²): they may still remember where they came from",
        "run longer or hotter",
    )


def many_moves(moves: float, limits: Limits) -> Gate | None:
    """Do many displacements carry the motion? `moves` is as how many equal ones they count, (sum u²)² / sum u⁴ over all
    components: of normally distributed ones a third of their number."""
    if moves >= limits.moves_per_run:
        return None
    return Gate(
        Verdict.TOO_SHORT,
        moves,
        limits.moves_per_run,
        f"few displacements carry the motion: those of all ions and stretches count as {moves:.2g} equal ones, at least "
        f"{limits.moves_per_run:g} are needed",
        "run longer or hotter, or more ions",
    )


def hops(msd_a2: float, limits: Limits) -> Gate | None:
    """Have the ions left their sites? `msd_a2` is MSD_self over the length of the run."""
    limit = limits.hop_length_angstrom**2
    if msd_a2 >= limit:
        return None
    return Gate(
        Verdict.NOT_DIFFUSIVE,
        msd_a2,
        limit,
        f"MSD_self reaches {msd_a2:.2f} Å² in the whole run, less than one hop squared ({limit:.1f} Å²)",
        "run longer or hotter",
    )


def linear(msd_self_a2: np.ndarray, limits: Limits, *, first: int, last: int) -> Gate | None:
    """Is MSD_self (lags,) linear in time? Its log-log slope must be near 1.

    The slope is taken in three ways, and the one nearest to 1 is judged: over the fit window (indices first..last); over lags
    [n/9, n/3]; and over [n/9, n/3] after subtracting the offset of the line through the window, because rattling in cages
    adds a constant to a linear MSD. The third is left out where the MSD is not yet twice that offset. A curve without a
    logarithm is not judged here but by `hops`.
    """
    n = len(msd_self_a2)
    middle, late = max(1, n // 9), n // 3
    slope_in_window = (msd_self_a2[last] - msd_self_a2[first]) / (last - first)
    offset = max(msd_self_a2[first] - slope_in_window * first, 0.0)
    found = [_loglog_slope(msd_self_a2, first, last), _loglog_slope(msd_self_a2, middle, late)]
    if msd_self_a2[late] > 2 * offset:
        found.append(_loglog_slope(msd_self_a2 - offset, middle, late))
    slopes = [s for s in found if s is not None]
    if not slopes:
        return None
    slope = min(slopes, key=lambda s: abs(s - 1))
    if abs(slope - 1) <= limits.loglog_tolerance:
        return None
    below = slope < 1
    return Gate(
        Verdict.NOT_DIFFUSIVE,
        slope,
        1 - limits.loglog_tolerance if below else 1 + limits.loglog_tolerance,
        f"MSD_self grows as t^{slope:.2f}: the ions " + ("rattle in cages" if below else "flow or drift"),
        "run longer or hotter" if below else "look for drift of the cell, or a molten host",
    )


def _loglog_slope(curve: np.ndarray, first: int, last: int) -> float | None:
    """None where the curve or the lags have no logarithm."""
    if not (1 <= first < last and curve[first] > 0 and curve[last] > 0):
        return None
    return log(curve[last] / curve[first]) / log(last / first)


def long_enough(length_ps: float, onset_ps: float | None, limits: Limits) -> Gate | None:
    """Does the (shortest) run last many onsets of diffusion?"""
    if onset_ps is None:
        return Gate(
            Verdict.TOO_SHORT,
            None,
            limits.onsets_per_run,
            f"no diffusive onset found within the {length_ps:g} ps of the run",
            "run longer, or give the fit window",
        )
    if length_ps >= limits.onsets_per_run * onset_ps:
        return None
    return Gate(
        Verdict.TOO_SHORT,
        length_ps / onset_ps,
        limits.onsets_per_run,
        f"the run of {length_ps:g} ps lasts {length_ps / onset_ps:.1f} times the diffusive onset of {onset_ps:.3g} ps, "
        f"at least {limits.onsets_per_run:g} are needed",
        "run longer",
    )


def sum_moves(msd_total_a2: float, msd_self_a2: float) -> Gate | None:
    """Is the frame of reference the host's? In that of the mobile ions themselves their sum stands still."""
    limit = 1e-6 * msd_self_a2
    if msd_total_a2 > limit:
        return None
    return Gate(
        Verdict.SUM_AT_REST,
        msd_total_a2,
        limit,
        f"the sum of all mobile ions does not move (MSD_total {msd_total_a2:.1e} Å²)",
        "give positions in the frame of the host, with the host's atoms",
    )


def ions_diffuse(d_self: Estimate | None, length_ps: float) -> Gate | None:
    """Is D_self a value? Few stretches of a run may differ by so much that it may be zero."""
    if d_self is None or not d_self.bound:
        return None
    return Gate(
        Verdict.TOO_SHORT,
        None,
        0.0,
        f"D_self of the {length_ps:g} ps is no larger than its error: the run has too few independent moves",
        "run longer, or in a larger cell",
    )


def sum_diffuses(d_total: Estimate | None, d_self: Estimate | None) -> Gate | None:
    """Does the sum of the ions diffuse? Where D_total may be zero there is an upper bound, and no conductivity."""
    if d_total is None or d_self is None or not d_total.bound:
        return None
    part = d_total.high / d_self.value if d_self.value > 0 else 0.0
    return Gate(
        Verdict.UPPER_BOUND,
        None,
        d_total.high,
        f"the sum of the mobile ions may go nowhere: its spectrum falls to zero, and D_total is below {part:.2g} times D_self",
        "run longer: the bound falls, or a value appears",
    )
