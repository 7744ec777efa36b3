"""The command line: typed verbs, and the one place that turns errors into exit codes.

Imports little, so that `search --help` is quick; each verb imports what it needs.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from search.errors import SearchError, UserError

app = typer.Typer(
    name="search",
    help="Hyperparameter search for PyTorch Lightning: one command, one study file, no lost trial.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help takes longer to import than all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)

StudyName = Annotated[
    str | None,
    typer.Option("--study", "-s", help="Name or folder of the study.", show_default=False),
]
StudiesDir = Annotated[Path, typer.Option("--studies", help="Folder that holds the study folders.")]
Storage = Annotated[
    str | None,
    typer.Option("--storage", help="Database URL instead of SQLite.", show_default=False),
]
Trials = Annotated[
    int | None,
    typer.Option("--trials", "-n", min=1, help="Trials in total, those already done included."),
]
Workers = Annotated[
    str, typer.Option("--workers", "-w", help="Trials at a time, or auto for one a core or GPU.")
]
Timeout = Annotated[
    str | None,
    typer.Option("--timeout", help="End this run after 90s, 30m, 8h ..., saving what runs."),
]
TrialTimeout = Annotated[
    str | None,
    typer.Option("--trial-timeout", help="End a trial that takes longer (cause: hung)."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

_DEFAULT_DIR = Path("studies")


@app.command()
def run(
    study_file: Annotated[
        Path | None,
        typer.Argument(help="Study file; the shipped autoencoder study without one."),
    ] = None,
    trials: Trials = None,
    workers: Workers = "1",
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="PATH=VALUE over the study file; repeatable."),
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option("--space", help="PATH='{float: [1e-5, 1e-2], log: true}'; repeatable."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the study; the file's without one.")
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = _DEFAULT_DIR,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run a study, or go on with it, up to a total of trials."""
    from search.commands.run import RunOptions, run_command

    run_command(
        study_file,
        RunOptions(
            trials=trials,
            workers=workers,
            timeout=timeout,
            trial_timeout=trial_timeout,
            set_values=tuple(set_ or ()),
            space_values=tuple(space or ()),
            name=name,
            storage=storage,
            studies=studies,
            quiet=quiet,
            json=json,
        ),
    )


@app.command()
def resume(
    study: Annotated[str, typer.Argument(help="Name or folder of the study.")],
    trials: Trials = None,
    workers: Workers = "1",
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    storage: Storage = None,
    studies: StudiesDir = _DEFAULT_DIR,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Go on with a study up to the total last asked for."""
    from search.commands.run import RunOptions, resume_command

    resume_command(
        study,
        RunOptions(
            trials=trials,
            workers=workers,
            timeout=timeout,
            trial_timeout=trial_timeout,
            storage=storage,
            studies=studies,
            quiet=quiet,
            json=json,
        ),
    )


@app.command()
def status(studies: StudiesDir = _DEFAULT_DIR, json: Json = False) -> None:
    """List the studies here: state, trials, best value, time."""
    from search.commands.inspect import status_command

    status_command(studies, json=json)


@app.command()
def show(
    trial: Annotated[int, typer.Argument(help="Number of the trial.", min=0)],
    study: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = _DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Show one trial: parameters, curve, cause, attempts, files."""
    from search.commands.inspect import show_command

    show_command(trial, study, studies, storage, json=json)


@app.command()
def best(
    study: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = _DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Show the best trial: parameters, value, checkpoint."""
    from search.commands.inspect import best_command

    best_command(study, studies, storage, json=json)


@app.command()
def report(
    study: StudyName = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default=False)
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(
            "--figure",
            help="Only this figure: history, importance, intermediate, slice, parallel, contour, "
            "timeline.",
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="Format of a single figure: html or json.")
    ] = "html",
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    storage: Storage = None,
    studies: StudiesDir = _DEFAULT_DIR,
) -> None:
    """Write the report: one HTML file that opens offline."""
    from search.commands.report import report_command

    report_command(
        study,
        studies,
        storage,
        output=output,
        figure_name=figure,
        figure_format=format_,
        open_browser=open_,
    )


@app.command()
def export(
    study: StudyName = None,
    format_: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; standard output else.")
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = _DEFAULT_DIR,
) -> None:
    """Export every trial as CSV or JSON."""
    from search.commands.report import export_command

    export_command(study, studies, storage, export_format=format_, output=output)


@app.command()
def rebuild(
    study: Annotated[str, typer.Argument(help="Name or folder of the study.")],
    storage: Storage = None,
    studies: StudiesDir = _DEFAULT_DIR,
) -> None:
    """Make the database again from the events files of the trials."""
    from search.commands.upkeep import rebuild_command

    rebuild_command(study, studies, storage)


def main() -> int:
    """The entry point of the command `search`."""
    return guarded(lambda: app(standalone_mode=False))


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
        return _show_usage_error(error) or _bug(error)
    return code if isinstance(code, int) else 0


def _show_usage_error(error: Exception) -> int:
    """Errors of the command line itself: one line and exit 2; 0 if it is none of those."""
    format_message = getattr(error, "format_message", None)
    if format_message is None:
        return 0
    print(f"search: {format_message()} Try --help.", file=sys.stderr)
    return 2


def _bug(error: BaseException) -> int:
    log = Path("search-crash.log")
    log.write_text("".join(traceback.format_exception(error)), "utf-8")
    print(
        f"search: internal error: {type(error).__name__}: {error}\n"
        f"This is a bug of lightning-search; its traceback is in {log.absolute()}",
        file=sys.stderr,
    )
    return 3
