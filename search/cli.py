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

from search.commands.best import best
from search.commands.check import check
from search.commands.clean import clean
from search.commands.confirm import confirm
from search.commands.dashboard import dashboard
from search.commands.du import du
from search.commands.enqueue import enqueue
from search.commands.export import export
from search.commands.extend import extend
from search.commands.init import init
from search.commands.nodes import nodes
from search.commands.overview import overview
from search.commands.rebuild import rebuild
from search.commands.replay import replay
from search.commands.report import report
from search.commands.resume import resume
from search.commands.run import run
from search.commands.show import show
from search.commands.status import status
from search.commands.test import test
from search.commands.why import why
from search.errors import DISK_TROUBLE, SearchError, UserError, printable
from search.usage import usage_line

# what the loader of libraries and Python say where memory cannot be had
_NO_MEMORY = re.compile(
    r"failed to map segment|[Cc]annot allocate memory|can't start new thread|Unable to allocate"
)
# what the operating system may refuse -> rule and next step, to stand after the place
_REFUSALS = (
    # only what a user types is that long
    ((errno.ENAMETOOLONG,), "is too long for a name."),
    (
        (errno.EACCES, errno.EPERM),
        "may not be used: {why}. Change its owner or its permissions, then run the same command "
        "again.",
    ),
    (
        (errno.ENOENT, errno.ENOTDIR),
        "is gone, or was never there: {why}. Put it back, then run the same command again.",
    ),
    (
        DISK_TROUBLE,
        "cannot be written: {why}. Nothing is lost: remove the cause, then run the same command "
        "again.",
    ),
)

app = typer.Typer(
    name="search",
    help="Hyperparameter search for PyTorch Lightning: one command, one study file, no lost trial.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help takes longer to import than all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)
_VERBS: tuple[Callable[..., None], ...] = (
    init,
    check,
    run,
    resume,
    extend,
    enqueue,
    status,
    nodes,
    show,
    why,
    best,
    report,
    export,
    test,
    replay,
    confirm,
    dashboard,
    rebuild,
    du,
    clean,
)
app.callback(invoke_without_command=True, help=app.info.help)(overview)
# the paths of a script's values look like options: `search enqueue --lr=0.01`
_TAKES_PATHS = (enqueue,)
for _verb in _VERBS:
    _settings = {"ignore_unknown_options": True} if _verb in _TAKES_PATHS else None
    app.command(context_settings=_settings)(_verb)


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
        line = _limit_line(error) or _system_line(error) or _usage_line(error)
        if line is None:
            return _bug(error)
        print(line, file=sys.stderr)
        return 2
    return code if isinstance(code, int) else 0


def _limit_line(error: Exception) -> str | None:
    """A line for a limit of the process that is used up; None for anything else."""
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
        return None
    return f"search: {limit}. Nothing is lost: raise that, then run the same command again."


def _system_line(error: Exception) -> str | None:
    """A line for what the operating system refuses for a reason outside of us; None for anything
    else."""
    if _is_beyond_clocks(error):
        return (
            "search: the clock of this machine tells a time that cannot be held: "
            f"{printable(str(error), 200)}. Set it, then run the same command again."
        )
    if not isinstance(error, OSError):
        return None
    rule = next((rule for numbers, rule in _REFUSALS if error.errno in numbers), None)
    # without the name of a file only a full disk explains itself
    if rule is None or (error.filename is None and error.errno not in DISK_TROUBLE):
        return None
    is_long = error.errno == errno.ENAMETOOLONG
    place = printable(str(error.filename or "search"), 60 if is_long else 300)
    return f"{place}: {rule.format(why=error.strerror)}"


def _is_beyond_clocks(error: Exception) -> bool:
    """Python counts to 2262; a file system may count to 2038."""
    if isinstance(error, OverflowError):
        return "timestamp" in str(error)
    return isinstance(error, OSError) and error.errno == errno.EOVERFLOW


def _usage_line(error: Exception) -> str | None:
    """A line for a mistake on the command line itself; None for anything else."""
    return usage_line(error) if hasattr(error, "format_message") else None


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
