"""What labels cost that a run was given: hours of CPU time that no job of the run has spent."""

from __future__ import annotations

from pathlib import Path

import yaml
from materials import Material
from outcome import HOUR_S

from dlmd.config.given import GivenFrames

ROOT = Path(__file__).parents[2]


def hours(material: Material, root: Path = ROOT) -> tuple[float, float] | None:
    """CPU time (h) of the labels in the files that its config names, those held out included: the least and the most.

    Frames with `cpu_seconds` count by it, and the two are the same; others by what is known of their file in the list.
    None where the config names no file or there is none, where a file is no extxyz, and where nothing is known of a frame.
    """
    low = high = 0.0
    files = _files(material, root)
    if any(file.suffix != ".extxyz" for file in files):
        return None
    for file in files:
        for known in _seconds(file):
            if known is None and material.label_cpu_seconds is None:
                return None
            least, most = material.label_cpu_seconds if known is None else (known, known)
            low, high = low + least / HOUR_S, high + most / HOUR_S
    return (low, high) if files else None


def _files(material: Material, root: Path) -> list[Path]:
    """Files of given labels, of its config."""
    if material.config is None:
        return []
    config = yaml.safe_load((root / material.config).read_text(encoding="utf-8"))
    given = [GivenFrames.model_validate(one) for one in config["labels"].get("frames", ())]
    return [
        root / one.file for one in given if None in (material.level, one.level) or one.level == material.level
    ]


def _seconds(path: Path) -> list[float | None]:
    """CPU time (s) of each frame of a file; None where a frame does not say it."""
    from ase.io import iread

    return [atoms.info.get("cpu_seconds") for atoms in iread(path, ":", format="extxyz")]
