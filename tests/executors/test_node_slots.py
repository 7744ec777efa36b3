"""The slots of an agent, by the GPUs that its job was given."""

from __future__ import annotations

import pytest

from search.executors.remote.node_slots import node_slots


def test_each_slot_has_gpus_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4,6,7")
    slots = node_slots(2, 8, 2)
    assert [slot.gpus for slot in slots] == [("3", "4"), ("6", "7")]
    assert {slot.threads for slot in slots} == {8}
    assert {slot.gpu_share for slot in slots} == {1.0}


def test_slots_without_a_number_see_what_the_job_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    assert [slot.gpus for slot in node_slots(2, 1, None)] == [None, None]


def test_slots_that_are_given_none_see_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [slot.gpus for slot in node_slots(2, 1, 0)] == [(), ()]
