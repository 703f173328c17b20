"""D_self of walks without memory: unbiased, and not much wider than their scatter."""

import numpy as np

from dlmd.transport import analysis
from synthetic import Hop, hopping


def estimates(number):
    """ln(D_self / truth) and its interval, of a walk whose ions hop some twenty times."""
    trajectory, truth = hopping(
        np.random.default_rng([33, number]), Hop(0.1), n_ions=60, n_frames=1000, vibration_a=0.3
    )
    found = analysis.analyse([trajectory], charge=1.0)
    assert found.verdict["code"] == "ok"
    one = found.estimates.scalar["self"]
    return np.log(np.array([one.low, one.value, one.high]) / truth.d_self)


def test_walks_without_memory():
    low, value, high = np.array([estimates(n) for n in range(12)]).T
    half_width = np.mean(high - low) / 2
    assert abs(value.mean()) < half_width / 3
    assert ((low < 0) & (high > 0)).mean() > 0.8
    # what an early and a late window differ by is known from their difference, and not from that of separate errors
    assert half_width < 3.3 * value.std()
