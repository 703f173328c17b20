"""OUTCAR text to frames. The labels of a frame are read by dpdata; what dpdata does not tell (why a frame is no good,
moments, temperature, settings) is read here. Pure: text in, data out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import EV_PER_A3_PER_GPA
from dlmd.labels.vasp.frames import Frame, Run

EV_PER_A3_PER_KBAR = 0.1 * EV_PER_A3_PER_GPA

ITERATION = re.compile(r"-+ Iteration\s*(\d+)\(\s*(\d+)\)\s*-+")
# Values as VASP echoes them at the head of the OUTCAR
ECHOES = {
    "ENCUT": r"^\s*ENCUT\s*=\s*([-\d.]+)\s*eV",
    "PREC": r"^\s*PREC\s*=\s*(\w+)",
    "NELM": r"^\s*NELM\s*=\s*(\d+);",
    "EDIFF": r"^\s*EDIFF\s*=\s*([-+.\dEe]+)",
    "ISPIN": r"^\s*ISPIN\s*=\s*(\d+)",
    "LASPH": r"^\s*LASPH\s*=\s*([TF])",
    "LMAXMIX": r"^\s*LMAXMIX\s*=\s*(\d+)",
    "VOSKOWN": r"^\s*VOSKOWN\s*=\s*(\d+)",
    "NWRITE": r"^\s*NWRITE\s*=\s*(\d+)",
    "NSW": r"^\s*NSW\s*=\s*(\d+)",
    "NBLOCK": r"^\s*NBLOCK\s*=\s*(\d+);",
    "IBRION": r"^\s*IBRION\s*=\s*(-?\d+)",
    "ISIF": r"^\s*ISIF\s*=\s*(\d+)",
    "POTIM": r"^\s*POTIM\s*=\s*([-\d.]+)",
    "TEBEG": r"^\s*TEBEG\s*=\s*([-\d.]+);",
    "TEEND": r"TEEND\s*=\s*([-\d.]+)",
    "ISMEAR": r"^\s*ISMEAR\s*=\s*(-?\d+);",
    "SIGMA": r"^\s*ISMEAR\s*=.*SIGMA\s*=\s*([\d.]+)",
    "GGA": r"^\s*GGA\s*=\s*(\S\S?)\s+GGA type",
    "LDAUTYPE": r"LDA\+U is selected, type is set to LDAUTYPE\s*=\s*(\d+)",
}
LISTS = {
    "LDAUL": r"angular momentum for each species LDAUL\s*=([^\n]*)",
    "LDAUU": r"U \(eV\)\s+for each species LDAUU\s*=([^\n]*)",
    "LDAUJ": r"J \(eV\)\s+for each species LDAUJ\s*=([^\n]*)",
}


def parse_settings(head: str) -> dict[str, object]:
    """Settings echoed at the head of an OUTCAR, under their INCAR names; the functional resolved through the POTCAR."""
    found: dict[str, object] = {}
    for name, pattern in ECHOES.items():
        match = re.search(pattern, head, re.MULTILINE)
        if match:
            found[name] = match[1]
    for name, pattern in LISTS.items():
        match = re.search(pattern, head)
        if match:
            found[name] = [float(x) for x in match[1].split()]
    found["LDAU"] = "T" if "LDAUTYPE" in found else "F"
    if found.get("GGA") == "--":  # not set: the POTCARs decide
        kinds = set(re.findall(r"^\s*LEXCH\s*=\s*([A-Z0-9]{2})\s*$", head, re.MULTILINE))
        found["GGA"] = kinds.pop() if len(kinds) == 1 else "--"
    return found


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
        if the head cannot be read, several runs were written into one file, or forces were machine-learned.
    """
    from dpdata.formats.vasp.outcar import system_info

    if "ML TOTEN" in text or re.search(r"ML_LMLFF\s*=\s*\.?T", text):
        raise DlmdError(
            "this run mixes DFT and machine-learned steps (ML_LMLFF)",
            where=str(path),
            remedy="run it again without ML_ tags: only DFT frames may be labels",
        )
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
    head_text = "\n".join(head)
    mesh = re.search(r"generate k-points for:\s+(\d+)\s+(\d+)\s+(\d+)", head_text)
    elapsed = re.search(r"Elapsed time \(sec\):\s*([\d.]+)", text)
    run = Run(
        path=path,
        species=list(species),
        counts=list(counts),
        titels=[t.strip() for t in re.findall(r"^\s*TITEL\s*=\s*([^\n]+)", head_text, re.MULTILINE)],
        settings=parse_settings(head_text),
        kpoints=tuple(int(n) for n in mesh.groups()) if mesh else None,
        finished="General timing and accounting informations" in text,
        relaxed="reached required accuracy - stopping structural energy minimisation" in text,
        elapsed_s=float(elapsed[1]) if elapsed else None,
    )
    for step, block in _blocks(lines[first:]):
        if run.frames and step <= run.frames[-1].step:
            raise DlmdError(
                f"ionic step {step} follows step {run.frames[-1].step}: several runs are in one OUTCAR",
                where=str(path),
                remedy="give every run a folder of its own",
            )
        run.frames.append(_frame(step, block, sum(counts), nelm))
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


def _frame(step: int, block: list[str], n_atoms: int, nelm: int) -> Frame:
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
    elif frame.electronic_steps >= nelm:
        frame.reason = f"electrons unconverged: {frame.electronic_steps} steps of NELM = {nelm}"
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
    for line in block:
        match = re.search(r"\(temperature\s+([\d.]+)\s*K\)", line)
        if match:
            return float(match[1])
    return None
