"""The preflight: the facts that torch alone can find out, before any trial exists.

Runs in an attempt of its own on the configuration of a middle-of-the-range trial: builds it, looks
what the searched paths change, and takes one training and one validation step.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch import Trainer

from search.answers import Checked
from search.errors import UserError
from search.layout import TrialFolder
from search.messages import KILLED
from search.plain.tree import ARGUMENTS, Tree
from search.study_file.curve_steps import leaves_epoch_ends
from search.study_file.micro_batches import Epoch
from search.study_file.trial_config import LightningSections, TrialConfig, Variant
from search.trial.building.build import Built, build, make_trainer, micro_batch_of, seed_everything
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
from search.trial.fitting.throwaway import (
    FirstEpochSaver,
    ThrowawayCheckpoints,
    look_loggers,
    throwaway_loggers,
)
from search.trial.inspection.dead_paths import Consumption
from search.trial.process.failures import cause_of
from search.trial.process.gpus import free_gpu_bytes, gpu_use, processes_of, usable_gpus
from search.trial.process.loaded_sources import is_users_own, loaded_sources

# in the words of Python and Lightning, where a module or a callback needs another logger than csv
_WANTS_LOGGER = (
    "'ExperimentWriter' object has no attribute",
    "'NoneType' object has no attribute 'experiment'",
    "that has no logger",
    "Trainer(logger=False)",
)


def check(config: TrialConfig, folder: TrialFolder) -> Checked:
    """Look at the study's configuration, and at its variants.

    Problems are returned, never raised.

    Raises:
        OSError: the disk fails or is full; that is no fault of the study, and is tried again.
    """
    try:
        with throwaway_loggers(folder.root):
            return _facts(config, folder)
    except UserError as error:
        return Checked(problems=(str(error),))
    except Exception as error:
        if cause_of(error) == KILLED:
            raise
        traceback.print_exc()
        return Checked(problems=(_own_failure(in_words(error), folder),))


def _facts(config: TrialConfig, folder: TrialFolder) -> Checked:
    imported = set(sys.modules)
    seed_everything(config.sections)
    config, notes = _with_last_fit(config)
    variants = config.preflight
    problems = list(_unbuildable(variants, folder))
    if problems:
        return Checked(problems=tuple(problems))
    built = build(config.sections)
    script = config.sections.script
    if (problem := _no_optimizer(built) or _no_data(built)) is not None:
        return Checked(problems=(problem,))
    batch_size = micro_batch_of(built)
    problems = list(logger_problems(config, folder, built.lightning))
    if problems:
        return Checked(problems=tuple(problems))
    gpus = usable_gpus()
    gpu_free_bytes = free_gpu_bytes(gpus)
    trainers = list(_trainers(built, variants))
    use = gpu_use(trainers, len(gpus))
    fitted, kinds = _dry_run(config, built, folder)
    loader, of_training = fitted.train_dataloader, kinds.of_training(fitted)
    return Checked(
        memory_paths=tuple(
            path
            for path in dict.fromkeys(variant.path for variant in variants)
            if _changes_memory(path, [each for each in variants if each.path == path])
        ),
        batch_size_path=_batch_size_path(config.sections, built),
        batch_size=batch_size,
        samples=_samples(loader),
        drops_last=bool(getattr(loader, "drop_last", False)),
        limit=Epoch().limited_by(built.trainer_arguments).limit,
        gpus=gpus,
        gpu_free_bytes=gpu_free_bytes,
        gpus_a_trial=use.count,
        gpus_are_named=use.are_named,
        modules=tuple(sorted(_imported_since(imported, config.sections))),
        sources=loaded_sources(),
        at_epoch_ends=bool(of_training),
        validates=kinds.validated,
        notes=(*notes, *kinds.told(of_training)),
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
    and a line where the script fails after a fit."""
    script = config.sections.script
    if script is None or script.fit is not None:
        return config, []
    counted, notes = Counted(), []
    try:
        count_fits(script, config.sections.trainer, counted)
    except UserError:
        raise
    except Exception as error:
        if not counted.fits or cause_of(error) == KILLED:
            raise
        traceback.print_exc()
        notes.append(
            f"script: {script.name} fails after its fit of one batch, and a trial keeps its value "
            f"then: {in_words(error).rstrip('.')}"
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
        if sections.script is None or not is_users_own(sys.modules[name]):
            yield name


def _unbuildable(variants: Iterable[Variant], folder: TrialFolder) -> Iterator[str]:
    """One line for each end of a range from which no trial can be built, else for each path that
    changes nothing."""
    refused: dict[str, None] = {}
    consumption = Consumption()
    # of each path and value: what fails, None where nothing does
    outcomes: dict[str, list[tuple[object, str | None]]] = {}
    for variant in variants:
        path, value = variant.path, variant.value
        failed = None
        try:
            # of one seed, so that what differs is due to the value
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                consumption.note(path, value, build_with_trainer(variant.sections))
        except UserError as error:
            refused[str(error)] = None
            continue
        except Exception as error:
            if cause_of(error) == KILLED:
                raise
            traceback.print_exc()
            failed = in_words(error)
        outcomes.setdefault(path, []).append((value, failed))
    yield from refused
    failures = list(_failures(outcomes, folder))
    yield from failures
    if not refused and not failures:
        yield from consumption.dead()


def _failures(
    outcomes: Mapping[str, list[tuple[object, str | None]]], folder: TrialFolder
) -> Iterator[str]:
    """A line for each value that fails where another of its path does not; where every value
    fails, it is not the value's fault."""
    texts = [text for tried in outcomes.values() for _, text in tried if text is not None]
    to_blame = {
        path: [(value, text) for value, text in tried if text is not None]
        for path, tried in outcomes.items()
        if any(text is None for _, text in tried)
    }
    blamed = {
        text: f"{path}: {value!r} cannot be built: {text}"
        for path, failed in to_blame.items()
        for value, text in failed
    }
    yield from blamed.values()
    if texts and not blamed:
        yield _own_failure(texts[0], folder)


def _own_failure(text: str, folder: TrialFolder) -> str:
    remedy = ""
    if any(words in text for words in _WANTS_LOGGER):
        remedy = " Name the logger that it needs, as in logger: tensorboard."
    return (
        f"the model or its data fails before any trial: {text.rstrip('.')}.{remedy} "
        f"Its traceback: {folder.log}"
    )


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


def build_with_trainer(sections: LightningSections) -> Built:
    """Build everything of a configuration once, with a Trainer, which is let go.

    Raises:
        UserError: as `build`; anything else comes from the classes that are built.
    """
    built = build(sections)
    trainer_of_trials(built)
    return built


def _trainers(built: Built, variants: Iterable[Variant]) -> Iterator[tuple[Trainer, Tree]]:
    """The Trainers that trials can have, each with its arguments."""
    yield trainer_of_trials(built), built.trainer_arguments
    for variant in variants:
        if variant.path.startswith("trainer."):
            other = build(variant.sections)
            yield trainer_of_trials(other), other.trainer_arguments


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


def _changes_memory(path: str, variants: list[Variant]) -> bool:
    """True where a batch may take another amount of memory at another value of `path`.

    Numbers with a decimal point count only if they change the shape of the model; anything else
    inside model and data counts always, because it may change activations alone.
    """
    section, _, rest = path.partition(".")
    if section == "trainer":
        return rest in ("precision", "accelerator", "devices", "strategy")
    if section == "seed_everything":
        return False
    if not any(isinstance(variant.value, float) for variant in variants):
        return True
    first, *others = [_shapes(variant.sections) for variant in variants]
    return any(shapes != first for shapes in others)


def _shapes(sections: LightningSections) -> list[object]:
    """The shape of each tensor; of one in a lazy layer, which its first batch will decide on, the
    whole numbers that the layer was made with."""
    with torch.random.fork_rng(devices=[]):
        model = build(sections).model
    return [
        (name, _whole_numbers(module) if torch.nn.parameter.is_lazy(tensor) else tensor.shape)
        for name, module in model.named_modules()
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False))
    ]


def _whole_numbers(module: torch.nn.Module) -> list[object]:
    return [each for each in vars(module).items() if isinstance(each[1], int | tuple)]
