"""SevenNet (Park et al., J. Chem. Theory Comput. 20, 4857 (2024)): pretrained potentials whose weights come with their package.

SevenNet-MF-0 (Kim et al., J. Am. Chem. Soc. 147, 1042 (2025)) answers for PBE or for r2SCAN: two models here.

They know no magnetic moments: frames of this engine carry none.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmd.config.launch import LevelLaunch
from dlmd.labels.engines.base import MATERIALS_PROJECT_PBE, package_version, pretrained_model

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


class Weights(NamedTuple):
    """One pretrained model: checkpoint, modal (which of its data a model of several answers for), functional."""

    checkpoint: str
    modal: str | None
    functional: str


# The first is the default. Other models of the package would be downloaded.
MODELS = {
    "7net-0": Weights("7net-0", None, MATERIALS_PROJECT_PBE),
    "7net-l3i5": Weights("7net-l3i5", None, MATERIALS_PROJECT_PBE),
    "7net-mf-0-pbe": Weights("7net-mf-0", "PBE", MATERIALS_PROJECT_PBE),
    "7net-mf-0-r2scan": Weights("7net-mf-0", "R2SCAN", "r2SCAN"),
}


def create(settings: Mapping[str, Any], _: LevelLaunch) -> SevennetEngine:
    """Engine from the keys of a level.

    Raises
    ------
    DlmdError
        for an unknown key or model, or where sevenn is not installed.
    """
    model = pretrained_model(
        settings, engine="sevennet", package="sevenn", models=list(MODELS), extra="sevennet"
    )
    return SevennetEngine(model)


@dataclass(frozen=True)
class SevennetEngine:
    """SevenNet with one set of pretrained weights."""

    model: str

    @property
    def level(self) -> dict[str, Any]:
        return {"engine": "sevennet", "model": self.model, "functional": MODELS[self.model].functional}

    def calculator(self, *, threads: int = 1) -> Calculator:
        import torch

        torch.set_num_threads(threads)
        return _calculator_class()(self.model)

    def versions(self) -> dict[str, str]:
        return {name: package_version(name, extra="sevennet") for name in ("sevenn", "e3nn", "torch", "ase")}


@cache
def _calculator_class():
    """The calculator's class, made on first use because the package imports torch."""
    from sevenn.calculator import SevenNetCalculator

    class SevennetCalculator(SevenNetCalculator):
        """The package's own, on the CPU and in double precision outside the network."""

        def __init__(self, model: str):
            with warnings.catch_warnings():
                # accelerators are for GPUs
                warnings.simplefilter("ignore")
                super().__init__(MODELS[model].checkpoint, modal=MODELS[model].modal, device="cpu")
            self.implemented_properties = ["energy", "free_energy", "forces", "stress"]

        def output_to_results(self, output):
            found = super().output_to_results(output)
            return {key: found[key] for key in ("energy", "free_energy")} | {
                key: found[key].astype(float) for key in ("forces", "stress")
            }

    return SevennetCalculator
