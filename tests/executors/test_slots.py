"""The slots of a study, and the cores and the memory that they share. No GPU is here, and no limit
of a control group: both are pretended."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.answers import Checked
from search.executors import slots
from search.executors.cgroup import cpu_quota, memory_left_bytes
from search.executors.protocol import Slot
from search.executors.slots import cores, free_memory_bytes, gpu_groups, slots_for


def on_gpus(*gpus: str, each: int = 1, are_named: bool = False) -> Checked:
    return Checked(gpus=gpus, gpus_a_trial=each, gpus_are_named=are_named)


def test_workers_share_the_memory() -> None:
    assert slots_for(1, 8, []) == [Slot(8)]
    assert slots_for(16, 1, []) == [Slot(1, memory_share=1 / 16)] * 16


def test_trials_on_the_cpu_take_no_gpu_of_a_machine_with_some() -> None:
    assert gpu_groups(on_gpus("0", "1", each=0)) == []


def test_each_worker_has_a_gpu_of_its_own_the_freest_first() -> None:
    assert slots_for(2, 4, gpu_groups(on_gpus("3", "0", "1"))) == [
        Slot(4, ("3",), memory_share=0.5),
        Slot(4, ("0",), memory_share=0.5),
    ]


def test_workers_beyond_the_gpus_share_one_and_its_memory() -> None:
    shared = slots_for(3, 2, gpu_groups(on_gpus("GPU-b", "GPU-a")))
    assert [slot.gpus for slot in shared] == [("GPU-b",), ("GPU-a",), ("GPU-b",)]
    assert {slot.gpu_share for slot in shared} == {0.5}
    assert {slot.memory_share for slot in shared} == {1 / 3}


def test_trials_of_several_gpus_have_as_many_of_their_own() -> None:
    several = slots_for(2, 4, gpu_groups(on_gpus("4", "5", "6", "7", "2", each=2)))
    assert [slot.gpus for slot in several] == [("4", "5"), ("6", "7")]
    assert {(slot.threads, slot.gpu_share) for slot in several} == {(4, 1.0)}


def test_gpus_that_the_study_file_names_are_left_to_one_trial_at_a_time() -> None:
    named = on_gpus("0", "1", "2", each=2, are_named=True)
    assert gpu_groups(named) == [None]
    assert slots_for(1, 8, gpu_groups(named)) == [Slot(8)]


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


@pytest.mark.parametrize(("quota", "count"), [(None, 4), (2.6, 3), (0.2, 1), (64.0, 4)])
def test_cores_are_those_that_a_quota_has_time_for(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, count: int
) -> None:
    monkeypatch.setattr(slots.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(slots, "cpu_quota", lambda: quota)
    assert cores() == count


def test_memory_is_what_the_control_group_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "memory_left_bytes", lambda: 1000)
    assert free_memory_bytes() == 1000
    monkeypatch.setattr(slots, "memory_left_bytes", lambda: None)
    assert free_memory_bytes() > 1000
