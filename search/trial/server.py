"""The fork server: imports torch, Lightning and the user's modules once, then forks attempts.

Single-threaded, touches neither CUDA nor autograd, so that its children start clean. Control
lines come on standard input; end of input means that the coordinator is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from search.messages import Exited, Kill, Launch, Launched, Message, Preload, Ready, decode, encode
from search.study.layout import TrialFolder
from search.trial.__main__ import IMPORT_PATH

_PR_SET_PDEATHSIG = 1

# what Lightning and torch import only at the first fit; seconds in every fresh process
_LAZY_IMPORTS = (
    "torch._dynamo",
    "torch.utils.data",
    "torchmetrics",
    "pytorch_lightning",
    "optuna_integration.pytorch_lightning.pytorch_lightning",
    "search.trial.attempt",
)


def serve() -> NoReturn:
    """Run until standard input ends; kills what still runs then."""
    control = os.dup(1)
    os.dup2(2, 1)  # whatever a module prints while imported must not reach the control lines
    wake_read, wake_write = socket.socketpair()
    wake_write.setblocking(False)
    signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, str] = {}
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_read, selectors.EVENT_READ)
    buffer = b""
    while True:
        for key, _ in selector.select():
            if key.fd != 0:
                wake_read.recv(4096)
                _reap(children, control)
                continue
            data = os.read(0, 65536)
            if not data:
                _kill_all(children)
                os._exit(0)  # tearing torch down would take longer than the coordinator waits
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                _obey(decode(line), children, control)


def _obey(message: Message, children: dict[int, str], control: int) -> None:
    if isinstance(message, Preload):
        _preload(message)
        os.write(control, encode(Ready()))
    elif isinstance(message, Launch):
        pid = os.fork()
        if pid == 0:
            _become_attempt(message, control)
        children[pid] = message.attempt
        os.write(control, encode(Launched(message.attempt, pid)))
    elif isinstance(message, Kill):
        for pid, attempt in children.items():
            if attempt == message.attempt:
                _kill_group(pid)


def _preload(message: Preload) -> None:
    if message.sys_path:
        sys.path[:0] = message.sys_path
        # for the ranks of a distributed trial, which start afresh
        os.environ[IMPORT_PATH] = os.pathsep.join(message.sys_path)
    modules = [path.rpartition(".")[0] for path in message.class_paths]
    for name in (*_LAZY_IMPORTS, *modules, *message.modules):
        try:
            importlib.import_module(name)
        except Exception:
            # the preflight, a process of its own, meets the same error and words it for the user
            traceback.print_exc()
    from search.trial.build import warm_up

    warm_up(message.class_paths)
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, the pages shared by forks


def _reap(children: dict[int, str], control: int) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        attempt = children.pop(pid, None)
        if attempt is not None:
            _kill_group(pid)  # data loader workers and ranks that outlived their leader
            os.write(control, encode(Exited(attempt, os.waitstatus_to_exitcode(status))))


def _kill_all(children: dict[int, str]) -> None:
    for pid in children:
        _kill_group(pid)
    for pid in children:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # a child just forked leads no group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _become_attempt(launch: Launch, control: int) -> NoReturn:
    """Turn the forked child into the attempt; never returns."""
    status = 70
    try:
        server = os.getppid()
        os.setsid()
        _die_with_parent(server)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(control)
        folder = TrialFolder(Path(launch.folder))
        _redirect(folder.log)
        sys.argv[1:] = [launch.folder]
        if launch.gpus is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, launch.gpus))
        from search.trial.attempt import run_launched

        status = run_launched(launch, folder)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        # a normal exit would spend a quarter of a second on tearing torch down
        os._exit(status)


def _die_with_parent(server: int) -> None:
    """Linux: the kernel kills the attempt when its server dies. Elsewhere the end of the channel
    does it, which an attempt notices as soon as it runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:  # died between fork and prctl
            os._exit(1)


def _redirect(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    os.close(output)
