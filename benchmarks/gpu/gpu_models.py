"""The networks that are measured: the demo's from its frozen model, the paper's with random weights (their values cost nothing),
each for TensorFlow and PyTorch, in both precisions, compressed or not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.config.reading import load
from dlmd.process import programs
from dlmd.training.input import make_input

ENDING = {"tensorflow": ".pb", "pytorch": ".pth"}
FLAG = {"tensorflow": "--tf", "pytorch": "--pt"}
PRECISIONS = ("float32", "float64")
LINES = 4


class Failed(Exception):
    """Something could not be made or run here; its text is the reason."""


@dataclass(frozen=True)
class Variant:
    """One file to be measured, or why it could not be made."""

    network: str
    backend: str
    precision: str
    compressed: bool
    path: Path | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.network}, {self.backend}, {self.precision}{', compressed' if self.compressed else ''}"


def dp(*arguments: str | Path, cwd: Path, timeout_s: float = 240) -> str:
    """What `dp` prints.

    Raises
    ------
    Failed
        with its last lines, where it fails or takes too long.
    """
    command = [str(programs.locate("dp")), *map(str, arguments)]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"dp {' '.join(map(str, arguments[:2]))} took more than {timeout_s:g} s") from None
    if done.returncode:
        raise Failed(reason(done.stdout))
    return done.stdout


def reason(printed: str) -> str:
    """The line of an error among what was printed, else the last lines."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "ERROR" in line]
    return errors[-1][:400] if errors else " / ".join(lines[-LINES:])[:400]


def with_precision(data: Any, precision: str) -> Any:
    """A serialised model with all its networks in another precision."""
    if isinstance(data, dict):
        return {
            key: precision if key == "precision" and value in PRECISIONS else with_precision(value, precision)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [with_precision(value, precision) for value in data]
    if isinstance(data, np.ndarray) and data.dtype in (np.float32, np.float64):
        return data.astype(precision)
    return data


def convert(source: Path, target: Path, precision: str) -> None:
    """`dp convert-backend`, and to another precision on the way, by a process of its own, since a backend takes all memory.

    Raises
    ------
    Failed
        where a backend cannot be loaded or written.
    """
    command = [sys.executable, __file__, str(source), str(target), precision]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode or not target.exists():
        raise Failed(reason(done.stdout))


def paper_model(folder: Path, data: Sequence[Path], species: Sequence[str]) -> Source:
    """A frozen model with the paper's network, after one step of training, which leaves its weights as good as random.

    Raises
    ------
    Failed
        where dp does.
    """
    settings = load("config/li3ticl6.yaml").training
    settings = settings.model_copy(update={"steps": 1, "save_steps": 1, "batch_size": 1})
    folder.mkdir(parents=True, exist_ok=True)
    made = make_input(settings, species=species, train=list(map(str, data)), valid=[], seed=1)
    (folder / "input.json").write_text(json.dumps(made))
    dp("--tf", "train", "input.json", "-o", "out.json", cwd=folder)
    dp("--tf", "freeze", "-c", ".", "-o", "model.pb", cwd=folder)
    return Source("paper", folder / "model.pb", settings.precision, folder / "out.json")


@dataclass(frozen=True)
class Source:
    """A frozen model of TensorFlow, the precision of its networks, and the input of its training, which compression needs."""

    network: str
    model: Path
    precision: str
    input: Path


def variants(
    source: Source, folder: Path, *, backends: Sequence[str], precisions: Sequence[str]
) -> list[Variant]:
    """All that can be made of a model; what cannot be made is there with its reason."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for backend in backends:
        for precision in precisions:
            plain = Variant(source.network, backend, precision, False)
            path = (folder / f"{source.network}-{precision}").with_suffix(ENDING[backend])
            made += _pair(plain, source, path)
    return made


def _pair(plain: Variant, source: Source, path: Path) -> list[Variant]:
    """A model as it is, and compressed."""
    small = replace(plain, compressed=True)
    try:
        if (plain.backend, plain.precision) == ("tensorflow", source.precision):
            path.symlink_to(source.model)
        else:
            convert(source.model, path, plain.precision)
    except Failed as failed:
        return [replace(plain, reason=f"not converted: {failed}"), replace(small, reason="not converted")]
    target = path.with_name(f"{path.stem}-compressed{path.suffix}")
    try:
        with_input = ("-t", source.input.resolve())
        dp(FLAG[plain.backend], "compress", "-i", path.name, "-o", target.name, *with_input, cwd=path.parent)
    except Failed as failed:
        return [replace(plain, path=path), replace(small, reason=f"not compressed: {failed}")]
    return [replace(plain, path=path), replace(small, path=target)]


def _main() -> None:
    from deepmd.backend.backend import Backend

    source, target, precision = sys.argv[1:]
    data = Backend.detect_backend_by_model(source)().serialize_hook(source)
    Backend.detect_backend_by_model(target)().deserialize_hook(target, with_precision(data, precision))


if __name__ == "__main__":
    _main()
