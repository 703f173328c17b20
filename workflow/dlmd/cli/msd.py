"""Mean square displacements alone: self, total and distinct over all time origins, as curves, along the axes and as tensors.

Reads what `dlmd transport` reads, and does the same about restarts, wrapped coordinates, cells that change and the motion of the
host. There is no fit, no interval and no verdict: that ions rattle in their cages, or that a run is too short, does not show.
Diffusion coefficients come from `dlmd transport`.

examples:
  dlmd msd run.dcd --topology cell.data --mobile Li --time-step 2 --stride 10
  dlmd msd XDATCAR --mobile Li --time-step 2 --stride 50 --every-lag -o curves

Writes DIR/msd.csv, of several mobile elements DIR/msd_<element>.csv, and msd.json with what they are of. Units: ps, Å².
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.formatting import number
from dlmd.cli.own_settings import require_free, require_same_ions, write_record
from dlmd.cli.own_trajectory import add_part, add_replicas, add_system, add_trajectories, load, require_there

if TYPE_CHECKING:
    import numpy as np

    from dlmd.trajectory.trajectory import Trajectory
    from dlmd.transport.msd import MsdCurves

# Lags that are printed.
_PRINTED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd msd`."""
    add_trajectories(parser)
    add_system(parser, charge=False)
    add_replicas(parser)
    add_part(parser)
    parser.add_argument(
        "--every-lag",
        action="store_true",
        help="write all lags; default: all short ones, long ones evenly in the logarithm, 2000 at most",
    )
    parser.add_argument(
        "-o", "--output", default="msd", metavar="DIR", help="folder of the results; default: %(default)s"
    )


def run(args: argparse.Namespace) -> None:
    """Write the curves and print some of their values."""
    from dlmd.transport.replicas import require_one_system
    from dlmd.transport.tables import write_msd

    folder = Path(args.output)
    record = folder / "msd.json"
    require_there(args.trajectories)
    require_free(record, args.trajectories)
    trajectories, inputs = load(args, needs_temperature=False)
    require_one_system(trajectories)
    require_same_ions(record, trajectories[0])
    names = list(trajectories[0].carriers)
    each = {"msd": trajectories}
    if len(names) > 1:
        each = {f"msd_{name}": [one.of_carrier(name) for one in trajectories] for name in names}
    # all numbers before the first file: an error leaves none behind
    found = {stem: _curves(runs) for stem, runs in each.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_record(record, trajectories, inputs, args.argv)
    first = trajectories[0]
    print(
        f"{first.n_ions} {first.mobile}, {sum(one.n_frames for one in trajectories)} frames every "
        f"{first.frame_interval_ps:g} ps in {len(trajectories)} run(s)"
    )
    print(*dict.fromkeys(f"- {note}" for one in trajectories for note in one.notes), sep="\n")
    for stem, curves in found.items():
        write_msd(folder / f"{stem}.csv", _columns(curves, first.cell, every_lag=args.every_lag))
        print("", *_some(each[stem][0].mobile, curves), sep="\n")
    print(f"\nwritten: {', '.join(str(folder / f'{stem}.csv') for stem in found)}, {record}")


def _curves(runs: Sequence[Trajectory]) -> MsdCurves:
    """MSD tensors at all lags, of the ions of one element."""
    from dlmd.transport import msd

    # no frame is kept beside the sums
    return msd.curves([msd.displacements(run, stride=run.n_frames) for run in runs])


def _columns(curves: MsdCurves, cell: np.ndarray, *, every_lag: bool) -> dict:
    """Columns of the table: those of `dlmd transport`, and the six components of the tensors of self and total."""
    from dlmd.transport import msd

    kept = curves if every_lag else msd.thinned_lags(curves)
    return {**msd.by_name(kept, msd.cell_axes(cell)), **msd.components(kept)}


def _some(mobile: str, curves: MsdCurves) -> list[str]:
    """The curves at a few lags up to half the run, each a power of ten of the time between frames."""
    import numpy as np

    own, total = (np.trace(tensor, axis1=1, axis2=2) for tensor in (curves.self_, curves.total))
    lags = [10**n for n in range(_PRINTED) if 10**n <= (len(own) - 1) // 2]
    return [
        f"MSD of {mobile} (Å²) at lags of {', '.join(f'{curves.lags_ps[lag]:.6g}' for lag in lags)} ps",
        *(
            f"  {name}: {', '.join(number(curve[lag]) for lag in lags)}"
            for name, curve in (("self", own), ("total", total))
        ),
    ]
