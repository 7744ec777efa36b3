"""The calls to an engine that has actors, without Ray."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from search.errors import UserError
from search.executors.engines import ray_driver
from search.executors.engines.engine import Allocation, Order, State
from search.executors.engines.ray_driver import RayDriver, RayOptions
from search.executors.remote.actor_calls import ActorCalls
from search.plain.engine_words import allocation_word, environment_remedy

PATIENCE_S = 30.0


class Driver:
    """An engine whose calls take as long as the test likes."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.problem: Exception | None = None
        self.asked: list[str] = []
        self.killed: list[str] = []

    def submit(self, name: str, excluded: Sequence[str]) -> None:
        self.asked.append(name)
        self.may_go_on.wait(PATIENCE_S)
        if self.problem is not None:
            raise self.problem

    def allocations(self) -> list[Allocation]:
        return [Allocation(name, State.RUNNING, "n1") for name in self.asked]

    def kill(self, names: Sequence[str]) -> None:
        self.killed += names

    def open(self, name: str) -> int | None:
        return None

    def read(self, name: str, number: int) -> bytes | None:
        return b""

    def write(self, name: str, number: int, data: bytes) -> bool:
        return False

    def close(self) -> None:
        return


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def settled(calls: ActorCalls) -> None:
    def is_quiet() -> bool:
        calls.look()
        return not (calls.is_asking or calls.is_looking or calls.is_giving_back)

    until(is_quiet)


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def calls(driver: Driver) -> Iterator[ActorCalls]:
    made = ActorCalls(driver)
    yield made
    driver.may_go_on.set()
    made.close()


def test_call_that_waits_holds_nothing_up(driver: Driver, calls: ActorCalls) -> None:
    driver.may_go_on.clear()
    told: list[tuple[str | None, str | None]] = []
    calls.ask([], lambda name, problem: told.append((name, problem)))
    until(lambda: driver.asked)
    calls.look()
    assert (calls.is_asking, told) == (True, [])
    driver.may_go_on.set()
    settled(calls)
    assert told == [(driver.asked[0], None)]


def test_actor_that_nobody_was_told_of_is_no_stranger(driver: Driver, calls: ActorCalls) -> None:
    driver.may_go_on.clear()
    calls.ask([], lambda *_: None)
    until(lambda: driver.asked)
    listed: list[list[Allocation]] = []
    calls.ask_for_status(listed.append)

    def is_told() -> bool:
        calls.look()
        return bool(listed)

    until(is_told)
    assert listed == [[]]
    driver.may_go_on.set()
    settled(calls)
    calls.ask_for_status(listed.append)
    settled(calls)
    assert [each.identifier for each in listed[1]] == driver.asked


def test_names_of_two_runs_differ() -> None:
    names = set()
    for _ in range(2):
        driver = Driver()
        calls = ActorCalls(driver)
        calls.ask([], lambda *_: None)
        settled(calls)
        names.update(driver.asked)
    assert len(names) == 2


def test_actors_are_given_back_once(driver: Driver, calls: ActorCalls) -> None:
    calls.give_back(["a", "b"])
    # while the first call is on
    calls.give_back(["b", "c"])
    settled(calls)
    calls.give_back(["c"])
    settled(calls)
    assert driver.killed == ["a", "b", "c"]


def test_refusal_is_told_in_one_line_and_what_cannot_be_used_ends_the_run(
    driver: Driver, calls: ActorCalls
) -> None:
    told: list[tuple[str | None, str | None]] = []
    driver.problem = ValueError("Traceback\n  of Ray\nValueError: no such label.\n")
    calls.ask([], lambda name, problem: told.append((name, problem)))
    settled(calls)
    assert told == [(None, "ValueError: no such label")]
    driver.problem = UserError("--on ray: no Ray was found")
    calls.ask([], lambda *_: None)
    with pytest.raises(UserError, match="no Ray was found"):
        settled(calls)


def test_missing_ray_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_driver.importlib.util, "find_spec", lambda _: None)
    order = Order("s", ["agent"], tmp_path, tmp_path, cpus=1)
    with pytest.raises(UserError) as refused:
        RayDriver(RayOptions(), order)
    (line,) = str(refused.value).splitlines()
    assert line.startswith("--on ray: ray is not installed. Add it: pip install ")


def test_address_where_nobody_listens_is_told(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    order = Order("s", ["agent"], tmp_path, tmp_path, cpus=1)
    with pytest.raises(UserError) as refused:
        RayDriver(RayOptions("127.0.0.1:1"), order).submit("a", [])
    assert str(refused.value) == (
        "--on ray: no Ray was found at 127.0.0.1:1: [Errno 111] Connection refused. Start search "
        "on a node of the cluster, or name its Client server: --on ray://HOST:10001."
    )


def test_another_ray_is_told_in_one_line() -> None:
    text = (
        "Version mismatch: The cluster was started with:\n    Ray: 2.51.0\n    Python: 3.12.1\n"
        "This process on 10.0.0.1 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
    )
    assert ray_driver.ray_refusal("ray://head:10001", text) == (
        "--on ray: the cluster has Ray 2.51.0 and Python 3.12.1, and this machine Ray 2.60.0 and "
        "Python 3.11.7. Start search in the environment of the cluster."
    )


def test_words_are_those_of_the_engine() -> None:
    assert (allocation_word("slurm"), allocation_word("ray")) == ("job", "actor")
    assert "setup" in environment_remedy("slurm")
    assert "runtime_env" in environment_remedy("ray")


def test_agent_does_not_outlive_the_process_that_started_it(tmp_path: Path) -> None:
    # of a process that is not its parent
    ended = subprocess.run(
        [sys.executable, "-m", "search.executors.remote.child_agent", "1", tmp_path],
        check=False,
    )
    assert ended.returncode == 1
