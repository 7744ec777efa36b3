"""The versions that have to be the same on all machines of a study, whose values depend on them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

_PACKAGES = ("lightning-search", "torch", "pytorch-lightning", "lightning", "numpy")
_ABSENT = "none"


def versions_here() -> dict[str, str]:
    """The versions in the environment of this process."""
    return {"Python": platform.python_version()} | {name: _version(name) for name in _PACKAGES}


def difference(node: str, theirs: Mapping[str, str]) -> str | None:
    """What is another version on a node than here; None where nothing is."""
    for name, version in versions_here().items():
        if theirs.get(name, _ABSENT) != version:
            return f"{node}: has {name} {theirs.get(name, _ABSENT)}, and this machine {version}"
    return None


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return _ABSENT
