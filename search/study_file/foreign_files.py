"""Configurations of other tools that people hand to this one: what they are, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from search.plain.tree import as_mapping, items_of
from search.space.paths import has_script

_TARGET = "_target_"
# what stands inside is given to a class, which may itself let Hydra make objects of it
_ARGUMENTS = ("model", "data", "space", "finalists")


def foreign_problem(tree: Mapping[str, object], *, is_base: bool) -> str | None:
    """A sentence about a configuration that only Hydra reads, without the place; None for any
    other.

    Args:
        is_base: it was given as a LightningCLI configuration, not as a study file.
    """
    if not is_base and has_script(tree):
        return None
    targets = dict(_targets(tree, ""))
    # with a space it is a study file that lacks its script
    has_hydra = "hydra" in tree and "space" not in tree
    has_defaults = isinstance(tree.get("defaults"), list) or has_hydra
    if not targets and not has_defaults:
        return None
    sign = f"{_TARGET} in {next(iter(targets))}" if targets else "its defaults"
    wanted = "a LightningCLI configuration" if is_base else "a study file"
    return (
        f"is a Hydra configuration ({sign}), not {wanted}. Search the script that reads it: write "
        "script: train.py and hydra: true in a study file. Or let the classes themselves say what "
        f"they take: `{_command(targets)}`. Then write under init_args what this file gives them."
    )


def _command(targets: Mapping[str, str]) -> str:
    """The command that proposes a study file of the classes that a configuration names."""
    command = f"search init {_spelt(targets.get('model', 'my_package.module.MyModule'))}"
    data = next((targets[key] for key in ("data", "datamodule") if key in targets), None)
    return command if data is None else f"{command} --data {_spelt(data)}"


def _spelt(path: str) -> str:
    module, _, name = path.rpartition(".")
    return f"{module}:{name}"


def _targets(tree: object, place: str) -> Iterator[tuple[str, str]]:
    target = as_mapping(tree).get(_TARGET)
    if isinstance(target, str):
        yield place or "it", target
    elif "class_path" in as_mapping(tree) or place in _ARGUMENTS:
        return
    for key, value in items_of(tree):
        yield from _targets(value, f"{place}.{key}" if place else str(key))
