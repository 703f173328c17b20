"""What the user says beside the CIF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BUDGET_CORE_HOURS = 24.0
SINGLE_POINTS, CHEAP_SINGLE_POINTS = 300, 120


@dataclass(frozen=True)
class Wishes:
    """Everything but the CIF; None is left to the proposal.

    Attributes
    ----------
    mobile
        Element whose ions carry the current.
    charges
        Charges (e) of elements that are not to be guessed.
    sigma_ms_per_cm, activation_energy_ev, melting_k
        Conductivity at 298 K, its activation energy, and where the host melts or decomposes.
    budget_core_hours
        Hours of cores that the run may take together; with `gpu` also those that a GPU is held.
    engine
        Label engine, one of the config's.
    single_points
        Calculations that an engine with a start may make; None: 300 of DFT, 120 of SevenNet.
    as_listed
        Whether the CIF's sites are all there are: none is added where they have no room for the mobile ions.
    """

    mobile: str | None = None
    charges: Mapping[str, float] = field(default_factory=dict)
    sigma_ms_per_cm: float | None = None
    activation_energy_ev: float | None = None
    melting_k: float | None = None
    budget_core_hours: float = BUDGET_CORE_HOURS
    gpu: bool = False
    engine: str = "chgnet"
    single_points: int | None = None
    as_listed: bool = False
