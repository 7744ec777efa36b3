"""An attempt that lost its trial while its machine slept writes nothing more into the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WRITES = """
import sys
from pathlib import Path
from search.trial.checkpoints.fence import fence_in
from search.trial.checkpoints.files import write_checkpoint

fence_in(sys.argv[2])
write_checkpoint(memoryview(b"of the old attempt"), Path(sys.argv[1]) / "last.ckpt")
print("written")
"""


def write(folder: Path, fence: str) -> subprocess.CompletedProcess[str]:
    """A process that is fenced in writes a checkpoint."""
    return subprocess.run(
        [sys.executable, "-c", WRITES, folder, fence], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("fence", ["a1", ""])
def test_checkpoint_is_written_while_the_trial_is_the_attempts_own(
    tmp_path: Path, fence: str
) -> None:
    if fence:
        (tmp_path / "attempt").write_text("a1")
    result = write(tmp_path, fence)
    assert result.stdout == "written\n", result.stderr
    assert (tmp_path / "last.ckpt").read_bytes() == b"of the old attempt"


def test_nothing_is_written_once_another_attempt_has_the_trial(tmp_path: Path) -> None:
    (tmp_path / "attempt").write_text("b2")
    (tmp_path / "last.ckpt").write_bytes(b"of the new attempt")
    result = write(tmp_path, "a1")
    assert result.returncode == os.EX_UNAVAILABLE
    assert result.stdout.startswith("another attempt has this trial now")
    assert (tmp_path / "last.ckpt").read_bytes() == b"of the new attempt"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["attempt", "last.ckpt"]
