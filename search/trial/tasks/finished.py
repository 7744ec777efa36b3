"""Tasks of a finished trial: facts for an export to plain LightningCLI, and the test loop.

Both run in a folder of their own, with the configuration of the trial and a link to its checkpoint.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.loggers.logger import DummyLogger

from search.answers import ExportFacts, LoggedMetrics
from search.errors import UserError
from search.layout import TrialFolder
from search.study_file.trial_config import LightningSections, ScriptRun, TrialConfig
from search.trial.building.build import (
    Built,
    build,
    driven_cli,
    make_trainer,
    seed_everything,
)
from search.trial.building.importing import is_lightnings, lightning_of
from search.trial.building.trainer import ONE_DEVICE, listed
from search.trial.checkpoints.files import kept_state, read_checkpoint
from search.trial.fitting.loggers import plain_loggers
from search.trial.inspection.own_tests import metrics_of_own_tests
from search.trial.inspection.script_facts import script_facts


def export_facts(config: TrialConfig, folder: TrialFolder) -> ExportFacts:
    """Let LightningCLI read the configuration of a trial, or its script run, up to the fit."""
    try:
        if config.sections.script is not None:
            return script_facts(config.sections, folder)
        return _export_facts(config, folder)
    except UserError as error:
        return ExportFacts(problems=(str(error),))


def test(config: TrialConfig, folder: TrialFolder) -> LoggedMetrics:
    """Run the test loop of a trial's checkpoint, on one device, where no sample counts twice."""
    script = config.sections.script
    try:
        seed_everything(config.sections)
        built = build(config.sections)
        is_run = script is not None and script.build is None
        tests_itself = is_run and not _has_test_loader(built)
        if not tests_itself:
            _refuse_untestable(built)
    except UserError as error:
        return LoggedMetrics(problems=(str(error),))
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = folder.best_ckpt
        if checkpoint.is_dir():
            # its shards are of more devices than one
            checkpoint = Path(scratch, "whole.ckpt")
            torch.save(read_checkpoint(folder.best_ckpt), checkpoint)
        if tests_itself and script is not None:
            return _own_tests(config.sections, script, checkpoint, Path(scratch))
        trainer = make_trainer(built, Path(scratch), [], logger=DummyLogger(), **ONE_DEVICE)
        loaders = trainer.test(
            built.model,
            datamodule=built.data,
            ckpt_path=str(checkpoint),
            weights_only=True,
            verbose=False,
        )
    metrics = {name: value for logged in loaders for name, value in logged.items()}
    if not metrics:
        name = type(built.model).__name__
        problem = f"model: test_step of {name} logs nothing. Call self.log there."
        return LoggedMetrics(problems=(problem,))
    return LoggedMetrics(metrics={metric: float(value) for metric, value in metrics.items()})


def _own_tests(
    sections: LightningSections, script: ScriptRun, checkpoint: Path, scratch: Path
) -> LoggedMetrics:
    """The metrics of the tests that a script makes after its fit."""
    seed_everything(sections)
    if metrics := metrics_of_own_tests(sections, checkpoint, scratch):
        return LoggedMetrics(metrics=metrics)
    problem = (
        f"script: {script.name} logs nothing in a trainer.test after its fit, and has no data "
        "module with a test_dataloader. Add one of the two."
    )
    return LoggedMetrics(problems=(problem,))


def _has_test_loader(built: Built) -> bool:
    if built.data is not None:
        base = built.lightning.LightningDataModule
        return type(built.data).test_dataloader is not base.test_dataloader
    return type(built.model).test_dataloader is not built.lightning.LightningModule.test_dataloader


def _export_facts(config: TrialConfig, folder: TrialFolder) -> ExportFacts:
    driven = driven_cli(config.sections)
    objective = config.objective
    monitor = objective.metric if objective.value == "best" else None
    lightning = lightning_of(type(driven.model), "model").__name__
    has_own_logger = driven.trainer_arguments.get("logger") is not None
    return ExportFacts(
        lightning=lightning,
        has_subcommand=driven.is_run,
        keeps_checkpoint=_keeps(driven.trainer_arguments.get("callbacks"), monitor),
        threads=kept_state(folder.best_ckpt).get("threads"),
        loggers=() if has_own_logger else plain_loggers(config, lightning),
    )


def _keeps(callbacks: object, monitor: str | None) -> bool:
    return any(
        is_lightnings(each, "ModelCheckpoint") and each.monitor == monitor
        for each in listed(callbacks)
    )


def _refuse_untestable(built: Built) -> None:
    model, lightning = built.model, built.lightning
    if type(model).test_step is lightning.LightningModule.test_step:
        raise UserError(
            f"model: {type(model).__name__} has no test_step. Add one that logs what counts."
        )
    section = "model"
    owner: type[LightningModule | LightningDataModule] = type(model)
    base = lightning.LightningModule
    if built.data is not None:
        section, owner, base = "data", type(built.data), lightning.LightningDataModule
    if owner.test_dataloader is base.test_dataloader:
        raise UserError(f"{section}: {owner.__name__} has no test_dataloader. Add one to test on.")
