"""Transport of anybody's trajectory: what the pipeline knows of its own runs is found out here before `analyse` is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.verdicts import Verdict
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport.analysis import TransportResult, analyse
from dlmd.transport.carriers import analyse_all
from dlmd.transport.charges import charge_of
from dlmd.transport.gates import Gate, Limits
from dlmd.transport.replicas import runs_of

# A run of fewer frames has no displacement statistics.
FEWEST_FRAMES = 10
# Changes of the cell beyond which "the mean cell" is no crystal of the run: strain from start to end, and scatter of a length.
CELL_TREND, CELL_SPREAD = 0.02, 0.03


def transport_of(
    trajectories: Sequence[Trajectory], *, charge: float | None = None, **options: Any
) -> dict[str, Any]:
    """Transport coefficients of one or several runs (replicas) of one system, JSON-ready.

    Parameters
    ----------
    charge
        z of the mobile ion in e; None for the only one its element has, or the one that makes the compound neutral.
    **options
        As `dlmd.transport.analysis.analyse` takes them.

    Raises
    ------
    DlmdError
        for runs of fewer than ten frames, the same run twice, a charge that cannot be told, and as `analyse` does.
    """
    trajectories = runs_of(trajectories)
    first = trajectories[0]
    charge, guessed = charge_of(first.mobile, charge, first.composition)
    found = analyse(trajectories, charge=charge, **_for_own(trajectories, options))
    _judge_cell(found, trajectories)
    result = found.to_dict()
    if guessed:
        result["notes"].append(guessed)
    if first.composition:
        result["composition"] = dict(first.composition)
    return result


def carriers_of(
    trajectories: Sequence[Trajectory], *, charges: Mapping[str, float | None], **options: Any
) -> dict[str, Any]:
    """Transport of several mobile elements together, of each by itself, and their matrix of conductivity, JSON-ready: as
    `dlmd.transport.carriers.analyse_all`, with a verdict under `together` where there is no matrix.

    Parameters
    ----------
    charges
        z in e by element; None or absent for those that `charge_of` tells.
    **options
        As `transport_of` takes them.

    Raises
    ------
    DlmdError
        as `transport_of` does, for each element; for charges of other elements, and where one element alone is mobile.
    """
    trajectories = runs_of(trajectories)
    first = trajectories[0]
    if not first.carriers:
        raise DlmdError(f"{first.mobile} alone is mobile", where=first.label, remedy="use `transport_of`")
    if foreign := [name for name in charges if name not in first.carriers]:
        raise DlmdError(
            f"charges have {', '.join(foreign)}, but {', '.join(first.carriers)} is mobile",
            where=first.label,
            remedy="give the charges of the mobile elements alone",
        )
    told = {name: charge_of(name, charges.get(name), first.composition) for name in first.carriers}
    result = analyse_all(
        trajectories,
        charges={name: charge for name, (charge, _) in told.items()},
        judge=lambda found: _judge_cell(found, trajectories),
        **_for_own(trajectories, options),
    )
    result["notes"] += [guessed for _, guessed in told.values() if guessed]
    if result["together"] is None:
        result["together"] = {"verdict": {key: result["verdict"][key] for key in ("code", "message")}}
    if first.composition:
        result["composition"] = dict(first.composition)
    return result


def _for_own(trajectories: Sequence[Trajectory], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `analyse`, with the drift that the host of these runs may have.

    Raises
    ------
    DlmdError
        for runs of fewer than ten frames.
    """
    shortest = min(trajectories, key=lambda run: run.n_frames)
    if shortest.n_frames < FEWEST_FRAMES:
        raise DlmdError(
            f"{shortest.n_frames} frames are too short a run, at least {FEWEST_FRAMES} are needed",
            where=shortest.label,
            remedy="give the whole trajectory, or run longer",
        )
    # a crystal may fly as long as its vibrations keep their energy
    allowed = min(run.host_drift_allowed_angstrom for run in trajectories)
    return {"host_drift_angstrom": max(Limits().host_drift_angstrom, allowed), **options}


def _judge_cell(found: TransportResult, trajectories: Sequence[Trajectory]) -> None:
    """Withholds numbers where the cell did not stay one cell."""
    gates = [gate for run in trajectories if (gate := cell_steady(run.cell_trend, run.cell_spread))]
    if not gates:
        return
    gate = gates[0]
    already = found.verdict["gates"]
    found.verdict = {
        "code": gate.code.value if found.ok else found.verdict["code"],
        "message": gate.message if found.ok else found.verdict["message"],
        "gates": [*already, asdict(gate) | {"code": gate.code.value}],
    }
    found.estimates = None


def cell_steady(trend: float, spread: float) -> Gate | None:
    """Did the cell stay one cell? `trend` and `spread` as of `Trajectory`."""
    for value, limit, words in (
        (trend, CELL_TREND, "has strained from start to end"),
        (spread, CELL_SPREAD, "scatters in a length"),
    ):
        if value > limit:
            return Gate(
                Verdict.CELL_CHANGING,
                value,
                limit,
                f"the cell {words} by {100 * value:.1f} %, limit {100 * limit:g} %",
                "equilibrate before the run, or run longer in a larger cell",
            )
    return None
