"""Redaction: secrets are taken out of what a study stores about how it was made.

A secret is known by its form (the rules of detect-secrets, and a few of its kind), by the name that
stands before it, or as the value of an environment variable whose name says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from search.errors import StudyFileError
from search.plain.secrets import HIDDEN, without_passwords
from search.plain.tree import ARGUMENTS, items_of
from search.study_file.schema import StudyFile

# of a value among several of one option
_INDEX = re.compile(r"\.\d+$")
_EXPORT = re.compile(r"\bexport\s+")
_SHORTEST = 6
_SHORTEST_RANDOM = 8
# PWD is the working directory
_VARIABLE = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|PASS$|_PWD$|_AUTH$|_DSN$", re.IGNORECASE
)
_WORKING_DIRECTORIES = ("PWD", "OLDPWD")

_NAME = (
    r"(?:pass|passphrase|pwd|\w{0,40}?passw(?:or)?d|auth|dsn|secret|token|credentials?"
    r"|(?:api|access|account|auth|client|private|secret|service|signing|db|wandb)[_-]?key)"
)
# bounded, or a line of one long word takes minutes
_PREFIX = r"(?:[\w.-]{0,80}[_.-])?"
_ASSIGNED = r"['\"]?\]?\s*(?::=|=>|={1,2}|:)\s*"
# my_password = and password_2: and "password":
_NAMED = rf"(?<![\w.-]){_PREFIX}{_NAME}(?:[_-]?\d+)?{_ASSIGNED}"
_QUOTED_VALUE = re.compile(rf"({_NAMED}[rbfu]?)(['\"])((?:(?!\2).)+)\2", re.IGNORECASE)
_BARE_VALUE = re.compile(
    rf"({_NAMED})(?!['\"\s]|\*\*\*|[|>][+-]?\s*$)([^\n]+)", re.IGNORECASE | re.M
)
_OPTION_VALUE = re.compile(
    rf"((?:^|[\s='\"])--?{_PREFIX}{_NAME}(?:=|\s+))(?!\*\*\*)([^\s'\"]+)", re.IGNORECASE
)
_HEADER = re.compile(
    r"((?:authorization['\"]?\s*[:=]\s*['\"]?\w+|\bbearer)\s+)([\w.~+/=-]{6,})", re.IGNORECASE
)
_PRIVATE_KEY = re.compile(r"-----BEGIN[ A-Z]*PRIVATE KEY[\s\S]*?(?:-----END[^\n]*|\Z)")
# of machine learning, and younger than the release of detect-secrets
_FORMS = (
    re.compile(r"\bhf_[A-Za-z0-9]{30,}"),
    re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,}"),
    re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"),
    re.compile(r"\bAIza[0-9A-Za-z_-]{35}"),
)
_NO_SECRETS = ("IPPublicDetector",)
# in a program a bare value is a name or a call; elsewhere it is the value itself
_PROGRAM = re.compile(r"\.(?:py|pyi|ipynb|c|cc|cpp|cu|h|hpp|js|ts|rs|go|java)$")
_FILE = re.compile(r"^(?=diff --git )", re.MULTILINE)


def redacted(value: object) -> Any:
    """The value, texts at any depth without the secrets in them."""
    match value:
        case dict():
            return {key: redacted(each) for key, each in value.items()}
        case list():
            return [redacted(each) for each in value]
        case str():
            return _without_secrets(value)
    return value


def redacted_diff(diff: str) -> str:
    """A diff of git without secrets; in programs only what is quoted can be one by its name."""
    return "".join(
        _without_secrets(part, is_program=_PROGRAM.search(part.partition("\n")[0]) is not None)
        for part in _FILE.split(diff)
    )


def redacted_command(words: Sequence[str]) -> list[str]:
    """The words of a command line without secrets, of which one may be a word of its own."""
    before = ["", *words[:-1]]
    return [
        HIDDEN if _OPTION_VALUE.fullmatch(f"{option} {word}") else _without_secrets(word)
        for option, word in zip(before, words, strict=True)
    ]


# of the workers of Ray
_VARIABLES = "on.runtime_env.env_vars."


def refuse_secrets(study_file: StudyFile, source: str) -> None:
    """Make sure that nothing of a study file surely is a secret: a study writes all of it down.

    Raises:
        StudyFileError: something is; one line a place.
    """
    problems = [
        f"{source}: {path}: is or holds a secret, and a study writes its configuration down. "
        "Let the code read it from the environment."
        for path, text in _written_texts(study_file.to_tree())
        if looks_secret(text)
    ]
    if problems:
        raise StudyFileError(problems)


def _written_texts(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts in the tree of a study file, each with its path; those on a script's command line
    with the option or the override that gives them there, those of a shell with its variables."""
    for path, text in _texts(tree, ()):
        section, _, name = path.partition(".")
        if section == ARGUMENTS:
            # without Hydra's signs before a path, and the second spelling of an option
            option = name.lstrip("-+~").partition("/-")[0]
            yield path, f"--{_INDEX.sub('', option)} {text}"
        elif section == "hydra":
            yield path, f"--{text.lstrip('+~')}"
        elif path.startswith(_VARIABLES):
            yield path, f"--{path.removeprefix(_VARIABLES)} {text}"
        elif section == "on":
            # a line for a shell may set a variable
            yield path, _EXPORT.sub("--", text)
        else:
            yield path, text


