"""Which parts of a cell move at constant pressure."""

from __future__ import annotations

from collections.abc import Sequence

# x and y move together
COUPLED = "couple xy"


def barostat(cell_parameters: Sequence[float], *, free: bool) -> tuple[str, ...]:
    """Parts of LAMMPS' cell that may move at constant pressure, in the words of `fix npt`.

    Parameters
    ----------
    cell_parameters
        a, b, c in Å, alpha, beta, gamma in degrees of the crystal's conventional cell, which production's cell repeats.
    free
        All six parts, instead of those that keep the shape of the crystal system: equal edges stay equal, right angles and
        the 120 degrees of a hexagonal cell stay. Three equal edges with equal oblique angles have no such parts in LAMMPS' frame,
        and are free.
    """
    a, b, c, alpha, beta, gamma = cell_parameters
    right = [abs(angle - 90) < 1e-3 for angle in (alpha, beta, gamma)]
    ab, bc = abs(a - b) < 1e-4 * a, abs(b - c) < 1e-4 * b
    oblique = ab and bc and abs(alpha - beta) < 1e-3 and abs(beta - gamma) < 1e-3 and not right[0]
    if free or oblique:
        return ("x", "y", "z", "yz", "xz", "xy")
    if all(right) and ab and bc:
        return ("iso",)
    hexagonal = ab and abs(gamma - 120) < 1e-3
    coupled = (COUPLED,) if ab and right[0] and right[1] and (right[2] or hexagonal) else ()
    tilts = [name for name, is_right in zip(("yz", "xz", "xy"), right, strict=True) if not is_right]
    if coupled and hexagonal:
        tilts.remove("xy")
    return ("x", "y", "z", *tilts, *coupled)
