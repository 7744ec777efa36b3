"""What every executor promises the coordinator, of this machine's, of SLURM's and of Ray's."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from clusters.ray_cluster import RayCluster
from clusters.slurm_cluster import SlurmCluster, can_hide_folders
from conftest import TINY

from search.executors.local import LocalExecutor
from search.executors.protocol import Executor
from search.executors.remote.executor import Cluster, RemoteExecutor
from search.layout import StudyFolder, TrialFolder
from search.messages import (
    DONE,
    INTERRUPTED,
    Ended,
    Exited,
    Launched,
    Message,
    Reported,
    Slot,
    SlotOpened,
    Started,
    Stop,
    Verdict,
)

pytestmark = pytest.mark.real

CONFIG = """
model: {class_path: tiny.Tiny, init_args: {lr: 0.1, pause: PAUSE}}
trainer: {max_epochs: 3, accelerator: cpu, num_sanity_val_steps: 0}
seed_everything: 1
objective: {metric: val_loss, direction: minimize, value: best}
logger: [{name: csv}]
"""
SLOTS = 3


class Attempts:
    """An executor with its slots open, and everything that it has said."""

    def __init__(self, executor: Executor, root: Path) -> None:
        self.executor = executor
        self.root = root
        self.said: list[tuple[str, Message]] = []
        self.slots: dict[str, Slot] = {}
        self._begun = 0
        executor.open_slots([Slot(1)] * SLOTS)
        self.until(lambda: len(self.slots) == SLOTS)

    def until(self, condition: Callable[[], object], timeout_s: float = 120.0) -> None:
        """Poll until a condition holds, answering each report as a coordinator does."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, self.said
            for about, message in self.executor.poll(0.25):
                self.said.append((about, message))
                if isinstance(message, SlotOpened):
                    self.slots[about] = message.slot
                if isinstance(message, Reported):
                    self.executor.send(about, Verdict(message.step, prune=False))

    def fit(self, slot: int = 0, pause: float = 0.0) -> str:
        """Start a fit in a slot; returns its name."""
        self._begun += 1
        attempt = f"fit-{self._begun}"
        folder = self.folder(attempt)
        folder.root.mkdir()
        folder.config.write_text(CONFIG.replace("PAUSE", str(pause)))
        self.executor.start(attempt, "fit", folder, list(self.slots.values())[slot])
        return attempt

    def folder(self, attempt: str) -> TrialFolder:
        return TrialFolder(self.root / attempt)

    def of(self, attempt: str) -> list[Message]:
        return [message for about, message in self.said if about == attempt]

    def has(self, attempt: str, kind: type[Message]) -> bool:
        return any(isinstance(message, kind) for message in self.of(attempt))

    def last(self, attempt: str) -> Exited:
        """The end of an attempt, waited for."""
        self.until(lambda: self.has(attempt, Exited))
        exited = self.of(attempt)[-1]
        assert isinstance(exited, Exited)
        return exited

    def pid(self, attempt: str) -> int:
        self.until(lambda: self.has(attempt, Launched))
        return next(each.pid for each in self.of(attempt) if isinstance(each, Launched))


@contextlib.contextmanager
def local(root: Path, modules: Path) -> Iterator[Executor]:
    executor = LocalExecutor(["tiny.Tiny"], [str(modules)], server_log=root / "server.log")
    with contextlib.closing(executor):
        yield executor


@contextlib.contextmanager
def on_cluster(engine: str, root: Path, modules: Path) -> Iterator[Executor]:
    # two agents, of which one has a slot more than is wanted
    cluster = Cluster(engine, {}, "search-contract", slots_of_agent=2, cpus=1, threads=1)
    folder = StudyFolder(root)
    executor = RemoteExecutor(["tiny.Tiny"], [str(modules)], cluster=cluster, folder=folder)
    with contextlib.closing(executor):
        yield executor


@pytest.fixture(scope="module", params=["local", "slurm", "slurm apart", "ray"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Attempts, Callable[[], None]]]:
    """An executor that takes attempts, and what closes it."""
    root = modules = tmp_path_factory.mktemp("executor")
    (modules / "tiny.py").write_text(TINY)
    engine, _, apart = request.param.partition(" ")
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        if engine != "local":
            fixture = {"slurm": "slurm_daemons", "ray": "ray_nodes"}[engine]
            cluster: SlurmCluster | RayCluster = request.getfixturevalue(fixture)
            for name, value in cluster.environment.items():
                patch.setenv(name, value)
        if apart and not can_hide_folders():
            pytest.skip("needs root, or a kernel that lets others hide folders")
        if apart:
            # which nodes do not see
            root = cluster.disk_of_head / root.name
            root.mkdir()
        is_local = engine == "local"
        made = local(root, modules) if is_local else on_cluster(engine, root, modules)
        executor = stack.enter_context(made)
        yield Attempts(executor, root), stack.close


@pytest.fixture
def attempts(opened: tuple[Attempts, Callable[[], None]]) -> Attempts:
    made, _ = opened
    return made


def gone(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_attempts_speak_in_order_and_their_exit_is_the_last_word(attempts: Attempts) -> None:
    names = [attempts.fit(slot) for slot in range(SLOTS)]
    for name in names:
        assert attempts.last(name).status == 0
        said = attempts.of(name)
        assert isinstance(said[0], Launched)
        assert [message.cause for message in said if isinstance(message, Ended)] == [DONE]
        steps = [message.step for message in said if isinstance(message, Reported)]
        assert steps == [1, 2, 3]
        assert sum(isinstance(message, Started) for message in said) == 1
    assert len(attempts.slots) == SLOTS


def test_an_attempt_that_is_killed_is_gone_when_its_exit_is_told(attempts: Attempts) -> None:
    name = attempts.fit(pause=5.0)
    pid = attempts.pid(name)
    attempts.executor.kill(name)
    exited = attempts.last(name)
    assert (exited.status, exited.lost) == (-signal.SIGKILL, None)
    assert gone(pid)
    # its slot takes another
    assert attempts.last(attempts.fit()).status == 0


def test_an_attempt_that_is_told_to_stop_saves_and_ends(attempts: Attempts) -> None:
    name = attempts.fit(pause=0.3)
    attempts.until(lambda: attempts.has(name, Reported))
    attempts.executor.send(name, Stop())
    attempts.last(name)
    ended = next(each for each in attempts.of(name) if isinstance(each, Ended))
    assert ended.cause == INTERRUPTED
    assert attempts.folder(name).last_ckpt.is_file()


def test_orders_for_an_attempt_that_has_ended_do_nothing(attempts: Attempts) -> None:
    name = attempts.fit()
    attempts.last(name)
    attempts.executor.send(name, Stop())
    attempts.executor.kill(name)
    assert attempts.last(attempts.fit()).status == 0
    assert isinstance(attempts.of(name)[-1], Exited)


def test_attempts_of_a_fork_server_that_is_killed_end_and_others_begin(attempts: Attempts) -> None:
    name = attempts.fit(pause=5.0)
    pid = attempts.pid(name)
    os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
    assert attempts.last(name).status == -signal.SIGKILL
    assert gone(pid)
    assert attempts.last(attempts.fit()).status == 0


def test_nothing_is_left_of_an_executor_that_is_closed(
    opened: tuple[Attempts, Callable[[], None]],
) -> None:
    attempts, close = opened
    pid = attempts.pid(attempts.fit(pause=5.0))
    close()
    assert gone(pid)
    root = str(attempts.root)
    assert [each for each in psutil.process_iter() if root in " ".join(_line(each))] == []


def _line(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []
