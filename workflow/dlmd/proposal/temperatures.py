"""Temperatures of production and of the labels, by a rule that can be told in one sentence.

The coldest is where ions move `HOPS` hops within the run: 6 D t = HOPS a², with D from the conductivity by Nernst-Einstein,
D = sigma k_B T V / (N z² e²), and sigma T = C exp(-E_a / k_B T). The hottest is where the host is still a solid: four fifths of
its melting point. The coldest is no hotter than that over `NARROWEST`: what ions move there is said where it is less. Six
temperatures go from one to the other, evenly in 1/T. What the user does not know is taken from conductors of the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from dlmd.base.carriers import elements
from dlmd.base.units import BOLTZMANN_EV_PER_K, conductivity_ms_per_cm

ROOM_K = 298.15
HOPS = 4.0  # square hops of an ion within the run at the lowest temperature
SOLID = 0.8  # of the melting point
HOPELESS = 0.04  # square hops within the run, below which it would have to be a hundred times as long
WIDEST = 2.2  # hottest over coldest
NARROWEST = 1.35
NUMBER = 6
STEP_K = 10
LABELS_HOTTER = 1.35  # than production


@dataclass(frozen=True)
class Kind:
    """Conductors of one kind: what is typical of them."""

    name: str
    sigma_ms_per_cm: float  # at 298 K
    activation_energy_ev: float
    solid_to_k: float


KINDS = {
    "oxide": Kind("oxide-ion conductors", 1e-7, 0.9, 2000.0),
    "fluoride": Kind("fluoride-ion conductors", 1e-3, 0.5, 1000.0),
    "silver": Kind("silver and copper conductors", 10.0, 0.2, 700.0),
    "I": Kind("iodides", 0.5, 0.35, 600.0),
    "Br": Kind("bromides", 1.0, 0.35, 700.0),
    "Cl": Kind("chlorides", 1.0, 0.35, 750.0),
    "F": Kind("fluorides", 1e-3, 0.5, 900.0),
    "S": Kind("sulfides", 1.0, 0.3, 800.0),
    "Se": Kind("selenides", 1.0, 0.3, 750.0),
    "Te": Kind("tellurides", 1.0, 0.3, 750.0),
    "O": Kind("oxides", 0.1, 0.4, 1200.0),
    "N": Kind("nitrides", 0.1, 0.4, 900.0),
    "H": Kind("complex hydrides", 0.1, 0.4, 600.0),
}
OTHER = Kind("conductors of no kind that is known here", 0.1, 0.4, 900.0)


@dataclass(frozen=True)
class Temperatures:
    """Production's temperatures (K), those of the labels, and why."""

    production_k: tuple[int, ...]
    labels_k: tuple[int, ...]
    reason: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Carriers:
    """The mobile ions: charge (e), number per volume (1/Å³), and the distance of their sites (Å)."""

    charge_e: float
    per_angstrom3: float
    hop_angstrom: float


def kind(mobile: str, charges: Mapping[str, float], atoms: Mapping[str, float]) -> Kind:
    """The kind of conductor, by its mobile ion and the anion that the crystal has most of."""
    if mobile == "O":
        return KINDS["oxide"]
    if mobile == "F":
        return KINDS["fluoride"]
    if set(elements(mobile)) <= {"Ag", "Cu"}:
        return KINDS["silver"]
    anions = [s for s, q in charges.items() if q < 0]
    return KINDS.get(max(anions, key=lambda s: atoms[s]), OTHER) if anions else OTHER


