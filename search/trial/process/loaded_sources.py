"""The files that a process has loaded of a user's own code."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

_PYTHONS_OWN = ("stdlib", "platstdlib", "purelib", "platlib")
# of other environments on the import path, too
_OF_PACKAGES = frozenset({"site-packages", "dist-packages"})


def loaded_sources() -> tuple[str, ...]:
    """The files of all loaded modules, without Python's own and those of installed packages; a
    package that is installed from its working tree is the user's own code as well."""
    found = {_file_of(each) for each in list(sys.modules.values()) if is_users_own(each)}
    return tuple(sorted(each for each in found if each is not None))


def is_users_own(module: object) -> bool:
    """Tell whether a loaded module is of the user's own code."""
    name = _file_of(module)
    return name is not None and _is_own(Path(name), _pythons_own())


def is_installed(name: str) -> bool:
    """Tell whether a name is that of an installed package, and not of a file of the user's own."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        # a package above it is not there, or it is no name
        return False
    origin = None if spec is None else spec.origin
    return origin is not None and not _is_own(Path(origin), _pythons_own())


@lru_cache(maxsize=1)
def _pythons_own() -> tuple[Path, ...]:
    return tuple(Path(sysconfig.get_path(name)) for name in _PYTHONS_OWN)


def _file_of(module: object) -> str | None:
    """The file of a module, asked so that a module which loads itself when it is used does not."""
    try:
        name = object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:
        return None
    return name if isinstance(name, str) else None


def _is_own(path: Path, pythons_own: tuple[Path, ...]) -> bool:
    if not _OF_PACKAGES.isdisjoint(path.parts):
        return False
    if any(path.is_relative_to(folder) for folder in pythons_own):
        return False
    return path.is_file()
