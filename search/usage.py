"""Mistakes on the command line, in the form of every other message.

Knows the exceptions of Typer, old and new, by what they carry, and imports nothing of it.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from search.errors import printable
from search.plain.wording import did_you_mean

_LONGEST_VALUE = 60


def usage_line(error: Any) -> str:
    """One line for an error of the command line itself: place, rule, what was given, next step."""
    message = " ".join(error.format_message().split())
    if message.startswith("No such command"):
        given = re.search(r"'([^']*)'", message)
        name = printable(given[1], _LONGEST_VALUE) if given else ""
        return f"{name}: there is no such command. {did_you_mean(name, error.ctx.command.commands)}"
    if hasattr(error, "possibilities"):
        return _unknown_option(error)
    if message.startswith("Missing"):
        return _missing(error)
    if "requires an argument" in message or "requires a value" in message:
        return f"{error.option_name}: needs a value, got none. {_see_help(error)}"
    if "does not take a value" in message:
        return f"{error.option_name}: takes no value. Write {error.option_name} alone."
    if extra := re.search(r"unexpected extra arguments?(?:\(s\))? \((.*)\)", message):
        what = printable(extra[1], _LONGEST_VALUE)
        return f"{what}: {_command(error)} takes no such argument. {_see_help(error)}"
    if getattr(error, "param", None) is not None:
        return _wrong_value(error)
    return f"search: {printable(message, 300).rstrip('.')}. {_see_help(error)}"


def _unknown_option(error: Any) -> str:
    option = printable(error.option_name, _LONGEST_VALUE)
    known = [name for each in error.ctx.command.params for name in each.opts if name[:2] == "--"]
    remedy = did_you_mean(option, known, otherwise=_see_help(error))
    return f"{option}: {_command(error)} has no such option. {remedy}"


def _missing(error: Any) -> str:
    parameter = error.param
    name = str(parameter.metavar or parameter.name).upper()
    what = (getattr(parameter, "help", None) or "").rstrip(".")
    command = _command(error)
    low = getattr(parameter, "min", None)
    example = name if low is None else low
    return f"{command}: needs {name}, got none ({what}). Write {command} {example}."


def _wrong_value(error: Any) -> str:
    """A value that is of another type than its option takes, or beyond what it may be."""
    parameter = error.param
    kind = getattr(parameter, "type", parameter)
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    is_whole = isinstance(low, int) or "integer" in error.message
    rule = "a whole number" if is_whole else "a number"
    rule += "" if low is None else f" from {low}"
    rule += "" if high is None else f" to {high}"
    name = next((each for each in parameter.opts if each.startswith("--")), parameter.opts[0])
    place = name if name.startswith("-") else f"{_command(error)}: {name.upper()}"
    default = parameter.default if parameter.default is not None else low
    command = name if name.startswith("-") else _command(error)
    example = "" if default is None else f" Write {command} {default}."
    return f"{place}: must be {rule}{_given(error)}.{example or f' {_see_help(error)}'}"


def _given(error: Any) -> str:
    """The wrong value, where the exception holds it."""
    cause = error.__cause__ or error.__context__
    quoted = re.match(r"'?(.*?)'? is not ", error.message)
    if hasattr(cause, "errors"):
        return f", got {printable(str(cause.errors()[0]['input']), _LONGEST_VALUE)}"
    return "" if quoted is None else f", got {printable(quoted[1], _LONGEST_VALUE)}"


def _command(error: Any) -> str:
    """The command as it was typed, such as `search run`."""
    if error.ctx is None:
        return f"search {sys.argv[1]}"
    return " ".join(["search", *error.ctx.command_path.split()[1:]])


def _see_help(error: object) -> str:
    return f"See {_command(error)} --help."
