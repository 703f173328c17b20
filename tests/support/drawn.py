"""What a figure shows, as numbers and words: for tests that compare a drawing with the numbers it is made from."""

import numpy as np

from dlmd.base import plot_style


def watch(monkeypatch):
    """A list that holds the figures that are saved from now on; they are still written."""
    figures, write = [], plot_style._write

    def written(figure, path):
        figures.append(figure)
        return write(figure, path)

    monkeypatch.setattr(plot_style, "_write", written)
    return figures


def lines(ax):
    """{label: (points, 2) array} of the lines with a label of their own."""
    return {
        str(line.get_label()): np.column_stack(line.get_data()).astype(float)
        for line in ax.lines
        if not str(line.get_label()).startswith("_")
    }


def unnamed_lines(ax):
    """[(points, 2) array] of the lines without a label."""
    return [
        np.column_stack(line.get_data()).astype(float)
        for line in ax.lines
        if str(line.get_label()).startswith("_")
    ]


def legend(ax):
    """Texts of the legend; empty where there is none."""
    return [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []


def labels(ax):
    """Labels of both axes."""
    return ax.get_xlabel(), ax.get_ylabel()
