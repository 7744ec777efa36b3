"""The argument that a study file names as a script's micro-batch: whether it is one."""

from __future__ import annotations

import traceback
from dataclasses import replace

from search.errors import UserError
from search.messages import KILLED
from search.study_file.trial_config import LightningSections
from search.trial.building.build import Built, build, loaded_micro_batch
from search.trial.building.importing import in_words
from search.trial.process.failures import cause_of

_SIZES = (2, 4)


def batch_argument_problem(sections: LightningSections, built: Built) -> str | None:
    """A line where the script does not take the argument, or its batches do not follow it."""
    script = sections.script
    if script is None or script.batch_argument is None:
        return None
    argument, size = script.batch_argument, loaded_micro_batch(built)
    other = next(each for each in _SIZES if each != size)
    try:
        changed = build(replace(sections, script=script.with_micro_batch(other)))
    except UserError as error:
        return f"batch.argument: {argument}: {str(error).removeprefix('script: ')}"
    except Exception as error:
        if cause_of(error) == KILLED:
            raise
        traceback.print_exc()
        return f"batch.argument: {argument}: {script.name} fails with it: {in_words(error)}"
    if size is None or loaded_micro_batch(changed) != size:
        return None
    return (
        f"batch.argument: {argument}: batches stay at {size} samples. Name the argument that the "
        "train_dataloaders take as their batch_size."
    )
