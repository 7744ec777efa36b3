"""The section `batch` of a study file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Batch(BaseModel):
    """The choice of the micro-batch, and of the effective batch.

    auto_scale: the way of probing for the largest that fits, or off.
    max: the largest that is probed; None leaves that to the data.
    argument: the script's argument for the micro-batch, in a study of a script.
    effective: samples of one step of the optimizer, on all devices together; None leaves them to
        what is given as batch size and accumulation.
    lr_scaling: how learning rates grow with the effective batch; None leaves them as they are.
    reference: the effective batch for which learning rates are meant.
    lr: the paths of these learning rates; None for those that are called so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    auto_scale: Literal["binsearch", "power", "off"] = "off"
    max: Annotated[StrictInt, Field(ge=1)] | None = None
    argument: StrictStr | None = None
    effective: Annotated[StrictInt, Field(ge=1)] | None = None
    lr_scaling: Literal["sqrt", "linear"] | None = None
    reference: Annotated[StrictInt, Field(ge=1)] | None = None
    lr: Annotated[list[StrictStr], BeforeValidator(_as_list), Field(min_length=1)] | None = None
