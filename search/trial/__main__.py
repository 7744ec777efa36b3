"""`python -m search.trial FOLDER` runs the trial of a folder by hand, `--serve` the fork server,
`--describe` says what the classes of a configuration take.

Lightning re-runs this very command for the other ranks of a distributed trial.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from search.trial.process.import_path import put_users_folders_first


def main(arguments: list[str]) -> int:
    """Dispatch; returns the exit code."""
    if arguments == ["--serve"]:
        from search.trial.server import serve

        serve()
    if arguments == ["--describe"]:
        return _describe()
    if len(arguments) != 1 or not (Path(arguments[0]) / "config.yaml").is_file():
        print("usage: python -m search.trial FOLDER (a trial's folder with a config.yaml)")
        return 2
    put_users_folders_first()
    from search.trial.attempt import run_by_hand

    return run_by_hand(Path(arguments[0]))


def _describe() -> int:
    """A configuration as JSON on standard input, its description on standard output."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a module prints while imported is no part of the answer
    config = json.load(sys.stdin)
    put_users_folders_first()
    from search.trial.tasks.describe import describe

    with answer:
        json.dump(describe(config).to_tree(), answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
