"""The answers of attempts that are asked one question: messages that end an attempt.

A problem is a complete line for the user, without the name of what was asked about.
"""

from __future__ import annotations

import msgspec

from search.messages import Message

# kinds of arguments
FLOAT = "float"
INT = "int"
BOOL = "bool"
CHOICE = "choice"
TEXT = "text"
OTHER = "other"
# the annotation of an argument that makes the module's optimizer
OPTIMIZER_CALLABLE = "OptimizerCallable"
# the annotation of a group of Hydra's configuration, of one whose options do not have the same
# arguments, and of one whose options are the same but for their values
GROUP = "config group"
UNEVEN_GROUP = "config group of unlike options"
GROUP_OF_VALUES = "config group of values"
# the annotation of an option that takes several values at once, and of one that is given again
LIST = "list"
REPEATED = "repeated option"

Plain = str | int | float | bool | None


class Answer(Message, frozen=True, kw_only=True):
    """Base of all answers; one with problems holds nothing else."""

    problems: tuple[str, ...] = ()
    """Complete lines."""


class Checked(Answer, frozen=True, kw_only=True):
    """Facts that the preflight found."""

    memory_paths: tuple[str, ...] = ()
    """Searched paths whose value changes how much memory a batch takes."""
    reshaping_paths: tuple[str, ...] = ()
    """Searched paths whose value changes the shapes of the model's state, or what has one."""
    batch_size_path: str | None = None
    """Path at which a micro-batch is written; None if nothing takes one."""
    batch_size: int | None = None
    """Micro-batch that was used."""
    samples: int | None = None
    """Samples to train on; None where nobody can count them."""
    drops_last: bool = False
    """As in `micro_batches.Epoch`."""
    limit: int | float | None = None
    """As in `micro_batches.Epoch`."""
    in_batches: dict[str, int] = msgspec.field(default_factory=dict)
    """Arguments of the Trainer that count batches."""
    in_steps: dict[str, int] = msgspec.field(default_factory=dict)
    """Limits of the Trainer that count steps of the optimizer."""
    fixed_accumulation: str | None = None
    """As in `Started`."""
    has_batch_norm: bool = False
    """True where a model of the study may have a layer of batch norm."""
    accumulation: int = 1
    """Micro-batches of one step of the optimizer, where that is not searched."""
    gpus: tuple[str, ...] = ()
    """Usable devices, the one with most free memory first."""
    gpu_free_bytes: tuple[int, ...] = ()
    """Free memory of each of them; empty where nobody can tell, as of parts of a GPU."""
    gpus_a_trial: int = 0
    """GPUs that one trial takes; 0 where it takes none."""
    gpus_are_named: bool = False
    """True where the study file says which."""
    takes_all_gpus: bool = False
    """True where it takes those that it sees, however many, if it takes any."""
    modules: tuple[str, ...] = ()
    """Modules that the training step imported."""
    sources: tuple[str, ...] = ()
    """Files of the loaded modules that are neither Python's nor of an installed package."""
    leaves_epoch_ends: bool = False
    """True where validations may lie elsewhere than at the ends of epochs."""
    at_epoch_ends: bool = False
    """True where training alone logs what counts."""
    validates: bool = True
    """True where there are validations."""
    notes: tuple[str, ...] = ()
    """Lines for the user that are no problems."""
    defaults: dict[str, Plain] = msgspec.field(default_factory=dict)
    """Values that searched paths have by themselves where the configuration gives none."""
    fits: int = 1
    """Fits of a script."""
    loader_processes: int = 0
    """Processes that load the batches of a process that trains."""
    processes_a_trial: int = 1
    """Processes that train one trial, of which one was timed."""
    is_timed: bool = True
    """False where timing failed; a note says how."""
    step_s: dict[int, float] = msgspec.field(default_factory=dict)
    """As in `Timed`."""
    memory_bytes: int = 0
    """As in `Timed`."""
    gpu_memory_bytes: int = 0
    """As in `Timed`."""
    gpu_busy: float | None = None
    """As in `Timed`."""


class Timed(Answer, frozen=True, kw_only=True):
    """Measurements of a few training steps, by which trials share a machine."""

    step_s: dict[int, float] = msgspec.field(default_factory=dict)
    """Seconds of a step by the number of threads; empty where there is nothing to compare."""
    memory_bytes: int = 0
    """Memory of the host that the process and those that loaded its batches took for themselves; 0
    where nothing was measured."""
    gpu_memory_bytes: int = 0
    """Memory of its GPU that the process took; 0 where it used none."""
    gpu_busy: float | None = None
    """Part of the time in which the GPU computed; None where the driver does not tell."""


class AnnotatedRanges(Answer, frozen=True, kw_only=True):
    """The ranges that the annotations of the study's classes bring along."""

    ranges: dict[str, object] = msgspec.field(default_factory=dict)
    """Full paths, each with what a study file would say of it."""


