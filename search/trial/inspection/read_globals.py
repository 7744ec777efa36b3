"""The globals of a script and of its modules, as far as a function there reads them: what a script
without a main function keeps of its command line."""

from __future__ import annotations

import dis
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any

from search.trial.building.script_process import modules_of_script

# what is defined in a module, not made by it
_DEFINITIONS = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def read_globals() -> dict[str, object]:
    """The values, each by its module and name."""
    found: dict[str, object] = {}
    modules = [sys.modules["__main__"], *modules_of_script().values()]
    instructions = [each for module in modules for code in _codes(module) for each in _of(code)]
    # of a module that is imported whole, as in `options.width`
    attributes = {each.argval for each in instructions if each.opname == "LOAD_ATTR"}
    for module in modules:
        names = attributes | {
            each.argval
            for code in _codes(module)
            for each in _of(code)
            if each.opname == "LOAD_GLOBAL"
        }
        for name, value in vars(module).items():
            if name in names and not isinstance(value, _DEFINITIONS):
                found[f"{module.__name__}.{name}"] = value
    return found


def _codes(module: types.ModuleType) -> Iterator[types.CodeType]:
    """The functions of a module, and the methods of its classes."""
    for each in list(vars(module).values()):
        if getattr(each, "__module__", None) != module.__name__:
            continue
        members = list(vars(each).values()) if isinstance(each, type) else [each]
        for member in members:
            function = inspect.unwrap(_function_of(member))
            if isinstance(function, types.FunctionType):
                yield function.__code__


def _function_of(member: Any) -> Any:
    """The function of a method of any kind."""
    return getattr(member, "__func__", getattr(member, "fget", member))


def _of(code: types.CodeType) -> Iterator[dis.Instruction]:
    """The instructions of a function, and of those inside it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _of(constant)
