"""From a complete configuration to model, data and Trainer.

Types are checked by jsonargparse, as LightningCLI does it, so a configuration that works there
works here. Model, data and trainer alone take a parser of our own, which is ten times as quick as
LightningCLI; all else goes through that. Lightning may be installed as `lightning.pytorch` or
`pytorch_lightning`; which one builds the Trainer follows from the model's class.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from torch.nn import BatchNorm1d, LazyBatchNorm1d

from search.errors import UserError
from search.plain.tree import Tree
from search.study_file.trial_config import LightningSections, ScriptRun
from search.trial.building.function_call import call_function
from search.trial.building.hydra_sources import HydraSources
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.importing import import_name, lightning_of
from search.trial.building.laid_over import lay_over_arguments
from search.trial.building.lightning_cli import DrivenCli, drive_cli
from search.trial.building.lightning_packages import unmixed, with_apart
from search.trial.building.parser_errors import explain
from search.trial.building.script import reach_fit
from search.trial.building.script_drive import ReachedFit
from search.trial.building.signatures import made_class
from search.trial.building.trainer import callbacks_of, join, quiet
from search.trial.building.trainer_names import refuse_unknown_names
from search.trial.checkpoints.files import read_checkpoint
from search.trial.checkpoints.safe_hooks import make_checkpoints_safe
from search.trial.process.several_nodes import environment_plugins


@dataclass(frozen=True)
class Built:
    """The instances of one configuration."""

    # the package of the model, lightning.pytorch or pytorch_lightning
    lightning: ModuleType
    model: LightningModule
    # None for a module with its own loaders
    data: LightningDataModule | None
    trainer_class: Callable[..., Trainer]
    trainer_arguments: dict[str, Any]
    # a script's train_dataloaders and val_dataloaders
    loaders: dict[str, Any] = field(default_factory=dict)
    # the checkpoint that a script's fit begins from, and how that is loaded
    begins_from: dict[str, Any] = field(default_factory=dict)
    # the Trainers' arguments of a script's earlier fits
    earlier: tuple[Tree, ...] = ()
    # plain attributes of a script's Trainer
    settings: Tree = field(default_factory=dict)
    # of the configuration that Hydra has given to a script
    hydra: HydraSources | None = None
    # as the command line of a script names it
    micro_batch: int | None = None
    # the Trainer of a script that waits for its fit; None where one is to be made
    trainer: Trainer | None = None

    def fit(self, trainer: Trainer, checkpoint: Path | None = None) -> None:
        """Train, from a checkpoint of ours where there is one."""
        begins_from = self.begins_from
        if checkpoint is not None or not begins_from:
            begins_from = {"ckpt_path": checkpoint, "weights_only": True}
        trainer.fit(self.model, datamodule=self.data, **self.loaders, **begins_from)


def build(sections: LightningSections) -> Built:
    """Instantiate model and data, and the objects inside the trainer section.

    Raises:
        UserError: the configuration names something that does not exist or has a wrong type.
    """
    if sections.script is not None and sections.script.build is not None:
        return _build_by_function(sections, sections.script)
    if sections.script is not None:
        return built_of(reach_fit(sections.script, sections.trainer))
    if sections.cli or sections.optimizer or sections.lr_scheduler:
        built = _build_by_cli(sections)
    else:
        built = _build_plainly(sections)
    if sections.ckpt_path:
        _load_weights(built.model, sections.ckpt_path)
    arguments = _with_integers(built.trainer_arguments, sections.trainer)
    return replace(built, trainer_arguments=arguments)


def built_of(reached: ReachedFit) -> Built:
    """What a script has made by the time that its fit would begin."""
    return Built(
        lightning=reached.lightning,
        model=reached.model,
        data=reached.data,
        trainer_class=reached.make_again,
        trainer_arguments=reached.arguments,
        loaders=reached.loaders,
        begins_from=reached.begins_from,
        earlier=reached.earlier,
        settings=reached.settings,
        hydra=reached.hydra,
        micro_batch=reached.micro_batch,
    )


def _with_integers(arguments: Tree, written: Tree) -> Tree:
    """The Trainer's arguments with the integers that the configuration has.

    jsonargparse takes the first type of a union that fits, and typing's cache turns int | float
    round when another module has written it so before: 1 batch would be 1.0, all of them.
    """
    return {
        name: written[name] if type(value) is float and type(written.get(name)) is int else value
        for name, value in arguments.items()
    }


def _build_plainly(sections: LightningSections) -> Built:
    lightning = lightning_of_model(sections)
    tree, apart = unmixed(sections.lightning_tree(), lightning.__name__)
    parser = _parser(lightning.__name__, bool(sections.data))
    given = {key: tree[key] for key in ("model", "data") if tree.get(key)}
    try:
        # the Trainer's forty defaults need no checking, and it has them itself
        read = parser.parse_object({"trainer": tree["trainer"], **given}, defaults=False)
        instances = parser.instantiate(read)
    except ArgumentError as error:
        raise UserError(explain(str(error))) from error
    trainer = instances.get("trainer", {})
    arguments = dict(trainer.as_dict() if isinstance(trainer, Namespace) else trainer)
    return Built(
        lightning=lightning,
        model=instances.model,
        data=instances.get("data"),
        trainer_class=lightning.Trainer,
        trainer_arguments=with_apart(arguments, apart),
    )


def _build_by_function(sections: LightningSections, script: ScriptRun) -> Built:
    made = call_function(script, sections.trainer)
    lightning = lightning_of(type(made.model), "build")
    own = {*made.changed, *made.removed}
    left = {name: each for name, each in sections.trainer.items() if name not in own}
    init = lightning.Trainer.__init__
    arguments = lay_over_arguments(init, made.changed, left, lightning.__name__)
    return Built(
        lightning=lightning,
        model=made.model,
        data=made.data,
        trainer_class=lightning.Trainer,
        trainer_arguments=arguments,
        loaders=made.loaders,
        micro_batch=script.micro_batch,
    )


def _build_by_cli(sections: LightningSections) -> Built:
    driven = driven_cli(sections)
    lightning = lightning_of(type(driven.model), "model")
    return Built(
        lightning=lightning,
        model=driven.model,
        data=driven.data,
        trainer_class=driven.trainer_class or lightning.Trainer,
        trainer_arguments=driven.trainer_arguments,
    )


def driven_cli(sections: LightningSections) -> DrivenCli:
    """The user's own CLI, or else Lightning's, driven up to its fit.

    Raises:
        UserError: as `drive_cli`.
    """
    namespace = None if sections.cli else lightning_of_model(sections).__name__
    return drive_cli(sections, namespace)


def lightning_of_model(sections: LightningSections) -> ModuleType:
    """The Lightning package that the model of a configuration is of.

    Raises:
        UserError: it is of none.
    """
    place = "model.class_path"
    return lightning_of(import_name(str(sections.model_class), place), place)


def _load_weights(model: LightningModule, path: str) -> None:
    """Weights alone: with its optimizer's state a checkpoint would bring its learning rate."""
    with refusing_unfit("ckpt_path", path):
        checkpoint = read_checkpoint(Path(path))
        model.load_state_dict(checkpoint["state_dict"])


