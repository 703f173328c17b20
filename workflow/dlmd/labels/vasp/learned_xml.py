"""Steps of a vasprun.xml that was written with ML_LMLFF, in the order of the file, DFT's and learned ones told apart.

DFT steps lie in <calculation>. Learned ones are structures, forces, stresses and energies one after the other, outside of it;
the prediction of a step that DFT then computes may be written too, at the same positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.units import BOLTZMANN_EV_PER_K
from dlmd.labels.vasp.frames import EV_PER_A3_PER_KBAR, Frame
from dlmd.labels.vasp.learned import REASON

if TYPE_CHECKING:
    from lxml.etree import _Element

# digits of fractional positions in the file
SAME_PLACE = 1e-7


def merged(text: str, computed: list[Frame], n_atoms: int) -> list[Frame]:
    """`computed`, the frames of all <calculation> in the order of the file, with their true steps, and the learned frames of
    the steps without DFT."""
    found: list[Frame] = []
    dft = iter(computed)
    for kind, element in _pieces(text):
        frame = next(dft, None) if kind == "calculation" else _learned(element, n_atoms)
        if frame is None:
            continue
        if found and _same_place(found[-1], frame) and found[-1].learned:
            found.pop()
        elif found and _same_place(found[-1], frame) and frame.learned:
            continue
        found.append(frame)
    for step, frame in enumerate(found, 1):
        frame.step = step
    return found


def _pieces(text: str) -> Iterator[tuple[str, Any]]:
    """('calculation', element) and ('learned', elements of one learned step) in the order of the file, whole ones only."""
    from lxml import etree

    # elements that a cut tore must not be read: a number in them may have lost its last digits
    end = max(text.rfind("</calculation>"), text.rfind("</energy>"))
    parser = etree.XMLParser(recover=True, huge_tree=True)
    root = etree.fromstring(text[: text.find(">", end) + 1].encode(errors="replace"), parser)
    step: dict[str, _Element] = {}
    for element in root if root is not None else ():
        if element.tag == "calculation":
            step = {}
            yield "calculation", element
        elif element.tag == "structure" and "name" not in element.attrib:
            step = {"structure": element}
        elif element.tag == "varray" and step:
            step[element.attrib.get("name", "")] = element
        elif element.tag == "energy" and {"structure", "forces", "stress"} <= set(step):
            yield "learned", step | {"energy": element}
            step = {}


def _rows(varray: _Element) -> np.ndarray:
    return np.array([[float(x) for x in row.text.split()] for row in varray.findall("v")])


def _learned(step: dict[str, _Element], n_atoms: int) -> Frame | None:
    frame = Frame(step=0, electronic_steps=0, learned=True, reason=REASON)
    try:
        structure = {a.attrib.get("name"): _rows(a) for a in step["structure"].iter("varray")}
        energies = {i.attrib["name"]: float(i.text) for i in step["energy"].findall("i")}
        cell, scaled, forces = structure["basis"], structure["positions"], _rows(step["forces"])
        stress = _rows(step["stress"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    if cell.shape != (3, 3) or scaled.shape != (n_atoms, 3) or forces.shape != (n_atoms, 3):
        return None
    if not all(np.isfinite(v).all() for v in (cell, scaled, forces)) or stress.shape != (3, 3):
        return None
    frame.cell, frame.positions, frame.forces = cell, scaled @ cell, forces
    frame.stress = -EV_PER_A3_PER_KBAR * stress
    frame.energy = energies.get("e_fr_energy")
    if "kinetic" in energies and n_atoms > 1:
        frame.temperature_k = 2 * energies["kinetic"] / (3 * (n_atoms - 1) * BOLTZMANN_EV_PER_K)
    return frame


def _same_place(a: Frame, b: Frame) -> bool:
    if a.positions is None or b.positions is None or a.cell is None:
        return False
    scaled = np.linalg.solve(a.cell.T, (b.positions - a.positions).T)
    return bool(np.abs(scaled - np.round(scaled)).max() < SAME_PLACE)
