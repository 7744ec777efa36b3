"""The configuration of a trial, its `config.yaml`: read and written here alone.

What LightningCLI reads of it stays as LightningCLI takes it; everything else has a type.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from search.errors import StudyFileError
from search.plain.tree import Tree
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml, read_yaml
from search.study_file.micro_batches import Epoch
from search.study_file.objective import Objective
from search.study_file.outcome_constraints import OutcomeConstraint, parse_constraint
from search.study_file.trial_facts import TrialFacts

# what every LightningCLI configuration may have; its `fit` alone knows the last two
LIGHTNING_SECTIONS = (
    "seed_everything",
    "trainer",
    "model",
    "data",
    "optimizer",
    "lr_scheduler",
    "ckpt_path",
    "weights_only",
)
# what the file has besides, for this tool alone
_OWN_SECTIONS = (
    "cli",
    "objective",
    "watched",
    "batch",
    "preflight",
    "dry",
    "logger",
    "trial",
    "finalist",
)
# true where the seed of the trial is that of a script's own calls of seed_everything, too
SEEDS_SCRIPT = "seeds_script"
# what a script has in the place of sections
_OF_SCRIPTS = (
    "script",
    "arguments",
    "hydra",
    "fit",
    "fits",
    "batch_argument",
    SEEDS_SCRIPT,
    "folder",
)


@dataclass(frozen=True)
class CliClasses:
    """The user's own LightningCLI."""

    # `module:name` of the class, or of a function that makes one
    name: str
    # the classes that it is made with, where its configurations give bare arguments
    model: str | None = None
    data: str | None = None


@dataclass(frozen=True)
class ScriptRun:
    """The user's own script, and the place where it is looked at; or a function of theirs, which
    takes its arguments and makes model and data."""

    # one of the three
    path: str | None = None
    module: str | None = None
    build: str | None = None
    # on its command line, or given to the function
    arguments: Tree = field(default_factory=dict)
    # Hydra's overrides; None for a script without Hydra
    overrides: tuple[str, ...] | None = None
    # the number of the fit that counts, from 1; None for the last, which is the first until
    # somebody has counted them
    fit: int | None = None
    # the fits that the preflight has counted; None where the study file says which one counts
    fits: int | None = None
    # the argument that takes the micro-batch
    batch_argument: str | None = None
    # of its own calls of seed_everything; None leaves them theirs
    seed: int | None = None
    # of the attempt that runs it, which alone knows it
    folder: Path | None = None

    @property
    def name(self) -> str:
        """The script, as messages call it."""
        return self.path or self.build or f"python -m {self.module}"

    @property
    def micro_batch(self) -> int | None:
        """The micro-batch that its command line names; None where the script chooses it."""
        size = None if self.batch_argument is None else self.arguments.get(self.batch_argument)
        return size if type(size) is int else None

    def with_micro_batch(self, size: int) -> ScriptRun:
        """The script with another micro-batch on its command line."""
        assert self.batch_argument is not None
        return replace(self, arguments={**self.arguments, self.batch_argument: size})

    @staticmethod
    def from_tree(tree: Mapping[str, Any]) -> ScriptRun | None:
        """Read the sections of a script; None where there is none."""
        if tree.get("script") is None:
            return None
        hydra = tree.get("hydra")
        return ScriptRun(
            **tree["script"],
            arguments=dict(tree.get("arguments") or {}),
            overrides=None if hydra is None else tuple(hydra["overrides"]),
            fit=tree.get("fit"),
            fits=tree.get("fits"),
            batch_argument=tree.get("batch_argument"),
            seed=tree.get("seed_everything") if tree.get(SEEDS_SCRIPT) else None,
            folder=Path(tree["folder"]) if tree.get("folder") else None,
        )

    def to_tree(self) -> Tree:
        """The tree that `from_tree` reads back."""
        named = {"path": self.path, "module": self.module, "build": self.build}
        tree: Tree = {"script": _without_none(named), "arguments": dict(self.arguments)}
        if self.overrides is not None:
            tree["hydra"] = {"overrides": list(self.overrides)}
        if self.seed is not None:
            tree[SEEDS_SCRIPT] = True
        others = {"fit": self.fit, "fits": self.fits, "batch_argument": self.batch_argument}
        return _without_none({**tree, **others})


