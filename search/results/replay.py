"""Training an exported folder again, by its own command, and comparing what comes out.

The folder is data from anywhere: it is read as text, and nothing is unpickled. Its script and the
classes of its configuration run, as those of any script that somebody starts.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.engine.signals import SignalWatch
from search.errors import ReplayFailed, UserError
from search.layout import ExportFolder
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml, read_yaml
from search.results.export import script_command, train_command
from search.results.export_command import RUN, filled
from search.results.recorder import RECORDER, RECORDER_TEXT, RUNNER, RUNNER_TEXT
from search.store.provenance.record import installed
from search.study_file.scripts import hydra_folder

_LIGHTNING = ("lightning.pytorch", "pytorch_lightning")
_RESULT_BYTES = 1 << 20
_POLL_S = 0.25
_GRACE_S = 10.0
# the loggers of Lightning's that keep what they log in `save_dir`, each with the arguments by which
# nothing is kept elsewhere or sent away
_KEPT: dict[str, dict[str, object]] = {
    "CSVLogger": {},
    "TensorBoardLogger": {},
    "WandbLogger": {"offline": True, "log_model": False},
    "MLFlowLogger": {"tracking_uri": "sqlite:///{folder}/mlflow.db", "log_model": False},
}


@dataclass(frozen=True)
class Exported:
    """An exported folder with the facts of its `trial.json`."""

    folder: ExportFolder
    metric: str
    minimizes: bool
    is_best: bool
    at_epoch_ends: bool
    value: float
    lightning: str
    has_subcommand: bool
    versions: dict[str, str]
    # the number of the fit that counts of the user's own script; None where a LightningCLI trains
    fit: int | None = None
    # that script reads its command line with Hydra
    is_hydras: bool = False

    @property
    def other_versions(self) -> list[str]:
        """The packages that are installed in another version than it was made with, a line each."""
        return [
            f"{name} {number} (now {installed(name) or 'not there'})"
            for name, number in self.versions.items()
            if installed(name) != number
        ]


def read_export(root: Path) -> Exported:
    """Read an exported folder.

    Raises:
        UserError: it is no such folder, or a file of it is missing or damaged.
    """
    folder = ExportFolder(root)
    try:
        _refuse_missing(folder.result)
        tree = json.loads(_text(folder.result))
        exported = _exported(folder, tree)
        if exported.fit is not None:
            _refuse_missing(folder.command)
        else:
            _refuse_missing(folder.config, folder.script)
            read_yaml(folder.config)
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{folder.result}: is damaged ({type(error).__name__}). "
            "Export the trial again: `search export FOLDER`."
        ) from error
    return exported


def retrain(exported: Exported) -> float:
    """Train the folder by its own command; returns the value that the metric has now.

    What the training prints goes to standard error; what it would keep is thrown away.

    Raises:
        ReplayFailed: it could not be trained, or never logs the metric.
        Interrupted: a signal came.
    """
    with tempfile.TemporaryDirectory(prefix="search-replay-") as name:
        scratch = Path(name)
        values = scratch / "values.txt"
        text = RECORDER_TEXT.replace("{lightning}", exported.lightning)
        write_whole(scratch / f"{RECORDER}.py", text)
        if exported.fit is None:
            overlay = scratch / "replay.yaml"
            write_whole(overlay, dump_yaml(_overlay(exported, scratch, values)))
            _, *words = train_command(exported.folder, has_subcommand=exported.has_subcommand)
            command = [sys.executable, *words, "-c", str(overlay)]
        else:
            _put_python(exported, scratch, values)
            command = script_command(exported.folder)
        status = _run(command, scratch)
        if status != 0:
            raise ReplayFailed(
                f"{exported.folder.root}: its training ended with status {status}; its own words "
                "are above. Start it in the project's folder, where its modules are."
            )
        return _value(exported, values)


def _refuse_missing(*paths: Path) -> None:
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: is missing. Export the trial again: `search export FOLDER`.")


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
        # not in folders of earlier releases
        at_epoch_ends=tree.get("at_epoch_ends") is True,
        value=value,
        lightning=lightning,
        has_subcommand=tree["has_subcommand"] is True,
        versions={str(name): str(number) for name, number in tree["versions"].items()},
        fit=None if tree.get("fit") is None else int(tree["fit"]),
        is_hydras=tree.get("hydra") is True,
    )


def _overlay(exported: Exported, scratch: Path, values: Path) -> dict[str, object]:
    """A configuration laid over the exported one, so that its values can be read here, and what
    its loggers keep is thrown away."""
    arguments = _recorded(exported, values)
    recorder = {"class_path": f"{RECORDER}.Recorder", "init_args": arguments}
    given = (read_yaml(exported.folder.config).get("trainer") or {}).get("logger")
    loggers = given if isinstance(given, list) else [given]
    named = [each for each in loggers if isinstance(each, dict)]
    # of a class that nobody knows here, what it would take is not known either
    plain = {"class_path": f"{exported.lightning}.loggers.CSVLogger", "init_args": {"name": ""}}
    kept = [each if _is_of_lightning(each) else plain for each in named or [plain]]
    return {
        "trainer": {
            "logger": [_kept_in(scratch, each, index) for index, each in enumerate(kept)],
            "callbacks+": [recorder],
            "default_root_dir": str(scratch),
        }
    }


def _recorded(exported: Exported, values: Path) -> dict[str, object]:
    """The arguments of a Recorder."""
    return {
        "metric": exported.metric,
        "path": str(values),
        "at_epoch_ends": exported.at_epoch_ends,
    }


def _put_python(exported: Exported, scratch: Path, values: Path) -> None:
    """Make the `python` that the command of a script finds first: this one, with a Recorder."""
    runner = scratch / f"{RUNNER}.py"
    places = {
        "{run}": RUN,
        "{lightning}": exported.lightning,
        "{folder}": repr(str(scratch)),
        "{fit}": str(exported.fit),
        "{recorder}": repr(_recorded(exported, values)),
    }
    write_whole(runner, filled(RUNNER_TEXT, places))
    python = scratch / "python"
    words = shlex.join([sys.executable, str(runner)])
    last = f" {shlex.quote(hydra_folder(scratch / 'hydra'))}" if exported.is_hydras else ""
    python.write_text(f'#!/bin/sh\nexec {words} "$@"{last}\n', "utf-8")
    python.chmod(0o700)


def _is_of_lightning(logger: Mapping[str, object]) -> bool:
    """True for a logger in `_KEPT`, by its import path or its name alone."""
    module, _, name = str(logger.get("class_path")).rpartition(".")
    known = ("", *(f"{each}.loggers" for each in _LIGHTNING))
    return name in _KEPT and module in known


def _kept_in(scratch: Path, logger: Mapping[str, Any], index: int) -> dict[str, object]:
    """A logger that the module may need, writing into a folder of its own that will be gone."""
    folder = scratch / f"logger{index}"
    folder.mkdir(exist_ok=True)
    elsewhere = _KEPT[str(logger["class_path"]).rpartition(".")[2]]
    places = {
        key: value.format(folder=folder) if isinstance(value, str) else value
        for key, value in elsewhere.items()
    }
    arguments = {**(logger.get("init_args") or {}), "save_dir": str(folder), **places}
    return {**logger, "init_args": arguments}


def _run(command: list[str], scratch: Path) -> int:
    """Run a command that finds modules and programs in `scratch` first; returns its status."""
    environment = dict(os.environ)
    for name in ("PYTHONPATH", "PATH"):
        places = [str(scratch), *os.environ.get(name, "").split(os.pathsep)]
        environment[name] = os.pathsep.join(filter(None, places))
    with SignalWatch() as signals:
        process = subprocess.Popen(
            command, stdout=sys.stderr, env=environment, start_new_session=True
        )
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


def _value(exported: Exported, recorded: Path) -> float:
    """The best or the last of the recorded values."""
    values = [float(line) for line in recorded.read_text().split()] if recorded.is_file() else []
    if not values:
        raise ReplayFailed(f"{exported.folder.root}: its training never logs {exported.metric}.")
    if not exported.is_best:
        return values[-1]
    return min(values) if exported.minimizes else max(values)
