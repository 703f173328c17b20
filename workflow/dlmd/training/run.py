"""Training of a DeePMD-kit potential: resumable, then freezing and compression."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_csv, write_text
from dlmd.base.provenance import fingerprint
from dlmd.process import programs, walltime
from dlmd.process.ownership import owned
from dlmd.training import curve
from dlmd.training.input import START, WORK

VERSION = 1
CHECKPOINT = "model.ckpt"
# what TensorFlow says of a checkpoint that it cannot read
DAMAGED = re.compile(
    r"DataLossError|DATA_LOSS|OutOfRangeError|Checksum does not match|truncated|Unable to open table|NotFoundError|DecodeError"
)


def train(
    input: str | Path,
    *,
    model: str | Path,
    compressed: str | Path,
    lcurve: str | Path,
    threads: int,
    log: str | Path,
) -> None:
    """Train, freeze and compress; a training that was killed goes on from its last checkpoint.

    Checkpoints lie in `work/` beside the input. They are used only if the input and the data are the same, and are
    deleted once the three outputs are complete; the outputs appear last.

    Raises
    ------
    DlmdError
        where another job trains here, dp fails, with the end of its log, or has saved no checkpoint, or the walltime comes first.
    """
    with owned(Path(input).parent):
        _train(
            Path(input),
            model=model,
            compressed=compressed,
            lcurve=lcurve,
            threads=threads,
            log=Path(log).resolve(),
        )


def _train(
    path: Path, *, model: str | Path, compressed: str | Path, lcurve: str | Path, threads: int, log: Path
) -> None:
    work = path.parent / WORK
    settings = read_json(path)
    mark = training_mark(settings, work)
    if not (work / "fingerprint").exists() or (work / "fingerprint").read_text() != mark:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "fingerprint").write_text(mark)

    dp = [str(programs.locate("dp").absolute()), "--tf"]
    steps = settings["training"]["numb_steps"]
    while (done := last_checkpoint(work)) < steps:
        begin = ["--init-frz-model", settings[START]] if START in settings else []
        if done:
            begin = ["--restart", f"{CHECKPOINT}-{done}"]
            print(f"going on after step {done} of {steps}", file=sys.stderr)
        args = [*dp, "train", str(path.absolute()), "-o", "out.json", *begin]
        read = log.stat().st_size if log.exists() else 0
        try:
            # dp knows no walltime. It is stopped, and repeats what it did after its last checkpoint.
            if not programs.run(args, cwd=work, log=log, threads=threads, timeout_s=walltime.usable_s()):
                raise walltime.stopped(
                    f"training is at step {last_checkpoint(work)} of {steps}", where=str(log)
                )
        except DlmdError:
            if not (done and last_checkpoint(work) == done and _damaged(log, read)):
                raise
            drop_checkpoint(work, done)
            before = last_checkpoint(work)
            print(f"the checkpoint of step {done} is damaged: going back to step {before}", file=sys.stderr)
            continue
        break
    if last_checkpoint(work) < steps:
        raise DlmdError(
            f"training ended at checkpoint {last_checkpoint(work)} of {steps} steps",
            where=str(log),
            remedy="run again to go on from there",
        )
    programs.run([*dp, "freeze", "-c", ".", "-o", "frozen.pb"], cwd=work, log=log, threads=threads)
    compress = [*dp, "compress", "-i", "frozen.pb", "-o", "compressed.pb", "-t", str(path.absolute())]
    programs.run(compress, cwd=work, log=log, threads=threads)

    rows = curve.parse_lcurve((work / "lcurve.out").read_text())
    write_csv(lcurve, rows)
    (work / "frozen.pb").replace(model)
    (work / "compressed.pb").replace(compressed)
    shutil.rmtree(work)


def training_mark(settings: Mapping[str, Any], work: Path) -> str:
    """Fingerprint of dp's input and of the energies of all systems it names, their paths being relative to `work`."""
    parts: list[bytes | str] = [json.dumps(settings, sort_keys=True)]
    for part in ("training_data", "validation_data"):
        for system in settings["training"].get(part, {}).get("systems", ()):
            # textual, because `work` need not exist yet
            for energies in sorted(Path(os.path.normpath(work / system)).glob("set.*/energy.npy")):
                parts.append(energies.read_bytes())
    return fingerprint(*parts)


def _damaged(log: Path, read: int) -> bool:
    """Whether TensorFlow has said, after the first `read` bytes of the log, that it cannot read a checkpoint."""
    if not log.exists():
        return False
    with log.open("rb") as file:
        file.seek(read)
        return DAMAGED.search(file.read().decode(errors="replace")) is not None


def drop_checkpoint(work: Path, step: int) -> None:
    """Take a checkpoint out of `work`, so that the one before it is the last; without one, training starts from the beginning."""
    for path in work.glob(f"{CHECKPOINT}-{step}.*"):
        path.unlink()
    steps = _complete_checkpoints(work)
    names = [f'all_model_checkpoint_paths: "{CHECKPOINT}-{n}"' for n in steps]
    if steps:
        names.insert(0, f'model_checkpoint_path: "{CHECKPOINT}-{steps[-1]}"')
    write_text(work / "checkpoint", "".join(f"{name}\n" for name in names))


def last_checkpoint(work: Path) -> int:
    """Step of the newest complete checkpoint in `work`; 0 where there is none."""
    return max(_complete_checkpoints(work), default=0)


def _complete_checkpoints(work: Path) -> list[int]:
    """Steps whose checkpoints have all their files, ascending.

    TensorFlow names a checkpoint in its list `checkpoint` before it writes the graph (.meta) that a restart begins with: a job
    that is killed between the two leaves a list whose newest entry cannot be read.
    """
    kinds: dict[int, set[str]] = {}
    for path in work.glob(f"{CHECKPOINT}-*.*"):
        if found := re.fullmatch(
            rf"{re.escape(CHECKPOINT)}-(\d+)\.(index|meta|data)(-\d+-of-\d+)?", path.name
        ):
            kinds.setdefault(int(found[1]), set()).add(found[2])
    return sorted(step for step, there in kinds.items() if there == {"index", "meta", "data"})