@dataclass(frozen=True, kw_only=True)
class LightningSections:
    """The sections that LightningCLI reads, each as it takes it; None where there is none.

    A section of a class has `class_path` and `init_args`; with `cli` it may be bare arguments.
    """

    # the script that takes the place of the sections of classes
    script: ScriptRun | None = None
    # the CLI that reads the sections; None for Lightning's own
    cli: CliClasses | None = None
    seed_everything: int | bool | None = None
    trainer: Tree = field(default_factory=dict)
    model: Tree | None = None
    data: Tree | None = None
    optimizer: Tree | None = None
    lr_scheduler: Tree | None = None
    # a checkpoint whose weights the trial starts from
    ckpt_path: str | None = None
    weights_only: bool | None = None
    # sections that only the user's own CLI knows
    others: Tree = field(default_factory=dict)

    @property
    def model_class(self) -> str | None:
        """The class of the model, or what makes one; None for bare arguments."""
        return None if self.model is None else self.model.get("class_path")

    @property
    def data_class(self) -> str | None:
        """The class of the data; None for bare arguments."""
        return None if self.data is None else self.data.get("class_path")

    @staticmethod
    def from_tree(tree: Mapping[str, object]) -> LightningSections:
        """Read the sections of a tree; those that are this tool's are left out."""
        given: Tree = {key: tree[key] for key in LIGHTNING_SECTIONS if tree.get(key) is not None}
        script = ScriptRun.from_tree(tree)
        known = (*LIGHTNING_SECTIONS, *_OWN_SECTIONS, *(_OF_SCRIPTS if script else ()))
        others = {key: value for key, value in tree.items() if key not in known}
        if tree.get("cli"):
            given["cli"] = CliClasses(**tree["cli"])  # type: ignore[arg-type]
        return LightningSections(**given, script=script, others=others)

    def to_tree(self) -> Tree:
        """The tree that `from_tree` reads back."""
        tree = {"cli": _without_none(asdict(self.cli))} if self.cli else {}
        if self.script is not None:
            tree |= self.script.to_tree()
        return tree | self.lightning_tree()

    def lightning_tree(self) -> Tree:
        """The configuration that LightningCLI itself reads, copied."""
        given = {key: getattr(self, key) for key in LIGHTNING_SECTIONS}
        return copy.deepcopy({**_without_none(given), **self.others})


@dataclass(frozen=True)
class Watched:
    """The metrics and resources that an attempt looks at."""

    # the metric of the curve
    reported: str
    # each logged metric that counts -> its place in the study file
    metrics: Mapping[str, str]
    # bounds on what a trial may have in parameters
    limits: tuple[OutcomeConstraint, ...] = ()
    # the objectives that are measured, not logged
    resources: tuple[str, ...] = ()

    @staticmethod
    def alone(objective: Objective) -> Watched:
        """Watch the metric of one objective and nothing else."""
        return Watched(objective.metric, {objective.metric: "objective.metric"})

    @staticmethod
    def from_tree(tree: Tree) -> Watched:
        """Read what `to_tree` wrote."""
        return Watched(
            reported=tree["reported"],
            metrics=tree["metrics"],
            limits=tuple(parse_constraint(text) for text in tree["limits"]),
            resources=tuple(tree["resources"]),
        )

    def to_tree(self) -> Tree:
        """The tree that `from_tree` reads back."""
        return {
            "reported": self.reported,
            "metrics": dict(self.metrics),
            "limits": [str(each) for each in self.limits],
            "resources": list(self.resources),
        }


