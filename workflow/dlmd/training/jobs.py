"""The input of a training as a job; training itself is `dlmd.learning.jobs.train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def write_input(
    train: str,
    valid: str,
    start: str | None,
    *,
    input: str,
    settings: Mapping,
    species: Sequence[str],
    seed: int,
) -> None:
    """Write dp's input (see `dlmd.training.input.write_input`); `start` is a model whose weights it begins with."""
    from dlmd.training import input as training_input

    training_input.write_input(
        input, train=train, valid=valid, settings=settings, species=species, seed=seed, start=start
    )
