"""The audited trials judged by what they came to, and the epochs that stopping others saved."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from search.messages import PRUNED
from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import in_utc
from search.study_file.objective import sign_of

# the values of a trial, to be minimized
_Point = tuple[float, ...]
_Front = tuple[_Point, ...]


@dataclass(frozen=True)
class AuditFigures:
    """Figures of a study about the trials that it condemned."""

    stopped: int
    """Those that were ended by a verdict."""
    audited: int
    """Those that ran to their end all the same, and can be judged."""
    wrong: int
    """Of these, those that it would have been wrong to stop."""
    epochs_saved: float | None
    """Part of the epochs that were not trained; None where it is not known what all would be."""


def audit_figures(record: StudyRecord) -> AuditFigures:
    """The figures of a study as it stands."""
    own = [trial for trial in record.trials if trial.taken_from is None]
    stopped = [each for each in own if each.state == "PRUNED" and each.cause == PRUNED]
    results = _Results(record)
    judged = [results.was_wrong(each) for each in own if each.audited is not None]
    return AuditFigures(
        stopped=len(stopped),
        audited=sum(each is not None for each in judged),
        wrong=sum(each is True for each in judged),
        epochs_saved=_epochs_saved(stopped, own),
    )


def was_wrong(record: StudyRecord, trial: TrialRecord) -> bool | None:
    """Tell whether it would have been wrong to stop an audited trial.

    It would have been if no trial that was complete and feasible when it was condemned is at least
    as good in every objective; with one objective: if it ended better than the best one known then.

    Returns:
        None while the trial runs, and where none was complete with which it could be compared.
    """
    return _Results(record).was_wrong(trial)


def audit_text(figures: AuditFigures) -> str | None:
    """The figures in words; None where no trial was audited."""
    if not figures.audited:
        return None
    text = f"wrongly stopped: {figures.wrong} of {figures.audited}"
    if figures.epochs_saved is not None:
        text += f", epochs saved: {100 * figures.epochs_saved:.0f} %"
    return text


def audited_text(trial: TrialRecord) -> str | None:
    """How it came that a trial was audited, in words; None where it was not."""
    if trial.audited is None:
        return None
    return f"audited, {spared_text(trial.audited.verdict, trial.audited.why)}"


def spared_text(verdict: str, why: str | None) -> str:
    """A verdict that was not carried out, and its reason, in words."""
    return f"would have been {verdict}" + (f": {why}" if why else "")


class _Results:
    """The complete and feasible trials of a study, in the order in which they ended."""

    def __init__(self, record: StudyRecord) -> None:
        self._signs = [sign_of(each.direction) for each in record.objectives]
        ended = sorted(
            (in_utc(each.ended), self._point(each))
            for each in record.trials
            if each.ended is not None and _counts(each)
        )
        self._times = [time for time, _ in ended]
        # before the first, and after each of them
        front: _Front = ()
        self._fronts = list(accumulate((point for _, point in ended), _joined, initial=front))

    def was_wrong(self, trial: TrialRecord) -> bool | None:
        """As the function of this name."""
        if trial.audited is None or not trial.is_finished:
            return None
        front = self._fronts[bisect_right(self._times, in_utc(trial.audited.time))]
        if not front:
            return None
        return _counts(trial) and not _is_reached(front, self._point(trial))

    def _point(self, trial: TrialRecord) -> _Point:
        pairs = zip(self._signs, trial.values, strict=True)
        return tuple(sign * value for sign, value in pairs)


def _counts(trial: TrialRecord) -> bool:
    return trial.state == "COMPLETE" and not trial.infeasible and bool(trial.values)


def _is_reached(front: _Front, point: _Point) -> bool:
    """Tell whether a point of a front is at least as good in every objective."""
    return any(all(a <= b for a, b in zip(each, point, strict=True)) for each in front)


def _joined(front: _Front, point: _Point) -> _Front:
    """A front and one more point."""
    if _is_reached(front, point):
        return front
    return (*(each for each in front if not _is_reached((point,), each)), point)


def _epochs_saved(stopped: Sequence[TrialRecord], own: Sequence[TrialRecord]) -> float | None:
    """Part of the epochs that stopping saved: of those that all complete trials have trained and
    all stopped ones would have."""
    total = sum(each.furthest_epoch for each in own if each.state == "COMPLETE")
    saved = 0
    for trial in stopped:
        if trial.max_epochs is None:
            return None
        saved += max(0, trial.max_epochs - trial.furthest_epoch)
        total += max(trial.max_epochs, trial.furthest_epoch)
    return saved / total if total else None