@contextlib.contextmanager
def refusing_unfit(place: str, path: str) -> Iterator[None]:
    """Say in one line, beginning with `place`, why a checkpoint cannot be loaded.

    Raises:
        UserError: it is none, or one of another model.
    """
    try:
        yield
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{place}: {path} is no checkpoint that loads with weights_only=True. "
            "Name a checkpoint that Lightning wrote."
        ) from error
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        text = " ".join(str(error).split())[:200]
        raise UserError(
            f"{place}: {path} does not fit the model: {text}. Name a checkpoint of this model."
        ) from error


def make_trainer(
    built: Built, folder: Path, added: Sequence[Callback], **overrides: object
) -> Trainer:
    """The Trainer of `built` with the callbacks `added` after the user's own.

    Raises:
        UserError: an option is a name that Lightning does not know.
    """
    arguments = quiet({**built.trainer_arguments, **overrides})
    refuse_unknown_names(arguments, built.lightning.__name__)
    arguments["default_root_dir"] = str(folder)
    arguments["callbacks"] = [*callbacks_of(arguments), *added]
    arguments["plugins"] = environment_plugins(arguments.get("plugins"), built.lightning)
    trainer = built.trainer_class(**arguments)
    make_checkpoints_safe(built.model, built.data, in_double=trainer.precision == "64-true")
    return trainer


