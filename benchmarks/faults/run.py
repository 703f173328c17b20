"""Disturb a finished toy run, hundreds of times, and judge what comes of it.

    snakemake --cores 2 --configfile config/toy.yaml
    python benchmarks/faults/run.py . OUT --what damaged jobs kills around own --count 3 --seed 1
    python benchmarks/faults/run.py . OUT --table

The run itself is copied and never touched. Rows go to OUT/*.jsonl, one per trial; --table prints what README.md has.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import around
import damage
import damaged
import killed_jobs
import kills
import own_files
import preload

CONFIG = "config/toy.yaml"
# as they are counted; all the others are faults of the pipeline
GOOD = ("recovered", "refused")
KINDS = {"damaged": damaged, "kills": kills, "jobs": killed_jobs, "around": around, "own": own_files}


def table(rows: list[dict]) -> str:
    """Trials by what was done and to what: how many, and what came of them."""
    groups: dict[tuple[str, str], Counter] = {}
    for row in rows:
        groups.setdefault(_group(row), Counter())[row["verdict"]] += 1
    lines = ["| fault | of | tried | recovered | refused rightly | lost | silently wrong | refused badly |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    total: Counter = Counter()
    for (fault, of), found in sorted(groups.items()):
        total += found
        lines.append(_line(fault, of, found))
    return "\n".join([*lines, _line("**all**", "", total)])


def _group(row: dict) -> tuple[str, str]:
    if "stage" in row:
        return row["fault"], row["stage"]
    if row["rule"] == "dlmd transport":
        return "damaged trajectory of another program", row["file"]
    kept = "with its checksum" if row["records"] else "without a checksum"
    return f"damaged file of a run, {kept}", f"`{Path(row['file']).suffix or row['file']}`"


def _line(fault: str, of: str, found: Counter) -> str:
    bad = {k: n for k, n in found.items() if k not in (*GOOD, "lost", "silently wrong")}
    counts = [found.total(), *(found[k] for k in (*GOOD, "lost", "silently wrong")), sum(bad.values())]
    return f"| {fault} | {of} | " + " | ".join(map(str, counts)) + " |"


def read(folder: Path) -> list[dict]:
    """All rows of all files of trials in a folder."""
    return [
        json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()
    ]


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="working directory of a finished toy run")
    parser.add_argument(
        "out", type=Path, help="folder of the trials' rows, and of the copies that are disturbed"
    )
    parser.add_argument("--what", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--only", nargs="*", default=[], help="rules, stages or faults; default: all")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--table", action="store_true", help="print the table of the rows that are there, and no more"
    )
    args = parser.parse_args()
    if args.table:
        print(table(read(args.out)))
        return
    args.out.mkdir(parents=True, exist_ok=True)
    run, out = args.run.resolve(), args.out.resolve()
    common = {"seed": args.seed, "count": args.count}
    for what in args.what:
        rows = out / f"{what}.jsonl"
        if what == "kills":
            kills.trials(run, out, **common, stages=args.only, out=rows)
        elif what == "around":
            around.trials(run, out, **common, faults=args.only, out=rows)
        else:
            preload.everything()
            if what == "jobs":
                workdir = damaged.copy_of(run, out)
                killed_jobs.trials(workdir, CONFIG, **common, rules=args.only, most_s=120.0, out=rows)
                continue
            if what == "own":
                own_files.trials(out / "own", **common, out=rows)
                continue
            for records in (True, False):
                damaged.trials(
                    damaged.copy_of(run, out),
                    CONFIG,
                    seed=args.seed,
                    rules=args.only,
                    kinds=list(damage.KINDS),
                    records=records,
                    most_s=120.0,
                    out=rows,
                )


if __name__ == "__main__":
    main()
