"""The section `resources` of a study file: what one trial is given, on whichever machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt, field_serializer, field_validator

from search.plain.sizes import parse_size, size_text
from search.plain.yaml import shown

_DEVICES = "trainer.devices"
_ON_GPUS = ("gpu", "cuda")


class Resources(BaseModel):
    """The part of a machine that one trial is given; None leaves that to what was measured.

    cpus: its CPU threads, those of all its processes together.
    gpus: the GPUs that it sees; 0 keeps it off those that there are.
    memory_bytes: its share of the memory of a machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cpus: Annotated[StrictInt, Field(ge=1)] | None = None
    gpus: Annotated[StrictInt, Field(ge=0)] | None = None
    memory_bytes: int | None = Field(None, alias="memory")

    @field_validator("memory_bytes", mode="before")
    @classmethod
    def _size(cls, value: object) -> int | None:
        return None if value is None else parse_size(value)

    @field_serializer("memory_bytes")
    def _size_text(self, value: int | None) -> str | None:
        return None if value is None else size_text(value)


def gpu_problems(
    resources: Resources, trainer: Mapping[str, object], searched: Collection[str]
) -> Iterator[str]:
    """A line where the Trainer's arguments say another number of GPUs than `resources`.

    Args:
        searched: paths of the space.
    """
    gpus = resources.gpus
    if gpus is None or "trainer.accelerator" in searched:
        return
    accelerator, devices = trainer.get("accelerator"), trainer.get("devices")
    if accelerator == "cpu" or (accelerator in _ON_GPUS and gpus == 0):
        if accelerator != "cpu" or gpus > 0:
            yield (
                f"resources.gpus: is {gpus}, and trainer.accelerator is {accelerator}. "
                "Change one of them, or remove it."
            )
        return
    if gpus > 0 and _DEVICES in searched:
        yield f"resources.gpus: is {gpus}, and {_DEVICES} is searched. Remove one of them."
        return
    count = _count(devices)
    if gpus > 0 and count is not None and count != gpus:
        yield (
            f"resources.gpus: is {gpus}, and {_DEVICES} is {shown(devices)}. "
            "Write the same number, or remove one of them."
        )


def _count(devices: object) -> int | None:
    """The number of devices that a Trainer is told; None where it takes what there is."""
    match devices:
        case bool():
            return None
        case int():
            return devices if devices >= 0 else None
        case list():
            return len(devices)
        case str() if "," in devices:
            return sum(bool(each.strip()) for each in devices.split(","))
        case str() if devices.isascii() and devices.isdigit():
            return int(devices)
    return None
