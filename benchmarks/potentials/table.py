"""Table and figures of what `curves.py` and `benchmarks/teacher/run.py potential --model` left.

python benchmarks/potentials/table.py OUT RESULTS

RESULTS gets table.csv, table.md and curves.png.
"""

import argparse
import csv
from pathlib import Path

from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from dlmd.base import plot_style
from dlmd.base.files import read_json

# what each panel varies: name of the column, label, and the variants it shows
FRAMES = (
    "frames",
    "training frames",
    ("frames-eighth", "frames-quarter", "frames-half", "demo", "frames-more"),
)
STEPS = ("steps", "training steps", ("steps-3k", "steps-6k", "demo", "steps-24k"))


RATIOS = {"msd_self_a2": "MSD_self", "msd_total_a2": "MSD_total", "d_self_a2_per_ps": "D_self"}
COLUMNS = {
    "variant": "variant",
    "frames": "frames",
    "steps": "steps",
    "training_cpu_s": "training, CPU s",
    "cpu_ms_per_md_step": "MD step, CPU ms",
    "force_rmse_mev_per_a": "force RMSE, meV/Å",
    "force_rmse_relative": "relative",
    "energy_rmse_mev_per_atom": "energy RMSE, meV/atom",
}
UNSEEN = ("298K", "600K", "700K")
# meV/Å between names in the figure
LABEL_DISTANCE = 1.8


def rows(out: Path) -> list[dict]:
    """One row per variant that has been trained, best force error first."""
    found = []
    for path in sorted(out.glob("*/cost.json")):
        cost = read_json(path)
        errors = read_json(path.parent / "errors.json")
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
        unseen = path.parent / "unseen.json"
        if unseen.exists():
            for name, one in read_json(unseen)["trajectories"].items():
                row[f"unseen_force_rmse_{name}_mev_per_a"] = round(one["force_rmse_mev_per_a"], 1)
                row[f"unseen_energy_rmse_{name}_mev_per_atom"] = round(one["energy_rmse_mev_per_atom"], 2)
                # at 298 K energies vary too little to tell
                if one["energy_slope"] is not None and name in UNSEEN[1:]:
                    for part, number in one["energy_slope"].items():
                        row[f"energy_slope_{name}_{part}"] = round(number, 3)
        compared = path.parent / "comparison.json"
        ratios = read_json(compared) if compared.exists() else {}
        for temperature in sorted(k for k in ratios if k.endswith("K")):
            for key, name in RATIOS.items():
                ratio = ratios[temperature]["ratio"][key]
                for part in ("value", "low", "high"):
                    row[f"{name}_ratio_{temperature}_{part}"] = round(ratio[part], 3)
        found.append(row)
    return sorted(found, key=lambda row: row["force_rmse_mev_per_a"])


def _lines(heads: list[str], cells: list[list[str]]) -> str:
    return "".join("| " + " | ".join(line) + " |\n" for line in [heads, ["---"] * len(heads), *cells])


def markdown(table: list[dict]) -> str:
    """Tables for the page: costs and errors, errors on the teacher's own runs, and ratios of MSDs and D to the teacher's beside
    the slope of energies."""
    parts = [_lines(list(COLUMNS.values()), [[str(row[k]) for k in COLUMNS] for row in table])]
    kinds = (("force", "mev_per_a", "meV/Å"), ("energy", "mev_per_atom", "meV/atom"))
    keys = [f"unseen_{kind}_rmse_{t}_{unit}" for kind, unit, _ in kinds for t in UNSEEN]
    heads = [f"{kind} RMSE, {t[:-1]} K, {unit}" for kind, _, unit in kinds for t in UNSEEN]
    shown = [row for row in table if keys[0] in row]
    if shown:
        parts.append(
            _lines(["variant", *heads], [[row["variant"], *(str(row[k]) for k in keys)] for row in shown])
        )
    ratios = sorted({k.removesuffix("_value") for row in table for k in row if k.endswith("_value")})
    shown = [
        row for row in table if any(f"{name}_ratio_{UNSEEN[1]}_value" in row for name in RATIOS.values())
    ]
    if shown:
        split = [k.rsplit("_", 1) for k in ratios]
        heads = [f"{name.removesuffix('_ratio')}, {t[:-1]} K" for name, t in split]
        cells = [
            [
                row["variant"],
                *(
                    "{:.2f} ({:.2f} to {:.2f})".format(*_ratio(row, k)) if f"{k}_value" in row else "–"
                    for k in ratios
                ),
            ]
            for row in shown
        ]
        parts.append(_lines(["variant", *heads], cells))
    return "\n".join(parts)


