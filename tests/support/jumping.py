"""Networks of sites by hand, and ions that jump on them with rates that are known."""

import numpy as np

from dlmd.mechanism.site_lattice import SiteLattice, SiteType, Stacking
from dlmd.mechanism.site_network import SiteNetwork
from dlmd.mechanism.voids import Polyhedron
from dlmd.trajectory.trajectory import Trajectory

SPACING = 3.0
NO_ANIONS = Polyhedron(np.empty(0, int), np.empty((0, 3), int), "oct")
STEPS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])


def network(
    positions,
    cell,
    *,
    types=("oct",),
    kind=None,
    layer=None,
    stacking=None,
    neighbours=None,
    repeat=(1, 1, 1),
):
    """A network from positions in Å; types whose name begins with 'tet' are sites of passage."""
    positions, cell = np.asarray(positions, float), np.asarray(cell, float)
    cell = np.diag(cell) if cell.ndim == 1 else cell
    n = len(positions)
    kind = np.zeros(n, int) if kind is None else np.asarray(kind)
    layer = np.full(n, -1) if layer is None else np.asarray(layer)
    unit = cell / np.array(repeat)[:, None]
    basis = np.flatnonzero((positions @ np.linalg.inv(unit) < 1 - 1e-9).all(axis=1))
    lattice = SiteLattice(
        types=tuple(
            SiteType(t, t.split()[0], not t.startswith("tet"), not t.startswith("tet")) for t in types
        ),
        fractional=positions[basis] @ np.linalg.inv(unit),
        type_of_site=kind[basis],
        polyhedra=(NO_ANIONS,) * len(basis),
        layer_of_site=layer[basis],
        stacking=stacking,
        anions=np.empty((0, 3)),
        host_cations=np.empty((0, 3)),
    )
    return SiteNetwork(
        lattice=lattice,
        positions=positions,
        ideal=positions,
        type_of_site=kind,
        layer=layer,
        host_neighbours=np.zeros(n, int) if neighbours is None else np.asarray(neighbours),
        cell=cell,
        repeat=repeat,
        origin=np.zeros(3),
    )


def cubic(n=4, *, layered=False):
    """n³ sites 3 Å apart; with `layered`, planes along z are by turns of a layer A and a layer B (n even)."""
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    if not layered:
        return network(SPACING * grid, [n * SPACING] * 3, repeat=(n, n, n))
    return network(
        SPACING * grid,
        [n * SPACING] * 3,
        types=("oct A", "oct B"),
        kind=grid[:, 2] % 2,
        layer=grid[:, 2],
        stacking=Stacking(2, np.array([0.0, 0.5]), ("A layer", "B layer")),
        repeat=(n, n, n // 2),
    )


def walks(rng, *, n_ions, length_ps, rates, back=0.0):
    """Jumps on the cubic lattice: per ion the times (h,) and steps (h, 3) in units of the spacing.

    `rates` (6,) are those of the steps along +-x, +-y, +-z in 1/ps; with probability `back` a jump reverses the one before
    instead of being drawn from the rates.
    """
    total = float(np.sum(rates))
    out = []
    for _ in range(n_ions):
        times = np.sort(rng.uniform(0, length_ps, rng.poisson(total * length_ps)))
        steps = STEPS[rng.choice(6, len(times), p=np.asarray(rates) / total)]
        for k in range(1, len(times)):
            if rng.random() < back:
                steps[k] = -steps[k - 1]
        out.append((times, steps))
    return out


def trajectory(rng, jumps, *, length_ps, dt_ps, cell, rattle_a=0.0, n=4):
    """Positions of ions that sit on sites and rattle about them; frames every `dt_ps`."""
    frames = np.arange(round(length_ps / dt_ps) + 1) * dt_ps
    positions = np.empty((len(frames), len(jumps), 3))
    for ion, (times, steps) in enumerate(jumps):
        start = rng.integers(0, n, 3)
        at = np.concatenate([[start], start + np.cumsum(steps, axis=0)]) if len(times) else start[None]
        positions[:, ion] = SPACING * at[np.searchsorted(times, frames, side="right")]
    positions += rng.normal(0, rattle_a, positions.shape) if rattle_a else 0.0
    return Trajectory.from_arrays(positions, frame_interval_ps=dt_ps, cell=cell, temperature_k=600.0)
