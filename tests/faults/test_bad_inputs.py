"""Bad inputs to the real command: one clear line, exit 2, and nothing on disk is changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Project
from faults.refusing import refused

VERBS = {
    "run": ("run", "study.yaml"),
    "resume": ("resume", "study"),
    "status": ("status",),
    "show": ("show", "0"),
    "best": ("best",),
    "report": ("report",),
    "export": ("export",),
}
FRESH = ("run", "study.yaml", "--name", "fresh")


# databases

Damage = Callable[[Path], object]


def overwritten(offset: int, length: int, value: bytes = b"\xa5") -> Damage:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[offset : offset + length] = value * length
        path.write_bytes(data)

    return damage


def cut(length: int) -> Damage:
    return lambda path: path.write_bytes(path.read_bytes()[:length])


def changed(statement: str) -> Damage:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
            connection.commit()

    return damage


def page_of(table: str) -> Damage:
    """The first page of a table is overwritten."""

    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            ((number,),) = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
            )
        overwritten((number - 1) * 4096, 4096, b"\xff")(path)

    return damage


def foreign(path: Path) -> None:
    path.unlink()
    changed("CREATE TABLE songs (name TEXT)")(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


READERS = ("status", "show", "best", "report", "export")
FEW = ("run",)
MANY = ("run", "resume")
DATABASES: dict[str, tuple[Damage, str, tuple[str, ...]]] = {
    "empty": (lambda path: path.write_bytes(b""), "study.db: is empty", MANY),
    "text": (lambda path: path.write_text("dear diary"), "study.db: is not a SQLite", FEW),
    "random": (lambda path: path.write_bytes(os.urandom(9000)), "study.db: is not a SQLite", FEW),
    "foreign": (foreign, "study.db: is a database of another program", MANY),
    "other_schema": (
        changed("UPDATE alembic_version SET version_num = 'v9'"),
        "study.db: its database has schema v9, not v3.2.0.a",
        MANY,
    ),
    "cut_in_the_magic": (cut(10), "study.db: is not a SQLite", ("resume",)),
    "cut_in_the_header": (cut(100), "study.db: cannot be read", FEW),
    "cut_after_a_page": (cut(4096), "study.db: cannot be read", ("resume",)),
    "cut_in_the_middle": (cut(50_000), "study.db: cannot be read", MANY),
    "pages_in_the_middle": (overwritten(8192, 40_960), "study.db: cannot be read", MANY),
    "page_of_the_trials": (page_of("trials"), "study.db: cannot be", FEW),
    "version_is_no_text": (
        changed("UPDATE alembic_version SET version_num = X'ff00'"),
        "study/study.db: ",
        MANY,
    ),
    "folder": (folder, "stud", MANY),
}


@pytest.mark.parametrize(
    ("kind", "verb"),
    [(kind, verb) for kind, (_, _, verbs) in DATABASES.items() for verb in verbs],
)
def test_broken_database_is_told_and_left_as_it_is(copied: Project, kind: str, verb: str) -> None:
    damage, place, _ = DATABASES[kind]
    damage(copied.root / "studies/study/study.db")
    refused(copied, *VERBS[verb], place=place)


@pytest.mark.parametrize("verb", READERS)
def test_reading_needs_no_database(copied: Project, verb: str) -> None:
    whole = copied.run(*VERBS[verb])
    assert whole.returncode == 0, whole.stderr
    database = copied.root / "studies/study/study.db"
    for damage in (foreign, folder):
        damage(database)
        result = copied.run(*VERBS[verb])
        assert (result.returncode, result.stderr) == (0, ""), damage
        assert result.stdout == whole.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
@pytest.mark.parametrize("verb", ["run", "resume"])
def test_unreadable_database_is_told(copied: Project, verb: str) -> None:
    database = copied.root / "studies/study/study.db"
    database.chmod(0)
    result = copied.run(*VERBS[verb])
    database.chmod(0o600)
    assert result.returncode == 2
    assert "study.db: " in result.stderr
    assert not (copied.root / "search-crash.log").exists()


def test_best_of_no_finished_trial_exits_with_one(copied: Project) -> None:
    for path in (copied.root / "studies/study/trials").glob("*/events.jsonl"):
        path.write_text(path.read_text().replace('"COMPLETE"', '"FAIL"'))
    refused(copied, "best", place="study: no trial has finished yet", code=1)


# the study's own files

STORED: dict[str, tuple[bytes | Callable[[bytes], bytes], str]] = {
    "empty": (b"", "is empty"),
    "binary": (bytes(range(256)) * 8, "is no UTF-8 text"),
    "half": (lambda data: data[: len(data) // 2], ""),
    "list": (b"- a\n", "must be a mapping of sections, got [a]."),
    "unknown_key": (lambda data: data + b"sede: 1\n", "sede: no such key. Did you mean seed?"),
    "object": (b"a: !!python/object:os.x {}\n", "line 1: the tag tag:yaml.org,2002:python/obj"),
    "bomb": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "line 2: aliases are not supported"),
    "nested": (b"a: " + b"{a: " * 5000 + b"}" * 5000, "line 1: is nested too deep or too large"),
    "utf_16": ("seed: 1\n".encode("utf-16"), "is no UTF-8 text"),
    "nul": (lambda data: data.replace(b"seed", b"se\0d"), "special characters are not allowed"),
}


@pytest.mark.parametrize("kind", STORED)
def test_damaged_study_yaml_is_told_by_resume(copied: Project, kind: str) -> None:
    path = copied.root / "studies/study/study.yaml"
    given, place = STORED[kind]
    path.write_bytes(given if isinstance(given, bytes) else given(path.read_bytes()))
    refused(copied, "resume", "study", place=f"studies/study/study.yaml: {place}")


@pytest.mark.parametrize("verb", ["run", "resume"])
def test_missing_study_yaml_is_told(copied: Project, verb: str) -> None:
    (copied.root / "studies/study/study.yaml").unlink()
    refused(copied, *VERBS[verb], place="studies/study/study.yaml")


STORAGE_FILES = {
    "empty": b"",
    "words": b"dear diary\n",
    "two_lines": b"postgresql:\nnonsense\n",
    "binary": b"\xff\xfe\x00\x81",
    "missing_folder": b"sqlite:///missing/study.db\n",
}


@pytest.mark.parametrize("verb", ["resume", "status", "best"])
@pytest.mark.parametrize("kind", STORAGE_FILES)
def test_nonsense_in_storage_txt_is_told(copied: Project, kind: str, verb: str) -> None:
    (copied.root / "studies/study/storage.txt").write_bytes(STORAGE_FILES[kind])
    place = "missing" if kind == "missing_folder" else "studies/study/storage.txt: "
    refused(copied, *VERBS[verb], place=place, code=0 if verb == "status" else 2)


# options

URLS = {
    "empty": ("", "--storage: "),
    "word": ("nonsense", "--storage: not a database URL"),
    "no_scheme": ("user:hunter2@host/db", "--storage: not a database URL"),
    "dialect": ("oracel://user:hunter2@host/db", "--storage: not a database URL"),
    "driver": ("mysql://user:hunter2@host/db", "--storage: the driver of mysql://user:***@host"),
    "port": ("postgresql+psycopg://user:hunter2@host:port/db", "--storage: "),
    "refused": ("postgresql+psycopg://user:hunter2@127.0.0.1:1/db", "user:***@127.0.0.1:1/db: "),
    "no_folder": ("sqlite:///missing/x.db", "missing"),
    "no_file": ("sqlite:///nope.db", "nope.db"),
    "folder": ("sqlite:///studies", "studies"),
    "one_slash": ("sqlite:/x.db", "--storage: "),
    "memory": ("sqlite://", "sqlite://"),
    "no_database": ("sqlite:///study.yaml", "study.yaml"),
}


NO_ADDRESS = ("empty", "word", "no_scheme", "dialect", "port", "one_slash", "memory")


@pytest.mark.parametrize("kind", NO_ADDRESS)
def test_bad_storage_url_is_told_to_a_reader(copied: Project, kind: str) -> None:
    url, place = URLS[kind]
    refused(copied, "best", "-s", "study", "--storage", url, place=place)


@pytest.mark.parametrize("kind", URLS)
def test_bad_storage_url_is_told_to_resume(copied: Project, kind: str) -> None:
    url, place = URLS[kind]
    refused(copied, *VERBS["resume"], "--storage", url, place=place)


@pytest.mark.parametrize("kind", ["dialect", "port", "no_folder", "folder", "memory"])
def test_bad_storage_url_is_told_before_a_run(copied: Project, kind: str) -> None:
    url, place = URLS[kind]
    refused(copied, *FRESH, "--storage", url, place=place)


NAMES = {
    "empty": "",
    "up": "../../x",
    "slash": "a/b",
    "script": "<script>alert(1)</script>",
    "long": "n" * 300,
    "newline": "two\nlines",
    "dash": "-dash",
    "dot": ".hidden",
    "right_to_left": "\u202egpj.exe",
    "escape": "\x1b[31mred",
    "brace": "{x",
}


@pytest.mark.parametrize("kind", NAMES)
def test_bad_name_makes_no_study(copied: Project, kind: str) -> None:
    place = "name: must be letters, digits, _, - and dots"
    refused(copied, "run", "study.yaml", f"--name={NAMES[kind]}", place=place)


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind not in ("brace", "slash")])
def test_bad_name_is_no_study(copied: Project, kind: str) -> None:
    refused(copied, "best", f"--study={NAMES[kind]}", place=": no such study in studies.")


@pytest.mark.parametrize("kind", ["empty", "up", "long", "newline"])
def test_bad_name_is_not_resumed(copied: Project, kind: str) -> None:
    refused(copied, "resume", NAMES[kind], place=": no such study in studies.")


OPTIONS: list[tuple[tuple[str, ...], str]] = [
    ((*FRESH, "--trials", "0"), "--trials: must be a whole number from 1, got 0."),
    ((*FRESH, "--trials=-1"), "--trials: must be a whole number from 1, got -1."),
    (("resume", "study", "--trials", "x"), "--trials: must be a whole number from 1, got x."),
    ((*FRESH, "--workers", "0"), "--workers: must be a number from 1 or auto, got 0."),
    ((*FRESH, "--workers", "x"), "--workers: must be a number from 1 or auto, got x."),
    ((*FRESH, "--workers", "99999"), "--workers: must be a number from 1 or auto, got 99999."),
    ((*FRESH, "--workers", "²"), "--workers: must be a number from 1 or auto, got ²."),
    ((*FRESH, "--timeout=-1"), "--timeout: must be a duration above 0, got -1."),
    (("resume", "study", "--timeout", "abc"), "--timeout: must be a duration above 0, got abc."),
    ((*FRESH, "--trial-timeout", "0s"), "--trial-timeout: must be a duration above 0, got 0s."),
    ((*FRESH, "--set", "trainer.max_epochs"), "--set: must be PATH=VALUE"),
    ((*FRESH, "--set", "=1"), "--set: must be PATH=VALUE"),
    ((*FRESH, "--set", "trainr.max_epochs=1"), "trainr: no such key. Did you mean trainer?"),
    ((*FRESH, "--set", "objective.metrc=a"), "objective.metrc: no such key."),
    ((*FRESH, "--set", "seed=[1"), "--set seed: line 1: "),
    ((*FRESH, "--set", "a\nb=1"), "no such key"),
    ((*FRESH, "--set", "model.class_path.x=1"), "--set model.class_path.x: leads through"),
    ((*FRESH, "--space", "model.lr"), "--space: must be PATH=VALUE"),
    ((*FRESH, "--space", "model.lr=5"), "space.model.init_args.lr: must be {float: [low, high]}"),
    ((*FRESH, "--space", "model.lr={flot: [1, 2]}"), "lr: must be {float: [low, high]}"),
    ((*FRESH, "--space", "model.lr={int: [2, 1]}"), "lr: low must be below high"),
    ((*FRESH, "--space", "nope.lr={int: [1, 2]}"), "space.nope.lr: begins with nope"),
    ((*FRESH, "--studies", "study.yaml"), "study.yaml: is not a folder."),
    (("report", "--format", "xml"), "--format: must be html or json, got xml."),
    (("report", "--figure", "history", "--format", "xml"), "--format: must be html or json"),
    (("report", "--figure", "nonsense"), "figure: there is no nonsense."),
    (("export", "--format", "xml"), "--format: must be csv or json, got xml."),
    (("show", "--", "-1"), "show: must be STUDY N, got -1."),
    (("show", "abc"), "show: must be STUDY N, got abc."),
    (("show", "999"), "study: no trial 999. Its trials are 0 to 1."),
    (("report", "--output", "missing/r.html"), "missing/r.html: cannot be written"),
    (("export", "--output", "missing/e.csv"), "missing/e.csv: cannot be written"),
    (("export", "--output", "studies"), "studies: cannot be written"),
    (("export", "--output", "."), ".: cannot be written"),
    (("best", "--studies", "nope"), "nope: holds no study"),
]


def name_of(arguments: tuple[str, ...]) -> str:
    text = " ".join(arguments).replace(" ".join(FRESH), "run")[:60]
    return text.encode("unicode_escape").decode()


@pytest.mark.parametrize(
    ("arguments", "place"), OPTIONS, ids=[name_of(arguments) for arguments, _ in OPTIONS]
)
def test_bad_option_is_told(copied: Project, arguments: tuple[str, ...], place: str) -> None:
    refused(copied, *arguments, place=place)


# study files

GOOD = """\
model: {class_path: tiny.Tiny}
objective: {metric: val_loss}
space:
  model.init_args.lr: {float: [1e-3, 1e-1]}
