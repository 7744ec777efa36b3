"""The preflight: the facts that torch alone can find out, before any trial exists.

Runs in an attempt of its own on the configuration of a middle-of-the-range trial: builds it, looks
what the searched paths change, and takes one training and one validation step.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from lightning.pytorch import Trainer
from msgspec import structs

from search.answers import Checked
from search.errors import UserError
from search.layout import TrialFolder
from search.messages import KILLED
from search.plain.tree import ARGUMENTS
from search.study_file.curve_steps import leaves_epoch_ends
from search.study_file.micro_batches import Epoch, counts_of_batches, counts_of_steps
from search.study_file.trial_config import LightningSections, TrialConfig
from search.trial.building.build import (
    Built,
    build,
    has_batch_norm,
    make_trainer,
    micro_batch_of,
    seed_everything,
)
from search.trial.building.hydra_lookups import noted_lookups
from search.trial.building.importing import import_name, in_words
from search.trial.building.script import count_fits
from search.trial.building.script_drive import Counted
from search.trial.building.signatures import parameters
from search.trial.building.strategies import trainer_of_trials
from search.trial.building.trainer import one_short_epoch
from search.trial.checkpoints.files import read_checkpoint
from search.trial.checkpoints.safe_hooks import refuse_unwritable
from search.trial.fitting.loggers import logger_problems
from search.trial.fitting.metrics import MetricKinds
from search.trial.fitting.throwaway import FirstEpochSaver, ThrowawayCheckpoints, look_loggers
from search.trial.inspection.batch_argument import batch_argument_problem
from search.trial.inspection.fixed_accumulation import fixed_accumulation
from search.trial.inspection.own_defaults import own_defaults
from search.trial.process.failures import cause_of
from search.trial.process.gpus import free_gpu_bytes, gpu_use, processes_of, usable_gpus
from search.trial.process.loaded_sources import is_users_own, loaded_sources
from search.trial.tasks.variants import own_failure, try_variants


def check(config: TrialConfig, folder: TrialFolder) -> Checked:
    """Look at the study's configuration, and at its variants.

    Problems are returned, never raised.

    Raises:
        OSError: the disk fails or is full; that is no fault of the study, and is tried again.
    """
    try:
        return _facts(config, folder)
    except UserError as error:
        return Checked(problems=(str(error),))
    except Exception as error:
        if cause_of(error) == KILLED:
            raise
        traceback.print_exc()
        return Checked(problems=(own_failure(in_words(error), folder, config.sections),))


def _facts(config: TrialConfig, folder: TrialFolder) -> Checked:
    imported = set(sys.modules)
    with noted_lookups(config.sections.script) as files:
        checked = _looked_at(config, folder)
    return structs.replace(
        checked,
        modules=tuple(sorted(_imported_since(imported, config.sections))),
        sources=(*loaded_sources(), *sorted(files)),
    )


def _looked_at(config: TrialConfig, folder: TrialFolder) -> Checked:
    """All facts but what was loaded."""
    seed_everything(config.sections)
    config, notes = _with_last_fit(config)
    variants = config.preflight
    tried = try_variants(variants, folder)
    if tried.problems:
        return Checked(problems=tried.problems)
    built = build(config.sections)
    script = config.sections.script
    problem = _no_optimizer(built) or _no_data(built)
    problem = problem or batch_argument_problem(config.sections, built)
    if problem is not None:
        return Checked(problems=(problem,))
    batch_size = micro_batch_of(built)
    problems = list(logger_problems(config, folder, built.lightning))
    if problems:
        return Checked(problems=tuple(problems))
    gpus = usable_gpus()
    gpu_free_bytes = free_gpu_bytes(gpus)
    trainers = [(trainer_of_trials(built), built.trainer_arguments), *tried.trainers]
    use = gpu_use(trainers, len(gpus))
    fitted, kinds = _dry_run(config, built, folder)
    loader, of_training = fitted.train_dataloader, kinds.of_training(fitted)
    return Checked(
        memory_paths=tried.memory_paths,
        reshaping_paths=tried.reshaping_paths,
        batch_size_path=_batch_size_path(config.sections, built),
        batch_size=batch_size,
        samples=_samples(loader),
        drops_last=bool(getattr(loader, "drop_last", False)),
        limit=Epoch().limited_by(built.trainer_arguments).limit,
        in_batches=counts_of_batches(built.trainer_arguments),
        in_steps=counts_of_steps(built.trainer_arguments),
        fixed_accumulation=fixed_accumulation(built, fitted),
        has_batch_norm=tried.has_batch_norm or has_batch_norm(built.model),
        accumulation=_accumulation(built),
        gpus=gpus,
        gpu_free_bytes=gpu_free_bytes,
        gpus_a_trial=use.count,
        gpus_are_named=use.are_named,
        takes_all_gpus=use.takes_all,
        at_epoch_ends=bool(of_training),
        validates=kinds.validated,
        notes=(*notes, *kinds.told(of_training)),
        defaults=own_defaults(config.sections, dict.fromkeys(each.path for each in variants)),
        fits=1 if script is None else script.fit or 1,
        leaves_epoch_ends=any(
            leaves_epoch_ends(trainer)
            for trainer in (
                built.trainer_arguments,
                *(variant.sections.trainer for variant in variants),
            )
        ),
        loader_processes=int(getattr(loader, "num_workers", 0)),
        processes_a_trial=processes_of((trainer for trainer, _ in trainers), use),
    )


def _with_last_fit(config: TrialConfig) -> tuple[TrialConfig, list[str]]:
    """The configuration with the number of the script's last fit, where the study file names none,
    and lines where the script fails after a fit, or has several."""
    script = config.sections.script
    if script is None or script.build is not None or script.fit is not None:
        return config, []
    counted, notes = Counted(), list[str]()
    try:
        count_fits(script, config.sections.trainer, counted)
    except Exception as error:
        if not counted.fits or cause_of(error) == KILLED:
            raise
        traceback.print_exc()
        notes.append(
            f"script: {script.name} fails after its fit of one batch, and a trial keeps its value "
            f"then: {in_words(error).rstrip('.')}"
        )
    if counted.fits > 1:
        notes.append(
            f"script: {script.name} has {counted.fits} fits, and the last one counts. "
            "Write fit: 1 for the first."
        )

    def settled(sections: LightningSections) -> LightningSections:
        assert sections.script is not None
        return replace(sections, script=replace(sections.script, fit=counted.fits))

    preflight = tuple(replace(each, sections=settled(each.sections)) for each in config.preflight)
    return replace(config, sections=settled(config.sections), preflight=preflight), notes


def _imported_since(imported: Collection[str], sections: LightningSections) -> Iterator[str]:
    """The modules that no trial has to import any more. The own modules of a script may read its
    command line when they are imported."""
    for name in set(sys.modules) - set(imported):
        is_run = sections.script is not None and sections.script.build is None
        if not is_run or not is_users_own(sys.modules[name]):
            yield name


def _no_optimizer(built: Built) -> str | None:
    # LightningCLI puts one into the module itself
    if _has_own(built.model, "configure_optimizers", built.lightning.LightningModule):
        return None
    return (
        f"model: {type(built.model).__name__} has no configure_optimizers, and there is no section "
        "optimizer. Add optimizer: {class_path: torch.optim.Adam, init_args: {lr: 1e-3}}."
    )


def _no_data(built: Built) -> str | None:
    """A line where nothing has the batches to train on."""
    model, name = built.model, type(built.model).__name__
    if _has_own(model, "train_dataloader", built.lightning.LightningModule):
        return None
    if built.loaders:
        return None
    if built.data is None:
        return (
            f"data: is missing, and {name} has no train_dataloader. Add data: "
            "{class_path: my_package.MyDataModule}, or write that method."
        )
    if _has_own(built.data, "train_dataloader", built.lightning.LightningDataModule):
        return None
    return f"data: {type(built.data).__name__} has no train_dataloader. Write that method."


def _has_own(owner: object, method: str, base: type) -> bool:
    """True where a method is not the one that Lightning's base class has."""
    return getattr(type(owner), method) is not getattr(base, method) or method in vars(owner)


