"""Minimum distances: the table of limits, exclusions, and the repair that stays uniform."""

from collections import Counter

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.structures import distances
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import random_content
from dlmd.structures.supercell import Supercell
from small_crystals import chain, split_pairs

CHARGES = {"Na": 1, "Cl": -1, "F": -1}


def test_one_number_holds_for_all_pairs_and_never_for_vacancies():
    table = distances.limits(2.0, ("Na", "Cl"))
    np.testing.assert_array_equal(table, [[0, 0, 0], [0, 2, 2], [0, 2, 2]])


def test_named_pairs_hold_both_ways():
    table = distances.limits({"Cl-Na": 2.5}, ("Na", "Cl"))
    assert table[1, 2] == table[2, 1] == 2.5
    assert table[1, 1] == distances.DEFAULT_A


@pytest.mark.parametrize(
    ("limit", "message"), [({"Na-K": 2}, "'Na-K' is no pair"), (-1, "-1 Å"), ({"Na-Na": 50}, "50 Å")]
)
def test_bad_limits_are_refused(limit, message):
    with pytest.raises(DlmdError, match=message):
        distances.limits(limit, ("Na", "Cl"))


def drawn(crystal, repeat, min_distance_angstrom, draws):
    """How often each arrangement of the first site comes out."""
    counts = apportion(crystal, repeat=repeat, charges=CHARGES)
    cell = Supercell(crystal, repeat)
    exclusions = distances.Exclusions(cell, distances.limits(min_distance_angstrom, counts.species))
    seen = Counter()
    for k in range(draws):
        content = random_content(cell, counts, exclusions, np.random.default_rng([7, k]))
        assert len(exclusions.conflicting(content)) == 0
        seen[tuple(content[cell.positions_of(crystal.sites[0])].tolist())] += 1
    return seen


def chi_squared(seen, arrangements, draws):
    expected = draws / arrangements
    return sum((n - expected) ** 2 / expected for n in seen.values()) + (arrangements - len(seen)) * expected


def test_split_positions_are_never_both_filled_and_all_choices_are_equally_likely():
    seen = drawn(split_pairs(), (3, 1, 1), 1.5, draws=800)
    for arrangement in seen:
        left, right = arrangement[:3], arrangement[3:]
        assert all((a > 0) != (b > 0) for a, b in zip(left, right, strict=True))
    assert len(seen) == 8
    assert chi_squared(seen, 8, 800) < 24.3  # 0.1 % point of chi squared with 7 degrees of freedom


def test_without_close_positions_every_arrangement_is_equally_likely():
    seen = drawn(chain(), (4, 1, 1), 1.5, draws=600)
    assert len(seen) == 6
    assert chi_squared(seen, 6, 600) < 20.5  # 0.1 % point, 5 degrees of freedom


def test_a_distance_that_leaves_two_arrangements_gives_both():
    seen = drawn(chain(), (6, 1, 1), {"Na-Na": 5.0}, draws=200)
    patterns = {tuple(int(x > 0) for x in arrangement) for arrangement in seen}
    assert patterns == {(1, 0, 1, 0, 1, 0), (0, 1, 0, 1, 0, 1)}
    assert min(seen.values()) > 60


def test_a_distance_that_cannot_be_kept_names_the_sites():
    with pytest.raises(DlmdError, match="closer than the minimum distance, such as M and M"):
        drawn(chain(), (4, 1, 1), {"Na-Na": 9.0}, draws=1)


def test_swaps_are_judged_by_what_they_would_leave():
    crystal = chain()
    cell = Supercell(crystal, (6, 1, 1))
    exclusions = distances.Exclusions(cell, distances.limits({"Na-Na": 5.0}, ("Na", "F")))
    content = np.array([1, 0, 1, 0, 0, 0, 2, 2, 0, 0, 0, 0], dtype=np.int8)
    assert exclusions.swap_allowed(content, 2, 4)
    assert not exclusions.swap_allowed(content, 2, 5)  # next to position 0 across the boundary
    np.testing.assert_array_equal(content[:6], [1, 0, 1, 0, 0, 0])
