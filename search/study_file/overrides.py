"""`--set`, `--space` and `--metric`: values from the command line laid over a study file."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from search.errors import UserError
from search.plain.metric_names import likely_direction
from search.plain.tree import as_mapping, write_path
from search.plain.yaml import parse_yaml, shown
from search.space.paths import full_path, has_script, through_plain_value
from search.study_file.schema import ScriptStudyFile
from search.study_file.script_keys import OF_CLASSES


def apply_overrides(
    tree: Mapping[str, object], set_values: Sequence[str], space_values: Sequence[str]
) -> dict[str, object]:
    """A copy of `tree` with the overrides laid over it; `--space PATH=off` removes a path.

    Paths may be as short as in a space: `model.lr` for `model.init_args.lr`.

    Raises:
        UserError: an override is no `PATH=VALUE`, or leads through a plain value.
    """
    result: dict[str, object] = copy.deepcopy(dict(tree))
    for text in set_values:
        path, value = parse_assignment("--set", text)
        try:
            write_path(result, _place(path, result), value)
        except KeyError as error:
            raise UserError(f"--set {path}: {through_plain_value(error.args[0])}") from error
    for text in space_values:
        lay_over_space(result, *parse_assignment("--space", text))
    return result


def _place(path: str, tree: Mapping[str, object]) -> str:
    """The place of a value; in a study of a script the keys of its study file come before its
    arguments, whatever they are called."""
    own = ScriptStudyFile.model_fields.keys() - OF_CLASSES.keys() - {"trainer"}
    is_own = has_script(tree) and path.partition(".")[0] in own
    return path if is_own else full_path(path, tree)


def lay_over_space(tree: dict[str, object], path: str, distribution: object) -> None:
    """Search `path` in `tree` as a distribution, however it was spelt there; `off` removes it."""
    space = tree.get("space")
    if not isinstance(space, dict):
        space = tree["space"] = {}
    full = full_path(path, tree)
    for spelt in [key for key in space if full_path(str(key), tree) == full]:
        del space[spelt]
    if distribution != "off":
        space[full] = distribution


def lay_over_objective(tree: dict[str, object], metric: str | None, direction: str | None) -> None:
    """Judge by another metric, in another direction; None leaves it to the tree.

    Raises:
        UserError: the tree has several objectives, or a metric sounds like one of more is better.
    """
    option = "--metric" if metric is not None else "--direction"
    given = tree.get("objective")
    if metric is None and direction is None:
        return
    if "objectives" in tree or isinstance(given, list):
        raise UserError(f"{option}: the study file has several objectives. Change them there.")
    objective = {"metric": given} if isinstance(given, str) else dict(as_mapping(given))
    if metric is not None:
        # the direction of one metric says nothing of another
        objective = {**objective, "metric": metric, "direction": "minimize"}
        if direction is None and likely_direction(metric) == "maximize":
            raise UserError(
                f"--metric: {metric} sounds like one to maximize, and without a direction it is "
                "minimized. Add --direction maximize, or --direction minimize."
            )
    if direction is not None:
        objective["direction"] = direction
    tree["objective"] = objective


def parse_assignment(option: str, text: str) -> tuple[str, object]:
    """Path and value of a `PATH=VALUE` given to `option`.

    Raises:
        UserError: it is none.
    """
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or not path or not all(path.split(".")):
        example = "trainer.max_epochs=20"
        if option == "--space":
            example = "model.init_args.lr='{float: [1e-5, 1e-2], log: true}'"
        raise UserError(f"{option}: must be PATH=VALUE, got {shown(text)}. Write {example}.")
    return path, parse_yaml(value, f"{option} {path}")
