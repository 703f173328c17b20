"""Single points: frames that were chosen elsewhere, labelled one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.files import whole

if TYPE_CHECKING:
    from ase import Atoms


def selected_frames(selected: str, numbers: Sequence[int]) -> dict[int, Atoms]:
    """{number: frame} of the selected ones; without those beyond the last."""
    import ase.io

    frames = ase.io.read(selected, ":", format="extxyz") if Path(selected).stat().st_size else []
    return {n: frames[n] for n in numbers if n < len(frames)}


def label_info(atoms: Atoms, *, number: int, level: str, theory: Mapping) -> dict:
    """What a labelled frame says of itself, as frames of label trajectories do; its step is its number among the selected."""
    known = {
        key: atoms.info[key] for key in ("time_ps", "temperature_k", "strain", "source", "explored_cell")
    }
    return known | {"step": number, "level": level, "theory": dict(theory)}


def labelled(atoms: Atoms, info: Mapping, results: Mapping | None) -> Atoms:
    """A frame with its results, or without any and marked as not converged."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    frame.info = dict(info) | {"converged": results is not None}
    if results is not None:
        known = {k: results[k] for k in ("energy", "forces", "stress", "magmoms") if k in results}
        frame.calc = SinglePointCalculator(frame, **known)
        if "moments_in_range" in results:
            frame.info["moments_in_range"] = results["moments_in_range"]
    return frame


def write_label(path: Path, atoms: Atoms, info: Mapping, results: Mapping | None) -> None:
    """Write one frame, `labelled`, as extxyz."""
    import ase.io

    with whole(path) as part:
        ase.io.write(part, labelled(atoms, info, results), format="extxyz")
