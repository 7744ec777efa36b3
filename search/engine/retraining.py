"""Training an exported folder again, by its own script, and comparing what comes out.

The folder is data from anywhere: it is read as text, and nothing is unpickled. Its script and the
classes of its configuration run, as those of any script that somebody starts.
"""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.engine.exporting import train_command
from search.engine.provenance import installed
from search.engine.signals import SignalWatch
from search.errors import ReplayFailed, StudyFileError, UserError
from search.study.layout import ExportFolder
from search.study.writing import write_whole
from search.study.yaml_loader import dump_yaml, read_yaml

_LIGHTNING = ("lightning.pytorch", "pytorch_lightning")
_RESULT_BYTES = 1 << 20
_POLL_S = 0.25
_GRACE_S = 10.0
# the folder below the given one where the logger writes
_VERSION = "replay"


@dataclass(frozen=True)
class Exported:
    """What `trial.json` says of an exported folder."""

    folder: ExportFolder
    metric: str
    minimizes: bool
    is_best: bool
    value: float
    lightning: str
    has_subcommand: bool
    versions: dict[str, str]

    @property
    def other_versions(self) -> list[str]:
        """What is installed in another version than it was made with, each as a line."""
        return [
            f"{name} {number} (now {installed(name) or 'not there'})"
            for name, number in self.versions.items()
            if installed(name) != number
        ]


def read_export(root: Path) -> Exported:
    """What an exported folder was made with.

    Raises:
        UserError: it is no such folder, or a file of it is missing or damaged.
    """
    folder = ExportFolder(root)
    for path in (folder.result, folder.config, folder.script):
        if not path.is_file():
            raise UserError(f"{path}: is missing. Export the trial again: `search export FOLDER`.")
    try:
        read_yaml(folder.config)
        tree = json.loads(_text(folder.result))
        return _exported(folder, tree)
    except StudyFileError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{folder.result}: is damaged ({type(error).__name__}). "
            "Export the trial again: `search export FOLDER`."
        ) from error


def retrain(exported: Exported) -> float:
    """Train the folder by its own command; returns the value that the metric has now.

    What the training prints goes to standard error; what it would keep is thrown away.

    Raises:
        ReplayFailed: it could not be trained, or never logs the metric.
        Interrupted: a signal came.
    """
    with tempfile.TemporaryDirectory(prefix="search-replay-") as scratch:
        logs = Path(scratch)
        write_whole(logs / "logs.yaml", dump_yaml(_log_to(logs, exported.lightning)))
        _, *command = train_command(exported.folder, has_subcommand=exported.has_subcommand)
        status = _run([sys.executable, *command, "-c", str(logs / "logs.yaml")])
        if status != 0:
            raise ReplayFailed(
                f"{exported.folder.root}: its training ended with status {status}; its own words "
                "are above. Start it in the project's folder, where its modules are."
            )
        return _value(exported, logs / _VERSION / "metrics.csv")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(_RESULT_BYTES + 1)
    if len(text) > _RESULT_BYTES:
        raise ValueError("too large")
    return text.decode("utf-8")


def _exported(folder: ExportFolder, tree: Any) -> Exported:
    objective, lightning = tree["objective"], tree["lightning"]
    value = float(tree["value"])
    if lightning not in _LIGHTNING or not math.isfinite(value):
        raise ValueError("no result of an export")
    return Exported(
        folder=folder,
        metric=str(objective["metric"]),
        minimizes=objective["direction"] == "minimize",
        is_best=objective["value"] == "best",
        value=value,
        lightning=lightning,
        has_subcommand=tree["has_subcommand"] is True,
        versions={str(name): str(number) for name, number in tree["versions"].items()},
    )


def _log_to(logs: Path, lightning: str) -> dict[str, Any]:
    """A configuration laid over the exported one, so that its values can be read here."""
    arguments = {"save_dir": str(logs), "name": "", "version": _VERSION}
    logger = {"class_path": f"{lightning}.loggers.CSVLogger", "init_args": arguments}
    return {"trainer": {"logger": [logger], "default_root_dir": str(logs)}}


def _run(command: list[str]) -> int:
    with SignalWatch() as signals:
        process = subprocess.Popen(command, stdout=sys.stderr, start_new_session=True)
        try:
            while signals.first is None:
                try:
                    return process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            _end(process)
        signals.check()
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group, in which a distributed training has other ranks; gently at first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue


def _value(exported: Exported, metrics: Path) -> float:
    """The best or the last validation in what Lightning's CSVLogger wrote."""
    rows: list[dict[str, str]] = []
    if metrics.is_file():
        with metrics.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    values = [float(row[exported.metric]) for row in rows if row.get(exported.metric)]
    if not values:
        raise ReplayFailed(
            f"{exported.folder.root}: {exported.metric} is not in what its training logged. "
            "Log it with logger=True."
        )
    if not exported.is_best:
        return values[-1]
    return min(values) if exported.minimizes else max(values)
