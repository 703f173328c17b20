"""A complete, commented config for a crystal, from its CIF alone; then `dlmd check` of it.

Oxidation states, the mobile ion, both supercells, temperatures, labels and lengths are proposed, each with its reason; what you
know better is an option here or a line to change there. An existing file is never overwritten without --overwrite.
Units: K, mS/cm, eV, core hours.

examples:
  dlmd new structures/Li3YCl6.cif
  dlmd new my.cif --mobile Na --sigma 2.1 --activation-energy 0.31 --melting 900
  dlmd new YSZ.cif --mobile O --budget-core-hours 200 --gpu --output config/ysz.yaml
  dlmd new my.cif --charge Co=3.25 --charge O=-2
  dlmd new my.cif --engine vasp --single-points 300
"""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from dlmd.base import carriers
from dlmd.base.errors import DlmdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmd.proposal import Proposal

MIN_SINGLE_POINTS = 10
ENGINES = ("chgnet", "sevennet", "vasp", "gpaw")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd new`."""
    parser.add_argument(
        "cif", help="CIF of the crystal, partial occupancies included; its path as seen from this folder"
    )
    parser.add_argument(
        "-o", "--output", metavar="CONFIG", help="file to write; default: config/<name of the CIF>.yaml"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="write it although there is a file of that name"
    )
    crystal = parser.add_argument_group("what you know of the crystal")
    crystal.add_argument(
        "--mobile",
        type=element,
        metavar="ELEMENT",
        help="element whose ions carry the current, or several as Li,Na; default: those that can",
    )
    crystal.add_argument(
        "--charge",
        action="append",
        default=[],
        type=_charge,
        metavar="ELEMENT=E",
        help="oxidation state of an element in e, instead of a guess; 'Fe on Fe1=3' is that on one site; may be repeated",
    )
    crystal.add_argument(
        "--sigma",
        type=within(1e-12, 1e5, "mS/cm"),
        metavar="MS_PER_CM",
        help="conductivity at 298 K in mS/cm; default: usual for its kind",
    )
    crystal.add_argument(
        "--activation-energy",
        type=within(0.01, 3.0, "eV"),
        metavar="EV",
        help="activation energy in eV; default: usual for its kind",
    )
    crystal.add_argument(
        "--melting",
        type=within(150.0, 5000.0, "K"),
        metavar="K",
        help="where the host melts or decomposes, in K; default: usual for its kind",
    )
    crystal.add_argument(
        "--as-listed",
        action="store_true",
        help="add no site where those of the CIF have no room for all mobile ions: refuse it instead",
    )
    _add_costs(parser.add_argument_group("what the run may cost"))


def _add_costs(run_of: argparse._ArgumentGroup) -> None:
    run_of.add_argument(
        "--budget-core-hours",
        type=_positive,
        default=24.0,
        metavar="H",
        help="hours of cores (and GPUs) that the run may hold in all; default: %(default)g",
    )
    run_of.add_argument(
        "--gpu", action="store_true", help="train and run production on GPUs, in a larger cell"
    )
    run_of.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="label engine; default: %(default)s"
    )
    run_of.add_argument(
        "--single-points",
        type=_whole,
        default=None,
        metavar="N",
        help="single points in all, on a start by chgnet; default: 300 of vasp or gpaw (beside the budget of core hours), "
        "120 of sevennet",
    )


def run(args: argparse.Namespace) -> int:
    """Propose, write, show and check."""
    from pathlib import Path

    from dlmd.base.files import write_text
    from dlmd.cli import check
    from dlmd.proposal import Wishes, propose
    from dlmd.proposal.design import run_name
    from dlmd.run.same_name import free_name

    output = Path(args.output or f"config/{run_name(args.cif)}.yaml")
    if output.is_dir():
        raise DlmdError(
            f"{output} is a folder",
            where="--output",
            remedy=f"give a file: {output / run_name(args.cif)}.yaml",
        )
    if output.exists() and not args.overwrite:
        raise DlmdError(
            f"there is a file of that name: {output}", remedy="give another --output, or --overwrite"
        )
    wishes = Wishes(
        mobile=args.mobile,
        charges=dict(args.charge),
        sigma_ms_per_cm=args.sigma,
        activation_energy_ev=args.activation_energy,
        melting_k=args.melting,
        budget_core_hours=args.budget_core_hours,
        gpu=args.gpu,
        engine=args.engine,
        single_points=args.single_points,
        as_listed=args.as_listed,
    )
    name, taken = free_name(run_name(output), file=output)
    proposal = propose(args.cif, wishes, file=str(output), command=shlex.join(args.argv), run=name)
    for line in _shown(proposal):
        print(line)
    if taken:
        print(
            f"{'run':<14} {name}: {taken} has the name {run_name(output)}, and two runs of a name share results"
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, proposal.text)
    print(f"\nwrote {output}; dlmd check {shlex.quote(str(output))}:\n")
    problems = check.report(proposal.config, file=str(output))
    if not problems:
        path = shlex.quote(str(output))
        print(f"next: dlmd plan {path}\n      snakemake --cores 2 --configfile {path}")
    return 1 if problems else 0


def _shown(proposal: Proposal) -> Iterator[str]:
    """What was decided, one thing to a line."""
    from dlmd.proposal import lengths, theory
    from dlmd.proposal.filling import ions
    from dlmd.proposal.parts import formula, remarks, table

    design, of = proposal.design, "{:<14} {}".format
    charges = ", ".join(f"{s} {q:+.4g}" for s, q in design.oxidation.stated.items())
    yield of(
        "crystal", f"{design.crystal.spacegroup}, {len(design.crystal.sites)} sites: {design.crystal.source}"
    )
    yield of("charges", f"{charges} ({design.oxidation.source})")
    yield of("mobile", f"{carriers.spoken(design.mobile)}: {design.mobile_reason}")
    for name, cell in (("label cell", design.label), ("production", design.production)):
        size = "x".join(map(str, cell.repeat))
        atoms = (
            f"{cell.n_atoms} atoms, {ions(cell.composition, design.mobile)} {carriers.spoken(design.mobile)}"
        )
        yield of(name, f"{formula(cell)}, {size} cells: {atoms}")
    for line in (*table(design), *remarks(design)):
        yield of("", line)
    shown = ", ".join(f"{pair} {d:.2f}" for pair, d in design.distances.items() if d is not None)
    yield of("distances (Å)", shown)
    yield of("sampling", f"{design.sampling}: {design.sampling_reason}")
    yield of("temperatures", f"{', '.join(map(str, proposal.temperatures.production_k))} K")
    yield of("", proposal.temperatures.reason)
    found = proposal.lengths
    yield of(
        "cost (hours)",
        f"labels and training {found.hours_before:.1f}, production {found.hours_of_production:.1f} for "
        + (f"{found.production.replicas} orderings of " if found.production.replicas > 1 else "")
        + f"{found.production.length_ps:g} ps at each temperature",
    )
    engine, recipe = proposal.wishes.engine, found.recipe
    if theory.has_start(engine):
        rounds = f"{recipe.iterations} round{'s' if recipe.iterations > 1 else ''}"
        beside = f": beside that about {lengths.single_points_h(proposal.config):,.0f} core hours"
        yield of(
            "single points",
            f"{recipe.single_points} by {engine} in {rounds}{beside if theory.is_dft(engine) else ''}",
        )
    for note in proposal.notes:
        yield of("note", note)


def element(text: str) -> str:
    """An element's symbol, however its letters are written; several with commas."""
    return carriers.joined(name.strip().capitalize() for name in text.split(carriers.SEPARATOR))


def within(low: float, high: float, unit: str) -> Callable[[str], float]:
    """The type of an option whose numbers are from `low` to `high`: others are another unit, or a slip."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is no number from {low:g} to {high:g} {unit}")
        return value

    return number


def _charge(text: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        charge = float(value)
    except ValueError:
        charge = float("nan")
    if not -8 <= charge <= 8:
        raise argparse.ArgumentTypeError(f"'{text}' is no charge; write Co=3")
    from dlmd.structures import site_charges

    symbol, site = site_charges.split(name.strip())
    return element(symbol) if site is None else site_charges.key(element(symbol), site), charge


def _whole(text: str) -> int:
    value = int(text) if text.isdigit() else 0
    if value < MIN_SINGLE_POINTS:
        raise argparse.ArgumentTypeError(f"{text} is no whole number of {MIN_SINGLE_POINTS} or more")
    return value


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value
