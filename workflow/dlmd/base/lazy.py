"""Names of a package that are imported when they are first used, so that `import dlmd` costs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def exports(package: str, names: Mapping[str, str]) -> tuple[Callable[[str], Any], list[str]]:
    """`__getattr__` and `__all__` of a package.

    Parameters
    ----------
    package
        Its `__name__`.
    names
        Public name -> "module:name in it", or "module" where the name is the same; modules relative to the package.
    """

    def attribute(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        module, _, member = names[name].partition(":")
        return getattr(importlib.import_module(f"{package}.{module}"), member or name)

    return attribute, sorted(names)
