"""Parameters and results of what a class_path names, be it a class, a function or a classmethod.

The parameters are those that jsonargparse accepts: it follows `**kwargs` through the source.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# (jsonargparse 4.53) no public function returns the parameters that its parsers accept
from jsonargparse._parameter_resolvers import get_signature_parameters

EMPTY = inspect.Parameter.empty
# what an optimizer and a scheduler are given by who makes them, not by who configures them
MADE_WITH = {"params": "parameters", "optimizer": "optimizer"}


@dataclass(frozen=True)
class Parameter:
    """A parameter that a configuration may give."""

    name: str
    # the type, with the range that it may bring along; EMPTY where there is none
    annotation: object
    # EMPTY where one must be given; None where branches of the source disagree about it
    default: object
    # the class or function whose own parameter it is
    taker: object
    # given under dict_kwargs, because no parser finds it behind the `**kwargs`
    is_hidden: bool = False

    @property
    def key(self) -> str:
        """The mapping beside `class_path` that gives it."""
        return "dict_kwargs" if self.is_hidden else "init_args"


def parameters(named: object) -> dict[str, Parameter]:
    """The parameters of what a class_path names, those behind its `**kwargs` included."""
    found = {each.name: each for each in _parameters(named, None, is_hidden=False)}
    if inspect.ismethod(named):
        # the parser follows the `**kwargs` of a constructor and of a function alone
        for each in _parameters(named.__self__, named.__name__, is_hidden=True):
            found.setdefault(each.name, each)
    return found


def has_open_kwargs(named: Any) -> bool:
    """Find a `**kwargs`, which may take names that nobody can list."""
    function = named.__init__ if inspect.isclass(named) else named
    kinds = [each.kind for each in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def made_class(named: object) -> type | None:
    """The class of what a class_path makes; None where a function does not name what it returns,
    as jsonargparse needs it: it does not know `Self`."""
    if inspect.isclass(named):
        return named
    made = _hints(named).get("return")
    return made if inspect.isclass(made) else None


def _parameters(owner: Any, method: str | None, *, is_hidden: bool) -> Iterator[Parameter]:
    for each in get_signature_parameters(owner, method):
        if each.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            continue
        is_known = type(each.default).__module__.partition(".")[0] != "jsonargparse"
        taker = each.parent if inspect.isclass(each.parent) else each.component
        default = each.default if is_known else None
        yield Parameter(each.name, _annotation(each), default, taker, is_hidden)


def _annotation(parameter: Any) -> Any:
    """The annotation with the range that it brings along, which jsonargparse leaves out."""
    component = parameter.component
    return _hints(component).get(parameter.name, parameter.annotation)


def _hints(function: object) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:
        # names that exist for a type checker alone
        return {}
