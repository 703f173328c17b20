"""Transport of anybody's trajectory: what the pipeline knows of its own runs is found out here before `analyse` is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dlmd.base.errors import DlmdError
from dlmd.base.verdicts import Verdict
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport.analysis import TransportResult, analyse
from dlmd.transport.charges import charge_of
from dlmd.transport.gates import Gate, Limits
from dlmd.transport.onsager import onsager

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
        for runs of fewer than ten frames, a charge that cannot be told, and as `analyse` does.
    """
    shortest = min(trajectories, key=lambda run: run.n_frames)
    if shortest.n_frames < FEWEST_FRAMES:
        raise DlmdError(
            f"{shortest.n_frames} frames are too short a run, at least {FEWEST_FRAMES} are needed",
            where=shortest.label,
            remedy="give the whole trajectory, or run longer",
        )
    first = trajectories[0]
    charge, guessed = charge_of(first.mobile, charge, first.composition)
    usual = Limits()
    # a crystal may fly as long as its vibrations keep their energy
    allowed = min(run.host_drift_allowed_angstrom for run in trajectories)
    options.setdefault("host_drift_angstrom", max(usual.host_drift_angstrom, allowed))
    found = analyse(trajectories, charge=charge, **options)
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
    """Transport of each of several mobile elements, and of all together (`dlmd.transport.onsager`), JSON-ready.

    Parameters
    ----------
    charges
        z in e by element; None or absent for those that `charge_of` tells.
    **options
        As `transport_of` takes them.

    Raises
    ------
    DlmdError
        as `transport_of` does, for each element.
    """
    names = list(trajectories[0].carriers)
    each = {
        name: transport_of(
            [run.of_carrier(name) for run in trajectories], charge=charges.get(name), **options
        )
        for name in names
    }
    windows = [result["fit_window_ps"] for result in each.values() if result["fit_window_ps"]]
    first = trajectories[0]
    together: dict[str, Any] = {
        "verdict": {
            "code": Verdict.TOO_SHORT.value,
            "message": "no diffusive onset of any of the ions",
        }
    }
    if windows:
        together = onsager(
            {name: [run.of_carrier(name).collective() for run in trajectories] for name in names},
            charges={name: result["charge_e"] for name, result in each.items()},
            frame_interval_ps=first.frame_interval_ps,
            window_ps=(max(w[0] for w in windows), max(w[1] for w in windows)),
            volume_a3=first.volume,
            temperature_k=next(iter(each.values()))["temperature_k"],
            confidence=options.get("confidence", 0.95),
        )
    host = [
        gate
        for result in each.values()
        for gate in result["verdict"]["gates"]
        if gate["code"].startswith(("host", "cell", "temperature", "energy"))
    ]
    if host and "conductivity_ms_per_cm" in together:
        together = {"verdict": {"code": host[0]["code"], "message": host[0]["message"]}}
    return {
        "format": "dlmd-carriers",
        "temperature_k": next(iter(each.values()))["temperature_k"],
        "together": together,
        "carriers": each,
    }


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
