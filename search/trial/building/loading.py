"""The model of a finished trial, in a process that trains nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.seed import isolate_rng

from search.study_file.trial_config import LightningSections
from search.trial.building.build import build, refusing_unfit
from search.trial.building.script_process import as_it_was
from search.trial.checkpoints.files import read_checkpoint
from search.trial.checkpoints.safe_hooks import make_checkpoints_safe


def load_model(sections: LightningSections, checkpoint: Path, import_path: Path) -> LightningModule:
    """The model of a trial's configuration with the weights of a checkpoint, on the CPU.

    Built from the configuration, it needs no `save_hyperparameters`, and gets what a LightningCLI
    gives its model. What the module's own hooks do to a checkpoint is done.

    Raises:
        UserError: the model cannot be built any more, or the checkpoint is of another.
    """
    for folder in (str(Path.cwd()), str(import_path)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    # a script runs up to its fit here, where somebody works
    with as_it_was(), isolate_rng():
        built = build(sections)
    model = built.model
    make_checkpoints_safe(model, built.data)
    with refusing_unfit("load_model", str(checkpoint)):
        state = read_checkpoint(checkpoint)
        model.configure_model()
        model.on_load_checkpoint(state)
        model.load_state_dict(state["state_dict"], strict=model.strict_loading)
    return model
