"""Names, values and curves as text for a terminal; nothing that a user or a model wrote can
control it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from search.errors import printable
from search.plain.formats import format_value
from search.space.distributions import Params
from search.space.short_names import short_names
from search.store.records import ObjectiveRecord, StudyRecord
from search.study_file.outcome_constraints import format_outcome

_LONGEST = 10_000
_BLOCKS = "▁▂▃▄▅▆▇█"
# the states of finished trials, in the words of a table
ENDS = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}


def clean(value: object, limit: int = _LONGEST) -> str:
    """Text on one line, with `?` for every character that a terminal would obey.

    Only what no person would read to its end is cut, at `limit` characters.
    """
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def each_parameter(params: Params) -> list[str]:
    """`lr=0.0012` and `latent_size=8`: parameters by their short names."""
    names = short_names(params)
    return [f"{clean(names[path])}={clean(format_value(value))}" for path, value in params.items()]


def parameters_text(params: Params) -> str:
    """All parameters in one line."""
    return "  ".join(each_parameter(params))


def objectives_text(record: StudyRecord) -> str:
    """`minimize val_loss, minimize parameters`."""
    return ", ".join(f"{each.direction} {clean(each.metric)}" for each in record.objectives)


def values_text(objectives: Sequence[ObjectiveRecord], values: Sequence[float]) -> str:
    """`val_loss 0.25  parameters 1,234`."""
    pairs = zip(objectives, values, strict=False)
    return "  ".join(
        f"{clean(each.metric)} {format_outcome(each.metric, value)}" for each, value in pairs
    )


def ends(counts: Mapping[str, int]) -> dict[str, str]:
    """`41 done`, `8 pruned` and `1 failed`, by state."""
    return {state: f"{counts[state]} {word}" for state, word in ENDS.items()}


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """The last `width` values as a row of blocks; gaps for what is not finite."""
    shown = list(values)[-width:]
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        _BLOCKS[round((value - low) * scale)] if math.isfinite(value) else " " for value in shown
    )
