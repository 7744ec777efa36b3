"""The paths of a space: their full spelling, and whether they can be searched."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from search.plain.tree import read_path, write_path
from search.plain.wording import did_you_mean, nearest
from search.space.distributions import OPTION, config_path
from search.space.nested import CLASS_KEYS, flattened

_SECTIONS = ("model", "data", "trainer", "optimizer", "lr_scheduler", "seed_everything")
_OPTIONAL = ("data", "optimizer", "lr_scheduler")
_NOT_SEARCHED = {
    "default_root_dir": "each trial has its own folder",
    "logger": "it changes nothing that is learnt",
    "enable_checkpointing": "it changes nothing that is learnt",
    "enable_progress_bar": "it changes nothing that is learnt",
    "enable_model_summary": "it changes nothing that is learnt",
    "log_every_n_steps": "it changes nothing that is learnt",
    "profiler": "it changes nothing that is learnt",
    "fast_dev_run": "it makes a trial that learns nothing",
    "callbacks": "search a value inside, such as trainer.callbacks.0.init_args.patience",
}
# stands for every path whose range an annotation gives
ALL_HINTED = "*"


def normalise_space(
    space: Mapping[Any, Any], tree: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The space keyed by full paths, spaces inside of choices included, and a line for each path
    that is spelt twice.

    `model.lr` is short for `model.init_args.lr`; the same wherever the tree has a class.
    """
    full: dict[str, Any] = {}
    problems: list[str] = []
    for written, path, value in flattened(space, lambda each: full_path(each, tree)):
        if path in full:
            problems.append(f"space.{written}: is the same path as {path}. Keep one of them.")
        full[path] = value
    return full, problems


def full_path(path: str, tree: Mapping[str, Any]) -> str:
    """`model.lr` as `model.init_args.lr`, `optimizer.lr` as `optimizer.init_args.lr`, and inside
    `dict_kwargs` what stands there; a full path as it is. A CLI with a class of its own takes bare
    arguments: there `model.lr` is full."""
    full: list[str] = []
    node: Any = tree
    for part in path.split("."):
        has_class = isinstance(node, Mapping) and "class_path" in node
        if part not in CLASS_KEYS and (has_class or _always_a_class(full, tree)):
            behind = read_path(node, "dict_kwargs")
            is_behind = isinstance(behind, Mapping) and part in behind
            full.append("dict_kwargs" if is_behind else "init_args")
            node = read_path(node, full[-1])
        full.append(part)
        node = read_path(node, part)
    return ".".join(full)


def _always_a_class(path: list[str], tree: Mapping[str, Any]) -> bool:
    return path in (["model"], ["data"]) and tree.get("cli") is None


def path_problems(
    space: Mapping[str, Any],
    tree: Mapping[str, Any],
    *,
    scales: bool,
    own_keys: Collection[str],
) -> Iterator[str]:
    """A line for each path that names nothing that could be searched.

    Args:
        scales: whether the batch size is scaled, and so not to be searched.
        own_keys: the keys of a study file; any other may be a section of the user's own CLI.
    """
    for path, given in space.items():
        if path == ALL_HINTED:
            continue
        problem = _option_problem(path, space) or _problem(
            config_path(path), _with_options(path, space, tree), own_keys, options=_options(given)
        )
        if problem is not None:
            yield f"space.{path}: {problem}"
        elif scales and path.endswith(".batch_size"):
            yield (
                f"space.{path}: is found by batch.auto_scale. "
                "Search it, or scale it; set batch.auto_scale: off to search it."
            )


def through_plain_value(path: str) -> str:
    """What is wrong with a path that leads on from the value at `path`."""
    return (
        f"leads through {path}, which is a plain value. Name {path} itself, or make it a mapping."
    )


def _options(given: Any) -> Mapping[str, Any] | None:
    """The named options of what was written for a path; None where there are none."""
    options = given.get("choice") if isinstance(given, Mapping) else None
    return options if isinstance(options, Mapping) else None


def _option_problem(path: str, space: Mapping[str, Any]) -> str | None:
    for match in OPTION.finditer(path):
        choice, name = path[: match.start()], match[1]
        options = _options(space.get(choice))
        if options is None:
            return f"{choice} is no choice of named options in the space. Remove the [{name}]."
        if name not in options:
            known = [str(each) for each in options]
            return f"{choice} has no option {name}. {did_you_mean(name, known)}"
    return None


def _with_options(
    path: str, space: Mapping[str, Any], tree: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The sections as they are where the options that the path names are chosen."""
    for match in OPTION.finditer(path):
        choice = path[: match.start()]
        option = (_options(space[choice]) or {})[match[1]]
        if isinstance(option, Mapping) and "value" in option:
            tree = copy.deepcopy(dict(tree))
            with contextlib.suppress(KeyError):  # a wrong path of the choice has a line of its own
                write_path(tree, config_path(choice), copy.deepcopy(option["value"]))
    return tree


def _problem(
    path: str,
    tree: Mapping[str, Any],
    own_keys: Collection[str],
    *,
    options: Mapping[str, Any] | None,
) -> str | None:
    parts = path.split(".")
    if path == FINALIST and tree.get("finalists") is not None:
        return None
    if not all(part and part.isprintable() and " " not in part for part in parts):
        return "is no dotted path. Write it as model.init_args.lr."
    if parts[0] not in _SECTIONS and (tree.get("cli") is None or parts[0] in own_keys):
        remedy = did_you_mean(parts[0], _SECTIONS)
        if len(parts) == 1 and nearest(path, _SECTIONS) is None:
            remedy = f"Write model.{path}, or the section that takes it."
        return f"begins with {parts[0]}, which is no section of the study file. {remedy}"
    is_section = len(parts) == 1 and parts[0] in _SECTIONS and parts[0] != "seed_everything"
    if is_section and options is None:
        return f"names a whole section. Search a value inside, such as {path}.init_args.lr."
    if parts[0] in _OPTIONAL and tree.get(parts[0]) is None and tree.get("cli") is None:
        return f"there is no section {parts[0]}. Add it, or search the model."
    if parts == ["trainer", "callbacks"] and options is not None:
        return None
    if parts[0] == "trainer" and len(parts) == 2 and parts[1] in _NOT_SEARCHED:
        return f"cannot be searched: {_NOT_SEARCHED[parts[1]]}."
    is_mapping = parts[-1] in ("init_args", "dict_kwargs") or isinstance(
        read_path(tree, path), dict
    )
    if is_mapping and options is None:
        return "names a whole mapping. Search a value inside it."
    for end in range(1, len(parts)):
        parent = read_path(tree, ".".join(parts[:end]))
        if parent is not None and not isinstance(parent, dict | list):
            return through_plain_value(".".join(parts[:end]))
        if isinstance(parent, list) and not (
            parts[end].isdigit() and int(parts[end]) < len(parent)
        ):
            return (
                f"{'.'.join(parts[:end])} is a list of {len(parent)}, "
                f"got {parts[end]}. Use a number below that."
            )
    return None


# the path of the choice between the complete configurations of `finalists`
FINALIST = "finalist"
