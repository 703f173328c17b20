"""Fields about labels that are there, and about trainings that begin with another level's potential."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dlmd.config.fields import LearningRate, PositiveInt, Section


class GivenFrames(Section):
    """Labels of one's own, computed elsewhere: they are the level's, and nothing is computed with its engine.

    Each frame needs energy, forces and stress (or virial); one without is left out.
    """

    file: str = Field(
        description="extxyz, OUTCAR, vasprun.xml, an output of CP2K or Quantum ESPRESSO, or a folder of deepmd/npy, with energy, "
        "forces and stress (deepmd/npy: virial) of each frame; its path is relative to the working directory."
    )
    level: str | None = Field(
        None,
        description="Level that the labels are of; null: the one that starts from another, or the only one.",
    )
    split: Literal["train", "valid", "test"] | None = Field(
        None,
        description="Part of the dataset that this file is; null: each frame says it (key split of extxyz).",
    )
    format: str | None = Field(
        None,
        description="extxyz, or a name of dpdata's (vasp/outcar, vasp/xml, cp2k/output, cp2k/aimd_output, qe/pw/scf, deepmd/npy, "
        "...); null: from the file's name.",
    )
    theory: dict[str, Any] = Field(
        {},
        description="What the labels were computed with, for files that do not say, for instance {functional: PBE, "
        "hubbard_u_ev: {Ti: 4.0}, kpoint_mesh: [1, 1, 1], smearing_ev: 0.05}. It is compared with the level.",
    )

    @model_validator(mode="before")
    @classmethod
    def _only_a_name(cls, given: Any) -> Any:
        return {"file": given} if isinstance(given, str) else given


class FineTuning(Section):
    """Training of a level that starts from another, from that level's weights, on few labels."""

    steps: PositiveInt = Field(3000, description="Training steps.")
    curve: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        [0.25, 0.5],
        description="Parts of the labels with which a training of its own is done, for the learning curve: how many labels would "
        "halve the error. [] leaves it out.",
    )
    start_lr: LearningRate = Field(2e-3, description="Learning rate at the start.")
