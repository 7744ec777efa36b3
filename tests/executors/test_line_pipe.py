"""Lines through a pipe whose other end is slow, or gone."""

from __future__ import annotations

import os

from search.executors.remote.line_pipe import LinePipe

LINE = b"x" * 999 + b"\n"


def test_what_the_pipe_has_no_room_for_waits_and_nothing_blocks() -> None:
    reading, writing = os.pipe()
    pipe = LinePipe(reading, writing)
    for _ in range(500):
        pipe.send(LINE)
    assert not pipe.is_flushed
    lines = []
    while len(lines) < 500:
        lines += pipe.read()
        pipe.flush()
    assert lines == [LINE.rstrip(b"\n")] * 500
    assert pipe.is_flushed and not pipe.is_broken
    os.close(reading)
    os.close(writing)


def test_an_end_that_is_gone_is_no_error_in_either_direction() -> None:
    reading, writing = os.pipe()
    pipe = LinePipe(reading, os.dup(writing))
    os.write(writing, b"first\nhalf of the sec")
    os.close(writing)
    other_reading, other_writing = os.pipe()
    os.close(other_reading)
    gone = LinePipe(os.dup(reading), other_writing)
    gone.send(LINE)
    assert gone.is_broken and gone.is_flushed
    assert pipe.read() == [b"first"]
    os.close(other_writing)
    os.close(reading)
