"""The database made again from the events files."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from database_state import disagreements

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.errors import StorageError
from search.layout import StudyFolder
from search.messages import DIVERGED, DONE, INTERRUPTED, KILLED, OOM, PRUNED
from search.store.events.event_file import append_event, read_events
from search.store.reading import read_study
from search.store.rebuild import rebuild
from search.study_file.load import parse_study_tree

pytestmark = pytest.mark.real

SPACE = {
    "model.init_args.lr": {"float": [1e-3, 1e-1], "log": True},
    "model.init_args.width": {"int": [2, 64]},
    "model.init_args.mode": {"choice": ["fine", 3, None, 0.1]},
}


def opened(
    folder: StudyFolder,
    sampler: str = "tpe",
    pruner: str = "median",
    url: str | None = None,
    note: Callable[[str], None] = pytest.fail,
) -> Ledger:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss", "direction": "maximize"},
        "space": SPACE if sampler != "grid" else {"model.init_args.width": {"int": [2, 64]}},
        "sampler": sampler,
        "pruner": pruner,
        "seed": 3,
    }
    study_file = parse_study_tree(tree, source="study.yaml", default_name=folder.name)
    return open_ledger(plan(folder, study_file, url), 20, note=note)


def lived(ledger: Ledger) -> None:
    """Trials with every end, and two that are under way."""
    ends = (DONE, PRUNED, DIVERGED, OOM, KILLED, INTERRUPTED, DONE)
    for index, cause in enumerate(ends):
        if waiting := ledger.waiting():
            ledger.claim(waiting[0])
            number = waiting[0]
        else:
            number = ledger.sample()
        ledger.begin_attempt(number, os.getpid())
        ledger.set_sizes(number, {"micro_batch": 8, "accumulation": 2, "effective_batch": 16})
        for step in range(1, 4):
            value = float("nan") if cause == DIVERGED else 0.1 * step * index
            ledger.judge(number, step, value)
            ledger.report(number, step, step, value)
        ledger.end_attempt(number, Outcome(cause, 0.5 if cause == DONE else None, "why"))
    ledger.common.set_micro_batch("abc", 64)
    ledger.begin_attempt(ledger.sample(), os.getpid())


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "study")


@pytest.mark.parametrize("sampler", ["tpe", "grid", "qmc", "nsgaii", "cmaes"])
@pytest.mark.parametrize("pruner", ["median", "hyperband", "successive_halving"])
def test_rebuilt_database_is_the_one_that_was_lost(
    folder: StudyFolder, sampler: str, pruner: str
) -> None:
    lived(opened(folder, sampler, pruner))
    assert disagreements(folder) == []
    before = read_study(folder)
    folder.db.unlink()
    done = rebuild(folder, None)
    assert (done.trials, done.agreed, done.before) == (len(before.trials), False, None)
    assert repr(read_study(folder)) == repr(before)
    assert disagreements(folder) == []
    assert not list(folder.root.glob(".study.db*"))


@pytest.mark.parametrize("pruner", ["hyperband", "successive_halving"])
def test_infinite_value_that_a_pruner_notes_is_told_by_the_events(
    folder: StudyFolder, pruner: str
) -> None:
    lived(opened(folder, pruner=pruner))
    ledger = opened(folder, pruner=pruner)
    ledger.heal()
    number = ledger.waiting()[0]
    ledger.claim(number)
    ledger.begin_attempt(number, os.getpid())
    for step in range(10, 20):
        ledger.judge(number, step, float("-inf"))
        ledger.report(number, step, step, float("-inf"))
    attributes = ledger._events.frozen(number).system_attrs
    assert float("-inf") in attributes.values()
    for _ in range(2):
        opened(folder, pruner=pruner).heal()
        assert disagreements(folder) == []
    folder.db.unlink()
    rebuild(folder, None)
    assert disagreements(folder) == []
    assert opened(folder, pruner=pruner)._events.frozen(number).system_attrs == attributes


def test_database_that_agrees_is_left_alone(folder: StudyFolder) -> None:
    ledger = opened(folder)
    lived(ledger)
    ledger.close()
    stamp = folder.db.read_bytes()
    assert rebuild(folder, None).agreed
    assert folder.db.read_bytes() == stamp


def test_database_with_another_value_is_put_aside(folder: StudyFolder) -> None:
    lived(opened(folder))
    with closing(sqlite3.connect(folder.db)) as connection:
        connection.execute("UPDATE trial_values SET value = 9 WHERE trial_id = 1")
        connection.commit()
    assert disagreements(folder) == ["trial 0: trial_values"]
    done = rebuild(folder, None)
    assert done.before == folder.root / "study.db.before-1"
    assert read_study(folder).trials[0].value == 0.5


def is_of(descriptor: Path, folder: StudyFolder) -> bool:
    """Whether an open file is the folder's database or its log."""
    with contextlib.suppress(OSError):
        return str(descriptor.readlink()).startswith(str(folder.db))
    return False


