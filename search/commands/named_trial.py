"""One trial of a study, by its number or as its best."""

from __future__ import annotations

from collections.abc import Sequence

from search.errors import StudyFailed, UserError, printable
from search.store.records import StudyRecord, TrialRecord

_GO_ON = "Go on with `search resume`."


def trial_numbered(record: StudyRecord, number: int) -> TrialRecord:
    """The trial of a number.

    Raises:
        UserError: the study has none.
    """
    trial = next((trial for trial in record.trials if trial.number == number), None)
    if trial is None:
        has = f"0 to {len(record.trials) - 1}" if record.trials else "none yet"
        raise UserError(f"{record.name}: no trial {number}. Its trials are {has}.")
    return trial


def best_trial(record: StudyRecord, *, instead: str, go_on: str = _GO_ON) -> TrialRecord:
    """The best trial of a study of one objective.

    Args:
        instead: the next step where there are several objectives.
        go_on: the next step where no trial has finished.

    Raises:
        UserError: several objectives have no best trial.
        StudyFailed: none has finished.
    """
    if record.is_multi_objective:
        raise UserError(f"{record.name}: several objectives have no best trial. {instead}")
    return best_trials(record, go_on=go_on)[0]


def best_trials(record: StudyRecord, *, go_on: str = _GO_ON) -> tuple[TrialRecord, ...]:
    """The Pareto front; of one objective, the best trial alone.

    Raises:
        StudyFailed: no trial has finished that keeps to the outcome constraints.
    """
    if record.front:
        return record.front
    if any(trial.infeasible for trial in record.trials):
        kept = ", ".join(record.outcome_constraints)
        raise StudyFailed(f"{record.name}: no finished trial keeps to {kept}.")
    raise StudyFailed(f"{record.name}: no trial has finished yet. {go_on}")


def chosen_trial(record: StudyRecord, number: int | None) -> TrialRecord:
    """The trial that --trial names, else the best; raises as the functions above."""
    if number is not None:
        return trial_numbered(record, number)
    front = ", ".join(str(trial.number) for trial in record.front) or "none is there yet"
    return best_trial(record, instead=f"Name one of the front with --trial: {front}.")


def trial_named(verb: str, words: Sequence[str]) -> tuple[str | None, int]:
    """The study, where it is named in place, and the number of the trial.

    Raises:
        UserError: the words name no trial.
    """
    *named, last = words or ("",)
    # the other way round as well, unless both are numbers
    if len(named) == 1 and _is_number(named[0]) and not _is_number(last):
        named, last = [last], named[0]
    if len(named) > 1 or not _is_number(last):
        raise UserError(
            f"{verb}: must be STUDY N, got {printable(' '.join(words), 100) or 'nothing'}. "
            f"Write `search {verb} STUDY 17`."
        )
    return (named[0] if named else None), int(last)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10