def choose(
    of: Kind,
    carriers: Carriers,
    *,
    length_ps: float,
    sigma_ms_per_cm: float | None = None,
    activation_energy_ev: float | None = None,
    melting_k: float | None = None,
) -> Temperatures:
    """Temperatures for runs of `length_ps` at each of them."""
    sigma = sigma_ms_per_cm if sigma_ms_per_cm is not None else of.sigma_ms_per_cm
    energy = activation_energy_ev if activation_energy_ev is not None else of.activation_energy_ev
    hottest = SOLID * melting_k if melting_k is not None else of.solid_to_k

    def hops(temperature_k: float) -> float:
        return 6 * diffusion(temperature_k, sigma, energy, carriers) * length_ps / carriers.hop_angstrom**2

    moving = [t for t in np.arange(200.0, hottest + STEP_K, STEP_K) if hops(t) >= HOPS]
    coldest = min(moving[0] if moving else hottest, hottest / NARROWEST)
    production = _spread(max(coldest, hottest / WIDEST), hottest)
    low, high = production[0], production[-1]
    notes = []
    if hops(low) < HOPS:
        notes.append(
            f"an ion makes only {hops(low):.2g} of {HOPS:g} square hops within the run at {low} K, and {hops(high):.2g} at "
            f"{high} K: {_too_slow(hops(low), hops(high))}"
        )
    known = (
        ("sigma", sigma_ms_per_cm),
        ("E_a", activation_energy_ev),
        ("the melting point", melting_k),
    )
    said = [name for name, value in known if value is not None]
    source = (
        f"{' and '.join(said)} as given, the rest"
        if said and len(said) < 3
        else "all given"
        if said
        else "all"
    )
    square = f"square hops of {carriers.hop_angstrom:.2g} Å in {length_ps:.0f} ps"
    reason = (
        f"sigma(298 K) {sigma:.3g} mS/cm, E_a {energy:.3g} eV, solid up to {hottest:.0f} K ({source}"
        + ("" if len(said) == 3 else f" as is usual for {of.name}")
        + f"): an ion makes {_moved(hops(low), low, begins=low == coldest).format(square)}"
    )
    return Temperatures(production, _labels(production), reason, tuple(notes))


def _moved(hops: float, at_k: int, *, begins: bool) -> str:
    """What an ion moves at the lowest temperature, `{}` for what is counted; `begins`: the number wanted is reached there."""
    if hops < HOPS:
        return f"only {hops:.2g} of {HOPS:g} {{}} at {at_k} K"
    return f"{HOPS:g} {{}} from {at_k} K on" if begins else f"{hops:.2g} {{}} at {at_k} K"


def _too_slow(at_lowest: float, at_highest: float) -> str:
    """What comes of runs in which an ion makes fewer than `HOPS` square hops, and what helps."""
    if at_highest < HOPELESS:
        return (
            "no run of this kind will show motion at these temperatures, whatever the budget, and all will end with "
            "`not_diffusive`: by these numbers the conductor is too slow for molecular dynamics"
        )
    if at_lowest < HOPELESS:
        return (
            "no run of this kind will show motion at the lower temperatures, whatever the budget, and they will end with "
            "`not_diffusive`: leave them out"
            + ("" if at_highest >= HOPS else ", and raise the budget for the others")
        )
    return "raise the budget, or expect `too_short` (below one square hop `not_diffusive`) " + (
        "at the lower temperatures" if at_highest >= HOPS else "at all temperatures"
    )


def diffusion(temperature_k: float, sigma_ms_per_cm: float, energy_ev: float, carriers: Carriers) -> float:
    """D (Å²/ps) at a temperature, from the conductivity at 298 K and its activation energy (ln sigma T against 1/T)."""
    here = (
        sigma_ms_per_cm
        * ROOM_K
        / temperature_k
        * exp(-energy_ev / BOLTZMANN_EV_PER_K * (1 / temperature_k - 1 / ROOM_K))
    )
    of_one = conductivity_ms_per_cm(
        diffusion_a2_per_ps=1.0,
        n_ions=1,
        charge_e=carriers.charge_e,
        volume_angstrom3=1 / carriers.per_angstrom3,
        temperature_k=temperature_k,
    )
    return here / of_one


def _spread(coldest: float, hottest: float) -> tuple[int, ...]:
    inverse = np.linspace(1 / coldest, 1 / hottest, NUMBER)
    return tuple(dict.fromkeys(round(1 / x / STEP_K) * STEP_K for x in inverse))


def _labels(production: Sequence[int]) -> tuple[int, ...]:
    """Cold, middle, hot, and hotter than production."""
    low, middle, high = production[0], production[len(production) // 2], production[-1]
    hotter = round(LABELS_HOTTER * high / STEP_K) * STEP_K
    return tuple(sorted({low, middle, high, hotter}))
