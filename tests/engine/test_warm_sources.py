"""Earlier studies that a new one learns from: ours and Optuna's are read, all else is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from database_state import disagreements

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import Opening, open_ledger, plan
from search.engine.warm_sources import read_sources
from search.errors import StudyFileError, UserError
from search.layout import StudyFolder
from search.messages import DIVERGED, DONE, PRUNED
from search.results.extend import extend
from search.store.reading import read_study
from search.store.rebuild import rebuild
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile
from search.view.study_table import status_json
from search.view.warm_start_text import warm_start_text, weights_now

# a real database each, and Optuna's samplers
pytestmark = pytest.mark.real

LR, DEPTH = "model.init_args.lr", "model.init_args.depth"
TREE: dict[str, Any] = {
    "model": {"class_path": "a.Net", "init_args": {"lr": 1e-3, "depth": 2}},
    "objective": {"metric": "m"},
    "space": {LR: {"float": [1e-4, 1e-1], "log": True}, DEPTH: {"int": [1, 8]}},
}
# of an earlier study, nearer to its optimum than what is sampled
BEST = (1e-2, 1.001e-2, 1.002e-2)


def study_file_of(name: str = "new", **changes: Any) -> StudyFile:
    return parse_study_tree(TREE | changes, source="s.yaml", default_name=name)


def planned(root: Path, study_file: StudyFile) -> Opening:
    folder = StudyFolder(root / study_file.name)
    opening = plan(folder, study_file, None)
    if not opening.exists:
        sources = read_sources(study_file, folder, "s.yaml", root)
        opening = Opening(folder, study_file, None, exists=False, warm_sources=sources)
    return opening


def opened(
    root: Path, study_file: StudyFile, note: Callable[[str], None] = lambda line: None
) -> Ledger:
    return open_ledger(planned(root, study_file), 20, note=note)


def trained(ledger: Ledger, count: int) -> list[dict[str, Any]]:
    """The parameters of the next trials, which are better the nearer lr is to 1e-2."""
    found = []
    for _ in range(count):
        number = ledger.sample()
        params = ledger.params(number)
        found.append(params)
        ledger.end_attempt(number, Outcome(DONE, abs(float(params[LR]) - 1e-2)))  # type: ignore[arg-type]
    return found


@pytest.fixture
def earlier(tmp_path: Path) -> StudyFolder:
    """A finished study of ours, the best of whose trials are 1, 2 and 3."""
    values = [{LR: rate, DEPTH: 4} for rate in BEST]
    ledger = opened(tmp_path, study_file_of("earlier", enqueue=values))
    trained(ledger, 6)
    ledger.end_attempt(ledger.sample(), Outcome(DIVERGED))
    number = ledger.sample()
    ledger.report(number, 1, 1, 0.0)
    ledger.end_attempt(number, Outcome(PRUNED))
    ledger.close()
    return StudyFolder(tmp_path / "earlier")


def foreign(path: Path, *names: str, **suggested: float) -> Path:
    """A database of a study that another program made, to be maximized."""
    for name in names or ("tuning",):
        study = optuna.create_study(
            storage=f"sqlite:///{path}", study_name=name, direction="maximize"
        )
        for lr in (1e-3, 1e-2, 5e-2):
            distributions: dict[str, Any] = {
                "lr": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
                **{key: optuna.distributions.FloatDistribution(0, 1) for key in suggested},
            }
            study.add_trial(
                optuna.trial.create_trial(
                    params={"lr": lr, **suggested}, distributions=distributions, value=lr
                )
            )
    return path


def refused(root: Path, **changes: Any) -> str:
    """The one line by which a study is refused; nothing is made."""
    with pytest.raises(UserError) as caught:
        planned(root, study_file_of(**changes))
    assert not (root / "new").exists()
    return str(caught.value)


def bytes_below(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_best_of_an_earlier_study_come_after_the_users_own_points(
    tmp_path: Path, earlier: StudyFolder
) -> None:
    lines: list[str] = []
    queued = {LR: 5e-2, DEPTH: 1}
    new = study_file_of(warm_start="earlier", enqueue=[queued])
    ledger = opened(tmp_path, new, lines.append)
    assert lines[-1] == (
        "warm start: 7 trials of earlier; 3 of the best configurations are tried early"
    )
    assert trained(ledger, 5) == [
        {LR: 1e-3, DEPTH: 2},
        queued,
        *({LR: rate, DEPTH: 4} for rate in BEST),
    ]
    ledger.sample()
    assert [trial.warm_origin for trial in ledger.record().trials] == [
        *(None, None),
        *(f"earlier, trial {number}" for number in (1, 2, 3)),
        None,
    ]


def test_a_study_never_needs_its_sources_again(tmp_path: Path, earlier: StudyFolder) -> None:
    study_file = study_file_of(warm_start="earlier")
    one = opened(tmp_path, study_file)
    found = trained(one, 2)
    one.close()
    shutil.copytree(tmp_path / "new", tmp_path / "elsewhere" / "new")
    shutil.rmtree(earlier.root)
    again = opened(tmp_path / "elsewhere", study_file)
    found += trained(again, 3)
    assert [params[LR] for params in found[:4]] == [1e-3, *BEST]
    record = again.record()
    assert record.warm_start.text == "7 trials of earlier"
    again.close()
    folder = StudyFolder(tmp_path / "elsewhere" / "new")
    folder.db.unlink()
    rebuild(folder, None)
    assert disagreements(folder) == []
    assert read_study(folder).warm_start == record.warm_start


def test_a_source_is_left_as_it_was(tmp_path: Path, earlier: StudyFolder) -> None:
    database = foreign(tmp_path / "other.db")
    before = bytes_below(tmp_path)
    planned(tmp_path, study_file_of(warm_start=["earlier", "other.db"]))
    assert bytes_below(tmp_path) == before
    assert database.is_file()


@pytest.mark.parametrize("named", ["earlier", "folder", "database"])
def test_a_study_of_ours_is_named_in_three_ways(
    named: str, tmp_path: Path, earlier: StudyFolder
) -> None:
    words = {"earlier": "earlier", "folder": str(earlier.root), "database": str(earlier.db)}
    (source,) = planned(tmp_path, study_file_of(warm_start=words[named])).warm_sources
    assert source.name == words[named]
    # the one that diverged is not among them, the one that was pruned is the last
    assert [each.number for each in source.trials][-1] == 7
    assert source.finished == 7


def test_a_study_that_is_named_in_two_ways_counts_once(
    tmp_path: Path, earlier: StudyFolder
) -> None:
    foreign(tmp_path / "other.db", "a")
    words = ["earlier", str(earlier.db), "other.db", "other.db::a"]
    assert refused(tmp_path, warm_start=words).splitlines() == [
        f"s.yaml: warm_start: {earlier.db}: is the study that earlier names. Keep one.",
        "s.yaml: warm_start: other.db::a: is the study that other.db names. Keep one.",
    ]


def test_a_database_of_another_program_is_read(tmp_path: Path) -> None:
    foreign(tmp_path / "other.db", momentum=0.5)
    ledger = opened(tmp_path, study_file_of(warm_start="other.db"))
    assert [params[LR] for params in trained(ledger, 3)] == [1e-3, 5e-2, 1e-2]
    points = ledger.record().warm_start.points
    # the third has the configuration's own values
    assert [each.params for each in points] == [{LR: 5e-2, DEPTH: 2}, {LR: 1e-2, DEPTH: 2}]


def test_one_of_several_studies_is_named(tmp_path: Path) -> None:
    foreign(tmp_path / "other.db", "a", "b")
    (source,) = planned(tmp_path, study_file_of(warm_start="other.db::b")).warm_sources
    assert source.name == "other.db::b"
    place = "s.yaml: warm_start: other.db"
    assert refused(tmp_path, warm_start="other.db") == (
        f"{place}: holds several studies. Write other.db::NAME. It may be a, b."
    )
    assert refused(tmp_path, warm_start="other.db::c") == (
        f"{place}: has no study c. It may be a, b."
    )


def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path, earlier: StudyFolder) -> None:
    place = "s.yaml: warm_start"
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("lr 0.1")
    optuna.create_study(storage=f"sqlite:///{tmp_path / 'bare.db'}", study_name="bare")
    optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'none.db'}")
    optuna.create_study(
        storage=f"sqlite:///{tmp_path / 'two.db'}", directions=["minimize", "maximize"]
    )
    lines = {
        "earler": f"is no study in {tmp_path}, no folder and no file. Did you mean earlier?",
        "empty": "is no folder of a study. Name one that has an events.jsonl.",
        "notes.txt": "is no SQLite database. Name a study, its folder, or such a file.",
        "none.db": "holds no study of Optuna's. Name another file.",
        "bare.db": "has no finished trial to learn from. Leave it out, or let it run.",
        "two.db": "has several objectives, which put its trials in no order. Name a study of one, "
        "or write what is to be tried under enqueue.",
        "new": "is this study itself. Name an earlier one.",
        "earlier::x": "is a folder of one study. Leave out ::x.",
    }
    for word, line in lines.items():
        assert refused(tmp_path, warm_start=word) == f"{place}: {word}: {line}"
    # all of them at once
    assert len(refused(tmp_path, warm_start=list(lines)).splitlines()) == len(lines)


def test_an_address_is_refused_without_its_password(tmp_path: Path) -> None:
    assert refused(tmp_path, warm_start="postgresql://me:secret@host/db") == (
        "s.yaml: warm_start: postgresql://...: is an address. Name a study, its folder, or a "
        "SQLite file."
    )


def test_what_a_database_in_use_has_in_its_log_counts(tmp_path: Path) -> None:
    path = foreign(tmp_path / "other.db")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        # to be maximized: the first becomes the best
        writer.execute("UPDATE trial_values SET value = 1 WHERE trial_id = 1")
        writer.commit()
        before = bytes_below(tmp_path)
        (source,) = planned(tmp_path, study_file_of(warm_start="other.db")).warm_sources
        assert bytes_below(tmp_path) == before
    assert [each.number for each in source.trials] == [0, 2, 1]


def test_a_source_of_other_values_is_refused(tmp_path: Path, earlier: StudyFolder) -> None:
    space = {"model.width": {"int": [1, 8]}}
    assert refused(tmp_path, warm_start="earlier", space=space) == (
        "s.yaml: warm_start: earlier: has no value of what is searched here; it searches "
        f"{LR}, {DEPTH}. Leave it out, or widen the ranges."
    )


def test_a_damaged_database_is_refused_in_one_line(tmp_path: Path) -> None:
    path = foreign(tmp_path / "other.db")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    line = refused(tmp_path, warm_start="other.db")
    assert line.startswith("s.yaml: warm_start: other.db: cannot be read as a database of Optuna's")
    assert "\n" not in line


def test_databases_of_other_versions_and_programs_are_refused(tmp_path: Path) -> None:
    path = foreign(tmp_path / "old.db")
    with closing(sqlite3.connect(path)) as old:
        old.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
        old.commit()
    with closing(sqlite3.connect(tmp_path / "cars.db")) as cars:
        cars.execute("CREATE TABLE studies (name TEXT)")
        cars.commit()
    path = foreign(tmp_path / "bytes.db")
    with closing(sqlite3.connect(path)) as spoilt:
        spoilt.execute("UPDATE studies SET study_name = CAST(x'ff' AS TEXT)")
        spoilt.commit()
    lines = refused(tmp_path, warm_start=["old.db", "cars.db", "bytes.db"]).splitlines()
    assert lines[0] == (
        "s.yaml: warm_start: old.db: is of another version of Optuna. Run `optuna storage upgrade` "
        "on a copy of it, and name that."
    )
    assert lines[1] == (
        "s.yaml: warm_start: cars.db: cannot be read as a database of Optuna's: no such column: "
        "studies.study_id. Name another."
    )
    assert "bytes.db: cannot be read as a database of Optuna's: Could not decode" in lines[2]


def test_a_start_that_was_cut_off_leaves_nothing_to_learn_from(
    tmp_path: Path, earlier: StudyFolder
) -> None:
    opened(tmp_path, study_file_of(warm_start="earlier")).close()
    folder = StudyFolder(tmp_path / "new")
    folder.study_file.unlink()
    ledger = opened(tmp_path, study_file_of())
    assert [params[LR] in BEST for params in trained(ledger, 4)] == [False] * 4
    assert ledger.record().warm_start.sources == ()


def test_words_of_the_study_file_are_checked() -> None:
    lines = {
        5: "s.yaml: warm_start: must be a list, got 5. Write warm_start: earlier-study.",
        ("a", "a"): "s.yaml: warm_start: names a twice. Keep one.",
        "": "s.yaml: warm_start: must not be empty. Write warm_start: earlier-study.",
    }
    for given, line in lines.items():
        value = list(given) if isinstance(given, tuple) else given
        with pytest.raises(StudyFileError) as caught:
            study_file_of(warm_start=value)
        assert str(caught.value) == line


def test_several_objectives_take_no_warm_start() -> None:
    several = [{"metric": "m"}, {"metric": "parameters"}]
    changes = {"objective": None, "objectives": several, "prune_on": "m"}
    with pytest.raises(StudyFileError) as caught:
        study_file_of(warm_start="a", **changes)
    assert str(caught.value) == (
        "s.yaml: warm_start: several objectives put trials in no order. Remove it, and write what "
        "is to be tried under enqueue."
    )


def test_other_sources_are_a_changed_study(tmp_path: Path, earlier: StudyFolder) -> None:
    foreign(tmp_path / "other.db")
    opened(tmp_path, study_file_of(warm_start="earlier")).close()
    with pytest.raises(UserError) as caught:
        planned(tmp_path, study_file_of(warm_start=["earlier", "other.db"]))
    first, last = str(caught.value).splitlines()
    place = tmp_path / "new"
    assert first == (f"{place / 'study.yaml'}: warm_start: was [earlier], is [earlier, other.db].")
    assert "`search extend new STUDY_FILE --name CHILD`" in last


def test_the_weight_is_told_beside_the_trials(tmp_path: Path, earlier: StudyFolder) -> None:
    ledger = opened(tmp_path, study_file_of(warm_start="earlier"))
    assert warm_start_text(ledger.record()) == "7 trials of earlier (weight 1.00)"
    trained(ledger, 3)
    assert warm_start_text(ledger.record()) == "7 trials of earlier (weight 0.77)"
    trained(ledger, 9)
    (weight,) = weights_now(ledger.record())
    assert 0 < weight < 0.5
    assert json.loads(status_json([ledger.record()]))[0]["warm_weights"] == [weight]
    other = opened(tmp_path, study_file_of("other", warm_start="earlier", sampler="random"))
    assert warm_start_text(other.record()) == "7 trials of earlier"
    assert warm_start_text(read_study(earlier)) is None


def test_a_study_that_is_opened_again_samples_the_same(
    tmp_path: Path, earlier: StudyFolder
) -> None:
    once = trained(opened(tmp_path, study_file_of("once", warm_start="earlier")), 14)
    again = []
    for _ in range(7):
        ledger = opened(tmp_path, study_file_of("again", warm_start="earlier"))
        again += trained(ledger, 2)
        ledger.close()
    assert again == once
    # without its models, the very same points come first, and others then
    plain = opened(
        tmp_path, study_file_of("plain", enqueue=[{LR: rate, DEPTH: 4} for rate in BEST])
    )
    assert trained(plain, 14) != once


def test_several_workers_may_begin_before_anything_is_known(
    tmp_path: Path, earlier: StudyFolder
) -> None:
    when = {"model.init_args.width": {"int": [2, 9], "when": {DEPTH: [3, 4]}}}
    changes: dict[str, Any] = {"space": TREE["space"] | when, "constraints": [f"{DEPTH} < 8"]}
    ledger = opened(tmp_path, study_file_of(warm_start="earlier", **changes))
    numbers = [ledger.sample() for _ in range(12)]
    assert len({str(ledger.params(number)) for number in numbers}) == 12


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "gp"])
def test_nothing_else_of_an_earlier_study_of_the_same_seed_is_repeated(
    sampler: str, tmp_path: Path
) -> None:
    before = opened(tmp_path, study_file_of("before", sampler=sampler))
    old = trained(before, 9)
    before.close()
    new = trained(opened(tmp_path, study_file_of(sampler=sampler, warm_start="before")), 9)
    assert new[0] == old[0]
    assert [params for params in new[1:] if params in old] == new[1:4]


@pytest.mark.parametrize("sampler", ["random", "qmc", "cmaes", "nsgaii", "gp"])
def test_every_sampler_begins_with_the_points(
    sampler: str, tmp_path: Path, earlier: StudyFolder
) -> None:
    lines: list[str] = []
    ledger = opened(tmp_path, study_file_of(warm_start="earlier", sampler=sampler), lines.append)
    assert lines[-1].endswith(f"tried early, and {sampler} learns nothing else from them")
    assert [params[LR] for params in trained(ledger, 5)][1:4] == list(BEST)


@pytest.mark.parametrize("sampler", ["grid", "bruteforce"])
def test_a_list_tries_the_points_first_and_none_twice(
    sampler: str, tmp_path: Path, earlier: StudyFolder
) -> None:
    space = {LR: {"choice": [1e-3, 4e-2, 1.001e-2, 1e-2]}}
    changes: dict[str, Any] = {"sampler": sampler, "space": space}
    ledger = opened(tmp_path, study_file_of(warm_start="earlier", **changes))
    rates = [params[LR] for params in trained(ledger, 4)]
    assert rates[:3] == [1e-3, 1e-2, 1.001e-2]
    assert len(set(rates)) == 4


def test_a_child_study_learns_from_what_its_parent_did(
    tmp_path: Path, earlier: StudyFolder
) -> None:
    parent = opened(tmp_path, study_file_of(warm_start="earlier"))
    trained(parent, 3)
    parent.close()
    shutil.rmtree(earlier.root)
    space = {LR: {"float": [1e-4, 1.8e-2], "log": True}, DEPTH: {"int": [1, 8]}}
    child = study_file_of("child", warm_start="earlier", space=space)
    folders = [StudyFolder(tmp_path / name) for name in ("new", "child")]
    assert len(extend(*folders, child, {}, source="s.yaml").taken) == 3
    record = read_study(folders[1])
    # those outside of the narrower range keep their depth alone
    assert record.warm_start.text == "7 trials of earlier"
    assert {trial.warm_origin for trial in record.trials} == {None}
    # two of the three were tried by the parent
    ledger = opened(tmp_path, child)
    number = ledger.sample()
    assert ledger.trial(number).warm_origin is not None
    assert ledger.params(number)[LR] not in BEST[:2]