"""
RANGE = "{float: [1e-3, 1e-1]}"
LR = "space.model.init_args.lr: "
STUDY_FILES: list[tuple[str, str]] = [
    (GOOD + "1: 2\n", "1: "),
    (GOOD + "seed: true\n", "seed: must be a whole number, got true."),
    (GOOD + "seed: 4294967296\n", "seed: must be below 4294967296"),
    (GOOD + "seed: " + "9" * 5000 + "\n", "cannot be read as YAML"),
    (GOOD + "seed_everything: maybe\n", "seed_everything: must be true or false"),
    (GOOD + "name: 5\n", "name: must be text, got 5."),
    (GOOD + "name: ''\n", "name: must be letters"),
    (GOOD + "budget: []\n", "budget: must be a mapping"),
    (GOOD + "budget: {trial: 5}\n", "budget.trial: no such key. Did you mean trials?"),
    (GOOD + "budget: {timeout: 0}\n", "budget.timeout: must be a duration above 0"),
    (GOOD + "batch: {max: 1.5}\n", "batch.max: must be a whole number, got 1.5."),
    (GOOD + "sampler: {name: 5}\n", "sampler: must be a name"),
    (GOOD + "sampler: {name: tpe, bogus: 1}\n", "sampler.bogus: tpe has no such option."),
    (GOOD + "pruner: {name: threshold}\n", "pruner: threshold refuses its options"),
    (GOOD + "data: [a]\n", "data: must be a mapping with class_path and init_args, got [a]."),
    (GOOD + "trainer: {1: 2}\n", "trainer.1"),
    (GOOD + "trainer: {accelerator: [x]}\n", "trainer.accelerator"),
    (GOOD + '"a\\nb": 1\n', "a?b: no such key"),
    (GOOD + '"\\e[31mred": 1\n', "?[31mred: no such key"),
    (GOOD + "a: b: c\n", "line 5: mapping values are not allowed here."),
    (GOOD + "---\nseed: 1\n", "line 5: but found another document."),
    (GOOD + "? [a]\n: 1\n", "line 5: a key must be a plain word."),
    (GOOD.replace("{metric: val_loss}", "5"), "objective: must be a mapping, got 5."),
    (GOOD.replace("val_loss}", "val_loss, mode: min}"), "objective.mode: no such key."),
    (GOOD.replace("tiny.Tiny", "[a]"), "model: must be a mapping with class_path"),
    (GOOD.replace(RANGE, "null"), LR + "must be {float: [low, high]}"),
    (GOOD.replace(RANGE, "{choice: [.nan, 1]}"), LR + "choice takes finite numbers"),
    (GOOD.replace(RANGE, "{float: [0, 1], step: -0.1}"), LR + "step must be above 0"),
    (GOOD.replace(RANGE, "{int: [1, 9007199254740993]}"), LR + "int takes numbers up to"),
    (GOOD.replace("model.init_args.lr", "model.l r"), "space.model.init_args.l r: is no dotted"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"), STUDY_FILES, ids=[text[-30:].replace("\n", " ") for text, _ in STUDY_FILES]
)
def test_bad_study_file_makes_no_study(project: Project, text: str, place: str) -> None:
    (project.root / "fresh.yaml").write_text(text)
    refused(project, "run", "fresh.yaml", place=f"fresh.yaml: {place}")