def _ratio(row: dict, key: str) -> tuple[float, float, float]:
    return tuple(row[f"{key}_{part}"] for part in ("value", "low", "high"))


def _logarithmic(ax) -> None:
    """A logarithmic axis with plain numbers, which spans less than a decade or little more."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=0.2)


def draw(table: list[dict], path: Path) -> None:
    """Learning curves, force error against both costs, and the ratios of the judged variants to the teacher."""
    fig = plot_style.blank(width=10.5, height=9.5)
    grid = fig.add_gridspec(3, 2, height_ratios=(1, 1.15, 1.15))
    by_name = {row["variant"]: row for row in table}
    for column, (key, label, names) in enumerate((FRAMES, STEPS)):
        ax = fig.add_subplot(grid[0, column])
        shown = [by_name[n] for n in names if n in by_name]
        ax.plot(
            [r[key] for r in shown],
            [r["force_rmse_mev_per_a"] for r in shown],
            "o-",
            color=plot_style.VERMILION,
        )
        ax.set(xlabel=label, ylabel="force RMSE, held out (meV/Å)", ylim=(0, 75))
        _logarithmic(ax)
    costs = (("cpu_ms_per_md_step", "MD step of 160 atoms (CPU ms)"), ("training_cpu_s", "training (CPU s)"))
    for row, (key, label) in enumerate(costs, start=1):
        _pareto(fig.add_subplot(grid[row, 0]), table, key, label)
    _ratios(fig.add_subplot(grid[1:, 1]), table)
    plot_style.save(fig, [str(path)])


def _pareto(ax, table: list[dict], key: str, label: str) -> None:
    """Force error against a cost; the variants that none beats in both have their names."""
    at = sorted((row[key], row["force_rmse_mev_per_a"], row["variant"]) for row in table)
    front = [p for p in at if not any(q[0] < p[0] and q[1] < p[1] for q in at)]
    ax.plot(*zip(*[p[:2] for p in at], strict=True), "o", color=plot_style.SKY, ms=4)
    ax.plot(*zip(*[p[:2] for p in front], strict=True), "o-", color=plot_style.BLACK, ms=4, lw=0.8)
    last = None
    for x, y, name in front:
        # points in a heap share one name
        if last is not None and abs(last - y) < LABEL_DISTANCE:
            continue
        ax.annotate(
            name, (x, y), xytext=(-5, -2), textcoords="offset points", fontsize=7, ha="right", va="top"
        )
        last = y
    ax.set(xlabel=label, ylabel="force RMSE, held out (meV/Å)")
    _logarithmic(ax)
    ax.margins(x=0.35)


def _ratios(ax, table: list[dict]) -> None:
    """D_self and MSD_total over the teacher's, a line per judged variant, cheapest MD step first."""
    keys = [(name, t) for name in ("D_self", "MSD_total") for t in UNSEEN[1:]]
    judged = [row for row in table if all(f"{name}_ratio_{t}_value" in row for name, t in keys)]
    judged.sort(key=lambda row: row["cpu_ms_per_md_step"], reverse=True)
    ax.axvspan(0.8, 1.25, color=plot_style.BLACK, alpha=0.08, lw=0)
    ax.axvline(1, color=plot_style.BLACK, lw=0.6)
    colours = dict(zip(UNSEEN[1:], (plot_style.BLUE, plot_style.VERMILION), strict=True))
    for k, (name, t) in enumerate(keys):
        for y, row in enumerate(judged):
            value, low, high = _ratio(row, f"{name}_ratio_{t}")
            ax.errorbar(
                value,
                y + 0.27 - 0.18 * k,
                xerr=[[value - low], [high - value]],
                fmt="o" if name == "D_self" else "s",
                mfc=colours[t] if name == "D_self" else "white",
                color=colours[t],
                ms=4,
                lw=1,
                label=f"{name}, {t[:-1]} K" if y == 0 else None,
            )
    ax.set_yticks(
        range(len(judged)),
        [f"{r['variant']}\n{r['cpu_ms_per_md_step']:.0f} ms, {r['training_cpu_s']} s" for r in judged],
        fontsize=8,
    )
    ax.set(xlabel="over the teacher's; grey: within 0.8 to 1.25", ylim=(-0.6, len(judged) + 0.5))
    ax.legend(fontsize=7, ncols=2, loc="upper center")


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
