"""Single points of CP2K, Quantum ESPRESSO and GPAW that are computed elsewhere: staged here, run there, held against what was
staged and read here.

    HOME/run.sh                starts the program on every frame that has not ended
    HOME/frames/MARK/...       one frame: inputs, staged.json (their SHA-256), and once it has run, its outputs,
                               used.sha256 (of the inputs as it found them, and of its outputs) and ended (its exit code)

What has run may come back packed (gzip -r frames).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_json, write_text
from dlmd.labels import packed
from dlmd.labels.engines.base import Unconverged
from dlmd.labels.engines.dft import numbers
from dlmd.labels.engines.points import POINTS, Point
from dlmd.labels.relaxation import structure_mark

if TYPE_CHECKING:
    from ase import Atoms

STAGED, USED, ENDED, SCRIPT = "staged.json", "used.sha256", "ended", "run.sh"
TEXT = """#!/bin/sh
# Runs the single points of {name} that have not ended, one after the other:
#   PROGRAM="{example}" ./run.sh
# After a walltime start it again: what has ended is passed over, what was stopped by a signal is run again. Bring the whole
# folder back. To run a frame again, remove its file `{ended}`.
set -eu
: "${{PROGRAM:?set PROGRAM to the command that starts {name}}}"
cd "$(dirname "$0")"
child=""
stop() {{ [ -z "$child" ] || kill "$child" 2>/dev/null || true; exit "$1"; }}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
home=$(pwd)
for frame in frames/*/; do
    [ ! -f "$frame/{ended}" ] && [ ! -f "$frame/{ended}.gz" ] || continue
    cd "$frame"
    # nothing of a former run is taken for this one's
    rm -f {outputs}
    sha256sum {inputs} > {used}
    code=0
    (exec {command}) &
    child=$!
    wait "$child" || code=$?
    child=""
    sha256sum {written} >> {used} 2> /dev/null || :
    case $code in
        129|130|143|152) echo "$frame was stopped" >&2; exit "$code" ;;
    esac
    echo "$code" > {ended}.part
    mv {ended}.part {ended}
    cd "$home"
done
"""


class Elsewhere:
    """What stands in for a level's calculator where its program runs elsewhere.

    Parameters
    ----------
    engine
        The engine of the level.
    home
        Folder that is copied to where the program runs, and back.
    frames
        All frames that will be asked for: they are staged together.
    """

    def __init__(self, engine: Any, home: Path, frames: Sequence[Atoms]):
        self.engine, self.home = engine, home
        self.point: Point = POINTS[engine.level["engine"]]
        self.results: dict[str, Any] = {}
        self.folders: dict[str, Path] = {}
        inputs = [*self.point.inputs, *self.point.shared(engine.settings, home)]
        home.mkdir(parents=True, exist_ok=True)
        write_text(
            home / SCRIPT,
            TEXT.format(
                name=self.point.name,
                example=self.point.example,
                inputs=" ".join(inputs),
                command=self.point.command,
                outputs=" ".join(f"{name} {name}.gz" for name in self.point.outputs),
                written=" ".join(self.point.outputs),
                ended=ENDED,
                used=USED,
            ),
        )
        (home / SCRIPT).chmod(0o755)
        self.inputs = inputs
        for atoms in frames:
            self._stage(atoms)

    def folder(self, atoms: Atoms) -> Path:
        """The folder of a frame that was staged."""
        return self.folders[structure_mark(atoms)]

    def _folder(self, atoms: Atoms, hashes: Mapping[str, str]) -> Path:
        """The folder of a frame, by its structure and all that decides its numbers; one that has these very inputs may be named
        by its level of theory alone, as all once were."""
        home = self.home / "frames"
        own, former = (
            home / structure_mark(atoms, what)[:16] for what in (numbers(self.engine), self.engine.level)
        )
        here = _staged(former) == hashes
        return former if here and not own.exists() else own

    def _stage(self, atoms: Atoms) -> None:
        """Write a frame's inputs, unless they are there; others (more iterations) replace those of a frame without results."""
        texts = self.point.texts(self.engine.settings, atoms)
        hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        for name in self.inputs[len(self.point.inputs) :]:
            # as seen from a frame's folder
            hashes[name] = _sha256((self.home / "frames/any" / name).resolve())
        folder = self.folders[structure_mark(atoms)] = self._folder(atoms, hashes)
        folder.mkdir(parents=True, exist_ok=True)
        staged, ended = _staged(folder), packed.find(folder, ENDED) is not None
        if staged != hashes and (staged is None or not self._has_results(atoms, folder)):
            # one that came back without what was staged may have run on these very inputs
            if not (staged is None and ended and hashes.items() <= _used(folder).items()):
                self._clear(folder)
                ended = False
            write_json(folder / STAGED, hashes)
        if not ended:
            for name, text in texts.items():
                if _sha256(folder / name) != hashes[name]:
                    write_text(folder / name, text)

    def _clear(self, folder: Path) -> None:
        """Remove what a former run has left."""
        names = [*self.point.outputs, ENDED, USED, STAGED]
        for name in (f"{name}{ending}" for name in names for ending in ("", *packed.PACKED)):
            (folder / name).unlink(missing_ok=True)

    def _has_results(self, atoms: Atoms, folder: Path) -> bool:
        try:
            return self._read(atoms, folder) is not None
        except DlmdError:
            return False

    def _read(self, atoms: Atoms, folder: Path) -> dict[str, Any] | None:
        """Results of a frame; None where it has not run to its end.

        Raises
        ------
        Unconverged
            where its electrons did not converge.
        DlmdError
            where it was run on other inputs than the staged ones, or its results are not whole.
        """
        ended = packed.find(folder, ENDED)
        if ended is None:
            return None
        used, staged = _used(folder), _staged(folder) or {}
        for name, wanted in staged.items():
            if used.get(name) != wanted:
                raise DlmdError(
                    f"{name} was not the staged one when {self.point.name} ran",
                    where=str(folder),
                    remedy=f"remove {ENDED} there and run {SCRIPT} on the folder as it was staged",
                )
        for name in self.point.outputs:
            found = packed.find(folder, name)
            if found and name in used and hashlib.sha256(packed.read_bytes(found)).hexdigest() != used[name]:
                raise DlmdError(
                    f"{name} is not the one that {self.point.name} wrote here",
                    where=str(folder),
                    remedy=f"bring this frame's own {name} back whole, or remove {ENDED} and run {SCRIPT} again",
                )
        try:
            results = self.point.results(self.engine.settings, atoms, folder)
            if not all(np.isfinite(results[name]).all() for name in ("energy", "forces", "stress")):
                raise ValueError("values that are not finite")
            return results
        except Unconverged:
            raise
        except (OSError, ValueError, IndexError, KeyError, DlmdError) as error:
            what = error.what if isinstance(error, DlmdError) else f"results that cannot be read ({error})"
            raise DlmdError(
                f"exit code {packed.read_text(ended).strip()} of {self.point.name}: {what}",
                where=str(folder),
                remedy=f"see its output there, remove {ENDED} and run {SCRIPT} again",
            ) from None

    def calculate(self, atoms: Atoms, properties: Sequence[str]) -> None:
        """Put the results of a staged frame into `results`.

        Raises
        ------
        Unconverged
            where its electrons did not converge.
        DlmdError
            where there are none yet.
        """
        found = self._read(atoms, self.folder(atoms))
        if found is None:
            frames = [f for f in (self.home / "frames").iterdir() if packed.find(f, STAGED)]
            waiting = sum(packed.find(f, ENDED) is None for f in frames)
            raise DlmdError(
                f"{waiting} of {len(frames)} single points wait for results computed elsewhere",
                where=str(self.home),
                remedy=f'copy this folder to where {self.point.name} runs, start PROGRAM="{self.point.example}" ./{SCRIPT} '
                "there, bring it back, and run snakemake again",
            )
        self.results = found


def _sha256(path: Path) -> str:
    """Of a file; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _staged(folder: Path) -> dict[str, str] | None:
    """Name -> hash of what was staged in a frame's folder; None where nothing was.

    Raises
    ------
    DlmdError
        for a record that is damaged.
    """
    found = packed.find(folder, STAGED)
    if found is None:
        return None
    if found.suffix == ".json":
        return read_json(found)
    try:
        return json.loads(packed.read_text(found))
    except ValueError:
        raise DlmdError(
            "what was staged cannot be read", where=str(found), remedy="bring the folder back again"
        ) from None


def _used(folder: Path) -> Mapping[str, str]:
    """Name -> hash of the inputs as the program found them and of its outputs, from the lines of sha256sum."""
    found = packed.find(folder, USED)
    text = packed.read_text(found) if found else ""
    return {words[1].lstrip("*"): words[0] for words in map(str.split, text.splitlines()) if len(words) == 2}
