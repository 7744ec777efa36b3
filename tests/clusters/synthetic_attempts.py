"""The fork server with attempts that train nothing and need no torch, so that one machine has room
for as many as a cluster; all else is what it is.

`python synthetic_attempts.py --serve` takes the place of `python -m search.trial --serve` wherever
`in_place(folder)` is in the import path.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import yaml

from search.answers import Checked
from search.layout import TrialFolder
from search.messages import DONE, INTERRUPTED, Ended, Launch, Reported, Started
from search.plain.whole_files import write_whole
from search.trial import server
from search.trial.checkpoints.fence import leave_if_replaced
from search.trial.process.link import ChannelLink

STEPS = 10
# looks at the clock between two reports
_LOOKS = 20


def in_place(folder: Path) -> Path:
    """Make a folder by which, first in PYTHONPATH, fork servers become synthetic."""
    (folder / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if sys.orig_argv[1:] == ['-m', 'search.trial', '--serve']:\n"
        f"    os.execv(sys.executable, [sys.executable, {__file__!r}, '--serve'])\n"
    )
    return folder


def value_of(lr: float, step: int) -> float:
    """Value that a trial reports at a step."""
    return lr + 1.0 / step


def clock_of(folder: TrialFolder) -> Path:
    """File in which attempts write when they were there, by the clock of the machine."""
    return folder.root / "clock"


class Clock:
    """Writes that an attempt is there."""

    def __init__(self, folder: TrialFolder, attempt: str) -> None:
        self._path = clock_of(folder)
        self._attempt = attempt

    def tick(self, waited_s: float = 0.0) -> None:
        """Write the time, and how long the last report waited for its verdict."""
        with self._path.open("a") as file:
            file.write(f"{self._attempt} {time.monotonic()} {waited_s}\n")

    def sleep(self, seconds: float) -> None:
        for _ in range(_LOOKS):
            time.sleep(seconds / _LOOKS)
            self.tick()


def fit(launch: Launch, folder: TrialFolder, link: ChannelLink) -> Ended:
    """Report one value after another, and write a checkpoint after each."""
    clock = Clock(folder, launch.attempt)
    clock.tick()
    given = yaml.safe_load(folder.config.read_text())["model"]["init_args"]
    lr, pause = given["lr"], given["pause"]
    is_begun = folder.last_ckpt.exists()
    done = int(folder.last_ckpt.read_text()) if is_begun else 0
    link.send(Started(STEPS, None, 1, None))
    for step in range(done + 1, STEPS + 1):
        clock.sleep(pause)
        asked = time.monotonic()
        link.ask(Reported(step, step, value_of(lr, step)))
        link.settle()
        clock.tick(time.monotonic() - asked)
        leave_if_replaced(folder.root)
        write_whole(folder.last_ckpt, str(step))
        if link.stop_requested and step < STEPS:
            return Ended(INTERRUPTED)
    return Ended(DONE, value_of(lr, STEPS))


def run_launched(launch: Launch, folder: TrialFolder) -> tuple[int, Callable[[], None]]:
    """Stand in for the function of the same name of `search.trial.attempt`."""
    link = ChannelLink(launch.address, launch.token)
    link.send(fit(launch, folder, link) if launch.task == "fit" else Checked())
    return 0, lambda: None


def become(variables: dict[str, str]) -> None:
    """Stand in for the function of the same name of `search.trial.process.several_nodes`."""


def lives(folder: TrialFolder) -> list[tuple[float, float]]:
    """First and last sign of each attempt at a trial, in the order in which they began."""
    found: dict[str, tuple[float, float]] = {}
    for line in clock_of(folder).read_text().splitlines():
        attempt, at, _ = line.split()
        first, last = found.get(attempt, (math.inf, -math.inf))
        found[attempt] = (min(first, float(at)), max(last, float(at)))
    return sorted(found.values())


def longest_wait_s(folder: TrialFolder) -> float:
    """The longest time that a report of a trial waited for its verdict."""
    return max(float(line.split()[2]) for line in clock_of(folder).read_text().splitlines())


if __name__ == "__main__":
    # all of these import torch
    sys.modules["search.trial.attempt"] = sys.modules[__name__]
    sys.modules["search.trial.process.several_nodes"] = sys.modules[__name__]
    with (
        mock.patch.object(server, "_preload", return_value=None),
        mock.patch.object(server, "_trained_toy", return_value=True),
    ):
        server.serve()
