"""What a VASP run left behind, as data: its ionic steps, and what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.units import EV_PER_A3_PER_GPA

EV_PER_A3_PER_KBAR = 0.1 * EV_PER_A3_PER_GPA


@dataclass
class Frame:
    """One ionic step; `reason` says why it must not be used, or is None.

    Lengths in Å, energies in eV (the free energy, which the forces are derivatives of), forces in eV/Å, stress in
    eV/Å³ with ASE's sign (positive under tension), moments in Bohr magnetons, temperature in K.
    """

    step: int
    electronic_steps: int
    reason: str | None = None
    cell: np.ndarray | None = None
    positions: np.ndarray | None = None
    energy: float | None = None
    forces: np.ndarray | None = None
    stress: np.ndarray | None = None
    moments: np.ndarray | None = None
    total_moment: float | None = None
    temperature_k: float | None = None
    learned: bool = False  # predicted by VASP's machine-learned force field, not computed

    @property
    def whole(self) -> bool:
        """Whether cell, positions, energy and forces are all there, converged or not."""
        return self.forces is not None


@dataclass
class Run:
    """One run: what it says about itself, and its frames."""

    path: Path
    species: list[str]
    counts: list[int]
    titels: list[str]
    settings: dict[str, Any]  # INCAR names -> values as VASP echoes them
    kpoints: tuple[int, ...] | None  # subdivisions, where the output says so
    frames: list[Frame] = field(default_factory=list)
    finished: bool = False  # VASP ended by itself and said so
    relaxed: bool = False  # 'reached required accuracy'
    elapsed_s: float | None = None
    incar: dict[str, Any] | None = None  # the INCAR as the output repeats it, where it does
    neutral_electrons: float | None = None  # electrons of the cell without a charge, where the output tells
    k_points: np.ndarray | None = (
        None  # fractions and weight of each that was computed, where they are listed
    )

    @property
    def symbols(self) -> list[str]:
        """Element of every atom."""
        return [s for s, n in zip(self.species, self.counts, strict=True) for _ in range(n)]

    @property
    def whole_frames(self) -> list[Frame]:
        """Frames that can be read, converged or not."""
        return [f for f in self.frames if f.whole]
