"""`base:` in a study file: LightningCLI configurations that its own sections are laid over.

Knows files and trees only; whether classes and types are right is found out with torch.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from search.errors import StudyFileError
from search.plain.tree import as_mapping
from search.plain.yaml import read_yaml, shown
from search.space.paths import has_script
from search.study_file.examples import example_of
from search.study_file.foreign_files import foreign_problem
from search.study_file.trial_config import LIGHTNING_SECTIONS

_SUBCOMMANDS = ("fit", "validate", "test", "predict")
# a trial keeps what it writes in its own folder, whatever a configuration for other runs says
_NOT_TAKEN = ("default_root_dir",)


def with_base(tree: Mapping[str, object], path: Path, own_keys: Collection[str]) -> dict[str, Any]:
    """The tree of a study file with what its `base` gives; `base` itself is gone.

    Args:
        path: the study file, which the paths in `base` are relative to.
        own_keys: the keys of a study file; those that LightningCLI does not know belong there.

    Raises:
        StudyFileError: a base cannot be read, or is no LightningCLI configuration.
    """
    if (problem := foreign_problem(tree, is_base=False)) is not None:
        raise StudyFileError([f"{path}: {problem}"])
    if has_script(tree):
        # which has no base, and says so where all its keys are read
        return _with_script(dict(tree), path)
    own = {key: value for key, value in tree.items() if key != "base"}
    merged: dict[str, Any] = {}
    for name in _names(tree.get("base"), path):
        given = _read(name, path, set(own_keys) - set(LIGHTNING_SECTIONS))
        merged = lay_over(merged, _with_file(given, path.parent / name))
    nameless = _name_classes(merged, own)
    if nameless:
        raise StudyFileError([f"{path}: {problem}" for problem in nameless])
    return _with_file(lay_over(merged, own), path)


def lay_over(below: object, above: object) -> Any:
    """Merge mappings key by key; anything else, and the mapping of another class, replaces."""
    match below, above:
        case Mapping(), Mapping():
            class_path = below.get("class_path")
            if above.get("class_path", class_path) != class_path:
                return copy.deepcopy(dict(above))
            merged = copy.deepcopy(dict(below))
            for key, value in above.items():
                merged[key] = lay_over(merged.get(key), value)
            return merged
    return copy.deepcopy(above)


def _names(given: object, path: Path) -> list[str]:
    match given:
        case None:
            return []
        case str() if given:
            return [given]
        case list() if all(isinstance(name, str) and name for name in given):
            return given
    problem = f"must be a path or a list of paths, got {shown(given)}. {example_of('base')}"
    raise StudyFileError([f"{path}: base: {problem}"])


def _read(name: str, path: Path, ours: Collection[str]) -> dict[str, Any]:
    file = path.parent / name
    if file.resolve() == path.resolve():
        raise StudyFileError(
            [f"{path}: base: {name} is this study file itself. Name a LightningCLI config."]
        )
    try:
        tree = read_yaml(file)
    except StudyFileError as error:
        raise StudyFileError([f"{path}: base: {line}" for line in error.problems]) from error
    if (problem := foreign_problem(tree, is_base=True)) is not None:
        raise StudyFileError([f"{path}: base: {name}: {problem}"])
    match tree:
        # a configuration of several subcommands; a trial is a fit
        case {"fit": dict(of_fit)}:
            tree = {key: each for key, each in tree.items() if key not in _SUBCOMMANDS} | of_fit
    problems = [
        f"{path}: base: {name}: {key} belongs in the study file, not in a LightningCLI config. "
        "Move it."
        for key in tree
        if key in ours
    ]
    if problems:
        raise StudyFileError(problems)
    if trainer := as_mapping(tree.get("trainer")):
        tree["trainer"] = {key: each for key, each in trainer.items() if key not in _NOT_TAKEN}
    return tree


def _name_classes(base: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """Give the bare arguments of a base, written for fixed classes, the classes of the study file.

    With `cli` the arguments stay bare and the CLI is made with those classes, so that its links
    and defaults, which are written for them, hold. Returns a line for each class that is named
    nowhere.
    """
    sections = ("model", "data")
    named = [section for section in sections if "class_path" in as_mapping(own.get(section))]
    bare = [section for section in sections if _is_bare(base.get(section))]
    if own.get("cli") is None:
        for section in set(named) & set(bare):
            path = own[section]["class_path"]
            base[section] = {"class_path": path, "init_args": base[section]}
    elif bare:
        cli = own["cli"] if isinstance(own["cli"], dict) else {"name": own["cli"]}
        for section in named:
            if base.get(section) is None or section in bare:
                cli = {**cli, section: own[section]["class_path"]}
                own[section] = own[section].get("init_args") or {}
        own["cli"] = cli
        return []
    return [
        f"{section}: the base gives its arguments, but no class. Add {section}: "
        "{class_path: my_package.MyClass}, or the CLI that knows it: cli: train:main."
        for section in bare
        if section not in named and section not in own and own.get("cli") is None
    ]


def _is_bare(section: object) -> bool:
    return isinstance(section, Mapping) and "class_path" not in section


def _with_file(tree: dict[str, object], path: Path) -> dict[str, Any]:
    """`ckpt_path` as an absolute path."""
    file = _file_beside(tree.get("ckpt_path"), path)
    return tree if file is None else {**tree, "ckpt_path": str(file.absolute())}


def _with_script(tree: dict[str, object], path: Path) -> dict[str, Any]:
    """`script` as a path from the working directory."""
    script = tree.get("script")
    file = _file_beside(as_mapping(script).get("path", script), path)
    return tree if file is None else {**tree, "script": {"path": str(file)}}


def _file_beside(name: object, path: Path) -> Path | None:
    """The file that a study file at `path` names: of the working directory, as LightningCLI takes
    it, or beside the file that names it; None where there is none."""
    if not isinstance(name, str) or "://" in name:
        return None
    return next((each for each in (Path(name), path.parent / name) if each.is_file()), None)
