"""Walks on the sites of a crystal whose bonds have rates: ions on their own, and ions that exclude each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Network:
    """Sites of a periodic crystal: (sites, ways) neighbours, (sites, ways, 3) steps in Å, (ways,) or (sites, ways) rates in
    1/ps."""

    targets: np.ndarray
    steps: np.ndarray
    rates: np.ndarray

    def free(self, n_ions: int) -> float:
        """Chance that a neighbour of an ion is free."""
        return 1 - (n_ions - 1) / (len(self.targets) - 1)

    def alone(self) -> float:
        """D of one ion alone; all sites are alike in equilibrium."""
        n = len(self.targets)
        rates = np.broadcast_to(self.rates, self.targets.shape)
        walk = np.zeros((n, n))
        np.add.at(walk, (np.repeat(np.arange(n), rates.shape[1]), self.targets.ravel()), rates.ravel())
        walk[np.arange(n), np.arange(n)] -= rates.sum(axis=1)
        drift = np.einsum("iw,iwa->ia", rates, self.steps)
        chi = np.linalg.lstsq(walk, -drift)[0]
        moved = self.steps + chi[self.targets] - chi[:, None]
        return float(np.einsum("iw,iwa->", rates, moved**2)) / (6 * n)


def lattice(shape: tuple[int, int, int], cell: np.ndarray, basis: list, bonds: list) -> Network:
    """Of `bonds`: for each site of the basis a list of (cells to go, site there, rate), as many for each; `basis` in units of the
    cell."""
    vectors, basis = np.asarray(cell, dtype=float), np.asarray(basis, dtype=float)
    cells = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)

    def number(cell_of: np.ndarray, site: int) -> np.ndarray:
        return np.ravel_multi_index(tuple((cell_of % shape).T), shape) * len(basis) + site

    ways = len(bonds[0])
    targets = np.zeros((len(cells) * len(basis), ways), dtype=int)
    steps, rates = np.zeros((*targets.shape, 3)), np.zeros(targets.shape)
    for site, of_site in enumerate(bonds):
        here = number(cells, site)
        for way, (go, there, rate) in enumerate(of_site):
            targets[here, way] = number(cells + np.array(go), there)
            steps[here, way] = (np.array(go) + basis[there] - basis[site]) @ vectors
            rates[here, way] = rate
    return Network(targets, steps, rates[0])


def bond_numbers(network: Network) -> tuple[np.ndarray, int]:
    """(sites, ways) number of each bond, the same from both ends, and how many there are."""
    known: dict[tuple, int] = {}
    found = np.zeros(network.targets.shape, dtype=int)
    for site, row in enumerate(network.targets):
        for way, other in enumerate(row):
            step = tuple(np.round(network.steps[site, way], 6) + 0.0)
            back = tuple(-np.round(network.steps[site, way], 6) + 0.0)
            ends = min((site, int(other), step), (int(other), site, back))
            found[site, way] = known.setdefault(ends, len(known))
    return found, len(known)


def excluding(
    rng: np.random.Generator,
    network: Network,
    n_ions: int,
    *,
    n_frames: int,
    frame_ps: float,
    gate_rate: float = 0.0,
    alone: bool = False,
) -> np.ndarray:
    """Moves (frames, ions, 3) of ions that try each way at its rate and go where the site is free. With `gate_rate` every bond
    opens, and closes, at this rate, and is passed while open. `alone`: ions do not see each other."""
    length, n_sites = n_frames * frame_ps, len(network.targets)
    numbers, n_gates = bond_numbers(network) if gate_rate else (np.zeros_like(network.targets), 1)
    even = network.rates if network.rates.ndim == 1 else np.full(network.rates.shape[1], network.rates.max())
    tries = float(even.sum()) * n_ions
    flips = gate_rate * n_gates
    count = rng.poisson((tries + flips) * length)
    frames = np.ceil(np.sort(rng.uniform(0, length, count)) / frame_ps).astype(int)
    is_flip = rng.random(count) < flips / (tries + flips)
    which = np.where(is_flip, rng.integers(n_gates, size=count), rng.integers(n_ions, size=count))
    ways = rng.choice(len(even), count, p=even / even.sum())
    # of bonds that differ, the slow ones are passed at few of the tries
    passed = (
        network.rates / even.max() if network.rates.ndim == 2 else np.ones(network.targets.shape)
    ).tolist()
    luck = (rng.random(count) if network.rates.ndim == 2 else np.zeros(count)).tolist()
    place = (rng.integers(n_sites, size=n_ions) if alone else rng.permutation(n_sites)[:n_ions]).tolist()
    taken = np.zeros(n_sites, dtype=bool)
    taken[place] = not alone
    taken, targets, gates = taken.tolist(), network.targets.tolist(), numbers.tolist()
    is_open = (rng.random(n_gates) < 0.5).tolist() if gate_rate else [True]
    done = []
    for event, (flip, one, way) in enumerate(
        zip(is_flip.tolist(), which.tolist(), ways.tolist(), strict=True)
    ):
        if flip:
            is_open[one] = not is_open[one]
            continue
        site = place[one]
        target = targets[site][way]
        if taken[target] or not is_open[gates[site][way]] or luck[event] >= passed[site][way]:
            continue
        if not alone:
            taken[site], taken[target] = False, True
        place[one] = target
        done.append((event, site))
    moves = np.zeros((n_frames, n_ions, 3))
    event, site = np.array(done, dtype=int).reshape(-1, 2).T
    seen = frames[event] < n_frames
    event, site = event[seen], site[seen]
    np.add.at(moves, (frames[event], which[event]), network.steps[site, ways[event]])
    return moves


def wandering(
    rng: np.random.Generator, network: Network, start: np.ndarray, *, n_frames: int, frame_ps: float
) -> np.ndarray:
    """Moves (frames, ions, 3) of ions on their own; rates may differ from site to site."""
    rates = np.broadcast_to(network.rates, network.targets.shape)
    leave = rates.sum(axis=1)
    choose = rates.cumsum(axis=1) / leave[:, None]
    moves = np.zeros((n_frames, len(start), 3))
    for ion, place in enumerate(start):
        site, time_ps = int(place), 0.0
        while True:
            time_ps += rng.exponential(1 / leave[site])
            frame = int(np.ceil(time_ps / frame_ps))
            if frame >= n_frames:
                break
            way = int(np.searchsorted(choose[site], rng.random()))
            moves[frame, ion] += network.steps[site, way]
            site = int(network.targets[site, way])
    return moves


def cubic(shape: tuple[int, int, int], edges_a: tuple[float, ...], rates: tuple[float, ...]) -> Network:
    bonds = [((np.eye(3, dtype=int)[k] * sign), 0, rates[k]) for k in range(3) for sign in (1, -1)]
    return lattice(shape, np.diag(edges_a), [[0, 0, 0]], [bonds])