@pytest.mark.parametrize("is_lost", [True, False])
def test_log_of_an_earlier_database_is_not_replayed_into_the_rebuilt_one(
    folder: StudyFolder, is_lost: bool
) -> None:
    lived(opened(folder))
    gc.collect()  # a connection of that ledger would remove the log when it is closed
    assert not [link for link in Path("/proc/self/fd").iterdir() if is_of(link, folder)]
    before = read_study(folder)
    with closing(sqlite3.connect(folder.db)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE trial_values SET value = 9")
        connection.commit()
        # what a coordinator that was killed leaves; closing would put the log into the database
        left = {path.name: path.read_bytes() for path in folder.root.glob("study.db*")}
    assert left["study.db-wal"]
    for name, content in left.items():
        (folder.root / name).write_bytes(content)
    if is_lost:
        folder.db.unlink()
    else:
        folder.db.write_bytes(b"nonsense" + left["study.db"][8:])
    done = rebuild(folder, None)
    assert done.before == (None if is_lost else folder.root / "study.db.before-1")
    assert repr(read_study(folder)) == repr(before)
    assert disagreements(folder) == []
    assert (folder.root / "study.db.before-1-wal").exists()


def test_rebuild_writes_nothing_into_the_database_of_another_program(
    folder: StudyFolder, tmp_path: Path
) -> None:
    lived(opened(folder))
    foreign = tmp_path / "music.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = foreign.read_bytes()
    with pytest.raises(StorageError) as error:
        rebuild(folder, f"sqlite:///{foreign}")
    assert str(error.value) == (f"{foreign}: is a database of another program. Name another place.")
    assert foreign.read_bytes() == before


def test_study_goes_on_after_a_rebuild_as_if_nothing_had_happened(
    folder: StudyFolder, tmp_path: Path
) -> None:
    other = StudyFolder(tmp_path / "other" / "study")
    for place in (folder, other):
        lived(opened(place))
    folder.db.unlink()
    rebuild(folder, None)
    sampled = []
    for place in (folder, other):
        ledger = opened(place)
        ledger.heal()
        ledger.claim(ledger.waiting()[0])
        sampled.append(ledger.params(ledger.sample()))
    assert sampled[0] == sampled[1]


def test_lost_trial_folder_leaves_a_failed_trial_with_its_number(folder: StudyFolder) -> None:
    lived(opened(folder))
    folder.trial(1).events.unlink()
    assert rebuild(folder, None).trials == 6
    trial = read_study(folder).trials[1]
    assert (trial.state, trial.cause, trial.message) == (
        "FAIL",
        "error",
        "its events file is missing",
    )
    assert disagreements(folder) == []


def test_sampled_trial_that_the_database_never_got_is_kept(folder: StudyFolder) -> None:
    ledger = opened(folder)
    ledger.sample()
    place = folder.trial(1)
    place.root.mkdir(parents=True)
    params = ledger.params(0)
    append_event(place.events, "sampled", number=1, params=params, attributes={})
    again = opened(folder, note=lambda line: None)
    assert again.heal() == [0, 1]
    assert again.params(1) == params
    assert disagreements(folder) == []


def test_end_that_the_database_never_got_is_kept(folder: StudyFolder) -> None:
    ledger = opened(folder)
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    ending = {"cause": "done", "state": "COMPLETE", "value": 0.25, "message": None, "step": 0}
    append_event(folder.trial(number).events, "reported", step=1, epoch=1, value=0.25)
    append_event(folder.trial(number).events, "attempt_ended", **ending)
    again = opened(folder, note=lambda line: None)
    assert again.heal() == []
    assert (again.trial(number).state, again.trial(number).value) == ("COMPLETE", 0.25)
    assert disagreements(folder) == []


def test_line_that_was_cut_off_counts_as_not_written(folder: StudyFolder) -> None:
    ledger = opened(folder)
    number = ledger.sample()
    events = folder.trial(number).events
    whole = events.read_bytes()
    events.write_bytes(whole + b'{"time": "2026-11-24T00:00:0')
    assert [event["event"] for event in read_events(events)] == ["sampled"]
    opened(folder).heal()
    lines = events.read_bytes().splitlines()
    assert len(lines) == 2
    assert disagreements(folder) == []


def test_damaged_events_file_is_refused_with_its_line(folder: StudyFolder) -> None:
    lived(opened(folder))
    events = folder.trial(2).events
    lines = events.read_bytes().splitlines(keepends=True)
    events.write_bytes(b"".join([lines[0], b"\x00\xff nonsense\n", *lines[2:]]))
    with pytest.raises(StorageError) as error:
        rebuild(folder, None)
    assert str(error.value) == (
        f"{events}: line 2 is not an event. Restore the file from a copy, or remove the line to "
        "do without it."
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trials SET state = 'LOST' WHERE number = 1",
        "UPDATE trial_system_attributes SET value_json = '{nonsense'",
        "UPDATE trial_values SET value = 9",
        "DELETE FROM trials WHERE number = 2",
        "DELETE FROM studies",
        "UPDATE study_user_attributes SET value_json = '7' WHERE key = 'search'",
    ],
)
def test_database_that_contradicts_the_events_is_written_anew_by_a_start(
    folder: StudyFolder, statement: str
) -> None:
    lived(opened(folder, pruner="successive_halving"))
    before = read_study(folder)
    with closing(sqlite3.connect(folder.db)) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()
    assert repr(read_study(folder)) == repr(before), "nothing is read from it"
    lines: list[str] = []
    opened(folder, pruner="successive_halving", note=lines.append)
    assert lines == [
        f"{folder.db}: differed from the events of the study and is written anew; "
        f"the one before is {folder.db}.before-1"
    ]
    assert disagreements(folder) == []
    assert repr(read_study(folder)) == repr(before)


