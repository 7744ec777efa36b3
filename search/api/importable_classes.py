"""Import paths of the classes that a script gives, for its trials, which are other processes.

Knows modules and files; imports nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from search.errors import UserError

# what runs the trials, be it the fork server, an attempt or a rank of one
_OF_A_TRIAL = "search.trial.__main__"
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def refuse_in_trial() -> None:
    """A script without a guard would start a study in every trial that imports it.

    Raises:
        UserError: this process is one of a study's.
    """
    spec = sys.modules["__main__"].__spec__
    if spec is not None and spec.name == _OF_A_TRIAL:
        raise UserError(
            "it runs a study, and so would each trial that imports it. "
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
    if name.endswith("<lambda>"):
        raise UserError(
            f"{place}: a lambda has no name by which a trial can import it. "
            "Define a function at the top of a file, and give that."
        )
    if "<" in name:
        name = name.rpartition(".")[2]
        raise UserError(
            f"{place}: {name} is defined inside a function, where a trial cannot import it. "
            "Move it to the top of its file."
        )
    module = given.__module__
    return f"{_name_of_main(place, name) if module == '__main__' else module}.{name}"


def import_folder(given: Iterable[object]) -> Path | None:
    """The folder on this process's path where what was given is, the script's own first; None
    where all of it is installed."""
    on_path = {Path(entry).resolve() for entry in sys.path}
    modules = {each.__module__: None for each in given}
    for module in sorted(modules, key=lambda name: name != "__main__"):
        folder = _folder(module)
        if folder in on_path and not _INSTALLED & set(folder.parts):
            return folder
    return None


def name_main() -> None:
    """Let an import of the running script by its name find it as it is, not load it once more."""
    main = sys.modules["__main__"]
    if main.__spec__ is None and (file := _file_of(main)) is not None:
        sys.modules.setdefault(file.stem, main)


def _name_of_main(place: str, name: str) -> str:
    main = sys.modules["__main__"]
    if main.__spec__ is not None:
        return main.__spec__.name
    file = _file_of(main)
    if file is None:
        own = _as_module(name)
        raise UserError(
            f"{place}: {name} is defined in a notebook's cell or at the prompt, where a trial "
            f"cannot import it. Begin its cell with `%%writefile {own}.py`, run it, then "
            f"`from {own} import {name}`."
        )
    if not file.stem.isidentifier():
        raise UserError(
            f"{place}: {name} is defined in {file.name}, which no trial can import by that name. "
            f"Rename the file to {_as_module(file.stem)}.py."
        )
    return file.stem


def _folder(module: str) -> Path | None:
    """The folder that the outermost package of a module is in."""
    found = sys.modules.get(module)
    file = None if found is None else _file_of(found)
    if found is None or file is None:
        return None
    name = found.__spec__.name if found.__spec__ is not None else module
    return file.parents[name.count(".") + (file.name == "__init__.py")]


def _file_of(module: ModuleType) -> Path | None:
    """None for a notebook, a prompt, and a program that is piped in."""
    name = getattr(module, "__file__", None)
    file = Path(name).resolve() if name is not None else None
    return file if file is not None and file.is_file() else None


def _as_module(name: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in name).lower()
