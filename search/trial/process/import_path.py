"""The folders that a user's modules are imported from, which a process hands on to its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

IMPORT_PATH = "SEARCH_IMPORT_PATH"
# of a script, which may have gone elsewhere before its ranks are started
WORKING_FOLDER = "SEARCH_WORKING_FOLDER"


def go_to_working_folder() -> None:
    """Begin where the script began whose rank this process is; stay here else."""
    os.chdir(os.environ.get(WORKING_FOLDER, Path.cwd()))


def put_users_folders_first() -> None:
    """Import from the folders of `IMPORT_PATH` before all others; from the current one else."""
    sys.path[:0] = os.environ.get(IMPORT_PATH, str(Path.cwd())).split(os.pathsep)
