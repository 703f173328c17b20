"""The parity plot marks the frames whose moments left their state, and only those."""

import json

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from dlmd.validation import errors, plots
from dlmd.validation.errors import Prediction
from drawn import legend, watch

FLAGS = [1.0, 0.0, np.nan, 1.0]


@pytest.fixture
def files(tmp_path):
    """A function that writes parity.npz and errors.json of four frames of two atoms with these flags."""

    def write(flags):
        rng = np.random.default_rng(0)
        arrays = {"energy": (4,), "force": (4, 2, 3), "virial": (4, 9)}
        values = {
            f"{kind}_{which}": rng.normal(size=shape)
            for kind, shape in arrays.items()
            for which in ("reference", "predicted")
        }
        prediction = Prediction(
            "a",
            np.array(["Li", "Cl"]),
            **values,
            volume=np.full(len(flags), 20.0),
            moments_in_range=np.array(flags),
        )
        points = errors.parity_points([prediction], species=["Li", "Cl"])
        np.savez(tmp_path / "parity.npz", **points)
        summary = errors.summarise([prediction], species=["Li", "Cl"])
        (tmp_path / "errors.json").write_text(json.dumps(summary))
        return prediction

    return write


def draw(tmp_path, monkeypatch):
    """Points in the colour of left states per panel, and all labels of legends."""
    figures = watch(monkeypatch)
    picture = tmp_path / "parity.png"
    plots.parity(str(tmp_path / "parity.npz"), str(tmp_path / "errors.json"), [str(picture)])
    assert matplotlib.image.imread(picture).shape[:2] == (1280, 1280)
    marked, labels = [], []
    for ax in figures[0].axes:
        black = [
            c
            for c in ax.collections
            if tuple(c.get_facecolor()[0] if len(c.get_facecolor()) else ()) == to_rgba(plots.LEFT)
        ]
        marked.append(sorted(x for c in black for x in np.asarray(c.get_offsets())[:, 0].tolist()))
        labels += legend(ax)
    return marked, labels


def test_left_frames_are_marked_and_counted(files, tmp_path, monkeypatch):
    prediction = files(FLAGS)
    marked, labels = draw(tmp_path, monkeypatch)
    np.testing.assert_allclose(marked[0], sorted(prediction.force_reference[1, 0]))
    np.testing.assert_allclose(marked[1], sorted(prediction.force_reference[1, 1]))
    assert len(marked[2]) == 1 and len(marked[3]) == 9
    text = "\n".join(labels)
    assert "left their state: 1 of 4 frames" in text and "in their range: 2 of 4 frames" in text
    assert "not judged: 1 frames" in text


def test_without_judgement_nothing_is_marked(files, tmp_path, monkeypatch):
    files([np.nan] * 4)
    marked, labels = draw(tmp_path, monkeypatch)
    assert marked == [[], [], [], []]
    assert set(labels) == {"x", "y", "z"}
