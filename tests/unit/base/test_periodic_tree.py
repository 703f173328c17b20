import numpy as np

from dlmd.base.periodic_tree import PeriodicTree, pairs

CELL = np.array([[9.0, 0, 0], [-3.0, 10.0, 0], [2.0, -4.0, 8.0]])


def images(points, reach=3):
    shifts = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    return (points[:, None] + (shifts @ CELL)[None]), shifts


def test_the_nearest_image_in_a_skewed_cell_is_the_one_of_a_full_search():
    rng = np.random.default_rng(0)
    points = rng.uniform(-20, 20, (12, 3))
    queries = rng.uniform(-15, 15, (200, 3))
    index, image, distance = PeriodicTree(points, CELL, rim_a=8.0).query(queries)
    everywhere, _ = images(points, reach=7)
    best = np.linalg.norm(queries[:, None, None] - everywhere[None], axis=3).min(axis=(1, 2))
    assert np.allclose(distance, best)
    assert np.allclose(np.linalg.norm(points[index] + image @ CELL - queries, axis=1), distance)


def test_all_points_within_a_radius_with_their_images():
    points = np.array([[0.5, 0.5, 0.5]])
    rows, index, image = PeriodicTree(points, np.diag([4.0] * 3)).within(np.array([[0.5, 0.5, 0.5]]), 4.1)
    assert len(rows) == 7
    assert set(index) == {0}
    assert {tuple(row) for row in image} == {
        (0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1),
    }  # fmt: skip


def test_pairs_include_images_of_the_point_itself_and_point_from_first_to_second():
    points = np.array([[0.0, 0, 0], [1.0, 0, 0]])
    i, j, vector = pairs(points, np.diag([4.0, 20, 20]), 4.0 + 1e-9)
    found = {(a, b, round(v[0])) for a, b, v in zip(i, j, vector, strict=True)}
    assert found == {
        (0, 1, 1),
        (0, 1, -3),
        (1, 0, -1),
        (1, 0, 3),
        (0, 0, 4),
        (0, 0, -4),
        (1, 1, 4),
        (1, 1, -4),
    }
