"""The options that a script's own parser was found to take, and the end of the look at it."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from search.answers import CHOICE, TEXT, Argument, Monitor
from search.plain.tree import ARGUMENTS
from search.trial.building.script_drive import Left
from search.trial.options.argument_kinds import annotation_text, argument_kind, plain_value

# of several commands the one that is taken for training; else the first
_TRAINS = ("train", "fit", "main", "run")


@dataclass(frozen=True)
class Options:
    """What a script takes on its command line."""

    arguments: tuple[Argument, ...] = ()
    # values that must stand there for the arguments to be taken: the name of a command
    fixed: Mapping[str, str] = field(default_factory=dict)
    # Hydra reads them
    is_hydra: bool = False
    # metrics that callbacks of Hydra's configuration watch
    monitors: tuple[Monitor, ...] = ()
    # the classes that Hydra's configuration names
    targets: tuple[str, ...] = ()


class Found:
    """Collects the options of a script while it runs."""

    def __init__(self) -> None:
        self.options: Options | None = None
        # the parsers of a library that is itself looked at are none of the script's
        self.is_within = False

    def note(self, options: Options) -> None:
        """Keep options; those of a parser before, which left the rest to this one, stay."""
        before = () if self.options is None else self.options.arguments
        arguments = {each.path: each for each in (*before, *options.arguments)}
        self.options = replace(options, arguments=tuple(arguments.values()))

    def leave(self, options: Options) -> NoReturn:
        """Keep options, and leave the script."""
        self.note(options)
        raise Left

    @contextlib.contextmanager
    def within(self) -> Iterator[None]:
        """Pass over what is parsed in the block."""
        before, self.is_within = self.is_within, True
        try:
            yield
        finally:
            self.is_within = before


def option(
    name: str,
    annotation: object,
    default: object,
    *,
    choices: Collection[Any] = (),
    bounds: tuple[float | None, float | None] = (None, None),
    is_required: bool = False,
    is_foreign: bool = False,
) -> Argument:
    """An option as an argument of a study file.

    Args:
        name: as `command_line` takes it, such as `--lr` or `--amp/--no-amp`.
        annotation: EMPTY where there is none.
        choices: the values that it takes, where they are told.
        bounds: the least and the greatest of them.
    """
    kind, values = argument_kind(annotation, default)
    if values and isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        # a command line takes their values
        values = tuple(str(each.value) for each in annotation)
    if choices:
        values = tuple(each.value if isinstance(each, enum.Enum) else each for each in choices)
    if values:
        is_text = all(isinstance(each, str) for each in values)
        kind = TEXT if is_text else CHOICE
    value = default.value if isinstance(default, enum.Enum) else default
    return Argument(
        path=f"{ARGUMENTS}.{name}",
        kind=kind,
        value=plain_value(value),
        choices=tuple(each for each in values if isinstance(each, str | int | float)),
        low=bounds[0],
        high=bounds[1],
        annotation=annotation_text(annotation),
        is_required=is_required,
        is_foreign=is_foreign,
    )


def training_command(names: Sequence[str]) -> str:
    """The command of several that is taken for the one that trains."""
    return next((each for each in _TRAINS if each in names), names[0])


def paired(positive: str, negative: str | None) -> str:
    """The name of a flag with its opposite, where it has one."""
    return positive if negative is None else f"{positive}/{negative}"


def longest(words: Sequence[str]) -> str:
    """The spelling of an option that says most."""
    return max(words, key=len)
