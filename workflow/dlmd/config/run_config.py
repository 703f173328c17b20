"""A complete and consistent run: all fields, and that they agree with each other."""

from __future__ import annotations

from pydantic import field_validator, model_validator

from dlmd.config.checks import Problem, problems
from dlmd.config.model import RunFields
from dlmd.config.naming import plain_name, shortened


class RunConfig(RunFields):
    """A complete run."""

    @field_validator("run")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        hint = plain_name(value)
        if hint is not None:
            raise ValueError(f"'{shortened(value)}' is no plain name: {hint}")
        return value

    @model_validator(mode="after")
    def _cross_check(self) -> RunConfig:
        for problem in problems(self):
            raise Problem(*problem)
        return self
