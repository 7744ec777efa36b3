"""Checkpoints that load with `weights_only=True`, whatever the user's code puts into them.

Lightning calls the module's own `on_save_checkpoint` last and its `on_load_checkpoint` first, so
what these hooks see is what the user saved, and what lies on disk is plain data. Arguments that
are saved as hyperparameters come back from the configuration; those that no file can hold safely
are left out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule

from search.errors import UserError
from search.trial.checkpoints.plain_state import Plain, restored

# what the notes stand under in a checkpoint
NOTES = "lightning_search"
# of a module, what is put into its attributes here
HOOKS = ("on_save_checkpoint", "on_load_checkpoint")
_HYPERPARAMETERS = ("hyper_parameters", "datamodule_hyper_parameters")
_TYPES = ("hparams_type", "datamodule_hparams_type")


def make_checkpoints_safe(
    model: LightningModule, data: LightningDataModule | None, *, in_double: bool = False
) -> None:
    """Let checkpoints of `model` be written as plain data, and read as what they were.

    Args:
        in_double: train in double precision. Lightning (2.6) makes a model double after it has
            loaded its weights, which were rounded by then.
    """
    if "on_save_checkpoint" in vars(model):
        return
    save, load = model.on_save_checkpoint, model.on_load_checkpoint

    def on_save_checkpoint(checkpoint: dict[str, object]) -> None:
        save(checkpoint)
        _write_plainly(checkpoint, model, data)

    def on_load_checkpoint(checkpoint: dict[str, object]) -> None:
        if in_double:
            model.double()
        _restore(checkpoint, model, data)
        load(checkpoint)

    for name, hook in zip(HOOKS, (on_save_checkpoint, on_load_checkpoint), strict=True):
        setattr(model, name, hook)


def unwritable(checkpoint: Mapping[str, Any]) -> list[tuple[list[Any], str]]:
    """Place and class of what could not be written into a checkpoint."""
    return [(place, name) for place, name in checkpoint.get(NOTES, {}).get("unwritable", [])]


def refuse_unwritable(checkpoint: Mapping[str, object]) -> None:
    """Make sure that a checkpoint could hold all that it should.

    Raises:
        UserError: the user's code saves what no checkpoint can hold.
    """
    found = unwritable(checkpoint)
    if not found:
        return
    place, kind = found[0]
    steps = "".join(f"[{step!r}]" for step in place)
    raise UserError(
        f"model: its checkpoint cannot hold checkpoint{steps}, of the class {kind}. "
        "Save its numbers and texts in place of the object."
    )


def _write_plainly(
    checkpoint: dict[str, object], model: LightningModule, data: LightningDataModule | None
) -> None:
    live = _live_objects(model, data)
    left_out = {}
    for key in _HYPERPARAMETERS:
        if key in checkpoint:
            checkpoint[key], left_out[key] = _safe_arguments(checkpoint[key])
    for key in _TYPES:
        checkpoint.pop(key, None)
    plain = Plain(live)
    for key, value in checkpoint.items():
        checkpoint[key] = plain.of(value, (key,))
    if plain.notes or plain.unwritable or any(left_out.values()):
        checkpoint[NOTES] = {
            "notes": plain.notes,
            "unwritable": plain.unwritable,
            "left_out": left_out,
        }


def _safe_arguments(arguments: object) -> tuple[dict[str, Any], list[str]]:
    """The arguments that any reader can be given, and the names of the others."""
    plain = Plain({})
    content = plain.of(arguments)
    unsafe = {place[0] for place, *_ in (*plain.notes, *plain.unwritable) if place}
    unsafe -= {place[0] for place, kind, _ in plain.notes if kind == "scalar" and len(place) == 1}
    safe = {name: each for name, each in content.items() if name not in unsafe}
    return safe, [name for name in content if name in unsafe]


def _restore(
    checkpoint: dict[str, Any], model: LightningModule, data: LightningDataModule | None
) -> None:
    found = checkpoint.get(NOTES)
    if found is None:
        return
    restored(checkpoint, found["notes"], _live_objects(model, data))
    for key, owner in zip(_HYPERPARAMETERS, (model, data), strict=True):
        arguments = {} if owner is None else owner.hparams
        for name in found["left_out"].get(key, ()):
            checkpoint[key][name] = arguments[name]


def _live_objects(model: LightningModule, data: LightningDataModule | None) -> dict[str, Any]:
    """Objects of model and data by name: attributes, modules inside, hyperparameters."""
    found: dict[str, Any] = {}
    for owner, value in (("data", data), ("model", model)):
        if value is None:
            continue
        found |= {f"{owner}.{name}": each for name, each in vars(value).items()}
        if isinstance(value, torch.nn.Module):
            found |= {f"{owner}.{name}": each for name, each in value.named_modules() if name}
        found |= {f"{owner}.hparams.{name}": each for name, each in value.hparams.items()}
    return found
