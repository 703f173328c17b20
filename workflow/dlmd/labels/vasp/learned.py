"""Runs with ML_LMLFF: which of their steps are DFT's. Only these may be labels; the learned ones tell where the atoms went."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from dlmd.labels.vasp.frames import Frame

REASON = "machine-learned: no DFT in this step"
SECTION = "ML FORCE on cell"
TEMPERATURE = re.compile(r"\(temperature\s+([\d.]+)\s*K\)")


def is_learned(text: str) -> bool:
    """Whether the OUTCAR is of a run with machine-learned steps."""
    return "ML TOTEN" in text or re.search(r"ML_LMLFF\s*=\s*\.?T", text) is not None


def without(block: list[str]) -> list[str]:
    """The lines of a DFT step, without the learned steps that follow it."""
    end = next((n for n, line in enumerate(block) if SECTION in line), len(block))
    return block[:end]


def frames(lines: Sequence[str], iteration: re.Pattern, n_atoms: int) -> list[Frame]:
    """Learned frames of the steps without DFT, numbered as VASP counts steps.

    Every step begins with a learned prediction, and DFT follows where it is not trusted. Where not every prediction is printed
    (ML_OUTBLOCK), steps cannot be counted, and there are none.
    """
    starts = [n for n, line in enumerate(lines) if SECTION in line]
    computed: dict[int, int] = {}
    for n, line in enumerate(lines):
        match = iteration.search(line)
        if match:
            computed.setdefault(int(match[1]), n)
    for step, line_number in computed.items():
        if sum(start < line_number for start in starts) != step:
            return []
    ends = [*starts[1:], len(lines)]
    return [
        _frame(step, list(lines[start:end]), n_atoms)
        for step, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
        if step not in computed
    ]


def _frame(step: int, section: list[str], n_atoms: int) -> Frame:
    from dpdata.formats.vasp.outcar import analyze_block

    frame = Frame(step=step, electronic_steps=0, learned=True, reason=REASON)
    try:
        positions, cell, energy, forces, _, _ = analyze_block(section, n_atoms, 0, ml=True)
    except (ValueError, IndexError, AssertionError):
        return frame
    if energy is None or len(positions) != n_atoms or len(cell) != 3:
        return frame
    frame.cell, frame.positions, frame.energy = np.array(cell), np.array(positions), energy
    found = next((m for line in section if (m := TEMPERATURE.search(line))), None)
    frame.temperature_k = float(found[1]) if found else None
    if all(np.isfinite(v).all() for v in (frame.cell, frame.positions)):
        frame.forces = np.array(forces)
    return frame
