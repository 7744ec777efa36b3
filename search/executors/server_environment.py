"""The environments of the processes of an executor, made from that of the coordinator."""

from __future__ import annotations

from collections.abc import Mapping

from search.executors.processes import OWNER

_SLURM = "SLURM_"
# which job it is and where its files are stays true of an attempt
_OF_THE_JOB = ("SLURM_JOB_ID", "SLURM_SUBMIT_DIR", "SLURM_TMPDIR")


def server_environment(own: Mapping[str, str], owner: str) -> dict[str, str]:
    """The variables for a fork server.

    Args:
        own: those of this process.
        owner: name of the executor.
    """
    environment = {name: value for name, value in own.items() if _holds_for_attempts(name)}
    environment[OWNER] = owner
    environment["PYTHONUNBUFFERED"] = "1"
    # a folder called search where the user stands must not shadow this package
    environment["PYTHONSAFEPATH"] = "1"
    # of a W&B service that outlives trials, a killed one holds its run for good
    environment.pop("WANDB_SERVICE", None)
    # a library that is asked for nothing else has one thread; torch gets those of the slot
    environment.setdefault("OMP_NUM_THREADS", "1")
    # threads that wait in a loop for others make each step many times as slow where something
    # else has a core meanwhile
    if "GOMP_SPINCOUNT" not in environment:
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment


def bridge_environment(own: Mapping[str, str]) -> dict[str, str]:
    """The variables for a bridge, and so for the commands of a cluster: within a job, SLURM's say
    where that is and what it has, which `srun` would take for what is wanted of another job.

    Args:
        own: those of this process.
    """
    within_job = "SLURM_JOB_ID" in own
    environment = {
        name: value
        for name, value in own.items()
        if not (within_job and name.startswith(_SLURM)) or name == "SLURM_CONF"
    }
    environment["PYTHONSAFEPATH"] = "1"
    return environment


def _holds_for_attempts(name: str) -> bool:
    """False for what SLURM says of a task that it started, which is `search` and no attempt: by
    that Lightning (2.6) takes the attempt for the rank of `search`, and requeues the whole job at
    a signal."""
    return not name.startswith(_SLURM) or name in _OF_THE_JOB
