"""OUTCAR text to frames. The labels of a frame are read by dpdata; what dpdata does not tell (why a frame is no good,
moments, temperature, settings) is read here. Pure: text in, data out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import echoes, electrons, learned, verify
from dlmd.labels.vasp.frames import EV_PER_A3_PER_KBAR, Frame, Run

ITERATION = re.compile(r"-+ Iteration\s*(\d+)\(\s*(\d+)\)\s*-+")
# once in the output of every run
BEGINNING = "Startparameter for this run:"
OWN_FOLDER = "give every run a folder of its own"


def parse_outcar(text: str, path: Path) -> Run:
    """All ionic steps of an OUTCAR, whole or not.

    Parameters
    ----------
    text
        The OUTCAR; a truncated one gives the whole frames in it.
    path
        Named in errors.

    Raises
    ------
    DlmdError
        if the head cannot be read, several runs were written into one file.
    """
    from dpdata.formats.vasp.outcar import system_info

    lines = text.splitlines()
    first = next((n for n, line in enumerate(lines) if ITERATION.search(line)), len(lines))
    head = lines[:first]
    try:
        species, counts, _, nelm, _ = system_info(head, type_idx_zero=True)
    except (AssertionError, ValueError, RuntimeError, IndexError) as error:
        raise DlmdError(
            f"the head of the OUTCAR cannot be read: {error}",
            where=str(path),
            remedy="the run died before its first step, or this is no OUTCAR; run it again",
        ) from None
    if text.count(BEGINNING) > 1:
        raise DlmdError("several runs are in one OUTCAR", where=str(path), remedy=OWN_FOLDER)
    head_text = "\n".join(head)
    mesh = re.search(r"generate k-points for:\s+(\d+)\s+(\d+)\s+(\d+)", head_text)
    elapsed = re.search(r"Elapsed time \(sec\):\s*([\d.]+)", text)
    run = Run(
        path=path,
        species=list(species),
        counts=list(counts),
        titels=[t.strip() for t in re.findall(r"^\s*TITEL\s*=\s*([^\n]+)", head_text, re.MULTILINE)],
        settings=echoes.parse_settings(head_text) | echoes.unnamed(text),
        kpoints=tuple(int(n) for n in mesh.groups()) if mesh else None,
        finished="General timing and accounting informations" in text,
        relaxed="reached required accuracy - stopping structural energy minimisation" in text,
        elapsed_s=float(elapsed[1]) if elapsed else None,
        incar=echoes.parse_echoed_incar(head_text),
        neutral_electrons=echoes.neutral_electrons(head_text, list(counts)),
        k_points=echoes.k_points(head_text),
    )
    ediff = verify.number((run.incar or {}).get("EDIFF", run.settings.get("EDIFF")))
    mixed = learned.is_learned(text)
    for step, block in _blocks(lines[first:]):
        if run.frames and step <= run.frames[-1].step:
            raise DlmdError(
                f"ionic step {step} follows step {run.frames[-1].step}: several runs are in one OUTCAR",
                where=str(path),
                remedy=OWN_FOLDER,
            )
        run.frames.append(_frame(step, learned.without(block) if mixed else block, sum(counts), nelm, ediff))
    if mixed:
        run.frames = sorted(
            run.frames + learned.frames(lines, ITERATION, sum(counts)), key=lambda frame: frame.step
        )
    return run


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """(ionic step, its lines), cut where the next ionic step begins."""
    start, current = 0, None
    for n, line in enumerate(lines):
        match = ITERATION.search(line)
        if match and int(match[1]) != current:
            if current is not None:
                yield current, lines[start:n]
            start, current = n, int(match[1])
    if current is not None:
        yield current, lines[start:]


def _frame(step: int, block: list[str], n_atoms: int, nelm: int, ediff: float | None) -> Frame:
    from dpdata.formats.vasp.outcar import analyze_block

    counters = [int(m[2]) for line in block if (m := ITERATION.search(line))]
    frame = Frame(step=step, electronic_steps=max(counters))
    try:
        positions, cell, energy, forces, stress_kbar, _ = analyze_block(block, n_atoms, nelm)
    except (ValueError, IndexError, AssertionError) as error:
        frame.reason = f"unreadable: {str(error) or type(error).__name__}"
        return frame
    energy_line = next((line for line in block if "free  energy   TOTEN" in line), "")
    if energy is None or not energy_line.rstrip().endswith("eV"):
        frame.reason = "incomplete: the output ends before the energy"
        return frame
    if len(forces) != n_atoms or len(positions) != n_atoms or len(cell) != 3:
        frame.reason = "no labels: forces, positions or cell were not written"
        return frame
    if stress_kbar is None:
        frame.reason = "no labels: the stress was not written"
        return frame
    frame.cell, frame.positions = np.array(cell), np.array(positions)
    frame.energy, frame.forces = energy, np.array(forces)
    # VASP prints the pressure-like tensor in kB, of the opposite sign to a stress
    frame.stress = -EV_PER_A3_PER_KBAR * np.array(stress_kbar)
    frame.moments, frame.total_moment = _moments(block, n_atoms)
    frame.temperature_k = _temperature(block)
    values = (frame.cell, frame.positions, frame.forces, frame.stress, [frame.energy])
    if not all(np.isfinite(v).all() for v in values):
        frame.forces = None
        frame.reason = "unreadable: values that are not finite"
    else:
        frame.reason = electrons.outcar_reason(block, frame.electronic_steps, nelm, ediff)
    return frame


def _moments(block: list[str], n_atoms: int) -> tuple[np.ndarray | None, float | None]:
    """Moment per atom (the last table of the step) and of the cell (its last electronic step)."""
    moments = total = None
    for n, line in enumerate(block):
        if "magnetization (x)" in line:
            rows = [row.split() for row in block[n + 4 : n + 4 + n_atoms]]
            try:
                table = np.array([float(row[-1]) for row in rows])
            except (ValueError, IndexError):
                continue
            if len(table) == n_atoms and [row[0] for row in rows] == [str(i + 1) for i in range(n_atoms)]:
                moments = table
        elif line.startswith(" number of electron"):
            words = line.split("magnetization")[-1].split()
            total = float(words[0]) if words and re.fullmatch(r"[-\d.]+", words[0]) else total
    return moments, total


def _temperature(block: list[str]) -> float | None:
    match = next((m for line in block if (m := learned.TEMPERATURE.search(line))), None)
    return float(match[1]) if match else None
