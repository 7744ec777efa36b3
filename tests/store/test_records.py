"""Facts that follow from what is recorded of a trial."""

from __future__ import annotations

from pathlib import Path

from search.store.records import TrialRecord


def test_nothing_is_said_of_what_a_kill_repeats_before_an_epoch_was_measured() -> None:
    begun = TrialRecord(0, "RUNNING", {}, None, {}, Path(), saved_every_s=1.0)
    assert begun.repeats_s is None
    known = TrialRecord(0, "WAITING", {}, None, {}, Path(), saved_every_s=1.0, epoch_time=600.0)
    assert known.repeats_s == 601.0
