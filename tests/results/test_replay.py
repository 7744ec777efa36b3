"""The loggers of an exported folder while it is trained again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.layout import ExportFolder
from search.plain.yaml import dump_yaml
from search.results import replay
from search.results.replay import Exported

LOGGERS = "lightning.pytorch.loggers"


def overlaid(root: Path, given: Any) -> list[dict[str, Any]]:
    """The loggers that lie over those of a configuration."""
    folder = ExportFolder(root)
    folder.config.write_text(dump_yaml({"trainer": {"logger": given}}))
    exported = Exported(
        folder=folder,
        metric="val_loss",
        minimizes=True,
        is_best=True,
        at_epoch_ends=False,
        value=0.5,
        lightning="lightning.pytorch",
        has_subcommand=False,
        versions={},
    )
    overlay = replay._overlay(exported, root, root / "values.txt")
    loggers: list[dict[str, Any]] = overlay["trainer"]["logger"]
    return loggers


def plain(root: Path, index: int) -> dict[str, Any]:
    place = str(root / f"logger{index}")
    return {"class_path": f"{LOGGERS}.CSVLogger", "init_args": {"name": "", "save_dir": place}}


@pytest.mark.parametrize("name", ["nets.Own", "nets.CSVLogger", f"{LOGGERS}.CometLogger"])
def test_logger_that_may_take_no_save_dir_is_replaced_in_its_place(
    tmp_path: Path, name: str
) -> None:
    own = {"class_path": name, "init_args": {"place": "here"}}
    board = {"class_path": f"{LOGGERS}.TensorBoardLogger", "init_args": {"save_dir": "x"}}
    place = str(tmp_path / "logger1")
    assert overlaid(tmp_path, [own, board]) == [
        plain(tmp_path, 0),
        {**board, "init_args": {"save_dir": place}},
    ]
    assert overlaid(tmp_path, own) == [plain(tmp_path, 0)]


def test_nothing_is_sent_away(tmp_path: Path) -> None:
    board, server = overlaid(
        tmp_path,
        [
            {"class_path": "WandbLogger", "init_args": {"offline": False}},
            {"class_path": "pytorch_lightning.loggers.MLFlowLogger", "init_args": {}},
        ],
    )
    places = [str(tmp_path / f"logger{index}") for index in range(2)]
    assert board["init_args"] == {"offline": True, "log_model": False, "save_dir": places[0]}
    assert server["init_args"] == {
        "save_dir": places[1],
        "tracking_uri": f"sqlite:///{places[1]}/mlflow.db",
        "log_model": False,
    }


@pytest.mark.parametrize("given", [None, False, True, []])
def test_without_a_logger_there_is_a_plain_one(tmp_path: Path, given: Any) -> None:
    assert overlaid(tmp_path, given) == [plain(tmp_path, 0)]
