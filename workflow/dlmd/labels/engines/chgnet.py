"""CHGNet (Deng et al., Nat. Mach. Intell. 5, 1031 (2023)): a pretrained potential whose weights come with its package.

The energy is a function of the positions, and forces and stress are its exact derivatives. They are taken here in one
backward pass without the second-order graph that the package builds for training: the same numbers in half the time.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from dlmd.config.launch import LevelLaunch
from dlmd.labels.engines.base import MATERIALS_PROJECT_PBE, package_version, pretrained_model

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

# What the models were trained on; the first is the default.
FUNCTIONALS = {
    "0.3.0": MATERIALS_PROJECT_PBE,
    "r2scan": "r2SCAN",
}


def create(settings: Mapping[str, Any], _: LevelLaunch) -> ChgnetEngine:
    """Engine from the keys of a level.

    Raises
    ------
    DlmdError
        for an unknown key or model, or where chgnet is not installed.
    """
    model = pretrained_model(settings, engine="chgnet", package="chgnet", models=list(FUNCTIONALS))
    return ChgnetEngine(model)


@dataclass(frozen=True)
class ChgnetEngine:
    """CHGNet with one set of pretrained weights."""

    model: str

    @property
    def level(self) -> dict[str, Any]:
        return {"engine": "chgnet", "model": self.model, "functional": FUNCTIONALS[self.model]}

    def calculator(self, *, threads: int = 1) -> Calculator:
        import torch

        torch.set_num_threads(threads)
        return _calculator_class()(_load(self.model))

    def versions(self) -> dict[str, str]:
        return {name: package_version(name) for name in ("chgnet", "torch", "ase", "pymatgen")}


def _load(name: str):
    """The pretrained network on the CPU, frozen."""
    from chgnet.model import CHGNet

    # harmless, and raised at every step by the package's own code
    warnings.filterwarnings("ignore", message="Converting a tensor with requires_grad", module="chgnet")
    with contextlib.redirect_stdout(io.StringIO()):  # it announces itself, verbose or not
        model = CHGNet.load(model_name=name, use_device="cpu", verbose=False)
    model.graph_converter.set_isolated_atom_response("error")
    return model.eval().requires_grad_(False)


@cache
def _calculator_class():
    """The calculator's class, made on first use because its base needs ASE's import."""
    import torch
    from ase.calculators.calculator import Calculator, all_changes
    from ase.stress import full_3x3_to_voigt_6_stress
    from chgnet.model.model import BatchedGraph
    from pymatgen.core import Structure

    class ChgnetCalculator(Calculator):
        implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

        def __init__(self, model):
            super().__init__()
            self.model = model

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            model, n = self.model, len(self.atoms)
            # wrapped, because the network works in single precision
            structure = Structure(
                self.atoms.cell.array,
                self.atoms.get_chemical_symbols(),
                self.atoms.get_scaled_positions(wrap=True),
            )
            graph = model.graph_converter(structure)
            batch = BatchedGraph.from_graphs(
                [graph],
                bond_basis_expansion=model.bond_basis_expansion,
                angle_basis_expansion=model.angle_basis_expansion,
                compute_stress=True,
            )
            prediction = model._compute(batch, compute_magmom=True)
            energy = n * (prediction["e"].sum() + model.composition_model([graph]).sum())
            by_position, by_strain = torch.autograd.grad(energy, [batch.atom_positions[0], batch.strains[0]])
            stress = by_strain.double().numpy() / self.atoms.get_volume()
            energy = float(energy.detach())
            self.results = {
                "energy": energy,
                "free_energy": energy,
                "forces": -by_position.double().numpy(),
                "stress": full_3x3_to_voigt_6_stress(stress),
                "magmoms": prediction["m"][0].detach().double().numpy(),
            }

    return ChgnetCalculator
