"""Where ions of a crystal sit in equilibrium at a temperature: Metropolis Monte Carlo of swaps, by any energy of an ordering.

A move exchanges the contents (an ion, or a vacancy) of two positions that may hold each other's, on one site or on two. The
composition stays; how the ions share out among the sites follows from the energy. Pairs are drawn alike in both directions, so
that a state with energy E occurs with the weight exp(-E / k_B T).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlmd.base.carriers import elements
from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.structures.crystal import Crystal
from dlmd.structures.distances import Exclusions
from dlmd.structures.supercell import Supercell

HOST_SHARE = 0.5  # of the moves, where ions of the host and mobile ions can both be swapped
HEATED = 3.0  # the chain starts at so many times the temperature
HEATED_SWEEPS, UNCOUNTED_SWEEPS = (
    0.1,
    0.3,
)  # parts of a chain: cooling from there, and all that is not counted
FEWEST_ACCEPTED = 20  # swaps of a chain that can be said to have settled
DRIFT_SIGMA = 3.0  # halves that differ by more standard errors are no equilibrium

Energy = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Moves:
    """Positions whose contents can be exchanged.

    Attributes
    ----------
    groups
        (n,) positions each; contents move within a group only.
    chances
        Probability of each group, the same in every state.
    allowed
        (sites, s + 1) contents that a site may have; content 0 is a vacancy.
    site_of_position
        (positions,)
    """

    groups: tuple[np.ndarray, ...]
    chances: np.ndarray
    allowed: np.ndarray
    site_of_position: np.ndarray

    @classmethod
    def of(
        cls,
        supercell: Supercell,
        species: Sequence[str],
        occupancies: Mapping[str, Mapping[str, float]],
        *,
        mobile: str,
    ) -> Moves:
        """All exchanges that the sites allow: those that hold one species belong together.

        `occupancies` is site label -> species -> occupancy; a site that is not full may be vacant.
        """
        sites = supercell.crystal.sites
        allowed = np.zeros((len(sites), len(species) + 1), dtype=bool)
        for i, site in enumerate(sites):
            row = {s: x for s, x in occupancies[site.label].items() if x > 0}
            allowed[i, [species.index(s) + 1 for s in row]] = True
            allowed[i, 0] = sum(row.values()) < 1 - 1e-6
        several = [i for i in range(len(sites)) if allowed[i].sum() > 1]
        groups, hosts = [], []
        for members in _joined(allowed[:, 1:], several):
            groups.append(np.concatenate([supercell.positions_of(sites[i]) for i in members]))
            held = {s for i in members for s, may in zip(species, allowed[i, 1:], strict=True) if may}
            hosts.append(not held <= set(elements(mobile)))
        return cls(tuple(groups), _chances(groups, hosts), allowed, supercell.site_of_position)

    def permitted(self, content: np.ndarray, a: int, b: int) -> bool:
        """Whether two positions may hold each other's content."""
        sites = self.site_of_position
        return bool(self.allowed[sites[a], content[b]] and self.allowed[sites[b], content[a]])


def _joined(holds: np.ndarray, sites: Sequence[int]) -> list[list[int]]:
    """`sites` in sets that share a species, directly or through others; `holds` is (sites, species)."""
    left, found = list(sites), []
    while left:
        members = [left.pop(0)]
        for i in members:
            near = [j for j in left if (holds[i] & holds[j]).any()]
            members += near
            left = [j for j in left if j not in near]
        found.append(sorted(members))
    return found


def _chances(groups: Sequence[np.ndarray], hosts: Sequence[bool]) -> np.ndarray:
    """By numbers of positions, but the host's groups together have HOST_SHARE."""
    sizes = np.array([len(group) for group in groups], float)
    host = np.array(hosts, bool)
    if not len(sizes):
        return sizes
    for part, share in ((host, HOST_SHARE), (~host, 1 - HOST_SHARE)):
        if part.any() and not part.all():
            sizes[part] *= share / sizes[part].sum()
    return sizes / sizes.sum()


@dataclass
class Chain:
    """A Monte Carlo chain and what it has seen so far.

    Attributes
    ----------
    content
        (positions,) contents now: 0 for a vacancy, k for species k - 1.
    energy_ev
        Its energy.
    energies_ev
        Mean energy of each sweep.
    filled
        Per sweep, (sites, s + 1) positions of each site with each content at its end.
    tried, accepted
        By kind of move, such as 'S-Cl' or 'Ti-vacancy'.
    """

    content: np.ndarray
    energy_ev: float
    rng: np.random.Generator
    energies_ev: list[float] = field(default_factory=list)
    filled: list[np.ndarray] = field(default_factory=list)
    tried: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)

    @property
    def sweeps(self) -> int:
        """Sweeps done."""
        return len(self.energies_ev)


