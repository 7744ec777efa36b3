"""The facts of a study as JSON, in its events and in Optuna's attributes, and the checks of what a
file from others may say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from types import NoneType
from typing import Any

from search.errors import printable
from search.space.distributions import fields_of, from_fields
from search.store.records import FINISHED, ObjectiveRecord, StudyAttributes
from search.study_file.curve_steps import UNITS, Steps
from search.study_file.objective import DIRECTIONS
from search.study_file.stopping_rules import StoppingRules

# what reading a value raises that no study wrote
NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
STATES = ("WAITING", "RUNNING", *FINISHED)


def attributes_to_json(study: StudyAttributes) -> dict[str, object]:
    """The facts of a study as `study_attributes` reads them."""
    tree = {
        **asdict(study.objectives[0]),
        "asked": study.n_trials,
        "space": {path: fields_of(each) for path, each in study.space.items()},
        "settings": study.settings,
    }
    if study.is_multi_objective:
        tree["objectives"] = [asdict(each) for each in study.objectives]
        tree["reported"] = study.reported
    if study.outcome_constraints:
        tree["outcome_constraints"] = list(study.outcome_constraints)
    if study.steps is not None:
        tree["steps"] = asdict(study.steps)
    if study.stopping.names:
        tree["stopping"] = study.stopping.to_tree()
    return tree


def study_attributes(
    tree: Mapping[str, Any],
    n_trials: int | None,
    steps: Steps | None,
    stopping: StoppingRules,
) -> StudyAttributes:
    """The facts of a study out of JSON.

    Args:
        n_trials: the total of trials last asked for.
        steps: what the steps of its curves count.
        stopping: the rules last asked for that stop it.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: nothing that `attributes_to_json`
            returns.
    """
    objectives = tree.get("objectives", [tree])
    return StudyAttributes(
        objectives=tuple(_objective(each) for each in objectives),
        reported=checked(tree.get("reported", tree["metric"]), str),
        outcome_constraints=tuple(
            checked(text, str) for text in tree.get("outcome_constraints", ())
        ),
        n_trials=n_trials,
        stopping=stopping,
        space={path: from_fields(fields) for path, fields in tree["space"].items()},
        settings=checked(tree["settings"], dict),
        steps=steps,
    )


def steps_in(tree: Mapping[str, object]) -> Steps:
    """What the steps of a study count, out of JSON.

    Raises:
        ValueError, TypeError, LookupError: nothing that a study writes.
    """
    samples = checked(tree.get("epoch_samples"), int, NoneType)
    at_ends = checked(tree.get("at_epoch_ends", False), bool)
    return Steps(known_word(tree["unit"], UNITS), samples, at_ends)


def _objective(tree: Mapping[str, object]) -> ObjectiveRecord:
    direction = known_word(tree["direction"], DIRECTIONS)
    return ObjectiveRecord(checked(tree["metric"], str), direction)


def corrupt_data_message(error: Exception) -> str:
    """The message for data that no version of this program writes; follows a path."""
    reason = printable(f"{type(error).__name__}: {error}", 200)
    return f"says what no study writes ({reason})"


def checked(value: object, *kinds: type) -> Any:
    """The value, if it is of one of the `kinds`; a database from others may say anything.

    Raises:
        TypeError: it is of another.
    """
    if type(value) not in kinds:
        raise TypeError(f"{type(value).__name__} where {kinds[0].__name__} is written")
    return value


def known_word(value: object, known: Collection[str]) -> str:
    """The value, if it is one of the `known` words.

    Raises:
        ValueError: it is another.
    """
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return str(value)
