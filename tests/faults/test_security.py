"""Hostile input: study files, names and database URLs."""

from __future__ import annotations

import base64
import json
import os
import pickle
import stat
import threading
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Project
from faults.in_process import Run

SECRET = "planted-secret"
GOOD = """\
model: {class_path: tiny.Tiny}
objective: {metric: val_loss}
space: {model.lr: {float: [0.1, 1]}}
"""
BYTES = base64.b64encode(pickle.dumps(print)).decode()

# MARKER stands for a file that is made by what is executed
YAML = {
    "apply-os-system": "model: !!python/object/apply:os.system ['touch MARKER']",
    "apply-posix-system": "model: !!python/object/apply:posix.system ['touch MARKER']",
    "apply-subprocess": "x: !!python/object/apply:subprocess.check_call [[touch, MARKER]]",
    "apply-eval": "x: !!python/object/apply:eval [\"open('MARKER', 'w')\"]",
    "apply-exec": "x: !!python/object/apply:exec [\"open('MARKER', 'w')\"]",
    "apply-pathlib": "x: !!python/object/apply:pathlib.Path.touch [MARKER]",
    "apply-args-kwds": "x: !!python/object/apply:os.system {args: ['touch MARKER'], kwds: {}}",
    "apply-pickle": f"x: !!python/object/apply:pickle.loads [!!binary {BYTES}]",
    "new-os-system": "x: !!python/object/new:os.system ['touch MARKER']",
    "new-extend-exec": (
        "x: !!python/object/new:type {args: [z, !!python/tuple [], {extend: "
        "!!python/name:exec }], listitems: \"open('MARKER', 'w')\"}"
    ),
    "new-setstate-eval": (
        "x: !!python/object/new:str {args: [], state: !!python/tuple "
        "[\"open('MARKER', 'w')\", !!python/object/new:staticmethod {args: [0], "
        "state: {update: !!python/name:eval }}]}"
    ),
    "object": "x: !!python/object:tiny.Tiny {lr: 1}",
    "name": "x: !!python/name:os.system",
    "module": "x: !!python/module:tiny",
    "tuple": "x: !!python/tuple [1, 2]",
    "bytes": f"x: !!python/bytes {BYTES}",
    "complex": "x: !!python/complex 1+2j",
    "verbatim": "x: !<tag:yaml.org,2002:python/object/apply:os.system> ['touch MARKER']",
    "tag-directive": (
        "%TAG !p! tag:yaml.org,2002:python/object/apply:\n---\nx: !p!os.system ['touch MARKER']"
    ),
    "primary-handle": (
        "%TAG ! tag:yaml.org,2002:python/object/apply:\n---\nx: !os.system ['touch MARKER']"
    ),
    "escaped-tag": "x: !!python/object/apply:os%2Esystem ['touch MARKER']",
    "tag-on-key": "? !!python/object/apply:os.system ['touch MARKER']\n: 1",
    "tag-at-root": "!!python/object/apply:os.system ['touch MARKER']",
    "tag-in-space": GOOD + "budget: {trials: !!python/object/apply:os.system ['touch MARKER']}",
    "second-document": GOOD + "---\nx: !!python/object/apply:os.system ['touch MARKER']",
    "binary": f"x: !!binary {BYTES}",
    "binary-key": f"? !!binary {BYTES}\n: 1",
    "binary-invalid": "x: !!binary '***'",
    "set": "x: !!set {a, b}",
    "omap": "x: !!omap [a: 1]",
    "timestamp": "x: !!timestamp 2001-01-01",
    "custom": "x: !Model {a: 1}",
    "merge-alias": "base: &base {a: 1}\nx: {<<: *base}",
    "merge-inline": GOOD + "<<: {name: merged}",
    "recursive-alias": "x: &x [*x]",
    "laughs": "a: &a [x,x,x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghi")),
    "deep-lists": "x: " + "[" * 20_000,
    "deep-mappings": "x: " + "{a: " * 20_000,
    "deep-blocks": "".join(" " * depth + "a:\n" for depth in range(400)),
    "wide": "x: [" + "1," * 400_000 + "1]",
    "huge": "x: " + "a" * (4 << 20),
    "huge-number": GOOD + "seed: " + "9" * 10_000,
    "null-byte": GOOD + "name: 'a\0b'",
    "colliding-keys": "x: {a: 1, a: !!python/name:os.system }",
    "escape-in-key": GOOD + '"\\e]8;;http://evil\\a": 1',
}


def files_below(root: Path) -> set[Path]:
    return set(root.rglob("*"))


def assert_refused(code: int, output: str) -> None:
    """One printable line and the exit code of the user's own mistakes."""
    assert code == 2, output
    assert output.count("\n") == 1, output
    assert output[:-1].isprintable(), repr(output)


def refused(run: Run, root: Path, *arguments: str | Path) -> str:
    """Run a command that must refuse in one line and leave no file; its output."""
    before = files_below(root)
    code, output = run(*arguments)
    assert files_below(root) == before, output
    assert_refused(code, output)
    return output


