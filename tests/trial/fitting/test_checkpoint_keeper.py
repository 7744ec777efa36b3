"""Checkpoints that are not written at every epoch: what a kill and a stop leave of a trial."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conformance.kinds import Kind
from conformance.trials import (
    Cut,
    CutLink,
    Outcome,
    config_of,
    end_state,
    same,
    trained,
    work_beside_kinds,
)

from search.layout import TrialFolder
from search.messages import Message, Reported, Saved, Verdict
from search.study_file.objective import Objective
from search.trial.attempt import fit
from search.trial.checkpoints.files import kept_state
from search.trial.fitting.checkpoint_keeper import CheckpointKeeper
from search.trial.fitting.save_interval import SaveInterval
from search.trial.process.failures import StopRequested

# learns so fast that an epoch in the middle is the best
KIND = Kind("module", "one that learns fast", init_args={"lr": 0.1})

pytestmark = pytest.mark.filterwarnings("ignore")


class StopLink(CutLink):
    """Asks the trial to stop after it has reported an epoch.

    Args:
        looks: how often the trial looks before it sees that: once at the end of the epoch.
    """

    def __init__(self, at: int, looks: int) -> None:
        super().__init__(None)
        self._stop_at = at
        self._looks = looks

    @property
    def stop_requested(self) -> bool:
        if max(self.curve, default=0) < self._stop_at:
            return False
        self._looks -= 1
        return self._looks < 0


@pytest.fixture(autouse=True)
def never_earned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let checkpoints be dear: after the first none is earned before the end."""
    work_beside_kinds(monkeypatch, tmp_path)
    monkeypatch.setattr(SaveInterval, "is_earned", property(lambda self: self.writing_s is None))


def begun(study: Path, link: CutLink) -> TrialFolder:
    folder = TrialFolder(study / "trials/0000")
    folder.root.mkdir(parents=True)
    config_of(KIND).write(folder.config)
    with pytest.raises((Cut, StopRequested)):
        fit(folder, link)
    return folder


def epoch_of(path: Path) -> int:
    """How many epochs are behind a checkpoint."""
    progress = torch.load(path, weights_only=True)["loops"]["fit_loop"]["epoch_progress"]
    return int(progress["current"]["processed"])


def gone_on_with(folder: TrialFolder, before: CutLink) -> Outcome:
    rest = CutLink(None)
    value = fit(folder, rest).value
    repeated = before.curve.keys() & rest.curve.keys()
    assert all(before.curve[step] == rest.curve[step] for step in repeated)
    return Outcome(folder, value, before.curve | rest.curve)


def assert_same_end(one: Outcome, other: Outcome) -> None:
    assert (one.value, one.curve) == (other.value, other.curve)
    assert same(end_state(one), end_state(other))
    best, best_of_other = (
        torch.load(each.folder.best_ckpt, weights_only=True)["state_dict"] for each in (one, other)
    )
    assert same(best, best_of_other)


def test_kill_repeats_what_was_not_written_and_comes_to_the_same_end(tmp_path: Path) -> None:
    killed = CutLink(4)
    folder = begun(tmp_path / "killed", killed)
    assert epoch_of(folder.last_ckpt) == 1
    assert kept_state(folder.best_ckpt)["best"] == kept_state(folder.last_ckpt)["best"]
    assert_same_end(
        gone_on_with(folder, killed), trained(config_of(KIND), tmp_path / "uninterrupted")
    )


@pytest.mark.parametrize("looks", [0, 1])
def test_stop_waits_for_the_end_of_a_short_epoch(tmp_path: Path, looks: int) -> None:
    stopped = StopLink(3, looks)
    folder = begun(tmp_path / "stopped", stopped)
    assert epoch_of(folder.last_ckpt) == 3 + looks
    assert kept_state(folder.last_ckpt)["best"] == min(stopped.curve.values())
    rest = gone_on_with(folder, stopped)
    assert_same_end(rest, trained(config_of(KIND), tmp_path / "uninterrupted"))


def test_stop_in_a_long_epoch_saves_the_end_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.trial.fitting.checkpoint_keeper._FINISH_EPOCH_S", 0.0)
    stopped = StopLink(3, looks=1)
    folder = begun(tmp_path / "stopped", stopped)
    assert epoch_of(folder.last_ckpt) == 3
    assert kept_state(folder.last_ckpt)["best"] == min(stopped.curve.values())
    rest = gone_on_with(folder, stopped)
    assert_same_end(rest, trained(config_of(KIND), tmp_path / "uninterrupted"))


def test_one_long_epoch_lets_the_ends_of_all_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One epoch of several validates; a stop in it would lose the short ones before."""
    now = [100.0]

    class SlowFirst(StopLink):
        def ask(self, report: Reported) -> Verdict:
            now[0] += 50.0 if report.epoch == 1 else 0.0
            return super().ask(report)

    clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
    monkeypatch.setattr("search.trial.fitting.checkpoint_keeper.time", clock)
    folder = begun(tmp_path / "stopped", SlowFirst(3, looks=1))
    assert epoch_of(folder.last_ckpt) == 3


def test_coordinator_is_told_the_epoch_of_the_first_checkpoint_of_an_attempt(
    tmp_path: Path,
) -> None:
    told: list[int] = []

    class Listening(StopLink):
        def send(self, message: Message) -> None:
            if isinstance(message, Saved):
                told.append(message.epoch)

    folder = begun(tmp_path / "stopped", Listening(2, looks=0))
    assert told[0] == 1
    told.clear()
    with pytest.raises(StopRequested):
        fit(folder, Listening(4, looks=0))
    assert told == [epoch_of(folder.last_ckpt)] == [4]


def test_attempt_that_is_to_end_after_its_epoch_ends_for_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reason(BaseException):
        """Any but a stop."""

    def end(keeper: CheckpointKeeper, *_: Any) -> None:
        keeper.end_after_epoch(Reason())

    monkeypatch.setattr(CheckpointKeeper, "on_train_batch_end", end)
    folder = TrialFolder(tmp_path / "trials/0000")
    folder.root.mkdir(parents=True)
    config_of(KIND).write(folder.config)
    with pytest.raises(Reason):
        fit(folder, CutLink(None))
    assert epoch_of(folder.last_ckpt) == 1


def test_first_rank_decides_what_is_the_best_within_an_epoch(tmp_path: Path) -> None:
    keeper = CheckpointKeeper(
        TrialFolder(tmp_path), Objective("val_loss"), ["val_loss"], CutLink(None)
    )
    progress = SimpleNamespace(is_last_batch=False)
    trainer: Any = SimpleNamespace(
        callback_metrics={"val_loss": 1.0},
        fit_loop=SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=progress)),
        strategy=SimpleNamespace(broadcast=lambda own: not own),
    )
    # its own answer is yes, and taking a checkpoint alone would wait for ever
    keeper.note(trainer)
    assert keeper.best is None


def test_best_of_an_epoch_that_was_not_written_is_written_with_its_value(tmp_path: Path) -> None:
    whole = trained(config_of(KIND), tmp_path / "whole")
    best_step = min(whole.curve, key=lambda step: whole.curve[step])
    assert 1 < best_step < max(whole.curve)
    assert epoch_of(whole.folder.best_ckpt) == best_step
    assert kept_state(whole.folder.best_ckpt)["best"] == whole.value
    assert kept_state(whole.folder.last_ckpt)["best"] == whole.value
