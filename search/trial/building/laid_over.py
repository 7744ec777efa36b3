"""The section trainer of a study of a script, laid over the arguments that the script gives.

A plain value takes the place of the script's. Callbacks join those of the script, save that one of
the same class takes its place: the script may need the others.
"""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from search.errors import UserError
from search.plain.tree import Tree, class_paths
from search.plain.wording import did_you_mean
from search.trial.building.lightning_packages import unmixed, with_apart
from search.trial.building.parser_errors import explain
from search.trial.building.trainer import callbacks_of


def lay_over_arguments(
    init: Callable[..., None], given: Mapping[str, Any], section: Tree, namespace: str
) -> Tree:
    """The arguments of a Trainer.

    Args:
        init: the constructor of Lightning's Trainer.
        given: the arguments of the script.
        section: what is laid over them, with a class_path for each object.
        namespace: the package of the Trainer.

    Raises:
        UserError: the Trainer has no such argument, or an object cannot be made.
    """
    known = list(inspect.signature(init).parameters)
    for name in section:
        if name not in known:
            raise UserError(f"trainer.{name}: no such argument. {did_you_mean(name, known)}")
    own = _with_objects(section, namespace)
    arguments = {**given, **own}
    if "callbacks" in own:
        ours = callbacks_of(own)
        classes = {type(each) for each in ours}
        kept = [each for each in callbacks_of(given) if type(each) not in classes]
        arguments["callbacks"] = [*kept, *ours]
    return arguments


def _with_objects(section: Tree, namespace: str) -> Tree:
    if not any(class_paths(section)):
        return section
    # jsonargparse puts what it has read into the tree, and a script may make several Trainers
    tree, apart = unmixed({"trainer": copy.deepcopy(section)}, namespace)
    parser = _parser(namespace)
    try:
        instances = parser.instantiate(parser.parse_object(tree, defaults=False))
    except ArgumentError as error:
        raise UserError(explain(str(error))) from error
    made = instances["trainer"]
    return with_apart(made.as_dict() if isinstance(made, Namespace) else dict(made), apart)


@lru_cache(maxsize=2)
def _parser(namespace: str) -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    trainer = importlib.import_module(namespace).Trainer
    parser.add_class_arguments(trainer, "trainer", fail_untyped=False, instantiate=False)
    return parser
