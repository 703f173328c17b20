"""What every label engine offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol

from dlmd.base.errors import DlmdError, did_you_mean

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

# Functional of potentials pretrained on the Materials Project, which applies +U to some metals, in oxides and fluorides only.
# The first is the level's: it lies in labels and fingerprints of runs, and stays. The second is what readers get.
MATERIALS_PROJECT_PBE = "PBE (no +U for chlorides)"
MATERIALS_PROJECT_PBE_TOLD = "PBE (+U only in oxides and fluorides)"


class Unconverged(DlmdError):
    """The electrons of one step did not converge: no label, while another structure may well give one."""


class Engine(Protocol):
    """A source of labels at one level of theory."""

    @property
    def level(self) -> dict[str, Any]:
        """Level of theory: engine, model and functional. Data of two levels must never be mixed."""

    def calculator(self, *, threads: int = 1) -> Calculator:
        """ASE calculator with energy (eV), forces (eV/Å), stress (eV/Å³, ASE's sign and Voigt order),
        using `threads` threads. A step whose electrons do not converge raises `Unconverged`. Its results have magmoms
        (Bohr magnetons) only where the engine computes moments, and `moments_in_range` only where the level
        says which are right."""

    def versions(self) -> dict[str, str]:
        """Versions of the packages that decide the numbers."""


def pretrained_model(
    settings: Mapping[str, Any], *, engine: str, package: str, models: Sequence[str], extra: str = "pipeline"
) -> str:
    """Name of the model that the keys of a level ask for, the first of `models` where they name none.

    Raises
    ------
    DlmdError
        for a key other than `model`, a model that the package does not ship, or where the package is not installed.
    """
    for key in settings:
        if key != "model":
            raise DlmdError(
                f"the engine {engine} has no key '{key}'",
                where="the level",
                remedy=did_you_mean(key, ["model"]),
            )
    model = str(settings.get("model", models[0]))
    if model not in models:
        raise DlmdError(
            f"{package} has no model '{model}'",
            where="key model of the level",
            remedy=did_you_mean(model, models),
        )
    package_version(package, extra=extra)
    return model


def package_version(package: str, *, extra: str = "pipeline") -> str:
    """Installed version of `package`, which comes with the extra `extra`.

    Raises
    ------
    DlmdError
        if it is missing.
    """
    try:
        return version(package)
    except PackageNotFoundError:
        raise DlmdError(
            f"the package '{package}' is not installed",
            where="this Python environment",
            remedy=f'pip install -e ".[{extra}]"',
        ) from None
