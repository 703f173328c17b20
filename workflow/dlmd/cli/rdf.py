"""Radial distribution functions of all pairs, coordination numbers, and van Hove functions of the mobile ions.

Reads what `dlmd transport` reads. g(r) is 1 for an ideal gas; the self part of van Hove is the distribution of distances that
an ion has moved within a lag, the distinct part that of ions about the place another ion had at its start.

examples:
  dlmd rdf run.dcd --topology cell.data --mobile Li --time-step 2 --stride 10
  dlmd rdf XDATCAR --mobile Li --time-step 2 --stride 50 --lags 1 10 100 -o structure

Writes DIR/rdf.csv, coordination.csv, van_hove_self.csv, van_hove_distinct.csv and rdf.png. Units: Å, ps; g(r) has none.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dlmd.cli.own_trajectory import add_system, add_trajectories, load, positive

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
    parser.add_argument(
        "--skip", type=float, default=0.0, metavar="PS", help="leave out the first PS picoseconds; default: 0"
    )
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

    trajectories, _ = load(args, needs_temperature=False)
    trajectory = trajectories[0]
    if trajectory.atoms is None:
        raise DlmdError(
            "segments of the pipeline have their RDFs already",
            remedy="see validation/<level>/ of the run, or give the .xtc files",
        )
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    frames = trajectory.atoms.positions
    if args.skip:
        frames = frames[trajectory.atoms.frames * trajectory.frame_interval_ps >= args.skip]
    found = rdf.rdfs(frames, trajectory.atoms.symbols, cell=trajectory.cell, r_max_angstrom=args.r_max)
    columns, rows = rdf.table({"MD": found})
    write_table(folder / "rdf.csv", columns, rows)
    save(rdf_panels({"MD": found}), [folder / "rdf.png"])
    names = [f"{centre}-{neighbour}" for centre, neighbour in found.coordination]
    table = np.column_stack([found.r_a, *found.coordination.values()])
    write_table(folder / "coordination.csv", ["r_a", *names], table)
    print(f"{found.n_frames} frames, distances to {found.r_a[-1]:.2f} Å")
    for pair in found.g:
        print(f"  {pair}: first peak {found.first_peak_a(pair):.2f} Å, g = {found.g[pair].max():.2f}")
    written = ["rdf.csv", "coordination.csv", "rdf.png", *_van_hove(args, trajectory, folder)]
    print(f"\nwritten: {', '.join(str(folder / name) for name in written)}")


def _van_hove(args: argparse.Namespace, trajectory, folder: Path) -> list[str]:
    """Self and distinct functions of the mobile ions; names of their files."""
    import numpy as np

    from dlmd.base.files import write_table
    from dlmd.trajectory import rdf

    if trajectory.n_ions < 2:
        return []
    step = max(1, -(-12 * trajectory.n_ions * trajectory.n_frames // _BYTES))
    ions = np.concatenate([block[::step] for block in trajectory.blocks()], axis=1)
    interval_ps = step * trajectory.frame_interval_ps
    longest = (len(ions) - 1) // 2
    asked = args.lags or np.geomspace(interval_ps, max(longest, 1) * interval_ps, DEFAULT_LAGS)
    lags = sorted({max(1, round(lag / interval_ps)) for lag in asked})
    found = rdf.van_hove(
        ions, cell=trajectory.cell, frame_interval_ps=interval_ps, lags=lags, r_max_angstrom=args.r_max
    )
    names = [f"{lag:g} ps" for lag in found.lags_ps]
    for name, values in (("self", found.self_per_a), ("distinct", found.distinct)):
        write_table(folder / f"van_hove_{name}.csv", ["r_a", *names], np.column_stack([found.r_a, values.T]))
    return ["van_hove_self.csv", "van_hove_distinct.csv"]
