"""Swap Monte Carlo against states that can be counted."""

import itertools
from math import comb

import numpy as np
import pytest

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.structures import distances, swap_mc
from dlmd.structures.supercell import Supercell
from small_crystals import crystal

T = 600.0
KT = BOLTZMANN_EV_PER_K * T


def two_sites(*, near=3.0):
    """Half-filled sites A and B in turn along a chain, `near` Å apart, and a full anion."""
    sites = {
        "A": ({"Na": 0.5}, [[0, 0, 0]]),
        "B": ({"Na": 0.5}, [[near / 6, 0, 0]]),
        "X": ({"F": 1.0}, [[0.5, 0.5, 0.5]]),
    }
    return crystal(sites, lattice=[6.0, 20.0, 20.0])


def sampler(of, cells, energy, *, mobile="Li", limit=0.5, trials=None):
    supercell = Supercell(of, (cells, 1, 1))
    species = of.species
    refined = {site.label: site.occupancy for site in of.sites}
    moves = swap_mc.Moves.of(supercell, species, refined, mobile=mobile)
    exclusions = distances.Exclusions(supercell, distances.limits(limit, species))
    return supercell, swap_mc.SwapMonteCarlo(
        moves, energy, exclusions=exclusions, species=species, temperature_k=T, trials_per_sweep=trials
    )


def on_a(content, cells):
    return int((content[:cells] > 0).sum())


def test_occupancies_of_two_sites_are_boltzmann_s():
    """6 ions on 6 A and 6 B that cost E more: P(k on A) ~ C(6, k) C(6, 6 - k) exp(k E / k_B T)."""
    cells, difference = 6, 0.06
    supercell, mc = sampler(two_sites(), cells, lambda c: -difference * on_a(c, cells), trials=40)
    content = np.zeros(supercell.n_positions, np.int8)
    content[:cells], content[2 * cells :] = 1, 2
    chain = mc.begin(content, np.random.default_rng(1))
    mc.run(chain, 1500)
    weights = np.array([comb(6, k) * comb(6, 6 - k) * np.exp(k * difference / KT) for k in range(7)])
    exact = float(weights @ np.arange(7) / weights.sum()) / 6
    found = swap_mc.summary(
        chain, supercell.crystal, ("Na", "F"), refined={"A": {"Na": 0.5}, "B": {"Na": 0.5}, "X": {"F": 1.0}}
    )
    rows = {row["site"]: row for row in found["occupancies"]}
    assert set(rows) == {"A", "B"}
    error = rows["A"]["standard_error"]
    assert 0 < error < 0.01
    assert abs(rows["A"]["mean_occupancy"] - exact) < 4 * error
    assert rows["A"]["mean_occupancy"] + rows["B"]["mean_occupancy"] == pytest.approx(1.0)
    counted = np.array(chain.filled)[450:, 0, 1]
    seen = np.bincount(counted, minlength=7) / len(counted)
    assert seen == pytest.approx(weights / weights.sum(), abs=0.05)
    assert found["settled"]


def test_interacting_ions_have_the_energy_of_all_their_states():
    """A ring of 8 positions, 4 ions, neighbours that repel and two kinds of sites: all 70 states are summed."""
    cells = 4

    def energy(content):
        ring = np.stack([content[:cells], content[cells : 2 * cells]], axis=1).ravel() > 0
        return 0.05 * float((ring & np.roll(ring, 1)).sum()) - 0.04 * float(ring[::2].sum())

    supercell, mc = sampler(two_sites(), cells, energy, trials=30)
    content = np.zeros(supercell.n_positions, np.int8)
    content[:cells], content[2 * cells :] = 1, 2
    chain = mc.begin(content, np.random.default_rng(2))
    mc.run(chain, 2500)
    energies = []
    for chosen in itertools.combinations(range(8), 4):
        state = np.zeros(8, np.int8)
        state[list(chosen)] = 1
        energies.append(energy(state))
    weights = np.exp(-np.array(energies) / KT)
    exact = float(weights @ energies / weights.sum())
    found = swap_mc.summary(
        chain, supercell.crystal, ("Na", "F"), refined={"A": {"Na": 0.5}, "B": {"Na": 0.5}, "X": {"F": 1.0}}
    )
    assert 0 < found["standard_error_ev"] < 0.002
    assert abs(found["mean_energy_ev"] - exact) < 4 * found["standard_error_ev"]


