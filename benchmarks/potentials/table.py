"""Table and figures of what `curves.py` and `benchmarks/teacher/run.py potential --model` left.

python benchmarks/potentials/table.py OUT RESULTS

RESULTS gets table.csv, table.md and curves.png.
"""

import argparse
import csv
import json
from pathlib import Path

from dlmd import plot_style

# what each panel varies: name of the column, label, and the variants it shows
FRAMES = (
    "frames",
    "training frames",
    ("frames-eighth", "frames-quarter", "frames-half", "demo", "frames-more"),
)
STEPS = ("steps", "training steps", ("steps-3k", "steps-6k", "demo", "steps-24k"))


def rows(out: Path) -> list[dict]:
    """One row per variant that has been trained, best force error first."""
    found = []
    for path in sorted(out.glob("*/cost.json")):
        cost = json.loads(path.read_text())
        errors = json.loads((path.parent / "errors.json").read_text())
        row = {
            "variant": path.parent.name,
            "frames": cost["frames"],
            "steps": cost["steps"],
            "training_cpu_s": round(cost["training_cpu_s"]),
            "cpu_ms_per_md_step": round(cost["cpu_ms_per_step"], 2),
            "force_rmse_mev_per_a": round(errors["force_rmse_mev_per_a"], 1),
            "force_rmse_relative": round(errors["relative_force_rmse"], 4),
            "energy_rmse_mev_per_atom": round(errors["energy_rmse_mev_per_atom"], 2),
        }
        compared = path.parent / "comparison.json"
        ratios = json.loads(compared.read_text()) if compared.exists() else {}
        for temperature in sorted(k for k in ratios if k.endswith("K")):
            for key, name in (
                ("msd_self_a2", "msd_self"),
                ("msd_total_a2", "msd_total"),
                ("d_self_a2_per_ps", "d_self"),
            ):
                ratio = ratios[temperature]["ratio"][key]
                for part in ("value", "low", "high"):
                    row[f"{name}_ratio_{temperature}_{part}"] = round(ratio[part], 3)
        found.append(row)
    return sorted(found, key=lambda row: row["force_rmse_mev_per_a"])


def markdown(table: list[dict]) -> str:
    """The table for the page, ratios with their intervals."""
    ratios = sorted({k.removesuffix("_value") for row in table for k in row if k.endswith("_value")})
    plain = [k for k in table[0] if not k.endswith(("_value", "_low", "_high"))]
    lines = ["| " + " | ".join([*plain, *ratios]) + " |", "|" + "---|" * (len(plain) + len(ratios))]
    for row in table:
        cells = [str(row[k]) for k in plain]
        for key in ratios:
            value, low, high = (row.get(f"{key}_{part}") for part in ("value", "low", "high"))
            cells.append("" if value is None else f"{value:.2f} ({low:.2f} to {high:.2f})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(table: list[dict], path: Path) -> None:
    by_name = {row["variant"]: row for row in table}
    fig, axes = plot_style.figure(1, 3, width=10.5, height=3.6)
    for ax, (key, label, names) in zip(axes[0][:2], (FRAMES, STEPS), strict=True):
        shown = [by_name[n] for n in names if n in by_name]
        ax.plot(
            [r[key] for r in shown],
            [r["force_rmse_mev_per_a"] for r in shown],
            "o-",
            color=plot_style.VERMILION,
        )
        ax.set(xlabel=label, xscale="log", ylabel="force RMSE, held out (meV/Å)", ylim=(0, None))
    ax = axes[0][2]
    for row in table:
        at = row["cpu_ms_per_md_step"], row["force_rmse_mev_per_a"]
        ax.plot(*at, "o", color=plot_style.BLACK, ms=4)
        ax.annotate(row["variant"], at, xytext=(4, 2), textcoords="offset points", fontsize=6)
    ax.set(
        xlabel="CPU ms per MD step, 160 atoms",
        xscale="log",
        ylabel="force RMSE, held out (meV/Å)",
        ylim=(0, None),
    )
    plot_style.save(fig, [str(path)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder that curves.py wrote to")
    parser.add_argument("results", type=Path)
    options = parser.parse_args()
    table = rows(options.out)
    columns = list(dict.fromkeys(k for row in table for k in row))
    with (options.results / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(table)
    (options.results / "table.md").write_text(markdown(table))
    draw(table, options.results / "curves.png")
    print(markdown(table))


if __name__ == "__main__":
    main()
