"""Radial distribution functions of all pairs, coordination numbers, and van Hove functions of the mobile ions.

Reads what `dlmd transport` reads. g(r) is 1 for an ideal gas; the self part of van Hove is the distribution of distances that
an ion has moved within a lag, the distinct part that of ions about the place another ion had at its start.

examples:
  dlmd rdf run.dcd --topology cell.data --mobile Li --time-step 2 --stride 10
  dlmd rdf XDATCAR --mobile Li --time-step 2 --stride 50 --lags 1 10 100 -o structure

Writes DIR/rdf.csv, coordination.csv, van_hove_self.csv, van_hove_distinct.csv, rdf.png, and rdf.json with what they are of.
Units: Å, ps; g(r) has none.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.cli.own_settings import require_free, write_record
from dlmd.cli.own_trajectory import add_part, add_system, add_trajectories, load, positive, require_there

if TYPE_CHECKING:
    import numpy as np

    from dlmd.trajectory.rdf import VanHove
    from dlmd.trajectory.trajectory import Trajectory

DEFAULT_LAGS = 4
# Ions of all frames in memory for the van Hove functions, in bytes; more is thinned out.
_BYTES = 512 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd rdf`."""
    add_trajectories(parser)
    add_system(parser, charge=False)
    parser.add_argument(
        "--r-max",
        type=positive,
        metavar="A",
        help="longest distance in Å; default: 8, at most half the cell's width",
    )
    parser.add_argument(
        "--lags",
        nargs="+",
        type=positive,
        metavar="PS",
        help="lags of the van Hove functions in ps; default: four, evenly in the logarithm",
    )
    add_part(parser)
    parser.add_argument(
        "-o", "--output", default="rdf", metavar="DIR", help="folder of the results; default: %(default)s"
    )


def run(args: argparse.Namespace) -> None:
    """Write the functions and print the first peaks."""
    import numpy as np

    from dlmd.base.errors import DlmdError
    from dlmd.base.files import write_table
    from dlmd.base.plot_style import save
    from dlmd.trajectory import rdf
    from dlmd.transport.plots import rdf_panels

    folder = Path(args.output)
    record = folder / "rdf.json"
    require_there(args.trajectories)
    require_free(record, args.trajectories)
    trajectories, inputs = load(args, needs_temperature=False)
    trajectory = trajectories[0]
    if len(trajectories) > 1:
        raise DlmdError(
            f"{len(trajectories)} runs together",
            where=trajectory.label,
            remedy="give the folder or the files of one run",
        )
    if trajectory.atoms is None:
        raise DlmdError(
            "no frame of all atoms is left",
            where=trajectory.label,
            remedy="leave out less (--skip, --end)",
        )
    found = rdf.rdfs(
        trajectory.atoms.positions, trajectory.atoms.symbols, cell=trajectory.cell, r_max_angstrom=args.r_max
    )
    # all numbers before the first file: an error leaves none behind
    tables = {"rdf.csv": rdf.table({"MD": found})}
    names = [f"{centre}-{neighbour}" for centre, neighbour in found.coordination]
    tables["coordination.csv"] = (
        ["r_a", *names],
        np.column_stack([found.r_a, *found.coordination.values()]),
    )
    tables |= _van_hove(args, trajectory)
    folder.mkdir(parents=True, exist_ok=True)
    write_record(record, trajectories, inputs, args.argv)
    for name, (columns, rows) in tables.items():
        write_table(folder / name, columns, rows)
    save(rdf_panels({"MD": found}), [folder / "rdf.png"])
    print(*_counted(found.n_frames, trajectory), sep="\n")
    print(*(f"- {note}" for note in trajectory.notes), sep="\n")
    print(f"distances to {found.r_a[-1]:.2f} Å")
    for pair in found.g:
        print(f"  {pair}: first peak {found.first_peak_a(pair):.2f} Å, g = {found.g[pair].max():.2f}")
    print(f"\nwritten: {', '.join(str(folder / name) for name in (*tables, 'rdf.png', record.name))}")


def _counted(used: int, trajectory: Trajectory) -> list[str]:
    """Of how many frames the functions are, and of which where it is not all of them."""
    total, atoms = trajectory.n_frames, trajectory.atoms
    if atoms is None or used == total:
        lines = [f"{used} frames"]
    else:
        gaps = set(map(int, atoms.frames[1:] - atoms.frames[:-1]))
        which = f"one in {gaps.pop()}" if len(gaps) == 1 else "not evenly"
        lines = [
            f"g(r) and coordination from {used} of {total} frames ({which}): those in which all atoms are kept"
        ]
    if (step := _step(trajectory)) > 1:
        lines.append(f"van Hove functions from one frame in {step}, for memory")
    return lines


def _step(trajectory: Trajectory) -> int:
    """Of how many frames one is held in memory for the van Hove functions."""
    return max(1, -(-12 * trajectory.n_ions * trajectory.n_frames // _BYTES))


def _van_hove(args: argparse.Namespace, trajectory: Trajectory) -> dict[str, tuple[list[str], np.ndarray]]:
    """Columns and rows of the self and distinct functions of each mobile element, by file; none for a single ion."""
    import numpy as np

    columns: list[str] = []
    each: dict[str, list[np.ndarray]] = {"self": [], "distinct": []}
    r_a = None
    for name in trajectory.carriers if len(trajectory.carriers) > 1 else (None,):
        one = trajectory if name is None else trajectory.of_carrier(name)
        if one.n_ions < 2:
            continue
        found = _of_ions(args, one)
        columns += [f"{name} {lag:g} ps" if name else f"{lag:g} ps" for lag in found.lags_ps]
        each["self"].append(found.self_per_a)
        each["distinct"].append(found.distinct)
        r_a = found.r_a
    if r_a is None:
        return {}
    return {
        f"van_hove_{kind}.csv": (["r_a", *columns], np.column_stack([r_a, *(v.T for v in values)]))
        for kind, values in each.items()
    }


def _of_ions(args: argparse.Namespace, trajectory: Trajectory) -> VanHove:
    """Both functions of the ions of one element."""
    import numpy as np

    from dlmd.base.errors import DlmdError
    from dlmd.trajectory import rdf

    step = _step(trajectory)
    ions = np.concatenate([block[::step] for block in trajectory.blocks()], axis=1)
    interval_ps = step * trajectory.frame_interval_ps
    last = (len(ions) - 1) * interval_ps
    for lag in args.lags or ():
        if not interval_ps <= lag * (1 + 1e-6) or lag > last * (1 + 1e-6):
            raise DlmdError(
                f"--lags {lag:g} ps: the run has lags from {interval_ps:.6g} ps (between frames) to {last:.6g} ps",
                where=trajectory.label,
                remedy="give lags between these, or none",
            )
    asked = args.lags or np.geomspace(interval_ps, max((len(ions) - 1) // 2, 1) * interval_ps, DEFAULT_LAGS)
    return rdf.van_hove(
        ions,
        cell=trajectory.cell,
        frame_interval_ps=interval_ps,
        lags=sorted({max(1, round(lag / interval_ps)) for lag in asked}),
        r_max_angstrom=args.r_max,
    )