def executed_command(project: Project) -> Run:
    """The real command in a process of its own."""

    def run(*arguments: str | Path) -> tuple[int, str]:
        result = project.run(*arguments)
        return result.returncode, result.stdout + result.stderr

    return run


@pytest.mark.parametrize("case", YAML)
def test_yaml_payload_is_refused_in_one_line(project: Project, case: str) -> None:
    marker = project.root / "executed"
    path = project.root / "hostile.yaml"
    path.write_text(YAML[case].replace("MARKER", str(marker)) + "\n")
    assert refused(executed_command(project), project.root, "run", path).startswith(f"{path}: ")
    assert not marker.exists()


@pytest.mark.parametrize("option", ["--set", "--space"])
@pytest.mark.parametrize("case", ["apply-os-system", "verbatim", "name", "laughs", "deep-lists"])
def test_yaml_payload_in_an_option_is_refused(
    project: Project, search: Run, option: str, case: str
) -> None:
    marker = project.root / "executed"
    value = YAML[case].partition(": ")[2].replace("MARKER", str(marker))
    path = project.root / "good.yaml"
    path.write_text(GOOD)
    refused(search, project.root, "run", path, option, f"model.init_args.lr={value}")
    assert not marker.exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7"])
def test_yaml_payload_in_another_encoding_is_refused(
    project: Project, search: Run, encoding: str
) -> None:
    marker = project.root / "executed"
    path = project.root / "hostile.yaml"
    path.write_text(f"x: !!python/object/apply:os.system ['touch {marker}']\n", encoding)
    refused(search, project.root, "run", path)
    assert not marker.exists()


def test_endless_study_file_is_read_no_further_than_the_limit(project: Project) -> None:
    path = project.root / "pipe.yaml"
    os.mkfifo(path)

    def feed() -> None:
        with suppress(BrokenPipeError), path.open("wb") as file:
            file.write(b"#" + b"x" * (6 << 20))

    writer = threading.Thread(target=feed)
    writer.start()
    try:
        assert "is larger than 4 MiB" in refused(
            executed_command(project), project.root, "run", path
        )
    finally:
        writer.join()


NAMES = {
    "parent": "../../x",
    "dots": "..",
    "dot": ".",
    "inner-parent": "a/../../x",
    "absolute": "/tmp/search-security-escape",
    "home": "~/x",
    "slash": "a/b",
    "backslash": "..\\x",
    "script": "<script>alert(1)</script>",
    "shell": "$(touch executed)",
    "quote": "x'; DROP TABLE trials; --",
    "option": "--help",
    "long": "x" * 300,
    "very-long": "x" * 10_000,
    "newline": "a\nb",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "bidi": "a\u202eb",
    "fullwidth-slash": "a\uff0fb",
    "format": "{0}%s",
}


@pytest.mark.parametrize("case", [*NAMES, "null"])
def test_name_in_a_study_file_makes_nothing(project: Project, search: Run, case: str) -> None:
    path = project.root / "named.yaml"
    path.write_text(GOOD + f"name: {json.dumps(NAMES.get(case, chr(0) + 'x'))}\n")
    assert " name: must be letters" in refused(search, project.root, "run", path)


@pytest.mark.parametrize("case", ["parent", "absolute", "script", "long", "quote"])
def test_name_option_makes_nothing(project: Project, search: Run, case: str) -> None:
    path = project.root / "named.yaml"
    path.write_text(GOOD)
    refused(search, project.root, "run", path, f"--name={NAMES[case]}")


@pytest.mark.parametrize("case", NAMES)
def test_study_option_leads_nowhere(project: Project, search: Run, case: str) -> None:
    refused(search, project.root, "show", "0", f"--study={NAMES[case]}")


@pytest.mark.parametrize("case", ["parent", "absolute", "long", "newline", "escape"])
@pytest.mark.parametrize("verb", ["resume", "rebuild"])
def test_study_argument_leads_nowhere(project: Project, search: Run, verb: str, case: str) -> None:
    refused(search, project.root, verb, NAMES[case])


@pytest.mark.parametrize("place", ["/etc/passwd/x", "/proc/self/x", "x" * 300, "/dev/null/x"])
def test_studies_option_that_holds_no_folder_makes_nothing(
    project: Project, search: Run, place: str
) -> None:
    path = project.root / "good.yaml"
    path.write_text(GOOD)
    refused(search, project.root, "run", path, "--studies", place)
    refused(search, project.root, "best", "--studies", place)