def test_missing_database_is_written_anew_by_a_start(folder: StudyFolder) -> None:
    lived(opened(folder))
    folder.db.unlink()
    lines: list[str] = []
    opened(folder, note=lines.append)
    assert lines == [f"{folder.db}: differed from the events of the study and is written anew"]
    assert disagreements(folder) == []


def test_shared_database_keeps_the_other_studies(folder: StudyFolder, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    lived(opened(folder, url=url))
    optuna.create_study(storage=url, study_name="another").add_trial(
        optuna.trial.create_trial(value=0.25)
    )
    with closing(sqlite3.connect(tmp_path / "shared.db")) as connection:
        connection.execute("UPDATE trials SET state = 'FAIL' WHERE study_id = 1")
        connection.commit()
    lines: list[str] = []
    ledger = opened(folder, url=url, note=lines.append)
    assert len(lines) == 1
    stored = optuna.load_study(study_name="study", storage=url).trials
    assert [trial.state.name for trial in stored] == [t.state for t in ledger.record().trials]
    assert optuna.load_study(study_name="another", storage=url).best_value == 0.25


def test_study_of_the_same_name_and_other_trials_is_left_alone(
    folder: StudyFolder, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    other = StudyFolder(tmp_path / "other" / "study")
    for ledger in (opened(other, "qmc", url=url), opened(folder)):
        lived(ledger)
        # what SQLite keeps beside the file goes into it then, not in the midst of the test
        ledger.close()
    before = (tmp_path / "shared.db").read_bytes()
    for make in (lambda: opened(folder, url=url), lambda: rebuild(folder, url)):
        with pytest.raises(StorageError) as error:
            make()
        assert str(error.value) == (
            f"{url}: has another study study, with other trials. Name another database, or "
            "remove it there with `optuna delete-study`."
        )
    assert (tmp_path / "shared.db").read_bytes() == before


def test_sqlite_file_that_is_not_there_is_told_as_what_it_is(folder: StudyFolder) -> None:
    opened(folder)
    with pytest.raises(StorageError) as caught:
        opened(folder, url="sqlite:///none.db")
    assert str(caught.value) == (
        "--storage: there is no none.db, and the study study was begun before. It keeps its own in "
        f"{folder.db}: leave --storage out, or make it from the events of the trials: "
        "`search rebuild study --storage sqlite:///none.db`."
    )


@pytest.mark.parametrize(
    ("number", "old", "new", "told"),
    [
        (0, b'"COMPLETE"', b'"FINISHED"', "says what no study writes (ValueError: 'FINISHED'"),
        (4, b'"WAITING"', b'"RESTING"', "says what no study writes (ValueError: 'RESTING'"),
        (0, b'"step": 1,', b'"step": "1",', "says what no study writes (TypeError: str where int"),
        (0, b"init_args.lr", b"init_args.rl", "its events name a value of model.init_args.rl"),
    ],
)
def test_event_that_says_nonsense_is_told_in_a_line(
    folder: StudyFolder, number: int, old: bytes, new: bytes, told: str
) -> None:
    lived(opened(folder))
    events = folder.trial(number).events
    content = events.read_bytes()
    assert old in content
    events.write_bytes(content.replace(old, new))
    folder.db.unlink()
    with pytest.raises(StorageError) as error:
        rebuild(folder, None)
    assert told in str(error.value)
    assert "Restore" in str(error.value)
    assert not folder.db.exists()


def test_trial_that_another_tool_adds_to_a_running_study_takes_no_number_of_ours(
    folder: StudyFolder,
) -> None:
    ledger = opened(folder)
    number = ledger.sample()
    ledger.end_attempt(number, Outcome(DONE, 0.5))
    params = ledger.params(number)
    url = f"sqlite:///{folder.db}"
    optuna.load_study(study_name=folder.name, storage=url).enqueue_trial(params)
    with pytest.raises(StorageError) as error:
        ledger.sample()
    assert str(error.value) == (
        f"{url}: another tool added a trial to the study while it runs. Nothing is lost: run the "
        "same command again, and add trials to a running study with `search enqueue`."
    )
    assert not folder.trial(1).root.exists()
    again = opened(folder, note=lambda line: None)
    assert again.sample() == 1
    again.end_attempt(1, Outcome(DONE, 0.25))
    assert again.sample() == 2
