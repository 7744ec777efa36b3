"""SLURM, where its commands are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from search.errors import UserError
from search.executors.engines.slurm import Slurm, SlurmOptions

_COMMANDS = ("sbatch", "squeue", "srun", "scancel")


def make_slurm(options: Mapping[str, Any]) -> Slurm:
    """SLURM as this machine reaches it.

    Args:
        options: as `SlurmOptions` takes them.

    Raises:
        UserError: its commands are not on this machine.
    """
    missing = [command for command in _COMMANDS if shutil.which(command) is None]
    if missing:
        raise UserError(
            f"--on slurm: there is no {missing[0]} on this machine. Run search on a login node of "
            "the cluster, or within a job of it."
        )
    return Slurm(SlurmOptions(**options))