STORAGES = {
    "password": f"postgresql+psycopg://user:{SECRET}@127.0.0.1:1/x",
    "encoded": "postgresql+psycopg://user:planted%2Dsecret@127.0.0.1:1/x",
    "no-user": f"postgresql+psycopg://:{SECRET}@127.0.0.1:1/x",
    "query": f"postgresql+psycopg://user@127.0.0.1:1/x?password={SECRET}",
    "query-encoded": "postgresql+psycopg://user@127.0.0.1:1/x?password=planted%2Dsecret",
    "query-second": f"postgresql+psycopg://u@127.0.0.1:1/x?sslmode=prefer&password={SECRET}",
    "query-ssl": f"postgresql+psycopg://u@127.0.0.1:1/x?sslpassword={SECRET}",
    "query-unknown": f"postgresql+psycopg://u@127.0.0.1:1/x?pasword={SECRET}",
    "at-sign": f"postgresql+psycopg://user:pl@{SECRET}@127.0.0.1:1/x",
    "slash": f"postgresql+psycopg://user:pl/{SECRET}@127.0.0.1:1/x",
    "question-mark": f"postgresql+psycopg://user:pl?{SECRET}@127.0.0.1:1/x",
    "blank": f"postgresql+psycopg://user:pl {SECRET}@127.0.0.1:1/x",
    "query-blank": f"postgresql+psycopg://user@127.0.0.1:1/x?password=pl {SECRET}",
    "hash": f"postgresql+psycopg://user:pl#{SECRET}@127.0.0.1:1/x",
    "bad-escape": f"postgresql+psycopg://user:%ZZ{SECRET}@127.0.0.1:1/x",
    "as-port": f"postgresql+psycopg://user@127.0.0.1:{SECRET}/x",
    "bad-port": f"postgresql+psycopg://user:{SECRET}@127.0.0.1:port/x",
    "huge-port": f"postgresql+psycopg://user:{SECRET}@127.0.0.1:99999999/x",
    "bad-bracket": f"postgresql+psycopg://user:{SECRET}@[::1/x",
    "other-driver": f"mysql://user:{SECRET}@127.0.0.1:1/x",
    "unknown-driver": f"nosuch+driver://user:{SECRET}@127.0.0.1:1/x",
    "no-scheme": f"user:{SECRET}@127.0.0.1/x",
    "one-slash": f"postgresql:/user:{SECRET}@127.0.0.1/x",
    "key-words": f"host=127.0.0.1 user=x password={SECRET}",
    "bare": SECRET,
    "sqlite-user": f"sqlite://user:{SECRET}@/x.db",
    "sqlite-host": f"sqlite://user:{SECRET}@host/x.db",
    "escape": f"postgresql+psycopg://\x1b[31m:{SECRET}@127.0.0.1:1/x",
}


def assert_secret_nowhere(output: str, root: Path) -> None:
    for spelling in (SECRET, "planted%2Dsecret", SECRET.encode().hex()):
        assert spelling not in output
        holding = [
            path
            for path in root.rglob("*")
            if path.is_file() and spelling.encode() in path.read_bytes()
        ]
        assert not holding


@pytest.mark.parametrize("case", STORAGES)
def test_password_of_a_storage_is_shown_nowhere(project: Project, search: Run, case: str) -> None:
    path = project.root / "good.yaml"
    path.write_text(GOOD)
    before = files_below(project.root)
    code, output = search("run", path, "--storage", STORAGES[case])
    assert_secret_nowhere(output, project.root)
    assert_refused(code, output)
    assert files_below(project.root) == before


def test_password_of_a_storage_is_shown_nowhere_by_the_command(project: Project) -> None:
    path = project.root / "good.yaml"
    path.write_text(GOOD)
    output = refused(
        executed_command(project), project.root, "run", path, "--storage", STORAGES["password"]
    )
    assert_secret_nowhere(output, project.root)


@pytest.mark.parametrize("case", ["password", "query", "as-port", "key-words"])
@pytest.mark.parametrize("verb", ["show", "best", "report", "export", "resume", "rebuild"])
def test_password_is_hidden_by_every_verb(
    project: Project, search: Run, verb: str, case: str
) -> None:
    folder = project.root / "studies/demo"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(GOOD)
    words = {"show": ["show", "0", "-s"], "resume": ["resume"], "rebuild": ["rebuild"]}
    code, output = search(*words.get(verb, [verb, "-s"]), "demo", "--storage", STORAGES[case])
    assert_secret_nowhere(output, project.root)
    assert_refused(code, output)


@pytest.mark.parametrize("variable", ["PGPASSWORD", "PGPASSFILE"])
def test_password_of_the_environment_is_shown_nowhere(
    project: Project, search: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, SECRET)
    path = project.root / "good.yaml"
    path.write_text(GOOD)
    url = "postgresql+psycopg://user@127.0.0.1:1/x"
    output = refused(search, project.root, "run", path, "--storage", url)
    assert_secret_nowhere(output.replace(variable, ""), project.root)


STUDY_FILES = ("study.db", "study.yaml", "events.jsonl", "server.log", ".lock")
TRIAL_FILES = ("config.yaml", "events.jsonl", "log.txt", "last.ckpt", "best.ckpt")


def test_study_is_closed_to_others_and_keeps_no_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    before = os.umask(0)
    try:
        result = project.run("run", project.study(), "--trials", "1")
    finally:
        os.umask(before)
    assert result.returncode == 0, result.stderr
    assert_secret_nowhere(result.stdout + result.stderr, project.root)
    folder = project.root / "studies/study"
    # the folder's mode keeps others from whatever is in it
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    made = [folder / name for name in STUDY_FILES]
    made += [folder / "trials/0000" / name for name in TRIAL_FILES]
    assert [path for path in made if not path.is_file()] == []
