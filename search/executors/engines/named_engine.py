"""The engine of a name."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from search.errors import UserError
from search.executors.engines.engine import Engine
from search.executors.engines.slurm import Slurm, SlurmOptions

ENGINES = ("slurm",)
_COMMANDS = ("sbatch", "squeue", "srun", "scancel")


def make_engine(name: str, options: Mapping[str, Any]) -> Engine:
    """The engine of a name.

    Args:
        options: as its class of options takes them.

    Raises:
        UserError: its commands are not on this machine.
    """
    assert name in ENGINES
    missing = [command for command in _COMMANDS if shutil.which(command) is None]
    if missing:
        raise UserError(
            f"--on {name}: there is no {missing[0]} on this machine. Run search on a login node of "
            "the cluster, or within a job of it."
        )
    return Slurm(SlurmOptions(**options))
