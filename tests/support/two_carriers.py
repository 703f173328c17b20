"""A dump of two carriers that share a push, whose Onsager matrix is known."""

import numpy as np

CELL_A = 14.0


def write_two_carriers(path, *, faster=1.0, seed=11, frames=500, exploded_from=None):
    """8 Li (0.04 Å² per step and axis of its own) and 8 Na (0.0225) that share a push among 24 Cl, every 0.5 ps."""
    rng = np.random.default_rng(seed)
    start = rng.random((40, 3)) * CELL_A
    push = rng.normal(0, 0.08, (frames, 1, 3))
    walks = [faster**0.5 * (rng.normal(0, s, (frames, 8, 3)) + push).cumsum(axis=0) for s in (0.2, 0.15)]
    positions = start + np.concatenate([*walks, rng.normal(0, 0.15, (frames, 24, 3))], axis=1)
    if exploded_from is not None:
        positions[exploded_from:, 0] = np.nan
    names = ["Li"] * 8 + ["Na"] * 8 + ["Cl"] * 24
    lines = []
    for number, frame in enumerate(positions):
        lines += ["ITEM: TIMESTEP", str(500 * number), "ITEM: NUMBER OF ATOMS", "40"]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"0 {CELL_A}"] * 3, "ITEM: ATOMS id element xu yu zu"]
        lines += [f"{i + 1} {names[i]} {x:.5f} {y:.5f} {z:.5f}" for i, (x, y, z) in enumerate(frame)]
    path.write_text("\n".join(lines) + "\n")
    return path
