"""The variables of the environment that say which rank of a trial on several machines a process is.

Known before torch is there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from search.layout import TrialFolder

NODES = "SEARCH_NODES"


def is_on_several_nodes() -> bool:
    """Tell whether this process is a rank of a trial on several machines."""
    return NODES in os.environ


def rank_of(variables: Mapping[str, str]) -> int:
    """The rank among those of all machines."""
    node, on_each = int(variables["NODE_RANK"]), int(variables["LOCAL_WORLD_SIZE"])
    return node * on_each + int(variables["LOCAL_RANK"])


def log_of(folder: TrialFolder, variables: Mapping[str, str]) -> Path:
    """The log of a process with these variables: machines that append to one file of a network disk
    write over each other's lines."""
    if variables.get("NODE_RANK", "0") == "0":
        return folder.log
    return folder.rank_log(rank_of(variables))