def seed_everything(sections: LightningSections) -> None:
    """Seed as LightningCLI does, before anything is built."""
    seed = sections.seed_everything
    if seed is not None and seed is not False:
        from lightning.fabric.utilities.seed import seed_everything as seed_all

        seed_all(None if seed is True else int(seed), workers=True)


def join_trainer(
    built: Built, trainer: Trainer, added: Sequence[Callback], loggers: Sequence[object]
) -> None:
    """Join the callbacks `added` to a script's own Trainer, which may have fitted before, and whose
    attributes the script may have changed."""
    join(trainer, added, loggers)
    make_checkpoints_safe(built.model, built.data, in_double=trainer.precision == "64-true")


def micro_batch_of(built: Built) -> int | None:
    """The micro-batch that a script's command line names, else that of the loaders."""
    return loaded_micro_batch(built) if built.micro_batch is None else built.micro_batch


def loaded_micro_batch(built: Built) -> int | None:
    """The attribute or saved hyperparameter `batch_size`, of the data before that of the model;
    that of a script's loader, which says it itself; None where there is none."""
    size = getattr(built.loaders.get("train_dataloaders"), "batch_size", None)
    if isinstance(size, int):
        return size
    sizes = (_kept_batch_size(owner) for owner in (built.data, built.model))
    return next((size for size in sizes if size is not None), None)


def set_micro_batch(built: Built, size: int) -> None:
    """Write the micro-batch where `loaded_micro_batch` finds it, as the attribute and as the saved
    hyperparameter: a loader may read either."""
    owners = [each for each in (built.data, built.model) if each is not None]
    owner: Any = next((each for each in owners if _kept_batch_size(each) is not None), owners[0])
    if "batch_size" in owner.hparams:
        owner.hparams["batch_size"] = size
    # a property that nothing can be written to reads what is kept elsewhere
    with contextlib.suppress(AttributeError):
        owner.batch_size = size


def _kept_batch_size(owner: object) -> int | None:
    for holder in (owner, getattr(owner, "hparams", None)):
        size = getattr(holder, "batch_size", None)
        if isinstance(size, int):
            return size
    return None


def has_batch_norm(model: LightningModule) -> bool:
    """Look for a layer to which a batch of one sample gives one value a channel, too few to train.

    Batch norm over images has one for every pixel, so that it is not counted.
    """
    return any(isinstance(each, BatchNorm1d | LazyBatchNorm1d) for each in model.modules())


def warm_up(paths: Sequence[str]) -> None:
    """Build the parsers that the attempts will need, so that a fork inherits them."""
    for name in NAMESPACES:
        bases = _bases(name)
        models = [path for path in paths if _is_of(path, bases["model"])]
        if not models:
            continue
        data = [path for path in paths if _is_of(path, bases["data"])]
        sections = {"model": models, "data": data}
        for section, path in [(key, path) for key in sections for path in sections[key]]:
            # it may lack what its class requires; its parser is made and kept all the same
            with contextlib.suppress(ArgumentError):
                _parser(name, True).parse_object(
                    {"trainer": {}, section: {"class_path": path}}, defaults=False
                )


def _bases(namespace: str) -> dict[str, type]:
    lightning = importlib.import_module(namespace)
    return {"model": lightning.LightningModule, "data": lightning.LightningDataModule}


def _is_of(path: str, base: type) -> bool:
    try:
        made = made_class(import_name(path, "class_path"))
    except UserError:
        return False
    return made is not None and issubclass(made, base)


@lru_cache(maxsize=4)
def _parser(namespace: str, with_data: bool) -> ArgumentParser:
    lightning = importlib.import_module(namespace)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(lightning.Trainer, "trainer", fail_untyped=False, instantiate=False)
    parser.add_subclass_arguments(lightning.LightningModule, "model", fail_untyped=False)
    if with_data:
        parser.add_subclass_arguments(lightning.LightningDataModule, "data", fail_untyped=False)
    return parser
