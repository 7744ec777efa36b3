"""SLURM, where its commands are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from search.errors import UserError
from search.executors.engines.slurm import Slurm, SlurmOptions
from search.executors.engines.slurm_steps import SlurmSteps

_COMMANDS = ("sbatch", "squeue", "srun", "scancel")
_COMMANDS_WITHIN = ("squeue", "scontrol", "srun", "scancel")


def make_slurm(options: Mapping[str, Any]) -> Slurm:
    """SLURM as this machine reaches it.

    Args:
        options: as `SlurmOptions` takes them.

    Raises:
        UserError: its commands are not on this machine.
    """
    _require(_COMMANDS)
    return Slurm(SlurmOptions(**options))


def make_steps(job: str, options: Mapping[str, Any]) -> SlurmSteps:
    """SLURM as it is reached from within a job.

    Args:
        job: number of the job.
        options: as `SlurmOptions` takes them.

    Raises:
        UserError: its commands are not on this machine.
    """
    _require(_COMMANDS_WITHIN)
    return SlurmSteps(job, SlurmOptions(**options))


def _require(commands: Sequence[str]) -> None:
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        raise UserError(
            f"--on slurm: there is no {missing[0]} on this machine. Run search on a login node of "
            "the cluster, or within a job of it."
        )
