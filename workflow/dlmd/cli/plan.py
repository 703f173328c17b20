"""What is left of a run and what it will cost, before it is submitted.

Jobs come from Snakemake's own list. Their times are those of the run's finished jobs of the same kind (basis: measured), else
from sizes (estimated, right within a factor of three), where DFT or a GPU is involved from what is commonly seen (assumed).
Rates of a GPU are a guess unless --gpu gives what `python benchmarks/gpu/run.py MODEL.pb` has measured on one.
Where there is an Arrhenius fit already, it is also said how much longer the run would have to be for a sharper answer, and
what room temperature takes without an extrapolation: the shortest runs in which the ions move on by four hops squared, from
D_self of the fit or of a conductivity that is given, at the potential's speed.

Units: hours of a core or GPU that a job holds, whether it is busy or not; disk in GB (1e9 bytes).

examples:
  dlmd plan config/li3ticl6.yaml
  dlmd plan config/li3ticl6.yaml results/li3ticl6/transport/u4/298K.json
  dlmd plan config/li3ticl6.yaml --conductivity 1.06 --activation-energy 0.29
  dlmd plan config/li3ticl6.yaml --gpu gpu.json
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlmd.config.run_config import RunConfig
    from dlmd.run.estimates import GpuRates
    from dlmd.run.plan import CostModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd plan`."""
    parser.add_argument("config", help="the run's config file")
    parser.add_argument("targets", nargs="*", help="files that are wanted (default: everything)")
    parser.add_argument("--snakefile", default="Snakefile", help="default: the one in this folder")
    parser.add_argument(
        "--gpu",
        metavar="FILE",
        help="rates of a GPU (atom-steps/s in MD, training steps/s) as benchmarks/gpu/run.py wrote them (default: a guess)",
    )
    parser.add_argument(
        "--reach",
        metavar="K",
        type=_positive,
        nargs="+",
        help="temperatures (K) to be simulated directly; default: 298.15, 323.15, 348.15 and 373.15",
    )
    parser.add_argument(
        "--conductivity",
        metavar="MS_PER_CM",
        type=_positive,
        help="conductivity (mS/cm) at the first temperature of --reach, in place of the run's own (default: the run's)",
    )
    parser.add_argument(
        "--activation-energy",
        metavar="EV",
        type=_positive,
        help="activation energy (eV) that goes with --conductivity (default: 0.3)",
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def run(args: argparse.Namespace) -> None:
    """Print one line per rule with jobs left, and the sum."""
    from pathlib import Path

    from dlmd.config.reading import load
    from dlmd.run import costs, plan, targets, tree
    from dlmd.run.estimates import ASSUMED_DFT

    cfg = load(args.config)
    records = costs.records(Path(tree.home(cfg.run), tree.BENCHMARKS))
    model = plan.CostModel(cfg, records, _rates(args, cfg))
    rows = plan.rows(plan.jobs(args.config, snakefile=args.snakefile, wanted=args.targets), model)
    left = [row for row in rows if row.left]
    for text in targets.single_points(cfg):
        print(text)
    _print_reach(args, cfg, model)
    done = sum(row.done for row in rows)
    if not left:
        print(f"{cfg.run}: all {done} jobs are done")
        _print_needs(cfg, model)
        return
    line = "{:<22} {:>6} {:>12} {:>11} {:>9} {:>12}  {}".format
    print(line("rule", "jobs", "core hours", "GPU hours", "disk GB", "longest job", "basis"))
    for row in left:
        print(
            _line(
                line, row.rule, row.left, row.core_hours, row.gpu_hours, row.disk_gb, row.longest_h, row.basis
            )
        )
    sums: list[Any] = [
        sum(getattr(row, name) for row in left) for name in ("left", "core_hours", "gpu_hours", "disk_gb")
    ]
    jobs, core_hours, gpu_hours, disk_gb = sums
    longest_h = max(row.longest_h for row in left)
    print(_line(line, "together", jobs, core_hours, gpu_hours, disk_gb, longest_h, ""))
    print(f"{done} jobs are done")
    labels = [row for row in left if plan.KINDS.get(row.rule) in plan.LABELS]
    if any("assumed" in row.basis for row in labels):
        print(f"assumed: {ASSUMED_DFT}")
    if any(row.gpu_hours and row.basis != "measured" and row not in labels for row in left):
        print(model.rates.sentence())
    _print_needs(cfg, model)


def _rates(args: argparse.Namespace, cfg: RunConfig) -> GpuRates:
    """Rates of the GPU that the jobs would have."""
    from dlmd.run import estimates, gpu_rates

    if args.gpu is None:
        return estimates.GUESSED
    pair = (cfg.md.occupancy, cfg.md.cell)
    atoms = sum(estimates.compositions(cfg, [pair])[pair].values())
    return gpu_rates.read(args.gpu, cfg, atoms=atoms)


def _print_needs(cfg: RunConfig, model: CostModel) -> None:
    """What the answers that are there would need to be sharper, by their own statistics."""
    from dlmd.run import longer, tree
    from dlmd.run.results import RunResults

    results = RunResults(tree.home(cfg.run))
    for level in results.answered:
        if level in cfg.levels:
            for text in longer.advice(cfg, level, results.level(level).arrhenius, model):
                print(f"{level}: {text}")


def _print_reach(args: argparse.Namespace, cfg: RunConfig, model: CostModel) -> None:
    """What low temperatures take without an extrapolation, for each level of which D is known."""
    from dlmd.base.errors import DlmdError
    from dlmd.base.formatting import aligned
    from dlmd.config import routes
    from dlmd.run import reach, tree
    from dlmd.run.results import RunResults

    wanted = args.reach or reach.TEMPERATURES_K
    if args.activation_energy and not args.conductivity:
        raise DlmdError(
            "--activation-energy without --conductivity",
            remedy="give both, or neither for the run's own line",
        )
    results = RunResults(tree.home(cfg.run))
    for level in routes.answering(cfg):
        found = results.level(level)
        known: reach.Known | None
        if args.conductivity:
            known = reach.of_conductivity(
                cfg,
                ms_per_cm=args.conductivity,
                at_k=wanted[0],
                energy_ev=args.activation_energy or 0.3,
                temperatures_k=wanted,
            )
        else:
            known = reach.of_run(found.arrhenius, [found.transport(t) for t in cfg.md.temperatures_k], wanted)
        if known is None:
            continue
        print(f"{level}: without an extrapolation (shortest runs with a value; {known.source})")
        print(*(f"  {line}" for line in aligned(reach.rows(cfg, level, known, model))), sep="\n")


def _line(
    line, rule: str, jobs: int, core_h: float, gpu_h: float, disk_gb: float, longest_h: float, basis: str
) -> str:
    longest = f"{longest_h:.1f} h" if longest_h >= 1 else f"{60 * longest_h:.1f} min"
    return line(rule, jobs, f"{core_h:,.1f}", f"{gpu_h:,.1f}", f"{disk_gb:,.2f}", longest, basis)
