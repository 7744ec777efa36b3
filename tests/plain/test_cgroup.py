"""The limits of a control group, and what the kernel killed in it; all of it is pretended."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.plain.cgroup import cpu_quota, memory_kills, memory_left_bytes, memory_limit_bytes

SECOND = {"cpu.max": "250000 100000", "memory.max": "4000", "memory.current": "1500"}
FIRST = {"cpu/cpu.cfs_quota_us": "150000", "cpu/cpu.cfs_period_us": "100000"}
FIRST |= {"memory/memory.limit_in_bytes": "4000", "memory/memory.usage_in_bytes": "1500"}
UNLIMITED = {"cpu.max": "max 100000", "memory.max": "max", "memory.current": "1500"}
UNLIMITED |= {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}


def pretended(root: Path, own: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": own, **files}.items():
        path = root / name if name.startswith("proc") else root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("own", "files", "quota", "left"),
    [
        ("0::/", SECOND, 2.5, 2500),
        ("0::/", {**SECOND, "memory.stat": "anon 5\ninactive_file 300"}, 2.5, 2800),
        (
            "0::/a/b",
            {**UNLIMITED, "a/b/cpu.max": "max 100000", "a/cpu.max": "50000 100000"},
            0.5,
            None,
        ),
        ("0::/a b", {**UNLIMITED, "a b/cpu.max": "50000 100000"}, 0.5, None),
        # a container does not see the group that it is told
        ("0::/docker/1", SECOND, 2.5, 2500),
        ("4:memory:/\n1:cpu,cpuacct:/\n0::/", FIRST, 1.5, 2500),
        ("4:memory:/\n1:cpu:/\n0::/", UNLIMITED, None, None),
        ("", {}, None, None),
    ],
)
def test_limits_of_the_control_group_are_the_least_of_those_that_it_lies_in(
    tmp_path: Path, own: str, files: dict[str, str], quota: float | None, left: int | None
) -> None:
    root = pretended(tmp_path, own, files)
    assert (cpu_quota(root), memory_left_bytes(root)) == (quota, left)


# a job of SLURM: the limit is that of the job, above the task whose group a process is in
JOB = "slurm/uid_1000/job_7"
OF_JOB = {f"memory/{JOB}/memory.limit_in_bytes": "4000"}
OF_JOB |= {f"memory/{JOB}/memory.usage_in_bytes": "1500"}
NO_LIMIT = {"memory/memory.limit_in_bytes": str(2**63 - 4096), "memory/memory.usage_in_bytes": "9"}
SLICE = "system.slice/slurmstepd.scope/job_7"


@pytest.mark.parametrize(
    ("own", "files", "limit", "left"),
    [
        (f"4:memory:/{JOB}/step_0/task_0", {**NO_LIMIT, **OF_JOB}, 4000, 2500),
        (
            f"0::/{SLICE}/step_0/user/task_0",
            {f"{SLICE}/memory.max": "4000", f"{SLICE}/memory.current": "1500"},
            4000,
            2500,
        ),
        ("0::/", {}, None, None),
    ],
)
def test_memory_is_that_of_the_job_in_which_a_task_lies(
    tmp_path: Path, own: str, files: dict[str, str], limit: int | None, left: int | None
) -> None:
    root = pretended(tmp_path, own, files)
    assert (memory_limit_bytes(root), memory_left_bytes(root)) == (limit, left)


@pytest.mark.parametrize(
    ("own", "files", "kills"),
    [
        ("0::/a/b", {"a/b/memory.events": "low 0\noom 2\noom_kill 1\noom_group_kill 0"}, 1),
        (
            "4:memory:/a\n0::/",
            {
                "memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3",
                "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 8",
            },
            3,
        ),
        # a container does not see the group that it is told
        ("0::/docker/1", {"memory.events": "oom_kill 4"}, 4),
        # before Linux 4.13 it is not said
        ("4:memory:/a", {"memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0"}, None),
        ("", {}, None),
    ],
)
def test_kills_for_memory_are_those_of_the_own_group(
    tmp_path: Path, own: str, files: dict[str, str], kills: int | None
) -> None:
    assert memory_kills(pretended(tmp_path, own, files)) == kills
