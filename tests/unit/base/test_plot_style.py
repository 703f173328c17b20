"""Figures are drawn once for each file, and the files are those that Matplotlib's own `savefig` writes."""

import re

import matplotlib
import pytest

from dlmd.base import plot_style


def drawn():
    fig, axes = plot_style.figure(1, 2, width=4.0, height=2.0)
    axes[0, 0].plot([1, 2, 3], [1e-3, 1.0, 1e3], label="one")
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_ylabel("MSD (Å²)")
    axes[0, 0].legend()
    axes[0, 1].imshow([[0, 1], [2, 3]])
    return fig


def content(path):
    return re.sub(rb"/CreationDate \(.*?\)", b"", path.read_bytes())


@pytest.mark.parametrize("endings", [("png", "pdf"), ("pdf", "png"), ("svg", "png")])
def test_files_are_those_of_savefig(endings, tmp_path):
    fig = drawn()
    with matplotlib.rc_context(plot_style.STYLE):
        for ending in endings:
            fig.savefig(tmp_path / f"known.{ending}", dpi=plot_style.DPI)
            fig.set_layout_engine("none")
    plot_style.save(drawn(), [str(tmp_path / f"found.{ending}") for ending in endings])
    for ending in endings:
        assert (tmp_path / f"found.{ending}").stat().st_size > 1000
        if ending != "svg":
            assert content(tmp_path / f"found.{ending}") == content(tmp_path / f"known.{ending}")
