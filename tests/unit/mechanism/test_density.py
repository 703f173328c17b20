import numpy as np
import pytest

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.mechanism.density import Samples, folded, paths, profiles
from dlmd.mechanism.site_lattice import Stacking
from jumping import cubic, network

T = 600.0
DISTANCE = 3.6
CELL = [14.0, 12.0, 12.0]


def double_well(rng, height_ev, *, n, tilt_ev=0.0):
    """Boltzmann samples of V = h (1 - (2x/d)²)² + tilt, about a middle at (7, 6, 6), harmonic across: two sites 3.6 Å apart."""
    grid = np.linspace(-3.2, 3.2, 20001)
    reduced = 2 * grid / DISTANCE
    energy = height_ev * (1 - reduced**2) ** 2 + tilt_ev * (1 + np.clip(reduced, -1, 1)) / 2
    weight = np.exp(-energy / (BOLTZMANN_EV_PER_K * T))
    x = rng.choice(grid, n, p=weight / weight.sum())
    return np.column_stack([7 + x, rng.normal(6, 0.3, n), rng.normal(6, 0.3, n)])


def wells(types=("oct",), kind=(0, 0)):
    return network([[7 - DISTANCE / 2, 6, 6], [7 + DISTANCE / 2, 6, 6]], CELL, types=types, kind=kind)


def saddle(points, sites, fewest=10):
    some = Samples(points, np.arange(len(points)) * 12 // len(points), 12, 1)
    (profile,) = profiles([sites], [some])
    return profile, profile.saddle(T, confidence=0.95, fewest=fewest)


@pytest.mark.parametrize("height", [0.1, 0.2, 0.3])
def test_the_saddle_of_a_double_well_is_its_barrier(height):
    profile, found = saddle(double_well(np.random.default_rng(0), height, n=200_000), wells())
    barrier = found["barrier_ev"]
    assert barrier["value"] == pytest.approx(height, abs=0.012)
    assert barrier["low"] - 0.004 < height < barrier["high"] + 0.004
    assert profile.two_way
    assert found["end_ev"]["value"] == pytest.approx(0.0, abs=1e-12)


def test_barriers_lie_in_their_intervals():
    sites, hits, errors = wells(), 0, []
    for seed in range(40):
        barrier = saddle(double_well(np.random.default_rng(seed), 0.2, n=20_000), sites)[1]["barrier_ev"]
        hits += barrier["low"] <= 0.2 <= barrier["high"]
        errors.append(barrier["value"] - 0.2)
    assert hits >= 34
    assert abs(np.mean(errors)) < 0.004


def test_a_way_to_a_site_of_passage_has_the_height_of_its_end():
    sites = wells(("oct", "tet"), (0, 1))
    rng = np.random.default_rng(1)
    profile, found = saddle(double_well(rng, 0.2, n=200_000, tilt_ev=0.1), sites)
    assert not profile.two_way
    assert found["end_ev"]["value"] == pytest.approx(0.1, abs=0.015)
    assert 0.2 < found["barrier_ev"]["value"] < 0.29


def test_a_saddle_that_was_hardly_seen_has_no_height():
    points = double_well(np.random.default_rng(2), 0.8, n=5000)
    _, found = saddle(points, wells())
    assert "barrier_ev" not in found
    assert "too few ions at the saddle" in found["verdict"]
    assert 0.2 < found["about_or_above_ev"] < 0.8


def test_the_density_adds_up_to_the_ions_of_a_cell_and_lies_where_they_are():
    sites = cubic(4)
    rng = np.random.default_rng(3)
    places = sites.positions[rng.integers(0, 64, 30)]
    points = (places[None] + rng.normal(0, 0.2, (500, 30, 3))).reshape(-1, 3)
    some = Samples(points, np.zeros(len(points), int), 1, 30)
    inversion = np.array([np.eye(3), -np.eye(3)])
    rho = folded([sites], [some], rotations=inversion, translations=np.zeros((2, 3)))
    voxel = 27.0 / rho.size
    assert rho.sum() * voxel == pytest.approx(30 / 64)
    assert rho.shape == (15, 15, 15)
    centres = (np.stack(np.meshgrid(*[np.arange(15)] * 3, indexing="ij"), -1) + 0.5) * 0.2
    centres = np.minimum(centres, 3 - centres)
    near = np.linalg.norm(centres, axis=-1) < 0.5
    assert rho[near].sum() / rho.sum() > 0.85
    assert np.allclose(rho, rho[::-1, ::-1, ::-1])


def test_paths_are_sorted_by_layers_and_lead_to_nearest_sites_only():
    sites = cubic(4, layered=True)
    way = paths(sites)
    assert way.names == ["oct-oct between layers", "oct-oct within A layer", "oct-oct within B layer"]
    assert np.bincount(way.kind).tolist() == [64, 64, 64]
    assert np.allclose(np.linalg.norm(way.vector, axis=1), 3.0)
    between = way.vector[way.kind == 0]
    assert np.allclose(np.abs(between[:, 2]), 3.0)


def test_a_site_that_is_not_open_has_no_paths():
    full = cubic(4, layered=True)
    keep = np.arange(64) != 21
    stacking = Stacking(2, np.array([0.0, 0.5]), ("A layer", "B layer"))
    part = network(
        full.positions[keep],
        full.cell,
        types=("oct A", "oct B"),
        kind=full.type_of_site[keep],
        layer=full.layer[keep],
        stacking=stacking,
        repeat=full.repeat,
    )
    assert len(paths(part).kind) == len(paths(full).kind) - 6
