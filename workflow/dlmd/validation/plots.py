"""Figures of a potential: predicted against reference, and the learning curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlmd.base import plot_style as style
from dlmd.base.arrays import read_npz
from dlmd.base.files import read_csv, read_json

MEV_PER_EV = 1000.0
# frames whose moments left their state
LEFT = style.BLACK


def parity(points: str, errors: str, figures: Sequence[str]) -> None:
    """Forces of each element (axes in colours), energies and virials per atom, as in the paper's Fig. 1b-e. Frames whose
    moments left their state are drawn on top in one colour of their own, and counted.

    Parameters
    ----------
    points, errors
        parity.npz and errors.json of `dlmd.validation.errors`.
    figures
        Files to write.
    """
    data, found = read_npz(points), read_json(errors)
    species = [str(s) for s in data["species"] if s in found["force_by_element"]]
    left = {kind: _left_their_state(data, kind) for kind in ("force", "energy", "virial")}
    columns = max(len(species), 2)
    fig, axes = style.figure(2, columns, width=3.2 * columns, height=6.4)
    for ax, element in zip(axes[0], species, strict=False):
        chosen = data["force_element"] == element
        reference, predicted = data["force_reference"], data["force_predicted"]
        for k, axis in enumerate("xyz"):
            good = chosen & ~left["force"]
            _scatter(ax, reference[good, k], predicted[good, k], style.CYCLE[k], axis)
        bad = chosen & left["force"]
        _scatter(ax, reference[bad].ravel(), predicted[bad].ravel(), LEFT, None, alpha=1.0)
        numbers = found["force_by_element"][element]
        _finish(
            ax,
            f"{element} forces (eV/Å)",
            f"RMSE {numbers['force_rmse_mev_per_a']:.0f} meV/Å\n{numbers['relative_force_rmse']:.1%} of RMS",
        )
        ax.legend(loc="lower right", markerscale=4, handletextpad=0.2)
    centre = data["energy_reference"].mean()
    for ax, kind, offset, size in ((axes[1, 0], "energy", centre, 9.0), (axes[1, 1], "virial", 0.0, 2.0)):
        reference, predicted = (
            (data[f"{kind}_{which}"] - offset) * MEV_PER_EV for which in ("reference", "predicted")
        )
        bad = left[kind]
        _scatter(ax, reference[~bad], predicted[~bad], style.BLUE, None, size=size)
        _scatter(ax, reference[bad], predicted[bad], LEFT, None, size=size, alpha=1.0)
    _finish(axes[1, 0], "energy − mean (meV/atom)", f"RMSE {found['energy_rmse_mev_per_atom']:.2f} meV/atom")
    _finish(axes[1, 1], "virial (meV/atom)", f"RMSE {found['virial_rmse_mev_per_atom']:.1f} meV/atom")
    for ax in axes.ravel()[len(species) : columns]:
        ax.set_axis_off()
    for ax in axes[1, 2:]:
        ax.set_axis_off()
    if "moments" in found:
        _count_moments(axes[1, -1], found)
    style.save(fig, figures)


def _left_their_state(data, kind: str) -> np.ndarray:
    """Mask of the points whose frame has moments outside their range; nowhere where none were judged."""
    flags = data.get(f"{kind}_moments_in_range")
    return np.zeros(len(data[f"{kind}_reference"]), bool) if flags is None else flags == 0


def _count_moments(ax, found: dict) -> None:
    """Legend: how many frames have which moments, and their errors apart."""
    moments = found["moments"]
    for name, text, colour in (
        ("left_their_state", "moments left their state", LEFT),
        ("in_range", "moments in their range", "none"),
    ):
        part = moments[name]
        label = f"{text}: {part['frames']} of {found['frames']} frames"
        if part["frames"]:
            label += f"\nRMSE {part['force_rmse_mev_per_a']:.0f} meV/Å, {part['energy_rmse_mev_per_atom']:.2f} meV/atom"
        ax.scatter([], [], s=12, c=colour, linewidths=0, label=label)
    if moments["frames_not_judged"]:
        ax.scatter([], [], c="none", label=f"not judged: {moments['frames_not_judged']} frames")
    ax.legend(loc="lower right", fontsize=8, handletextpad=0.2)


def _scatter(
    ax, reference, predicted, colour: str, label: str | None, *, size: float = 2.0, alpha: float = 0.4
) -> None:
    ax.scatter(
        reference, predicted, s=size, c=colour, alpha=alpha, linewidths=0, label=label, rasterized=True
    )


def _finish(ax, quantity: str, note: str) -> None:
    """Equal axes, the diagonal, labels and the error in the corner."""
    low = min(ax.get_xlim()[0], ax.get_ylim()[0])
    high = max(ax.get_xlim()[1], ax.get_ylim()[1])
    ax.plot([low, high], [low, high], color="0.6", lw=0.8, zorder=0)
    ax.set(
        xlim=(low, high),
        ylim=(low, high),
        xlabel="reference",
        ylabel="predicted",
        title=quantity,
        aspect="equal",
    )
    ax.text(0.04, 0.96, note, transform=ax.transAxes, va="top", fontsize=9)


def learning_curve(curve: str | None, figures: Sequence[str]) -> None:
    """Errors of single batches against the step, from the joined learning curve (lcurve.csv); None: the potential was given."""
    if curve is None:
        fig, axes = style.figure(1, 1, width=4.2, height=1.2)
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, "the potential was given, not trained", ha="center", va="center")
        style.save(fig, figures)
        return
    rows = read_csv(curve)
    step = np.array([float(row["step"]) for row in rows])
    fig, axes = style.figure(1, 2, width=8.4, height=3.6)
    panels = (
        (axes[0, 0], "force_rmse_{}_ev_per_a", "force RMSE (eV/Å)"),
        (axes[0, 1], "energy_rmse_{}_ev_per_atom", "energy RMSE (eV/atom)"),
    )
    for ax, name, label in panels:
        for which, colour in (("train", style.BLUE), ("valid", style.VERMILION)):
            key = name.format(which)
            if key in rows[0]:
                ax.plot(step, [float(row[key]) for row in rows], color=colour, lw=1.2, label=f"{which} batch")
        ax.set(xlabel="training step", ylabel=label, yscale="log")
        ax.legend()
    style.save(fig, figures)
