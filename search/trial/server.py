"""The fork server: imports torch, Lightning and the user's modules once, then forks attempts.

Single-threaded, touches no device, so that its children start clean. Control lines come on
standard input; end of input means that the coordinator is gone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from search.errors import DISK_TROUBLE
from search.layout import TrialFolder
from search.messages import Exited, Expect, Kill, Launch, Launched, Message, Preload, Ready
from search.plain.collector import without_collector
from search.plain.visible_gpus import VISIBLE
from search.trial.checkpoints.fence import fence_in
from search.trial.process import orphans, process_end
from search.trial.process.import_path import IMPORT_PATH
from search.trial.process.rank_variables import log_of
from search.wire import LineBuffer, decode, encode

# writes the stacks of an attempt to its log; Lightning takes SIGUSR1 for itself
_DUMP_SIGNAL = signal.SIGUSR2
_DUMP_S = 0.2
# signals that end a study: the server leaves when its coordinator does, and an attempt dies at
# once, since an exception anywhere in foreign code could be taken for an error of the trial
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# imports that Lightning and torch make only at the first fit; seconds in every fresh process
_LAZY_IMPORTS = (
    "numpy.random",
    "torch._dynamo",
    "torch.utils.data",
    "torchmetrics",
    "pytorch_lightning",
    "optuna_integration.pytorch_lightning.pytorch_lightning",
    "search.trial.attempt",
)


@dataclass
class _Attempts:
    """The children of the server: those at work, and those that wait for work.

    Forking a process that has torch in memory takes 50 ms; the server forks the next attempt's
    process while the one before it trains, and at the start one for each worker.
    """

    control: int
    """File descriptor to the coordinator."""
    names: dict[int, str] = field(default_factory=dict)
    """Attempts at work, by process."""
    is_ahead: bool = False
    """True where processes are forked before there is work for them."""
    warms_up: bool = False
    """True where each of them trains a toy while it waits."""
    open_files: list[Any] = field(default_factory=list)
    """Files of modules that the server imported; each attempt flushes what it writes to them."""
    helpers: set[int] = field(default_factory=set)
    """Processes that such modules started, which all attempts share."""
    spares: dict[int, int] = field(default_factory=dict)
    """Waiting processes, the first of them the next attempt, each with the file descriptor to
    which its launch is written."""

    def fork_spares(self, count: int = 1) -> None:
        """Fork processes until so many wait."""
        while len(self.spares) < count:
            ours, theirs = os.pipe()
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                # else the others would not see the end of their input
                for each in (theirs, *self.spares.values()):
                    os.close(each)
                _become_attempt(ours, server, self)
            os.close(ours)
            self.spares[pid] = theirs

    def drop_spares(self) -> None:
        """End the waiting processes; they hold modules as they were when they were forked."""
        for each in self.spares.values():
            os.close(each)
        self.spares.clear()

    def launch(self, message: Launch) -> None:
        """Give a waiting process its work."""
        self.fork_spares()
        pid = next(iter(self.spares))
        to_it = self.spares.pop(pid)
        self.names[pid] = message.attempt
        os.write(self.control, encode(Launched(message.attempt, pid)))
        with contextlib.suppress(BrokenPipeError):  # it was killed while it waited
            os.write(to_it, encode(message))
        os.close(to_it)

    def kill(self, attempt: str, *, dump: bool) -> None:
        """Kill the process group of an attempt, after its stacks are in its log if asked."""
        for pid, name in self.names.items():
            if name == attempt:
                if dump:
                    _dump_stacks(pid)
                _kill_group(pid)

    def reap(self) -> None:
        """Report the attempts that ended."""
        while self.names or self.spares:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.spares:
                os.close(self.spares.pop(pid))
            self.helpers.discard(pid)
            attempt = self.names.pop(pid, None)
            if attempt is not None:
                _kill_group(pid)  # data loader workers and ranks that outlived their leader
                # and what left its group; it has no parent any more but this process
                orphans.end_children(keep={*self.names, *self.helpers, *self.spares})
                os.write(self.control, encode(Exited(attempt, os.waitstatus_to_exitcode(status))))

    def kill_all(self) -> None:
        """Kill every attempt and wait until it is gone."""
        self.drop_spares()
        for pid in self.names:
            _kill_group(pid)
        for pid in self.names:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def serve() -> NoReturn:
    """Run until standard input ends; kills what still runs then."""
    _set_ending_signals(signal.SIG_IGN)
    orphans.guard()
    orphans.adopt()
    attempts = _Attempts(control=os.dup(1))
    os.dup2(2, 1)  # whatever a module prints while imported must not reach the control lines
    wake_read, wake_write = socket.socketpair()
    wake_write.setblocking(False)
    signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_read, selectors.EVENT_READ)
    buffer = LineBuffer()
    while True:
        for key, _ in selector.select():
            if key.fd != 0:
                wake_read.recv(4096)
                attempts.reap()
                continue
            data = os.read(0, 65536)
            if not data:
                attempts.kill_all()
                os._exit(0)  # tearing torch down would take longer than the coordinator waits
            for line in buffer.lines(data):
                _obey(decode(line), attempts)


def _obey(message: Message, attempts: _Attempts) -> None:
    if isinstance(message, Preload):
        before = orphans.children()
        with without_collector():
            culprit = _preload(message)
            attempts.helpers |= orphans.children() - before
            attempts.is_ahead = message.warm_up
            attempts.warms_up = message.warm_up and not _trained_toy()
            attempts.open_files += process_end.open_files()
            # else every fork would write it again
            process_end.flush(attempts.open_files)
            # keeps the collector from touching, and so copying, the pages shared by forks; what
            # the imports have thrown away is a few MiB, which a collection takes 0.3 s to find
            gc.freeze()
        attempts.drop_spares()
        # a fork that has nothing to do meanwhile is made when it is needed
        if message.warm_up:
            attempts.fork_spares()
        os.write(attempts.control, encode(Ready(culprit)))
    elif isinstance(message, Launch):
        attempts.launch(message)
        attempts.fork_spares()
    elif isinstance(message, Expect):
        if attempts.is_ahead:
            # what the toy writes to, the fit would write to as well; each page of that is copied
            # then, for which a core that idles has the time
            attempts.warms_up |= message.attempts < len(os.sched_getaffinity(0))
            attempts.fork_spares(message.attempts)
    elif isinstance(message, Kill):
        attempts.kill(message.attempt, dump=message.dump)


def _preload(message: Preload) -> str | None:
    """Import the modules that attempts need; returns the one that brought CUDA up, after which no
    fork of this process can use a GPU."""
    if message.sys_path:
        sys.path[:0] = message.sys_path
        # for the ranks of a distributed trial, which start afresh
        os.environ[IMPORT_PATH] = os.pathsep.join(message.sys_path)
    from search.trial.process import cuda

    modules = [path.rpartition(".")[0] for path in message.class_paths]
    for name in _LAZY_IMPORTS:
        _import(name)
    # none of them holds a file open, so that nobody has to look through their objects
    gc.freeze()
    from search.trial.building.import_guard import TrainsOnImport, without_training

    culprit: str | None = None
    for name in (*modules, *message.modules):
        with contextlib.suppress(TrainsOnImport), without_training():
            _import(name)
        if culprit is None and cuda.is_up():
            culprit = name
    from search.trial.building.build import warm_up
    from search.trial.building.external_callbacks import remember_external_callbacks

    warm_up(message.class_paths)
    remember_external_callbacks()
    return culprit


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except (Exception, SystemExit):
        # the preflight, a process of its own, meets the same error and words it for the user
        traceback.print_exc()


def _dump_stacks(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, _DUMP_SIGNAL)
        # nothing says when the dump is written; it takes milliseconds unless the process is stopped
        time.sleep(_DUMP_S)


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # a child just forked leads no group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _become_attempt(source: int, server: int, attempts: _Attempts) -> NoReturn:
    """Turn the forked child into an attempt once its launch arrives; never returns."""
    status, leave = 70, None
    process_end.forget_parent()
    try:
        _set_ending_signals(signal.SIG_DFL)
        os.setsid()
        orphans.die_with(server)
        orphans.adopt()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(attempts.control)
        if attempts.warms_up:
            _warm_up()
        with os.fdopen(source, "rb") as lines:
            line = lines.readline()
        if not line:
            os._exit(0)
        launch = decode(line)
        assert isinstance(launch, Launch)
        folder = TrialFolder(Path(launch.folder))
        _redirect(log_of(folder, launch.variables))
        faulthandler.register(_DUMP_SIGNAL, all_threads=True)
        sys.argv[1:] = [launch.folder]
        if launch.gpus is not None:
            os.environ[VISIBLE] = ",".join(launch.gpus)
        fence_in(launch.fence)
        from search.trial.attempt import run_launched
        from search.trial.process.several_nodes import become

        become(launch.variables)
        status, leave = run_launched(launch, folder)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
            status = os.EX_TEMPFAIL  # not even the log can be written
        traceback.print_exc()
    finally:
        process_end.end(status, attempts.open_files, leave)


def _set_ending_signals(disposition: signal.Handlers) -> None:
    for number in _ENDING_SIGNALS:
        signal.signal(number, disposition)


def _trained_toy() -> bool:
    """Train the toy once for all attempts, which each of them would take 30 ms for, where that
    leaves this process with one thread; returns whether it did."""
    from search.trial.process import cuda

    if not cuda.is_absent():
        return False
    import torch

    torch.set_num_threads(1)
    _warm_up()
    return True


def _warm_up() -> None:
    from search.trial.process.warm_up import fit_toy

    try:
        fit_toy(importlib.import_module("pytorch_lightning"))
    except Exception:
        # whatever is wrong shows in the trial itself, where it has a place in a log
        traceback.print_exc()


def _redirect(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    os.close(output)