class ExportFacts(Answer, frozen=True, kw_only=True):
    """Facts that plain LightningCLI, or a script, needs for the configuration of a trial."""

    lightning: str = ""
    """Package of the model: lightning.pytorch or pytorch_lightning."""
    has_subcommand: bool = True
    """True where the CLI is told to `fit`."""
    keeps_checkpoint: bool = False
    """True where the configuration already keeps the checkpoint of the objective."""
    threads: int | None = None
    """CPU threads that the trial trained with; None where its checkpoint does not say."""
    loggers: tuple[dict[str, object], ...] = ()
    """Loggers of the study in LightningCLI's form; empty where the default will do."""
    needs_seed: bool = False
    """True for a script that may draw random numbers before it seeds everything itself."""
    follows_seed: bool = True
    """False for a script that draws the same whatever the seed of the trial."""
    runs_summary: bool = False
    """True for a script whose Trainer would run the model for its summary."""


class LoggedMetrics(Answer, frozen=True, kw_only=True):
    """The metrics that the test loop logged."""

    metrics: dict[str, float] = msgspec.field(default_factory=dict)
    """Values by name, in the order in which they were logged."""


class DryRun(Answer, frozen=True, kw_only=True):
    """Facts that a dry trial of a few batches showed."""

    metric: str
    """The objective, or the first of all metrics that count that is not finite."""
    value: float | None
    """Its value at the validation of the dry trial."""
    digest: str
    """Checksum of the weights."""
    train_batches: int
    """Batches that were trained on."""
    val_batches: int
    """Batches that were validated on."""
    begin_s: float
    """Seconds of building and loading."""
    train_batch_s: float
    """Seconds of one batch to train on."""
    val_batch_s: float
    """Seconds of one batch to validate on."""
    save_s: float
    """Seconds that a checkpoint took to save."""
    checkpoint_bytes: int
    """Size of that checkpoint."""
    device: str
    """Device that was trained on."""
    peak_memory_bytes: int
    """Most memory that was taken of the device, or by the process on a CPU."""
    memory_bytes: int
    """Memory that the device or the machine has."""
    trial_epochs: int | None = None
    """Epochs of a full trial; None where not known, as below."""
    trial_train_batches: int | None = None
    """Batches to train on of an epoch of a full trial."""
    trial_val_batches: int | None = None
    """Batches to validate on of an epoch of a full trial."""
    trial_max_s: float | None = None
    """Seconds after which a full trial ends at the latest."""
    checkpoint_problem: str | None = None
    """Reason why training did not go on from the checkpoint; None where it did."""
    resumption: str | None = None
    """Line where a trial that goes on from a checkpoint may not end as it would have."""


class Argument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One argument of a class that a study file could search."""

    path: str
    """Full path in the study file."""
    kind: str
    """Kind of the values that it takes."""
    value: Plain = None
    """Value of the configuration, else the default; None where neither is finite and plain."""
    items: tuple[Plain, ...] | None = None
    """Values that it has now, where it takes several; None where it takes one."""
    choices: tuple[Plain, ...] = ()
    """Values of a choice, or the words that the source knows of a text."""
    hint: dict[str, object] | None = None
    """Range of its annotation, as a study file would say it."""
    low: float | None = None
    """Least value that its parser takes; None where it takes any."""
    high: float | None = None
    """Greatest value that its parser takes; None where it takes any."""
    annotation: str = ""
    """Its type as text."""
    is_required: bool = False
    """True where it has no value at all."""
    is_linked: bool = False
    """True where another argument sets it."""
    is_foreign: bool = False
    """True where its class is of torch or Lightning."""
    instead: str | None = None
    """Section that stands in for the only method that reads it."""

    @property
    def name(self) -> str:
        """Name as Python spells it: that of `--hidden-dim` is hidden_dim, as is its attribute."""
        last = self.path.rpartition(".")[2]
        # a flag may have its opposite behind it, a group of Hydra's the group around it before it
        word = last.partition("/")[0] if last.startswith("-") else last.rpartition("/")[2]
        return word.lstrip("-").replace("-", "_")

    def of_kind(self, kind: str) -> Argument:
        """The same argument, if it took values of another kind."""
        return msgspec.structs.replace(self, kind=kind)

    @property
    def parent(self) -> str:
        """Path of the mapping that the argument stands in."""
        return self.path.rpartition(".")[0]


class Monitor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that a callback of the configuration watches."""

    metric: str
    """Name of the metric."""
    mode: str
    """min or max."""


class Description(Answer, frozen=True, kw_only=True):
    """Facts about the user's classes, of which a study file is proposed."""

    arguments: tuple[Argument, ...] = ()
    """Every argument of every class of the configuration."""
    logged: tuple[str, ...] = ()
    """Names that the module logs at a validation, in the order of its source."""
    monitors: tuple[Monitor, ...] = ()
    """Metrics that callbacks watch."""
    lacks_data: bool = False
    """True where neither the module nor a data module has batches to train on."""
    commands: tuple[str, ...] = ()
    """Command of a script that takes the arguments, and the ones above it first."""
    guessed_from: tuple[str, ...] = ()
    """Commands of a script by whose names nobody can tell the one that trains."""
    before_command: tuple[Argument, ...] = ()
    """Options of a script that stand before its command."""
    is_hydra: bool = False
    """True where Hydra reads the command line of a script."""
    hydra_overrides: tuple[str, ...] = ()
    """Overrides without which Hydra would run several jobs."""
