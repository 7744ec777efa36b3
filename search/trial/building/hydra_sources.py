"""The files that Hydra has composed a script's configuration from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Hydra's own, and what the script itself registers
_NO_FILES = ("hydra", "schema")


@dataclass(frozen=True)
class HydraSources:
    """Where a configuration comes from."""

    # with all options of its groups
    folders: tuple[Path, ...]
    # as on the command line
    overrides: tuple[str, ...]

    def texts(self) -> Iterator[str]:
        """All that may be said in the configuration."""
        yield from self.overrides
        for folder in self.folders:
            yield from (each.read_text(errors="replace") for each in folder.rglob("*.yaml"))


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