def _dry_run(config: TrialConfig, built: Built, folder: TrialFolder) -> tuple[Trainer, MetricKinds]:
    """One training and one validation step, and a checkpoint; returns their Trainer, and what it
    logged when."""
    kinds, saver = MetricKinds(config.watched.metrics), FirstEpochSaver(folder.last_ckpt)
    # a searched number of batches is another in other trials
    searched = {variant.path for variant in config.preflight}
    is_off = "trainer.limit_val_batches" not in searched
    is_off = is_off and built.trainer_arguments.get("limit_val_batches") == 0
    trainer = make_trainer(
        built,
        folder.root,
        [kinds, saver, ThrowawayCheckpoints(folder.root / "checkpoints")],
        **one_short_epoch(built.trainer_arguments, train=1, val=0 if is_off else 1),
        **look_loggers(config, built, folder),
    )
    built.fit(trainer)
    # a callback may have ended the fit before there was one
    if folder.last_ckpt.exists():
        refuse_unwritable(read_checkpoint(folder.last_ckpt))
    return trainer, kinds


def _samples(loader: Any) -> int | None:
    try:
        return len(loader.dataset)
    except (AttributeError, TypeError):
        return None


def _accumulation(built: Built) -> int:
    given = built.trainer_arguments.get("accumulate_grad_batches")
    return given if isinstance(given, int) else 1


def _batch_size_path(sections: LightningSections, built: Built) -> str | None:
    """The place of the micro-batch in the configuration; None if nothing takes one."""
    if sections.script is not None:
        argument = sections.script.batch_argument
        return None if argument is None else f"{ARGUMENTS}.{argument}"
    places = (
        ("data", built.data, sections.data_class),
        ("model", built.model, sections.model_class),
    )
    for section, owner, path in places:
        if owner is None:
            continue
        # a CLI with a class of its own takes bare arguments, and one without finds bare names
        if path is not None and "." in path:
            named = import_name(path, f"{section}.class_path")
        else:
            named = type(owner)
        parameter = parameters(named).get("batch_size")
        if parameter is not None:
            key = "" if path is None else f".{parameter.key}"
            return f"{section}{key}.batch_size"
    return None
