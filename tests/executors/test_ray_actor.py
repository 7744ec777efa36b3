"""What an actor does beside its agent, and the lines through it; as an object, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from search.executors.remote.actor_line import ActorLine
from search.executors.remote.attach import AGENT_IS_GONE

pytest.importorskip("ray")

from search.executors.engines.ray_actor import (
    AgentActor,
    AgentStart,
    agent_environment,
)

# listens as an agent does, answers each line with the same line in capitals, and ends at "end"
AGENT = """
import socket, sys
from pathlib import Path
_, parent, folder, name, node = sys.argv
path = f"{folder}/s"
listener = socket.socket(socket.AF_UNIX); listener.bind(path); listener.listen(1)
Path(folder, f"{name}.socket").write_text(path)
print("agent", name, flush=True)
while True:
    connection, _ = listener.accept()
    for line in connection.makefile("rb"):
        if line == b"end\\n":
            sys.exit(3)
        connection.sendall(line.upper())
"""
PATIENCE_S = 30.0


class Way:
    """The calls to an actor, as the driver of Ray makes them."""

    def __init__(self, actor: AgentActor) -> None:
        self.actor = actor

    def open(self, name: str) -> int | None:
        return self.actor.open()

    def read(self, name: str, number: int) -> bytes | None:
        return self.actor.read(number)

    def write(self, name: str, number: int, data: bytes) -> bool:
        return self.actor.write(number, data)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start_of(root: Path, **changes: object) -> AgentStart:
    (root / "stand_in.py").write_text(AGENT)
    given = {"module": "stand_in", "name": "1f-1", "agents": str(root), "folder": str(root)}
    return AgentStart(**{**given, "gpus": 0, "threads": None, **changes})  # type: ignore[arg-type]


@pytest.fixture
def actor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AgentActor:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return AgentActor(start_of(tmp_path))


def read_all(line: ActorLine, count: int) -> list[bytes]:
    lines: list[bytes] = []

    def has_all() -> bool:
        lines.extend(line.pipe.read())
        return len(lines) >= count or line.pipe.is_broken

    until(has_all)
    return lines


def test_lines_go_there_and_back_in_order_and_the_end_is_known(
    actor: AgentActor, tmp_path: Path
) -> None:
    way = Way(actor)
    line = ActorLine(way, "1f-1", 0.0)
    sent = [b"%d-a\n" % number for number in range(500)]
    for each in sent:
        line.pipe.send(each)
    until(lambda: line.pipe.flush() or line.pipe.is_flushed)
    assert read_all(line, len(sent)) == [each.strip().upper() for each in sent]
    # another line to the same agent takes the place of the first
    second = ActorLine(way, "1f-1", 0.0)
    second.pipe.send(b"again\n")
    assert read_all(second, 1) == [b"AGAIN"]
    assert read_all(line, 1) == []
    line.close()
    second.pipe.send(b"end\n")
    assert read_all(second, 1) == []
    assert actor.end() == 3
    second.close()
    third = ActorLine(way, "1f-1", 0.0)
    read_all(third, 1)
    assert third.close() == AGENT_IS_GONE
    assert (tmp_path / "1f-1.txt").read_text() == "agent 1f-1\n"


def test_agent_is_there_to_say_that_the_disk_is_not_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    nowhere = str(tmp_path / "nowhere")
    actor = AgentActor(start_of(tmp_path, agents=nowhere, folder=nowhere))
    line = ActorLine(Way(actor), "1f-1", 0.0)
    line.pipe.send(b"serve\n")
    assert read_all(line, 1) == [b"SERVE"]
    line.pipe.send(b"end\n")
    assert read_all(line, 1) == []
    assert actor.end() == 3
    line.close()
    assert [each.name for each in tmp_path.iterdir()] == ["stand_in.py"]


def test_agent_that_does_not_start_ends_its_actor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    actor = AgentActor(start_of(tmp_path, module="nowhere"))
    assert actor.open() is None
    assert actor.end() == 1
    assert "No module named nowhere" in (tmp_path / "1f-1.txt").read_text()


def test_agent_has_the_threads_and_the_gpus_that_it_was_given(tmp_path: Path) -> None:
    own = {"OMP_NUM_THREADS": "8", "CUDA_VISIBLE_DEVICES": "2,3", "PATH": "/bin"}
    plain = agent_environment(own, start_of(tmp_path))
    assert plain == {"CUDA_VISIBLE_DEVICES": "", "PATH": "/bin", "PYTHONSAFEPATH": "1"}
    given = agent_environment(own, start_of(tmp_path, gpus=2, threads="1"))
    assert (given["CUDA_VISIBLE_DEVICES"], given["OMP_NUM_THREADS"]) == ("2,3", "1")
