"""The temperature that velocities in a file have, held against the one that the run is said to have."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import BOLTZMANN_U_A2_PER_PS2_PER_K
from dlmd.trajectory.text_frames import Frame

# Relative difference of two temperatures that is no contradiction, beside so many standard errors.
_ALLOWED, _ERRORS = 0.15, 3.0
# A set point is rounded by so much at most.
_SAME_SET_POINT = 0.02
# Values of the temperature this far apart count as independent.
_CORRELATED_PS = 1.0
# (Å/fs over Å/ps) squared
_REAL_OVER_METAL = 1e6
# A temperature so many times another one comes from velocities in an unknown unit.
_FOREIGN = 100.0


def check_set_point(held_k: float | None, temperature_k: float | None, where: str) -> None:
    """Raises DlmdError where the file says that its thermostat held another temperature than the one given."""
    if held_k is None or temperature_k is None or abs(held_k / temperature_k - 1.0) <= _SAME_SET_POINT:
        return
    raise DlmdError(
        f"the file says that its thermostat held {held_k:g} K; {temperature_k:g} K is given",
        where=where,
        remedy="check --temperature (K); or give --trust-options if it is right",
    )


@dataclass
class KineticTemperature:
    """Collects the kinetic temperature of the frames that have velocities or momenta, and judges.

    Attributes
    ----------
    masses
        (atoms,), u.
    temperature_k
        Set point; None to judge nothing.
    held
        Whether the file says what its thermostat held.
    """

    masses: np.ndarray
    temperature_k: float | None
    where: str
    held: bool = False
    notes: list[str] = field(default_factory=list)
    _values_k: list[float] = field(default_factory=list)
    _freedom: int = 0
    _metal_or_real: bool = False

    def add(self, frame: Frame) -> None:
        """Take the temperature of one frame: that of its moving atoms, beside the motion of their centre."""
        if self.temperature_k is None:
            return
        velocities = frame.velocities
        if velocities is None and frame.momenta is not None:
            velocities = frame.momenta / self.masses[:, None]
        if velocities is None or not np.isfinite(velocities).all():
            return
        moving = velocities.any(axis=1)
        if moving.sum() < 2:
            return
        masses, velocities = self.masses[moving], velocities[moving]
        velocities = velocities - masses @ velocities / masses.sum()
        self._freedom = 3 * len(masses) - 3
        energy2 = float(masses @ (velocities**2).sum(axis=1))
        self._metal_or_real = frame.metal_or_real
        self._values_k.append(energy2 / (self._freedom * BOLTZMANN_U_A2_PER_PS2_PER_K))

    def judge(self, interval_ps: float) -> None:
        """Raises DlmdError where the mean over the second half of the run is another temperature than the one given."""
        if self.temperature_k is None:
            return
        if not self._values_k:
            if not self.held:
                self.notes.append(
                    f"{self.temperature_k:g} K, as given: the file has no velocities to hold against it"
                )
            return
        late = self._values_k[len(self._values_k) // 2 :]
        found = self._in_known_unit(float(np.mean(late)))
        if found is None:
            return
        independent = max(1.0, len(late) * min(1.0, interval_ps / _CORRELATED_PS))
        error = (2.0 / self._freedom / independent) ** 0.5
        if abs(found / self.temperature_k - 1.0) > _ALLOWED + _ERRORS * error:
            raise DlmdError(
                f"the velocities in the file are those of {found:.4g} K; {self.temperature_k:g} K is given",
                where=self.where,
                remedy="check --temperature (K); or give --trust-options if it is right and the velocities are not",
            )

    def _in_known_unit(self, found_k: float) -> float | None:
        """The temperature, of velocities in Å/ps or Å/fs where the file does not say which; None for neither, with a note."""
        if not self._metal_or_real or self.temperature_k is None:
            return found_k
        given = self.temperature_k
        either = (found_k, found_k * _REAL_OVER_METAL)
        nearest = min(either, key=lambda t: abs(np.log(t / given)))
        if 1 / _FOREIGN < nearest / given < _FOREIGN:
            return nearest
        self.notes.append(
            f"the velocities in the file would be those of {either[0]:.3g} K in Å/ps and of {either[1]:.3g} K in Å/fs: another "
            "unit, so that they say nothing on the temperature (LAMMPS: dump_modify units yes)"
        )
        return None
