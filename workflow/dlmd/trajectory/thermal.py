"""Does the thermal motion that a trajectory shows fit the time between its frames and the temperature it is said to have?

Two statements of classical statistics are used, both free of any model of the material:

    speed      <|r(t+dt) - r(t)|²> <= dt² <v²> = dt² 3 k_B T / m     at any dt, with equality for dt below a vibration
    stiffness  k = k_B T / <u²> of atoms that rest: u one component of their distance from their mean place

Stiffnesses of crystals lie between about 0.3 eV/Å² (soft iodides near melting) and 60 eV/Å² (diamond).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_EV_PER_K, BOLTZMANN_U_A2_PER_PS2_PER_K

VERSION = 2
# Frames at the beginning whose motion is looked at.
FRAMES = 64
# Apparent over given temperature beyond which the speed says no: at long dt only the upper side is a bound, at short dt both.
_TOO_FAST = 4.0
_BALLISTIC = (0.45, 2.2)
# <|r(t+2dt) - r(t)|²> over <|r(t+dt) - r(t)|²>: 4 in free flight, 2 + 2 cos(w dt) of one vibration, 2 of a walk, 1 of places
# without memory
_FREE_FLIGHT = 3.5
# Above this ratio dt is well below a vibration, which then shows nearly its whole thermal speed: less of it tells that the frames
# are nearer to each other than is said.
_WITH_MEMORY, _TOO_SLOW = 2.6, 0.3
STIFFNESS_EV_PER_A2 = (0.18, 100.0)
# Atoms that vibrate less are held, or made up.
_HELD_A = 0.02
# Runs shorter than this show no whole vibration.
_SHORTEST_PS = 1.0
_REMEDY = "check --time-step (fs), --stride and --temperature (K); or give --trust-options if they are right"


@dataclass
class ThermalMotion:
    """Collects the first frames of all atoms, and judges.

    Attributes
    ----------
    masses
        (atoms,), u.
    """

    masses: np.ndarray
    temperature_k: float | None
    interval_ps: float
    where: str
    _frames: list[np.ndarray] = field(default_factory=list)
    _done: bool = False

    def add(self, positions: np.ndarray) -> None:
        """Add unwrapped positions (atoms, 3); judges by itself once there are enough.

        Raises
        ------
        DlmdError
            as `judge` does.
        """
        if self._done or self.temperature_k is None:
            return
        self._frames.append(positions.copy())
        if len(self._frames) == FRAMES:
            self.judge()

    def judge(self) -> None:
        """Raises DlmdError where the atoms move faster, or in free flight otherwise, than the temperature lets them."""
        if self._done or self.temperature_k is None or len(self._frames) < 2:
            return
        self._done = True
        self._check(self.frames(), self.temperature_k)
        self._frames = []

    def frames(self) -> np.ndarray:
        """(frames, atoms, 3) what is collected, as long as nothing has been found right."""
        return np.array(self._frames)

    def _check(self, frames: np.ndarray, temperature_k: float) -> None:
        """Raises DlmdError for (frames, atoms, 3), as `judge` does."""
        free = (frames != frames[0]).any(axis=(0, 2))
        if not free.any():
            return
        masses = self.masses[free]
        if free.all():
            # the flight of a whole crystal is no heat; atoms that are held hold it
            frames -= (np.einsum("a,fax->fx", masses, frames) / masses.sum())[:, None]
        frames = frames[:, free]
        once = self._apparent_k(frames, masses, 1)
        if once > _TOO_FAST * temperature_k:
            raise self._refusal(once, "at least")
        if len(frames) < 8 or once == 0:
            return
        flight = 4.0 * self._apparent_k(frames, masses, 2) / once
        low, high = _BALLISTIC
        if flight > _FREE_FLIGHT and not low * temperature_k <= once <= high * temperature_k:
            raise self._refusal(once, "about")
        if flight > _WITH_MEMORY and once < _TOO_SLOW * temperature_k:
            raise self._refusal(once, "about")

    def _apparent_k(self, frames: np.ndarray, masses: np.ndarray, lag: int) -> float:
        """Temperature in K that atoms of (atoms,) masses would need to move as in `lag` frames, were they in free flight."""
        moved = ((frames[lag:] - frames[:-lag]) ** 2).sum(axis=2).mean(axis=0)
        speed2 = masses * moved / (lag * self.interval_ps) ** 2
        return float(speed2.mean() / (3.0 * BOLTZMANN_U_A2_PER_PS2_PER_K))

    def _refusal(self, apparent_k: float, how: str) -> DlmdError:
        return DlmdError(
            f"the atoms move {how} as at {apparent_k:.3g} K, if frames are {self.interval_ps:.4g} ps apart; "
            f"{self.temperature_k:g} K is given",
            where=self.where,
            remedy=_REMEDY,
        )


def check_stiffness(
    rms_a: dict[str, float], *, temperature_k: float, length_ps: float, at_rest: bool, where: str
) -> None:
    """Raises DlmdError where the host's vibration fits no crystal at this temperature.

    Parameters
    ----------
    rms_a
        By species, median over its atoms of the root mean square of one component of the distance from the mean place, Å.
    at_rest
        Whether the host stays in place; otherwise only stiffnesses that are too high are refused.
    """
    seen = {kind: value for kind, value in rms_a.items() if value > _HELD_A}
    if not seen or length_ps < _SHORTEST_PS:
        return
    low, high = STIFFNESS_EV_PER_A2
    stiffness = {kind: BOLTZMANN_EV_PER_K * temperature_k / value**2 for kind, value in seen.items()}
    softest, stiffest = min(stiffness, key=stiffness.__getitem__), max(stiffness, key=stiffness.__getitem__)
    if stiffness[softest] > high:
        kind, fits = softest, high
    elif at_rest and stiffness[stiffest] < low:
        kind, fits = stiffest, low
    else:
        return
    limit = fits * seen[kind] ** 2 / BOLTZMANN_EV_PER_K
    side = "at most" if fits == high else "at least"
    raise DlmdError(
        f"{kind} of the host vibrates by {seen[kind]:.2f} Å (rms, each axis), which takes {side} {limit:.3g} K in any crystal; "
        f"{temperature_k:g} K is given",
        where=where,
        remedy=_REMEDY,
    )


def allowed_drift_a(
    host_masses: np.ndarray, *, temperature_k: float | None, length_ps: float, share: float = 0.01
) -> float:
    """Distance in Å that a host of (atoms,) masses in u may travel while its kinetic energy is `share` of its thermal one.

    A crystal that flies takes this energy from the vibrations where a thermostat holds the sum of both.
    """
    if temperature_k is None or not len(host_masses):
        return 0.0
    thermal = 3.0 * BOLTZMANN_U_A2_PER_PS2_PER_K * temperature_k / float(np.mean(host_masses))
    return float((share * thermal) ** 0.5 * length_ps)
