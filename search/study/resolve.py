"""Paths into a configuration, and the complete configuration of one trial."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.study.file import StudyFile


# what every LightningCLI configuration may have; its `fit` alone knows the last two
LIGHTNING_SECTIONS = (
    "seed_everything",
    "trainer",
    "model",
    "data",
    "optimizer",
    "lr_scheduler",
    "ckpt_path",
    "weights_only",
)
# what the complete configuration of a trial has besides, for the tool alone
OWN_SECTIONS = (
    "cli",
    "objective",
    "watched",
    "batch",
    "preflight",
    "dry",
    "logger",
    "trial",
    "finalist",
)
# the path of the choice between the complete configurations of `finalists`
FINALIST = "finalist"


def resolve_config(
    study_file: StudyFile, params: Mapping[str, Any], found: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The sections of a LightningCLI configuration with `params`, and what derives from them, laid
    over them by path; where finalists are confirmed, the sections are those of the finalist.

    Args:
        found: values that are not sampled but found, by path.

    Raises:
        Incomputable: a derived value has none for these.
    """
    from search.study.rules import points_of

    found = found or {}
    if study_file.finalists is None or FINALIST not in params:
        return replace(points_of(study_file), found=found).config(params)
    config = copy.deepcopy(study_file.finalists[params[FINALIST]])
    for path, value in {**params, **found}.items():
        if path != FINALIST:
            write_path(config, path, value)
    return config


def sections_of(study_file: StudyFile) -> dict[str, Any]:
    """The sections of a LightningCLI configuration as the study file has them, uncopied, and the
    CLI that reads it where the study file names one."""
    given = {key: getattr(study_file, key) for key in ("cli", *LIGHTNING_SECTIONS)}
    if study_file.cli is not None:
        given["cli"] = study_file.cli.model_dump(exclude_none=True)
    given |= {"seed_everything": study_file.trial_seed, **(study_file.model_extra or {})}
    return {key: value for key, value in given.items() if value is not None}


def lightning_sections(config: Mapping[str, Any]) -> dict[str, Any]:
    """What LightningCLI reads of the complete configuration of a trial, copied: its own sections,
    and those that only a CLI of the user's own knows."""
    has_cli = bool(config.get("cli"))
    return {
        key: copy.deepcopy(value)
        for key, value in config.items()
        if key in LIGHTNING_SECTIONS or (has_cli and key not in OWN_SECTIONS)
    }


def lookup_path(tree: Any, path: str) -> Any:
    """The value at a dotted path, which may be None.

    Raises:
        KeyError: there is nothing.
    """
    *parents, last = path.split(".")
    parent = read_path(tree, ".".join(parents)) if parents else tree
    if isinstance(parent, Mapping):
        return parent[last]
    if isinstance(parent, list) and last.isdigit() and int(last) < len(parent):
        return parent[int(last)]
    raise KeyError(path)


def read_path(tree: Any, path: str) -> Any:
    """The value at a dotted path; numbers index lists; None where there is nothing."""
    for part in path.split("."):
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return None
    return tree


def write_path(tree: Any, path: str, value: Any) -> None:
    """Set the value at a dotted path, making the mappings on the way.

    Raises:
        KeyError: the path leads through a value that is no mapping, or beyond the end of a list.
    """
    *parents, last = path.split(".")
    for index, part in enumerate(parents):
        if isinstance(tree, dict):
            if tree.get(part) is None:
                tree[part] = {}
            tree = tree[part]
        elif isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            raise KeyError(".".join(parents[:index]))
    if isinstance(tree, dict):
        tree[last] = value
    elif isinstance(tree, list) and last.isdigit() and int(last) < len(tree):
        tree[int(last)] = value
    else:
        raise KeyError(".".join(parents))
