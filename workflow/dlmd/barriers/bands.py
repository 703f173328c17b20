"""A band: images along the path of one hop, the verdict on them, and their energies as a profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

# Verdicts on a band, with their meaning as in docs/verdicts.md below; only those of CONVERGED count
CONVERGED = "converged"
UNCONVERGED = "unconverged"
ENDPOINT_UNRELAXED = "endpoint unrelaxed"
ENDPOINT_COLLAPSED = "endpoint collapsed"
ENDPOINT_ELSEWHERE = "endpoint elsewhere"
NO_SADDLE = "no saddle"
STATUSES = {
    CONVERGED: "forces across the band are below the limit, and there is a saddle",
    UNCONVERGED: "the steps ran out; going on is a matter of `barriers.max_steps`",
    ENDPOINT_UNRELAXED: "the start or end of the hop did not relax in its steps",
    ENDPOINT_COLLAPSED: "start and end relax into the same place: there is no site at one of them",
    ENDPOINT_ELSEWHERE: "another ion moved, or the ion ended at another site: this would be the barrier of another hop",
    NO_SADDLE: "the energy has no maximum between the ends: a single valley",
}

# Wiggles of the energy below this are no minima
MINIMUM_DEPTH_EV = 0.005


@dataclass
class Band:
    """What came of one hop.

    Attributes
    ----------
    status
        One of the verdicts of this module.
    message
        The verdict in words, with numbers.
    images
        Endpoints and images with energies and forces attached, unwrapped; the endpoints alone where these are no good.
    steps
        Steps of the band's optimiser.
    residual_ev_per_a
        Largest force on an atom of any image (perpendicular to the path, or inverted along it on the climbing image, springs
        included); None where there is no band.
    """

    status: str
    message: str
    images: list[Atoms] = field(repr=False)
    steps: int = 0
    residual_ev_per_a: float | None = None

    @property
    def energies(self) -> np.ndarray:
        """(images,) in eV, relative to the start."""
        energies = np.array([image.get_potential_energy() for image in self.images])
        return energies - energies[0]


def site_judge(
    *, ion: int, start: Atoms, end: Atoms, site_of: Callable[[Atoms], np.ndarray]
) -> Callable[[Atoms, str], tuple[str, str] | None]:
    """Judge of relaxed endpoints by the sites of all ions.

    Parameters
    ----------
    ion
        Number of the moving ion.
    start, end
        The endpoints as they were made.
    site_of
        (atoms,) site of every atom of a structure, -1 for none.
    """
    wanted = {"start": site_of(start), "end": site_of(end)}

    def judge(atoms: Atoms, name: str) -> tuple[str, str] | None:
        now, meant = site_of(atoms), wanted[name]
        other = wanted["end" if name == "start" else "start"][ion]
        if now[ion] == meant[ion]:
            moved = np.flatnonzero(now != meant)
            if not len(moved):
                return None
            listed = ", ".join(f"{atoms.symbols[i]} {i}" for i in moved[:5])
            return ENDPOINT_ELSEWHERE, f"{name}: other ions left their sites ({listed})"
        if now[ion] == other:
            return ENDPOINT_COLLAPSED, f"{name}: the ion relaxes to the other end: no minimum there"
        place = "a place between sites" if now[ion] < 0 else "another site"
        return ENDPOINT_ELSEWHERE, f"{name}: the ion relaxes to {place}"

    return judge


def judged(
    images: list[Atoms], stations: Sequence[Atoms], residual: float, steps: int, fmax_ev_per_angstrom: float
) -> Band:
    """The band of `images` with its verdict; `stations` are the endpoints and minima among them, `residual` its largest
    force (eV/Å) and `fmax_ev_per_angstrom` the bound on it."""
    energies = np.array([image.get_potential_energy() for image in images])
    if residual > fmax_ev_per_angstrom:
        message = f"residual force {residual:.3f} eV/Å after {steps} steps, bound {fmax_ev_per_angstrom:g}"
        return Band(UNCONVERGED, message, images, steps, residual)
    if energies.max() <= max(station.get_potential_energy() for station in stations):
        message = (
            "no image is higher than the minima: the saddle is nearer to one of them than the images resolve"
        )
        return Band(NO_SADDLE, message, images, steps, residual)
    parts = f" in {len(stations) - 1} segments" if len(stations) > 2 else ""
    return Band(CONVERGED, f"residual force {residual:.3f} eV/Å{parts}", images, steps, residual)


def profile(band: Band) -> dict:
    """Energies along the path, JSON-ready, and the cubic through energies and forces that figures draw.

    Distances (Å) are summed over the steps of all atoms together. Barriers (eV) are those of the highest image, None unless
    converged; `intermediate_minima` counts the images between the ends that lie below both their neighbours; distances
    and `curve` are None where there are endpoints alone.
    """
    from ase.utils.forcecurve import fit_images

    energies = band.energies
    top = int(energies.argmax())
    depth = np.minimum(energies[:-2], energies[2:]) - energies[1:-1]
    counts = band.status == CONVERGED
    # Two endpoints are no path; they may even coincide.
    fit = fit_images(band.images) if len(energies) > 2 else None
    return {
        "barrier_forward_ev": float(energies[top]) if counts else None,
        "barrier_backward_ev": float(energies[top] - energies[-1]) if counts else None,
        "energy_difference_ev": float(energies[-1]),
        "highest_ev": float(energies[top]),
        "highest_image": top,
        "intermediate_minima": int((depth > MINIMUM_DEPTH_EV).sum()),
        "images": {
            "distance_angstrom": list(map(float, fit.path)) if fit else None,
            "energy_ev": energies.tolist(),
        },
        "curve": {
            "distance_angstrom": list(map(float, fit.fit_path)),
            "energy_ev": list(map(float, fit.fit_energies)),
        }
        if fit
        else None,
    }
