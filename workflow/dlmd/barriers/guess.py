"""A first path for a hop: around the ions that are in the way, with images that keep their distances."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

SPRING_EV_PER_A2 = 0.5
MIN_IMAGES = 5
IDPP_FMAX, IDPP_STEPS = 0.1, 100
# Grid on which the middle of a hop looks for the widest way past the other ions
ANGLES, RADII = 36, 17
# A place is wide enough where the nearest ion is this part of its usual distance away
ROOM = 0.8


def interpolate(start: Atoms, end: Atoms, *, ion: int, spacing_angstrom: float) -> list[Atoms]:
    """Start, images about `spacing_angstrom` (Å) apart along the ion's way, end: the straight line with the ion's way bent by
    `detour`, then relaxed with image-dependent pair potentials."""
    from ase.mep import NEB
    from ase.mep.neb import idpp_interpolate

    aside = detour(start, end, ion=ion)

    def way(t: np.ndarray) -> np.ndarray:
        return np.outer(t, (end.positions - start.positions)[ion]) + np.outer(4 * t * (1 - t), aside)

    length = np.linalg.norm(np.diff(way(np.linspace(0, 1, 200)), axis=0), axis=1).sum()
    n = _count(length, spacing_angstrom)
    images = [start, *(_copy(start) for _ in range(n)), end]
    band = NEB(images, k=SPRING_EV_PER_A2, method="improvedtangent")
    band.interpolate()
    for image, place in zip(images[1:-1], way(np.linspace(0, 1, n + 2)[1:-1]), strict=True):
        image.positions[ion] = start.positions[ion] + place
    # positions are those around the hop already, so that plain distances are right where they matter
    idpp_interpolate(band, traj=None, log=None, fmax=IDPP_FMAX, steps=IDPP_STEPS, mic=False)
    for image in images[1:-1]:
        image.calc = None
    return images


def resample(images: list[Atoms], *, ion: int, spacing_angstrom: float) -> list[Atoms]:
    """The first and last of `images`, and between them others on the broken line through all: evenly spaced along it, about
    `spacing_angstrom` (Å) of the moving ion's way apart."""
    places = np.array([image.positions for image in images])
    steps = np.diff(places, axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps.reshape(len(steps), -1), axis=1))])
    length = np.linalg.norm(steps[:, ion], axis=1).sum()
    n = _count(length, spacing_angstrom)
    new = []
    for at in np.linspace(0, along[-1], n + 2)[1:-1]:
        k = int(np.clip(np.searchsorted(along, at) - 1, 0, len(steps) - 1))
        image = _copy(images[0])
        image.positions = places[k] + (at - along[k]) / (along[k + 1] - along[k]) * steps[k]
        new.append(image)
    return [images[0], *new, images[-1]]


def _count(length_a: float, spacing_angstrom: float) -> int:
    """Images for a way of this length; an odd number, because two that straddle a saddle take turns in climbing."""
    return max(MIN_IMAGES, (math.ceil(length_a / spacing_angstrom) - 1) | 1)


def detour(start: Atoms, end: Atoms, *, ion: int) -> np.ndarray:
    """(3,) how far from the straight line (Å) the middle of the hop is best, perpendicular to it.

    The straight line may lead through an ion (the anion that two octahedra share), from where no relaxation finds around it.
    Taken is the place with the largest distance to the nearest other ion, in units of the shortest distance that the ion has
    to this element in the endpoints; of those alike, or wide enough (ROOM), the one nearest to the line.
    """
    line = end.positions[ion] - start.positions[ion]
    length = np.linalg.norm(line)
    others = np.arange(len(start)) != ion
    symbols = np.array(start.get_chemical_symbols())[others]
    ends = np.array(
        [np.linalg.norm(a.positions[others] - a.positions[ion], axis=1) for a in (start, end)]
    ).min(axis=0)
    usual = np.array([ends[symbols == s].min() for s in symbols])
    across = np.linalg.svd(line[None])[2][1:]
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    ring = np.cos(angle)[:, None] * across[0] + np.sin(angle)[:, None] * across[1]
    aside = np.concatenate([r * ring for r in np.linspace(0, length / 2, RADII)])
    middle = (start.positions + end.positions)[others] / 2
    places = (start.positions + end.positions)[ion] / 2 + aside
    room = (np.linalg.norm(places[:, None] - middle[None], axis=2) / usual).min(axis=1)
    # rounded, so that of nearly equal places the first, nearest to the line, is taken
    return aside[np.minimum(np.round(room, 2), ROOM).argmax()]


def _copy(atoms: Atoms) -> Atoms:
    copy = atoms.copy()
    copy.calc = None
    return copy
