"""The slots of a study, and the cores that they share. No GPU is here, and no limit of a control
group: both are pretended."""

from __future__ import annotations

import pytest

from search.answers import Checked
from search.executors import slots
from search.executors.slots import cores, gpu_groups, slots_for
from search.messages import Slot


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


@pytest.mark.parametrize(("quota", "count"), [(None, 4), (2.6, 3), (0.2, 1), (64.0, 4)])
def test_cores_are_those_that_a_quota_has_time_for(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, count: int
) -> None:
    monkeypatch.setattr(slots.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(slots, "cpu_quota", lambda: quota)
    assert cores() == count
