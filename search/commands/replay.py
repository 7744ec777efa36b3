"""`search replay`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from search.errors import ReplayFailed, UserError
from search.layout import STUDIES_DIR


def replay(
    folder: Annotated[Path, typer.Argument(help="Folder that `search export` made.")],
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, help="Difference that is still the same.")
    ] = 1e-6,
) -> None:
    """Train an exported folder again, and compare its value."""
    from search.commands.locate import is_name_of_study
    from search.results.replay import read_export, retrain

    if is_name_of_study(str(folder), STUDIES_DIR):
        raise UserError(
            f"{folder}: is a study, and what is replayed is an exported folder. Make one: "
            f"`search export {folder} FOLDER`."
        )
    exported = read_export(folder)
    if others := exported.other_versions:
        print(f"{folder}: made with other versions: {', '.join(others)}", file=sys.stderr)
    now = retrain(exported)
    difference = abs(now - exported.value)
    print(f"{exported.metric} then  {exported.value!r}")
    print(f"{exported.metric} now   {now!r}")
    print(f"difference  {difference:.3g}", flush=True)
    if not difference <= tolerance:
        raise ReplayFailed(
            f"{folder}: {exported.metric} must come back within {tolerance:g}, got a difference of "
            f"{difference:.3g}. Compare config.yaml, data and versions with REPRODUCE.md."
        )
