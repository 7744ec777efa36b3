"""From keyword arguments to the tree of a study file, which is then checked like any other."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from os import PathLike, fspath
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from search.api.importable_classes import import_path_of
from search.errors import UserError
from search.plain.tree import items_of
from search.space.distributions import Categorical, FloatRange, IntRange
from search.study_file.base import lay_over
from search.study_file.load import read_study_tree
from search.study_file.overrides import lay_over_space

# arguments of `Study.run` that are no sections
_OF_RUN = ("trials", "n_trials", "workers", "timeout", "trial_timeout", "total_epochs", "quiet")
# what the class of a section is called, and one of a user's own
_CLASSES = {
    "model": ("LightningModule", "MyModule"),
    "data": ("LightningDataModule", "MyDataModule"),
}
# sections whose objects the tool makes itself
_PYTHON: Mapping[str, object] = {
    "trainer": {"max_epochs": 20},
    "logger": "csv",
    "sampler": "tpe",
    "pruner": "median",
    "scheduler": "asha",
    "objective": {"metric": "val_loss"},
    "batch": {"auto_scale": "binsearch"},
    "budget": {"trials": 50},
    "keep": {"top": 3},
    "resources": {"cpus": 4},
    "on": "slurm",
}
# one chosen instead of another shares no options with it
_REPLACED = ("sampler", "pruner", "scheduler")


def tree_of_keywords(
    path: Path | None, sections: Mapping[str, object], source: str
) -> dict[str, Any]:
    """The tree of a study file with `sections` laid over it; of `sections` alone without a file.

    Args:
        source: what messages call the study.

    Raises:
        UserError: the file cannot be read, or a value cannot be written into one.
    """
    given = {
        key: _plain(value, f"{source}: {key}")
        for key, value in sections.items()
        if value is not None
    }
    if path is None:
        return given
    tree = read_study_tree(path)
    match tree:
        case {"objective": str(name)}:
            tree["objective"] = {"metric": name}
    # path by path, however the file spells it; `auto` replaces the space
    space = given.pop("space") if isinstance(given.get("space"), dict) else {}
    for section in _REPLACED:
        if section in given:
            tree.pop(section, None)
    merged: dict[str, Any] = lay_over(tree, given)
    for place, distribution in space.items():
        lay_over_space(merged, place, distribution)
    return merged


def class_section(
    given: object, arguments: Mapping[str, object] | None, argument: str, source: str
) -> dict[str, Any] | None:
    """The section of a class, its name or a section, with `arguments` over its init_args.

    Args:
        argument: what `given` was given as.
        source: what messages call the study.

    Raises:
        UserError: an instance was given.
    """
    section: dict[str, Any] = {}
    match given:
        case None | Mapping():
            section |= given or {}
        case str() | type() | FunctionType() | MethodType():
            section["class_path"] = given
        case _:
            raise UserError(
                f"{source}: {argument}: must be a class, of which each trial makes its own, got "
                f"{_description(given)}. {_class_instead(given, argument)}"
            )
    if arguments:
        section["init_args"] = {**(section.get("init_args") or {}), **arguments}
    return section or None


def function_path(given: object, source: str) -> str | None:
    """The import path of the function that makes model and data; None where there is none.

    Args:
        source: what messages call the study.

    Raises:
        UserError: it is no function, or one that no trial can import.
    """
    match given:
        case None | str():
            return given
        case FunctionType() | MethodType() | type():
            return import_path_of(given, f"{source}: build")
    raise UserError(
        f"{source}: build: must be a function that returns model and data, got "
        f"{_description(given)}. Write build=make, a function at the top of a file."
    )


def objective_section(
    given: object, metric: str | None, direction: str | None, source: str
) -> dict[str, object]:
    """The section of one objective, its name or a section, with `metric` and `direction` over it.

    Args:
        source: what messages call the study.

    Raises:
        UserError: it is neither, as a list of several is.
    """
    section: dict[str, object] = {}
    match given:
        case None | Mapping():
            section |= given or {}
        case str():
            section["metric"] = given
        case _:
            name = "direction" if metric is None else "metric"
            raise UserError(
                f"{source}: {name}: is of one objective, got {_description(given)}. Leave it out, "
                "and write objective=[{'metric': 'val_loss', 'direction': 'minimize'}, ...]."
            )
    over = {"metric": metric, "direction": direction}
    return section | {key: value for key, value in over.items() if value is not None}


def classes_in(value: object) -> Iterator[object]:
    """Every class and function in a tree of mappings and lists."""
    match value:
        case type() | FunctionType() | MethodType():
            yield value
    for _, each in items_of(value):
        yield from classes_in(each)


def refuse_options_of_run(sections: Mapping[str, object], source: str) -> None:
    """Say where an argument belongs that is one of `Study.run`.

    Raises:
        UserError: there is one.
    """
    for key in _OF_RUN:
        if key in sections:
            raise UserError(f"{source}: {key}: belongs to the run. Write study.run({key}=...).")


def _description(given: object) -> str:
    if isinstance(given, ModuleType):
        return f"the module {given.__name__}"
    return f"an instance of {type(given).__name__}"


def _class_instead(given: object, argument: str) -> str:
    """The next step where something else was given instead of a class."""
    base, example = _CLASSES[argument]
    if isinstance(given, functools.partial) and not given.args:
        name = getattr(given.func, "__name__", example)
        return f"Write {argument}={name}, {argument}_args={given.keywords!r}."
    if base in (each.__name__ for each in type(given).__mro__):
        return f"Write {argument}={type(given).__name__}, {argument}_args={{...}}."
    if isinstance(given, ModuleType):
        return f"Write {argument}={given.__name__.rpartition('.')[2]}.{example}."
    return f"Write {argument}={example}, a {base} class of your own."


def _plain(value: object, place: str) -> Any:
    """A value as YAML has it."""
    match value:
        case FloatRange() | IntRange() | Categorical():
            return value.to_tree()
        case Mapping():
            return {str(key): _plain(each, f"{place}.{key}") for key, each in value.items()}
        case list() | tuple():
            return [_plain(each, f"{place}.{index}") for index, each in enumerate(value)]
        case type() | FunctionType() | MethodType():
            return import_path_of(value, place)
        case PathLike():
            return fspath(value)
        case None | bool():
            return value
        case str():
            return str(value)
        case Integral():  # those of NumPy too
            return int(value)
        case Real():
            return float(value)
    raise UserError(
        f"{place}: must be a plain value, a class, or {{class_path, init_args}}, got "
        f"{_description(value)}. {_plain_instead(value, place.partition(': ')[2])}"
    )


def _plain_instead(value: object, path: str) -> str:
    """The next step where an instance was given that no file can hold."""
    name = type(value).__name__
    section, is_inside = path.partition(".")[0], "." in path
    if section == "space":
        return "Write search.Log(1e-4, 1e-1), search.Float, search.Int or search.Choice."
    if section in _PYTHON and not is_inside:
        return f"Write {section}={_PYTHON[section]!r}."
    if isinstance(value, set | frozenset):
        return "Write a list."
    if hasattr(value, "tolist"):
        return f"Write a list, and make the {name} of it where it is taken."
    return f"Write {{'class_path': {name}, 'init_args': {{...}}}}."
