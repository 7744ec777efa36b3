"""The places where Hydra looks for the files of a configuration."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from search.study_file.trial_config import ScriptRun
from search.trial.building.replaced import replaced
from search.trial.process.loaded_sources import is_installed

# in the place of one that nobody knows here; with it no answer of a check is kept
_NEVER_THERE = "hydra://unknown"


@contextlib.contextmanager
def noted_lookups(script: ScriptRun | None) -> Iterator[set[str]]:
    """Note where a script of Hydra's looks for configurations, for as long as the block: each file
    that is there; for one that is not, the folder where it would be."""
    found: set[str] = set()
    # the classes of a plugin are only known once a script has put its folder on the import path
    if script is None or script.overrides is None or not is_installed("hydra"):
        yield found
        return
    source = importlib.import_module("hydra.plugins.config_source").ConfigSource
    original = source.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.is_config = _noting(self, self.is_config, found, ".yaml")
        self.is_group = _noting(self, self.is_group, found, "")

    with replaced(source, "__init__", __init__):
        yield found


def _noting(
    source: Any, original: Callable[[str], bool], found: set[str], ending: str
) -> Callable[[str], bool]:
    def is_there(config_path: str) -> bool:
        try:
            folder = _folder(source)
            if folder is not None:
                path = folder / config_path
                found.add(_nearest(path if path.suffix == ending else Path(f"{path}{ending}")))
        except Exception:
            # Hydra goes on with what it finds elsewhere
            found.add(_NEVER_THERE)
        return original(config_path)

    return is_there


def _folder(source: Any) -> Path | None:
    """The folder of a source; None for what is code, and for installed packages.

    Raises:
        LookupError: nobody knows here where it is.
        Whatever importing the packages above it raises.
    """
    scheme = source.scheme()
    if scheme == "file":
        return Path(source.path).absolute()
    if scheme == "structured" or (scheme == "pkg" and is_installed(source.path)):
        return None
    spec = importlib.util.find_spec(source.path) if scheme == "pkg" else None
    places = None if spec is None else spec.submodule_search_locations
    if not places:
        raise LookupError(source.path)
    return Path(next(iter(places))).absolute()


def _nearest(path: Path) -> str:
    """A path, or the first folder above it that is there."""
    return str(next((each for each in (path, *path.parents) if each.exists()), path))