def _texts(tree: object, way: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The texts in a tree, each with its path."""
    if isinstance(tree, str):
        yield ".".join(way), tree
    for key, each in items_of(tree):
        yield from _texts(each, (*way, str(key)))


def looks_secret(text: str) -> bool:
    """Whether a text surely has a secret in it: by its form, because an option or a URL gives one,
    or because a variable of the environment has it. What stands before it says nothing: a token is
    often a word."""
    if any(_is_random(each) and each in text for each in _variables(os.environ)):
        return True
    without = _OPTION_VALUE.sub(rf"\1{HIDDEN}", _without_forms(_PRIVATE_KEY.sub(HIDDEN, text)))
    return without_passwords(without) != text


def _is_random(value: str) -> bool:
    """Whether a value is no word and no path, which other texts may hold by chance."""
    return len(value) >= _SHORTEST_RANDOM and "/" not in value and not value.isalpha()


def _without_secrets(text: str, *, is_program: bool = False) -> str:
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    for value in _variables(os.environ):
        text = text.replace(value, HIDDEN)
    text = _HEADER.sub(rf"\1{HIDDEN}", _without_forms(text))
    text = _QUOTED_VALUE.sub(rf"\1\2{HIDDEN}\2", text)
    text = _OPTION_VALUE.sub(rf"\1{HIDDEN}", text)
    if not is_program:
        text = _BARE_VALUE.sub(rf"\1{HIDDEN}", text)
    return without_passwords(_without_entropy(text))


def _variables(environment: Mapping[str, str]) -> list[str]:
    """The values of the variables that hold a secret by their names, the longest first; of several
    lines each, as a diff has something before every line."""
    found = {
        line.strip()
        for name, value in environment.items()
        if _VARIABLE.search(name) and name not in _WORKING_DIRECTORIES
        for line in (value, *value.splitlines())
    }
    return sorted((each for each in found if len(each) >= _SHORTEST), key=len, reverse=True)


def _without_forms(text: str) -> str:
    for form in _forms():
        text = form.sub(_hidden, text)
    return text


def _hidden(match: re.Match[str]) -> str:
    """The match without what is secret in it: a group as long as a secret, or all of it."""
    secret = max((each for each in match.groups() if each), key=len, default="")
    if len(secret) < _SHORTEST:
        return HIDDEN
    return match[0].replace(secret, HIDDEN)


@cache
def _forms() -> tuple[re.Pattern[str], ...]:
    """The forms of secrets; loading them takes a third of a second, so only a start of a study
    does."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector

    detectors: Iterable[type[BasePlugin]] = get_mapping_from_secret_type_to_class().values()
    return _FORMS + tuple(
        form
        for detector in detectors
        if issubclass(detector, RegexBasedDetector) and detector.__name__ not in _NO_SECRETS
        for form in detector().denylist
    )


def _without_entropy(text: str) -> str:
    """The text without quoted strings that are too random to be words."""
    for secret in set(_random_strings(text)):
        text = text.replace(secret, HIDDEN)
    return text


def _random_strings(text: str) -> Iterator[str]:
    from detect_secrets.plugins.high_entropy_strings import (
        Base64HighEntropyString,
        HexHighEntropyString,
    )

    for detector in (Base64HighEntropyString(), HexHighEntropyString()):
        for string in detector.analyze_string(text):
            if detector.calculate_shannon_entropy(string) > detector.entropy_limit:
                yield string
