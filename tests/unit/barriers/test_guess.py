import numpy as np
import pytest
from ase import Atoms

from dlmd.barriers import guess


def test_a_straight_line_through_an_atom_is_bent_around_it():
    positions = [(-2.5, 0, 0), (0, 0, 0), (0, 0, -2.5), (0, 2.5, 0), (0, -2.5, 0)]
    start = Atoms("LiCl4", positions=positions, cell=[30] * 3, pbc=True)
    end = start.copy()
    end.positions[0, 0] = 2.5
    aside = guess.detour(start, end, ion=0)
    # perpendicular, to the nearest place that is wide enough: 0.8 of the shortest distance in the endpoints, 2.5 Å
    assert aside[0] == pytest.approx(0) and 2.0 <= np.linalg.norm(aside) < 2.2
    assert np.linalg.norm(np.array(positions[1:]) - aside, axis=1).min() >= 2.0 - 1e-9
    images = guess.interpolate(start, end, ion=0, spacing_angstrom=0.8)
    assert min(np.linalg.norm(image.positions[0] - image.positions[1]) for image in images) > 1.8
    # a free way is straight
    free = [Atoms("LiCl", positions=[(x, 0, 0), (0, 0, 40)], cell=[90] * 3) for x in (0, 3)]
    np.testing.assert_array_equal(guess.detour(*free, ion=0), 0)


def test_images_follow_the_length_of_the_way():
    start, end = (Atoms("LiCl", positions=[(x, 0, 0), (0, 0, 40)], cell=[90] * 3) for x in (0, 4))
    images = guess.interpolate(start, end, ion=0, spacing_angstrom=0.5)
    assert len(images) == 9 and images[0] is start and images[-1] is end
    np.testing.assert_allclose([i.positions[0, 0] for i in images], np.linspace(0, 4, 9), atol=0.02)
    assert len(guess.interpolate(start, end, ion=0, spacing_angstrom=3.0)) == 2 + guess.MIN_IMAGES
    # four would do, and one may climb alone in the middle of five
    assert len(guess.interpolate(start, end, ion=0, spacing_angstrom=0.8)) == 2 + 5


def test_images_between_others_lie_on_the_line_through_them():
    corners = [(0, 0, 0), (2, 0, 0), (2, 1, 0)]
    images = [Atoms("LiCl", positions=[c, (0, 0, 40)], cell=[90] * 3) for c in corners]
    new = guess.resample(images, ion=0, spacing_angstrom=0.5)
    expected = [(0, 0), (0.5, 0), (1, 0), (1.5, 0), (2, 0), (2, 0.5), (2, 1)]
    np.testing.assert_allclose([i.positions[0, :2] for i in new], expected, atol=1e-12)
    assert new[0] is images[0] and new[-1] is images[-1]
