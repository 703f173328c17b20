"""One look for all figures: colours that colour-blind readers tell apart, readable sizes, PNG and PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito, https://jfly.uni-koeln.de/color/
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)

DPI = 200
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def figure(rows: int = 1, columns: int = 1, *, width: float = 6.4, height: float = 4.4) -> tuple[Figure, Any]:
    """A figure and its axes (2-D array), without any window or global state."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        from matplotlib.figure import Figure

        fig = Figure(figsize=(width, height))
        return fig, fig.subplots(rows, columns, squeeze=False)


def blank(*, width: float, height: float) -> Figure:
    """A figure without axes, for those of unequal size."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        from matplotlib.figure import Figure

        return Figure(figsize=(width, height), layout="constrained")


def message(text: str) -> Figure:
    """A figure that says why there is none."""
    fig, axes = figure(1, 1, width=6.4, height=1.6)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0.5, 0.5, text, ha="center", va="center", wrap=True)
    return fig


def save(fig: Figure, paths: Sequence[str | Path]) -> None:
    """Write the figure to every path; the ending decides the format."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        for path in paths:
            # a PDF leaves its own behind
            fig.set_dpi(DPI)
            _write(fig, Path(path))
            # the layout is that of the first; finding it again costs as much as drawing
            fig.set_layout_engine("none")


def _write(fig: Figure, path: Path) -> None:
    """The figure in a file, drawn once: `Figure.savefig` draws it once more before, to the same result."""
    if path.suffix == ".png":
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        FigureCanvasAgg(fig).print_png(path)
    elif path.suffix == ".pdf":
        from matplotlib.backends.backend_pdf import FigureCanvasPdf

        FigureCanvasPdf(fig).print_pdf(path)
    else:
        fig.savefig(path, dpi=DPI)
