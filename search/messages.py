"""What the channel carries: one JSON object a line, never a pickle.

Both planes share this file and nothing else of each other. A message is a frozen dataclass; its
`kind` on the wire is the snake_case form of its class name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

MAX_LINE_BYTES = 1 << 20

# causes why an attempt ended
DONE = "done"
PRUNED = "pruned"
INFEASIBLE = "infeasible"
DIVERGED = "diverged"
OOM = "oom"
KILLED = "killed"
HUNG = "hung"
INTERRUPTED = "interrupted"
ERROR = "error"


@dataclass(frozen=True)
class Preload:
    """Coordinator to fork server: what to import before the next fork.

    `class_paths` are dotted names of the study's classes, `modules` what those import only when
    used, `sys_path` goes before the rest of the import path. `rehearse` lets a waiting attempt
    train a toy, which must not happen where there is a GPU.
    """

    class_paths: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    sys_path: tuple[str, ...] = ()
    rehearse: bool = False


@dataclass(frozen=True)
class Launch:
    """Coordinator to fork server: start an attempt.

    `task` is fit, probe, check, hints, describe, test, dry or close; `folder` the trial's;
    `address` and `token` admit the attempt to the channel; `threads` are torch's; `gpus` the GPUs
    that it may see (None leaves them); `memory_share` the part of the host's memory that it may
    take, `gpu_share` that of each GPU's.
    """

    attempt: str
    task: str
    folder: str
    address: str
    token: str
    threads: int
    gpus: tuple[str, ...] | None = None
    memory_share: float = 1.0
    gpu_share: float = 1.0


@dataclass(frozen=True)
class Ready:
    """Fork server to coordinator: the imports are done; `culprit` is the module that brought CUDA
    up when it was imported, so that no fork can use a GPU."""

    culprit: str | None = None


@dataclass(frozen=True)
class Launched:
    """Fork server to coordinator: the attempt runs as process `pid`, leader of its own group."""

    attempt: str
    pid: int


@dataclass(frozen=True)
class Exited:
    """Fork server to coordinator: the process is gone. `status` is negative for a signal."""

    attempt: str
    status: int


@dataclass(frozen=True)
class Kill:
    """Coordinator to fork server: kill the attempt's process group; with `dump`, its stacks go to
    its log first."""

    attempt: str
    dump: bool = False


@dataclass(frozen=True)
class Hello:
    """Attempt to coordinator, first line of every connection."""

    token: str


@dataclass(frozen=True)
class Started:
    """Attempt to coordinator: everything is built; what the trial really uses.

    `fixed_accumulation` says why no other accumulation is possible; None where it is.
    `has_batch_norm` says that a batch of one sample cannot be trained on.
    """

    max_epochs: int | None
    micro_batch: int | None
    accumulation: int
    effective_batch: int | None
    fixed_accumulation: str | None = None
    has_batch_norm: bool = False


@dataclass(frozen=True)
class Measured:
    """Attempt to coordinator, when a fit begins and when it ends: what the trial takes so far.

    `parameters` counts all of the model's, `epoch_time` is the median of its epochs in seconds,
    `peak_memory` bytes of the device, or of the process where there is none; earlier attempts up
    to the checkpoint included. None where there is nothing to measure yet.
    """

    parameters: int | None = None
    epoch_time: float | None = None
    peak_memory: int | None = None


@dataclass(frozen=True)
class Reported:
    """Attempt to coordinator: one value of the metric of its curve; a verdict must answer it."""

    step: int
    epoch: int
    value: float


@dataclass(frozen=True)
class Stepped:
    """Attempt to coordinator, at most once a second: training or validation has made a step."""


@dataclass(frozen=True)
class Verdict:
    """Coordinator to attempt: the answer to the report of `step`."""

    step: int
    prune: bool


@dataclass(frozen=True)
class Stop:
    """Coordinator to attempt: save what there is and end as interrupted."""


@dataclass(frozen=True)
class Ended:
    """Attempt to coordinator, last line of a fit or a probe that could still speak.

    `value` is the objective of a trial that is done, `message` one line, `traceback` the whole,
    `metrics` every metric that counts at the validation whose checkpoint is kept.
    """

    cause: str
    value: float | None = None
    message: str | None = None
    traceback: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Probed:
    """Attempt to coordinator: the largest micro-batch that really ran, and the sizes run."""

    micro_batch: int
    tried: tuple[int, ...]


@dataclass(frozen=True)
class Checked:
    """Attempt to coordinator: the result of a preflight.

    `problems` are complete lines without the file's name. `memory_paths` are the searched paths
    whose value changes how much memory a batch takes. `batch_size_path` is where a micro-batch is
    written, `batch_size` the one that was used. `samples` counts those to train on, `drops_last`
    and `limit` are as in `micro_batches.Epoch`. `gpus` lists usable devices, the one with most free
    memory first. `modules` are what the training step imported. `leaves_epoch_ends` says that
    validations may lie elsewhere than at the ends of epochs, `at_epoch_ends` that training alone
    logs what counts, `validates` whether there are validations; `notes` are lines for the user.
    """

    problems: tuple[str, ...] = ()
    memory_paths: tuple[str, ...] = ()
    batch_size_path: str | None = None
    batch_size: int | None = None
    samples: int | None = None
    drops_last: bool = False
    limit: int | float | None = None
    gpus: tuple[str, ...] = ()
    gpus_a_trial: int = 0
    gpus_are_named: bool = False
    modules: tuple[str, ...] = ()
    leaves_epoch_ends: bool = False
    at_epoch_ends: bool = False
    validates: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hints:
    """Attempt to coordinator: the ranges that the annotations of the study's classes bring along.

    `ranges` maps full paths to what a study file would say of them; `problems` are complete lines
    without the file's name.
    """

    ranges: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Described:
    """Attempt to coordinator: what plain LightningCLI needs for the configuration of a trial.

    `lightning` is the package of the model; `has_subcommand` whether the CLI is told to `fit`;
    `keeps_checkpoint` whether it already keeps the checkpoint of the objective; `threads` are the
    CPU threads that the trial trained with, None where its checkpoint does not say. `loggers` are
    those of the study in LightningCLI's form, none where the default will do.
    """

    lightning: str = ""
    has_subcommand: bool = True
    keeps_checkpoint: bool = False
    threads: int | None = None
    loggers: tuple[dict[str, Any], ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Tested:
    """Attempt to coordinator: what the test loop logged; `values` as text, so that NaN travels."""

    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class DryRun:
    """Attempt to coordinator: what a dry trial of a few batches showed.

    `value` is that of `metric` at its validation: the objective, or the first of all that count
    that is not finite; `digest` is of its weights. It ran `train_batches` and
    `val_batches`, in `train_batch_s` and `val_batch_s` seconds each, after `begin_s` seconds of
    building and loading, and saved `checkpoint_bytes` in `save_s`. A full trial has `trial_epochs`,
    `trial_train_batches` and `trial_val_batches` (None: not known), and ends after `trial_max_s`
    at the latest. `peak_memory_bytes` are of `device` (cpu: the process), which has `memory_bytes`.
    `checkpoint_problem` is why the checkpoint could not be gone on from, `resumption` a line where
    a trial that goes on from one may not end as it would have.
    """

    metric: str
    value: float | None
    digest: str
    train_batches: int
    val_batches: int
    begin_s: float
    train_batch_s: float
    val_batch_s: float
    save_s: float
    checkpoint_bytes: int
    device: str
    peak_memory_bytes: int
    memory_bytes: int
    trial_epochs: int | None = None
    trial_train_batches: int | None = None
    trial_val_batches: int | None = None
    trial_max_s: float | None = None
    checkpoint_problem: str | None = None
    resumption: str | None = None


Message = (
    Preload
    | Launch
    | Ready
    | Launched
    | Exited
    | Kill
    | Hello
    | Started
    | Measured
    | Reported
    | Stepped
    | Verdict
    | Stop
    | Ended
    | Probed
    | Checked
    | Hints
    | Described
    | Tested
    | DryRun
)


def _kind(cls: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


_CLASSES: dict[str, Callable[..., Message]] = {_kind(cls): cls for cls in Message.__args__}


def encode(message: Message) -> bytes:
    """One line of strict JSON; numbers that JSON cannot hold travel as strings."""
    body = {key: _plain(value) for key, value in asdict(message).items()}
    return json.dumps({"kind": _kind(type(message)), **body}, allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line.

    Raises:
        ValueError: the line is no JSON object, of an unknown kind, or has other fields.
    """
    try:
        tree = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    kind = tree.pop("kind", None) if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind not in _CLASSES:
        raise ValueError("not a message of this channel")
    cls = _CLASSES[kind]
    try:
        message = cls(**{key: _restored(value) for key, value in tree.items()})
    except TypeError as error:
        raise ValueError(str(error)) from error
    for spec in fields(message):
        value = _checked(str(spec.type), getattr(message, spec.name))
        object.__setattr__(message, spec.name, value)
    return message


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not abs(value) < float("inf"):
        return repr(value)
    return value


def _restored(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _checked(wanted: str, value: Any) -> Any:
    """The value of a field whose annotation is `wanted`.

    Raises:
        ValueError: it is of another type.
    """
    if value is None and wanted.endswith("| None"):
        return None
    wanted = wanted.removesuffix(" | None")
    if wanted.startswith("tuple"):
        member = wanted[len("tuple[") : -len(", ...]")]
        if not isinstance(value, tuple):
            raise ValueError(f"wanted {wanted}, got {type(value).__name__}")
        return tuple(_checked(member, each) for each in value)
    if wanted == "int | float" and type(value) in (int, float):
        return value
    if wanted == "float" and type(value) in (int, str):
        # numbers that JSON cannot hold travel as their names
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError("a number too large") from error
    if type(value).__name__ != wanted.partition("[")[0]:
        raise ValueError(f"wanted {wanted}, got {type(value).__name__}")
    return value
