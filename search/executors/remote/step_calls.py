"""What is asked of SLURM from within an allocation: one agent a node, each a step of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from search.errors import UserError
from search.executors.engines.engine import Allocation, Order, State
from search.executors.engines.slurm_steps import SlurmSteps, Standing
from search.executors.remote.attach import attach_command
from search.executors.remote.calls_under_way import CallKind, CallsUnderWay
from search.executors.remote.engine_command import CommandEnd, EngineCommand
from search.executors.remote.member import AttachedLine
from search.plain.whole_files import open_privately

# before the end of the job no agent is worth its start: so long, or so much of what was left when
# that was first known
_LAST_S = 150.0
_LAST_SHARE = 0.25
# srun itself ends with the node of its step, on which the agent may still run where only the
# network is gone
_NODE_FAILED = b"Node failure"
_END_BYTES = 4096
_CLOSE_S = 5.0


@dataclass(frozen=True)
class _Begun:
    """An agent that was asked for."""

    node: str
    process: subprocess.Popen[bytes]
    log: Path


class StepCalls:
    """The calls of one bridge.

    Args:
        order: what agents are to be.
    """

    def __init__(self, engine: SlurmSteps, order: Order) -> None:
        self._engine = engine
        self._order = order
        self._calls = CallsUnderWay()
        self._standing = Standing()
        self._seen_at = 0.0
        self._last_s: float | None = None
        self._begun: dict[str, _Begun] = {}
        self._to_end: set[str] = set()

    @property
    def is_asking(self) -> bool:
        """Whether a step is being asked for, which is begun at once."""
        return False

    @property
    def is_looking(self) -> bool:
        """Whether SLURM is being asked how steps stand."""
        return self._calls.has(CallKind.LOOK)

    @property
    def is_giving_back(self) -> bool:
        """Whether steps are being ended."""
        return bool(self._to_end) or self._calls.has(CallKind.GIVE_BACK)

    def is_full(self, excluded: Sequence[str]) -> str | None:
        """Why no more may be asked for: each node has its agent, or the job is nearly over."""
        if self._free_node(excluded) is not None:
            return None
        if self._is_nearly_over:
            return f"the time of job {self._engine.job} is nearly over; its trials are saved"
        return f"no other node of job {self._engine.job} has room for an agent"

    @property
    def _is_nearly_over(self) -> bool:
        left_s = self._left_s
        return left_s is not None and self._last_s is not None and left_s < self._last_s

    @property
    def _left_s(self) -> float | None:
        """Seconds until the end of the job; None without a limit."""
        left_s = self._standing.ends_in_s
        return None if left_s is None else left_s - (time.monotonic() - self._seen_at)

    def look(self) -> None:
        """Tell of the calls that have ended."""
        self._calls.look()
        self._end_next()

    def ask(self, excluded: Sequence[str], then: Callable[[str | None, str | None], None]) -> None:
        """Begin an agent on a node that has none.

        Args:
            excluded: nodes that it must not be on.
            then: told its name, or why there is none.

        Raises:
            UserError: SLURM's commands are not there, as for the other calls.
        """
        node = self._free_node(excluded)
        if node is None:
            then(None, self.is_full(excluded))
            return
        name = self._new_name(node)
        log = self._order.log / f"{name}.txt"
        with open_privately(log, "ab") as output:
            process = self._popen(self._engine.step(self._order, name, node), output.fileno())
        self._begun[name] = _Begun(node, process, log)
        then(name, None)

    def ask_for_status(
        self,
        then: Callable[[list[Allocation]], None],
        otherwise: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Ask how all steps stand.

        Args:
            then: told that.
            otherwise: told why SLURM does not answer.
        """

        def read(end: CommandEnd) -> None:
            if end.problem is not None:
                otherwise(end.problem)
                return
            self._note(self._engine.standing(end.output, self._order, time.time()))
            then(self._allocations())

        self._calls.begin(CallKind.LOOK, EngineCommand(self._engine.status(), read))

    def give_back(self, names: Iterable[str]) -> None:
        """End steps, those that have ended already included."""
        for name in names:
            begun = self._begun.get(name)
            if begun is None or begun.process.poll() is None:
                self._to_end.add(name)
        self._end_next()

    def attach(self, name: str, now: float) -> AttachedLine:
        """Connect to an agent by a process beside it.

        Args:
            now: on the clock of the bridge.

        Raises:
            UserError: SLURM's command cannot be run.
        """
        command = attach_command(self._order.log, name)
        try:
            return AttachedLine(self._engine.attach(self._node_of(name), command), now)
        except OSError as error:
            raise UserError(f"--on slurm: cannot reach agents: {error}") from error

    def close(self) -> None:
        """Wait for the commands of steps, which end with these."""
        for begun in self._begun.values():
            try:
                begun.process.wait(_CLOSE_S)
            except subprocess.TimeoutExpired:
                begun.process.kill()
                begun.process.wait()

    def _note(self, standing: Standing) -> None:
        self._standing, self._seen_at = standing, time.monotonic()
        if self._last_s is None and standing.ends_in_s is not None:
            self._last_s = min(_LAST_S, _LAST_SHARE * standing.ends_in_s)

    def _free_node(self, excluded: Sequence[str]) -> str | None:
        if self._is_nearly_over:
            return None
        taken = {each.node for each in self._begun.values() if each.process.poll() is None}
        # what an earlier run has left is ended, and a step waits for that
        free = (node for node in self._standing.nodes if node not in taken)
        return next((node for node in free if node not in excluded), None)

    def _node_of(self, name: str) -> str:
        step = self._standing.steps.get(name)
        return self._begun[name].node if step is None else step.node

    def _new_name(self, node: str) -> str:
        """A name that no agent has had, whose files would be taken for those of this one."""
        number = 1
        while (self._order.log / f"{self._engine.job}-{node}-{number}.txt").exists():
            number += 1
        return f"{self._engine.job}-{node}-{number}"

    def _allocations(self) -> list[Allocation]:
        return [self._allocation(name) for name in {*self._standing.steps, *self._begun}]

    def _allocation(self, name: str) -> Allocation:
        begun, step = self._begun.get(name), self._standing.steps.get(name)
        if begun is None:
            # of an earlier run in this job
            assert step is not None
            return Allocation(name, State.RUNNING, step.node, self._standing.ends_in_s)
        status = begun.process.poll()
        if status is not None or begun.node not in self._standing.nodes:
            has_ended = status is not None and status >= 0 and not _failed(begun.log)
            return Allocation(name, State.GONE, begun.node, why="GONE", has_ended=has_ended)
        if step is None:
            return Allocation(name, State.PENDING, begun.node)
        return Allocation(name, State.RUNNING, step.node, self._standing.ends_in_s)

    def _end_next(self) -> None:
        """End what is to be ended: by its number as soon as that is known."""
        for name in self._to_end - self._standing.steps.keys():
            # not begun yet, or ended already
            if (begun := self._begun.get(name)) is not None:
                begun.process.terminate()
            self._to_end.discard(name)
        if not self._to_end or self._calls.has(CallKind.GIVE_BACK):
            return
        names = sorted(self._to_end)
        steps = [self._standing.steps[name].identifier for name in names]
        end = EngineCommand(self._engine.cancel(steps), partial(self._note_ended, names))
        self._calls.begin(CallKind.GIVE_BACK, end)

    def _note_ended(self, names: Iterable[str], end: CommandEnd) -> None:
        # one that SLURM does not know any more has ended
        self._to_end.difference_update(names)

    def _popen(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise UserError(f"--on slurm: cannot run {command[0]}: {error.strerror}") from error


def _failed(log: Path) -> bool:
    """Whether the command of a step says that it has lost the node."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _END_BYTES))
        return _NODE_FAILED in file.read()
