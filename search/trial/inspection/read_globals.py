"""The globals of a script and of its modules, as far as a function there reads them: what a script
without a main function keeps of its command line."""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterator

from search.trial.building.script_process import modules_of_script
from search.trial.inspection.fingerprint import function_of

# code: of the script's own what it was made with counts, such as its defaults
_CODE = (type, types.FunctionType, types.BuiltinFunctionType)


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
            is_foreign = isinstance(value, _CODE) and value.__module__ != module.__name__
            if name in names and not is_foreign and not isinstance(value, types.ModuleType):
                found[f"{module.__name__}.{name}"] = value
    return found


def _codes(module: types.ModuleType) -> Iterator[types.CodeType]:
    """The functions of a module, and the methods of its classes."""
    for each in list(vars(module).values()):
        if getattr(each, "__module__", None) != module.__name__:
            continue
        members = list(vars(each).values()) if isinstance(each, type) else [each]
        for member in members:
            function = function_of(member)
            if function is not None:
                yield function.__code__


def _of(code: types.CodeType) -> Iterator[dis.Instruction]:
    """The instructions of a function, and of those inside it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _of(constant)
