"""The paths of a space: their full spelling, and whether they can be searched."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search.plain.tree import (
    ARGUMENT_KEYS,
    ARGUMENTS,
    CLASS_KEYS,
    as_mapping,
    is_index,
    parts_of,
    read_path,
    write_path,
)
from search.plain.wording import did_you_mean, nearest
from search.space.distributions import OPTION, config_path
from search.space.nested import flatten

_SECTIONS = ("model", "data", "trainer", "optimizer", "lr_scheduler", "seed_everything")
_OF_SCRIPTS = (ARGUMENTS, "trainer", "seed_everything")
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
# the path of the choice between the complete configurations of `finalists`
FINALIST = "finalist"
# that of the effective batch, which no section has
EFFECTIVE = "batch.effective"


def normalise_space(
    space: Mapping[object, object], tree: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """The space keyed by full paths, spaces inside of choices included, and a line for each path
    that is spelt twice.

    `model.lr` is short for `model.init_args.lr`; the same wherever the tree has a class.
    """
    full: dict[str, object] = {}
    problems: list[str] = []
    for written, path, value in flatten(space, lambda each: full_path(each, tree)):
        if path in full:
            problems.append(f"space.{written}: is the same path as {path}. Keep one of them.")
        full[path] = value
    return full, problems


def full_path(path: str, tree: Mapping[str, object]) -> str:
    """`model.lr` as `model.init_args.lr`, `optimizer.lr` as `optimizer.init_args.lr`, and inside
    `dict_kwargs` what stands there; a full path as it is. A CLI with a class of its own takes bare
    arguments: there `model.lr` is full. With a script, `--lr` is short for `arguments.--lr`, and
    with Hydra any path is that of an override."""
    if has_script(tree) and _is_argument(path, tree):
        return f"{ARGUMENTS}.{path}"
    full: list[str] = []
    node: object = tree
    for part in path.split("."):
        has_class = "class_path" in as_mapping(node)
        if part not in CLASS_KEYS and (has_class or _always_a_class(full, tree)):
            is_behind = part in as_mapping(read_path(node, "dict_kwargs"))
            full.append("dict_kwargs" if is_behind else "init_args")
            node = read_path(node, full[-1])
        full.append(part)
        node = read_path(node, part)
    return ".".join(full)


def has_script(tree: Mapping[str, object]) -> bool:
    """Tell whether a study file is of a script, or of a function in its place, by any of the keys
    that name one."""
    names = (tree.get(key) for key in ("module", "build"))
    return tree.get("script") is not None or any(isinstance(each, str) for each in names)


def _is_argument(path: str, tree: Mapping[str, object]) -> bool:
    if path == EFFECTIVE:
        return False
    section = path.partition(".")[0]
    # a group of Hydra's configuration may be called as a section is
    is_hydras = section == "trainer" and tree.get("hydra") is not None
    return is_hydras or section not in (*_OF_SCRIPTS, FINALIST, ALL_HINTED)


def _always_a_class(path: list[str], tree: Mapping[str, object]) -> bool:
    return path in (["model"], ["data"]) and tree.get("cli") is None


def path_problems(
    space: Mapping[str, object],
    tree: Mapping[str, object],
    *,
    own_keys: Collection[str],
) -> Iterator[str]:
    """A line for each path that names nothing that could be searched.

    Args:
        own_keys: the keys of a study file; any other may be a section of the user's own CLI.
    """
    for path, given in space.items():
        is_finalist = path == FINALIST and tree.get("finalists") is not None
        if path in (ALL_HINTED, EFFECTIVE) or is_finalist:
            continue
        problem = _option_problem(path, space)
        if problem is None:
            around = _with_options(path, space, tree)
            has_options = _options(given) is not None
            problem = _problem(_Searched(config_path(path), around, own_keys, has_options))
        if problem is not None:
            yield f"space.{path}: {problem}"


def through_plain_value(path: str) -> str:
    """The line for a path that leads on from the plain value at `path`."""
    return (
        f"leads through {path}, which is a plain value. Name {path} itself, or make it a mapping."
    )


def _options(given: object) -> Mapping[str, object] | None:
    """The named options of what was written for a path; None where there are none."""
    options = as_mapping(given).get("choice")
    return options if isinstance(options, Mapping) else None


def _option_problem(path: str, space: Mapping[str, object]) -> str | None:
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
    path: str, space: Mapping[str, object], tree: Mapping[str, object]
) -> Mapping[str, object]:
    """The sections as they are where the options that the path names are chosen."""
    for match in OPTION.finditer(path):
        choice = path[: match.start()]
        option = as_mapping((_options(space[choice]) or {})[match[1]])
        if "value" in option:
            changed = copy.deepcopy(dict(tree))
            with contextlib.suppress(KeyError):  # a wrong path of the choice has a line of its own
                write_path(changed, config_path(choice), copy.deepcopy(option["value"]))
            tree = changed
    return tree


@dataclass(frozen=True)
class _Searched:
    """A path that a space searches, without the options in it.

    path: as it stands in a configuration.
    tree: the study file, with the options chosen that lead to the path.
    own_keys: the keys of a study file.
    has_options: the path is a choice of named options, which may replace a whole mapping.
    """

    path: str
    tree: Mapping[str, Any]
    own_keys: Collection[str]
    has_options: bool

    @property
    def parts(self) -> list[str]:
        return parts_of(self.path)

    @property
    def section(self) -> str:
        return self.parts[0]

    @property
    def has_script(self) -> bool:
        """Tell whether a script takes the values, and the Trainer that it makes."""
        return has_script(self.tree)

    @property
    def has_cli(self) -> bool:
        """Tell whether the user's own CLI reads the sections, and knows some of its own."""
        return self.tree.get("cli") is not None


