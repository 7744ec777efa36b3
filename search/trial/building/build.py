"""From a complete configuration to model, data and Trainer.

Types are checked by jsonargparse, as LightningCLI does it, so a configuration that works there
works here. Model, data and trainer alone take a parser of our own, which is ten times as quick as
LightningCLI; all else goes through that. Lightning may be installed as `lightning.pytorch` or
`pytorch_lightning`; which one builds the Trainer follows from the model's class.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace
from torch.nn import BatchNorm1d, LazyBatchNorm1d

from search.errors import UserError
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.importing import import_name, lightning_of
from search.trial.building.lightning_cli import drive_cli
from search.trial.building.lightning_packages import unmixed, with_apart
from search.trial.building.parser_errors import explain
from search.trial.building.signatures import made_class
from search.trial.building.trainer import quiet
from search.trial.building.trainer_names import refuse_unknown_names
from search.trial.checkpoints.files import read_checkpoint
from search.trial.checkpoints.safe_hooks import make_checkpoints_safe

_SECTIONS = ("model", "data", "trainer")


@dataclass(frozen=True)
class Built:
    """The instances of one configuration; `data` is None for a module with its own loaders."""

    lightning: ModuleType
    model: Any
    data: Any | None
    trainer_class: Callable[..., Any]
    trainer_arguments: dict[str, Any]


def build(config: Mapping[str, Any]) -> Built:
    """Instantiate model and data, and the objects inside the trainer section.

    Raises:
        UserError: the configuration names something that does not exist or has a wrong type.
    """
    plain = not any(config.get(key) for key in ("cli", "optimizer", "lr_scheduler"))
    built = _build_plainly(config) if plain else _build_by_cli(config)
    if config.get("ckpt_path"):
        _load_weights(built.model, config["ckpt_path"])
    return replace(built, trainer_arguments=_with_integers(built.trainer_arguments, config))


def _with_integers(arguments: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The Trainer's arguments with the integers that the configuration has.

    jsonargparse takes the first type of a union that fits, and typing's cache turns int | float
    round when another module has written it so before: 1 batch would be 1.0, all of them.
    """
    written = config.get("trainer") or {}
    return {
        name: written[name] if type(value) is float and type(written.get(name)) is int else value
        for name, value in arguments.items()
    }


def _build_plainly(config: Mapping[str, Any]) -> Built:
    lightning = lightning_of_model(config)
    config, apart = unmixed(config, lightning.__name__)
    parser = _parser(lightning.__name__, bool(config.get("data")))
    # the Trainer's forty defaults need no checking, and it has them itself
    # jsonargparse works in the tree that it is given
    sections = copy.deepcopy({key: config[key] for key in _SECTIONS if config.get(key)})
    try:
        read = parser.parse_object({"trainer": {}, **sections}, defaults=False)
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


def _build_by_cli(config: Mapping[str, Any]) -> Built:
    namespace = None if config.get("cli") else lightning_of_model(config).__name__
    driven = drive_cli(config, namespace)
    lightning = lightning_of(type(driven.model), "model")
    return Built(
        lightning=lightning,
        model=driven.model,
        data=driven.data,
        trainer_class=driven.trainer_class or lightning.Trainer,
        trainer_arguments=driven.trainer_arguments,
    )


def lightning_of_model(config: Mapping[str, Any]) -> ModuleType:
    """The Lightning package that the model of a configuration is of.

    Raises:
        UserError: it is of none.
    """
    place = "model.class_path"
    return lightning_of(import_name(config["model"]["class_path"], place), place)


def _load_weights(model: Any, path: str) -> None:
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


def make_trainer(built: Built, folder: Path, extra: Sequence[Any], **overrides: Any) -> Any:
    """The Trainer of `built` with the callbacks `extra` after the user's own.

    Raises:
        UserError: an option is a name that Lightning does not know.
    """
    arguments = quiet({**built.trainer_arguments, **overrides})
    refuse_unknown_names(arguments, built.lightning.__name__)
    arguments["default_root_dir"] = str(folder)
    arguments["callbacks"] += extra
    trainer = built.trainer_class(**arguments)
    make_checkpoints_safe(built.model, built.data, in_double=trainer.precision == "64-true")
    return trainer


def seed_everything(config: Mapping[str, Any]) -> None:
    """Seed as LightningCLI does, before anything is built."""
    seed = config.get("seed_everything")
    if seed is not None and seed is not False:
        from lightning.fabric.utilities.seed import seed_everything as seed_all

        seed_all(None if seed is True else int(seed), workers=True)


def micro_batch_of(built: Built) -> int | None:
    """The attribute or saved hyperparameter `batch_size`, of the data before that of the model;
    None where there is none."""
    sizes = (_kept_batch_size(owner) for owner in (built.data, built.model))
    return next((size for size in sizes if size is not None), None)


def set_micro_batch(built: Built, size: int) -> None:
    """Write the micro-batch where `micro_batch_of` finds it, as the attribute and as the saved
    hyperparameter: a loader may read either."""
    owners = [each for each in (built.data, built.model) if each is not None]
    owner = next((each for each in owners if _kept_batch_size(each) is not None), owners[0])
    if "batch_size" in owner.hparams:
        owner.hparams.batch_size = size
    # a property that nothing can be written to reads what is kept elsewhere
    with contextlib.suppress(AttributeError):
        owner.batch_size = size


def _kept_batch_size(owner: Any) -> int | None:
    for holder in (owner, getattr(owner, "hparams", None)):
        size = getattr(holder, "batch_size", None)
        if isinstance(size, int):
            return size
    return None


def has_batch_norm(model: Any) -> bool:
    """Whether a batch of one sample leaves a layer one value a channel, which it cannot train on.

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
