"""A committee of potentials that differ in their seed alone: how far they disagree, and whether that predicts their error.

With f_k the force on an atom by potential k of M, and <> the mean over k,

    deviation = sqrt(< |f_k - <f>|² >)

per atom; its maximum, mean and minimum over the atoms of a frame are the model deviation of DP-GEN (Zhang et al., Phys. Rev.
Mater. 3, 023804 (2019); the same numbers as `dp model-devi`). Of the mean square error of one potential the committee sees
the part M/(M-1) deviation²: what all members get wrong alike leaves no trace in their spread.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.verdicts import Verdict

VERSION = 1

MEV_PER_EV = 1000.0
BINS = 12
BLOCKS = 10  # consecutive frames are alike: intervals come from resampling blocks of them
RESAMPLES = 400
# Below this rank correlation of spread and error, the spread is called `no_guide`.
GUIDE = 0.3


class Committee:
    """Potentials loaded once; several elements' types as in their training.

    Raises
    ------
    DlmdError
        for fewer than two models.
    """

    def __init__(self, models: Sequence[str | Path], *, batch_atoms: int = 4096):
        if len(models) < 2:
            raise DlmdError(f"{len(models)} potential is no committee", remedy="raise training.potentials")
        with contextlib.redirect_stdout(io.StringIO()):
            from deepmd.infer import DeepPot

            self.members = [DeepPot(str(Path(m).resolve()), auto_batch_size=batch_atoms) for m in models]

    def predict(
        self, positions: np.ndarray, cells: np.ndarray, types: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Energies (models, frames) in eV and forces (models, frames, atoms, 3) in eV/Å.

        Parameters
        ----------
        positions, cells
            (frames, atoms, 3) and (frames, 3, 3), Å.
        types
            (atoms,) indices into the potentials' species.
        """
        n = len(positions)
        found = [
            member.eval(np.reshape(positions, (n, -1)), np.reshape(cells, (n, 9)), np.asarray(types))
            for member in self.members
        ]
        return np.stack([e.reshape(n) for e, _, _ in found]), np.stack([f for _, f, _ in found])

    def describe(self, positions: np.ndarray, cells: np.ndarray, types: np.ndarray) -> np.ndarray:
        """Descriptor (frames, atoms, features) of every atom by the first potential; arguments as of `predict`."""
        n = len(positions)
        return self.members[0].eval_descriptor(
            np.reshape(positions, (n, -1)), np.reshape(cells, (n, 9)), np.asarray(types)
        )


def atom_deviation(forces: np.ndarray) -> np.ndarray:
    """(frames, atoms): deviation of the forces (models, frames, atoms, 3), in their unit."""
    return np.linalg.norm(forces.std(axis=0), axis=-1)


@dataclass(frozen=True)
class FrameDeviation:
    """Largest, mean and smallest deviation over the atoms of every frame, (frames,) each, eV/Å."""

    largest: np.ndarray
    mean: np.ndarray
    smallest: np.ndarray

    @classmethod
    def of(cls, forces: np.ndarray) -> FrameDeviation:
        """From forces (models, frames, atoms, 3) in eV/Å."""
        atoms = atom_deviation(forces)
        return cls(atoms.max(axis=1), atoms.mean(axis=1), atoms.min(axis=1))


@dataclass(frozen=True)
class Judged:
    """Spread and error of one trajectory: (frames, atoms) deviation, and (models, frames, atoms) length of the force's error,
    both in eV/Å."""

    spread: np.ndarray
    error: np.ndarray


def judge(forces: np.ndarray, reference: np.ndarray) -> Judged:
    """Of forces (models, frames, atoms, 3) against the reference (frames, atoms, 3)."""
    return Judged(spread=atom_deviation(forces), error=np.linalg.norm(forces - reference, axis=-1))


