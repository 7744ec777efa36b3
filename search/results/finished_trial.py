"""A finished trial, and what can be done with it outside of its study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.engine.ask import TEST, AnswerT, Question, ask_once
from search.errors import UserError
from search.layout import StudyFolder, TrialFolder
from search.store.provenance.record import origin
from search.store.records import StudyRecord, TrialRecord
from search.study_file.trial_config import TrialConfig, read_trial_config
from search.study_file.value_checkpoint import value_checkpoint


@dataclass(frozen=True)
class FinishedTrial:
    """A complete trial and its files."""

    study: StudyRecord
    trial: TrialRecord
    config: TrialConfig
    checkpoint: Path
    """The one that belongs to the value."""

    @property
    def place(self) -> str:
        return f"{self.study.name}, trial {self.trial.number}"


def finished_trial(study: StudyRecord, trial: TrialRecord) -> FinishedTrial:
    """A trial that can be tested and exported.

    Raises:
        UserError: it is not complete, or its files are gone.
    """
    place = f"{study.name}, trial {trial.number}"
    if trial.state != "COMPLETE":
        raise UserError(f"{place}: must be complete, got {trial.state}. Name another with --trial.")
    folder = TrialFolder(trial.folder)
    if not folder.config.is_file():
        raise UserError(f"{folder.config}: is missing. Restore it, or name another with --trial.")
    config = read_trial_config(folder.config)
    checkpoint = trial.checkpoint
    if checkpoint is None:
        raise UserError(
            f"{value_checkpoint(folder)}: is missing; the study file may keep those of the "
            "best trials only. Name another with --trial."
        )
    # of several objectives, that whose metric keeps the checkpoint
    metrics = [each.metric for each in study.objectives]
    of_one = study.of_objective(metrics.index(config.objective.metric))
    return FinishedTrial(of_one, of_one.trials[trial.number], config, checkpoint)


def test_trial(finished: FinishedTrial) -> dict[str, float]:
    """Run the test loop on the checkpoint of the trial; returns the metrics that it logs.

    Raises:
        UserError: there is nothing to test with, or the user's own code fails.
    """
    return ask_about(finished, TEST).metrics


def ask_about(finished: FinishedTrial, question: Question[AnswerT]) -> AnswerT:
    """Ask a process with torch about the trial; raises as `ask_once`."""
    return ask_once(
        question,
        finished.config.to_tree(),
        place=finished.place,
        sys_path=[project_folder(finished.study.folder), Path.cwd()],
        checkpoint=finished.checkpoint,
    )


def project_folder(study: Path) -> Path:
    """Where the classes of a study are: beside the study file that it was first run from, as far
    as that is known, else beside the folder of studies."""
    return origin(StudyFolder(study)) or study.absolute().parent.parent
