"""One line out of Hydra's and OmegaConf's errors: the key, its place in the study file, what to
write.

They are about the configuration, not about the user's code: no traceback says more.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable
from typing import Any

from search.plain.wording import did_you_mean, one_of
from search.study_file.trial_config import ScriptRun
from search.trial.building.importing import place_in_user_code
from search.trial.process.loaded_sources import is_installed

_NO_KEY = re.compile(r"Could not override '(.+?)'")
_JOBS = re.compile(r"(?:Ambiguous value for argument|Sweep parameters) '(.+?)'(?:\n| requires|$)")
_MERGED = re.compile(r"Error merging override (.+)")
_NO_FOLDER = re.compile(r"^Primary config directory not found\.\n.*config directory '(.+)' exists")
_REMEDY = "Correct it there, or in arguments and space."


def told_by_hydra(error: Exception, script: ScriptRun) -> str | None:
    """The line for a configuration that Hydra cannot compose, or that has no value for a key; None
    for any other error."""
    is_loaded = "omegaconf" in sys.modules and "hydra" in sys.modules
    # a file of the user's own may have its name
    if not is_loaded or not is_installed("hydra"):
        return None
    hydra = importlib.import_module("hydra.errors")
    values = importlib.import_module("omegaconf.errors")
    match error:
        case hydra.MissingConfigException():
            return _missing(error, script)
        case hydra.OverrideParseException():
            # the last line of its own
            why = str(error).partition("\nSee ")[0].rpartition("\n")[2].rstrip(".")
            return (
                f"{_place(error.override, script)}: Hydra cannot read {error.override}: {why}. "
                "Write key=value, and a text with signs in quotes: note='a, b'."
            )
        case hydra.ConfigCompositionException():
            return _not_composed(error, script)
        case values.MissingMandatoryValue() if error.full_key is not None:
            return (
                f"{_place(str(error.full_key), script)}: {error.full_key} has no value but ???, "
                f"and the script reads it{_where(error)}. Write arguments: "
                f"{{{error.full_key}: ...}}, or search it."
            )
        case values.InterpolationResolutionError() | values.MissingMandatoryValue():
            # the whole of it knows no key
            key = "the configuration" if error.full_key is None else error.full_key
            return (
                f"{_place(str(error.full_key), script)}: {key} cannot be resolved: "
                f"{_first_line(str(error))}{_where(error)}. {_REMEDY}"
            )
    return None


def _missing(error: Any, script: ScriptRun) -> str:
    """The line for a file of the configuration that is not there."""
    if found := _NO_FOLDER.search(str(error)):
        place = _place("--config-path", script)
        return f"{place}: Primary config directory '{found[1]}' not found. Correct its path."
    group, _, option = str(error.missing_cfg_file).rpartition("/")
    if not group or error.options is None:
        words = _first_line(str(error)).partition(". Check ")[0]
        return f"{_place('--config-name', script)}: {words}. Correct its name."
    place = _place(group, script)
    return f"{place}: the group {group} has no option {option}. {one_of(list(error.options))}"


def _not_composed(error: Any, script: ScriptRun) -> str:
    text, cause = str(error), error.__cause__
    if found := _NO_KEY.match(text):
        key = found[1]
        known = getattr(cause, "parent_node", None)
        return (
            f"{_place(key, script)}: the configuration of {script.name} has no {key}. "
            f"{_near(str(getattr(cause, 'key', key)), known or ())}To add it, write +{key}."
        )
    if found := _JOBS.match(text):
        return (
            f"{_place(found[1], script)}: {found[1]} makes Hydra run several jobs, and a trial is "
            "one. Search it, or put the text into quotes."
        )
    if found := _MERGED.match(text):
        place = _place(found[1], script)
        return f"{place}: {found[1]} is refused: {_first_line(str(cause))}. {_REMEDY}"
    return f"script: {script.name}: Hydra composes no configuration: {_joined(text)}. {_REMEDY}"


def _place(override: str, script: ScriptRun) -> str:
    """The place in a study file of an override, or of its key; the script where none has it."""
    key = _key(override)
    for name in script.arguments:
        if _key(name) == key:
            return f"arguments.{name}"
    if any(_key(each) == key for each in script.overrides or ()):
        return "hydra.overrides"
    return f"script: {script.name}"


def _key(override: str) -> str:
    return override.partition("=")[0].partition("@")[0].lstrip("+~")


def _near(key: str, known: Iterable[object]) -> str:
    """A sentence that names the keys beside, where there are any; Hydra's own are none."""
    names = [str(each) for each in known if each != "hydra" and not str(each).startswith("_")]
    return f"{did_you_mean(key, names)} " if names else ""


def _where(error: Exception) -> str:
    where = place_in_user_code(error)
    return "" if where is None else f" ({where})"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip(".")


def _joined(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
