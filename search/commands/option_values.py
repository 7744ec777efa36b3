"""Reading options of `run` that are more than their text; the arguments of `Study.run` alike."""

from __future__ import annotations

import math

from search.errors import UserError, printable
from search.plain.durations import parse_duration
from search.plain.wording import did_you_mean
from search.study_file.cluster_sections import CLIENT, ENGINES, HERE, named_engine
from search.study_file.schema import StudyFile
from search.study_file.stopping_rules import FORESEEING, OF_ONE_OBJECTIVE, StoppingRules


def worker_count(option: str, text: str) -> int | None:
    """Trials at a time; None for auto, which the preflight decides.

    Args:
        option: what messages call it.

    Raises:
        UserError: it is neither.
    """
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1024:
        example = f"{option} 2" if option.startswith("--") else f"{option}=2"
        raise UserError(f"{option}: must be a number from 1 or auto, got {text}. Write {example}.")
    return int(text)


def engine_name(option: str, word: str | None) -> str | None:
    """The engine of a cluster, a Ray by its address, or `HERE` for this machine; None where nothing
    was said.

    Args:
        option: what messages call it.

    Raises:
        UserError: it is neither.
    """
    places = (*ENGINES, HERE)
    if word is None or word in places:
        return word
    if word.startswith(CLIENT):
        try:
            return named_engine(None, word).address
        except ValueError as error:
            rule = "must be ray://HOST:PORT"
            raise UserError(
                f"{option}: {rule}, got {printable(word, 60)}. Write ray://host:10001."
            ) from error
    remedy = did_you_mean(word, places)
    raise UserError(f"{option}: there is no {printable(word, 60)}. {remedy}")


def seconds(option: str, text: float | str | None) -> float | None:
    """Seconds of a duration such as 30m, if one was given.

    Raises:
        UserError: it is none.
    """
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UserError(f"{option}: {error}") from error


def stopping_rules(
    study_file: StudyFile,
    *,
    total_epochs: int | None,
    cost: float | str | None,
    target: float | None,
    no_improvement: int | None,
    no_gain: int | None,
    in_python: bool = False,
) -> StoppingRules:
    """The rules of a run that stop the study.

    Args:
        in_python: messages call them as `Study.run` does.

    Raises:
        UserError: one is none, or has no meaning for several objectives.
    """

    def option(name: str) -> str:
        return name if in_python else f"--{name.replace('_', '-')}"

    if target is not None and not math.isfinite(target):
        example = "target=0.1" if in_python else "--target 0.1"
        raise UserError(
            f"{option('target')}: must be a finite number, got {target}. Write {example}."
        )
    cost_s = seconds(option("cost"), cost)
    rules = StoppingRules(total_epochs, cost_s, target, no_improvement, no_gain)
    if no_gain is not None and study_file.scheduler.name != FORESEEING:
        raise UserError(
            f"{option('no_gain')}: scheduler: {FORESEEING} alone knows what is left to gain, and "
            f"this study has {study_file.scheduler.name}. Leave it out, or write "
            f"scheduler: {FORESEEING}."
        )
    for name in rules.names:
        if name in OF_ONE_OBJECTIVE and study_file.objectives:
            raise UserError(
                f"{option(name)}: several objectives have no best value. Leave it out, or limit "
                f"the study with {option('total_epochs')} or {option('cost')}."
            )
    return rules
