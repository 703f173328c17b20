import numpy as np
import pytest

from dlmd.mechanism.voids import nearest_distance, orbit_of, polyhedra, voids

FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
LATTICE = 5.0 * np.eye(3)
IDENTITY = (np.eye(3)[None], np.zeros((1, 3)))
HCP_LATTICE = 3.6 * np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, np.sqrt(8 / 3)]])
HCP = np.array([[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])


def found(anions, lattice, taken=()):
    taken = np.array(taken, float).reshape(-1, 3)
    orbits = voids(anions, lattice, taken=taken, rotations=IDENTITY[0], translations=IDENTITY[1])
    points = np.concatenate(orbits)
    return points, [p.shape for p in polyhedra(points, anions, lattice)]


def test_a_cubic_close_packing_has_an_octahedron_and_two_tetrahedra_per_anion():
    points, shapes = found(FCC, LATTICE)
    assert shapes.count("oct") == 4
    assert shapes.count("tet") == 8
    expected = np.array([[x, y, z] for x in (0.25, 0.75) for y in (0.25, 0.75) for z in (0.25, 0.75)])
    tetrahedra = points[[s == "tet" for s in shapes]]
    assert np.allclose(nearest_distance(expected, tetrahedra, LATTICE), 0, atol=1e-9)


def test_a_hexagonal_close_packing_keeps_tetrahedra_that_share_a_face_apart():
    points, shapes = found(HCP, HCP_LATTICE)
    assert sorted(shapes) == ["oct"] * 2 + ["tet"] * 4
    octahedra = points[[s == "oct" for s in shapes]]
    assert np.allclose(
        nearest_distance(np.array([[0, 0, 0], [0, 0, 0.5]]), octahedra, HCP_LATTICE), 0, atol=1e-9
    )


def test_a_distorted_octahedron_is_one_void():
    rng = np.random.default_rng(1)
    for _ in range(5):
        _, shapes = found(FCC + rng.normal(0, 0.012, FCC.shape), LATTICE)
        assert sorted(shapes) == ["oct"] * 4 + ["tet"] * 8


def test_voids_that_are_sites_of_the_crystal_are_left_out():
    _, shapes = found(FCC, LATTICE, taken=[[0.5, 0.02, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5]])
    assert shapes == ["tet"] * 8


def test_symmetry_gathers_voids_into_orbits_on_their_special_positions():
    inversion = np.array([np.eye(3), -np.eye(3)])
    orbits = voids(FCC, LATTICE, taken=np.empty((0, 3)), rotations=inversion, translations=np.zeros((2, 3)))
    assert sorted(len(o) for o in orbits) == [1] * 4 + [2] * 4
    near = orbit_of(np.array([0.49, 0.01, 0.0]), inversion, np.zeros((2, 3)), LATTICE)
    assert np.allclose(near, [[0.5, 0, 0]])


@pytest.mark.parametrize(
    ("corners", "shape"),
    [
        ([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], "tet"),
        ([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], "oct"),
        ([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], "cube"),
        ([[np.cos(t), np.sin(t), z] for t in (0, 2.0944, 4.18879) for z in (-0.66, 0.66)], "prism"),
    ],
)
def test_shapes_of_polyhedra(corners, shape):
    lattice = 20 * np.eye(3)
    anions = (2.0 * np.array(corners) + 10) / 20
    far = np.random.default_rng(0).uniform(0, 1, (40, 3))
    far = far[np.linalg.norm(far - 0.5, axis=1) > 0.35]
    (polyhedron,) = polyhedra(np.array([[0.5, 0.5, 0.5]]), np.concatenate([anions, far]), lattice)
    assert polyhedron.shape == shape
    assert sorted(polyhedron.anions) == list(range(len(corners)))
