"""JSON that every parser takes, and that no terminal obeys."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any


def to_json(value: object, indent: int | None = None) -> str:
    """Strict JSON: NaN and infinities become null, dataclasses objects, times ISO 8601, and what
    JSON has no word for, such as a path, text."""
    text = json.dumps(_plain(value), allow_nan=False, ensure_ascii=False, indent=indent)
    return "\n".join(_escaped(line) for line in text.split("\n"))


def field_values(record: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, those of dataclasses within it as they are."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _plain(value: object) -> object:
    """The value in the types of JSON."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return value.isoformat()
    return _plain(field_values(value)) if is_dataclass(value) else str(value)


def _escaped(line: str) -> str:
    """The same line, with escapes for the characters that a terminal would obey."""
    # nearly every line; looking at each character takes seconds for a large study
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)