def calibrate(trajectories: Sequence[Judged], *, confidence: float = 0.95, seed: int = 0) -> dict:
    """Does the spread predict the error?

    Returns
    -------
    dict
        `factor`: RMS error over RMS spread, per atom; `independent_factor` sqrt(M/(M-1)), what it would be for errors that
        the potentials do not share; `seen_share`, the part of the mean square error that the committee sees;
        `rank_correlation` (Spearman) of spread and error over atoms; `frame_rank_correlation` of the largest spread and
        the largest error of a frame (None for fewer than ten frames); `bins` of equal counts in ascending spread; `verdict`.
        Intervals come from resampling blocks of frames.

    Raises
    ------
    DlmdError
        for potentials that agree everywhere.
    """
    from scipy.stats import spearmanr

    members = trajectories[0].error.shape[0]
    blocks = [
        (judged.spread[rows], judged.error[:, rows])
        for judged in trajectories
        for rows in np.array_split(np.arange(len(judged.spread)), min(BLOCKS, len(judged.spread)))
    ]
    squares = np.array([(members * (s**2).sum(), (e**2).sum()) for s, e in blocks])
    if not squares[:, 0].sum() > 0:
        raise DlmdError("the potentials are all the same", remedy="train them with different seeds")
    spread = [s.ravel() for s, _ in blocks]
    # one error per atom: the RMS of its members'
    error = [np.sqrt((e**2).mean(axis=0)).ravel() for _, e in blocks]
    worst = [(s.max(axis=1), np.sqrt((e**2).mean(axis=0)).max(axis=1)) for s, e in blocks]

    def statistics(chosen: np.ndarray) -> tuple[float, float]:
        total = squares[chosen].sum(axis=0)
        rank = spearmanr(
            np.concatenate([spread[b] for b in chosen]), np.concatenate([error[b] for b in chosen])
        )
        return float(np.sqrt(total[1] / total[0])), float(rank.statistic)

    every = np.arange(len(blocks))
    rng = np.random.default_rng(seed)
    drawn = np.array([statistics(rng.choice(every, len(every))) for _ in range(RESAMPLES)])
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail], axis=0)
    factor, rank = statistics(every)
    independent = float(np.sqrt(members / (members - 1)))
    frames = [np.concatenate(column) for column in zip(*worst, strict=True)]
    found = {
        "potentials": members,
        "atoms": int(sum(map(len, spread))),
        "blocks": len(blocks),
        "spread_rms_mev_per_a": float(MEV_PER_EV * np.sqrt(np.mean(np.concatenate(spread) ** 2))),
        "error_rms_mev_per_a": float(MEV_PER_EV * np.sqrt(np.mean(np.concatenate(error) ** 2))),
        "factor": _interval(factor, low[0], high[0]),
        "independent_factor": independent,
        # Independent errors give exactly this factor; sampling may give a little more.
        "seen_share": _interval(*(min(1.0, (independent / f) ** 2) for f in (factor, high[0], low[0]))),
        "rank_correlation": _interval(rank, low[1], high[1]),
        "frame_rank_correlation": float(spearmanr(*frames).statistic) if len(frames[0]) >= 10 else None,
        "bins": bins(np.concatenate(spread), np.concatenate(error)),
    }
    return found | {"verdict": verdict(found)}


def bins(spread: np.ndarray, error: np.ndarray, *, number: int = BINS) -> list[dict]:
    """Atoms in ascending spread, in bins of equal counts: RMS spread, RMS error (meV/Å) and atoms of each."""
    order = np.argsort(spread, kind="stable")
    return [
        {
            "spread_mev_per_a": float(MEV_PER_EV * np.sqrt((spread[rows] ** 2).mean())),
            "error_mev_per_a": float(MEV_PER_EV * np.sqrt((error[rows] ** 2).mean())),
            "atoms": len(rows),
        }
        for rows in np.array_split(order, min(number, len(order)))
    ]


def verdict(found: dict) -> dict:
    """Whether the spread is a guide to the error, in words with its numbers."""
    rank, seen = found["rank_correlation"], found["seen_share"]
    first, last = found["bins"][0]["error_mev_per_a"], found["bins"][-1]["error_mev_per_a"]
    numbers = (
        f"rank correlation {rank['value']:.2f} ({rank['low']:.2f} to {rank['high']:.2f}); atoms of the largest spread err "
        f"{last / first:.1f} times as much as those of the smallest"
    )
    share = (
        f"It sees {seen['value']:.0%} ({seen['low']:.0%} to {seen['high']:.0%}) of the mean square error; the rest is common "
        "to all potentials and hidden from it"
    )
    if rank["low"] > GUIDE:
        return {
            "code": Verdict.GUIDE.value,
            "message": f"The spread tells good forces from bad ones: {numbers}. {share}.",
        }
    return {
        "code": Verdict.NO_GUIDE.value,
        "message": f"The spread does not tell which forces are bad: {numbers}. {share}.",
    }


def _interval(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": float(value), "low": float(low), "high": float(high)}
