"""Where the potentials of levels come from: that it can be done, and is said once."""

from __future__ import annotations

from collections.abc import Iterator

from dlmd.base.errors import did_you_mean
from dlmd.config import routes
from dlmd.config.model import RunFields

Found = Iterator[tuple[str, str, str]]


def route_problems(cfg: RunFields) -> Found:
    """Yield (key path, what is wrong, remedy) for start_from, potential, labels.frames and what they need."""
    yield from _starts(cfg)
    yield from _potentials(cfg)
    yield from _frames(cfg)
    yield from _rounds(cfg)


def _starts(cfg: RunFields) -> Found:
    """A level starts from another one that is there and makes a potential by itself."""
    for name, level in cfg.levels.items():
        start, path = level.start_from, f"levels.{name}.start_from"
        if start is None:
            continue
        if start not in cfg.levels:
            yield (
                path,
                f"there is no level {start}",
                did_you_mean(start, [n for n in cfg.levels if n != name]),
            )
        elif start == name:
            yield path, f"{name} cannot start from itself", "name another level, or null"
        elif cfg.levels[start].start_from is not None:
            yield path, f"{start} starts from another level, too", "start from the level that it starts from"
        elif level.potential is not None:
            yield (
                f"levels.{name}.potential",
                f"{name} starts from {start}, and its potential is given, too",
                "keep one of the two; to start from a given potential, give it to the level that this one starts from",
            )
        if cfg.training.fine_tuning.steps % cfg.training.save_steps:
            yield (
                "training.fine_tuning.steps",
                f"{cfg.training.fine_tuning.steps} is no multiple of training.save_steps ({cfg.training.save_steps})",
                "choose multiples",
            )


def _potentials(cfg: RunFields) -> Found:
    """A given potential is one, so there is no committee."""
    for name, level in cfg.levels.items():
        if level.potential is not None and cfg.training.potentials > 1:
            yield (
                f"levels.{name}.potential",
                f"one potential is given, but training.potentials is {cfg.training.potentials}",
                "set training.potentials to 1",
            )


def _frames(cfg: RunFields) -> Found:
    """Every file of labels has a level that uses it, and the level has frames to train on and frames to be judged by."""
    helpers = routes.serving(cfg)
    for i, given in enumerate(cfg.labels.frames):
        path, level = f"labels.frames.{i}.level", routes.level_of(cfg, given)
        if level is None:
            yield (
                path,
                f"{given.file}: of which level are these labels?",
                f"say one of {', '.join(cfg.levels)}",
            )
        elif level not in cfg.levels:
            yield path, f"there is no level {level}", did_you_mean(level, cfg.levels)
        elif level in helpers:
            yield (
                path,
                f"labels are given for {level}, which only serves other levels",
                "give them to another level",
            )
    for name in cfg.levels:
        own = routes.given_frames(cfg, name)
        splits = {given.split for given in own}
        needed = ("train", "test") if routes.trained(cfg, name) else ("test",)
        for split in needed if own and None not in splits else ():
            if split not in splits:
                yield (
                    "labels.frames",
                    f"no file of labels of {name} is for '{split}'",
                    f"give a file 'split: {split}': the split is by file",
                )


def _rounds(cfg: RunFields) -> Found:
    """The learning loop has a level to work for; a level that starts from another has a loop or labels, and held-out cells."""
    groups = cfg.learning.explore if cfg.learning else []
    starting = [name for name in routes.answering(cfg) if routes.start_of(cfg, name)]
    if cfg.learning and not any(routes.loops(cfg, name) for name in cfg.levels):
        yield (
            "learning",
            "no level goes through the learning loop: labels or potentials are given",
            "use learning: null; or let the level of given labels start_from a pretrained one, whose cells are explored",
        )
    by_loop = [name for name in starting if not routes.given_frames(cfg, name)]
    for name in by_loop:
        if not groups:
            yield (
                f"levels.{name}.start_from",
                f"{name} has no labels: neither a learning loop nor labels.frames",
                "give the section learning (where to explore and how many frames to label), or labels.frames",
            )
    splits = {group.split for group in groups}
    if by_loop and "test" not in splits and groups:
        yield (
            "learning.explore",
            f"no group is for 'test': nothing would judge the potential of {by_loop[0]}",
            "give a group of other orderings 'split: test'",
        )
    if "test" in splits and not any(routes.loops(cfg, name) for name in starting):
        yield (
            "learning.explore",
            "a group is for 'test', but no level starts from another",
            "leave 'split' out",
        )
    if groups and "train" not in splits:
        yield "learning.explore", "no group is for 'train'", "leave 'split' out of one"
    seen: dict[tuple[str, str, int], str] = {}
    for i, group in enumerate(groups):
        for n in group.orderings:
            key = (group.occupancy, group.cell, n)
            if seen.setdefault(key, group.split) != group.split:
                yield (
                    f"learning.explore.{i}.split",
                    f"ordering {n} of {group.occupancy} in cell {group.cell} is for training and for testing",
                    "hold out other orderings than those trained on",
                )
