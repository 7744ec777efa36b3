"""The limits of the control group of this process, as a container or a cluster's scheduler sets
them: both versions of Linux's, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")


def cpu_quota(root: Path = _ROOT) -> float | None:
    """Cores whose time the process may take at once; None without a limit."""
    quotas = [_quota(group) for group in _groups("cpu", root)]
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_left_bytes(root: Path = _ROOT) -> int | None:
    """Bytes that the process and its children may still take; None without a limit."""
    left = [_memory_left(group) for group in _groups("memory", root)]
    return min((each for each in left if each is not None), default=None)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of the group and of those that it lies in, whose limits count as well."""
    mount = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").strip().splitlines():
        _, controllers, path = line.split(":", 2)
        # the second version has one hierarchy for all controllers, and names none
        if controllers and controller not in controllers.split(","):
            continue
        base = mount / controller if controllers else mount
        own = base / path.strip("/")
        yield own
        yield from (group for group in own.parents if group.is_relative_to(base))


def _quota(group: Path) -> float | None:
    limit = _text(group / "cpu.max").split()
    if not limit:
        limit = [_text(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    quota, period = (_number(each) for each in limit)
    # the first version writes -1 where the second writes max
    if quota is None or period is None or quota <= 0 or period <= 0:
        return None
    return quota / period


def _memory_left(group: Path) -> int | None:
    limit = _number(_text(group / "memory.max") or _text(group / "memory.limit_in_bytes"))
    used = _number(_text(group / "memory.current") or _text(group / "memory.usage_in_bytes"))
    if limit is None or used is None:
        return None
    return max(0, limit - used + _reclaimable(group))


def _reclaimable(group: Path) -> int:
    """Bytes of files that were read, which count as used and are given back when needed."""
    lines = [line.split() for line in _text(group / "memory.stat").splitlines()]
    stat = {line[0]: line[1] for line in lines if len(line) == 2}
    return _number(stat.get("total_inactive_file") or stat.get("inactive_file") or "") or 0


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
