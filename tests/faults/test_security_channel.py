"""Strangers and broken attempts on the channel: dropped, and the others unharmed."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path

import pytest
from channel_end import Coordinator, is_closed

from search.messages import Hello, Reported
from search.wire import MAX_LINE_BYTES, encode

REPORT = Reported(step=1, epoch=1, value=0.5)
REPORTED = b'{"kind": "reported", "step": 1, "epoch": 1, "value": 0.5'
LINES = {
    "empty-line": b"",
    "text": b"hello",
    "http": b"GET / HTTP/1.1",
    "cut-json": b'{"kind": "hello", ',
    "list": b"[]",
    "null": b"null",
    "number": b"1" * 5000,
    "no-kind": b'{"token": "x"}',
    "kind-list": b'{"kind": ["hello"]}',
    "unknown-kind": b'{"kind": "shell", "command": "id"}',
    "dunder-kind": b'{"kind": "__class__"}',
    "missing-field": b'{"kind": "reported", "step": 1}',
    "other-field": REPORTED + b', "__class__": "os"}',
    "value-text": REPORTED.replace(b"0.5", b'"high"') + b"}",
    "value-huge": REPORTED.replace(b"0.5", b"1" + b"0" * 400) + b"}",
    "value-list": REPORTED.replace(b"0.5", b"[0.5]") + b"}",
    "value-null": REPORTED.replace(b"0.5", b"null") + b"}",
    "step-text": REPORTED.replace(b'"step": 1', b'"step": "1; DROP TABLE"') + b"}",
    "epoch-mapping": REPORTED.replace(b'"epoch": 1', b'"epoch": {}') + b"}",
    "cause-number": b'{"kind": "ended", "cause": 5}',
    "deep-lists": b"[" * 40_000,
    "deep-mappings": b'{"a":' * 8_000,
    "pickle": pickle.dumps(print, 0).replace(b"\n", b" "),
    "pickle-binary": pickle.dumps(print).replace(b"\n", b" "),
    "invalid-utf8": b"\xff\xfe\xfa",
    "nul": b"\0" * 100,
    "utf16": '{"kind": "shell"}'.encode("utf-16-le").replace(b"\n", b""),
}
HELLOS = {
    "wrong": b'{"kind": "hello", "token": "wrong"}',
    "empty": b'{"kind": "hello", "token": ""}',
    "number": b'{"kind": "hello", "token": 5}',
    "null": b'{"kind": "hello", "token": null}',
    "list": b'{"kind": "hello", "token": [1]}',
    "mapping": b'{"kind": "hello", "token": {}}',
    "surrogate": b'{"kind": "hello", "token": "\\ud800"}',
    "long": b'{"kind": "hello", "token": "' + b"x" * 100_000 + b'"}',
    "no-token": b'{"kind": "hello"}',
    "other-message": encode(REPORT)[:-1],
}


@pytest.mark.parametrize(
    "line", [*HELLOS.values(), *LINES.values()], ids=[*(f"hello-{case}" for case in HELLOS), *LINES]
)
def test_channel_drops_a_stranger_and_hears_the_attempt(
    coordinator: Coordinator, line: bytes
) -> None:
    token = coordinator.channel.admit("fit-0")
    with coordinator.connect() as attempt, coordinator.connect() as stranger:
        attempt.sendall(encode(Hello(token)))
        coordinator.channel.admit("fit-1")
        stranger.sendall(line + b"\n" + encode(REPORT))
        assert coordinator.heard() == []
        assert is_closed(stranger)
        attempt.sendall(encode(REPORT))
        assert coordinator.heard() == [("fit-0", REPORT)]


@pytest.mark.parametrize("case", LINES)
def test_channel_drops_an_attempt_that_talks_nonsense_and_hears_the_other(
    coordinator: Coordinator, case: str
) -> None:
    tokens = [coordinator.channel.admit(f"fit-{number}") for number in (0, 1)]
    with coordinator.connect() as bad, coordinator.connect() as good:
        bad.sendall(encode(Hello(tokens[0])) + encode(REPORT) + LINES[case] + b"\n")
        bad.sendall(encode(REPORT))
        good.sendall(encode(Hello(tokens[1])))
        assert coordinator.heard() == [("fit-0", REPORT)]
        assert is_closed(bad)
        good.sendall(encode(REPORT))
        assert coordinator.heard() == [("fit-1", REPORT)]


def test_channel_admits_by_a_token_once(coordinator: Coordinator) -> None:
    token = coordinator.channel.admit("fit-0")
    with coordinator.connect() as first, coordinator.connect() as second:
        first.sendall(encode(Hello(token)))
        assert coordinator.heard() == []
        second.sendall(encode(Hello(token)) + encode(REPORT))
        assert coordinator.heard() == []
        assert is_closed(second)
        first.sendall(encode(REPORT))
        assert coordinator.heard() == [("fit-0", REPORT)]


def test_channel_admits_nobody_by_the_token_of_a_dropped_attempt(coordinator: Coordinator) -> None:
    token = coordinator.channel.admit("fit-0")
    coordinator.channel.drop("fit-0")
    with coordinator.connect() as sock:
        sock.sendall(encode(Hello(token)) + encode(REPORT))
        assert coordinator.heard() == []
        assert is_closed(sock)


@pytest.mark.parametrize("is_admitted", [False, True])
def test_channel_cuts_off_a_line_without_end(coordinator: Coordinator, is_admitted: bool) -> None:
    token = coordinator.channel.admit("fit-0")
    with coordinator.connect() as sock:
        if is_admitted:
            sock.sendall(encode(Hello(token)))
            coordinator.heard()
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while sent < 4 * MAX_LINE_BYTES:
                sent += sock.send(b"x" * 65536)
                while ready := coordinator.selector.select(0):
                    assert [key.data() for key, _ in ready] == [[]] * len(ready)


def test_channel_hears_the_attempt_among_silent_strangers(coordinator: Coordinator) -> None:
    token = coordinator.channel.admit("fit-0")
    strangers = [coordinator.connect() for _ in range(60)]
    with coordinator.connect() as attempt:
        attempt.sendall(encode(Hello(token)) + encode(REPORT))
        assert coordinator.heard() == [("fit-0", REPORT)]
    for sock in strangers:
        sock.close()


def test_channel_lives_in_a_folder_closed_to_others(coordinator: Coordinator) -> None:
    folder = Path(coordinator.channel.address).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_channel_closes_on_strangers_too() -> None:
    made = Coordinator()
    with made.connect() as stranger:
        made.heard()
        made.channel.close()
        assert not made.selector.get_map()
        assert is_closed(stranger)
    made.selector.close()
