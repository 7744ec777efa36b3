"""One objective, as the study file, the configuration of a trial and the records all have it.

A plain dataclass: pydantic checks it where a study file is read, and a trial need not import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import MinLen

DIRECTIONS = ("minimize", "maximize")


def sign_of(direction: str) -> float:
    """The factor of a metric by which the least is best: 1 to minimize, -1 to maximize."""
    return 1.0 if direction == "minimize" else -1.0


@dataclass(frozen=True)
class Objective:
    """A metric that trials are judged by.

    metric: a name that the module logs at a validation, or a resource that is measured.
    direction: the way to better values.
    value: the validation that a trial counts with, its best or its last; the checkpoint of that
        validation is the result of the trial.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    metric: Annotated[str, MinLen(1)]
    direction: Literal["minimize", "maximize"] = "minimize"
    value: Literal["best", "last"] = "best"

    @property
    def sign(self) -> float:
        """The factor by which the least value is best."""
        return sign_of(self.direction)

    def improves(self, new: float, old: float | None) -> bool:
        """Tell whether `new` is strictly better than `old`."""
        return old is None or self.sign * new < self.sign * old
