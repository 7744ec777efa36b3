"""The unit of the steps of a study's curves, so that trials can be compared step by step.

An epoch, where each validation is the end of one. Else the n-th validation, where all trials
validate after as many samples; where they do not, the samples seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.plain.tree import ARGUMENTS
from search.space.paths import FINALIST

if TYPE_CHECKING:
    from search.study_file.schema import StudyFile

EPOCHS, VALIDATIONS, SAMPLES = "epochs", "validations", "samples"
UNITS = (EPOCHS, VALIDATIONS, SAMPLES)

_INTERVAL = "trainer.val_check_interval"
# change, beside the data and the batch, after how many samples a trial validates
_BATCHES = (
    "trainer.limit_train_batches",
    "trainer.overfit_batches",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.check_val_every_n_epoch",
    _INTERVAL,
    FINALIST,
)


@dataclass(frozen=True)
class Steps:
    """The steps of a study, the same for its whole life.

    unit: one of `UNITS`.
    epoch_samples: samples of an epoch; None where that is not known.
    at_epoch_ends: steps count the ends of epochs although there may be validations, since training
        logs the metric that counts.
    """

    unit: str
    epoch_samples: int | None = None
    at_epoch_ends: bool = False


def unit_of(steps: Steps | None) -> str:
    """The unit of the steps of a study; validations in one of an earlier release."""
    return VALIDATIONS if steps is None else steps.unit


def step_title(steps: Steps | None) -> str:
    """The title of the axis of a curve: `epoch`, `validation` or `samples seen`."""
    unit = unit_of(steps)
    return "samples seen" if unit == SAMPLES else unit.removesuffix("s")


def step_text(steps: Steps | None, step: float) -> str:
    """A step in words: `epoch 3`, `validation 3` or `1,024 samples`."""
    if unit_of(steps) == SAMPLES:
        return f"{step:,.0f} samples"
    return f"{step_title(steps)} {step:g}"


def steps_of(
    study_file: StudyFile,
    *,
    leaves_ends: bool,
    epoch_samples: int | None,
    at_epoch_ends: bool = False,
) -> Steps:
    """The steps of a new study.

    Args:
        leaves_ends: validations may lie elsewhere than at the ends of epochs.
        epoch_samples: the samples of an epoch; None where the data has no length.
        at_epoch_ends: values are read at the ends of epochs, wherever validations lie.
    """
    is_searched = _INTERVAL in _paths(study_file)
    if at_epoch_ends or not (leaves_ends or is_searched or leaves_epoch_ends(study_file.trainer)):
        unit = EPOCHS
    else:
        unit = SAMPLES if _batches_vary(study_file) else VALIDATIONS
    return Steps(unit, epoch_samples, at_epoch_ends)


def leaves_epoch_ends(trainer: Mapping[str, object]) -> bool:
    """Tell whether a Trainer of these arguments may validate other than at the ends of epochs."""
    interval = trainer.get("val_check_interval")
    # 1 is after each batch, 1.0 after the last
    is_whole = interval is None or (isinstance(interval, float) and interval == 1.0)
    return not is_whole or trainer.get("check_val_every_n_epoch", 1) is None


def _batches_vary(study_file: StudyFile) -> bool:
    """Tell whether trials may validate after different numbers of samples."""
    is_found = study_file.batch.auto_scale != "off" or study_file.has_effective
    return is_found or any(
        path == study_file.batch.argument or _may_change_batches(path)
        for path in (each.removeprefix(f"{ARGUMENTS}.") for each in _paths(study_file))
    )


def _may_change_batches(path: str) -> bool:
    # a script may spell it with hyphens
    names_size = "batch_size" in path.replace("-", "_")
    return path.startswith("data.") or names_size or path in _BATCHES


def _paths(study_file: StudyFile) -> tuple[str, ...]:
    return (*study_file.space, *study_file.derive)
