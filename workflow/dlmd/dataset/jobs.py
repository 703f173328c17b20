"""The dataset of a level as a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def build(
    frames: Sequence[str],
    *,
    provenance: str,
    level: str,
    ids: Sequence[str],
    splits: Sequence[str],
    species: Sequence[str],
    discard_ps: float,
    optional: Sequence[str],
) -> None:
    """The three splits beside `provenance` (see `dlmd.dataset.frames.build_splits`)."""
    from dlmd.dataset.frames import build_splits

    build_splits(
        frames,
        folder=Path(provenance).parent,
        ids=ids,
        splits=splits,
        species=species,
        level=level,
        discard_ps=discard_ps,
        optional=optional,
    )
