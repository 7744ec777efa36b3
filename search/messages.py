"""The messages of the channel, of the fork server's pipes and of executors, and the causes why an
attempt ends.

All planes share these and nothing else of each other; `wire` makes lines of them. The name of a
message's class in snake_case is its `kind` on the wire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

# causes why an attempt ended
DONE = "done"
PRUNED = "pruned"
PAUSED = "paused"
INFEASIBLE = "infeasible"
DIVERGED = "diverged"
OOM = "oom"
KILLED = "killed"
LOST = "lost"
HUNG = "hung"
INTERRUPTED = "interrupted"
ERROR = "error"
# those that a rank gives, if it speaks at all, when another rank has left it
ECHOES = (ERROR, KILLED, INTERRUPTED)


def _kind(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=_kind):
    """Base of all messages: immutable, compared by their fields."""


class Preload(Message, frozen=True):
    """Coordinator to fork server: import this before the next fork."""

    class_paths: tuple[str, ...] = ()
    """Dotted names of the study's classes."""
    modules: tuple[str, ...] = ()
    """Modules that those classes import only when they are used."""
    sys_path: tuple[str, ...] = ()
    """Folders that come before the rest of the import path."""
    warm_up: bool = False
    """True lets a waiting attempt train a toy, which must not happen where there is a GPU."""


class Expect(Message, frozen=True):
    """Coordinator to fork server: so many attempts will be started at once."""

    attempts: int


class Launch(Message, frozen=True):
    """Coordinator to fork server: start an attempt."""

    attempt: str
    """Name of the attempt, never used before in its executor."""
    task: str
    """One of those that `trial.attempt.run_launched` knows."""
    folder: str
    """Folder of the trial, or of the question."""
    address: str
    """Socket of the channel."""
    token: str
    """Secret that admits the attempt to the channel, once."""
    threads: int
    """CPU threads of torch."""
    gpus: tuple[str, ...] | None = None
    """GPUs that the attempt may see; None leaves them as they are."""
    memory_share: float = 1.0
    """Part of the host's memory that it may take."""
    gpu_share: float = 1.0
    """Part of the memory of each GPU that it may take."""
    fence: str = ""
    """Text in the trial's folder for as long as the trial is this attempt's; empty where no other
    could take it."""
    variables: dict[str, str] = {}
    """Variables of its environment by which ranks on several machines find each other."""


class Ready(Message, frozen=True):
    """Fork server to coordinator: the imports of a `Preload` are done."""

    culprit: str | None = None
    """Module that brought CUDA up when it was imported, so that no fork can use a GPU."""


class Launched(Message, frozen=True):
    """Fork server to coordinator: the attempt runs."""

    attempt: str
    """Name of the attempt."""
    pid: int
    """Its process, leader of its own group."""
    node: str = ""
    """Name of the machine that it runs on; empty for that of the coordinator."""
    boot_id: str = ""
    """Boot session of that machine; empty as `node`."""


class Exited(Message, frozen=True):
    """Fork server to coordinator: the process of an attempt is gone, or can write no more."""

    attempt: str
    """Name of the attempt."""
    status: int
    """Exit status; negative for a signal."""
    memory_ran_out: bool = False
    """True where the kernel of its machine killed a process for memory meanwhile."""
    lost: str | None = None
    """What became of its machine, in words; None where the process itself ended."""


class Kill(Message, frozen=True):
    """Coordinator to fork server: kill the process group of an attempt."""

    attempt: str
    """Name of the attempt."""
    dump: bool = False
    """True writes the stacks of its threads to its log first."""


class Hello(Message, frozen=True):
    """Attempt to coordinator: first line of every connection."""

    token: str
    """Secret of the `Launch`."""


class Started(Message, frozen=True):
    """Attempt to coordinator: everything is built; this is what the trial really uses."""

    max_epochs: int | None
    """Epochs of the Trainer; None without a bound."""
    micro_batch: int | None
    """Samples of one forward pass on one device; None where nothing says it."""
    accumulation: int
    """Micro-batches of one optimizer step."""
    effective_batch: int | None
    """Samples of one optimizer step on all devices; None as `micro_batch`."""
    fixed_accumulation: str | None = None
    """Reason why no other accumulation is possible; None where one is."""
    has_batch_norm: bool = False
    """True where a batch of one sample cannot be trained on."""
    in_batches: dict[str, int] = {}
    """Arguments of the Trainer that count batches."""

    @property
    def sizes(self) -> dict[str, int | None]:
        """The sizes of its batches by name."""
        return {
            "micro_batch": self.micro_batch,
            "accumulation": self.accumulation,
            "effective_batch": self.effective_batch,
        }


