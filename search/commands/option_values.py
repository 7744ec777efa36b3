"""Reading options of `run` that are more than their text; the arguments of `Study.run` alike."""

from __future__ import annotations

import os
from collections.abc import Mapping

from search.errors import UserError
from search.executors.slots import cores
from search.plain.durations import parse_duration
from search.store.provenance.machine import usable_gpus


def worker_count(option: str, text: str, trainer: Mapping[str, object]) -> int:
    """Trials at a time: a number, or auto for as many as there are GPUs for, where trials may use
    them, else one a core.

    Args:
        option: what messages call it.
        trainer: the section of the study file.

    Raises:
        UserError: it is neither.
    """
    if text == "auto":
        return _trials_on_gpus(trainer) or cores()
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1024:
        example = f"{option} 2" if option.startswith("--") else f"{option}=2"
        raise UserError(f"{option}: must be a number from 1 or auto, got {text}. Write {example}.")
    return int(text)


def _trials_on_gpus(trainer: Mapping[str, object]) -> int:
    """Trials that the GPUs of this machine have room for; 0 where they use none."""
    if trainer.get("accelerator") not in (None, "auto", "gpu", "cuda"):
        return 0
    usable = usable_gpus(os.environ)
    devices = str(trainer.get("devices"))
    if devices == "-1":
        return min(usable, 1)
    a_trial = int(devices) if devices.isdigit() and int(devices) > 0 else 1
    return usable // a_trial


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
