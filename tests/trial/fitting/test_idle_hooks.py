"""A callback that says nothing to a batch is not asked at each."""

from __future__ import annotations

import lightning.pytorch
import pytest
import pytorch_lightning
from lightning.pytorch import Callback
from lightning.pytorch.demos.boring_classes import BoringModel
from pytorch_lightning.demos.boring_classes import BoringModel as OtherBoringModel

from search.trial.fitting.idle_hooks import leave_out_idle_hooks

pytestmark = pytest.mark.filterwarnings("ignore")


class Counting(Callback):
    def __init__(self) -> None:
        self.batches = self.validations = 0

    def on_train_batch_end(self, *args: object) -> None:
        self.batches += 1

    def on_validation_epoch_end(self, *args: object) -> None:
        self.validations += 1


@pytest.mark.parametrize(
    ("package", "model"),
    [(lightning.pytorch, BoringModel), (pytorch_lightning, OtherBoringModel)],
    ids=["lightning", "pytorch_lightning"],
)
def test_hooks_that_a_callback_has_are_called_and_the_others_left_out(package, model) -> None:
    callback = Counting()
    leave_out_idle_hooks(callback)
    profiler = package.profilers.SimpleProfiler()
    trainer = package.Trainer(
        max_epochs=2,
        limit_train_batches=3,
        limit_val_batches=2,
        num_sanity_val_steps=0,
        accelerator="cpu",
        callbacks=[callback],
        profiler=profiler,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model())
    assert (callback.batches, callback.validations) == (6, 2)
    asked = {name.partition(".")[2] for name in profiler.recorded_durations if "Counting" in name}
    assert "on_train_batch_end" in asked
    assert not asked & {"on_before_backward", "on_train_batch_start", "on_validation_batch_end"}
