"""Fourteen conductors and cages after what simulations of superionic crystals show, in the sizes that users run; all written
before any of them was analysed.

Seeds: numpy.random.default_rng([616161, number of the model, n]). `hard.py --fresh` judges them. Where a D has no closed form
it is that of long runs of the model itself (`python fresh_judges.py` makes them again), with a standard error of 0.2 to 1.1 %
(`MEASURED`).

Ions that exclude each other on sites of equal energy, over bonds that are crossed equally often both ways: occupations are
correlated in time as single walkers are (duality; Liggett, Interacting Particle Systems, 1985), times c (1 - c), so that the
current of N ions on M sites is that of free ones times the chance of a free neighbour:

    D_total = D_one [1 - (N - 1) / (M - 1)],   D_one of one ion alone on the same bonds

whatever the bonds are and how they change with time. Where the vectors of the bonds of a site cancel, D_one = rate d² / 6.
D_one of a periodic network is that of its linear equations: sum of pi_i w_ij (step + chi_j - chi_i)² / 6, chi the corrector.

argyrodite
    81 ions on 27 cages of six sites, which exclude each other: forty hops within a cage for one to the next. 150 ps. D_one by
    the linear equations; D_self measured.
inner_cages
    48 ions in cages of twelve sites, 3 Å about their centre, one hop to a neighbouring site in 8 ps, and quick flips of each
    site's doublet; none leaves: D is 0. 150 ps.
garnet
    56 ions on tetrahedra (4 ps) joined by octahedra (0.3 ps), as a diamond lattice and the middles of its bonds, each on its
    own. Half of the visits to an octahedron end where they began; what follows is independent, as the four bonds of a
    tetrahedron cancel: D = (share of time in tetrahedra) 4 w / 2 d² / 6. 60 ps.
fcc_vacancies
    96 ions on 108 sites of an fcc lattice, 100 ps. D_total in closed form, D_self measured.
honeycomb
    Two layers of 48 sites of a honeycomb lattice, 32 ions each, that exclude each other; none leaves its layer. 100 ps. D_total
    in closed form, D_self measured, both 0 across.
interstitialcy
    75 sites of a simple cubic lattice, all taken, and five ions in the middles of its cubes, each of which pushes an ion from a
    corner into the opposite cube and takes its place. The charge moves by the diagonal of the cube, twice what each ion does;
    the five exclude each other. 150 ps. D_total in closed form, D_self measured.
gates
    40 ions on 64 sites that exclude each other, over bonds that open and close, each for 10 ps on average. 120 ps. D_one and
    D_self measured.
crossing_channels
    60 ions on 9 channels of ten sites, fifty hops along a channel tried for one across; they exclude each other, so that single
    ions hardly move on until one leaves the channel. 500 ps. D_total in closed form along each axis, D_self measured.
triclinic
    Hops along the three vectors of a triclinic lattice at different rates, half of those along c undone after 2 ps, and pairs
    that move by a + c at once: no axis of D_self or D_total is one of the cell. 60 ions, 150 ps.
elastic_chains
    Brownian ions, eight in a ring, joined by springs to their neighbours: D_total = D0, D_self = D0 / 8, MSD_self as t^1/2 in
    between. The slowest mode forgets itself in 8.1 ps. 64 ions, 300 ps.
washboard
    Overdamped Brownian motion of 24 ions in V = U/2 sum_k cos(2 pi x_k / a), U = 5 kT, 28 ps. D0 / I0(U / 2kT)² = 0.370 (Lifson
    and Jackson, J. Chem. Phys. 36, 2410 (1962)) but for the finite step, which takes 3 % from it: D measured.
langevin
    The same with inertia, Li at 600 K, U = 5 kT, friction 3 / ps: many hops go over several sites, or return. 32 ions, 50 ps. D
    measured.
fresh_waits
    Hops after waiting times of 2 ps or, one in five, 50 ps on average. All ions begin to wait with the run, as in a crystal
    just made, so that for some 50 ps they are quicker: D = h² / (6 mean time) is that of later. 72 ions, 300 ps.
loosening
    Ions that rattle in their cages, by 0.4 Å at the start and 2.0 Å at the end of the run, and never leave: no diffusion. 48
    ions, 100 ps.

Found afterwards, in a search about these, and no judge of what the search has led to:

crowded_barriers
    60 ions on 125 sites of a simple cubic lattice that exclude each other, over bonds that differ in rate (log-normal, sigma 2,
    at most six times the median, drawn once and for all), 100 ps. Ions move on by a hundred hops squared, but remember slow
    bonds for longer than a hop. D_one by the linear equations; D_self measured.
"""

