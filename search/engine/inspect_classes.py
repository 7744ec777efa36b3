"""Asking a process that has torch what the classes of a configuration take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.errors import UserError
from search.proposal.description import Description
from search.study_file.lightning_sections import cli_tree


def describe(config: Mapping[str, Any], folders: Sequence[Path], source: str) -> Description:
    """The description of a configuration's classes.

    Args:
        folders: what comes first on the import path.
        source: the study file's name, for messages.

    Raises:
        UserError: a class cannot be imported, or the user's code ends the process.
    """
    asked = {key: value for key, value in config.items() if key not in ("objective", "space")}
    if asked.get("cli") is not None:
        asked["cli"] = cli_tree(asked["cli"])
    finished = subprocess.run(
        # a folder called search where the user stands must not shadow this package
        [sys.executable, "-P", "-m", "search.trial", "--describe"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SEARCH_IMPORT_PATH": os.pathsep.join(map(str, folders))},
    )
    if finished.returncode != 0:
        last = (finished.stderr.strip().splitlines() or [f"status {finished.returncode}"])[-1]
        raise UserError(f"{source}: looking at the classes failed: {last}. Correct it there.")
    description = Description.from_tree(json.loads(finished.stdout))
    if description.problems:
        raise UserError(*(f"{source}: {line}" for line in description.problems))
    return description
