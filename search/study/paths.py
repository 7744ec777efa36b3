"""The paths of a space: their full spelling, and whether they can be searched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from search.study.problems import did_you_mean
from search.study.resolve import read_path

_SECTIONS = ("model", "data", "trainer", "optimizer", "lr_scheduler", "seed_everything")
_OPTIONAL = ("data", "optimizer", "lr_scheduler")
_CLASS_KEYS = ("class_path", "init_args", "dict_kwargs")
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


def normalise_space(
    space: Mapping[Any, Any], tree: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The space keyed by full paths, and a line for each path that is spelt twice.

    `model.lr` is short for `model.init_args.lr`; the same wherever the tree has a class.
    """
    full: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in space.items():
        path = full_path(str(key), tree)
        if path in full:
            problems.append(f"space.{key}: is the same path as {path}. Keep one of them.")
        full[path] = value
    return full, problems


def full_path(path: str, tree: Mapping[str, Any]) -> str:
    """`model.lr` as `model.init_args.lr`, `optimizer.lr` as `optimizer.init_args.lr`; a full path
    as it is. A CLI with a class of its own takes bare arguments: there `model.lr` is full."""
    full: list[str] = []
    node: Any = tree
    for part in path.split("."):
        has_class = isinstance(node, Mapping) and "class_path" in node
        if part not in _CLASS_KEYS and (has_class or _always_a_class(full, tree)):
            full.append("init_args")
            node = read_path(node, "init_args")
        full.append(part)
        node = read_path(node, part)
    return ".".join(full)


def _always_a_class(path: list[str], tree: Mapping[str, Any]) -> bool:
    return path in (["model"], ["data"]) and tree.get("cli") is None


def path_problems(
    space: Iterable[str], tree: Mapping[str, Any], *, scales: bool, own_keys: Collection[str]
) -> Iterator[str]:
    """A line for each path that names nothing that could be searched.

    Args:
        scales: whether the batch size is scaled, and so not to be searched.
        own_keys: the keys of a study file; any other may be a section of the user's own CLI.
    """
    for path in space:
        problem = _problem(path, tree, own_keys)
        if problem is not None:
            yield f"space.{path}: {problem}"
        elif scales and path.endswith(".batch_size"):
            yield (
                f"space.{path}: is found by batch.auto_scale. "
                "Search it, or scale it; set batch.auto_scale: off to search it."
            )


def _problem(path: str, tree: Mapping[str, Any], own_keys: Collection[str]) -> str | None:
    parts = path.split(".")
    if not all(part and part.isprintable() and " " not in part for part in parts):
        return "is no dotted path. Write it as model.init_args.lr."
    if parts[0] not in _SECTIONS and (tree.get("cli") is None or parts[0] in own_keys):
        return (
            f"begins with {parts[0]}, which is no section of the study file. "
            f"{did_you_mean(parts[0], _SECTIONS)}"
        )
    if len(parts) == 1 and parts[0] in _SECTIONS and parts[0] != "seed_everything":
        return f"names a whole section. Search a value inside, such as {path}.init_args.lr."
    if parts[0] in _OPTIONAL and tree.get(parts[0]) is None and tree.get("cli") is None:
        return f"there is no section {parts[0]}. Add it, or search the model."
    if parts[0] == "trainer" and len(parts) == 2 and parts[1] in _NOT_SEARCHED:
        return f"cannot be searched: {_NOT_SEARCHED[parts[1]]}."
    if parts[-1] in ("init_args", "dict_kwargs") or isinstance(read_path(tree, path), dict):
        return "names a whole mapping. Search a value inside it."
    for end in range(1, len(parts)):
        parent = read_path(tree, ".".join(parts[:end]))
        if parent is not None and not isinstance(parent, dict | list):
            return f"leads through {'.'.join(parts[:end])}, which is a plain value. Correct it."
        if isinstance(parent, list) and not (
            parts[end].isdigit() and int(parts[end]) < len(parent)
        ):
            return (
                f"{'.'.join(parts[:end])} is a list of {len(parent)}, "
                f"got {parts[end]}. Use a number below that."
            )
    return None
