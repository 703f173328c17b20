"""Atoms that are too near are moved apart within their sites: by swaps, and where these find nothing by integer programmes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.structures import packing, tiling
from dlmd.structures.distances import Exclusions

REPAIR_TRIES_PER_POSITION = 60
MIXING_SWAPS_PER_POSITION = 10
LARGE_POSITIONS = 8000  # movable ones: one integer programme of more takes minutes


def repair(
    content: np.ndarray, movable: Sequence[np.ndarray], exclusions: Exclusions, rng: np.random.Generator
) -> None:
    """Swap atoms within their site until no two are too near, then mix among such arrangements, in place.

    `content` is (positions,). Where random swaps find none, an integer programme does (see `packing`). The mixing (random
    swaps that keep the distances) undoes the bias of both.

    Raises DlmdError where there is no such arrangement.
    """
    if not (
        _swapped_apart(content, movable, exclusions, rng) and _regrouped(content, movable, exclusions, rng)
    ):
        _packed(content, movable, exclusions, rng)
    for positions in movable:
        draws = rng.random((MIXING_SWAPS_PER_POSITION * len(positions), 2))
        for a, b in positions[(draws * len(positions)).astype(int)].tolist():
            if content[a] != content[b] and exclusions.swap_allowed(content, a, b):
                content[a], content[b] = content[b], content[a]


def _swapped_apart(
    content: np.ndarray, movable: Sequence[np.ndarray], exclusions: Exclusions, rng: np.random.Generator
) -> bool:
    """Swaps that leave no more conflicts than before, until none is left or tries run out."""
    owner = np.full(len(content), -1)
    for k, positions in enumerate(movable):
        owner[positions] = k
    tries = REPAIR_TRIES_PER_POSITION * max(sum(map(len, movable)), 50)
    bad = exclusions.conflicting(content)
    while len(bad):
        mobile = bad[owner[bad] >= 0]
        if not len(mobile) or tries <= 0:
            return False
        swapped: list[int] = []
        for a in mobile.tolist():
            here = exclusions.conflicts_at(a, content[a], content)
            if not here:
                continue
            group = movable[owner[a]]
            b = int(group[int(rng.random() * len(group))])
            tries -= 1
            if content[a] == content[b]:
                continue
            before = here + exclusions.conflicts_at(b, content[b], content)
            content[a], content[b] = content[b], content[a]
            after = exclusions.conflicts_at(a, content[a], content) + exclusions.conflicts_at(
                b, content[b], content
            )
            if after > before:
                content[a], content[b] = content[b], content[a]
            else:
                swapped += [a, b]
        bad = exclusions.still_conflicting(content, bad, swapped)
    return True


def _regrouped(
    content: np.ndarray, movable: Sequence[np.ndarray], exclusions: Exclusions, rng: np.random.Generator
) -> bool:
    """Swaps that bring ligands from centres with too many to those with too few, until all have theirs or tries run out."""
    groups = exclusions.groups
    if groups is None:
        return True
    group_of = {int(p): positions for positions in movable for p in positions}
    tries = REPAIR_TRIES_PER_POSITION * max(len(group_of), 50)
    wrong = groups.wrong(content)
    while wrong and tries > 0:
        for number in wrong:
            places = [p for p in groups.places[number].tolist() if p in group_of]
            tries -= 1
            if not places or not groups.off(content, number):
                continue
            a = places[int(rng.random() * len(places))]
            b = int(group_of[a][int(rng.random() * len(group_of[a]))])
            if content[a] == content[b]:
                continue
            before = groups.off_at(content, a, b)
            content[a], content[b] = content[b], content[a]
            if (
                groups.off_at(content, a, b) > before
                or exclusions.conflicts_at(a, content[a], content)
                or exclusions.conflicts_at(b, content[b], content)
            ):
                content[a], content[b] = content[b], content[a]
        wrong = groups.wrong(content)
    return not wrong


def _packed(
    content: np.ndarray, movable: Sequence[np.ndarray], exclusions: Exclusions, rng: np.random.Generator
) -> None:
    """An arrangement by integer programming, or a DlmdError that says how many atoms fit."""
    bad, groups = exclusions.conflicting(content), exclusions.groups
    position = int(bad[0]) if len(bad) else 0
    pair = exclusions.describe(content, position) if len(bad) else ""
    if sum(map(len, movable)) > LARGE_POSITIONS:
        found = tiling.tiled(content, movable, exclusions, rng)
        if (
            found is not None
            and not len(exclusions.conflicting(found))
            and not (groups and groups.wrong(found))
        ):
            content[:] = found
            return
    outcome = packing.Packing(content, movable, exclusions).solve(rng)
    if outcome.content is not None:
        content[:] = outcome.content
    if groups is not None and (wrong := groups.wrong(content)):
        raise DlmdError(
            f"no arrangement gives every centre of a group its atoms: {len(wrong)} have not, such as "
            f"{groups.describe(content, wrong[0])}",
            where="occupancies",
            remedy="write one orientation of the group in the CIF, or occupancies whose sum around each centre is a whole number",
        )
    if outcome.content is None or len(exclusions.conflicting(content)):
        why = (
            f"at most {outcome.fitting} of {outcome.wanted} atoms of the partly filled sites fit"
            if outcome.impossible
            else f"no arrangement was found in {packing.TIME_LIMIT_S:g} s"
        )
        raise DlmdError(
            f"{len(bad)} atoms stay closer than the minimum distance, such as {pair}: {why}",
            where="min_distance_angstrom",
            remedy="lower the occupancies of these sites, or state a smaller distance of this pair, as "
            f"{{{exclusions.named(content, position)}}}",
        )
