"""SLURM, by `sbatch`, `squeue`, `srun` and `scancel`: never `sacct`, which many clusters lack.

Tried with SLURM 22.05. What a job is asked for beyond the order comes from `SlurmOptions`.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from search.executors.engines.engine import Allocation, Order, State

# job states that wait, in the words of `squeue`
_WAITING = {
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "RESV_DEL_HOLD",
    "SPECIAL_EXIT",
}
# and those that never run again
_OVER = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}
# those that only the end of its script brings about
_SCRIPT_ENDED = {"COMPLETED", "FAILED", "OUT_OF_MEMORY"}
# processes of a job that is being ended may still run, and save; an epilog that hangs on a broken
# node keeps it in this state for good
_LONGEST_END_S = 300.0

# the script goes to the input of sbatch, as a file would have to be kept until it was read; bash
# alone hands on its functions that the environment carries, `module` being one, where the shell of
# --wrap, which is dash on Debian, drops them
_PIPED = 'exec sbatch "$@" <<<"$0"'

# variables by which a user has squeue leave jobs out, which would then be taken for gone
_FILTERS = ("SQUEUE_ACCOUNT", "SQUEUE_LICENSES", "SQUEUE_PARTITION", "SQUEUE_QOS")

_FIELDS = "%i|%T|%e|%N|%r"

# the machines of a job, in the words of `first_agent`: its own address, as SLURM's daemons reach
# it, and the others
_ADDRESS = """$(scontrol show node "$SLURMD_NODENAME" | grep -o 'NodeAddr=[^ ]*' | cut -d= -f2)"""
_OTHERS = """$(scontrol show hostnames "$SLURM_JOB_NODELIST" | grep -vx "$SLURMD_NODENAME" | paste -sd,)"""  # noqa: E501


@dataclass(frozen=True)
class SlurmOptions:
    """What the jobs of a study are asked for, beside cores, GPUs and memory."""

    partition: str | None = None
    """Partition; None for the cluster's own choice."""
    time_s: float | None = None
    """Limit of a job in seconds, counted in whole minutes; None for that of the partition."""
    gres: str | None = None
    """Generic resources of a job as `sbatch --gres` takes them; None for as many GPUs as needed."""
    setup: tuple[str, ...] = ()
    """Lines of bash before the agent; one that fails ends the job."""
    extra: tuple[str, ...] = ()
    """More arguments of `sbatch`, which win over all but what the agent relies on."""

    def gres_of(self, order: Order) -> str | None:
        """The generic resources of an agent; None for none."""
        return f"gpu:{order.gpus}" if self.gres is None and order.gpus else self.gres


def memory_mib(order: Order) -> int | None:
    """The memory of an agent as SLURM counts it, at least 1, since 0 would be all of the node; None
    where the order says nothing."""
    return None if order.memory_bytes is None else max(1, math.ceil(order.memory_bytes / 2**20))


