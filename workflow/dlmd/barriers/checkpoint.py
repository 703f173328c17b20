"""The saved state of a band that takes long: killed, it goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from dlmd.base.arrays import drop_state, load_state, save_state

if TYPE_CHECKING:
    from ase import Atoms


class Stages:
    """Positions of the images in each stage (start, end, band, ...) of one calculation, saved in one file."""

    def __init__(self, path: Path | None, mark: str, stream: TextIO | None):
        self.path, self.mark, self.stream = path, mark, stream
        self.stages: dict[str, np.ndarray] = {}
        self.steps: dict[str, int] = {}
        saved = None if path is None else load_state(path, stream)
        if path is None or saved is None:
            return
        if str(saved["mark"]) != mark:
            self._say(f"{path.name} is of another hop or other settings: starting afresh")
            return
        for name in saved["stages"]:
            self.stages[str(name)] = saved[f"positions_{name}"]
            self.steps[str(name)] = int(saved[f"steps_{name}"])

    def resume(self, stage: str, images: Sequence[Atoms]) -> int:
        """Put saved positions into `images`; the steps already done."""
        if stage not in self.stages or len(self.stages[stage]) != len(images):
            return 0
        for image, positions in zip(images, self.stages[stage], strict=True):
            image.set_positions(positions)
        self._say(f"{stage}: going on after {self.steps[stage]} steps")
        return self.steps[stage]

    def save(self, stage: str, images: Sequence[Atoms], steps: int) -> None:
        """Keep the positions of `images` after `steps` steps of a stage."""
        if self.path is None:
            return
        self.stages[stage] = np.array([image.positions for image in images])
        self.steps[stage] = steps
        arrays: dict[str, Any] = {f"positions_{name}": positions for name, positions in self.stages.items()}
        numbers: dict[str, Any] = {f"steps_{name}": n for name, n in self.steps.items()}
        save_state(self.path, mark=self.mark, stages=np.array(list(self.stages)), **arrays, **numbers)

    def end(self) -> None:
        """The calculation is over: its file is removed."""
        if self.path is not None:
            drop_state(self.path)

    def _say(self, text: str) -> None:
        if self.stream:
            print(text, file=self.stream)
