"""The folder of a channel's socket, and what is left of it by a process that is killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from search.executors import socket_folder

HOLDER = """
import time
from search.executors import socket_folder

# a test's folder has a long name
socket_folder._MAX_PATH_BYTES = 1000
folder = socket_folder.SocketFolder()
folder.path.touch()
print(folder.path.parent, flush=True)
time.sleep(1000)
"""


@pytest.mark.real
def test_folder_of_a_killed_process_goes_at_the_next_start_and_that_of_another_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(socket_folder, "_MAX_PATH_BYTES", 1000)
    processes = [
        subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        living, killed = (told_by(process) for process in processes)
        other = tmp_path / "search-check-1a2b3c4d"
        other.mkdir()
        processes[1].kill()
        processes[1].wait()
        assert killed.exists()
        own = socket_folder.SocketFolder()
        assert set(tmp_path.iterdir()) == {living, own.path.parent, other}
        assert own.path.parent.stat().st_mode & 0o077 == 0
        own.remove()
        assert set(tmp_path.iterdir()) == {living, other}
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def told_by(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())