from __future__ import annotations

import numpy as np
from in_a_potential import flying, sliding
from more_judges import _seen as _vibrating
from networks import Network, bond_numbers, cubic, excluding, lattice, wandering

from dlmd.trajectory.trajectory import Trajectory
from hard_conductors import Truth, _rattling, _trajectory

SEED = 616161
# D in Å²/ps of long runs of the models themselves, and what of it the standard error is.
MEASURED = {
    "argyrodite": 0.1390,  # 0.3 %
    "fcc_vacancies": 0.1152,  # 0.2 %
    "honeycomb along x": 0.2588,  # 0.6 %; the cell is not as wide one way as the other
    "honeycomb along y": 0.2661,  # 0.6 %
    "interstitialcy": 0.0781,  # 0.3 %
    "gates": 0.1734,  # 0.4 %
    "gates, one alone": 0.5698,  # 0.4 %
    "crossing_channels across": 0.0514,  # 0.8 %
    "crossing_channels along": 0.3335,  # 1.1 %
    "washboard": 0.3596,  # 0.6 %
    "langevin": 0.4364,  # 0.6 %
    "crowded_barriers": 1.4746,  # 0.2 %
}


def _seen(rng: np.random.Generator, moves: np.ndarray, frame_ps: float) -> Trajectory:
    return _vibrating(rng, moves, frame_ps=frame_ps, memory_ps=0.2)


# --- ions that exclude each other


