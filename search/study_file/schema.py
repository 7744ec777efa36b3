"""The study file: what to train, what to search, when to stop.

`model`, `data`, `trainer`, `optimizer`, `lr_scheduler`, `ckpt_path`, `weights_only` and
`seed_everything` are the sections of a LightningCLI configuration and stay exactly those; with
`cli` there may be more of them. The rest is ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
)

from search.plain.shares import parse_share
from search.plain.tree import ARGUMENTS, as_mapping
from search.plain.yaml import shown
from search.space.distributions import Distribution, Hinted
from search.space.notation import parse_distribution
from search.space.paths import EFFECTIVE
from search.space.points import Points
from search.space.spelling import Spelling
from search.study_file.batch_section import Batch
from search.study_file.budget_section import Budget
from search.study_file.cluster_sections import On, Resources
from search.study_file.lightning_sections import (
    ClassSection,
    Cli,
    OptimizerSection,
    cli_tree,
    loads_weights_only,
    weights_file,
)
from search.study_file.objective import Objective
from search.study_file.other_words import (
    LOGGER_WORDS,
    PRUNER_WORDS,
    SAMPLER_WORDS,
    SCHEDULER_WORDS,
)
from search.study_file.outcome_constraints import parse_constraint
from search.study_file.problems import Unknown
from search.study_file.scripts import (
    ArgumentsSection,
    FitNumber,
    HydraSection,
    ScriptSection,
)
from search.study_file.trial_config import LIGHTNING_SECTIONS, SEEDS_SCRIPT

SAMPLERS = ("tpe", "gp", "random", "grid", "qmc", "cmaes", "nsgaii", "bruteforce")
PRUNERS = (
    "median",
    "hyperband",
    "successive_halving",
    "percentile",
    "threshold",
    "patient",
    "wilcoxon",
    "none",
)
SCHEDULERS = ("none", "asha", "hyperband", "thaw", "pbt")
LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")
_LEFT_OUT_EMPTY = (
    *("objectives", "outcome_constraints", "constraints", "derive", "enqueue", "audit"),
    *("warm_start", "resources"),
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Component(_Section):
    """A sampler, a pruner, a scheduler or a logger.

    name: one of those that this tool knows.
    options: Optuna's or Lightning's options for it.
    """

    name: str
    options: dict[str, Any] = {}


class Keep(_Section):
    """The checkpoints that are kept.

    top: only those of so many best trials; None keeps those of every complete one.
    """

    top: Annotated[StrictInt, Field(ge=1)] | None = None


def _component_parser(
    names: Sequence[str], other_words: Mapping[str, str]
) -> Callable[[object], Component]:
    def parse(value: object) -> Component:
        options: dict[str, Any] = {}
        match value:
            case Component():
                return value
            case str():
                given = value
            case {"name": str(given)}:
                options = {key: each for key, each in as_mapping(value).items() if key != "name"}
            case _:
                got = shown(value)
                raise ValueError(f"must be a name, or a mapping with a name and options, got {got}")
        letters = re.sub(r"[-\s_]", "", given.lower())
        name = next((each for each in names if letters == each.replace("_", "")), None)
        if name is None:
            raise Unknown(given, names, other_words)
        return Component(name=name, options=options)

    return parse


def _component(names: Sequence[str], other_words: Mapping[str, str]) -> BeforeValidator:
    return BeforeValidator(_component_parser(names, other_words))


def _components(names: Sequence[str], other_words: Mapping[str, str]) -> BeforeValidator:
    parse = _component_parser(names, other_words)

    def parse_each(value: object) -> tuple[Component, ...]:
        given = value if isinstance(value, list | tuple) else [value]
        components = tuple(parse(each) for each in given)
        for component in components:
            if sum(component.name == each.name for each in components) > 1:
                raise ValueError(f"{component.name} is named twice. Keep one of them.")
        return components

    return BeforeValidator(parse_each)


def _outcome_constraint(text: str) -> str:
    return str(parse_constraint(text))


def _each_once(words: list[str]) -> list[str]:
    for word in words:
        if not word or words.count(word) > 1:
            raise ValueError(f"names {word} twice. Keep one." if word else "must not be empty")
    return words


def _distribution_tree(distribution: Distribution | Hinted) -> object:
    return distribution.to_tree()


_Distribution = Annotated[
    Any,
    BeforeValidator(parse_distribution),
    PlainSerializer(_distribution_tree),
]


class StudyFile(_Section):
    """A valid study file; each field is the section of its name.

    objective: the one that decides which checkpoint is kept.
    objectives: all of them where there are several, else empty.
    audit: share of the condemned trials that run on to their end; 0 is none.
    finalists: complete configurations by the number of their trial; `search confirm` writes them.
    space: keyed by full paths such as `model.init_args.lr`.
    baseline: let the first trial have the values that the sections have themselves.
    warm_start: earlier studies that it learns from: names, folders, or SQLite files.
    """

    name: str
    model: ClassSection | None
    data: ClassSection | None = None
    trainer: dict[str, Any] = {}
    optimizer: OptimizerSection | None = None
    lr_scheduler: OptimizerSection | None = None
    ckpt_path: Annotated[StrictStr, AfterValidator(weights_file)] | None = None
    weights_only: Annotated[StrictBool, AfterValidator(loads_weights_only)] | None = None
    cli: Annotated[Cli, BeforeValidator(cli_tree)] | None = None
    seed_everything: StrictBool | StrictInt | None = None
    objective: Objective
    objectives: list[Objective] = []
    prune_on: StrictStr | None = None
    finalists: dict[StrictInt, dict[str, Any]] | None = None
    outcome_constraints: list[Annotated[StrictStr, AfterValidator(_outcome_constraint)]] = []
    space: Annotated[dict[str, _Distribution], Field(min_length=1)]
    constraints: list[str] = []
    derive: dict[str, str] = {}
    enqueue: list[dict[str, object]] = []
    baseline: StrictBool = True
    warm_start: Annotated[list[StrictStr], AfterValidator(_each_once)] = []
    batch: Batch = Batch()
    sampler: Annotated[Component, _component(SAMPLERS, SAMPLER_WORDS)] = Component(name="tpe")
    pruner: Annotated[Component, _component(PRUNERS, PRUNER_WORDS)] = Component(name="median")
    scheduler: Annotated[Component, _component(SCHEDULERS, SCHEDULER_WORDS)] = Component(
        name="none"
    )
    audit: Annotated[float, BeforeValidator(parse_share)] = 0.0
    logger: Annotated[tuple[Component, ...], _components(LOGGERS, LOGGER_WORDS)] = (
        Component(name="csv"),
    )
    keep: Keep = Keep()
    resources: Resources = Resources.model_validate({})
    on: On | None = None
    budget: Budget = Field(default_factory=lambda: Budget.model_validate({}))
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32)] = 42

    @field_validator("name")
    @classmethod
    def _safe_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
            raise ValueError(
                "must be letters, digits, _, - and dots, at most 100, beginning with a letter or "
                f"digit, got {name}"
            )
        return name

    @property
    def is_hinted(self) -> bool:
        """Tell whether ranges are still to be read from the annotations of the classes."""
        return any(isinstance(each, Hinted) for each in self.space.values())

    def is_probed(self, path: str) -> bool:
        """Tell whether a path is that of a micro-batch which is probed."""
        return self.batch.auto_scale != "off" and path.endswith(".batch_size")

    @property
    def has_effective(self) -> bool:
        """Tell whether the study file says the effective batch of a trial."""
        return self.batch.effective is not None or EFFECTIVE in self.space

    @property
    def judged(self) -> tuple[Objective, ...]:
        """Every objective, one or several."""
        return tuple(self.objectives) or (self.objective,)

    @property
    def trial_seed(self) -> int | bool:
        """The seed of every trial."""
        return self.seed if self.seed_everything in (None, True) else self.seed_everything

    @property
    def sections(self) -> dict[str, object]:
        """The sections of a LightningCLI configuration as the study file has them, uncopied, and
        the CLI that reads it where the study file names one."""
        given = {key: getattr(self, key) for key in ("cli", *LIGHTNING_SECTIONS)}
        if self.cli is not None:
            given["cli"] = self.cli.model_dump(exclude_none=True)
        given |= {"seed_everything": self.trial_seed, **(self.model_extra or {})}
        if self.batch.effective is not None:
            # no trial reads it; the space, expressions and the first trial do
            given["batch"] = {"effective": self.batch.effective}
        return {key: value for key, value in given.items() if value is not None}

    @cached_property
    def points(self) -> Points:
        """The points of the space, whose expressions are read once; the rules must be right."""
        spell = Spelling(self.space, self.sections)
        return Points(
            self.space,
            tuple(spell.expression(text) for text in self.constraints),
            {spell(path): spell.expression(text) for path, text in self.derive.items()},
            self.sections,
        )

    def to_tree(self) -> dict[str, Any]:
        """The study file as plain data; `parse_study_tree` reads it back."""
        tree: dict[str, Any] = self.model_dump(exclude_none=True, by_alias=True)
        for section in _LEFT_OUT_EMPTY:
            if not tree[section]:
                del tree[section]
        if tree["baseline"]:
            del tree["baseline"]
        for section in ("sampler", "pruner", "scheduler"):
            tree[section] = _flat(tree[section])
        tree["logger"] = [_flat(each) for each in tree["logger"]]
        if self.objectives:
            del tree["objective"]
            for objective in tree["objectives"]:
                if objective["metric"] != self.objective.metric:
                    del objective["value"]
        return tree


class CliStudyFile(StudyFile):
    """The study file of a project with its own LightningCLI: `model` and `data` hold what that
    takes, and so do sections that only it knows, in `model_extra`."""

    model_config = ConfigDict(extra="allow")
    model: dict[str, Any] | None = None
    data: dict[str, Any] | None = None
    optimizer: dict[str, object] | None = None
    lr_scheduler: dict[str, object] | None = None


class ScriptStudyFile(StudyFile):
    """The study file of a script: the sections of classes are not there, and `trainer` is laid over
    the arguments of the Trainer that the script makes.

    arguments: on the command line of every trial.
    fit: the number of the fit whose metric counts, from 1; None for the last.
    """

    model: None = None
    data: None = None
    optimizer: None = None
    lr_scheduler: None = None
    ckpt_path: None = None
    weights_only: None = None
    cli: None = None
    script: ScriptSection
    arguments: ArgumentsSection = {}
    hydra: HydraSection | None = None
    fit: FitNumber | None = None
    _fits: int | None = PrivateAttr(None)

    def with_last_of(self, fits: int) -> ScriptStudyFile:
        """The study file where the last of so many fits counts, if it does not say which one."""
        if self.fit is not None:
            return self
        copy = self.model_copy(update={"fit": fits})
        copy._fits = fits
        # pydantic copies what was computed of the other number
        vars(copy).pop("points", None)
        return copy

    @property
    def _chooses_seed(self) -> bool:
        """Tell whether the study file itself says what trials are seeded with, for the script's
        own calls of seed_everything as well."""
        is_given = self.seed_everything is not None and not isinstance(self.seed_everything, bool)
        return is_given or "seed_everything" in self.space

    def is_probed(self, path: str) -> bool:
        is_argument = path == f"{ARGUMENTS}.{self.batch.argument}"
        return self.batch.auto_scale != "off" and is_argument

    @property
    def sections(self) -> dict[str, object]:
        given = super().sections
        given["script"] = self.script.model_dump(exclude_none=True)
        given["arguments"] = self.arguments
        if self.hydra is not None:
            given["hydra"] = self.hydra.model_dump()
        if self.fit is not None:
            given["fit"] = self.fit
        if self._fits is not None:
            given["fits"] = self._fits
        if self.script.build is None and self._chooses_seed:
            given[SEEDS_SCRIPT] = True
        if self.batch.argument is not None:
            given["batch_argument"] = self.batch.argument
        return given


def _flat(component: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": component["name"], **component["options"]}
