"""Verbs for before the first run: a study file, and a look at what it will cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.verbs.options import Json, StudyFileOrName, Trials, Workers


def init(
    module: Annotated[
        str | None,
        typer.Argument(help="LightningModule, as my_package.module:MyModule.", show_default=False),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="LightningDataModule, spelt likewise.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="LightningCLI configuration.", show_default=False),
    ] = None,
    cli: Annotated[
        str | None,
        typer.Option("--cli", help="Your own CLI, as train:MyCLI.", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "study.yaml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Propose a study file for a module, or for a LightningCLI configuration."""
    from search.commands.init import InitOptions, init_command

    init_command(
        InitOptions(module=module, data=data, config=config, cli=cli, output=output, force=force)
    )


def check(
    study_file: StudyFileOrName = None,
    trials: Trials = None,
    workers: Workers = "1",
    json: Json = False,
) -> None:
    """Try a study file out in a short dry trial, and say what the study will take."""
    from search.commands.check import check_command

    check_command(study_file, trials=trials, workers=workers, json=json)
