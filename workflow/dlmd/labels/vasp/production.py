"""The production part of a staged VASP trajectory: its runs joined, which of its frames are kept and which rejected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import as_staged, continuation
from dlmd.labels.vasp.continuation import Joined
from dlmd.labels.vasp.frames import Frame, Run


@dataclass(frozen=True)
class Production:
    """The runs of a trajectory's production, and their whole frames, joined."""

    runs: list[Run]
    frames: list[Joined]

    @property
    def origin(self) -> int:
        """Step of the first frame, counted from the start of the job."""
        return self.frames[0].step

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return self.frames[-1].step - self.origin + 1

    def rejected(self) -> list[tuple[Run, Frame]]:
        """Frames of DFT that must not become labels."""
        broken = [(j.run, j.frame) for j in self.frames if j.frame.reason is not None and not j.frame.learned]
        torn = [
            (run, f)
            for run in self.runs
            for f in run.frames
            if not f.whole and not f.learned and not _cut_off(run, f)
        ]
        return broken + torn

    @property
    def learned(self) -> int:
        """Steps that VASP's machine-learned force field made, without DFT."""
        return sum(j.frame.learned for j in self.frames)

    def kept(self, stride: int) -> list[Joined]:
        """Every `stride`-th frame from the origin, unless it is rejected. Where steps are machine-learned, VASP chose those of
        DFT: then each of these, at least `stride` steps apart."""
        good = [j for j in self.frames if j.frame.reason is None]
        if not self.learned:
            return [j for j in good if (j.step - self.origin) % stride == 0]
        chosen: list[Joined] = []
        for joined in good:
            if not chosen or joined.step - chosen[-1].step >= stride:
                chosen.append(joined)
        return chosen


def require_finished(folder: Path, job: dict, runs: dict[str, list[Run]]) -> None:
    unfinished = [s["name"] for s in job["run_steps"] if not continuation.done(s, runs[s["name"]])]
    if unfinished:
        raise DlmdError(
            f"unfinished segments: {', '.join(unfinished)}",
            where=str(folder),
            remedy="run the job again (run.sh where it runs elsewhere): each goes on from its CONTCAR",
        )


def find_production(folder: Path, job: dict, runs: dict[str, list[Run]]) -> Production:
    """The production of a job, which must follow from the heating ladder and have all its steps."""
    producing = [run for s in job["run_steps"] if s["role"] == "produce" for run in runs[s["name"]]]
    # the ladder must lead into the production, though none of it is kept
    joined = continuation.join([run for name in runs for run in runs[name]], where=str(folder))
    frames = [j for j in joined if any(j.run is run for run in producing)]
    if not frames:
        raise DlmdError("no whole frame of production", where=str(folder), remedy="run the segments again")
    as_staged.require_moving([j.frame for j in frames], where=str(folder))
    found = Production(producing, frames)
    # a run that begins with the last frame of the one before makes one new frame fewer
    if found.steps + len(producing) < job["steps"]:
        raise DlmdError(
            f"only {found.steps} of {job['steps']} steps are there, though every segment has results",
            where=str(folder),
            remedy="a segment holds results of another one, or was cut otherwise before (aimd.chunk_steps): bring back the right "
            "ones, or move run* out of the last segments and run them again",
        )
    return found


def _cut_off(run: Run, frame: Frame) -> bool:
    """Whether the frame is the torn end of a killed run: it is made again by the next one, and no fault of VASP's."""
    return not run.finished and frame is run.frames[-1]