class SwapMonteCarlo:
    """Chains of swaps at a temperature (K)."""

    def __init__(
        self,
        moves: Moves,
        energy: Energy,
        *,
        exclusions: Exclusions,
        species: Sequence[str],
        temperature_k: float,
        trials_per_sweep: int | None = None,
    ):
        self.moves, self.energy, self.exclusions = moves, energy, exclusions
        self.names = ("vacancy", *species)
        self.kt = BOLTZMANN_EV_PER_K * temperature_k
        self.trials = trials_per_sweep or sum(map(len, moves.groups))

    def begin(self, content: np.ndarray, rng: np.random.Generator) -> Chain:
        """A chain from an ordering, `content` (positions,)."""
        return Chain(content.copy(), self.energy(content), rng)

    def run(self, chain: Chain, sweeps: int, *, after_sweep: Callable[[Chain], None] | None = None) -> None:
        """Go on until the chain has `sweeps` sweeps; the first ones cool it from HEATED times the temperature."""
        heated = int(HEATED_SWEEPS * sweeps)
        for n in range(chain.sweeps, sweeps):
            hot = HEATED ** (1 - n / heated) if n < heated else 1.0
            self._sweep(chain, hot * self.kt)
            if after_sweep is not None:
                after_sweep(chain)

    def _sweep(self, chain: Chain, kt: float) -> None:
        total = 0.0
        for _ in range(self.trials):
            self._trial(chain, kt)
            total += chain.energy_ev
        chain.energies_ev.append(total / self.trials)
        chain.filled.append(self.filled(chain.content))

    def _trial(self, chain: Chain, kt: float) -> None:
        rng, content = chain.rng, chain.content
        group = self.moves.groups[int(rng.choice(len(self.moves.groups), p=self.moves.chances))]
        a, b = (int(x) for x in group[rng.integers(len(group), size=2)])
        if content[a] == content[b] or not self.moves.permitted(content, a, b):
            return
        kind = "-".join(self.names[k] for k in sorted((int(content[a]), int(content[b])), reverse=True))
        chain.tried[kind] = chain.tried.get(kind, 0) + 1
        if self.exclusions.possible and not self.exclusions.swap_allowed(content, a, b):
            return
        content[a], content[b] = content[b], content[a]
        energy = self.energy(content)
        if energy <= chain.energy_ev or rng.random() < np.exp((chain.energy_ev - energy) / kt):
            chain.energy_ev = energy
            chain.accepted[kind] = chain.accepted.get(kind, 0) + 1
        else:
            content[a], content[b] = content[b], content[a]

    def filled(self, content: np.ndarray) -> np.ndarray:
        """(sites, s + 1) positions of each site with each content."""
        table = np.zeros(self.moves.allowed.shape, int)
        np.add.at(table, (self.moves.site_of_position, content), 1)
        return table


def summary(
    chain: Chain, crystal: Crystal, species: Sequence[str], *, refined: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """What a chain says: acceptance, whether it has settled, and occupancies beside the refined ones; JSON-ready.

    Means are over the sweeps after the first UNCOUNTED_SWEEPS, with standard errors from their autocorrelation.
    """
    counted = slice(int(UNCOUNTED_SWEEPS * chain.sweeps), None)
    energies = np.array(chain.energies_ev[counted])
    early, late = np.array_split(energies, 2)
    spread = np.hypot(standard_error(early), standard_error(late))
    drift = float(late.mean() - early.mean())
    filled = np.array(chain.filled)[counted]
    rows: list[dict[str, Any]] = []
    for i, site in enumerate(crystal.sites):
        total = filled[0, i].sum()
        for k, name in enumerate(species, start=1):
            x = filled[:, i, k] / total
            if not x.any() and not refined[site.label].get(name):
                continue
            rows.append(
                {
                    "site": site.label,
                    "wyckoff": site.wyckoff,
                    "species": name,
                    "refined_occupancy": refined[site.label].get(name, 0.0),
                    "mean_occupancy": float(x.mean()),
                    "standard_error": standard_error(x),
                    "last_occupancy": float(x[-1]),
                }
            )
    return {
        "sweeps": chain.sweeps,
        "sweeps_counted": len(energies),
        "tried": chain.tried,
        "accepted": chain.accepted,
        "acceptance": {kind: chain.accepted.get(kind, 0) / n for kind, n in chain.tried.items()},
        "mean_energy_ev": float(energies.mean()),
        "standard_error_ev": standard_error(energies),
        "drift_ev": drift,
        "drift_standard_error_ev": float(spread),
        "settled": bool(
            abs(drift) <= DRIFT_SIGMA * spread and sum(chain.accepted.values()) >= FEWEST_ACCEPTED
        ),
        "occupancies": [row for row in rows if 0 < row["refined_occupancy"] < 1 or row["mean_occupancy"] < 1],
    }


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of a series (n,) whose neighbours are alike: autocorrelation is summed while positive."""
    n = len(values)
    deviation = np.asarray(values, float) - np.mean(values)
    variance = float((deviation**2).mean())
    if n < 2 or variance <= 0:
        return 0.0
    inefficiency = 1.0
    for lag in range(1, n // 2):
        correlation = float((deviation[:-lag] * deviation[lag:]).mean()) / variance
        if correlation <= 0:
            break
        inefficiency += 2 * (1 - lag / n) * correlation
    return float(np.sqrt(variance * inefficiency / (n - 1)))
