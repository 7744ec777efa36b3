"""The files that Hydra has composed a script's configuration from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

# Hydra's own, and what the script itself registers
_NO_FILES = ("hydra", "schema")
_CONFIGS = (".yaml", ".yml")
# a folder that holds more is a whole project with its data
_MOST_ENTRIES = 1000


@dataclass(frozen=True)
class HydraSources:
    """Where a configuration comes from."""

    # with all options of its groups
    folders: tuple[Path, ...]
    # as on the command line
    overrides: tuple[str, ...]


def hydra_sources() -> HydraSources | None:
    """The sources of the configuration that Hydra has given to a script's function, which runs;
    None where there is none, or some of them are no files."""
    module = sys.modules.get("hydra.core.hydra_config")
    if module is None or not module.HydraConfig.initialized():
        return None
    config = module.HydraConfig.get()
    sources = [each for each in config.runtime.config_sources if each.provider not in _NO_FILES]
    if any(each.schema != "file" for each in sources):
        return None
    folders = tuple(Path(each.path) for each in sources)
    return HydraSources(folders, tuple(config.overrides.task))


def texts_of(sources: Iterable[HydraSources | None]) -> list[str] | None:
    """All that may be said in some configurations; None where some of it cannot be read."""
    overrides: dict[str, None] = {}
    folders: dict[Path, None] = {}
    for each in sources:
        if each is None:
            return None
        overrides |= dict.fromkeys(each.overrides)
        folders |= dict.fromkeys(each.folders)
    try:
        files = [path for folder in folders for path in _configs(folder)]
        return [*overrides, *(each.read_text(encoding="utf-8") for each in files)]
    except (OSError, ValueError):
        return None


def _configs(top: Path) -> Iterator[Path]:
    """The files of a configuration below a folder, through links, as Hydra finds them.

    Raises:
        OSError: one of them is no file, a folder cannot be read, or there are too many entries.
    """
    entries = 0
    for folder, folders, names in os.walk(top, onerror=_refuse, followlinks=True):
        entries += len(folders) + len(names)
        if entries > _MOST_ENTRIES:
            raise OSError(f"{top} has too many entries")
        for path in (Path(folder, name) for name in names if name.endswith(_CONFIGS)):
            if not path.is_file():
                raise OSError(f"{path} is no file")
            yield path


def _refuse(error: OSError) -> NoReturn:
    raise error
