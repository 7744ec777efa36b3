"""`python -m search.trial FOLDER` runs the trial of a folder by hand, `--serve` the fork server.

Lightning re-runs this very command for the other ranks of a distributed trial.
"""

from __future__ import annotations

import sys
from pathlib import Path

from search.trial.process.import_path import go_to_working_folder, put_users_folders_first


def main(arguments: list[str]) -> int:
    """Dispatch; returns the exit code."""
    if arguments == ["--serve"]:
        from search.trial.server import serve

        serve()
    if len(arguments) != 1 or not (Path(arguments[0]) / "config.yaml").is_file():
        print("usage: python -m search.trial FOLDER (a trial's folder with a config.yaml)")
        return 2
    go_to_working_folder()
    put_users_folders_first()
    from search.trial.attempt import run_by_hand

    return run_by_hand(Path(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
