"""Options of click, and of typer, which has a click of its own since 0.26."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from search.answers import REPEATED, Argument
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
from search.trial.process.loaded_sources import is_installed

# each class whose `main` reads a command line; typer's override click's
_MAINS = (
    ("click", "click", "Command"),
    ("typer", "typer.core", "TyperCommand"),
    ("typer", "typer.core", "TyperGroup"),
)
_NO_OPTIONS = ("help", "version", "install_completion", "show_completion")
_TYPES: dict[str, type] = {
    "integer": int,
    "integer range": int,
    "float": float,
    "float range": float,
    "boolean": bool,
    "text": str,
    "str": str,
    "int": int,
    "path": str,
}


@contextlib.contextmanager
def watched_click(found: Found) -> Iterator[None]:
    """Leave the script where its command would read the command line."""
    with contextlib.ExitStack() as stack:
        for package, module, name in _MAINS:
            if is_installed(package):
                owner = getattr(importlib.import_module(module), name)
                stack.enter_context(replaced(owner, "main", _main(owner.main, found)))
        yield


def _main(original: Callable[..., Any], found: Found) -> Callable[..., Any]:
    def main(self: Any, args: Any = None, *rest: Any, **kwargs: Any) -> Any:
        if not (found.is_within or args):
            found.leave(_options(self))
        return original(self, args, *rest, **kwargs)

    return main


def _options(command: Any) -> Options:
    """The options of a command, or of the command of a group that trains."""
    own = tuple(each for parameter in command.params for each in _argument(parameter))
    commands = getattr(command, "commands", None) or {}
    names = list(commands)
    if names and (names_training(names) or not command.invoke_without_command):
        return below_command(names, lambda name: _options(commands[name]), own)
    return Options(own)


def _argument(parameter: Any) -> Iterator[Argument]:
    if parameter.name in _NO_OPTIONS or getattr(parameter, "count", False):
        return
    words = [each for each in parameter.opts if each.startswith("-")]
    if parameter.secondary_opts:
        yield option(
            paired(longest(words), longest(parameter.secondary_opts)), bool, _default(parameter)
        )
    elif getattr(parameter, "is_flag", False):
        yield option(longest(words), bool, False)
    else:
        annotation, choices = _type(parameter)
        default = _default(parameter)
        yield option(
            longest(words) if words else str(parameter.name),
            annotation,
            default,
            choices=choices,
            bounds=_bounds(parameter),
            is_required=bool(parameter.required),
        )


def _bounds(parameter: Any) -> tuple[float | None, float | None]:
    """The least and the greatest value: click has them with the type, typer with the option."""
    holder = parameter if hasattr(parameter, "type_descriptor") else parameter.type
    return getattr(holder, "min", None), getattr(holder, "max", None)


def _default(parameter: Any) -> object:
    default = parameter.default
    # click has a word of its own for none
    return None if type(default).__name__ == "Sentinel" or callable(default) else default


def _type(parameter: Any) -> tuple[object, tuple[Any, ...]]:
    """The type of the values, and those of a choice."""
    if getattr(parameter, "multiple", False):
        return REPEATED, ()
    if parameter.nargs != 1:
        return list, ()
    described = getattr(parameter, "type_descriptor", None)
    if described is not None:
        return described.annotation, ()
    kind = parameter.type
    choices = tuple(getattr(kind, "choices", ()))
    return _TYPES.get(getattr(kind, "name", ""), object), choices
