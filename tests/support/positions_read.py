"""What a reader has made of a trajectory, as displacements."""

import numpy as np


def displacements(trajectory):
    """(frames, mobile ions, 3) of all blocks, from the first frame on, in Å."""
    positions = np.concatenate(list(trajectory.blocks()), axis=1).astype(float)
    return positions - positions[0]


def relative_to_host(positions, mobile):
    """(frames, mobile, 3) exact displacements of the first `mobile` of (frames, atoms, 3) against the mean of the others."""
    relative = positions[:, :mobile] - positions[:, mobile:].mean(axis=1)[:, None]
    return relative - relative[0]
