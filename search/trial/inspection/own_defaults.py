"""The values that searched arguments have by themselves, where a configuration does not give them:
the defaults of constructors and of a script's own parser."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from search.answers import Plain
from search.errors import UserError
from search.plain.tree import ARGUMENT_KEYS, read_path
from search.space.distributions import OPTION
from search.study_file.trial_config import LightningSections, ScriptRun
from search.trial.building.importing import import_name
from search.trial.building.signatures import parameters
from search.trial.options.argument_kinds import plain_value
from search.trial.options.own_parser import read_options


def own_defaults(sections: LightningSections, paths: Collection[str]) -> dict[str, Plain]:
    """The plain defaults of the arguments at some searched paths; of some nobody can tell them.

    Args:
        sections: of a trial, with the values that it has there.
    """
    if sections.script is not None:
        found = dict(_of_script(sections.script))
    elif sections.cli is not None:
        # whose parser may have defaults of its own
        found = {}
    else:
        found = dict(_of_classes(sections, paths))
    return {path: found[path] for path in paths if found.get(path) is not None}


def _of_script(script: ScriptRun) -> Iterator[tuple[str, Plain]]:
    if script.build is not None:
        return
    try:
        options = read_options(script)
    except UserError:
        return
    # Hydra tells the values of this trial, not the defaults
    if not options.is_hydra:
        for argument in options.arguments:
            yield argument.path, argument.value


def _of_classes(sections: LightningSections, paths: Collection[str]) -> Iterator[tuple[str, Plain]]:
    tree = sections.lightning_tree()
    for path in paths:
        above, _, name = path.rpartition(".")
        owner, _, key = above.rpartition(".")
        class_path = read_path(tree, f"{owner}.class_path")
        if key not in ARGUMENT_KEYS or OPTION.search(path) or not isinstance(class_path, str):
            continue
        # a bare name is one of torch's, which jsonargparse finds; another class has other defaults
        if "." in class_path and not _is_searched(owner, paths):
            yield path, plain_value(_default(class_path, owner, name))


def _is_searched(owner: str, paths: Collection[str]) -> bool:
    """Tell whether another class may stand there in another trial."""
    parts = owner.split(".")
    above = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(each in paths or f"{each}.class_path" in paths for each in above)


def _default(class_path: str, owner: str, name: str) -> Any:
    parameter = parameters(import_name(class_path, f"{owner}.class_path")).get(name)
    return None if parameter is None else parameter.default
