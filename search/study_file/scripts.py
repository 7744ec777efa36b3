"""The sections of a study of somebody's own script: what is run, and with which command line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

from search.plain.yaml import shown

# words by which Hydra is told to run several jobs
_MULTIRUN = ("-m", "--multirun", "hydra.mode=MULTIRUN")
# words that Hydra reads as another value
_NO_TEXTS = ("true", "false", "null", "nan", "inf")
_PLAIN = (str, int, float, bool)


class Script(BaseModel):
    """The user's own script, or a function in its place: one of the three.

    path: its file.
    module: its module, as `python -m` takes it.
    build: the function, by its import path; it takes the parameters, and returns model and data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    path: StrictStr | None = None
    module: StrictStr | None = None
    build: StrictStr | None = None


class Hydra(BaseModel):
    """What a script of Hydra's is told beside its searched values.

    overrides: as on its command line, before all others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    overrides: list[StrictStr] = []


def script_tree(value: object) -> object:
    """`script: train.py` as the mapping that it is short for.

    Raises:
        ValueError: it names no file, or no module.
    """
    tree = value if isinstance(value, dict) else {"path": value}
    path, module, build = (tree.get(name) for name in ("path", "module", "build"))
    if [path, module, build].count(None) != 2:
        raise ValueError(
            f"must name a file or a module, got {shown(value)}. Write script: train.py."
        )
    if isinstance(build, str):
        return {"build": _function_path(build)}
    if isinstance(path, str) and not Path(path).is_file():
        raise ValueError(
            f"no such file, got {shown(path)}. Write the path from where you run this."
        )
    if isinstance(module, str) and not all(each.isidentifier() for each in module.split(".")):
        raise ValueError(
            f"must name a module, got {shown(module)}. Write module: my_package.train."
        )
    return tree


def _function_path(given: str) -> str:
    path = given.replace(":", ".")
    if "." not in path or not all(each.isidentifier() for each in path.split(".")):
        raise ValueError(
            f"must name a function in a module, got {shown(given)}. Write build: my_module.make."
        )
    return path


def hydra_tree(value: object) -> object:
    """`hydra: true` as the mapping that it is short for."""
    return {} if value is True else value


def _one_run(hydra: Hydra) -> Hydra:
    for each in hydra.overrides:
        if each in _MULTIRUN:
            raise ValueError(
                f"{each} makes Hydra run several jobs, and a trial is one. Remove it, and search "
                "what it sweeps over."
            )
    return hydra


def _arguments(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError(
            f"must be a mapping, got {shown(value)}. Write arguments: {{--data-dir: ./data}}."
        )
    for name, given in value.items():
        for each in given if isinstance(given, list) else [given]:
            if each is not None and not isinstance(each, _PLAIN):
                raise ValueError(f"{name} must be plain, or a list of that, got {shown(given)}.")
        is_multirun = str(name) in _MULTIRUN or f"{name}={given}" in _MULTIRUN
        if is_multirun and given is not False:
            raise ValueError(f"{name} makes Hydra run several jobs, and a trial is one. Remove it.")
    return {str(name): given for name, given in value.items()}


ScriptSection = Annotated[Script, BeforeValidator(script_tree)]
HydraSection = Annotated[Hydra, BeforeValidator(hydra_tree), AfterValidator(_one_run)]
ArgumentsSection = Annotated[dict[str, Any], BeforeValidator(_arguments)]
FitNumber = Annotated[int, Field(strict=True, ge=1)]


def command_line(arguments: Mapping[str, Any], overrides: list[str] | None = None) -> list[str]:
    """The words after a script.

    Values of names without a hyphen come first. `--flag: true` is the bare flag and `false` is
    none; of `--flag/--no-flag` false is the second word. A list gives an option several values.

    Args:
        overrides: Hydra's, where the script uses that; names without a hyphen are further ones.
    """
    options = {name: value for name, value in arguments.items() if name.startswith("-")}
    others = {name: value for name, value in arguments.items() if name not in options}
    if overrides is not None:
        words = [*overrides, *(f"{name}={hydra_value(value)}" for name, value in others.items())]
        return [*_option_words(options), *words]
    positional = [word for value in others.values() for word in _texts(value)]
    return [*positional, *_option_words(options)]


def _option_words(options: Mapping[str, Any]) -> list[str]:
    return [word for name, value in options.items() for word in _option(name, value)]


def _option(name: str, value: object) -> Iterator[str]:
    positive, _, negative = name.partition("/")
    match value:
        case None:
            return
        case bool():
            word = positive if value else negative
            if word:
                yield word
        case list():
            yield positive
            yield from _texts(value)
        case _:
            text = _text(value)
            # else it would be taken for an option
            if text.startswith("-") and positive.startswith("--"):
                yield f"{positive}={text}"
            else:
                yield from (positive, text)


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [_text(each) for each in values if each is not None]


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) and math.isfinite(value) else str(value)


def hydra_value(value: object) -> str:
    """A value as Hydra's command line takes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{','.join(hydra_value(each) for each in value)}]"
        case Mapping():
            pairs = (f"{_hydra_key(key)}:{hydra_value(each)}" for key, each in value.items())
            return "{" + ",".join(pairs) + "}"
        case str() if not _is_bare(value):
            # a backslash stands for itself but before a quote
            escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
            escaped = re.sub(r"(\\+)$", r"\1\1", escaped)
            return f"'{escaped}'"
    return _text(value)


def _hydra_key(key: object) -> str:
    """A key as Hydra takes it, which is never in quotes."""
    return re.sub(r"[\\()\[\]{}:=, \t]", r"\\\g<0>", str(key))


def hydra_folder(folder: Path) -> str:
    """The word by which Hydra writes into a folder; of several the last one counts."""
    return f"hydra.run.dir={hydra_value(str(folder.absolute()))}"


def _is_bare(text: str) -> bool:
    """Tell whether Hydra reads a text as it stands, and as a text."""
    is_word = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) is not None
    return is_word and text.lower() not in _NO_TEXTS
