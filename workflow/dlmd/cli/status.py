"""How far a run is: targets per stage, what runs now, progress of trainings and MD, and σ(T) from what is there already.

Reads only; jobs may write meanwhile. Preliminary values come from the segments that are whole, by the same analysis with the same
limits; they change as segments come in.

examples:
  dlmd status config/demo.yaml
  dlmd status results/demo --watch 60

Units: K, ps, ns/day, mS/cm. With --fast neither Snakemake is asked for the jobs left nor are trajectories read (default: both).
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dlmd status`."""
    parser.add_argument("which", metavar="RUN", help="the run's config file, or its folder results/<run>")
    parser.add_argument("--snakefile", default="Snakefile", help="default: the one in this folder")
    parser.add_argument(
        "--watch", type=float, metavar="SECONDS", help="look again every so often, until Ctrl-C"
    )
    parser.add_argument(
        "--fast", action="store_true", help="files only: no count of jobs, no preliminary values"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(args: argparse.Namespace) -> None:
    """Print the state once, or again and again."""
    import json
    import time

    from dlmd.run import status

    config = status.find_config(args.which)
    while True:
        found = look(config, snakefile=args.snakefile, fast=args.fast)
        print(json.dumps(found, indent=1, ensure_ascii=False) if args.json else text(found), flush=True)
        if not args.watch:
            return
        time.sleep(args.watch)
        print(f"\n--- {time.strftime('%H:%M:%S')}")


def look(config: str, *, snakefile: str, fast: bool) -> dict:
    """All that is known now, ready for JSON."""
    from dataclasses import asdict
    from pathlib import Path

    from dlmd.config.reading import load
    from dlmd.run import plan, status, tree

    cfg = load(config)
    folder = Path(tree.home(cfg.run))
    found = {
        "run": cfg.run,
        "active": [asdict(a) for a in status.active(folder, cfg)],
        "dynamics": [asdict(d) | {"hours_left": d.hours_left} for d in status.dynamics(folder, cfg)],
        "stages": None,
        "estimates": None,
    }
    if not fast:
        jobs = plan.jobs(config, snakefile=snakefile)
        rules = dict.fromkeys(job.rule for job in jobs)
        counts = {rule: [job.pending for job in jobs if job.rule == rule] for rule in rules}
        found["stages"] = [
            {"rule": rule, "done": pending.count(False), "left": pending.count(True)}
            for rule, pending in counts.items()
        ]
        keys = ("verdict", "conductivity_ms_per_cm", "d_self_cm2_per_s", "length_ps")
        found["estimates"] = [
            row | {"result": row["result"] and {key: row["result"].get(key) for key in keys}}
            for row in status.estimates(folder, cfg)
        ]
    return found


def text(found: dict) -> str:
    """Tables for a terminal."""
    from dlmd.base.formatting import aligned

    lines = [found["run"]]
    if found["stages"] is not None:
        left = [row for row in found["stages"] if row["left"]]
        done = sum(row["done"] for row in found["stages"])
        total = done + sum(row["left"] for row in found["stages"])
        lines.append(f"{done} of {total} jobs are done" + ("; left:" if left else ""))
        lines += [f"  {line}" for line in aligned(left)]
    lines += ["", "running:" if found["active"] else "nothing runs"]
    rows = [
        {
            "folder": a["folder"],
            "owner": f"process {a['owner']['pid']} on {a['owner']['host']}"
            + (f", Slurm job {a['owner']['job']}" if a["owner"]["job"] else ""),
            "state": a["owner"]["state"],
            "progress": a["progress"],
        }
        for a in found["active"]
    ]
    lines += [f"  {line}" for line in aligned(rows)]
    moving = [d for d in found["dynamics"] if d["done_ps"] or d["failed"]]
    if moving:
        lines += [
            "",
            "molecular dynamics:",
            *(f"  {line}" for line in aligned([_dynamics(d) for d in moving])),
        ]
    if found["estimates"] and any(row["result"] for row in found["estimates"]):
        rows = [_estimate(row) for row in found["estimates"] if row["result"]]
        lines += ["", "conductivity so far:", *(f"  {line}" for line in aligned(rows))]
    return "\n".join(lines)


def _dynamics(d: dict) -> dict:
    return {
        "level": d["level"],
        "T (K)": f"{d['temperature_k']:g}",
        "run": d["name"],
        "ps": f"{d['done_ps']:.4g} of {d['asked_ps']:g}",
        "ns/day": f"{d['ns_per_day']:.3g}" if d["ns_per_day"] else "",
        "left": f"{d['hours_left']:.1f} h" if d["hours_left"] else "",
        "": f"ended: {d['failed']}" if d["failed"] else "",
    }


def _estimate(row: dict) -> dict:
    from dlmd.base.formatting import interval

    result = row["result"]
    sigma = result["conductivity_ms_per_cm"]
    return {
        "level": row["level"],
        "T (K)": f"{row['temperature_k']:g}",
        "σ (mS/cm)": interval(sigma) if sigma else result["verdict"]["code"].replace("_", " "),
        "from": f"{result['length_ps']:.4g} ps" + ("" if row["final"] else ", preliminary"),
    }
