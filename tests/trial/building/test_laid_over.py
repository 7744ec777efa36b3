"""The section trainer of a study, laid over the arguments of a script's Trainers."""

from __future__ import annotations

import pytorch_lightning as pl

from search.trial.building.laid_over import lay_over_arguments


def test_each_trainer_of_a_script_has_callbacks_of_its_own() -> None:
    path = "pytorch_lightning.callbacks.EarlyStopping"
    section = {"callbacks": [{"class_path": path, "init_args": {"monitor": "val_loss"}}]}
    made = [
        lay_over_arguments(pl.Trainer.__init__, {}, section, "pytorch_lightning")["callbacks"]
        for _ in range(2)
    ]
    (first,), (second,) = made
    assert isinstance(first, pl.callbacks.EarlyStopping) and first is not second
    assert isinstance(second, pl.callbacks.EarlyStopping)
    assert section == {"callbacks": [{"class_path": path, "init_args": {"monitor": "val_loss"}}]}