def _cages() -> Network:
    """Cages 5.6 Å apart, six sites at 1.6 Å from the centre towards the next cages."""
    ways = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    within, out = 0.6, 0.06
    bonds = [
        [((0, 0, 0), other, within) for other in range(6) if other // 2 != site // 2]
        + [(ways[site], site ^ 1, out)]
        for site in range(6)
    ]
    return lattice((3, 3, 3), 5.6 * np.eye(3), 1.6 / 5.6 * ways, bonds)


def argyrodite(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    network, n_ions = _cages(), 81
    moves = excluding(rng, network, n_ions, n_frames=3000, frame_ps=0.05)
    return _seen(rng, moves, 0.05), Truth(MEASURED["argyrodite"], network.alone() * network.free(n_ions))


def _fcc() -> Network:
    basis = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    steps = [np.array(s) / 2 for s in np.ndindex(3, 3, 3)]
    steps = [s - 0.5 for s in steps if np.count_nonzero(s - 0.5) == 2]
    bonds = []
    for site in basis:
        of_site = []
        for step in steps:
            go = np.floor(site + step + 1e-9)
            there = int(np.argmin(np.abs(basis - (site + step - go)).sum(axis=1)))
            of_site.append((go.astype(int), there, 0.1))
        bonds.append(of_site)
    return lattice((3, 3, 3), 2.5 * 2**0.5 * np.eye(3), basis, bonds)


def fcc_vacancies(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    network, n_ions = _fcc(), 96
    moves = excluding(rng, network, n_ions, n_frames=1000, frame_ps=0.1)
    d_total = 1.2 * 2.5**2 / 6 * network.free(n_ions)
    return _seen(rng, moves, 0.1), Truth(MEASURED["fcc_vacancies"], d_total)


def _honeycomb() -> Network:
    """Neighbours 2 Å apart."""
    near = 2.0
    cell = near * np.array([[3**0.5, 0, 0], [3**0.5 / 2, 1.5, 0], [0, 0, 4.0]])
    rate = 0.5
    bonds = [
        [((0, 0, 0), 1, rate), ((-1, 0, 0), 1, rate), ((0, -1, 0), 1, rate)],
        [((0, 0, 0), 0, rate), ((1, 0, 0), 0, rate), ((0, 1, 0), 0, rate)],
    ]
    return lattice((6, 4, 1), cell, [[0, 0, 0], [1 / 3, 1 / 3, 0]], bonds)


def honeycomb(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    network, of_layer = _honeycomb(), 32
    layers = [excluding(rng, network, of_layer, n_frames=1000, frame_ps=0.1) for _ in range(2)]
    total = 1.5 * 2.0**2 / 4 * network.free(of_layer)
    own = MEASURED["honeycomb along x"], MEASURED["honeycomb along y"]
    axes = {"x": (own[0], total), "y": (own[1], total), "z": (0.0, 0.0)}
    return _seen(rng, np.concatenate(layers, axis=1), 0.1), Truth(sum(own) / 3, total / 1.5, axes)


_CUBES, _EDGE_A, _PUSHED, _PUSH_RATE = (5, 5, 3), 3.2, 5, 0.6


def _pushing(rng: np.random.Generator, *, n_frames: int, frame_ps: float) -> np.ndarray:
    """Moves (frames, ions, 3) of an interstitialcy mechanism."""
    shape = np.array(_CUBES)
    n_sites = int(shape.prod())
    on_site = np.arange(n_sites)
    cubes = np.stack(np.unravel_index(rng.permutation(n_sites)[:_PUSHED], _CUBES), axis=1)
    between = n_sites + np.arange(_PUSHED)
    moves = np.zeros((n_frames, n_sites + _PUSHED, 3))
    length = n_frames * frame_ps
    for when in np.sort(rng.uniform(0, length, rng.poisson(_PUSH_RATE * _PUSHED * length))):
        one, way = rng.integers(_PUSHED), 2 * rng.integers(2, size=3) - 1
        target = (cubes[one] + way) % shape
        if (cubes == target).all(axis=1).any():
            continue
        corner = int(np.ravel_multi_index(tuple((cubes[one] + (way > 0)) % shape), _CUBES))
        ion, pushed = between[one], on_site[corner]
        on_site[corner], between[one], cubes[one] = ion, pushed, target
        frame = int(np.ceil(when / frame_ps))
        if frame < n_frames:
            moves[frame, ion] += way * _EDGE_A / 2
            moves[frame, pushed] += way * _EDGE_A / 2
    return moves


def interstitialcy(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    moves = _pushing(rng, n_frames=1500, frame_ps=0.1)
    n_sites = int(np.prod(_CUBES))
    free = 1 - (_PUSHED - 1) / (n_sites - 1)
    d_total = _PUSHED * _PUSH_RATE * 3 * _EDGE_A**2 * free / (6 * (n_sites + _PUSHED))
    return _seen(rng, moves, 0.1), Truth(MEASURED["interstitialcy"], d_total)


_GATE_RATE = 0.1


def _gated() -> Network:
    return cubic((4, 4, 4), (3.0, 3.0, 3.0), (1 / 6, 1 / 6, 1 / 6))


def gates(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    network, n_ions = _gated(), 40
    moves = excluding(rng, network, n_ions, n_frames=1200, frame_ps=0.1, gate_rate=_GATE_RATE)
    return _seen(rng, moves, 0.1), Truth(
        MEASURED["gates"], MEASURED["gates, one alone"] * network.free(n_ions)
    )


def _channels() -> Network:
    return cubic((3, 3, 10), (4.0, 4.0, 2.8), (0.01, 0.01, 0.5))


def crossing_channels(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    network, n_ions = _channels(), 60
    moves = excluding(rng, network, n_ions, n_frames=2500, frame_ps=0.2)
    free = network.free(n_ions)
    across, along = 0.01 * 4.0**2 * free, 0.5 * 2.8**2 * free
    own_across, own_along = (MEASURED[f"crossing_channels {way}"] for way in ("across", "along"))
    axes = {"x": (own_across, across), "y": (own_across, across), "z": (own_along, along)}
    mean = [(2 * axes["x"][k] + axes["z"][k]) / 3 for k in range(2)]
    return _seen(rng, moves, 0.2), Truth(*mean, axes)


def _disordered() -> Network:
    network = cubic((5, 5, 5), (3.0, 3.0, 3.0), (1.0, 1.0, 1.0))
    numbers, count = bond_numbers(network)
    rates = np.minimum(np.random.default_rng(SEED).lognormal(np.log(0.3), 2.0, count), 1.8)
    return Network(network.targets, network.steps, rates[numbers])


def crowded_barriers(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    network, n_ions = _disordered(), 60
    moves = excluding(rng, network, n_ions, n_frames=1000, frame_ps=0.1)
    return _seen(rng, moves, 0.1), Truth(MEASURED["crowded_barriers"], network.alone() * network.free(n_ions))


# --- ions on their own, and in rings


def inner_cages(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    radius_a, stay_ps, n_frames, frame_ps, n_ions = 3.0, 8.0, 3000, 0.05, 48
    ways = np.array(list(np.ndindex(3, 3, 3))) - 1
    sites = ways[np.count_nonzero(ways, axis=1) == 2] * radius_a / 2**0.5
    apart = np.linalg.norm(sites[:, None] - sites, axis=2)
    targets = np.array([np.flatnonzero(np.abs(row - radius_a) < 1e-6) for row in apart])
    steps = sites[targets] - sites[:, None]
    network = Network(targets, steps, np.full(targets.shape[1], 1 / stay_ps / targets.shape[1]))
    moves = wandering(
        rng, network, rng.integers(len(sites), size=n_ions), n_frames=n_frames, frame_ps=frame_ps
    )
    flips = rng.random(moves.shape) < 0.5 * (1 - np.exp(-frame_ps / 0.3))
    doublet = 0.9 * ((flips.cumsum(axis=0) + rng.integers(2, size=(n_ions, 3))) % 2)
    moves += np.diff(doublet, axis=0, prepend=doublet[:1])
    return _seen(rng, moves, frame_ps), Truth(0.0, 0.0)


def garnet(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    into, out, apart_a, n_frames, frame_ps, n_ions = 0.06, 1.5, 3.9, 3000, 0.02, 56
    half = 0.5 * apart_a / 3**0.5 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    # sites 0 and 1 are the two tetrahedra, 2 to 5 the octahedra between them
    targets = np.array([[2, 3, 4, 5], [2, 3, 4, 5], *[[0, 1, 0, 1]] * 4])
    steps = np.stack([half, -half, *[np.array([-h, h, -h, h]) for h in half]])
    rates = np.array([[into] * 4, [into] * 4, *[[out, out, 0.0, 0.0]] * 4])
    in_tetrahedra = (1 / (4 * into)) / (1 / (4 * into) + 1 / (2 * out))
    start = np.where(
        rng.random(n_ions) < in_tetrahedra, rng.integers(2, size=n_ions), 2 + rng.integers(4, size=n_ions)
    )
    moves = wandering(rng, Network(targets, steps, rates), start, n_frames=n_frames, frame_ps=frame_ps)
    d = in_tetrahedra * 2 * into * apart_a**2 / 6
    return _seen(rng, moves, frame_ps), Truth(d, d)


def triclinic(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    n_ions, n_frames, frame_ps, memory_ps = 60, 1500, 0.1, 2.0
    length = n_frames * frame_ps
    lattice = np.array([[3.1, 0.0, 0.0], [1.1, 3.3, 0.0], [-0.8, 1.2, 3.6]])
    lead = 10 * memory_ps
    moves = np.zeros((n_frames, n_ions, 3))

    def add(when: np.ndarray, ion: np.ndarray, step: np.ndarray) -> None:
        frame = np.ceil(when / frame_ps).astype(int)
        seen = (frame > 0) & (frame < n_frames)
        np.add.at(moves, (frame[seen], ion[seen]), step[seen])

    own, total = np.zeros((3, 3)), np.zeros((3, 3))
    for step, rate, back, members in (
        (lattice[0], 0.03, 0.0, 1),
        (lattice[1], 0.012, 0.0, 1),
        (lattice[2], 0.012, 0.5, 1),
        (lattice[0] + lattice[2], 0.005, 0.0, 2),
    ):
        count = rng.poisson(rate * n_ions * (length + lead))
        start, sign = rng.uniform(-lead, length, count), rng.choice([-1.0, 1.0], count)[:, None]
        returns = rng.random(count) < back
        end = np.where(returns, start + rng.exponential(memory_ps, count), 2 * length)
        ion, further = rng.integers(n_ions, size=count), rng.integers(1, n_ions, size=count)
        for member in range(members):
            add(start, (ion + member * further) % n_ions, sign * step)
            add(end, (ion + member * further) % n_ions, -sign * step)
        each = rate * (1 - back) * np.outer(step, step) / 2
        own += members * each
        total += members**2 * each
    positions = moves.cumsum(axis=0) + _rattling(
        rng, moves.shape, vibration_a=0.3, memory_ps=0.2, frame_ps=frame_ps
    )
    cell = lattice * np.array([[5], [4], [3]])
    run = Trajectory.from_arrays(
        positions,
        frame_interval_ps=frame_ps,
        cell=cell,
        temperature_k=600.0,
        host_com=np.zeros((n_frames, 3)),
        n_host_atoms=2 * n_ions,
    )
    # along a, b and c*, under the names of x, y and z
    units = [lattice[0], lattice[1], np.cross(lattice[0], lattice[1])]
    units = [unit / np.linalg.norm(unit) for unit in units]
    axes = {name: (float(u @ own @ u), float(u @ total @ u)) for name, u in zip("xyz", units, strict=True)}
    return run, Truth(float(np.trace(own)) / 3, float(np.trace(total)) / 3, axes)


def elastic_chains(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    from scipy.signal import lfilter

    members, rings, n_frames, frame_ps, d0, spring = 8, 8, 3000, 0.1, 0.5, 0.21
    # modes of a ring in a real orthonormal basis, each with its own relaxation
    number = np.arange(members)
    basis, relaxation = [np.full(members, members**-0.5)], [0.0]
    for q in range(1, members // 2 + 1):
        for wave in (np.cos, np.sin):
            vector = wave(2 * np.pi * q * number / members)
            if np.linalg.norm(vector) > 1e-6:
                basis.append(vector / np.linalg.norm(vector))
                relaxation.append(4 * spring * np.sin(np.pi * q / members) ** 2)
    shape = (n_frames, rings, 3)
    modes = [np.cumsum(np.sqrt(2 * d0 * frame_ps) * rng.standard_normal(shape), axis=0)]
    for k in relaxation[1:]:
        keep, spread = np.exp(-k * frame_ps), np.sqrt(d0 / k)
        kicks = spread * np.sqrt(1 - keep**2) * rng.standard_normal(shape)
        kicks[0] = spread * rng.standard_normal(shape[1:])
        modes.append(lfilter([1.0], [1.0, -keep], kicks, axis=0))
    positions = np.einsum("qtrx,qi->trix", np.array(modes), np.array(basis)).reshape(n_frames, -1, 3)
    positions += _rattling(rng, positions.shape, vibration_a=0.2, memory_ps=0.2, frame_ps=frame_ps)
    return _trajectory(positions, frame_ps, 600.0), Truth(d0 / members, d0)


def _seen_paths(path: np.ndarray, frame_ps: float, d: float) -> tuple[Trajectory, Truth]:
    """Ions whose three coordinates are (frames, movers) paths of their own."""
    return _trajectory(path.reshape(len(path), -1, 3), frame_ps, 600.0), Truth(d, d)


def washboard(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _seen_paths(sliding(rng, 3 * 24, n_frames=2800), 0.01, MEASURED["washboard"])


def langevin(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    return _seen_paths(flying(rng, 3 * 32, n_frames=2500), 0.02, MEASURED["langevin"])


def fresh_waits(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    n_ions, n_frames, frame_ps, hop_a = 72, 1500, 0.2, 3.0
    moves = np.zeros((n_frames, n_ions, 3))
    for ion in range(n_ions):
        waits = rng.exponential(np.where(rng.random(400) < 0.2, 50.0, 2.0))
        frame = np.ceil(waits.cumsum() / frame_ps).astype(int)
        frame = frame[frame < n_frames]
        axis, step = rng.integers(3, size=len(frame)), hop_a * rng.choice([-1.0, 1.0], len(frame))
        np.add.at(moves, (frame, ion, axis), step)
    d = hop_a**2 / (6 * (0.8 * 2.0 + 0.2 * 50.0))
    return _seen(rng, moves, frame_ps), Truth(d, d)


def loosening(rng: np.random.Generator) -> tuple[Trajectory, Truth]:
    n_ions, n_frames, frame_ps = 48, 2000, 0.05
    positions = _rattling(rng, (n_frames, n_ions, 3), vibration_a=1.0, memory_ps=3.0, frame_ps=frame_ps)
    positions *= np.linspace(0.4, 2.0, n_frames)[:, None, None]
    return _trajectory(positions, frame_ps, 600.0), Truth(0.0, 0.0)


MODELS = {
    model.__name__: model
    for model in (
        argyrodite,
        inner_cages,
        garnet,
        fcc_vacancies,
        honeycomb,
        interstitialcy,
        gates,
        crossing_channels,
        triclinic,
        elastic_chains,
        washboard,
        langevin,
        fresh_waits,
        loosening,
        crowded_barriers,
    )
}


# --- long runs


def _slopes(moves: np.ndarray, frame_ps: float, lags_ps: tuple[float, float]) -> np.ndarray:
    """(3,) of one run: half the rise of MSD_self from one lag to another, along each axis."""
    positions = moves.cumsum(axis=0)
    first, last = (round(lag / frame_ps) for lag in lags_ps)
    msd = [
        np.mean((positions[lag::2] - positions[:-lag:2][: len(positions[lag::2])]) ** 2, axis=(0, 1))
        for lag in (first, last)
    ]
    return (msd[1] - msd[0]) / (2 * (lags_ps[1] - lags_ps[0]))


def reference(runs: int = 80) -> None:
    """Prints what `MEASURED` holds: mean over long runs of 2000 ps, and its standard error."""
    size = {"n_frames": 2000, "frame_ps": 1.0}
    walks = {
        "argyrodite": (lambda rng: excluding(rng, _cages(), 81, **size), (40.0, 100.0)),
        "fcc_vacancies": (lambda rng: excluding(rng, _fcc(), 96, **size), (20.0, 60.0)),
        "honeycomb": (lambda rng: excluding(rng, _honeycomb(), 32, **size), (30.0, 80.0)),
        "interstitialcy": (lambda rng: _pushing(rng, **size), (30.0, 80.0)),
        "gates": (lambda rng: excluding(rng, _gated(), 40, gate_rate=_GATE_RATE, **size), (40.0, 100.0)),
        "gates, one alone": (
            lambda rng: excluding(rng, _gated(), 40, gate_rate=_GATE_RATE, alone=True, **size),
            (30.0, 80.0),
        ),
        "crossing_channels": (lambda rng: excluding(rng, _channels(), 60, **size), (150.0, 300.0)),
        "crowded_barriers": (lambda rng: excluding(rng, _disordered(), 60, **size), (30.0, 80.0)),
    }
    for number, (name, (walk, lags)) in enumerate(walks.items()):
        rngs = [np.random.default_rng([SEED, 1000 + number, n]) for n in range(runs)]
        found = np.array([_slopes(walk(rng), size["frame_ps"], lags) for rng in rngs])
        print(name, found.mean(axis=0).round(5), (found.std(axis=0, ddof=1) / runs**0.5).round(5), flush=True)
    for name, path, frame_ps, lags in (
        ("langevin", lambda rng: flying(rng, 3000, n_frames=1000, every=40), 0.2, (20.0, 60.0)),
        ("washboard", lambda rng: sliding(rng, 3000, n_frames=6000), 0.01, (4.0, 16.0)),
    ):
        rngs = [np.random.default_rng([SEED, 2000, n]) for n in range(8)]
        each = [_slopes(np.diff(path(rng)[:, :, None], axis=0), frame_ps, lags) for rng in rngs]
        print(name, np.mean(each).round(5), (np.std(each, ddof=1) / 8**0.5).round(5), flush=True)
    print(
        "one alone: argyrodite",
        _cages().alone(),
        "fcc",
        _fcc().alone(),
        "honeycomb",
        1.5 * _honeycomb().alone(),
    )


if __name__ == "__main__":
    reference()
