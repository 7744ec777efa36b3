"""The folders that a user's modules are imported from, which a process hands on to its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

IMPORT_PATH = "SEARCH_IMPORT_PATH"


def put_users_folders_first() -> None:
    """Import from the folders of `IMPORT_PATH` before all others; from the current one else."""
    sys.path[:0] = os.environ.get(IMPORT_PATH, str(Path.cwd())).split(os.pathsep)
