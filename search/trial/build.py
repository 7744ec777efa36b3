"""From a complete configuration to model, data and Trainer.

Types are checked by jsonargparse, as LightningCLI does it, so a configuration that works there
works here. Lightning may be installed as `lightning.pytorch` or `pytorch_lightning`; which one
builds the Trainer follows from the model's class.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from search.errors import UserError

NAMESPACES = ("pytorch_lightning", "lightning.pytorch")
_SECTIONS = ("model", "data", "trainer")


@dataclass(frozen=True)
class Built:
    """The instances of one configuration; `data` is None for a module with its own loaders."""

    lightning: ModuleType
    model: Any
    data: Any | None
    trainer_arguments: dict[str, Any]


def build(config: Mapping[str, Any]) -> Built:
    """Instantiate model and data, and the objects inside the trainer section.

    Raises:
        UserError: the configuration names something that does not exist or has a wrong type.
    """
    lightning = lightning_of(config)
    parser = _parser(lightning.__name__, bool(config.get("data")))
    # the Trainer's forty defaults need no checking, and it has them itself
    sections = {key: config[key] for key in _SECTIONS if config.get(key)}
    try:
        instances = parser.instantiate(
            parser.parse_object({"trainer": {}, **sections}, defaults=False)
        )
    except ArgumentError as error:
        raise UserError(explain(str(error))) from error
    trainer = instances.trainer
    return Built(
        lightning=lightning,
        model=instances.model,
        data=instances.get("data"),
        trainer_arguments=dict(trainer.as_dict() if isinstance(trainer, Namespace) else trainer),
    )


# a probe and a check run alone: the ranks of a distributed Trainer would begin the whole fit
ONE_DEVICE: dict[str, Any] = {"devices": 1, "num_nodes": 1, "strategy": "auto"}


def make_trainer(built: Built, folder: Path, extra: Sequence[Any], **overrides: Any) -> Any:
    """The Trainer of `built` with the callbacks `extra` after the user's own.

    A trial keeps its own checkpoints and its curve is in the study, so what the configuration
    leaves open is off: progress bar, model summary, logger, Lightning's default checkpoint.
    """
    arguments = {**built.trainer_arguments, **overrides}
    own = arguments.get("callbacks") or []
    own = list(own) if isinstance(own, list | tuple) else [own]
    checkpoint_class = importlib.import_module(f"{built.lightning.__name__}.callbacks").Checkpoint
    wants_checkpoints = any(isinstance(callback, checkpoint_class) for callback in own)
    if arguments.get("logger") is None:
        arguments["logger"] = False
    if arguments.get("enable_checkpointing") is None:
        arguments["enable_checkpointing"] = wants_checkpoints
    for quiet in ("enable_progress_bar", "enable_model_summary"):
        if arguments.get(quiet) is None:
            arguments[quiet] = False
    arguments["default_root_dir"] = str(folder)
    arguments["callbacks"] = [*own, *extra]
    return built.lightning.Trainer(**arguments)


def seed_everything(config: Mapping[str, Any]) -> None:
    """Seed as LightningCLI does, before anything is built."""
    seed = config.get("seed_everything")
    if seed is not None and seed is not False:
        from lightning.fabric.utilities.seed import seed_everything as seed_all

        seed_all(None if seed is True else int(seed), workers=True)


def micro_batch_of(built: Built) -> int | None:
    """The `batch_size` attribute that Lightning's Tuner would scale; None where there is none."""
    for owner in (built.data, built.model, getattr(built.model, "hparams", None)):
        size = getattr(owner, "batch_size", None)
        if isinstance(size, int):
            return size
    return None


def lightning_of(config: Mapping[str, Any]) -> ModuleType:
    """The Lightning package whose LightningModule the configured model derives from.

    Raises:
        UserError: the class cannot be imported, or is no LightningModule.
    """
    model = _import_class(config["model"]["class_path"], "model.class_path")
    for name in NAMESPACES:
        with contextlib.suppress(ImportError):
            package = importlib.import_module(name)
            if issubclass(model, package.LightningModule):
                return package
    raise UserError(
        f"model.class_path: must be a LightningModule, got {config['model']['class_path']}. "
        "Derive the class from pytorch_lightning.LightningModule or "
        "lightning.pytorch.LightningModule."
    )


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


def explain(message: str) -> str:
    """One line out of jsonargparse's nested report: place, rule, given value."""
    lines = [line.strip(" -") for line in message.splitlines() if line.strip()]
    keys = [match[1] for line in lines if (match := re.match(r'Parser key "([^"]+)":?$', line))]
    keys += [m[1] for line in lines if (m := re.match(r"Group '([^']+)' does not accept", line))]
    place = ".init_args.".join(dict.fromkeys(keys))
    problem = next((line for line in lines if line.startswith("Problem with given")), "")
    rest = lines[lines.index(problem) + 1 :] if problem else lines
    for line in rest:
        if found := re.search(r"[Oo]ption '([^']+)'", line):
            group = f"{place}.init_args" if problem else place
            return f"{group}.{found[1]}: no such argument. Remove it or correct its name."
        if found := re.match(r"Expected an? (.+?)\. Got value: (.*)", line):
            return f"{place}: must be {_type_name(found[1])}, got {found[2]}. Correct the value."
        if line.startswith(("No module named", "cannot import", "Not a valid subclass")):
            return (
                f"{place}.class_path: {line.rstrip('.')}. Correct the path or install the package."
            )
    given = next((line[13:].strip() for line in lines if line.startswith("Given value: ")), None)
    wanted = next((line[10:].strip() for line in lines if line.startswith("Subtypes: ")), None)
    if given is not None and wanted is not None:
        return f"{place}: must be {_type_name(wanted)}, got {given[:60]}. Correct the value."
    text = " ".join(line for line in lines if not line.startswith("Parser key"))
    return f"{place}: {text[:200]}" if place else text[:200]


def _type_name(text: str) -> str:
    names = re.sub(r"<class '([\w.]+)'>", r"\1", text).strip("[]")
    names = names.replace("NoneType", "null").replace("typing.", "")
    return " or ".join(part.strip() for part in names.split(", "))


def _bases(namespace: str) -> dict[str, type]:
    lightning = importlib.import_module(namespace)
    return {"model": lightning.LightningModule, "data": lightning.LightningDataModule}


def _is_of(path: str, base: type) -> bool:
    try:
        return issubclass(_import_class(path, "class_path"), base)
    except (UserError, TypeError):
        return False


def _import_class(path: str, place: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, ValueError) as error:
        raise UserError(f"{place}: cannot import {path}: {error}. Correct the path.") from error
    except AttributeError as error:
        raise UserError(f"{place}: {module} has no {name}. Correct the name.") from error


@lru_cache(maxsize=4)
def _parser(namespace: str, with_data: bool) -> ArgumentParser:
    lightning = importlib.import_module(namespace)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(lightning.Trainer, "trainer", fail_untyped=False, instantiate=False)
    parser.add_subclass_arguments(lightning.LightningModule, "model", fail_untyped=False)
    if with_data:
        parser.add_subclass_arguments(lightning.LightningDataModule, "data", fail_untyped=False)
    return parser
