"""Which way a level takes to its potential: by dynamics of its own, from another level, by given labels, or given itself."""

from __future__ import annotations

from dlmd.config.given import GivenFrames
from dlmd.config.model import RunFields


def start_of(cfg: RunFields, level: str) -> str | None:
    """The level that this one starts from."""
    return cfg.levels[level].start_from


def serving(cfg: RunFields) -> list[str]:
    """Levels that others start from: they have no production."""
    wanted = {level.start_from for level in cfg.levels.values()}
    return [name for name in cfg.levels if name in wanted]


def answering(cfg: RunFields) -> list[str]:
    """Levels with production and an answer."""
    helpers = serving(cfg)
    return [name for name in cfg.levels if name not in helpers]


def level_of(cfg: RunFields, given: GivenFrames) -> str | None:
    """The level that a file of labels is of; None where it names none and several could be meant."""
    if given.level is not None:
        return given.level
    started = [name for name in answering(cfg) if start_of(cfg, name)] or answering(cfg)
    return started[0] if len(started) == 1 else None


def given_frames(cfg: RunFields, level: str) -> list[GivenFrames]:
    """The files of labels of this level."""
    return [given for given in cfg.labels.frames if level_of(cfg, given) == level]


def own_dynamics(cfg: RunFields, level: str) -> bool:
    """Whether this level's engine relaxes the cells and runs the label trajectories."""
    return not (start_of(cfg, level) or given_potential(cfg, level) or given_frames(cfg, level))


def given_potential(cfg: RunFields, level: str) -> str | None:
    """File of the potential that this level was given."""
    return cfg.levels[level].potential


def uses_engine(cfg: RunFields, level: str) -> bool:
    """Whether anything is computed with this level's engine."""
    return loops(cfg, level) or not (given_potential(cfg, level) or given_frames(cfg, level))


def loops(cfg: RunFields, level: str) -> bool:
    """Whether this level goes through the rounds of the learning loop.

    A level with given labels goes on from them where no other level is left for the loop, and it explores the cells of the
    level that it starts from.
    """
    if cfg.learning is None or level not in answering(cfg) or given_potential(cfg, level):
        return False
    if not given_frames(cfg, level):
        return True
    own = (name for name in answering(cfg) if not (given_potential(cfg, name) or given_frames(cfg, name)))
    return start_of(cfg, level) is not None and not any(own)


def labelled_before(cfg: RunFields, level: str) -> bool:
    """Whether this level has labels, and so a potential of its own, before the first round of the learning loop."""
    return own_dynamics(cfg, level) or bool(given_frames(cfg, level))


def trained(cfg: RunFields, level: str) -> bool:
    """Whether a potential is trained at this level."""
    return given_potential(cfg, level) is None


def judged(cfg: RunFields, level: str) -> bool:
    """Whether this level has held-out labels."""
    return trained(cfg, level) or bool(given_frames(cfg, level))
