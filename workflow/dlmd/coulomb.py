"""Electrostatic energy of formal charges on a lattice, short-ranged, and its minimisation by Monte Carlo.

The energy is Wolf's damped, shifted pair sum (Wolf et al., J. Chem. Phys. 110, 8254 (1999), Eq. 5.13):

    E = k/2 sum_i sum_j q_i q_j [erfc(a r_ij)/r_ij - erfc(a R)/R]  -  k [erfc(a R)/(2R) + a/sqrt(pi)] sum_i q_i^2

over all pairs with r_ij < R, with k = e^2/(4 pi eps0). It is the Ewald energy in the limit of a large R, and
costs the same per atom in a cell of any size.
"""

from __future__ import annotations

import numpy as np

from dlmd.occupancy import Apportionment
from dlmd.supercell import Pairs, Supercell
from dlmd.units import COULOMB_EV_A

CUTOFF_A = 15.0
DAMPING_PER_A = 0.2


class CoulombModel:
    """The Wolf energy of any filling of a supercell's positions."""

    def __init__(
        self,
        supercell: Supercell,
        apportionment: Apportionment,
        *,
        cutoff_a: float = CUTOFF_A,
        damping_per_a: float = DAMPING_PER_A,
    ):
        from scipy.special import erfc

        self.supercell = supercell
        self.charge_of_content = np.array([0.0, *(apportionment.charges[s] for s in apportionment.species)])
        self.pairs = supercell.pairs(cutoff_a)
        shift = erfc(damping_per_a * cutoff_a) / cutoff_a
        self.kernel = COULOMB_EV_A * (erfc(damping_per_a * self.pairs.distance) / self.pairs.distance - shift)
        self.self_energy = -COULOMB_EV_A * (shift / 2 + damping_per_a / np.sqrt(np.pi))

    def potential(self, charges: np.ndarray, pairs: Pairs, kernel: np.ndarray) -> np.ndarray:
        """(positions,) potential in eV/e at every position from the charges at the pairs' second ends."""
        cells = self.supercell.n_cells
        potential = np.zeros((len(self.supercell.basis), cells))
        for first, second, shift, k in zip(pairs.first, pairs.second, pairs.shift, kernel, strict=True):
            potential[first] += k * charges[self.supercell.partners(second, shift)]
        return potential.ravel()

    def energy(self, content: np.ndarray) -> float:
        """Total energy in eV."""
        charges = self.charge_of_content[content]
        potential = self.potential(charges, self.pairs, self.kernel)
        return float(0.5 * charges @ potential + self.self_energy * (charges @ charges))
