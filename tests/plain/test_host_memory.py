"""The memory of the machine as far as a process may take it; limits and kills are pretended, but
for the last test's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.plain import cgroup, host_memory
from search.plain.host_memory import (
    free_memory_bytes,
    kernel_memory_kills,
    total_memory_bytes,
)

LIMIT_BYTES = 200 << 20
# joins a group, looks, and lets a child take more than there is
IN_GROUP = """
import os
import subprocess
import sys
from pathlib import Path

Path(sys.argv[1], "cgroup.procs").write_text(str(os.getpid()))
from search.plain.host_memory import free_memory_bytes, kernel_memory_kills, total_memory_bytes

print(total_memory_bytes(), free_memory_bytes() < total_memory_bytes(), kernel_memory_kills())
taking = "taken = bytearray(300 << 20)\\nfor i in range(0, len(taken), 4096): taken[i] = 1"
print(subprocess.run([sys.executable, "-c", taking]).returncode, kernel_memory_kills())
"""


def test_memory_is_what_the_control_group_has_and_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cgroup, "memory_left_bytes", lambda: 1000)
    monkeypatch.setattr(cgroup, "memory_limit_bytes", lambda: 5000)
    assert (free_memory_bytes(), total_memory_bytes()) == (1000, 5000)
    monkeypatch.setattr(cgroup, "memory_left_bytes", lambda: None)
    monkeypatch.setattr(cgroup, "memory_limit_bytes", lambda: None)
    assert 5000 < free_memory_bytes() <= total_memory_bytes()


@pytest.mark.parametrize(("own", "kills"), [(2, 2), (0, 0), (None, 9)])
def test_kills_are_those_of_the_own_control_group_where_it_tells_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: int | None, kills: int
) -> None:
    """Elsewhere on the machine the memory of somebody else's group runs out all day."""
    (tmp_path / "vmstat").write_text("pgfault 5\noom_kill 9\n")
    monkeypatch.setattr(host_memory, "_KERNEL_COUNTERS", tmp_path / "vmstat")
    monkeypatch.setattr(cgroup, "memory_kills", lambda: own)
    assert kernel_memory_kills() == kills


@pytest.fixture
def limited_group() -> Iterator[Path]:
    """A control group of ours with a limit of memory, below that of this process."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    paths = [line.split(":", 2)[2] for line in lines if line.split(":")[1] == "memory"]
    if not paths:
        pytest.skip("no control groups of the first version, and those of the second share none")
    group = Path("/sys/fs/cgroup/memory", paths[0].strip("/"), "search-test")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    (group / "memory.limit_in_bytes").write_text(str(LIMIT_BYTES))
    yield group
    group.rmdir()


@pytest.mark.real
def test_limit_and_kills_of_a_real_group_are_seen(limited_group: Path) -> None:
    command = [sys.executable, "-c", IN_GROUP, str(limited_group)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.splitlines() == [f"{LIMIT_BYTES} True 0", "-9 1"]
