"""Label engines: what computes energies, forces, stresses and magnetic moments, called step by step from this process.

Each engine is one module with a class of the same interface (see `dlmd.labels.engines.base`). `get` finds it by name.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.config.launch import DEFAULT, LevelLaunch
from dlmd.config.levels.origin import Origin
from dlmd.labels.engines.base import Engine, Unconverged

__all__ = ["ENGINES", "Engine", "Unconverged", "get"]

# name in the config -> module that defines `create(settings)`; imported only when asked for
ENGINES = {name: f"dlmd.labels.engines.{name}" for name in ("chgnet", "sevennet", "gpaw", "espresso", "cp2k")}


def get(settings: Mapping[str, Any], launch: LevelLaunch = DEFAULT) -> Engine:
    """The engine that `settings` describe.

    Parameters
    ----------
    settings
        `engine` (its name) and the engine's own keys: `model` of a pretrained potential, else those of its settings.
    launch
        How its program is started, where it has one; nothing in its results depends on it.

    Raises
    ------
    DlmdError
        for an unknown engine, key or model, and for a missing package.
    """
    own = {key: value for key, value in settings.items() if key not in Origin.model_fields}
    name = own.pop("engine", None)
    if name not in ENGINES:
        raise DlmdError(
            f"'{name}' is no label engine that is called from this process",
            where="key engine of the level",
            remedy=did_you_mean(name, ENGINES),
        )
    return importlib.import_module(ENGINES[name]).create(own, launch)
