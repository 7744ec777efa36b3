"""What the coordinator has written when an attempt hears from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from search.engine import coordinator
from search.engine.batch_sizes import BatchPlan
from search.engine.coordinator import Coordinator
from search.engine.executors.protocol import Slot
from search.engine.limits import Deadline, Limits
from search.engine.lock import StudyLock
from search.engine.opening import open_ledger, plan
from search.engine.owning import Ownership
from search.engine.progress import Event
from search.engine.signals import SignalWatch
from search.messages import DONE, Ended, Exited, Launched, Message, Reported, Verdict
from search.study.file import parse_study_tree
from search.study.layout import StudyFolder, TrialFolder

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": {"float": [1e-3, 1e-1]}},
}


class OneAttempt:
    """An executor whose attempt reports twice; looks at the disk at each verdict."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self._said: list[tuple[str, Message]] = []
        self._folder = TrialFolder(Path())

    def preload(self, modules: Sequence[str], *, rehearse: bool) -> None: ...

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        self._folder = folder
        reports = (Reported(1, 1, 0.5), Reported(2, 2, 0.25))
        said = (Launched(attempt, 0), *reports, Ended(DONE, 0.25), Exited(attempt, 0))
        self._said = [(attempt, message) for message in said]

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        said, self._said = self._said, []
        return said

    def send(self, attempt: str, message: Message) -> None:
        assert isinstance(message, Verdict)
        self.written.append(self._folder.events.read_text().count('"reported"'))

    def kill(self, attempt: str, *, dump: bool = False) -> None: ...

    def close(self) -> None: ...


class NoView:
    def handle(self, event: Event) -> None: ...

    def tick(self) -> None: ...

    def close(self) -> None: ...


def made(folder: StudyFolder, executor: OneAttempt) -> Coordinator:
    study_file = parse_study_tree(TREE, source="study.yaml", default_name=folder.name)
    folder.root.mkdir()
    return Coordinator(
        ledger=open_ledger(plan(folder, study_file, None), asked=1),
        executor=executor,
        view=NoView(),
        study_file=study_file,
        batches=BatchPlan("off", None, None, ()),
        slots=[Slot(1)],
        limits=Limits(asked=1),
        deadline=Deadline(None),
        signals=SignalWatch(),
        ownership=Ownership(folder, StudyLock(folder.lock)),
    )


def test_report_is_written_before_its_verdict_is_sent(tmp_path: Path) -> None:
    """With the verdict the attempt saves its checkpoint, and would never report the step again."""
    executor = OneAttempt()
    assert made(StudyFolder(tmp_path / "study"), executor).run() == "finished"
    assert executor.written == [1, 2]


def test_report_that_cannot_be_written_gets_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = OneAttempt()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(coordinator.Ledger, "report", full)
    with pytest.raises(OSError, match="No space left"):
        made(StudyFolder(tmp_path / "study"), executor).run()
    assert executor.written == []
