"""Differences between the study file of a study and the one given now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from search.plain.equality import NOT_SET, is_equal, value_at
from search.plain.tree import as_mapping
from search.plain.yaml import shown, shown_exactly
from search.study_file.schema import StudyFile

# may change between runs: they judge and log the trials to come, or say what these are given;
# everything else defines the study
MAY_CHANGE = ("pruner", "scheduler", "audit", "logger", "keep", "budget", "resources", "on")
# numbers here are compared by their worth: a range of floats reads 1 as 1.0
_UNTYPED = ("enqueue",)


def differences(stored: StudyFile, given: StudyFile) -> list[str]:
    """One line for each value that may not change once a study has begun."""
    keys = sections((stored, given), without=("name", *MAY_CHANGE))
    return list(compare(stored.to_tree(), given.to_tree(), keys))


def free_changes(stored: StudyFile, given: StudyFile) -> list[str]:
    """One line for each value that changed and may."""
    return list(compare(stored.to_tree(), given.to_tree(), MAY_CHANGE))


def sections(study_files: Iterable[StudyFile], *, without: Collection[str]) -> list[str]:
    """The keys of study files, those that only a CLI of the user's own knows last."""
    given = list(study_files)
    fields = dict.fromkeys(key for each in given for key in type(each).model_fields)
    of_the_cli = sorted({key for each in given for key in each.model_extra or {}})
    return [key for key in (*fields, *of_the_cli) if key not in without]


def compare(
    old: Mapping[str, object], new: Mapping[str, object], keys: Iterable[str]
) -> Iterator[str]:
    """A line `place: was ..., is ...` for each difference of two trees below `keys`."""
    for key in keys:
        below = _compare_space if key == "space" else _compare
        yield from below(key, value_at(old, key), value_at(new, key))


def _compare(path: str, old: object, new: object) -> Iterator[str]:
    match old, new:
        case Mapping(), Mapping():
            for key in dict.fromkeys((*old, *new)):
                yield from _compare(f"{path}.{key}", value_at(old, key), value_at(new, key))
        case _ if not is_equal(old, new, typed=path not in _UNTYPED):
            yield _line(path, old, new)


def _compare_space(path: str, old: Any, new: Any) -> Iterator[str]:
    for key in dict.fromkeys((*old, *new)):
        yield from _compare_distribution(f"{path}.{key}", value_at(old, key), value_at(new, key))


def _compare_distribution(path: str, old: Any, new: Any) -> Iterator[str]:
    were, are = _option_names(old), _option_names(new)
    if were and are and were != are:
        # the order too: to the database an option is its index
        yield _line(path, {"choice": were}, {"choice": are})
    elif were and are:
        yield from _compare(f"{path}.choice", old["choice"], new["choice"])
        if not _is_same_condition(old, new):
            yield _line(f"{path}.when", value_at(old, "when"), value_at(new, "when"))
        yield from _compare(f"{path}.prior", value_at(old, "prior"), value_at(new, "prior"))
    elif not (_is_same_kind(old, new) and _is_same_condition(old, new)):
        yield _line(path, old, new)


def _option_names(tree: object) -> list[str]:
    """The names of the options of a choice that has whole subtrees for values."""
    return list(as_mapping(as_mapping(tree).get("choice")))


def _is_same_kind(old: object, new: object) -> bool:
    return is_equal(_without_condition(old), _without_condition(new))


def _without_condition(tree: object) -> object:
    if not isinstance(tree, Mapping):
        return tree
    return {key: value for key, value in tree.items() if key != "when"}


def _is_same_condition(old: object, new: object) -> bool:
    match old, new:
        case Mapping(), Mapping():
            return is_equal(value_at(old, "when"), value_at(new, "when"), typed=False)
    return True


def _line(path: str, old: object, new: object) -> str:
    texts = [_text(value, shown) for value in (old, new)]
    if texts[0] == texts[1]:  # the text '4' and the number, or what was cut off
        texts = [_text(value, shown_exactly) for value in (old, new)]
    if texts[0] == texts[1]:
        return f"{path}: was {texts[0]}, is the same but for a password"
    return f"{path}: was {texts[0]}, is {texts[1]}"


def _text(value: object, show: Callable[[object], str]) -> str:
    return str(value) if value is NOT_SET else show(value)
