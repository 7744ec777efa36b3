"""Keys of a study of classes in one of a script, and the reverse: what each would mean there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search.plain.tree import as_mapping
from search.space.distributions import AUTO
from search.space.paths import ALL_HINTED

_OWN_CLASSES = "the script makes its own {}. Remove it, and search the script's arguments."
_CHECKPOINT = "the script gives trainer.fit its own. Remove it."
# keys of a study of classes -> why a study of a script has none
OF_CLASSES = {
    "model": _OWN_CLASSES.format("model"),
    "data": _OWN_CLASSES.format("data"),
    "optimizer": _OWN_CLASSES.format("optimizer"),
    "lr_scheduler": _OWN_CLASSES.format("learning rate scheduler"),
    "cli": (
        "the script reads its own command line. Remove cli, and write what it reads under "
        "arguments; or remove script, for the LightningCLI."
    ),
    "base": (
        "no LightningCLI reads it. Remove base, and give the file to the script as it takes one, "
        "such as arguments: {--config: config.yaml}; or remove script, for the LightningCLI."
    ),
    "ckpt_path": _CHECKPOINT,
    "weights_only": _CHECKPOINT,
}
# keys of a study of a script -> what to do where there is none
_ARGUMENTS = (
    "are those of a script, and there is none. Add script: train.py; arguments of a class stand "
    "under model: {init_args: ...}."
)
_HYDRA = "is for a script that reads Hydra's overrides, and there is none. Add script: train.py."
_FIT = "is the number of a script's fit, and there is none. Add script: train.py, or remove it."
_ARGUMENT = (
    "names a script's argument, and there is none. Remove it: the batch size of classes is the "
    "batch_size that data or model take."
)
_SPACE = "space: {--lr: {float: [1e-4, 1e-1], log: true}}."
_NO_ARGUMENT_OF_EFFECTIVE = (
    "needs the script's argument for the batch size. Write batch: {argument: --batch-size, "
    "effective: 256}."
)
_NO_ARGUMENT = (
    "needs the script's argument for the batch size. Write batch: {{argument: --batch-size, "
    "auto_scale: {}}}."
)


def take_misplaced(tree: dict[str, Any]) -> list[str]:
    """Take the keys out of a tree that belong to the other kind of study; a line for each."""
    misplaced = list(_of_classes(tree) if "script" in tree else _of_scripts(tree))
    for place, _ in misplaced:
        key, _, inner = place.partition(".")
        if inner:
            tree[key] = {name: each for name, each in tree[key].items() if name != inner}
        else:
            del tree[key]
    return [f"{place}: {why}" for place, why in misplaced]


def unannotated(tree: Mapping[str, Any]) -> Iterator[str]:
    """A line for each range of a study of a script that is left to annotations."""
    if "script" not in tree:
        return
    for path, given in as_mapping(tree["space"]).items():
        if given == AUTO and path == ALL_HINTED:
            yield f"space: is missing. Add {_SPACE}"
        elif given == AUTO:
            yield f"space.{path}: is auto, and a script has no annotations. Write {_SPACE}"


def _of_classes(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The place of each key that a script leaves no room for, and why."""
    is_function = as_mapping(tree["script"]).get("build") is not None
    for key, why in OF_CLASSES.items():
        if key in tree:
            yield key, why.replace("script", "function") if is_function else why
    for key in ("hydra", "fit") if is_function else ():
        if key in tree:
            yield key, "is for a script, and build names a function. Remove it."
    if "build" in tree:
        yield "build", "a function takes the place of a script. Keep script or build."
    if "module" in tree:
        yield "module", "is another way to name the script. Keep script or module."
    batch = as_mapping(tree.get("batch"))
    scaled = batch.get("auto_scale", "off")
    has_argument = batch.get("argument") is not None
    if not has_argument and "effective" in batch:
        yield "batch.effective", _NO_ARGUMENT_OF_EFFECTIVE
    elif not has_argument and scaled != "off":
        yield "batch.auto_scale", _NO_ARGUMENT.format(scaled)


def _of_scripts(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The place of each key that says something of a script, and what to do."""
    # a CLI of the user's own may have such sections
    if "cli" not in tree:
        if "arguments" in tree:
            yield "arguments", _ARGUMENTS
        if "hydra" in tree:
            yield "hydra", _HYDRA
        if isinstance(tree.get("fit"), int):
            yield "fit", _FIT
    if "argument" in as_mapping(tree.get("batch")):
        yield "batch.argument", _ARGUMENT
