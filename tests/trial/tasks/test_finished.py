"""What keeps a trial from being tested, each told in one line."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from search.layout import TrialFolder
from search.study_file.trial_config import TrialConfig

OBJECTIVE = {"metric": "val_loss"}

MODULE = """
import pytorch_lightning as pl
from pytorch_lightning.demos.boring_classes import BoringDataModule, BoringModel, DemoModel


class Untested(DemoModel):
    pass


class Silent(BoringModel):
    pass


class Drawing(BoringModel):
    def test_step(self, batch, batch_idx):
        self.logger.experiment.add_scalar("drawn", 1.0)
        self.log("test_loss", 2.0)


class Loaderless(BoringDataModule):
    test_dataloader = pl.LightningDataModule.test_dataloader
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "untestable.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            {"model": {"class_path": "untestable.Untested"}},
            "model: Untested has no test_step. Add one that logs what counts.",
        ),
        (
            {
                "model": {"class_path": "untestable.Silent"},
                "data": {"class_path": "untestable.Loaderless"},
            },
            "data: Loaderless has no test_dataloader. Add one to test on.",
        ),
        (
            {"model": {"class_path": "untestable.Silent", "init_args": {"widht": 3}}},
            "model.init_args.widht: no such argument. Remove it.",
        ),
    ],
)
def test_what_cannot_be_tested_is_told(
    module: None, tmp_path: Path, config: dict[str, Any], problem: str
) -> None:
    from search.trial.tasks.finished import test

    fixed = {"trainer": {"accelerator": "cpu"}, "seed_everything": 1, "objective": OBJECTIVE}
    tested = test(TrialConfig.from_tree({**config, **fixed}), TrialFolder(tmp_path))
    assert tested.problems == (problem,)


@pytest.mark.filterwarnings("ignore")
def test_module_that_uses_its_logger_can_be_tested(module: None, tmp_path: Path) -> None:
    import torch

    from search.trial.building.build import build
    from search.trial.tasks.finished import test

    model = {"class_path": "untestable.Drawing"}
    tree = {"model": model, "trainer": {"accelerator": "cpu"}, "objective": OBJECTIVE}
    config = TrialConfig.from_tree(tree)
    folder = TrialFolder(tmp_path)
    folder.best_ckpt.parent.mkdir(exist_ok=True)
    built = build(config.sections)
    trainer = built.trainer_class(max_epochs=0, logger=False, accelerator="cpu")
    trainer.fit(built.model)
    trainer.save_checkpoint(folder.best_ckpt)
    assert torch.load(folder.best_ckpt, weights_only=True)
    tested = test(config, folder)
    assert (tested.problems, tested.metrics) == ((), {"test_loss": 2.0})
