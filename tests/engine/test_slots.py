"""How cores, memory and GPUs are shared. No GPU is here: only the arithmetic can be tested."""

from __future__ import annotations

import pytest

from search.engine import run
from search.engine.executors.protocol import Slot
from search.engine.run import slots_for


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "cores", lambda: 8)


def test_workers_share_the_cores_and_the_memory() -> None:
    assert slots_for(1) == [Slot(8)]
    assert slots_for(2) == [Slot(4, memory_share=0.5)] * 2
    assert slots_for(16) == [Slot(1, memory_share=1 / 16)] * 16


def test_each_worker_has_a_gpu_of_its_own_the_freest_first() -> None:
    assert slots_for(2, (3, 0, 1)) == [Slot(4, (3,)), Slot(4, (0,))]


def test_workers_beyond_the_gpus_share_one_and_its_memory() -> None:
    slots = slots_for(3, (1, 0))
    assert [slot.gpus for slot in slots] == [(1,), (0,), (1,)]
    assert {slot.memory_share for slot in slots} == {0.5}
