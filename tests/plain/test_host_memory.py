"""The memory of the machine as far as a process may take it; limits and kills are pretended."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.plain import cgroup, host_memory
from search.plain.host_memory import (
    free_memory_bytes,
    kernel_memory_kills,
    total_memory_bytes,
)


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
