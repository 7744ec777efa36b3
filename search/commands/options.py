"""Options that several verbs share, and how a verb is told its study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.errors import UserError

StudyFileOrName = Annotated[
    str | None,
    typer.Argument(
        help="Study file, name of a shipped study, or a script such as train.py; without, "
        "study.yaml where there is one, else the shipped autoencoder.",
        metavar="STUDY_FILE",
        show_default=False,
    ),
]
Study = Annotated[
    str | None,
    typer.Argument(
        help="Name or folder of the study; the only one here without.",
        metavar="STUDY",
        show_default=False,
    ),
]
StudyName = Annotated[
    str | None,
    typer.Option("--study", "-s", help="The same, as an option.", show_default=False),
]
StudiesDir = Annotated[Path, typer.Option("--studies", help="Folder that holds the study folders.")]
Storage = Annotated[
    str | None,
    typer.Option("--storage", help="Database URL instead of SQLite.", show_default=False),
]
SetValues = Annotated[
    list[str] | None,
    typer.Option("--set", help="PATH=VALUE over the study file; repeatable."),
]
SpaceValues = Annotated[
    list[str] | None,
    typer.Option("--space", help="PATH='{float: [1e-5, 1e-2], log: true}'; repeatable."),
]
ScriptModule = Annotated[
    str | None,
    typer.Option(
        "-m",
        help="A script as a module, as `python -m` takes it.",
        metavar="MODULE",
        show_default=False,
    ),
]
Metric = Annotated[
    str | None,
    typer.Option("--metric", help="Metric to judge by; the study file's without one."),
]
Direction = Annotated[
    str | None,
    typer.Option("--direction", help="minimize or maximize that metric."),
]
Name = Annotated[
    str | None, typer.Option("--name", help="Name of the study; the file's without one.")
]
Trials = Annotated[
    int | None,
    typer.Option("--trials", "-n", min=1, help="Trials in total, those already done included."),
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers", "-w", help="Trials at a time, or auto for as many as there is room for."
    ),
]
On = Annotated[
    str | None,
    typer.Option("--on", help="Where trials run: slurm, ray, ray://host:10001, or here."),
]
Timeout = Annotated[
    str | None,
    typer.Option("--timeout", help="End this run after 90s, 30m, 8h ..., saving what runs."),
]
TotalEpochs = Annotated[
    int | None,
    typer.Option("--total-epochs", min=1, help="Epochs of all trials together, then stop."),
]
Cost = Annotated[
    str | None,
    typer.Option("--cost", help="Time of all trials added up, as 4h, then stop."),
]
Target = Annotated[float | None, typer.Option("--target", help="Stop at a value as good as this.")]
NoImprovement = Annotated[
    int | None,
    typer.Option("--no-improvement", min=1, help="Stop after so many trials without a new best."),
]
NoGain = Annotated[
    int | None,
    typer.Option(
        "--no-gain",
        min=1,
        help="Stop after so many full trainings without a new best once thaw expects none.",
    ),
]
TrialTimeout = Annotated[
    str | None,
    typer.Option("--trial-timeout", help="End a trial that takes longer (cause: hung)."),
]
TrialNumber = Annotated[
    int | None,
    typer.Option("--trial", min=0, help="Number of the trial; the best one without.", metavar="N"),
]
NumberInPlace = Annotated[
    str | None, typer.Argument(help="Number of the trial.", metavar="N", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def one_study(in_place: str | None, option: str | None) -> str | None:
    """The study that a command names in place or with --study; None where it names none.

    Raises:
        UserError: it names two.
    """
    if in_place is not None and option is not None and in_place != option:
        raise UserError(f"--study: names {option}, and the command names {in_place}. Name one.")
    return in_place if option is None else option
