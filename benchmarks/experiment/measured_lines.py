"""The measured lines of a material: each sample's conductivity along its own activation energy, and the middle of them.

ln(sigma T) = ln A - E_a / (k_B T), from 298 K on. A line needs both numbers of one sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, sqrt
from statistics import median, median_high, median_low

import outcome
from materials import Material, Spread

from dlmd.base.units import BOLTZMANN_EV_PER_K

# a convention: activation energies of one compound, measured in different laboratories, differ by so much
LABORATORIES_EV = 0.05


@dataclass(frozen=True)
class Line:
    """One sample: its conductivity at 298 K (mS/cm) and its activation energy (eV)."""

    sigma_ms_per_cm: float
    energy_ev: float

    def at(self, temperature_k: float, more_ev: float = 0.0) -> float:
        """Its conductivity (mS/cm) at a temperature (K), with an activation energy that is `more_ev` larger."""
        inverse = 1 / temperature_k - 1 / outcome.ROOM_K
        factor = exp(-(self.energy_ev + more_ev) / BOLTZMANN_EV_PER_K * inverse)
        return self.sigma_ms_per_cm * outcome.ROOM_K / temperature_k * factor


@dataclass(frozen=True)
class Measured:
    """The lines of a material at one temperature, in mS/cm.

    Attributes
    ----------
    each
        The line of each sample, in the order of the list.
    middle
        Their geometric middle, the lowest and the highest of them.
    bar
        What the middle may be off by: the range over the samples; of one line, that with its activation energy 0.05 eV smaller
        and larger.
    of_one_sample
        Whether each line is one sample's. False where none has both numbers: the only line is then that of the two medians.
    """

    each: tuple[float, ...]
    middle: Spread
    bar: Spread
    of_one_sample: bool


def of(material: Material) -> tuple[list[Line], bool]:
    """The lines of the samples that have both numbers, and True; else that of the medians, if there is one, and False."""
    keys = ("sigma_ms_per_cm", "activation_energy_ev")
    own = [
        Line(*(float(one[key]) for key in keys)) for one in material.measured if all(k in one for k in keys)
    ]
    if own:
        return own, True
    sigma, energy = (material.spread(key) for key in keys)
    return ([Line(sigma.value, energy.value)] if sigma and energy else []), False


def at(material: Material, temperature_k: float) -> Measured | None:
    """What was measured of a material, taken to a temperature (K); None without any line."""
    found, of_one_sample = of(material)
    if not found:
        return None
    each = tuple(line.at(temperature_k) for line in found)
    middle = Spread(geometric_middle(each), min(each), max(each))
    ends = [found[0].at(temperature_k, more) for more in (-LABORATORIES_EV, LABORATORIES_EV)]
    bar = middle if len(found) > 1 else Spread(middle.value, min(ends), max(ends))
    return Measured(each, middle, bar, of_one_sample)


def geometric_middle(values: Iterable[float]) -> float:
    """The median of positive numbers; of an even number of them, the geometric mean of the middle two."""
    known = list(values)
    # one of them as it is: logarithm and exponential would round it
    return sqrt(median_low(known) * median_high(known)) if len(known) % 2 == 0 else median(known)
