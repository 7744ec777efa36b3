"""The section `budget` of a study file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt, field_validator

from search.plain.durations import parse_duration
from search.study_file.stopping_rules import StoppingRules


class Budget(BaseModel):
    """The end of a study; None is no limit.

    trials: their total.
    timeout_s: seconds of one run.
    epochs: trained by all attempts together.
    cost_s: seconds of all attempts together.
    target: value of the objective that is good enough.
    no_improvement: finished trials in a row without a new best.
    no_gain: complete ones in a row, once the scheduler expects to gain nothing but noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    trials: Annotated[StrictInt, Field(ge=1)] | None = None
    timeout_s: float | None = Field(None, alias="timeout")
    epochs: Annotated[StrictInt, Field(ge=1)] | None = None
    cost_s: float | None = Field(None, alias="cost")
    target: Annotated[float, Field(allow_inf_nan=False)] | None = None
    no_improvement: Annotated[StrictInt, Field(ge=1)] | None = None
    no_gain: Annotated[StrictInt, Field(ge=1)] | None = None

    @field_validator("timeout_s", "cost_s", mode="before")
    @classmethod
    def _duration(cls, value: object) -> float | None:
        return None if value is None else parse_duration(value)

    @property
    def stopping(self) -> StoppingRules:
        """The rules beside `trials` and `timeout`."""
        best = (self.target, self.no_improvement, self.no_gain)
        return StoppingRules(self.epochs, self.cost_s, *best)
