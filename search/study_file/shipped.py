"""The study files that come with the package, by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

DEFAULT = "autoencoder"


def shipped_studies() -> dict[str, Path]:
    """The path of each shipped study file by its name."""
    folder = Path(str(files("search.studies")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
