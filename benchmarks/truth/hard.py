"""Coverage and bias of the transport analysis on conductors that are hard to analyse.

    python benchmarks/truth/hard.py [--replicas 64] [--models bursts,layers] [--held-out] [--out hard.md]

One run per replica, with the seeds that tests/support/hard_conductors.py and, beside this file, held_out.py (--held-out),
more_judges.py (--more), later_judges.py (--later), adversaries.py (--adversaries), planes.py (--planes), other_kinds.py
(--kinds), memory_judges.py (--memory), persistence_judges.py (--persistence), sum_judges.py (--sum) and fresh_judges.py
(--fresh) name.
Accepted are runs whose verdict is 'ok' or 'upper_bound'; bias and coverage are of these; a bound above the truth holds it. A
truth of 0 has no relative bias: what is printed is how many intervals hold 0. Where no diffusion coefficient exists, every
accepted run is an error.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support"), str(Path(__file__).parent)]

import adversaries  # noqa: E402
import fresh_judges  # noqa: E402
import held_out  # noqa: E402
import later_judges  # noqa: E402
import memory_judges  # noqa: E402
import more_judges  # noqa: E402
import other_kinds  # noqa: E402
import persistence_judges  # noqa: E402
import planes  # noqa: E402
import sum_judges  # noqa: E402

import hard_conductors  # noqa: E402
from dlmd.base.units import CM2_PER_S_PER_A2_PER_PS  # noqa: E402
from dlmd.transport import analysis  # noqa: E402

SETS = {
    "held-out": held_out,
    "more": more_judges,
    "later": later_judges,
    "adversaries": adversaries,
    "planes": planes,
    "kinds": other_kinds,
    "memory": memory_judges,
    "persistence": persistence_judges,
    "sum": sum_judges,
    "fresh": fresh_judges,
}
KEYS = {"d_self": "d_self_cm2_per_s", "d_total": "d_total_cm2_per_s"}


def cell(values: list[dict], truth: float | None) -> str:
    """'bias / coverage' of the accepted values."""
    if not values or truth is None:
        return "-"
    held = np.mean([v["low"] <= truth <= v["high"] for v in values])
    if truth == 0:
        return f"{np.mean([v['value'] for v in values]):.2g} cm²/s for 0 / {held:.2f}"
    valued = [v["value"] for v in values if not v.get("bound")]
    bias = f"{100 * (np.mean(valued) / truth - 1):+.0f} %" if valued else "bounds only"
    return f"{bias} / {held:.2f}"


def row(name: str, replicas: int, *, models: dict, seed: int) -> str:
    """The table's row of one model, and why runs were refused."""
    number = list(models).index(name)
    accepted, codes = [], Counter()
    for n in range(replicas):
        trajectory, truth = models[name](np.random.default_rng([seed, number, n]))
        result = analysis.analyse([trajectory], charge=1.0).to_dict()
        codes[result["verdict"]["code"]] += 1
        if result["verdict"]["code"] in ("ok", "upper_bound"):
            accepted.append(result)
    exact = {
        kind: None if d is None else d * CM2_PER_S_PER_A2_PER_PS
        for kind, d in vars(truth).items()
        if kind in KEYS
    }
    cells = [cell([r[KEYS[kind]] for r in accepted if r[KEYS[kind]]], exact[kind]) for kind in KEYS]
    mark = " (held out)" if name in (*hard_conductors.HELD_OUT, *held_out.MODELS) else ""
    others = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()) if code != "ok")
    return f"| {name}{mark} | {len(accepted)} of {replicas} | {cells[0]} | {cells[1]} | {others} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=64)
    parser.add_argument("--models")
    for name, module in SETS.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"the models of {module.__name__}.py")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    models, seed = hard_conductors.MODELS, 2026
    for name, module in SETS.items():
        if getattr(args, name.replace("-", "_")):
            models, seed = module.MODELS, module.SEED
    lines = [
        "| model | accepted | D_self: bias / coverage | D_total: bias / coverage | other verdicts |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for name in args.models.split(",") if args.models else models:
        started = time.process_time()
        lines.append(row(name, args.replicas, models=models, seed=seed))
        print(lines[-1], f"<!-- {time.process_time() - started:.0f} CPU s -->", flush=True)
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
