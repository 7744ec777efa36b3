"""Options of Fire: the parameters of a function, or of a class and one of its methods."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from search.answers import Argument
from search.errors import UserError
from search.trial.building.replaced import replaced
from search.trial.building.signatures import EMPTY
from search.trial.options.found_options import Found, Options, below_command, option, paired
from search.trial.process.loaded_sources import is_installed


@contextlib.contextmanager
def watched_fire(found: Found) -> Iterator[None]:
    """Leave the script where Fire would read the command line."""
    if not is_installed("fire"):
        yield
        return

    def look(component: object = None, command: object = None, **_: object) -> NoReturn:
        found.leave(_options(component))

    fire = importlib.import_module("fire")
    # the package has the function under its own name, and that of its module
    with replaced(fire, "Fire", look), replaced(fire.core, "Fire", look):
        yield


def _options(component: Any) -> Options:
    """The options of a component, or of that of several which trains.

    Raises:
        UserError: there is none.
    """
    if isinstance(component, Mapping) and component:
        return _of_several(component)
    if inspect.isclass(component):
        own = tuple(_parameters(component.__init__, is_method=True))
        methods = _methods(component)
        if not methods:
            return Options(own)

        def options_of(name: str) -> Options:
            return Options((*own, *_parameters(methods[name], is_method=True)))

        return below_command(list(methods), options_of)
    if callable(component):
        return Options(tuple(_parameters(component, is_method=False)))
    if component is not None and (methods := _methods(component)):
        return _of_several(methods)
    raise UserError(
        "script: gives Fire nothing with parameters. Give it the function, as in Fire(main)."
    )


def _of_several(components: Mapping[Any, Any]) -> Options:
    return below_command(
        [str(each) for each in components], lambda name: _options(components[name])
    )


def _methods(owner: Any) -> dict[str, Callable[..., Any]]:
    """The methods that Fire offers as commands."""
    found = {name: getattr(owner, name) for name in vars(type(owner)) if name[0] != "_"}
    if inspect.isclass(owner):
        found = {name: each for name, each in vars(owner).items() if name[0] != "_"}
    return {
        name: each
        for name, each in found.items()
        if inspect.isfunction(each) or inspect.ismethod(each)
    }


def _parameters(function: Callable[..., Any], *, is_method: bool) -> Iterator[Argument]:
    named = list(inspect.signature(function).parameters.values())
    hints = _hints(function)
    for each in named[1:] if is_method else named:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            continue
        annotation = hints.get(each.name, EMPTY)
        is_flag = annotation is bool or isinstance(each.default, bool)
        name = f"--{each.name}"
        yield option(
            paired(name, f"--no{each.name}") if is_flag else name,
            annotation,
            None if each.default is EMPTY else each.default,
            is_required=each.default is EMPTY,
        )


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception:
        # names that exist for a type checker alone
        return {}
