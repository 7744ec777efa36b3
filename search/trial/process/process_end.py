"""The end of an attempt's process: quick, but nothing that its user's code left is lost.

A whole end of Python takes a quarter of a second to tear torch down. This one waits for threads,
runs what was registered to run at exit, and flushes open files, as a process that multiprocessing
forked does; each in the standard library's own way, which has no public name (Python 3.11 to 3.14).
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import io
import logging
import os
import signal
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterable
from multiprocessing import process, util
from typing import Any, NoReturn

# what threads, and an exit handler, may take; and all of it together, whatever hangs
_STEP_S = 2.0
_END_S = 6.0
# the class of all files; asking for it takes a hundredth of the time of asking for io.IOBase, which
# may have others registered
_FILE = io.IOBase.__mro__[1]


def forget_parent() -> None:
    """Forget, in a process just forked, what its parent is to do at exit and a child must not,
    such as removing a temporary folder, or ending the processes that are its parent's."""
    atexit._clear()
    processes: Any = process
    processes._children.clear()
    finalizers: Any = weakref.finalize
    finalizers._registry.clear()
    for handler in (logging.shutdown, util._exit_function, finalizers._exitfunc):  # type: ignore[attr-defined]
        atexit.register(handler)


def end(
    status: int, inherited: Iterable[object] = (), leave: Callable[[], object] | None = None
) -> NoReturn:
    """End the process with `status`, within seconds.

    Args:
        inherited: files that were open before the fork.
        leave: is called when nothing else is left to do.
    """
    # needs no Python, so that nothing holds it; the stacks say what hung
    faulthandler.dump_traceback_later(_END_S, exit=True)
    inherited = list(inherited)
    # what hangs below must not cost what is written already
    flush([*inherited, *open_files()])
    signal.signal(signal.SIGALRM, _interrupt)
    for step in (threading._shutdown, atexit._run_exitfuncs):  # type: ignore[attr-defined]
        signal.setitimer(signal.ITIMER_REAL, _STEP_S, _STEP_S)
        _guarded(step)
    signal.setitimer(signal.ITIMER_REAL, 0)
    flush([*inherited, *open_files()])
    _close_layers(each for each in open_files() if not any(each is one for one in inherited))
    flush(open_files())
    if leave is not None:
        _guarded(leave)
    os._exit(status)


def open_files() -> list[object]:
    """The Python files that are open and that the collector looks after."""
    # by its type alone: asking an object for its class may run a stranger's code
    return [each for each in gc.get_objects() if issubclass(type(each), _FILE)]


def flush(files: Iterable[Any]) -> None:
    """Write out what files hold: text first, whose bytes go through other files."""
    files = list(files)
    texts = [file for file in files if type(file) is io.TextIOWrapper]
    layers = [file for file in files if _is_layer(file)]
    plain = [file for file in files if type(file) in (io.BufferedWriter, io.BufferedRandom)]
    for file in (*texts, sys.stdout, sys.stderr, *layers, *plain):
        _guarded(file.flush, file)


def _close_layers(files: Iterable[Any]) -> None:
    """Close compressed files and the like, which end with a trailer that their close writes."""
    for file in files:
        if _is_layer(file):
            _guarded(file.close, file)


def _is_layer(file: object) -> bool:
    return type(file).__module__ != "_io"


def _interrupt(*_: object) -> None:
    raise TimeoutError(f"not over after {_STEP_S:g} s, and not waited for any longer")


def _guarded(step: Callable[[], object], file: Any = None) -> None:
    try:
        if file is None or not file.closed:
            step()
    except BaseException:
        traceback.print_exc()
