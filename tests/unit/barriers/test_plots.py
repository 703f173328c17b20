import numpy as np

from barrier_records import FITTED, record
from dlmd.barriers import plots, summary
from dlmd.barriers.bands import ENDPOINT_COLLAPSED, UNCONVERGED


def test_every_band_is_drawn_and_only_converged_ones_count(tmp_path):
    bands = [
        record(number=0, forward=0.30),
        record(number=1, forward=0.40),
        record(number=2, status=UNCONVERGED, forward=5.0),
        record(number=3, status=ENDPOINT_COLLAPSED),
        record(hop="101", status=UNCONVERGED),
        record(number=0, method="engine", forward=0.35),
    ]
    data = summary.summarise(bands, level="u4", fitted=FITTED, published={"[110]": 0.3})
    figure = plots.figure(data)
    first, second, distribution = figure.axes
    assert "[110]: 3 of 5" in first.get_title(loc="left") and "[101]: 0 of 1" in second.get_title(loc="left")
    curves = [line for line in first.lines if line.get_linestyle() != "None" and len(line.get_xdata()) == 4]
    assert [line.get_linestyle() for line in curves] == ["-", "-", "--", "-"]
    # a band that ran away does not set the axis
    assert first.get_ylim()[1] < 1
    heights = np.concatenate([line.get_ydata() for line in distribution.lines if line.get_marker() == "o"])
    assert sorted(heights) == sorted([0.3, 0.4, 0.2, 0.2, 0.35, 0.2])
    figure.savefig(tmp_path / "figure.png")
