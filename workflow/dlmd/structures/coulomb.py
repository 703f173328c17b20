"""Electrostatic energy of formal charges on a lattice, short-ranged, and its minimisation by Monte Carlo.

The energy is Wolf's damped, shifted pair sum (Wolf et al., J. Chem. Phys. 110, 8254 (1999), Eq. 5.13):

    E = k/2 sum_i sum_j q_i q_j [erfc(a r_ij)/r_ij - erfc(a R)/R]  -  k [erfc(a R)/(2R) + a/sqrt(pi)] sum_i q_i^2

over all pairs with r_ij < R, with k = e^2/(4 pi eps0). It costs the same per atom in a cell of any size. Damping
and cutoff were chosen by comparison with Ewald sums (benchmarks/structures).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from dlmd.base.units import COULOMB_EV_A
from dlmd.structures.distances import Exclusions
from dlmd.structures.occupancy import Apportionment
from dlmd.structures.supercell import Supercell

CUTOFF_A = 15.0
DAMPING_PER_A = 0.09
SWEEPS = 1000
COLDEST = 1e-3  # last temperature over the first one, which is the typical energy of a random swap


class CoulombModel:
    """The Wolf energy of any filling of a supercell's positions."""

    def __init__(
        self,
        supercell: Supercell,
        apportionment: Apportionment,
        *,
        cutoff_angstrom: float = CUTOFF_A,
        damping_per_a: float = DAMPING_PER_A,
    ):
        from scipy.special import erfc

        self.supercell = supercell
        charges, by_site = apportionment.charges, apportionment.charges_by_site
        # (sites, contents) in e
        self.charge_of_content = np.array(
            [
                [0.0, *(by_site.get((site.label, s), charges[s]) for s in apportionment.species)]
                for site in supercell.crystal.sites
            ]
        )
        self.site_of_position = supercell.site_of_position
        self.pairs = supercell.pairs(cutoff_angstrom)
        shift = erfc(damping_per_a * cutoff_angstrom) / cutoff_angstrom
        self.kernel = COULOMB_EV_A * (erfc(damping_per_a * self.pairs.distance) / self.pairs.distance - shift)
        self.self_energy = -COULOMB_EV_A * (shift / 2 + damping_per_a / np.sqrt(np.pi))

    @cached_property
    def _kernel_in_k(self) -> np.ndarray:
        """(R, b, b) kernel between basis positions, periodic images summed, Fourier transformed over the cells."""
        repeat, n_basis = np.array(self.supercell.repeat), len(self.supercell.basis)
        table = np.zeros((*repeat, n_basis, n_basis))
        x, y, z = (self.pairs.shift % repeat).T
        np.add.at(table, (x, y, z, self.pairs.first, self.pairs.second), self.kernel)
        return np.fft.fftn(table, axes=(0, 1, 2)).conj().reshape(-1, n_basis, n_basis)

    def potential(self, charges: np.ndarray) -> np.ndarray:
        """(positions,) potential in eV/e at every position; a convolution over the cells."""
        shape = (len(self.supercell.basis), *self.supercell.repeat)
        in_k = np.fft.fftn(charges.reshape(shape), axes=(1, 2, 3)).reshape(shape[0], -1)
        transformed = (self._kernel_in_k @ in_k.T[:, :, None])[:, :, 0].T.reshape(shape)
        return np.fft.ifftn(transformed, axes=(1, 2, 3)).real.ravel()

    def charges(self, content: np.ndarray) -> np.ndarray:
        """(positions,) charges (e) of a `content` (positions,)."""
        return self.charge_of_content[self.site_of_position, content]

    def energy(self, content: np.ndarray) -> float:
        """Total energy in eV of a `content` (positions,)."""
        charges = self.charges(content)
        return float(0.5 * charges @ self.potential(charges) + self.self_energy * (charges @ charges))

    def couplings(self, positions: np.ndarray) -> Any:
        """Sparse (m, m) interaction (eV/e²) among `positions`, periodic images summed, own images included."""
        from scipy.sparse import csr_array

        basis = np.unique(positions // self.supercell.n_cells)
        among = np.isin(self.pairs.first, basis) & np.isin(self.pairs.second, basis)
        start, neighbour, pair = self.supercell.neighbour_table(self.pairs.select(among))
        rows = np.repeat(np.arange(self.supercell.n_positions), np.diff(start))
        index = np.full(self.supercell.n_positions, -1)
        index[positions] = np.arange(len(positions))
        values = self.kernel[among][pair]
        matrix = csr_array((values, (index[rows], index[neighbour])), shape=(len(positions),) * 2)
        matrix.sum_duplicates()
        return matrix


class Annealer:
    """Simulated annealing of the Coulomb energy by swaps of contents within each site.

    Each proposal costs the same whatever the size: the potential at every position is kept, and an accepted
    swap updates it at the neighbours only.
    """

    def __init__(self, model: CoulombModel, groups: Sequence[np.ndarray], exclusions: Exclusions):
        self.model, self.exclusions = model, exclusions
        self.positions = np.concatenate(groups) if groups else np.zeros(0, int)
        self.site = model.site_of_position[self.positions]
        matrix = model.couplings(self.positions)
        self.start = matrix.indptr.tolist()
        self.column, self.value = matrix.indices, matrix.data
        self.columns = [row.tolist() for row in np.split(matrix.indices, matrix.indptr[1:-1])]
        self.own = matrix.diagonal()
        ends = np.cumsum([0, *map(len, groups)])
        # proposals pick a site in proportion to its positions
        self.low = np.repeat(ends[:-1], np.diff(ends))
        self.width = np.repeat(np.diff(ends), np.diff(ends))

    def run(
        self,
        content: np.ndarray,
        rng: np.random.Generator,
        *,
        sweeps: int = SWEEPS,
        coldest: float = COLDEST,
        quench: bool = True,
    ) -> None:
        """Anneal `content` (positions,) in place: geometric cooling over `sweeps`, then (quench) downhill moves only."""
        n = len(self.positions)
        if not n:
            return
        state = content[self.positions].copy()
        potential = self.model.potential(self.model.charges(content))[self.positions]
        hot = max(self._typical_change(state, potential, rng), 1e-9)
        for temperature in hot * np.geomspace(1.0, coldest, sweeps):
            self._sweep(content, state, potential, temperature, rng)
        for _ in range(sweeps if quench else 0):
            if not self._sweep(content, state, potential, 0.0, rng):
                break

    def _proposals(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        first = (rng.random(n) * len(self.positions)).astype(int)
        return first, self.low[first] + (rng.random(n) * self.width[first]).astype(int)

    def _coupling(self, a: int, b: int) -> float:
        row = self.columns[a]
        k = bisect_left(row, b)
        return float(self.value[self.start[a] + k]) if k < len(row) and row[k] == b else 0.0

    def _change(self, a: int, b: int, shift: float, potential: np.ndarray) -> float:
        """Energy change when the charge at a grows by `shift` and that at b falls by as much."""
        alone = 0.5 * shift**2 * (self.own[a] + self.own[b])
        return shift * (potential[a] - potential[b]) + alone - shift**2 * self._coupling(a, b)

    def _typical_change(self, state: np.ndarray, potential: np.ndarray, rng: np.random.Generator) -> float:
        charge = self.model.charge_of_content[self.site, state]
        first, second = self._proposals(1000, rng)
        moves = [(a, b, charge[b] - charge[a]) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
        changes = [abs(self._change(a, b, shift, potential)) for a, b, shift in moves if shift]
        return float(np.mean(changes)) if changes else 0.0

    def _sweep(
        self,
        content: np.ndarray,
        state: np.ndarray,
        potential: np.ndarray,
        temperature: float,
        rng: np.random.Generator,
    ) -> int:
        """One proposal per position; the number of accepted swaps."""
        n = len(self.positions)
        first, second = self._proposals(n, rng)
        thresholds = (-np.log(1.0 - rng.random(n)) * temperature).tolist()
        charge_of, site = self.model.charge_of_content.tolist(), self.site.tolist()
        check = self.exclusions.possible
        accepted = 0
        for a, b, threshold in zip(first.tolist(), second.tolist(), thresholds, strict=True):
            if state[a] == state[b]:
                continue
            charge = charge_of[site[a]]  # swaps are within a site
            shift = charge[state[b]] - charge[state[a]]
            if self._change(a, b, shift, potential) > threshold - 1e-9:
                continue
            here, there = self.positions[a], self.positions[b]
            if check and not self.exclusions.swap_allowed(content, here, there):
                continue
            state[a], state[b] = state[b], state[a]
            content[here], content[there] = content[there], content[here]
            for position, change in ((a, shift), (b, -shift)):
                row = slice(self.start[position], self.start[position + 1])
                potential[self.column[row]] += change * self.value[row]
            accepted += 1
        return accepted
