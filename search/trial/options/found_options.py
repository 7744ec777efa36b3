"""The options that a script's own parser was found to take, and the end of the look at it."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
    # the names of the commands that take them, one below the other
    commands: tuple[str, ...] = ()
    # where none of a script's commands has a name that trains: all of them
    guessed_from: tuple[str, ...] = ()
    # the options of the parsers above, which stand before the command
    before_command: tuple[Argument, ...] = ()
    # Hydra reads them
    is_hydra: bool = False
    # without which Hydra would run several jobs
    hydra_overrides: tuple[str, ...] = ()
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
    items = tuple(default) if annotation is list and isinstance(default, list | tuple) else None
    if items is not None and any(plain_value(each) is None for each in items):
        items = None
    return Argument(
        path=f"{ARGUMENTS}.{name}",
        kind=kind,
        value=plain_value(value),
        items=items,
        choices=tuple(each for each in values if isinstance(each, str | int | float)),
        low=bounds[0],
        high=bounds[1],
        annotation=annotation_text(annotation),
        is_required=is_required,
        is_foreign=is_foreign,
    )


def names_training(names: Sequence[str]) -> bool:
    """Tell whether the name of one of several commands says that it trains."""
    return any(each in _TRAINS for each in names)


def below_command(
    names: Sequence[str], options_of: Callable[[str], Options], before: Iterable[Argument] = ()
) -> Options:
    """The options of the command of several that is taken for the one that trains.

    Args:
        before: options of the parser that takes the command.
    """
    name = next((each for each in _TRAINS if each in names), names[0])
    inner = options_of(name)
    return replace(
        inner,
        commands=(name, *inner.commands),
        guessed_from=inner.guessed_from if names_training(names) else tuple(names),
        before_command=(*before, *inner.before_command),
    )


def paired(positive: str, negative: str | None) -> str:
    """The name of a flag with its opposite, where it has one."""
    return positive if negative is None else f"{positive}/{negative}"


def longest(words: Sequence[str]) -> str:
    """The spelling of an option that says most."""
    return max(words, key=len)
