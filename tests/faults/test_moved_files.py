"""What a study consists of is moved or removed while it runs: nothing is lost, nothing runs twice.

Attempts are not trained here; what befalls the study does so between the coordinator's own steps.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from database_state import disagreements
from faults.in_process import command_line
from faults.without_training import Untrained

from search.layout import StudyFolder, TrialFolder
from search.messages import Slot
from search.store.reading import read_study

TRIALS = 4
STUDY = StudyFolder(Path("studies/study"))
DATABASE_MOVED = (
    f"{STUDY.db}: was moved or removed while the study runs. Put it back, or make it again "
    "from the events of the trials: `search rebuild study`. Then run the same command again.\n"
)
Action = Callable[[], object]
# exit code, all output
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def search(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the study to the end; `action` happens when trial `at`, or the check, begins."""
    monkeypatch.chdir(project.root)
    project.study(budget={"trials": TRIALS})
    command = command_line(capfd)

    def run(
        action: Action = lambda: None, *, at: int | str = 1, trials: int = TRIALS
    ) -> tuple[int, str]:
        begins = at if at == "check" else f"{at:04d}"

        class Disturbed(Untrained):
            def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
                super().start(attempt, task, folder, slot)
                if begins == (folder.root.name if task == "fit" else task):
                    action()

        monkeypatch.setattr("search.engine.place.LocalExecutor", Disturbed)
        return command("run", "study.yaml", "--trials", trials)

    return run


@pytest.fixture(params=["first run", "later run"])
def at(request: pytest.FixtureRequest, search: Run) -> int:
    """The trial at which something happens."""
    if request.param == "first run":
        return 1
    assert search(trials=2)[0] == 0
    return 3


def assert_whole(trials: int = TRIALS) -> None:
    states = [trial.state for trial in read_study(STUDY).trials]
    assert states == ["COMPLETE"] * trials
    assert disagreements(STUDY) == []


def away(path: Path) -> Path:
    return path.rename(Path("away"))


@pytest.mark.parametrize("move", [Path.unlink, away])
def test_study_file_is_written_again(search: Run, at: int, move: Callable[[Path], None]) -> None:
    code, output = search(lambda: move(STUDY.study_file), at=at)
    assert code == 0, output
    assert f"{STUDY.study_file}: was moved or removed, and is written again\n" in output
    assert_whole()
    assert search(trials=TRIALS + 1)[0] == 0
    assert_whole(TRIALS + 1)


def test_lock_file_is_made_again_and_lets_no_second_run_in(
    project: Project, search: Run, at: int
) -> None:
    second: list[Any] = []

    def unlock() -> None:
        STUDY.lock.unlink()
        second.append(project.run("run", "study.yaml"))

    code, output = search(unlock, at=at)
    assert code == 0, output
    assert second[0].returncode == 2
    assert second[0].stderr == (
        f"{STUDY.root}: is being run by process unknown. Wait for it, stop it with Ctrl-C, or run "
        "another study.\n"
    )
    assert STUDY.lock.is_file()
    assert_whole()


MOVED = (
    f"{STUDY.root}: was moved or removed while the study runs. Put it back, then run the same "
    "command again.\n"
)


def test_folder_that_is_moved_ends_the_run_and_is_gone_on_with(search: Run, at: int) -> None:
    code, output = search(lambda: away(STUDY.root), at=at)
    assert (code, output.splitlines(keepends=True)[-1]) == (2, MOVED)
    assert not STUDY.root.exists()
    Path("away").rename(STUDY.root)
    assert search()[0] == 0
    assert_whole()


def test_folder_that_is_removed_ends_the_run(search: Run, at: int) -> None:
    code, output = search(lambda: shutil.rmtree(STUDY.root), at=at)
    assert (code, output.splitlines(keepends=True)[-1]) == (2, MOVED)
    assert not STUDY.root.exists()


def test_folder_in_the_place_of_the_study_is_left_alone(search: Run, at: int) -> None:
    def replace() -> None:
        away(STUDY.root)
        STUDY.root.mkdir()
        STUDY.db.write_text("mine")

    code, output = search(replace, at=at)
    assert (code, output.splitlines(keepends=True)[-1]) == (2, MOVED)
    assert [path.name for path in STUDY.root.iterdir()] == ["study.db"]


def test_folder_of_a_trial_that_is_moved_ends_the_run(search: Run, at: int) -> None:
    trial = STUDY.trial(at)
    code, output = search(lambda: away(trial.root), at=at)
    assert (code, output.splitlines(keepends=True)[-1]) == (
        2,
        f"{trial.events}: was moved or removed while the trial runs. Put it back, then run the "
        "same command again.\n",
    )
    Path("away").rename(trial.root)
    assert search()[0] == 0
    assert_whole()


def test_trial_whose_folder_is_removed_begins_anew(search: Run, at: int) -> None:
    assert search(lambda: shutil.rmtree(STUDY.trial(at).root), at=at)[0] == 2
    assert search()[0] == 0
    assert_whole()


@pytest.mark.parametrize("move", [Path.unlink, away])
def test_events_of_the_study_are_written_again(
    search: Run, at: int, move: Callable[[Path], None]
) -> None:
    before: list[str] = []

    def remove() -> None:
        before.append(STUDY.events.read_text())
        move(STUDY.events)

    code, output = search(remove, at=at)
    assert code == 0, output
    assert f"{STUDY.events}: was moved or removed, and is written again\n" in output
    assert STUDY.events.read_text().startswith(before[0])
    assert_whole()
    assert search(trials=TRIALS + 1)[0] == 0
    assert_whole(TRIALS + 1)


def test_database_that_is_moved_ends_the_run(search: Run, at: int) -> None:
    code, output = search(lambda: away(STUDY.db), at=at)
    assert (code, output.splitlines(keepends=True)[-1]) == (2, DATABASE_MOVED)
    Path("away").rename(STUDY.db)
    assert search()[0] == 0
    assert_whole()


def test_database_that_is_moved_during_the_check_ends_the_run(search: Run) -> None:
    assert search(trials=2)[0] == 0
    code, output = search(lambda: away(STUDY.db), at="check")
    assert (code, output.splitlines(keepends=True)[-1]) == (2, DATABASE_MOVED)
    Path("away").rename(STUDY.db)
    assert search()[0] == 0
    assert_whole()


def test_study_file_that_is_removed_during_the_check_is_written_again(search: Run) -> None:
    assert search(trials=2)[0] == 0
    text = STUDY.study_file.read_text()
    code, output = search(STUDY.study_file.unlink, at="check")
    assert code == 0
    assert output.count(f"{STUDY.study_file}: was moved or removed, and is written again\n") == 1
    assert STUDY.study_file.read_text() == text
    assert_whole()
