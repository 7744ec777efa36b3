"""Executors and views that a test pretends, and a coordinator of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.engine.batch_sizes import BatchPlan
from search.engine.coordinator import Coordinator
from search.engine.deadline import Deadline
from search.engine.opening import open_ledger, plan
from search.engine.progress import Event, Note
from search.engine.request import RunRequest
from search.engine.signals import SignalWatch
from search.layout import StudyFolder, TrialFolder
from search.messages import (
    DONE,
    Ended,
    Exited,
    Launched,
    Message,
    Reported,
    Slot,
    SlotOpened,
    Verdict,
)
from search.store.lock import StudyLock
from search.store.ownership import Ownership
from search.study_file.load import parse_study_tree

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

    def preload(self, modules: Sequence[str], *, warm_up: bool) -> None: ...

    def need_slots(self, count: int) -> None: ...

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        self._said += [(f"slot {place}", SlotOpened(slot)) for place, slot in enumerate(wanted)]

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        self._folder = folder
        reports = (Reported(1, 1, 0.5), Reported(2, 2, 0.25))
        said = (Launched(attempt, 0), *reports, Ended(DONE, 0.25), Exited(attempt, 0))
        self._said += [(attempt, message) for message in said]

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


class Notes(NoView):
    """A view that keeps what it is told in words."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def handle(self, event: Event) -> None:
        if isinstance(event, Note):
            self.texts.append(event.text)


class Several(OneAttempt):
    """An executor of several attempts; notes what it is asked for, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        self.order.append(f"start {folder.root.name}")
        said = (Launched(attempt, 0), Reported(1, 1, 0.5), Ended(DONE, 0.5), Exited(attempt, 0))
        self._said += [(attempt, message) for message in said]

    def send(self, attempt: str, message: Message) -> None:
        self.order.append(f"verdict {attempt.split('-')[1]}")


class Scripted(Several):
    """An executor whose attempts say in turn what is given, and further ones what is usual.

    Args:
        scripts: for each attempt what is said, by the attempt where the name is empty, else by
            the slot of that name.
    """

    def __init__(self, *scripts: Sequence[tuple[str, Message]]) -> None:
        super().__init__()
        self._scripts = list(scripts)

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        super().start(attempt, task, folder, slot)
        if self._scripts:
            said = self._scripts.pop(0)
            self._said = [(name or attempt, message) for name, message in said]


def made(
    folder: StudyFolder,
    executor: OneAttempt,
    *,
    tree: Mapping[str, Any] = TREE,
    asked: int | None = 1,
    batches: BatchPlan | None = None,
    deadline: Deadline | None = None,
    slots: int = 1,
    view: NoView | None = None,
    signals: SignalWatch | None = None,
) -> Coordinator:
    study_file = parse_study_tree(dict(tree), source="study.yaml", default_name=folder.name)
    folder.root.mkdir()
    return Coordinator(
        request=RunRequest(folder, study_file, "study.yaml", folder.root, trials=asked),
        ledger=open_ledger(plan(folder, study_file, None), asked),
        executor=executor,
        view=view or NoView(),
        batches=batches or BatchPlan("off", None, None, ()),
        slots=[Slot(1)] * slots,
        deadline=deadline or Deadline(None),
        signals=signals or SignalWatch(),
        ownership=Ownership(folder, StudyLock(folder.lock)),
    )