def _no_path(at: _Searched) -> str | None:
    if all(part and part.isprintable() and " " not in part for part in at.parts):
        return None
    return "is no dotted path. Write it as model.init_args.lr."


def _no_section(at: _Searched) -> str | None:
    sections = _OF_SCRIPTS if at.has_script else _SECTIONS
    if at.section in sections or (at.has_cli and at.section not in at.own_keys):
        return None
    remedy = did_you_mean(at.section, _SECTIONS)
    if len(at.parts) == 1 and nearest(at.path, _SECTIONS) is None:
        remedy = f"Write model.{at.path}, or the section that takes it."
    return f"begins with {at.section}, which is no section of the study file. {remedy}"


def _whole_section(at: _Searched) -> str | None:
    if at.path == ARGUMENTS:
        return "names a whole section. Search one argument, such as --lr."
    if at.has_options or at.path not in _SECTIONS or at.path == "seed_everything":
        return None
    return f"names a whole section. Search a value inside, such as {at.path}.init_args.lr."


def _no_option(at: _Searched) -> str | None:
    """A line for a dotted name on a command line, where only Hydra has such."""
    is_a_command = as_mapping(at.tree.get("script")).get("build") is None
    if at.section != ARGUMENTS or at.tree.get("hydra") is not None or not is_a_command:
        return None
    name = at.parts[-1]
    if name.startswith("-") or "." not in name:
        return None
    if name.startswith("trainer."):
        return f"is no argument of the script. Write {name} outside of the choice, with when."
    return f"is no option of a command line. Write --{name}, or add hydra: true."


def _absent_section(at: _Searched) -> str | None:
    if at.has_cli or at.section not in _OPTIONAL or at.tree.get(at.section) is not None:
        return None
    return f"there is no section {at.section}. Add it, or search the model."


def _not_searched(at: _Searched) -> str | None:
    if len(at.parts) != 2 or at.section != "trainer" or at.parts[1] not in _NOT_SEARCHED:
        return None
    if at.has_options and at.parts[1] == "callbacks":
        return None
    return f"cannot be searched: {_NOT_SEARCHED[at.parts[1]]}."


def _whole_mapping(at: _Searched) -> str | None:
    is_mapping = isinstance(read_path(at.tree, at.path), dict)
    if at.has_options or not (is_mapping or at.parts[-1] in ARGUMENT_KEYS):
        return None
    return "names a whole mapping. Search a value inside it."


def _no_way(at: _Searched) -> str | None:
    """A line where the tree has no way to the path: a plain value before its end, a short list."""
    if at.section == ARGUMENTS:
        return None
    for end in range(1, len(at.parts)):
        place, part = ".".join(at.parts[:end]), at.parts[end]
        match read_path(at.tree, place):
            case None | dict():
                continue
            case list() as values:
                if not is_index(part, values):
                    count = len(values)
                    return f"{place} is a list of {count}, got {part}. Use a number below that."
            case _:
                return through_plain_value(place)
    return None


# the first that has a line counts: what a later one looks at, an earlier one has made sure of
_RULES: tuple[Callable[[_Searched], str | None], ...] = (
    _no_path,
    _no_section,
    _whole_section,
    _no_option,
    _absent_section,
    _not_searched,
    _whole_mapping,
    _no_way,
)


def _problem(searched: _Searched) -> str | None:
    return next((line for rule in _RULES if (line := rule(searched)) is not None), None)
