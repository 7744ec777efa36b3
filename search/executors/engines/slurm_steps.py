"""SLURM from within an allocation of several nodes: a step for each agent, and no job.

Tried with SLURM 22.05.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search.executors.engines.engine import Order
from search.executors.engines.slurm import SlurmOptions, memory_mib

# the end and the nodes of the job, which are fewer once one has died, then its steps
_STATUS = (
    'squeue --noheader --jobs="$0" --format="end|%e" && '
    'nodes=$(squeue --noheader --jobs="$0" --format=%N) && '
    'scontrol show hostnames "$nodes" | sed "s/^/node|/" && '
    'squeue --noheader --steps --jobs="$0" --format="step|%i|%N|%j"'
)


@dataclass(frozen=True)
class Step:
    """A step that runs."""

    identifier: str
    """Its number, behind that of the job."""
    node: str
    """Node that it runs on."""


@dataclass(frozen=True)
class Standing:
    """How a job stands."""

    nodes: Sequence[str] = ()
    """Nodes that it has."""
    steps: Mapping[str, Step] = field(default_factory=dict)
    """Steps of the study, by the names of their agents."""
    ends_in_s: float | None = None
    """Seconds until SLURM takes it back; None without a limit."""


class SlurmSteps:
    """The commands of SLURM within a job.

    Args:
        job: number of the job.
        options: of which a step takes `gres` and `setup`; the rest is settled by the job.
    """

    def __init__(self, job: str, options: SlurmOptions) -> None:
        self.job = job
        self._options = options

    def step(self, order: Order, name: str, node: str) -> list[str]:
        """The command that runs an agent on a node, for as long as that lives."""
        gres = self._options.gres_of(order)
        agent = shlex.join([*order.command, name, node])
        script = "\n".join(["set -e", *self._options.setup, f"exec {agent}"])
        return [
            *self._srun(node),
            f"--cpus-per-task={order.cpus}",
            f"--gres={'none' if gres is None else gres}",
            f"--mem={memory_mib(order) or 0}",
            f"--chdir={order.folder}",
            f"--job-name={order.name}/{name}",
            "bash",
            "-c",
            script,
        ]

    def status(self) -> list[str]:
        """The command that tells how the job stands."""
        return ["env", "SLURM_TIME_FORMAT=%s", "bash", "-c", _STATUS, self.job]

    def standing(self, output: str, order: Order, now: float) -> Standing:
        """How the job stands, of which `status` printed this.

        Args:
            order: whose steps are meant.
            now: seconds since 1970.
        """
        nodes: list[str] = []
        steps: dict[str, Step] = {}
        ends_in_s = None
        for line in output.splitlines():
            kind, _, said = line.partition("|")
            if kind == "node":
                nodes.append(said)
            elif kind == "end" and said.isdecimal():
                ends_in_s = float(said) - now
            elif kind == "step":
                identifier, node, title = said.split("|", 2)
                study, _, name = title.rpartition("/")
                if study == order.name:
                    steps[name] = Step(identifier, node)
        return Standing(nodes, steps, ends_in_s)

    def attach(self, node: str, command: Sequence[str]) -> list[str]:
        """The command that runs another beside an agent, on what that has already."""
        quiet = ["--gres=none", "--mem=0", "--unbuffered", "--quiet"]
        return [*self._srun(node), *quiet, *command]

    def cancel(self, steps: Sequence[str]) -> list[str]:
        """The command that ends steps."""
        return ["scancel", "--quiet", *steps]

    def _srun(self, node: str) -> list[str]:
        # of a job that has lost a node SLURM takes the cores of ended steps for used, for good
        # ("unable to update job's core use information due to job resizing"): steps that share
        # them begin all the same
        shared = ["srun", f"--jobid={self.job}", "--overlap", f"--nodelist={node}"]
        return [*shared, "--nodes=1", "--ntasks=1"]
