"""The command line: its verbs in the order of its help, and the one place that turns errors into
exit codes.

Imports little, so that `search --help` is quick; each verb imports what it needs.
"""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from search.errors import DISK_TROUBLE, SearchError, UserError, printable
from search.verbs import finals, looking, overview, queueing, running, starting, upkeep

# what the loader of libraries and Python say where memory cannot be had
_NO_MEMORY = re.compile(
    r"failed to map segment|[Cc]annot allocate memory|can't start new thread|Unable to allocate"
)

app = typer.Typer(
    name="search",
    help="Hyperparameter search for PyTorch Lightning: one command, one study file, no lost trial.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help takes longer to import than all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)
_VERBS: tuple[Callable[..., None], ...] = (
    starting.init,
    starting.check,
    running.run,
    running.resume,
    running.extend,
    queueing.enqueue,
    looking.status,
    looking.show,
    looking.best,
    looking.report,
    finals.export,
    finals.test,
    finals.replay,
    finals.confirm,
    looking.dashboard,
    upkeep.rebuild,
    upkeep.du,
    upkeep.clean,
)
app.callback(invoke_without_command=True, help=app.info.help)(overview.overview)
for _verb in _VERBS:
    app.command()(_verb)


def main() -> int:
    """Run the command line; returns its exit code."""
    code = guarded(lambda: _run(sys.argv[1:]))
    # nothing is left to interrupt; Python would answer a late Ctrl-C with a traceback
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _run(arguments: Sequence[str]) -> object:
    """Carry out a command line, if it and the folder it is given in have names that can be used.

    Raises:
        UserError: one of them is not UTF-8, or the folder is gone.
    """
    try:
        places = [*arguments, str(Path.cwd())]
    except FileNotFoundError as error:
        raise UserError("the folder in which you are was removed. Go to another.") from error
    for text in places:
        if not text.isascii() and text.encode(errors="ignore") != os.fsencode(text):
            raise UserError(f"{text}: is not UTF-8. Rename it, or name another place.")
    return app(list(arguments), standalone_mode=False)


def guarded(command: Callable[[], object]) -> int:
    """Run a command; every way it can end becomes an exit code, and an error one clear line."""
    try:
        code = command()
    except SearchError as error:
        if not isinstance(error, UserError) and error.exit_code == 3:
            return _bug(error)
        if error.exit_code < 128:
            print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader of a pipe left, as `head` does; keep Python from complaining at exit
        sys.stderr.close()
        return 141
    except Exception as error:
        return (
            _show_limit(error)
            or _show_system_error(error)
            or _show_usage_error(error)
            or _bug(error)
        )
    return code if isinstance(code, int) else 0


def _show_limit(error: Exception) -> int:
    """A limit of the process that is used up: one line and exit 2; 0 if it is something else."""
    number = getattr(error, "errno", None)
    if number in (errno.EMFILE, errno.ENFILE):
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = f"no more files can be opened; {files:,} are allowed at once (ulimit -n)"
    elif isinstance(error, MemoryError) or number == errno.ENOMEM or _NO_MEMORY.search(str(error)):
        space, _ = resource.getrlimit(resource.RLIMIT_AS)
        limit = "there is no memory left"
        if space != resource.RLIM_INFINITY:
            limit += f"; {space >> 20:,} MiB of address space are allowed (ulimit -v)"
    else:
        return 0
    print(
        f"search: {limit}. Nothing is lost: raise that, then run the same command again.",
        file=sys.stderr,
    )
    return 2


def _show_system_error(error: Exception) -> int:
    """What the operating system refuses for a reason outside of us: one line and exit 2; 0 if it
    is something else."""
    if _is_beyond_clocks(error):
        print(
            "search: the clock of this machine tells a time that cannot be held: "
            f"{printable(str(error), 200)}. Set it, then run the same command again.",
            file=sys.stderr,
        )
        return 2
    if not isinstance(error, OSError):
        return 0
    if error.errno == errno.ENAMETOOLONG:
        # only what a user types is that long
        print(f"{printable(str(error.filename), 60)}: is too long for a name.", file=sys.stderr)
        return 2
    if error.errno in (errno.EACCES, errno.EPERM) and error.filename is not None:
        place = printable(str(error.filename), 300)
        print(
            f"{place}: may not be used: {error.strerror}. "
            "Change its owner or its permissions, then run the same command again.",
            file=sys.stderr,
        )
        return 2
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and error.filename is not None:
        place = printable(str(error.filename), 300)
        print(
            f"{place}: is gone, or was never there: {error.strerror}. "
            "Put it back, then run the same command again.",
            file=sys.stderr,
        )
        return 2
    if error.errno in DISK_TROUBLE:
        place = printable(str(error.filename or "search"), 300)
        print(
            f"{place}: cannot be written: {error.strerror}. "
            "Nothing is lost: remove the cause, then run the same command again.",
            file=sys.stderr,
        )
        return 2
    return 0


def _is_beyond_clocks(error: Exception) -> bool:
    """Python counts to 2262; a file system may count to 2038."""
    if isinstance(error, OverflowError):
        return "timestamp" in str(error)
    return isinstance(error, OSError) and error.errno == errno.EOVERFLOW


def _show_usage_error(error: Exception) -> int:
    """Errors of the command line itself: one line and exit 2; 0 if it is none of those."""
    if not hasattr(error, "format_message"):
        return 0
    from search.usage import usage_line

    print(usage_line(error), file=sys.stderr)
    return 2


def _bug(error: BaseException) -> int:
    log = Path("search-crash.log")
    try:
        log.write_text("".join(traceback.format_exception(error)), "utf-8")
        where = f"is in {log.absolute()}"
    except OSError as refusal:
        where = f"could not be written to {log.absolute()}: {refusal.strerror}"
    print(
        f"search: internal error: {type(error).__name__}: {printable(str(error), 500)}\n"
        f"This is a bug of lightning-search; its traceback {where}",
        file=sys.stderr,
    )
    return 3
