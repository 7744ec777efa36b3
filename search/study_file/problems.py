"""Problems of a study file, in the words of its reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from search.plain.wording import did_you_mean
from search.plain.yaml import shown
from search.study_file.examples import example_of
from search.study_file.other_words import DIRECTION_WORDS, KEY_WORDS, SECTION_WORDS

_TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "dataclass_type": "must be a mapping",
    "list_type": "must be a list",
}


class Unknown(ValueError):
    """A name that is not among `known`; becomes a did-you-mean.

    Args:
        other_words: words of the field for some of them; see `did_you_mean`.
    """

    def __init__(
        self, given: str, known: Sequence[str], other_words: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(given)
        self.given, self.known, self.other_words = given, known, other_words


def lines_of(error: ValidationError, root: type[BaseModel]) -> Iterator[str]:
    """One line a problem: `place: rule, got value. Remedy.`"""
    seen: set[str] = set()
    for details in error.errors(include_url=False):
        place = _place(details["loc"])
        if place not in seen:
            seen.add(place)
            yield f"{place}: {_sentence(dict(details), place, root)}"


def _place(location: tuple[int | str, ...]) -> str:
    # pydantic appends the member of a union that it tried
    members = ("bool", "int", "str", "function-before", "constrained-int")
    return ".".join(str(part) for part in location if not str(part).startswith(members))


def _sentence(details: dict[str, Any], place: str, root: type[BaseModel]) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        key = str(details["loc"][-1])
        other_words = _words_of(details["loc"][:-1])
        return f"no such key. {did_you_mean(key, _keys(details['loc'][:-1], root), other_words)}"
    if kind == "missing":
        return f"is missing. {_to_add(place)}"
    if kind == "literal_error":
        known = [word.strip("' ") for word in context["expected"].replace(" or ", ",").split(",")]
        remedy = did_you_mean(value, known, DIRECTION_WORDS if place.endswith("direction") else {})
        return f"must be {' or '.join(known)}, got {shown(value)}. {remedy}"
    if kind == "value_error":
        return _from_value_error(context["error"], place, value)
    if kind in ("greater_than_equal", "less_than"):
        word = "at least" if kind == "greater_than_equal" else "below"
        bound = context.get("ge", context.get("lt"))
        return f"must be {word} {bound}, got {shown(value)}. {example_of(place)}"
    if kind == "too_short":
        return f"must name at least one path to search, got none. {example_of(place)}"
    if kind == "string_too_short":
        return "must not be empty. Name a metric that the module logs."
    return f"{_TYPES.get(kind, details['msg'])}, got {shown(value)}. {example_of(place, value)}"


def _words_of(location: tuple[int | str, ...]) -> Mapping[str, str]:
    """The words of other tools for the keys of a section, or for the sections."""
    if not location:
        return SECTION_WORDS
    return KEY_WORDS.get(str(location[0]), {})


def _from_value_error(error: Exception, place: str, value: object) -> str:
    if isinstance(error, Unknown):
        remedy = did_you_mean(error.given, error.known, error.other_words)
        return f"there is no {shown(error.given)}. {remedy}"
    text = shown(str(error), 300)
    return text if text.endswith((".", "?")) else f"{text}. {example_of(place, value)}"


def _keys(location: tuple[int | str, ...], root: type[BaseModel]) -> list[str]:
    model: Any = root
    for part in location:
        if isinstance(part, int):
            # of an item of a list, the item
            model = next(iter(get_args(model)), model)
            continue
        annotation = model.model_fields[part].annotation
        is_list = get_origin(annotation) is list
        # of an optional section, the section
        model = annotation if is_list else next(iter(get_args(annotation)), annotation)
    if is_dataclass(model):
        return [field.name for field in fields(model)]
    keys = [field.alias or name for name, field in model.model_fields.items()]
    # the tool alone writes it
    return [key for key in keys if key != "finalists"]


def _to_add(place: str) -> str:
    if place.endswith("metric"):
        return "Name a metric that the module logs, such as val_loss."
    return example_of(place).replace("Write", "Add", 1)
