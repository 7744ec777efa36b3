"""The texts by which a replay reads a metric: they run inside the training that is replayed, and
need nothing but Lightning."""

from __future__ import annotations

# beside the project's own modules, whose names it must not take
RECORDER = "lightning_search_replay"
RECORDER_TEXT = '''"""Writes a metric down as the trial read it; `search replay` put this here."""

from pathlib import Path

from {lightning} import Callback


class Recorder(Callback):
    def __init__(self, metric: str, path: str, at_epoch_ends: bool) -> None:
        self.metric, self.path, self.at_epoch_ends = metric, Path(path), at_epoch_ends

    def on_validation_end(self, trainer, pl_module):
        if not trainer.sanity_checking and not self.at_epoch_ends:
            self.note(trainer)

    # of training: an epoch's last hook has run when the next one begins
    def on_train_epoch_start(self, trainer, pl_module):
        self.note_epoch(trainer)

    def on_train_end(self, trainer, pl_module):
        self.note_epoch(trainer)

    def note_epoch(self, trainer):
        if self.at_epoch_ends or not trainer.enable_validation:
            self.note(trainer)

    def note(self, trainer):
        value = trainer.callback_metrics.get(self.metric)
        if value is not None and trainer.is_global_zero:
            with self.path.open("a") as file:
                file.write(repr(float(value)) + "\\n")
'''
# stands for `python` in the train.sh of a script
RUNNER = "lightning_search_python"
RUNNER_TEXT = '''"""Runs what python was to run, with a Recorder in the fit that counts."""

import functools
import os
import runpy
import sys
from pathlib import Path

import {lightning} as lightning

from lightning_search_replay import Recorder

Trainer = lightning.Trainer
make, fit, fits = Trainer.__init__, Trainer.fit, []


@functools.wraps(make)
def __init__(self, *args, **kwargs):
    # where it would keep what nobody named a place for
    make(self, *args, **{**kwargs, "default_root_dir": {folder}})


@functools.wraps(fit)
def counted_fit(self, *args, **kwargs):
    # a tuner's fit is none of the script's
    if not any(getattr(each, "_early_exit", False) for each in self.callbacks):
        fits.append(self)
        if len(fits) == {fit}:
            self.callbacks.append(Recorder(**{recorder}))
    return fit(self, *args, **kwargs)


Trainer.__init__, Trainer.fit = __init__, counted_fit


{run}

run(sys.argv[1:])
'''
