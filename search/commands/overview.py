"""`search` alone: the few commands that a newcomer needs."""

from __future__ import annotations

from typing import Annotated

import typer

OVERVIEW = """\
search finds good hyperparameters for a PyTorch Lightning model.

To see it work, where there is no study.yaml:
  search run --trials 20            the shipped demo: offline, on any CPU, a minute

For your own model:
  search init my_module:MyModel     propose a study file, study.yaml
  search check                      try it out, and say what the study will take
  search run                        run it; the same again goes on with it
  search status                     the studies here
  search best [STUDY]               the best trial, its values and its checkpoint
  search report [STUDY] --open      the report, in the browser

  search --help                     every command; search COMMAND --help has its options"""


def overview(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from search import __version__

        print(f"lightning-search {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(OVERVIEW)
