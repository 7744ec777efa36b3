"""The channel over real sockets: who is let in, and what is heard."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from channel_end import Coordinator, is_closed

from search.messages import Ended, Hello, Reported, Stop, Verdict
from search.wire import MAX_LINE_BYTES, decode, encode

REPORT = Reported(step=1, epoch=1, value=0.5)


def test_attempt_with_its_token_is_heard_and_answered(coordinator: Coordinator) -> None:
    token = coordinator.channel.admit("fit-0")
    with coordinator.connect() as sock:
        sock.sendall(encode(Hello(token)) + encode(REPORT))
        assert coordinator.heard() == [("fit-0", REPORT)]
        coordinator.channel.send("fit-0", Verdict(1, prune=True))
        coordinator.channel.send("fit-0", Stop())
        lines = sock.makefile("rb")
        assert [decode(lines.readline()), decode(lines.readline())] == [Verdict(1, True), Stop()]
        lines.close()


@pytest.mark.parametrize(
    "first",
    [
        encode(Hello("wrong")),
        encode(REPORT),
        b"GET / HTTP/1.1\n",
        b'{"kind": "launch"}\n',
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_stranger_is_turned_away(coordinator: Coordinator, first: bytes) -> None:
    coordinator.channel.admit("fit-0")
    with coordinator.connect() as sock:
        sock.sendall(first + encode(REPORT))
        assert coordinator.heard() == []
        assert is_closed(sock)


def test_temporary_folder_too_long_for_a_socket_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster, whose jobs have folders like /scratch/project/user/job.0451.head/tmp."""
    long = tmp_path / ("job" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    coordinator = Coordinator()
    try:
        token = coordinator.channel.admit("fit-0")
        with coordinator.connect() as sock:
            sock.sendall(encode(Hello(token)) + encode(REPORT))
            assert coordinator.heard() == [("fit-0", REPORT)]
    finally:
        coordinator.channel.close()
    assert list(long.iterdir()) == []
    assert not Path(coordinator.channel.address).parent.exists()


def test_token_admits_once(coordinator: Coordinator) -> None:
    token = coordinator.channel.admit("fit-0")
    with coordinator.connect() as first, coordinator.connect() as second:
        first.sendall(encode(Hello(token)))
        coordinator.heard()
        second.sendall(encode(Hello(token)) + encode(REPORT))
        assert coordinator.heard() == []
        assert is_closed(second)


def test_line_without_end_is_cut_off(coordinator: Coordinator) -> None:
    token = coordinator.channel.admit("fit-0")
    with coordinator.connect() as sock:
        sock.sendall(encode(Hello(token)))
        coordinator.heard()
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while sent < 4 * MAX_LINE_BYTES:
                sent += sock.send(b"x" * 65536)
                coordinator.heard()
        assert sent >= MAX_LINE_BYTES


def test_last_words_are_read_when_an_attempt_is_dropped(coordinator: Coordinator) -> None:
    token = coordinator.channel.admit("fit-0")
    sock = coordinator.connect()
    sock.sendall(encode(Hello(token)))
    coordinator.heard()
    sock.sendall(encode(REPORT) + encode(Ended("done", 0.5)))
    sock.close()
    assert coordinator.channel.drop("fit-0") == [("fit-0", REPORT), ("fit-0", Ended("done", 0.5))]


def test_attempt_that_came_and_went_between_two_looks_is_heard(coordinator: Coordinator) -> None:
    """As while the coordinator is suspended."""
    token, other = coordinator.channel.admit("fit-0"), coordinator.channel.admit("fit-1")
    with coordinator.connect() as silent, coordinator.connect() as at_work:
        with coordinator.connect() as sock:
            sock.sendall(encode(Hello(token)) + encode(REPORT) + encode(Ended("done", 0.5)))
        at_work.sendall(encode(Hello(other)) + encode(REPORT))
        noticed = coordinator.selector.select(0)
        said = coordinator.channel.drop("fit-0")
        assert [each for each in said if each[0] == "fit-0"] == [
            ("fit-0", REPORT),
            ("fit-0", Ended("done", 0.5)),
        ]
        # the news of the same look, which the drop has heard already
        for key, _ in noticed:
            said += key.data()
        said += coordinator.heard()
        assert [each for each in said if each[0] == "fit-1"] == [("fit-1", REPORT)]
        silent.sendall(encode(Hello(coordinator.channel.admit("fit-2"))) + encode(REPORT))
        assert coordinator.heard() == [("fit-2", REPORT)]


def test_socket_is_private_and_goes_with_the_channel() -> None:
    made = Coordinator()
    folder = Path(made.channel.address).parent
    assert folder.stat().st_mode & 0o077 == 0
    made.channel.close()
    made.selector.close()
    assert not folder.exists()
