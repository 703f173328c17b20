"""A complete and consistent run: all fields, and that they agree with each other."""

from __future__ import annotations

from pydantic import field_validator, model_validator

from dlmd.config.checks import NAME, Problem, problems
from dlmd.config.model import RunFields


class RunConfig(RunFields):
    """A complete run."""

    @field_validator("run")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not NAME.match(value):
            raise ValueError(
                f"'{value}' is no plain name: use letters, digits, '.', '_' and '-', it becomes a folder"
            )
        return value

    @model_validator(mode="after")
    def _cross_check(self) -> RunConfig:
        for problem in problems(self):
            raise Problem(*problem)
        return self
