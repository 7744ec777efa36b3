"""What a trial's Trainer is given where the configuration leaves it open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.trial.importing import namespace_of


def quiet(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The Trainer's arguments with everything off that a trial does not need.

    A trial keeps its own checkpoints and its curve is in the study, so what the configuration
    leaves open is off: progress bar, model summary, logger, Lightning's default checkpoint.
    """
    complete = dict(arguments)
    own = complete.get("callbacks") or []
    callbacks = list(own) if isinstance(own, list | tuple) else [own]
    wants_checkpoints = any(namespace_of(type(each), "Checkpoint") for each in callbacks)
    defaults = {
        "logger": False,
        "enable_checkpointing": wants_checkpoints,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    for key, default in defaults.items():
        if complete.get(key) is None:
            complete[key] = default
    return {**complete, "callbacks": callbacks}
