"""The second screen of a terminal is left for as long as nobody draws on it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
DRAW = """
import os, select
from rich.console import Console
from rich.text import Text
from search.view.full_screen import FullScreen

screen = FullScreen(Console(), lambda rows: Text("picture"))
screen.start()
while True:
    # awake again and again, as a run is: Python handles a signal that comes just before a read
    # after it
    if select.select([0], [], [], 0.05)[0]:
        if not os.read(0, 1):
            break
        screen.refresh()
screen.stop()
"""


def test_ctrl_z_leaves_the_second_screen_and_fg_enters_it_again() -> None:
    terminal, its_end = pty.openpty()
    drawing = subprocess.Popen(
        [sys.executable, "-c", DRAW],
        stdin=subprocess.PIPE,
        stdout=its_end,
        # a group of its own, as a shell makes one for each job
        process_group=0,
    )
    os.close(its_end)
    assert drawing.stdin is not None
    seen = read_until(terminal, lambda output: b"picture" in output)
    for _ in range(2):
        drawing.send_signal(signal.SIGTSTP)
        assert os.WIFSTOPPED(os.waitpid(drawing.pid, os.WUNTRACED)[1])
        seen += read_until(terminal, lambda output: LEAVE in output)
        assert seen.rindex(LEAVE) > seen.rindex(ENTER)
        drawing.send_signal(signal.SIGCONT)
        drawing.stdin.write(b"\n")
        drawing.stdin.flush()
        seen += read_until(terminal, lambda output: b"picture" in output)
        assert seen.rindex(ENTER) > seen.rindex(LEAVE)
    drawing.stdin.close()
    seen = read_until(terminal, lambda output: LEAVE in output)
    assert drawing.wait() == 0
    assert ENTER not in seen
    os.close(terminal)


def read_until(terminal: int, is_enough: Callable[[bytes], bool]) -> bytes:
    output = b""
    while not is_enough(output):
        output += os.read(terminal, 4096)
    return output
