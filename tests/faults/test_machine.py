"""What a machine has that is not as expected: a folder of somebody else, a clock far ahead."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SEARCH, Project

from search.cli import guarded
from search.layout import StudyFolder

# root may look anywhere, unless it gives that up
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
NEEDS_RIGHTS = os.geteuid() == 0


@pytest.fixture
def closed(project: Project) -> Iterator[StudyFolder]:
    """A study's folder that its owner alone, who is somebody else, may look into."""
    if NEEDS_RIGHTS and shutil.which("setpriv") is None:
        pytest.skip("nothing here gives up the rights of root")
    folder = StudyFolder(project.root / "studies/study")
    folder.trials.mkdir(parents=True)
    folder.study_file.write_text("")
    if NEEDS_RIGHTS:
        os.chown(folder.root, 65534, 65534)
    folder.root.chmod(0o700 if NEEDS_RIGHTS else 0)
    yield folder
    folder.root.chmod(0o700)


def run(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    prefix = WITHOUT_RIGHTS if NEEDS_RIGHTS else []
    return subprocess.run(
        [*prefix, SEARCH, *arguments],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["show", "0", "-s", "study"],
        ["best", "-s", "study"],
        ["best"],
        ["report", "-s", "study"],
        ["resume", "study"],
        ["clean", "-s", "study"],
    ],
)
def test_study_of_another_user_is_one_line(
    project: Project, closed: StudyFolder, arguments: list[str]
) -> None:
    result = run(project, *arguments)
    place = Path("studies/study")
    assert result.stderr == f"{place}: cannot be read. Change its owner or its permissions.\n"
    assert result.returncode == (0 if arguments == ["status"] else 2)


def test_disk_of_a_folder_that_cannot_be_looked_into_is_not_called_empty(
    project: Project, closed: StudyFolder
) -> None:
    closed.root.chmod(0o755)
    if NEEDS_RIGHTS:
        os.chown(closed.trials, 65534, 65534)
    closed.trials.chmod(0o700 if NEEDS_RIGHTS else 0)
    result = run(project, "du")
    closed.trials.chmod(0o700)
    assert result.returncode == 2
    assert result.stderr == (
        "studies/study/trials: may not be used: Permission denied. Change its owner or its "
        "permissions, then run the same command again.\n"
    )


@pytest.mark.parametrize(
    "error",
    [
        OverflowError("timestamp too large to convert to C _PyTime_t"),
        OSError(errno.EOVERFLOW, "Value too large for defined data type"),
    ],
)
def test_clock_that_cannot_be_held_is_one_line(
    capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def command() -> None:
        raise error

    assert guarded(command) == 2
    assert capsys.readouterr().err == (
        f"search: the clock of this machine tells a time that cannot be held: {error}. "
        "Set it, then run the same command again.\n"
    )