@dataclass(frozen=True)
class ProbedBatch:
    """The search for the largest micro-batch."""

    # binsearch or power
    auto_scale: str
    # the largest size to try; None for the probe's own limit
    max: int | None = None
    epoch: Epoch = field(default_factory=Epoch)

    @staticmethod
    def from_tree(tree: Tree) -> ProbedBatch:
        """Read what `dataclasses.asdict` wrote."""
        return ProbedBatch(**{**tree, "epoch": Epoch(**tree.get("epoch", {}))})


@dataclass(frozen=True)
class DryBatches:
    """The batches that an earlier dry trial took, for another to take as many."""

    train: int
    val: int


@dataclass(frozen=True)
class LoggerChoice:
    """A logger of the study."""

    # csv, tensorboard, wandb or mlflow
    name: str
    # Lightning's arguments for it
    options: Tree = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """A valid point for the preflight."""

    # the searched path, and the value far from the others that it has there
    path: str
    value: object
    # the whole configuration of the point
    sections: LightningSections


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """The complete configuration of a trial, or of an attempt before any trial."""

    sections: LightningSections
    objective: Objective
    watched: Watched
    logger: tuple[LoggerChoice, ...] = ()
    trial: TrialFacts = field(default_factory=TrialFacts)
    # for a batch-size probe
    batch: ProbedBatch | None = None
    # for the preflight: a point for each far value of each searched path
    preflight: tuple[Variant, ...] = ()
    # for the second of two dry trials
    dry: DryBatches | None = None

    @staticmethod
    def from_tree(tree: Tree) -> TrialConfig:
        """Read what `to_tree` wrote.

        Raises:
            KeyError, TypeError, AttributeError: it did not.
        """
        objective = Objective(**tree["objective"])
        watched, batch, dry = tree.get("watched"), tree.get("batch"), tree.get("dry")
        return TrialConfig(
            sections=LightningSections.from_tree(tree),
            objective=objective,
            watched=Watched.from_tree(watched) if watched else Watched.alone(objective),
            logger=tuple(
                LoggerChoice(each["name"], {key: each[key] for key in each if key != "name"})
                for each in tree.get("logger", ())
            ),
            trial=TrialFacts.from_tree(tree.get("trial", {})),
            batch=ProbedBatch.from_tree(batch) if batch else None,
            preflight=tuple(
                Variant(each["path"], each["value"], LightningSections.from_tree(each["sections"]))
                for each in tree.get("preflight", ())
            ),
            dry=DryBatches(**dry) if dry else None,
        )

    def to_tree(self) -> Tree:
        """The tree of the file; what says no more than its absence is left out."""
        tree = self.sections.to_tree()
        tree["objective"] = asdict(self.objective)
        if self.watched != Watched.alone(self.objective):
            tree["watched"] = self.watched.to_tree()
        tree["logger"] = [{"name": each.name, **each.options} for each in self.logger]
        if self.trial != TrialFacts():
            tree["trial"] = self.trial.to_tree()
        if self.batch is not None:
            tree["batch"] = asdict(self.batch)
        if self.preflight:
            tree["preflight"] = [
                {"path": each.path, "value": each.value, "sections": each.sections.to_tree()}
                for each in self.preflight
            ]
        if self.dry is not None:
            tree["dry"] = asdict(self.dry)
        return tree

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_whole(path, dump_yaml(self.to_tree()))


def read_trial_config(path: Path) -> TrialConfig:
    """The configuration in a file.

    Raises:
        StudyFileError: one line; the file cannot be read, or is of no trial.
    """
    tree = read_yaml(path)
    try:
        return TrialConfig.from_tree(tree)
    except (KeyError, TypeError, AttributeError) as error:
        raise StudyFileError(
            [f"{path}: is no configuration of a trial. Restore it from a copy."]
        ) from error


def read_sections(path: Path) -> LightningSections:
    """The sections of a file that LightningCLI reads.

    Raises:
        StudyFileError: one line; the file cannot be read.
    """
    return LightningSections.from_tree(read_yaml(path))


def _without_none(tree: Tree) -> Tree:
    return {key: value for key, value in tree.items() if value is not None}