class StartSettled(Message, frozen=True):
    """Rank 0 to its agent, where a trial has ranks on several machines: the checkpoint that it
    begins from is whole and in its place, and other ranks may look for it."""

    checkpoint: str
    """Name of its file, and the time when it was written; empty where it begins anew."""


class Measured(Message, frozen=True):
    """Attempt to coordinator, when a fit begins and when it ends: what the trial takes so far,
    earlier attempts up to the checkpoint included; None where nothing is measured yet."""

    parameters: int | None = None
    """Number of all parameters of the model."""
    epoch_time: float | None = None
    """Median of the epochs, in seconds."""
    peak_memory: int | None = None
    """Bytes of the device, or of the process where there is none."""

    def to_tree(self) -> dict[str, int | float | None]:
        """The fields by name."""
        return msgspec.structs.asdict(self)


class Reported(Message, frozen=True):
    """Attempt to coordinator: one value of a trial's curve; a verdict must answer it."""

    step: int
    """Step of the curve, in the unit of the study."""
    epoch: int
    """Epoch of the Trainer, for who looks."""
    value: float
    """Value of the metric."""


class Stepped(Message, frozen=True):
    """Attempt to coordinator, at most once a second: training or validation has made a step."""


class LoopEnded(Message, frozen=True):
    """Attempt to coordinator: a fit or a test of a script has ended. The script works on by
    itself, and makes no steps before the next one."""


class Saved(Message, frozen=True):
    """Attempt to coordinator, after its first checkpoint, and after one that took twice or half as
    long as the one before."""

    every_s: float
    """Seconds of training after which the next one is written, at the end of an epoch."""
    epoch: int
    """Epochs behind the one that was written."""


class Verdict(Message, frozen=True):
    """Coordinator to attempt: the answer to a report."""

    step: int
    """Step of the report."""
    prune: bool
    """True ends the trial."""
    pause: bool = False
    """True ends the attempt once its epoch is over and saved; the trial may go on later."""
    is_judged: bool = True
    """False where nothing judges the study: later reports need not wait for their answer."""


class Stop(Message, frozen=True):
    """Coordinator to attempt: save what there is and end as interrupted."""


class Ended(Message, frozen=True):
    """Attempt to coordinator: last line of an attempt that has no answer, or none yet."""

    cause: str
    """One of the causes above."""
    value: float | None = None
    """Value of the objective, of a trial that is done."""
    message: str | None = None
    """Reason in one line."""
    traceback: str | None = None
    """Whole traceback."""
    metrics: dict[str, float] = msgspec.field(default_factory=dict)
    """Every metric that counts, at the validation whose checkpoint is kept."""


class Leaving(Message, frozen=True):
    """Attempt to coordinator: its process has done all that it does, and holds no device; it is
    gone once the kernel has taken its memory down."""

    status: int
    """Exit status that it will have."""


class Probed(Message, frozen=True):
    """Attempt to coordinator: the result of a probe."""

    micro_batch: int
    """Largest micro-batch that really ran."""
    tried: tuple[int, ...]
    """Sizes that were run."""


@dataclass(frozen=True)
class Slot:
    """The resources of one attempt."""

    threads: int
    """CPU threads."""
    gpus: tuple[str, ...] | None = None
    """GPUs that it may see, as CUDA_VISIBLE_DEVICES names them; None: all that are there."""
    memory_share: float = 1.0
    """Part of the host's memory that is its own."""
    gpu_share: float = 1.0
    """Part of the memory of each GPU that is its own."""
    agent: str = ""
    """Name of the agent on another machine that has it; empty for this machine."""


class SlotOpened(Message, frozen=True):
    """Executor to coordinator: an attempt may be started in a slot."""

    slot: Slot


class SlotClosing(Message, frozen=True):
    """Executor to coordinator: no attempt can be started in a slot any more; one that runs there
    was told to save and to end."""

    why: str
    """Reason in words that follow "waiting for a slot: "."""


class SlotClosed(Message, frozen=True):
    """Executor to coordinator: a slot is there no more; the end of an attempt in it was told, or
    is next."""

    why: str
    """Reason in words that follow "waiting for a slot: "."""
