"""The look before the study uses the callbacks and loggers that the study will use, and leaves
nothing where the user works."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import lightning.pytorch as pl
import pytest
import yaml
from lightning.pytorch import callbacks
from users_modules import importable

from search.answers import DryRun
from search.engine.preflight import check_config, middle_config
from search.layout import TrialFolder
from search.study_file.load import load_study_file
from search.study_file.schema import StudyFile
from search.study_file.trial_config import DryBatches
from search.trial.fitting.throwaway import throwaway_loggers
from search.trial.tasks.check import check
from search.trial.tasks.dry_run import dry_run

pytestmark = pytest.mark.real

PROJECT = Path(__file__).parents[2] / "projects/callbacks"
# each callback that Lightning ships, or a class of the project's that it needs
CALLBACKS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "BackboneFinetuning": (None, {"unfreeze_backbone_at_epoch": 1}),
    "BaseFinetuning": ("net.Thaw", {}),
    "BasePredictionWriter": ("net.Writer", {}),
    "Callback": ("net.Watch", {}),
    "Checkpoint": ("net.Saver", {}),
    "DeviceStatsMonitor": (None, {"cpu_stats": True}),
    "EarlyStopping": (None, {"monitor": "val_loss"}),
    "GradientAccumulationScheduler": (None, {"scheduling": {0: 1, 1: 2}}),
    "LambdaCallback": ("net.Hook", {}),
    "LearningRateFinder": (None, {"num_training_steps": 5}),
    "LearningRateMonitor": (None, {"logging_interval": "step", "log_momentum": True}),
    "ModelCheckpoint": (None, {"dirpath": "mine", "monitor": "val_loss", "save_last": True}),
    "ModelPruning": (None, {"pruning_fn": "l1_unstructured", "amount": 0.3}),
    "ModelSummary": (None, {}),
    "OnExceptionCheckpoint": (None, {"dirpath": "mine"}),
    "RichModelSummary": (None, {}),
    "RichProgressBar": (None, {}),
    "SpikeDetection": (None, {}),
    "StochasticWeightAveraging": (None, {"swa_lrs": 0.01}),
    "ThroughputMonitor": ("net.Throughput", {}),
    "Timer": (None, {"duration": "00:01:00:00"}),
    "TQDMProgressBar": (None, {}),
    "EMAWeightAveraging": (None, {"decay": 0.9}),
    "WeightAveraging": (None, {}),
}
# tries batches as large as memory; the base of the bars above
LEFT_OUT = {"BatchSizeFinder", "ProgressBar"}
# what Lightning (2.6.6) itself cannot load again
NOT_GONE_ON_FROM = {"SpikeDetection"}


def callback(name: str) -> dict[str, Any]:
    path, arguments = CALLBACKS[name]
    class_path = path or f"lightning.pytorch.callbacks.{name}"
    return {"class_path": class_path, "init_args": arguments}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("callbacks") / "project"
    shutil.copytree(PROJECT, root)
    with importable(root, "net") as patch:
        patch.chdir(root)
        # writes a cache of its own beside what it draws
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield root


def study(root: Path, **changes: Any) -> StudyFile:
    tree = yaml.safe_load((root / "study.yaml").read_text())
    tree["trainer"] |= changes.pop("trainer", {})
    path = root / "changed.yaml"
    path.write_text(yaml.safe_dump(tree | changes))
    return load_study_file(path)


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if "__pycache__" not in path.parts}


def problems(study_file: StudyFile, folder: Path) -> tuple[str, ...]:
    (folder / "check").mkdir()
    config = check_config(study_file)
    config.write(folder / "check/config.yaml")
    with throwaway_loggers(folder / "check"):
        return check(config, TrialFolder(folder / "check")).problems


def dry(study_file: StudyFile, folder: Path, **batches: int) -> DryRun:
    folder.mkdir()
    config = replace(middle_config(study_file), dry=DryBatches(**batches) if batches else None)
    with throwaway_loggers(folder):
        return dry_run(config, TrialFolder(folder))


def test_every_callback_that_lightning_ships_is_tried() -> None:
    assert CALLBACKS.keys() | LEFT_OUT == set(callbacks.__all__)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLBACKS)
def test_callback_is_taken_as_it_is(root: Path, tmp_path: Path, name: str) -> None:
    given = [callback(name)]
    if name == "Callback":
        given.append(callback("ModelCheckpoint"))
    study_file = study(root, trainer={"callbacks": given})
    before = files(root)
    assert problems(study_file, tmp_path) == ()
    found = dry(study_file, tmp_path / "dry")
    assert (found.checkpoint_problem is None) is (name not in NOT_GONE_ON_FROM)
    assert files(root) == before


@pytest.mark.filterwarnings("ignore")
def test_averaging_with_batch_norm_is_repeatable(root: Path, tmp_path: Path) -> None:
    study_file = study(root, trainer={"callbacks": [callback("StochasticWeightAveraging")]})
    first = dry(study_file, tmp_path / "first")
    again = dry(study_file, tmp_path / "again", train=first.train_batches, val=first.val_batches)
    # one epoch of the eight batches that there are, not the one that updates batch norm besides
    assert first.train_batches == again.train_batches == 8
    assert (first.digest, first.value) == (again.digest, again.value)


def of_user(name: str, /, **arguments: Any) -> dict[str, Any]:
    path = name if "." in name else f"lightning.pytorch.loggers.{name}"
    return {"trainer": {"logger": {"class_path": path, "init_args": arguments}}}


BOARD = of_user("TensorBoardLogger", save_dir="board")["trainer"]["logger"]
ROWS = of_user("CSVLogger", save_dir="rows")["trainer"]["logger"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("module", "changes"),
    [
        ("Writing", {}),
        ("Drawing", {"logger": "tensorboard"}),
        ("Drawing", {"logger": ["tensorboard", "csv"]}),
        ("Weighing", {"logger": {"name": "wandb", "offline": True}}),
        ("Tagging", {"logger": "mlflow"}),
        ("Tagging", {"logger": {"name": "mlflow", "tracking_uri": "http://127.0.0.1:9"}}),
        ("Drawing", of_user("TensorBoardLogger", save_dir="board", name="a", version="b")),
        ("Writing", of_user("CSVLogger", save_dir="rows")),
        ("Weighing", of_user("WandbLogger", log_model=True)),
        ("Tagging", of_user("MLFlowLogger", tracking_uri="http://127.0.0.1:9")),
        ("Boarding", of_user("net.Board", root="board")),
        ("Noting", of_user("net.Ledger")),
        ("Drawing", {"trainer": {"logger": [BOARD, ROWS]}}),
        ("Drawing", {"trainer": {"logger": [BOARD, {"class_path": "net.Ledger"}]}}),
        ("Drawing", {"trainer": {"logger": True}}),
    ],
    ids=lambda each: each if isinstance(each, str) else str(each)[:60],
)
def test_logger_is_of_the_kind_that_the_study_uses(
    root: Path, tmp_path: Path, module: str, changes: dict[str, Any]
) -> None:
    study_file = study(root, model={"class_path": f"net.{module}"}, **changes)
    before = files(root)
    assert problems(study_file, tmp_path) == ()
    dry(study_file, tmp_path / "dry")
    assert files(root) == before


MISTAKES = [
    (
        {"model": {"class_path": "net.Drawing"}},
        "AttributeError: 'ExperimentWriter' object has no attribute 'add_histogram' "
        "(net.py, line 51). Name the logger that it needs, as in logger: tensorboard.",
    ),
    (
        {"trainer": {"callbacks": [callback("LearningRateMonitor")]}, "logger": []},
        "MisconfigurationException: Cannot use `LearningRateMonitor` callback with `Trainer` that "
        "has no logger. Name the logger that it needs, as in logger: tensorboard.",
    ),
    (
        {"trainer": {"callbacks": [callback("RichProgressBar")], "enable_progress_bar": False}},
        "MisconfigurationException: Trainer was configured with `enable_progress_bar=False` but "
        "found `RichProgressBar` in callbacks list.",
    ),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("changes", "said"), MISTAKES, ids=["experiment", "none", "bar"])
def test_no_parameter_is_blamed_for_what_fails_at_every_value(
    root: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    log = tmp_path / "check/log.txt"
    assert problems(study(root, **changes), tmp_path) == (
        f"the model or its data fails before any trial: {said} Its traceback: {log}",
    )


def test_process_is_left_as_it_was(root: Path, tmp_path: Path) -> None:
    before = dict(os.environ)
    with throwaway_loggers(tmp_path):
        # tells MLflow, which tells the processes that are started from now on
        pl.loggers.MLFlowLogger("mine", tracking_uri="http://127.0.0.1:9").log_metrics({"a": 1})
    assert {key: os.environ.get(key) for key in {*before, *os.environ}} == before
    assert pl.loggers.CSVLogger("somewhere").root_dir == "somewhere/lightning_logs"


@pytest.mark.parametrize("name", ["pytorch_lightning", "lightning.pytorch"])
def test_comet_is_offline_where_a_look_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # a paid service, whose package stands in the way of others
    started: dict[str, Any] = {}
    comet = SimpleNamespace(
        ExperimentConfig=dict,
        start=lambda **given: started.update(given) or MagicMock(),
    )
    monkeypatch.setitem(sys.modules, "comet_ml", comet)
    monkeypatch.setattr(f"{name}.loggers.comet._COMET_AVAILABLE", True)
    loggers = importlib.import_module(f"{name}.loggers")
    with throwaway_loggers(tmp_path):
        loggers.CometLogger(project="mine", mode="get", experiment_key="a" * 32)
    assert (started["project"], started["online"], started["mode"]) == ("mine", False, None)
    assert started["experiment_config"] == {"offline_directory": str(tmp_path), "disabled": True}
