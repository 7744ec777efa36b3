"""A picture on a terminal's second screen, drawn over again and again whatever size it takes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

from rich.console import (
    Console,
    ConsoleDimensions,
    ConsoleOptions,
    ConsoleRenderable,
    RenderableType,
    RenderHook,
    RenderResult,
)
from rich.file_proxy import FileProxy
from rich.segment import ControlType, Segment

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[H\x1b[J\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


class FullScreen(RenderHook):
    """Shows a picture until it stops; what is printed on the console meanwhile comes out then.

    The first screen is no place for it: a terminal that changes its size wraps the lines there
    anew, pushes some into its history, and parts of old pictures stay (measured with tmux; counting
    the lines does not help, as nobody can erase what is in the history). The second has no history.
    """

    def __init__(self, console: Console, render: Callable[[int], RenderableType]) -> None:
        """`render` is given the most lines that there is room for."""
        self._console = console
        self._render = render
        self._kept: list[ConsoleRenderable] = []
        self._streams = sys.stdout, sys.stderr

    def start(self) -> None:
        # a shell without job control lets it be ignored; Python allows handlers in one thread only
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL:
            signal.signal(signal.SIGTSTP, self._suspend)
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (FileProxy(self._console, each) for each in self._streams)
        self._console.push_render_hook(self)
        self._write(_ENTER)

    def refresh(self) -> None:
        self._write("")

    def stop(self) -> None:
        sys.stdout, sys.stderr = self._streams
        self._console.pop_render_hook()
        self._write(_LEAVE)
        for each in self._kept:
            self._console.print(each, soft_wrap=True)
        self._kept.clear()
        if signal.getsignal(signal.SIGTSTP) == self._suspend:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        self._kept += [each for each in renderables if not isinstance(each, _Codes)]
        codes = [each for each in renderables if isinstance(each, _Codes)]
        return [*codes, _Drawn(self._picture())]

    def _suspend(self, *_: object) -> None:
        """Give the first screen back while Ctrl-Z stops this process."""
        self._write_at_once(_LEAVE)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # it stops here, and goes on here
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspend)
        self._write_at_once(_ENTER)

    def _write_at_once(self, codes: str) -> None:
        """Past the console, which may be in the midst of a picture."""
        with contextlib.suppress(OSError, ValueError):  # it is no terminal, or is gone
            os.write(self._console.file.fileno(), codes.encode())

    def _write(self, codes: str) -> None:
        self._console.print(_Codes(codes))

    def _picture(self) -> list[list[Segment]]:
        self._measure()
        width, height = self._console.size
        # a line as wide as the screen would leave it to the terminal where the cursor is then
        options = self._console.options.update(width=max(1, width - 1))
        rows = max(1, height - 1)
        return self._console.render_lines(self._render(rows), options, pad=False)[:rows]

    def _measure(self) -> None:
        """Take the terminal's size of now; rich would trust COLUMNS and LINES, which some shells
        and containers pass on from the time of their start."""
        with contextlib.suppress(OSError, ValueError):  # it is no terminal, as in a test
            size = os.get_terminal_size(self._console.file.fileno())
            if size.columns and size.lines:
                self._console.size = ConsoleDimensions(size.columns, size.lines)


class _Codes:
    """Control codes, which take no room."""

    def __init__(self, codes: str) -> None:
        self._codes = codes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _control(self._codes)


class _Drawn:
    """Lines from the top of the screen; each clears what another picture left behind its end."""

    def __init__(self, lines: list[list[Segment]]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _control(_HOME)
        for line in self._lines:
            yield from line
            yield _control(_CLEAR_LINE)
            yield Segment.line()
        yield _control(_CLEAR_BELOW)


def _control(codes: str) -> Segment:
    return Segment(codes, None, [(ControlType.CARRIAGE_RETURN,)])
