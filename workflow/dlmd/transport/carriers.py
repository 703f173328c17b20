"""Several mobile elements: the conductivity of all of them, each by itself, and their Onsager matrix.

The current of ions of charges z_i e is that of ions of one charge z e whose displacements are z_i / z times as long. With z the
root of the mean square charge, both the sum over single ions and the sum of all keep their meaning, and so the estimates,
intervals and gates of `dlmd.transport.analysis` hold for any charges:

    sigma = N z² e² D_total / (V k_B T),   D_total of the scaled displacements
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.base.carriers import spoken
from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport.analysis import TransportResult, analyse
from dlmd.transport.onsager import onsager

VERSION = 1


def analyse_all(
    trajectories: Sequence[Trajectory],
    *,
    charges: Mapping[str, float],
    judge: Callable[[TransportResult], None] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Transport of all carriers, JSON-ready: as `TransportResult.to_dict` for all of them, and

    carriers
        the same for each element by itself,
    together
        the matrix of conductivity, correlations and transference numbers (`dlmd.transport.onsager`); None without a window.

    Parameters
    ----------
    charges
        In e, by element.
    judge
        Called with every result, to withhold what it finds wrong.
    **settings
        As `analyse` takes them.
    """
    first = trajectories[0]
    counts = first.carriers
    z = float(np.sqrt(sum(n * charges[name] ** 2 for name, n in counts.items()) / first.n_ions))
    factors = {name: charges[name] / z for name in counts}
    found = analyse([run.scaled(factors) for run in trajectories], charge=z, **settings)
    by_itself = {
        name: analyse([run.of_carrier(name) for run in trajectories], charge=charges[name], **settings)
        for name in counts
    }
    if judge is not None:
        for one in (found, *by_itself.values()):
            judge(one)
    if len({abs(charges[name]) for name in counts}) > 1:
        found.notes.append(
            f"displacements of {spoken(first.mobile)} count by their charges; each by itself is among the carriers"
        )
    return {
        **found.to_dict(),
        "carriers": {name: one.to_dict() for name, one in by_itself.items()},
        "together": None if found.window_ps is None else _matrix(trajectories, charges, found),
    }


def _matrix(trajectories: Sequence[Trajectory], charges: Mapping[str, float], found: Any) -> dict[str, Any]:
    start, end = found.window_ps
    swing = found.estimates.swing_ps if found.estimates else None
    matrix = onsager(
        {
            name: [run.of_carrier(name).collective() for run in trajectories]
            for name in trajectories[0].carriers
        },
        charges=charges,
        frame_interval_ps=trajectories[0].frame_interval_ps,
        window_ps=(swing, end / start * swing) if swing and swing > start else (start, end),
        volume_a3=found.system["volume_a3"],
        temperature_k=found.system["temperature_k"],
        confidence=found.system["confidence"],
    )
    if found.ok or "matrix_ms_per_cm" not in matrix:
        return matrix
    # what the gates refuse of all ions is refused of their parts
    return {"version": matrix["version"], "verdict": {k: found.verdict[k] for k in ("code", "message")}}
