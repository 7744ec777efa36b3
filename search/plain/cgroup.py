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


def memory_limit_bytes(root: Path = _ROOT) -> int | None:
    """Bytes that the process and its children may take in all; None without a limit."""
    limits = [_memory_limit(group) for group in _groups("memory", root)]
    return min((each for each in limits if each is not None), default=None)


def memory_kills(root: Path = _ROOT) -> int | None:
    """Number of processes that the kernel has killed for memory so far in the group, whoever had
    taken it; None where the group does not say."""
    for group in _groups("memory", root):
        # the root of all groups has no such file, and a container may not see its own folder
        text = _text(group / "memory.events") or _text(group / "memory.oom_control")
        if (kills := _number(_fields(text).get("oom_kill", ""))) is not None:
            return kills
    return None


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
    limit = _memory_limit(group)
    used = _number(_text(group / "memory.current") or _text(group / "memory.usage_in_bytes"))
    if limit is None or used is None:
        return None
    return max(0, limit - used + _reclaimable(group))


def _memory_limit(group: Path) -> int | None:
    return _number(_text(group / "memory.max") or _text(group / "memory.limit_in_bytes"))


def _reclaimable(group: Path) -> int:
    """Bytes of files that were read, which count as used and are given back when needed."""
    stat = _fields(_text(group / "memory.stat"))
    return _number(stat.get("total_inactive_file") or stat.get("inactive_file") or "") or 0


def _fields(text: str) -> dict[str, str]:
    """Names and values of a file that has one of each on a line."""
    lines = [line.split() for line in text.splitlines()]
    return {line[0]: line[1] for line in lines if len(line) == 2}


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
