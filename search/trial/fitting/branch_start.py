"""Where a trial starts that begins at the checkpoint of another, and what is said if it cannot."""

from __future__ import annotations

import json
from pathlib import Path

from search.errors import UserError
from search.layout import TrialFolder
from search.study_file.trial_facts import TrialFacts
from search.trial.building.importing import in_words
from search.trial.checkpoints.files import is_intact, read_checkpoint
from search.trial.fitting.step_counter import StepCounter

# of what torch says of tensors that do not fit, line after line
_LONGEST = 160


def source_point(folder: TrialFolder) -> Path:
    """The checkpoint at which a trial begins.

    Raises:
        UserError: it is not there any more, or damaged.
    """
    if not is_intact(folder.source_ckpt):
        raise UserError(
            f"{folder.source_ckpt}: is missing or damaged, and the trial begins there. "
            "Restore it from a copy."
        )
    return folder.source_ckpt


def waits_at(folder: TrialFolder, checkpoint: Path | None) -> bool:
    """Tell whether the checkpoint of a trial is the one with which it was told to wait: an attempt
    was killed after it wrote that, and before anybody knew."""
    if checkpoint is None or checkpoint.is_dir() or not folder.wait.is_file():
        return False
    step = json.loads(folder.wait.read_bytes())["step"]
    states = read_checkpoint(checkpoint)["callbacks"]
    return bool(states.get(StepCounter(None).state_key, {}).get("step") == step)


def does_not_fit(trial: TrialFacts, error: BaseException) -> UserError:
    """The line for a trial that cannot go on from the checkpoint of another."""
    assert trial.branch is not None
    text = " ".join(in_words(error).split())[:_LONGEST].rstrip(".")
    return UserError(
        f"trial {trial.number} cannot go on from trial {trial.branch.source}'s checkpoint: {text}. "
        "Name the parameters that may change under way: {name: pbt, perturb: [lr]}."
    )
