"""Options of argparse and of what derives from it, jsonargparse above all."""

from __future__ import annotations

import argparse
import contextlib
import enum
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jsonargparse

from search.answers import REPEATED, Argument
from search.errors import UserError
from search.trial.building.replaced import replaced
from search.trial.options.found_options import (
    Found,
    Options,
    below_command,
    longest,
    names_training,
    option,
    paired,
)

# by the end of their names: they print and end, or read another file
_NO_OPTIONS = (
    "HelpAction",
    "VersionAction",
    "ConfigFile",
    "PrintConfig",
    "ConfigLoad",
    "HelpClassPath",
)
_NUMBERS = (int, float)
_MOST_CHOICES = 20


@contextlib.contextmanager
def watched_argparse(found: Found) -> Iterator[None]:
    """Leave the script where it parses its command line; where it parses what it knows and goes on
    with the rest, another parser may follow."""
    base, derived = argparse.ArgumentParser, jsonargparse.ArgumentParser
    with contextlib.ExitStack() as stack:
        for owner, name in ((base, "parse_args"), (derived, "parse_args")):
            stack.enter_context(replaced(owner, name, _whole(getattr(owner, name), found)))
        known = _known(base.parse_known_args, found)
        stack.enter_context(replaced(base, "parse_known_args", known))
        yield


def _whole(original: Callable[..., Any], found: Found) -> Callable[..., Any]:
    @functools.wraps(original)
    def parse_args(self: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        # words of the script's own are no command line
        is_given = next((each for each in args if each is not None), None)
        if not (found.is_within or is_given):
            found.leave(_options(self))
        with found.within():
            return original(self, *args, **kwargs)

    return parse_args


def _known(original: Callable[..., Any], found: Found) -> Callable[..., Any]:
    @functools.wraps(original)
    def parse_known_args(self: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        if not found.is_within:
            found.note(_options(self))
        with found.within():
            return original(self, *args, **kwargs)

    return parse_known_args


def _options(parser: argparse.ArgumentParser) -> Options:
    """The options of a parser, and of the command of it that trains.

    Raises:
        UserError: it is a LightningCLI's.
    """
    if any(cls.__name__ == "LightningArgumentParser" for cls in type(parser).__mro__):
        raise UserError(
            "script: is a LightningCLI. Propose a study file from its configuration, as in "
            "`search init --config config.yaml --cli train:main`."
        )
    # (Python 3.11) argparse lists its actions nowhere else
    actions = list(parser._actions)
    commands = [each for each in actions if isinstance(each, argparse._SubParsersAction)]
    rest = [each for each in actions if each not in commands]
    own = tuple(each for action in rest for each in _argument(action))
    if commands:
        below, is_required = commands[0].choices, commands[0].required
        names = list(below)
        # without one of them the parser's own options are all
        if names and (names_training(names) or is_required or not own):
            return below_command(names, lambda name: _options(below[name]), own)
    return Options(own)


def _argument(action: argparse.Action) -> Iterator[Argument]:
    if type(action).__name__.endswith(_NO_OPTIONS):
        return
    words = [each for each in action.option_strings if each.startswith("--")]
    words = words or list(action.option_strings)
    default = action.default
    if isinstance(action, argparse.BooleanOptionalAction):
        negative = next(each for each in words if each.startswith("--no-"))
        positive = longest([each for each in words if not each.startswith("--no-")])
        yield option(paired(positive, negative), bool, default, is_required=action.required)
    elif action.nargs == 0:
        if isinstance(getattr(action, "const", None), bool):
            # it is there or not, whatever the script then makes of it
            yield option(longest(words), bool, False)
    else:
        name = longest(words) if words else str(action.dest)
        is_required = bool(action.required) and default is None
        yield option(
            name,
            _type(action),
            None if default == argparse.SUPPRESS else default,
            choices=_choices(action),
            is_required=is_required,
        )


def _choices(action: argparse.Action) -> list[object]:
    typed = getattr(action, "_typehint", None)
    if isinstance(typed, type) and issubclass(typed, enum.Enum):
        # jsonargparse takes their names
        return [each.name for each in typed]
    listed = list(action.choices or ())
    return listed if len(listed) <= _MOST_CHOICES else []


def _type(action: argparse.Action) -> object:
    """The type of the values; object where no study file can spell them."""
    typed = getattr(action, "_typehint", None) or action.type
    is_extended = isinstance(action, argparse._ExtendAction)
    if isinstance(action, argparse._AppendAction) and not is_extended:
        return REPEATED
    if action.nargs is not None and action.nargs != "?":
        return list
    if typed is bool:
        # any word would be true, or it must be spelt out
        return object
    if typed is None:
        return str
    if isinstance(typed, type) or hasattr(typed, "__origin__") or hasattr(typed, "__args__"):
        return typed
    is_number = type(action.default) in _NUMBERS
    return type(action.default) if is_number else object
