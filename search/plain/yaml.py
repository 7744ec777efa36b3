"""Reading YAML without its traps, and writing it so that every YAML reader agrees.

Scalars follow the core schema of YAML 1.2: only true and false are booleans, `1e-4` is a number,
`off`, `no`, `012` and `12:30` mean what they say. Nothing but plain data can come out.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from search.errors import StudyFileError, printable
from search.plain.secrets import without_passwords
from search.plain.wording import nearest

# room for a choice of 100,000 values, a line each
MAX_BYTES = 4 << 20
MAX_DEPTH = 40
_MAX_NODES = 300_000
_Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


class _PlainKeys(yaml.constructor.SafeConstructor):
    """Refuses doubled keys, and those that are no plain words."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a plain word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} stands here twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Loader(_PlainKeys, yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2 and without doubled keys."""

    yaml_implicit_resolvers: _Resolvers = {}  # noqa: RUF012


class _QuickLoader(_PlainKeys, yaml.CSafeLoader):
    """The same on libyaml, ten times as quick; it says less about what is wrong."""

    yaml_implicit_resolvers: _Resolvers = {}  # noqa: RUF012


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper that quotes also what only YAML 1.2 would take for a number."""


_CORE_SCHEMA = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+"
        r"|[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
)
for _tag, _pattern, _first in _CORE_SCHEMA:
    _letters: list[object] = ["" if letter == "\0" else letter for letter in _first]
    for _class in (_Loader, _QuickLoader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _letters)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        StudyFileError: one line that names the file and, where there is one, the line.
    """
    try:
        with path.open("rb") as file:
            # no size is asked for: a pipe or a device has none
            content = file.read(MAX_BYTES + 1)
        text = content.decode("utf-8")
    except FileNotFoundError as error:
        raise _problem(path, f"no such file. {_nearest(path)}") from error
    except IsADirectoryError as error:
        raise _problem(path, "is a folder. Name a study file in it.") from error
    except UnicodeDecodeError as error:
        raise _problem(path, "is no UTF-8 text. Save it as UTF-8.") from error
    except ValueError as error:
        raise _problem(path, "is no path of a file. Write one without a null byte.") from error
    except OSError as error:
        raise _problem(path, f"cannot be read: {error.strerror}. Check its permissions.") from error
    if len(content) > MAX_BYTES:
        raise _problem(path, f"is larger than {MAX_BYTES >> 20} MiB. A study file is short.")
    tree = parse_yaml(text, str(path))
    if tree is None:
        raise _problem(path, "is empty. Start from a shipped study file.")
    if not isinstance(tree, dict):
        raise _problem(path, f"must be a mapping of sections, got {shown(tree)}.")
    return tree


def parse_yaml(text: str, place: str) -> Any:
    """The data in a YAML text.

    Raises:
        StudyFileError: one line that begins with `place`.
    """
    try:
        return _loaded(text, place, _QuickLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return _loaded_or_explained(text, place)


def _loaded_or_explained(text: str, place: str) -> object:
    try:
        return _loaded(text, place, _Loader)
    except yaml.YAMLError as error:
        raise StudyFileError([f"{place}: {_explained(error)}"]) from error
    except (ValueError, RecursionError) as error:
        raise StudyFileError([f"{place}: cannot be read as YAML: {shown(str(error))}."]) from error


def dump_yaml(tree: object) -> str:
    """YAML that readers of version 1.1 (LightningCLI) and 1.2 read back to the same values."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def flow_yaml(value: object) -> str:
    """A value on one line, in the form of `dump_yaml`."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
    )
    return text.removesuffix("\n...\n").strip()


def shown(value: object, limit: int = 60) -> str:
    """A value for a message: on one line, without control characters and passwords, not too
    long."""
    text = (
        value
        if isinstance(value, str)
        else yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
        .removesuffix("\n...\n")
        .strip()
    )
    return printable(without_passwords(text), limit)


def shown_exactly(value: object) -> str:
    """A value for a message that tells it from every other: text in quotes where it needs them,
    and nothing cut off."""
    return printable(without_passwords(flow_yaml(value)))


def _loaded(text: str, place: str, loader: type[_Loader | _QuickLoader]) -> object:
    _check_size(text, place, loader)
    return yaml.load(text, loader)


def _check_size(text: str, place: str, loader: type[_Loader | _QuickLoader]) -> None:
    """Walk the events before anything is built: depth, aliases and tags."""
    depth = 0
    for nodes, event in enumerate(yaml.parse(text, loader)):
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise StudyFileError(
                [f"{place}: line {line}: aliases are not supported. Write the value out."]
            )
        if depth > MAX_DEPTH or nodes > _MAX_NODES:
            raise StudyFileError([f"{place}: line {line}: is nested too deep or too large."])
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            raise StudyFileError(
                [f"{place}: line {line}: the tag {shown(tag)} is not allowed. Use plain values."]
            )


def _explained(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = f"line {mark.line + 1}: " if mark is not None else ""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "is no YAML"
    if "'\\t'" in problem:
        problem = "a tab stands where only spaces may indent"
    return f"{line}{shown(problem, 120)}."


def _problem(path: Path, text: str) -> StudyFileError:
    return StudyFileError([f"{path}: {text}"])


def _nearest(path: Path) -> str:
    folder = path.parent
    names = [each.name for each in folder.glob("*.y*ml")] if folder.is_dir() else []
    if (near := nearest(path.name, names)) is not None:
        return f"Did you mean {folder / near}?"
    return f"There is {', '.join(sorted(names))}." if names else "Check the path."
