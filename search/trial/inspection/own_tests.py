"""The tests that a script makes itself after its fit, with the weights of a checkpoint."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loggers.logger import DummyLogger

from search.study_file.trial_config import LightningSections
from search.trial.building.build import Built, built_of, make_trainer
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.importing import is_lightnings
from search.trial.building.script import run_script
from search.trial.building.script_drive import ReachedFit
from search.trial.building.trainer import ONE_DEVICE, callbacks_on

_OF_A_FIT = ("best", "last")


@dataclass
class _Tests:
    """The tests of one run of a script."""

    checkpoint: Path
    scratch: Path
    reached: ReachedFit | None = None
    metrics: dict[str, float] = field(default_factory=dict)

    def skip_fit(self, reached: ReachedFit) -> None:
        """Stand in for the fit: what comes after it finds the checkpoint."""
        built = built_of(reached)
        trainer = make_trainer(built, self.scratch, [], logger=DummyLogger(), **ONE_DEVICE)
        for each in callbacks_on(trainer):
            if is_lightnings(each, "ModelCheckpoint"):
                each.best_model_path = each.last_model_path = str(self.checkpoint)
        # the script may read the metrics of the fit's last validation
        if _has_validation(built):
            trainer.validate(
                built.model,
                dataloaders=built.loaders.get("val_dataloaders"),
                datamodule=built.data,
                ckpt_path=str(self.checkpoint),
                weights_only=True,
                verbose=False,
            )
        self.reached = reached

    def test(self, original: Callable[..., Any], trainer: Trainer, given: dict[str, Any]) -> Any:
        """Run a test of the script's, of the fitted model with the weights of the checkpoint."""
        assert self.reached is not None
        fitted = self.reached.model
        model = given.get("model") or fitted
        is_of_fit = model is fitted or given.get("ckpt_path") in _OF_A_FIT
        if is_of_fit:
            given |= {"ckpt_path": str(self.checkpoint), "weights_only": True}
        if given.get("dataloaders") is None and given.get("datamodule") is None:
            given["datamodule"] = self.reached.data
        loaders = original(trainer, **{**given, "model": model, "verbose": False})
        for logged in loaders:
            self.metrics |= {name: float(value) for name, value in logged.items()}
        return loaders


def _has_validation(built: Built) -> bool:
    base = built.lightning.LightningModule
    if type(built.model).validation_step is base.validation_step:
        return False
    if built.data is not None or "val_dataloaders" in built.loaders:
        return True
    return type(built.model).val_dataloader is not base.val_dataloader


def metrics_of_own_tests(
    sections: LightningSections, checkpoint: Path, scratch: Path
) -> dict[str, float]:
    """Run a script to its end without its fit; the metrics that its calls of `trainer.test` log.

    Args:
        scratch: a folder that will be gone.

    Raises:
        UserError: it never reaches its fit.
        Whatever the script raises.
    """
    assert sections.script is not None
    tests = _Tests(checkpoint, scratch)
    with _counted(tests):
        run_script(sections.script, sections.trainer, tests.skip_fit, is_look=True)
    return tests.metrics


@contextlib.contextmanager
def _counted(tests: _Tests) -> Iterator[None]:
    """Ours in place of the test of a Trainer, in both packages."""
    bases = [importlib.import_module(namespace).Trainer for namespace in NAMESPACES]
    originals = [base.test for base in bases]
    for base, original in zip(bases, originals, strict=True):
        base.test = _test(original, tests)
    try:
        yield
    finally:
        for base, original in zip(bases, originals, strict=True):
            base.test = original


def _test(original: Callable[..., Any], tests: _Tests) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def test(self: Trainer, *args: Any, **kwargs: Any) -> Any:
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        given.pop("self")
        # before the fit that counts it is no test of what the trial has learnt
        if tests.reached is None:
            return original(self, **given)
        return tests.test(original, self, given)

    return test
