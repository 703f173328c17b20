"""Files of labels as `dlmd check` sees them: read by the very reader of the jobs, so that what it refuses is known beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.config import routes
from dlmd.config.levels import recorded
from dlmd.config.run_config import RunConfig

# 31 frames of 80 atoms take 0.1 MB and a fraction of a second
LARGEST_BYTES = 200e6


def problems_and_notes(cfg: RunConfig, level: str) -> Iterator[DlmdError | str]:
    """What is wrong with the files of a level's labels, each with its own error, and what is to be known of them.

    They are read, not written. Where they are too large for that, this is all that is said.
    """
    from dlmd.labels import given, given_checks, given_zero

    files = routes.given_frames(cfg, level)
    settings: Any = cfg.levels[level]
    size = sum(_bytes(Path(source.file)) for source in files)
    if size > LARGEST_BYTES:
        yield f"labels are not read here, they are {size / 1e6:.0f} MB: the first job checks them"
        return
    placed, refused = [], False
    for g, source in enumerate(files):
        try:
            found = given.read_parts(
                source.file,
                g=g,
                level=level,
                engine=recorded(settings),
                source=source.model_dump(mode="json", exclude={"level"}),
                species=cfg.material.species,
            )
        except DlmdError as error:
            refused = True
            yield error
        else:
            placed += found.placed
            yield from found.notes(source.file)
    if refused:
        return
    counts = Counter(frame.split for frame in placed)
    try:
        names = ", ".join(source.file for source in files)
        given_checks.require_parts(counts, trained=routes.trained(cfg, level), where=names)
        again = given_checks.repeated(placed)
        if again:
            yield f"{names}: {len(again)} structures are in two files of one part, and count twice"
        yield from given_zero.require_one_zero(placed, across_files=True)
    except DlmdError as error:
        yield error


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
