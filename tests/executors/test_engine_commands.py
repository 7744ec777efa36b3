"""Commands of an engine that fail, are silent, or say much."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from search.executors.remote import engine_command
from search.executors.remote.engine_command import CommandEnd, EngineCommand


def end_of(arguments: Sequence[str]) -> CommandEnd:
    ends: list[CommandEnd] = []
    command = EngineCommand(arguments, ends.append)
    deadline = time.monotonic() + 60
    while not command.look():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (end,) = ends
    return end


def test_all_that_a_command_prints_is_read_however_much_it_is() -> None:
    end = end_of(["sh", "-c", "seq 100000; echo a warning >&2"])
    assert end.problem is None
    assert end.output.splitlines() == [str(number) for number in range(1, 100001)]


def test_a_command_that_fails_is_quoted_with_the_last_thing_that_it_said() -> None:
    text = (
        "echo sbatch: trying >&2; echo 'sbatch: error: invalid partition specified: x' >&2; exit 1"
    )
    assert end_of(["sh", "-c", text]).problem == "sbatch: error: invalid partition specified: x"
    mistake = (
        "echo \"sbatch: unrecognized option '--colour'\" >&2; "
        "echo 'Try \"sbatch --help\" for more information' >&2; exit 1"
    )
    assert end_of(["sh", "-c", mistake]).problem == "sbatch: unrecognized option '--colour'"
    assert end_of(["sh", "-c", "exit 3"]).problem == "sh ended with status 3"


def test_a_command_that_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_command, "TIMEOUT_S", 0.1)
    assert "did not answer" in (end_of(["sleep", "1000"]).problem or "")


def test_a_command_that_is_not_there_is_an_error_at_once() -> None:
    with pytest.raises(FileNotFoundError):
        EngineCommand(["no-such-command-of-any-cluster"], lambda _: None)
