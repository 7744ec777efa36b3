"""The sections `resources` and `on` of a study file: what one trial is given, and the cluster that
trials run on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictInt,
    StrictStr,
    field_serializer,
    field_validator,
    model_serializer,
)

from search.plain.durations import parse_duration
from search.plain.sizes import parse_size, size_text
from search.plain.yaml import shown
from search.study_file.other_words import ENGINE_WORDS
from search.study_file.problems import Unknown

ENGINES = ("slurm", "ray")
# in the place of an engine, this machine
HERE = "here"
# an address that says which engine it is of
CLIENT = "ray://"
# options of one engine alone
_OPTIONS = {
    "slurm": ("partition", "time", "gres", "setup", "extra"),
    "ray": ("address", "runtime_env"),
}
_ADDRESS = re.compile(r"(ray://)?(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}")
_DEVICES = "trainer.devices"
_ON_GPUS = ("gpu", "cuda")


class Resources(BaseModel):
    """The part of a machine that one trial is given; None leaves that to what was measured.

    cpus: its CPU threads, those of all its processes on a machine together.
    gpus: the GPUs that it sees on a machine; 0 keeps it off those that there are.
    memory_bytes: its share of the memory of a machine.
    nodes: machines that train it together, each with as much.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cpus: Annotated[StrictInt, Field(ge=1)] | None = None
    gpus: Annotated[StrictInt, Field(ge=0)] | None = None
    memory_bytes: int | None = Field(None, alias="memory")
    nodes: Annotated[StrictInt, Field(ge=1)] | None = None

    @property
    def node_count(self) -> int:
        """Machines that train it: one where nobody says otherwise."""
        return self.nodes or 1

    @field_validator("memory_bytes", mode="before")
    @classmethod
    def _size(cls, value: object) -> int | None:
        return None if value is None else parse_size(value)

    @field_serializer("memory_bytes")
    def _size_text(self, value: int | None) -> str | None:
        return None if value is None else size_text(value)


def _engine(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a name, got {shown(value)}")
    if value.lower() not in ENGINES:
        raise Unknown(value, ENGINES, ENGINE_WORDS)
    return value.lower()


def _address(value: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise ValueError(f"must be HOST:PORT or ray://HOST:PORT, got {shown(value)}")
    return value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class On(BaseModel):
    """The cluster that trials run on; None leaves a value to the cluster.

    engine: that gives the machines.
    partition: of them.
    time_s: seconds after which the engine takes a job back.
    gres: generic resources of a job, as the engine writes them.
    trials_per_job: trials at a time in one job, or actor of Ray.
    setup: lines of bash at the beginning of a job.
    extra: arguments of the command that submits a job.
    address: of a Ray, its head's or its Client server's; None for that of this machine.
    runtime_env: of Ray's workers, as Ray takes it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    engine: Annotated[str, BeforeValidator(_engine)]
    partition: StrictStr | None = None
    time_s: float | None = Field(None, alias="time")
    gres: StrictStr | None = None
    trials_per_job: Annotated[StrictInt, Field(ge=1)] = 1
    setup: Annotated[list[StrictStr], BeforeValidator(_as_list)] = []
    extra: Annotated[list[StrictStr], BeforeValidator(_as_list)] = []
    address: Annotated[StrictStr, AfterValidator(_address)] | None = None
    runtime_env: dict[StrictStr, Any] | None = None

    @field_validator("time_s", mode="before")
    @classmethod
    def _duration(cls, value: object) -> float | None:
        return None if value is None else parse_duration(value)

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        tree: dict[str, Any] = serialize(self)
        if self.trials_per_job == 1:
            del tree["trials_per_job"]
        return {key: value for key, value in tree.items() if value not in (None, [])}


def named_engine(on: On | None, word: str) -> On:
    """The section of a study file for an engine that is named beside it: that of another engine
    says nothing of this one."""
    named = engine_tree(word)
    same = {} if on is None or on.engine != named["engine"] else on.model_dump(by_alias=True)
    return On.model_validate({**same, **named})


def engine_tree(word: str) -> dict[str, str]:
    """The section for an engine that is said in a word, or for a Ray by its address."""
    return {"engine": "ray", "address": word} if word.startswith(CLIENT) else {"engine": word}


def lay_engine_over(tree: dict[str, Any], word: str) -> None:
    """Write an engine that is named beside a study file into its tree."""
    given, named = tree.get("on"), engine_tree(word)
    given = engine_tree(given) if isinstance(given, str) else given
    engine = named["engine"]
    same = given if isinstance(given, dict) and given.get("engine", engine) == engine else {}
    tree["on"] = {**same, **named}


def job_problems(on: On | None, resources: Resources) -> Iterator[str]:
    """A line for each option of another engine, and where the GPUs of a job are not those of its
    trials."""
    if on is not None:
        yield from _foreign_options(on)
    gpus = 0 if on is None else _gpus_in(on.gres or "")
    if on is None or not gpus:
        return
    if resources.gpus is None:
        yield (
            f"on.gres: asks for GPUs ({shown(on.gres)}), and nothing says how many a trial takes. "
            "Add resources: {gpus: 1}."
        )
    elif resources.gpus * on.trials_per_job > gpus:
        taken = resources.gpus * on.trials_per_job
        yield (
            f"on.gres: {shown(on.gres)} gives a job {gpus}, and on.trials_per_job: "
            f"{on.trials_per_job} with resources.gpus: {resources.gpus} takes {taken}. "
            "Ask for as many, or run fewer trials in a job."
        )


def _foreign_options(on: On) -> Iterator[str]:
    written = on.model_dump(by_alias=True)
    for engine, keys in _OPTIONS.items():
        for key in keys:
            if engine != on.engine and key in written:
                yield f"on.{key}: is of {engine}, and on.engine is {on.engine}. Remove one of them."


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
    count = device_count(devices)
    if gpus > 0 and count is not None and count != gpus:
        yield (
            f"resources.gpus: is {gpus}, and {_DEVICES} is {shown(devices)}. "
            "Write the same number, or remove one of them."
        )


def device_count(devices: object) -> int | None:
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


def _gpus_in(gres: str) -> int:
    """The GPUs in generic resources such as gpu:2, gpu:a100:4 or gpu:a100:4(S:0),shard:8."""
    count = 0
    for each in gres.split(","):
        name, *rest = each.partition("(")[0].strip().split(":")
        if name == "gpu":
            count += int(rest[-1]) if rest and rest[-1].isdigit() else 1
    return count