def test_ions_that_exclude_each_other_never_meet():
    cells = 5
    supercell, mc = sampler(two_sites(near=1.0), cells, lambda c: 0.0, limit=1.5, trials=20)
    content = np.zeros(supercell.n_positions, np.int8)
    content[: cells - 1], content[2 * cells :] = 1, 2
    chain = mc.begin(content, np.random.default_rng(3))

    def apart(state):
        filled = state.content[: 2 * cells].reshape(2, cells) > 0
        assert not filled.all(axis=0).any()

    mc.run(chain, 100, after_sweep=apart)
    assert chain.accepted["Na-vacancy"] > 100


def test_species_stay_where_the_crystal_allows_them():
    """K and Na share M; Li has L for itself: two groups, half of the moves each."""
    sites = {
        "M": ({"Na": 0.5, "K": 0.5}, [[0, 0, 0], [0.25, 0, 0], [0.5, 0, 0]]),
        "L": ({"Li": 0.5}, [[0.75, 0, 0]]),
        "X": ({"F": 1.0}, [[0.5, 0.5, 0.5]]),
    }
    supercell, mc = sampler(crystal(sites, lattice=[20.0, 20.0, 20.0]), 4, lambda c: 0.0)
    assert sorted(map(len, mc.moves.groups)) == [4, 12]
    assert mc.moves.chances.tolist() == [0.5, 0.5]
    content = np.zeros(supercell.n_positions, np.int8)
    content[:6], content[6:12], content[12:14], content[16:] = 1, 2, 3, 4
    chain = mc.begin(content, np.random.default_rng(4))
    mc.run(chain, 50)
    assert set(chain.tried) == {"K-Na", "Li-vacancy"}
    assert np.bincount(chain.content[:12], minlength=5).tolist() == [0, 6, 6, 0, 0]
    assert np.bincount(chain.content[12:16], minlength=5).tolist() == [2, 0, 0, 2, 0]


def test_a_chain_that_still_falls_has_not_settled():
    chain = swap_mc.Chain(np.zeros(3, np.int8), 0.0, np.random.default_rng(0))
    noise = np.random.default_rng(5).normal(0, 0.01, 100)
    chain.energies_ev = (np.linspace(1, 0, 100) + noise).tolist()
    chain.accepted = {}
    chain.filled = [np.array([[0, 1, 0], [0, 1, 0], [0, 0, 1]])] * 100
    refined = {"A": {"Na": 0.5}, "B": {"Na": 0.5}, "X": {"F": 1.0}}
    assert not swap_mc.summary(chain, two_sites(), ("Na", "F"), refined=refined)["settled"]
    chain.energies_ev = noise.tolist()
    assert not swap_mc.summary(chain, two_sites(), ("Na", "F"), refined=refined)[
        "settled"
    ]  # nothing has moved
    chain.accepted = {"Na-vacancy": 30}
    assert swap_mc.summary(chain, two_sites(), ("Na", "F"), refined=refined)["settled"]


def test_standard_errors_know_of_correlation():
    rng = np.random.default_rng(6)
    x, series = 0.0, []
    for _ in range(20_000):
        x = 0.9 * x + rng.normal()
        series.append(x)
    # of an AR(1) series: sqrt(variance (1 + r) / (1 - r) / n)
    exact = np.sqrt(1 / (1 - 0.81) * 1.9 / 0.1 / 20_000)
    assert swap_mc.standard_error(np.array(series)) == pytest.approx(exact, rel=0.2)


def test_the_same_seed_gives_the_same_chain_and_a_chain_can_go_on():
    cells = 6
    found = []
    for stops in ((40,), (10, 40)):
        supercell, mc = sampler(two_sites(), cells, lambda c: -0.05 * on_a(c, cells), trials=20)
        content = np.zeros(supercell.n_positions, np.int8)
        content[:cells], content[2 * cells :] = 1, 2
        chain = mc.begin(content, np.random.default_rng(7))

        class Stopped(Exception):
            pass

        def stop(state, at=stops[0]):
            if state.sweeps == at < 40:
                raise Stopped

        try:
            mc.run(chain, 40, after_sweep=stop)
        except Stopped:
            mc.run(chain, 40)
        found.append((chain.content.tolist(), chain.energies_ev))
    assert found[0] == found[1]