class Slurm:
    """The commands of SLURM; an allocation is a batch job, whose agent is on its first node."""

    def __init__(self, options: SlurmOptions) -> None:
        self._options = options

    def submit(self, order: Order, excluded: Sequence[str]) -> list[str]:
        """The command that asks for one job. It never comes back under its identifier: that would
        be another agent, and wait longer than a new job."""
        script = "\n".join(
            [
                "#!/bin/bash",
                *([] if order.shares_log else _output_where_it_can_be(order.log)),
                "set -e",
                *self._options.setup,
                *_start_of(order),
            ]
        )
        arguments = [
            f"--job-name={order.name}",
            f"--cpus-per-task={order.cpus}",
            f"--output={_literal(order.log)}/%j.txt" if order.shares_log else "--output=/dev/null",
            # numbers begin again where a cluster is set up anew
            "--open-mode=append",
            f"--chdir={order.folder}",
            *self._wanted(order),
            *([f"--exclude={','.join(excluded)}"] if excluded else []),
            *self._options.extra,
            f"--nodes={order.nodes}",
            f"--ntasks={order.nodes}",
            *(["--ntasks-per-node=1"] if order.nodes > 1 else []),
            "--no-requeue",
            "--parsable",
        ]
        return ["bash", "-c", _PIPED, script, *arguments]

    def submitted(self, output: str) -> str:
        """The number of the job; the name of its cluster may stand behind it.

        Raises:
            ValueError: there is none.
        """
        for line in output.splitlines():
            number = line.partition(";")[0].strip()
            if number.isdecimal():
                return number
        raise ValueError(f"sbatch printed no number of a job, but {output!r}")

    def status(self, order: Order) -> list[str]:
        """The command that lists the jobs of a study, for some minutes those that are over too."""
        return [
            "env",
            *(f"--unset={name}" for name in _FILTERS),
            # as seconds since 1970, whatever the time zone, and the format that the user has set
            "SLURM_TIME_FORMAT=%s",
            "squeue",
            "--me",
            # partitions that are hidden as well
            "--all",
            f"--name={order.name}",
            "--states=all",
            "--noheader",
            f"--format={_FIELDS}",
        ]

    def allocations(self, output: str, now: float) -> list[Allocation]:
        """The jobs that `status` printed.

        Raises:
            ValueError: it printed something else.
        """
        return [_allocation(line, now) for line in output.splitlines() if line.strip()]

    def attach(self, identifier: str, command: Sequence[str]) -> list[str]:
        """The command that runs another as a step of a job, on what the job has already.

        SLURM sends SIGTERM to it, and to all of its processes, as soon as the job is to be ended:
        before it does so to the agent where the job is preempted.
        """
        return [
            "srun",
            f"--jobid={identifier}",
            "--overlap",
            "--nodes=1",
            "--ntasks=1",
            # of the job's nodes the one that its script is on
            "--relative=0",
            "--gres=none",
            "--mem=0",
            "--unbuffered",
            "--quiet",
            *command,
        ]

    def cancel(self, identifiers: Sequence[str]) -> list[str]:
        """The command that ends jobs: SIGTERM, and SIGKILL after the cluster's `KillWait`."""
        return ["scancel", "--quiet", *identifiers]

    def _wanted(self, order: Order) -> list[str]:
        """Arguments for the resources of a job, those that it does not need left out."""
        minutes = None
        if self._options.time_s is not None:
            minutes = max(1, math.ceil(self._options.time_s / 60))
        values = {
            "mem": memory_mib(order),
            "gres": self._options.gres_of(order),
            "time": minutes,
            "partition": self._options.partition,
        }
        return [f"--{name}={value}" for name, value in values.items() if value is not None]


def _start_of(order: Order) -> list[str]:
    """The lines of a job's script that start its agent."""
    agent = f"exec {shlex.join(order.command)} $SLURM_JOB_ID $SLURMD_NODENAME"
    if order.nodes == 1:
        return [agent]
    reach = [
        "srun",
        "--overlap",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={order.cpus}",
        "--mem=0",
        "--mpi=none",
        "--unbuffered",
        "--quiet",
        "--nodelist",
    ]
    # a command that fails there ends the script
    found = [f"address={_ADDRESS}", f"others={_OTHERS}"]
    return [*found, f'{agent} "$address" "$others" {shlex.join(reach)}']


def _output_where_it_can_be(folder: Path) -> list[str]:
    """Lines of bash by which a job writes its output where its machine has the folder; SLURM ends
    a job whose output it cannot open."""
    log = f"{shlex.quote(str(folder))}/$SLURM_JOB_ID.txt"
    return [f"if [ -w {shlex.quote(str(folder))} ]; then exec >>{log} 2>&1; fi"]


def _literal(path: Path) -> str:
    """A path in which sbatch replaces nothing."""
    return str(path).replace("%", "%%")


def _allocation(line: str, now: float) -> Allocation:
    fields = line.split("|", 4)
    if len(fields) != len(_FIELDS.split("|")):
        raise ValueError(f"squeue printed no line of a job, but {line!r}")
    identifier, word, end, node, reason = fields
    # N/A or NONE without a limit
    ends_in_s = float(end) - now if end.isdecimal() else None
    if word in _WAITING:
        return Allocation(identifier, State.PENDING, why="" if reason == "None" else reason)
    if word in _OVER:
        has_ended = word in _SCRIPT_ENDED
        return Allocation(identifier, State.GONE, node, why=word, has_ended=has_ended)
    past_s = 0.0 if ends_in_s is None else -ends_in_s
    if word == "COMPLETING" and past_s > _LONGEST_END_S:
        return Allocation(identifier, State.GONE, node, why=word)
    # a suspended one is there, and a word that a newer SLURM has says nothing of its end
    why = "" if word == "RUNNING" else word
    return Allocation(identifier, State.RUNNING, node, ends_in_s, why)
