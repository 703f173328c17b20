"""Figure of the learning loop: what each round found, and how the held-out error went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlmd.base import plot_style as style

CLASSES = (("accurate", style.BLUE), ("candidate", style.ORANGE), ("failed", style.VERMILION))


def rounds(rows: Sequence[Mapping], figures: Sequence[str]) -> None:
    """Shares of the explored frames by class, and force RMSE on the validation split, by round.

    Parameters
    ----------
    rows
        Per round `round`, `frames`, `accurate`, `candidate`, `failed`, `labelled`, `valid_force_rmse_mev_per_a`, which is None
        in the first round of a level that starts from another: it has no labels then.
    """
    numbers = [row["round"] for row in rows]
    fig, axes = style.figure(1, 2, width=8.4, height=3.6)
    left, right = axes[0]
    bottom = [0.0] * len(rows)
    for name, colour in CLASSES:
        share = [100 * row[name] / row["frames"] for row in rows]
        left.bar(numbers, share, bottom=bottom, width=0.6, color=colour, label=name)
        bottom = [b + s for b, s in zip(bottom, share, strict=True)]
    for row in rows:
        left.text(row["round"], 101, f"{row['labelled']} labelled", ha="center", va="bottom", fontsize=9)
    left.set(xlabel="round", ylabel="explored frames (%)", ylim=(0, 112))
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.2)
    judged = [row for row in rows if row["valid_force_rmse_mev_per_a"] is not None]
    errors = [row["valid_force_rmse_mev_per_a"] for row in judged]
    right.plot([row["round"] for row in judged], errors, "o-", color=style.BLUE)
    right.set(
        xlabel="round",
        ylabel="force RMSE, validation split (meV/Å)",
        ylim=(0, 1.15 * max(errors, default=1.0)),
    )
    for ax in (left, right):
        ax.set_xticks(numbers)
        ax.set_xlim(min(numbers) - 0.6, max(numbers) + 0.6)
    style.save(fig, figures)
