"""What a command is started in: closed streams, names that are no UTF-8, limits of the shell."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from conftest import SEARCH, Project

from search.cli import guarded


def shell(project: Project, line: str, folder: Path | None = None) -> tuple[int, str]:
    """The exit code of a shell line, in which $S is the command, and what it says of errors."""
    result = subprocess.run(
        ["bash", "-c", line],
        cwd=folder or project.root,
        env={**project.environment(), "S": str(SEARCH)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return result.returncode, result.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_stream_costs_only_what_would_be_printed(project: Project, closed: str) -> None:
    assert shell(project, f'"$S" status {closed}')[0] == 0
    assert shell(project, f'"$S" show 0 -s none {closed}')[0] == 2


def test_run_without_standard_streams_writes_nothing_into_its_files(project: Project) -> None:
    project.study(budget={"trials": 1})
    assert shell(project, '"$S" run study.yaml <&- >&- 2>&-')[0] == 0
    assert project.states() == ["COMPLETE"]
    assert project.query("PRAGMA integrity_check") == [("ok",)]
    assert (project.root / "studies/study/.lock").read_text().strip().isdigit()


@pytest.mark.parametrize("line", ["run $'caf\\xe9.yaml'", "status --studies $'caf\\xe9'"])
def test_name_that_is_not_utf8_is_refused(project: Project, line: str) -> None:
    code, errors = shell(project, f'"$S" {line}')
    assert code == 2
    assert errors.endswith(": is not UTF-8. Rename it, or name another place.\n")
    assert errors.startswith("caf?")


def test_folder_whose_name_is_not_utf8_is_refused(project: Project) -> None:
    folder = Path(os.fsdecode(os.fsencode(project.root) + b"/caf\xe9"))
    folder.mkdir()
    assert shell(project, '"$S" status', folder) == (
        2,
        f"{project.root}/caf?: is not UTF-8. Rename it, or name another place.\n",
    )


def test_folder_that_was_removed_is_told(project: Project) -> None:
    assert shell(project, 'mkdir a && cd a && rmdir ../a && "$S" status') == (
        2,
        "the folder in which you are was removed. Go to another.\n",
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "search: no more files can be opened; "),
        (MemoryError(), "search: there is no memory left"),
        (ImportError("x.so: failed to map segment from shared object"), "search: there is no mem"),
        (RuntimeError("can't start new thread"), "search: there is no memory left"),
        (OSError(errno.EFBIG, "File too large", "a.db"), "a.db: cannot be written: File too large"),
    ],
)
def test_limit_that_is_used_up_is_one_line(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    assert guarded(fail) == 2
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert told.count("\n") == 1


def test_run_that_may_open_few_files_ends_in_one_line(project: Project) -> None:
    project.study(budget={"trials": 1})
    code, errors = shell(project, 'ulimit -n 12; "$S" run study.yaml')
    assert code == 2, errors
    assert "internal error" not in errors
    assert errors.count("\n") == 1
