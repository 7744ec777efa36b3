"""One question to an attempt: its answer or one line, and what is left on the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from search.answers import Answer, Checked, Timed
from search.engine.ask import CHECK, DRY, TIME, Question, ask
from search.errors import Interrupted, StudyFileError, UserError
from search.layout import TrialFolder
from search.messages import ERROR, INTERRUPTED, Ended, Exited, Launched, Message, Slot, SlotOpened


class Answering:
    """An executor whose attempts say what a test wants, one after another."""

    shared_folder: Path | None = None

    def __init__(self, *says: Callable[[TrialFolder], Sequence[Message]]) -> None:
        self._says = list(says)
        self._messages: list[tuple[str, Message]] = []
        self.started: list[str] = []
        self.folder = TrialFolder(Path())

    def preload(self, modules: Sequence[str], *, warm_up: bool) -> None: ...

    def need_slots(self, count: int) -> None: ...

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        self._messages += [(f"slot {place}", SlotOpened(slot)) for place, slot in enumerate(wanted)]

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        self.started.append(attempt)
        self.folder = folder
        self._messages += [(attempt, each) for each in self._says.pop(0)(folder)]

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        messages, self._messages = self._messages, []
        return messages

    def send(self, attempt: str, message: Message) -> None: ...

    def kill(self, attempt: str, *, dump: bool = False) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def says(*messages: Message, status: int = 0) -> Callable[[TrialFolder], Sequence[Message]]:
    return lambda _: [Launched("any", 1), *messages, Exited("any", status)]


def killed(_: TrialFolder) -> Sequence[Message]:
    return [Exited("any", -9)]


def asked(executor: Answering, question: Question[Any], tick: Callable[[], None]) -> Answer:
    answer: Answer = ask(
        question,
        {"model": {"class_path": "tiny.Tiny"}},
        place="study.yaml",
        executor=executor,
        slot=Slot(1),
        tick=tick,
    )
    return answer


def nothing() -> None:
    """Nobody ends the wait."""


def test_answer_is_returned_and_the_folder_removed(temporary: Path) -> None:
    executor = Answering(says(Checked(samples=3)))
    assert asked(executor, CHECK, nothing) == Checked(samples=3)
    assert list(temporary.iterdir()) == []


def test_killed_check_is_tried_again_under_another_name(temporary: Path) -> None:
    executor = Answering(killed, says(Ended(INTERRUPTED)), says(Checked()))
    assert asked(executor, CHECK, nothing) == Checked()
    assert len(set(executor.started)) == 3
    assert list(temporary.iterdir()) == []


def lost(_: TrialFolder) -> Sequence[Message]:
    return [Launched("any", 1), Exited("any", -9, lost="node n2 was lost: its job is gone")]


def test_question_is_asked_again_of_another_machine_where_one_is_lost(temporary: Path) -> None:
    """Also one that is given up at its first kill."""
    executor = Answering(lost, lost, lost, says(Timed()))
    assert asked(executor, TIME, nothing) == Timed()
    assert len(set(executor.started)) == 4
    assert list(temporary.iterdir()) == []


def test_question_that_takes_its_machines_down_is_given_up() -> None:
    executor = Answering(*[lost] * 10)
    with pytest.raises(UserError) as refused:
        asked(executor, CHECK, nothing)
    assert str(refused.value) == (
        "study.yaml: the check before the first trial was lost 10 times, the last time as "
        f"node n2 was lost: its job is gone. Its log: {executor.folder.log}"
    )


@pytest.mark.parametrize(
    ("question", "executor", "text"),
    [
        (CHECK, Answering(*[killed] * 3), "the check before the first trial ended 3 times, with"),
        (DRY, Answering(says(status=3)), "the dry trial ended with"),
    ],
)
def test_log_of_a_killed_attempt_is_kept_and_named(
    temporary: Path, question: Question[Any], executor: Answering, text: str
) -> None:
    status = 3 if question is DRY else -9
    with pytest.raises(UserError) as refused:
        asked(executor, question, nothing)
    log = executor.folder.log
    assert str(refused.value) == f"study.yaml: {text} status {status}. Its log: {log}"
    assert list(temporary.iterdir()) == [log.parent]


def test_error_is_told_once_with_its_log() -> None:
    executor = Answering(says(Ended(ERROR, message="ValueError: of the user.")))
    with pytest.raises(UserError) as refused:
        asked(executor, CHECK, nothing)
    assert str(refused.value) == (
        "study.yaml: the check before the first trial failed: ValueError: of the user. "
        f"Its log: {executor.folder.log}"
    )


def test_problems_are_lines_and_the_folder_goes_unless_one_names_a_file_in_it(
    temporary: Path,
) -> None:
    with pytest.raises(StudyFileError) as refused:
        asked(Answering(says(Checked(problems=("one.", "two.")))), CHECK, nothing)
    assert refused.value.problems == ("study.yaml: one.", "study.yaml: two.")
    assert list(temporary.iterdir()) == []
    named = Answering(
        lambda folder: says(Checked(problems=(f"Its traceback: {folder.log}",)))(folder)
    )
    with pytest.raises(StudyFileError):
        asked(named, CHECK, nothing)
    assert list(temporary.iterdir()) == [named.folder.root]


def test_signal_ends_the_wait_and_leaves_nothing(temporary: Path) -> None:
    def interrupt() -> None:
        raise Interrupted(2)

    with pytest.raises(Interrupted):
        asked(Answering(lambda _: []), CHECK, interrupt)
    assert list(temporary.iterdir()) == []
