"""What the audited trials tell of the verdicts, and what these saved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from report.records import START, study, trial

from search.store.audit_figures import audit_figures, audit_text, audited_text, was_wrong
from search.store.records import AuditRecord, ObjectiveRecord


def at(seconds: float):
    return START + timedelta(seconds=seconds)


def complete(number: int, value: float, *, ended: float, **more: object):
    known = {"ended": at(ended), "max_epochs": 10, "furthest_epoch": 10, "values": (value,)}
    fields = known | more
    return trial(number, "COMPLETE", value, **fields)


def audited(number: int, value: float, *, condemned: float, ended: float, **more: object):
    record = AuditRecord("pruned", 2, "0.52 is above the median 0.44", at(condemned))
    return complete(number, value, ended=ended, audited=record, **more)


def stopped(number: int, epoch: int = 4, **more: object):
    fields = {"ended": at(5), "max_epochs": 10, "furthest_epoch": epoch} | more
    return trial(number, "PRUNED", 0.9, **fields)


FIRST = complete(0, 0.3, ended=10)


@pytest.mark.parametrize(("value", "wrong"), [(0.2, True), (0.3, False), (0.4, False)])
def test_stopping_the_best_so_far_would_have_been_wrong(value: float, wrong: bool) -> None:
    other = audited(1, value, condemned=20, ended=30)
    assert was_wrong(study(FIRST, other), other) is wrong


def test_a_later_and_better_trial_does_not_make_it_right() -> None:
    other = audited(1, 0.2, condemned=20, ended=30)
    assert was_wrong(study(FIRST, other, complete(2, 0.1, ended=25)), other) is True


def test_nothing_is_told_where_there_was_nothing_to_compare_with() -> None:
    early = audited(1, 0.2, condemned=5, ended=30)
    assert was_wrong(study(FIRST, early), early) is None
    assert audit_figures(study(FIRST, early)).audited == 0


def test_a_trial_that_failed_or_broke_a_constraint_was_rightly_condemned() -> None:
    failed = audited(1, 0.2, condemned=20, ended=30, infeasible=("peak_memory <= 1GiB",))
    assert was_wrong(study(FIRST, failed), failed) is False


def test_with_several_objectives_one_that_is_better_in_any_was_wrongly_stopped() -> None:
    objectives = (ObjectiveRecord("loss", "minimize"), ObjectiveRecord("accuracy", "maximize"))
    first = complete(0, 0.3, ended=10, values=(0.3, 0.9))
    for values, wrong in (((0.4, 0.95), True), ((0.4, 0.9), False)):
        other = audited(1, values[0], condemned=20, ended=30, values=values)
        assert was_wrong(study(first, other, objectives=objectives), other) is wrong


def test_figures_in_words() -> None:
    trials = [
        FIRST,
        audited(1, 0.2, condemned=20, ended=30),
        audited(2, 0.4, condemned=20, ended=30),
        stopped(3),
        stopped(4, epoch=1),
    ]
    figures = audit_figures(study(*trials))
    assert (figures.stopped, figures.audited, figures.wrong) == (2, 2, 1)
    # of 50 epochs of five trials, 6 and 9 were not trained
    assert figures.epochs_saved == pytest.approx(15 / 50)
    assert audit_text(figures) == "wrongly stopped: 1 of 2, epochs saved: 30 %"
    assert audited_text(trials[1]) == (
        "audited, would have been pruned: 0.52 is above the median 0.44"
    )


def test_epochs_are_left_out_where_a_training_has_no_end() -> None:
    trials = [FIRST, audited(1, 0.2, condemned=20, ended=30), stopped(3, max_epochs=None)]
    assert audit_text(audit_figures(study(*trials))) == "wrongly stopped: 1 of 1"


def test_nothing_is_said_without_an_audit() -> None:
    assert audit_text(audit_figures(study(FIRST, stopped(1)))) is None
