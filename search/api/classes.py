"""How a trial, which is a process of its own, finds the classes that a script gives.

Knows modules and files; imports nothing.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from search.errors import UserError

# what runs the trials, be it the fork server, an attempt or a rank of one
_OF_A_TRIAL = "search.trial.__main__"
_INSTALLED = tuple(sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib"))


def refuse_in_trial() -> None:
    """A script without a guard would start a study in every trial that imports it.

    Raises:
        UserError: this process is one of a study's.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name == _OF_A_TRIAL:
        raise UserError(
            "a trial imports this file, which runs a study at its top level. "
            "Put that under `if __name__ == '__main__':`."
        )


def import_path_of(given: Any, place: str) -> str:
    """`module.Name` of a class or function, by which a trial imports it.

    Args:
        place: where it was given, for messages.

    Raises:
        UserError: it is defined where nothing can be imported from.
    """
    name = given.__qualname__
    if "<" in name:
        raise UserError(
            f"{place}: {name} is defined inside a function, where a trial cannot import it. "
            "Move it to the top of its file."
        )
    module = given.__module__
    return f"{_name_of_main(place, name) if module == '__main__' else module}.{name}"


def import_folder(given: Iterable[Any]) -> Path | None:
    """The folder from which a trial imports what was given, the script's own first; None where
    all of it is installed."""
    modules = {each.__module__: None for each in given}
    for module in sorted(modules, key=lambda name: name != "__main__"):
        folder = _folder(module)
        if folder is not None and not str(folder).startswith(_INSTALLED):
            return folder
    return None


def name_main() -> None:
    """Let an import of the running script by its name find it as it is, not load it once more."""
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is None and (file := getattr(main, "__file__", None)):
        sys.modules.setdefault(Path(file).stem, main)


def _name_of_main(place: str, name: str) -> str:
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        return str(spec.name)
    if file is None:
        raise UserError(
            f"{place}: {name} is defined in a notebook's cell or at the prompt, where a trial "
            f"cannot import it. Put it into a file: begin its cell with `%%writefile {_file(name)}.py`, "
            f"run that, then `from {_file(name)} import {name}`."
        )
    stem = Path(file).stem
    if not stem.isidentifier():
        raise UserError(
            f"{place}: {name} is defined in {Path(file).name}, which no trial can import by that "
            f"name. Rename the file to {_file(stem)}.py."
        )
    return stem


def _file(name: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in name).lower()


def _folder(module: str) -> Path | None:
    """The folder on the import path that a module was found in."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    name = spec.name if module == "__main__" and spec is not None else module
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return None
    path = Path(file).absolute()
    inside = len(name.split(".")) - (path.name != "__init__.py")
    return path.parents[inside]
