"""How the ions move: sites, occupancies, hops with rates and directions, strings of hops, density and single ions' traces.

Sites are those of a CIF in the setting of the run (whose cell may repeat the CIF's), or those of --sites, with the voids of the
anions. Without either, the density alone is written.

examples:
  dlmd mechanism run.dump --species Li In Cl --mobile Li --time-step 2 --temperature 600 --cif Li3InCl6.cif
  dlmd mechanism XDATCAR --mobile Li --time-step 2 --stride 10 --temperature 500

Writes DIR/density.cube (for VESTA and others) and, with sites, <temperature>K.json (all numbers), .hops.csv (every hop),
.traces.csv and figures of sites, hops, density and traces. Units: ps, Å, eV, K; rates per ps and ion. Exit code 3 where a
verdict stands in place of numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dlmd.cli.exit_codes import VERDICT
from dlmd.cli.own_trajectory import add_part, add_system, add_trajectories, count, load

PS_PER_NS = 1000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd mechanism`."""
    add_trajectories(parser)
    add_system(parser, charge=False)
    parser.add_argument("--cif", metavar="FILE", help="crystal whose sites are meant")
    parser.add_argument(
        "--sites",
        metavar="FILE",
        help="the sites of the mobile ions instead of a CIF: any structure file (POSCAR, XYZ, CIF ...) whose atoms are sites, "
        "kinds of sites by their elements, in the run's cell or one that repeats to it",
    )
    parser.add_argument(
        "--repeat",
        nargs=3,
        type=count,
        metavar="N",
        help="unit cells of the CIF along a, b and c in the run's cell; default: from their lengths",
    )
    parser.add_argument(
        "--charges",
        nargs="+",
        type=_charge,
        default=[],
        metavar="ELEMENT=Z",
        help="formal charges in e; default: of the likeliest neutral compound",
    )
    parser.add_argument(
        "--replicas", action="store_true", help="every TRAJ is a run of its own, not one after the other"
    )
    add_part(parser)
    parser.add_argument(
        "--seed", type=int, default=1, help="of the resampling behind intervals; default: %(default)d"
    )
    parser.add_argument(
        "-o",
        "--output",
        default="mechanism",
        metavar="DIR",
        help="folder of the results; default: %(default)s",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of text")


def run(args: argparse.Namespace) -> int:
    """Analyse, write and print."""
    import json

    from dlmd.base.errors import DlmdError
    from dlmd.cli.own_settings import require_free, require_same_ions
    from dlmd.mechanism import own_run, own_sites
    from dlmd.mechanism.numbers import FORMAT
    from dlmd.structures.crystal import read_cif

    if args.cif and args.sites:
        raise DlmdError("--cif and --sites together", remedy="give one of them")
    crystal = read_cif(args.cif) if args.cif else None
    places = own_sites.read_sites(args.sites) if args.sites else None
    known = crystal is not None or places is not None
    check = None if crystal is None else lambda system: own_run.require_same_compound(crystal, system.symbols)
    trajectories, inputs = load(args, check=check, needs_temperature=known)
    if crystal is not None and trajectories[0].composition:
        own_run.require_same_compound(crystal, trajectories[0].composition)
    folder = Path(args.output)
    if known:  # before the analysis, which takes its time
        result = folder / f"{args.temperature or trajectories[0].temperature_k:g}K.json"
        require_free(result, args.trajectories, formats=[FORMAT])
        require_same_ions(result, trajectories[0])
    density = own_run.density_in_cell(trajectories)
    found = _analysed(args, crystal, places, trajectories) if known else None
    folder.mkdir(parents=True, exist_ok=True)
    own_run.write_cube(folder / "density.cube", density, trajectories[0])
    read = list(dict.fromkeys(note for trajectory in trajectories for note in trajectory.notes))
    if found is None:
        print(*(f"- {note}" for note in read), sep="\n")
        print(
            f"written: {folder / 'density.cube'}; sites and hops need the crystal (--cif FILE) or its sites (--sites FILE)"
        )
        return 0
    # what was done to the input, before what was found in it
    found[1]["notes"] = [*read, *found[1].get("notes", [])]
    data, written = _written(args, found, [*inputs, Path(args.cif or args.sites)], folder)
    if args.json:
        print(json.dumps(data, indent=1, ensure_ascii=False))
    else:
        print(report(data))
        print(f"\nwritten: {', '.join(map(str, [folder / 'density.cube', *written]))}")
    return 0 if data["verdict"]["code"] == "ok" else VERDICT


def _analysed(args, crystal, places, trajectories) -> tuple[Any, dict]:
    """The mechanism, None where the host has left its sites, and its numbers."""
    import numpy as np

    from dlmd.mechanism import analysis, numbers, own_run, own_sites
    from dlmd.mechanism.site_network import HostLeft

    first = trajectories[0]
    temperature_k = args.temperature or first.temperature_k
    hosts = [own_run.host_of(trajectory) for trajectory in trajectories]
    charges = own_run.charges_of(first.composition, dict(args.charges))
    repeat = args.repeat
    if places is not None:
        crystal, repeat = own_sites.crystal_of(places, first, hosts[0], repeat=repeat), (1, 1, 1)
    try:
        found = analysis.analyse(
            trajectories,
            hosts,
            crystal=crystal,
            repeat=repeat or own_run.repeat_of(first.cell, np.asarray(crystal.lattice)),
            charges=charges,
            temperature_k=temperature_k,
            settings=analysis.Settings(seed=args.seed),
        )
    except HostLeft as error:
        return None, numbers.refused(error.what, temperature_k=temperature_k, mobile=first.mobile)
    return found, numbers.collect(found)


def _written(args, analysed: tuple[Any, dict], inputs, folder: Path) -> tuple[dict, list[Path]]:
    """The numbers of the mechanism with what they are from, and the files that hold them."""
    from dlmd.base.files import write_json
    from dlmd.base.provenance import provenance
    from dlmd.mechanism import jobs

    found, data = analysed
    data["provenance"] = provenance(inputs, command=args.argv)
    stem = f"{data['temperature_k']:g}K"
    written = [folder / f"{stem}.{ending}" for ending in ("json", "hops.csv", "traces.csv", "npz")]
    write_json(written[0], data)
    jobs.write_hops(written[1], found)
    jobs.write_traces(written[2], found)
    jobs.write_arrays(written[3], found)
    figures = {kind: [str(folder / f"{stem}.{kind}.png")] for kind in ("sites", "hops", "density", "traces")}
    jobs.plot(str(written[0]), str(written[3]), **figures)
    return data, [*written, *(Path(paths[0]) for paths in figures.values())]


def report(data: dict[str, Any]) -> str:
    """The result as text."""
    from dlmd.base.formatting import aligned, interval

    code = data["verdict"]["code"].replace("_", " ")
    lines = [f"verdict: {code} ({data['verdict']['message']})"]
    if "sites" in data:
        lines += [
            f"{data['n_ions']} {data['mobile']} followed for {data['length_ps']:.4g} ps",
            "",
            *aligned([_site_row(row) for row in data["sites"]]),
            "",
            *aligned([_hop_row({"name": "all"} | data["hops"]), *map(_hop_row, data["classes"] or [])]),
            "",
        ]
        next_hop = data["succession"]
        back = (
            f"{interval(next_hop['straight_back'], '.0f', scale=100, unit='%')} of {next_hop['pairs']} next hops"
            if "straight_back" in next_hop
            else next_hop["verdict"]
        )
        lines += [f"straight back to the site before: {back}"]
    return "\n".join([*lines, *(f"- {note}" for note in data.get("notes", ()))])


def _site_row(row: dict[str, Any]) -> dict[str, str]:
    """What one kind of site holds, and for how long an ion stays."""
    from dlmd.base.formatting import interval

    stay = row["residence"]
    return {
        "site": row["label"] + ("" if row["resting"] else " (void)"),
        "open": f"{row['open_sites']:.4g}",
        "occupancy": interval(row["occupancy"], ".2f") if row["occupancy"] else "",
        "residence (ps)": interval(stay["mean_ps"]) if "mean_ps" in stay else _longer_than(stay),
    }


def _longer_than(stay: dict[str, Any]) -> str:
    """The shortest mean residence that too few departures leave possible; nothing where no ion was there."""
    return f"above {1 / stay['below_per_ps']:.3g}" if stay.get("below_per_ps") else ""


def _hop_row(row: dict[str, Any]) -> dict[str, str]:
    """How often hops of one kind happen; a bound where there are too few."""
    from dlmd.base.formatting import interval

    if "rate_per_ps" in row:
        per_ns = interval(row["rate_per_ps"], scale=PS_PER_NS)
    else:
        per_ns = f"below {row['below_per_ps'] * PS_PER_NS:.3g}" if "below_per_ps" in row else ""
    share = row.get("share_of_hops")
    return {
        "hops": row["name"],
        "number": f"{row['events']}",
        "per ion and ns": per_ns,
        "share": interval(share, ".0f", scale=100, unit="%") if share else "",
    }


def _charge(text: str) -> tuple[str, float]:
    element, _, value = text.partition("=")
    try:
        return element, float(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not ELEMENT=Z, such as In=3") from error
