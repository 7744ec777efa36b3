"""The arguments and metrics of the user's own classes, as plain data: filled where torch is, read
where a study file is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from search.space.distributions import Scalar

FLOAT = "float"
INT = "int"
BOOL = "bool"
CHOICE = "choice"
TEXT = "text"
OTHER = "other"
# the annotation of an argument that makes the module's optimizer
OPTIMIZER_CALLABLE = "OptimizerCallable"


@dataclass(frozen=True)
class Argument:
    """One argument of a class that a study file could search.

    path: its full path.
    kind: one of the kinds above.
    value: the configuration's or else the default, where it is plain; None where there is none.
    choices: the values of a choice, or the words that the source knows of a text.
    hint: the range of its annotation, as a study file has it.
    annotation: its type as text.
    is_required: it has no value at all.
    is_linked: another argument sets it.
    is_foreign: its class is of torch or Lightning.
    instead: the section that stands in for the only method that reads it.
    """

    path: str
    kind: str
    value: Scalar = None
    choices: tuple[Scalar, ...] = ()
    hint: dict[str, Any] | None = None
    annotation: str = ""
    is_required: bool = False
    is_linked: bool = False
    is_foreign: bool = False
    instead: str | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def parent(self) -> str:
        """The path of the mapping that the argument stands in."""
        return self.path.rpartition(".")[0]


@dataclass(frozen=True)
class Monitor:
    """A metric that a callback of the configuration watches.

    mode: min or max.
    """

    metric: str
    mode: str


@dataclass(frozen=True)
class Description:
    """The facts that a proposal is made of.

    arguments: those of all classes of the configuration.
    logged: the names that the module logs at a validation, in the order of its source.
    monitors: the metrics that callbacks watch.
    lacks_data: neither the module nor a data module has batches to train on.
    problems: complete lines; where there are any, the rest is empty.
    """

    arguments: tuple[Argument, ...] = ()
    logged: tuple[str, ...] = ()
    monitors: tuple[Monitor, ...] = ()
    lacks_data: bool = False
    problems: tuple[str, ...] = ()

    def to_tree(self) -> dict[str, Any]:
        """Plain data; `from_tree` reads it back."""
        return asdict(self)

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Description:
        return cls(
            arguments=tuple(
                Argument(**{**each, "choices": tuple(each["choices"])})
                for each in tree["arguments"]
            ),
            logged=tuple(tree["logged"]),
            monitors=tuple(Monitor(**each) for each in tree["monitors"]),
            lacks_data=tree["lacks_data"],
            problems=tuple(tree["problems"]),
        )
