"""Levels of theory as the config has them: one model per label engine, told apart by the key `engine`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from dlmd.config.fields import Section
from dlmd.config.levels.cp2k import Cp2kSettings
from dlmd.config.levels.espresso import EspressoSettings
from dlmd.config.levels.gpaw import GpawSettings
from dlmd.config.levels.origin import Origin
from dlmd.config.levels.vasp import VaspSettings


class ChgnetLevel(Section, Origin):
    """Embedded pretrained potential CHGNet; its weights come with the package, so it needs no licence and no network."""

    engine: Literal["chgnet"] = Field(description="Label engine.")
    model: Literal["0.3.0", "r2scan"] = Field(
        "0.3.0",
        description="Pretrained weights. 0.3.0 is PBE (with the U of the Materials Project in oxides and fluorides).",
    )


class VaspLevel(VaspSettings, Origin):
    """VASP, run here or elsewhere; the settings are those of `dlmd.config.levels.vasp`."""

    engine: Literal["vasp"] = Field(description="Label engine.")


class GpawLevel(GpawSettings, Origin):
    """GPAW: DFT+U as free software, run in the job itself on one core; needs the extra `gpaw`."""

    engine: Literal["gpaw"] = Field(description="Label engine.")


class EspressoLevel(EspressoSettings, Origin):
    """Quantum ESPRESSO 7.1 or newer: DFT+U with the user's own pseudopotentials; one run of pw.x per step."""

    engine: Literal["espresso"] = Field(description="Label engine.")


class Cp2kLevel(Cp2kSettings, Origin):
    """CP2K 2023.1 or newer: DFT+U with Gaussian basis sets, fast for large cells at Γ; one process per job."""

    engine: Literal["cp2k"] = Field(description="Label engine.")


class SevennetLevel(Section, Origin):
    """Embedded pretrained potential SevenNet; its weights come with the package; needs the extra `sevennet`."""

    engine: Literal["sevennet"] = Field(description="Label engine.")
    model: Literal["7net-0", "7net-l3i5", "7net-mf-0-pbe", "7net-mf-0-r2scan"] = Field(
        "7net-0",
        description="Pretrained weights: PBE with the U of the Materials Project, or r2SCAN. None knows moments.",
    )


def recorded(level: Section | VaspSettings, exclude: Iterable[str] = ()) -> dict[str, Any]:
    """Settings of a level as rules record them; another text of the same settings would compute every label again."""
    settings = level.model_dump(mode="json", exclude={*exclude, *Origin.model_fields})
    handed = getattr(level, "HANDED", None)
    if handed is None:
        return settings
    return handed.record(settings) | getattr(level, "recorded_only", {})


LEVELS: dict[str, type[BaseModel]] = {
    "chgnet": ChgnetLevel,
    "sevennet": SevennetLevel,
    "vasp": VaspLevel,
    "gpaw": GpawLevel,
    "espresso": EspressoLevel,
    "cp2k": Cp2kLevel,
}
# engines whose frames cost seconds or less
PRETRAINED = ("chgnet", "sevennet")
Level = Annotated[
    ChgnetLevel | SevennetLevel | VaspLevel | GpawLevel | EspressoLevel | Cp2kLevel,
    Field(discriminator="engine"),
]
