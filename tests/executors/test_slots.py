"""How cores, memory and GPUs are shared. No GPU is here: only the arithmetic can be tested, and
what `nvidia-smi --list-gpus` says is pretended."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.answers import Checked
from search.commands import option_values
from search.commands.option_values import worker_count
from search.executors import slots
from search.executors.protocol import Slot
from search.executors.slots import slots_for
from search.store.provenance.machine import usable_gpus

NONE = Checked()


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "cores", lambda: 8)
    monkeypatch.setattr(option_values, "cores", lambda: 8)


def on_gpus(*gpus: str, each: int = 1, are_named: bool = False) -> Checked:
    return Checked(gpus=gpus, gpus_a_trial=each, gpus_are_named=are_named)


def test_workers_share_the_cores_and_the_memory() -> None:
    assert slots_for(1, NONE) == [Slot(8)]
    assert slots_for(2, NONE) == [Slot(4, memory_share=0.5)] * 2
    assert slots_for(16, NONE) == [Slot(1, memory_share=1 / 16)] * 16


def test_workers_on_the_cpu_share_the_memory_of_a_machine_with_gpus() -> None:
    assert slots_for(4, on_gpus("0", "1", each=0)) == [Slot(2, memory_share=0.25)] * 4


def test_each_worker_has_a_gpu_of_its_own_the_freest_first() -> None:
    assert slots_for(2, on_gpus("3", "0", "1")) == [
        Slot(4, ("3",), memory_share=0.5),
        Slot(4, ("0",), memory_share=0.5),
    ]


def test_workers_beyond_the_gpus_share_one_and_its_memory() -> None:
    shared = slots_for(3, on_gpus("GPU-b", "GPU-a"))
    assert [slot.gpus for slot in shared] == [("GPU-b",), ("GPU-a",), ("GPU-b",)]
    assert {slot.gpu_share for slot in shared} == {0.5}
    assert {slot.memory_share for slot in shared} == {1 / 3}


def test_trials_of_several_gpus_have_as_many_of_their_own_and_share_none() -> None:
    several = slots_for(4, on_gpus("4", "5", "6", "7", "2", each=2))
    assert [slot.gpus for slot in several] == [("4", "5"), ("6", "7")]
    assert {(slot.threads, slot.gpu_share) for slot in several} == {(4, 1.0)}


def test_gpus_that_the_study_file_names_are_left_to_one_trial_at_a_time() -> None:
    assert slots_for(4, on_gpus("0", "1", "2", each=2, are_named=True)) == [Slot(8)]


LISTED = """\
GPU 0: NVIDIA A100 (UUID: GPU-aaaa)
  MIG 1g.5gb     Device  0: (UUID: MIG-1111)
  MIG 1g.5gb     Device  1: (UUID: MIG-2222)
GPU 1: NVIDIA A100 (UUID: GPU-bbbb)
GPU 2: NVIDIA A100 (UUID: GPU-cccc)
"""


@pytest.fixture
def three_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTED}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (None, 3),
        ("", 0),
        ("-1", 0),
        ("2,0", 2),
        ("0,7,1", 1),
        ("1,1", 0),
        ("GPU-bbbb,GPU-a", 2),
        ("GPU-dddd", 0),
        ("MIG-2222,MIG-1111", 2),
    ],
)
def test_gpus_that_count_are_those_that_may_be_used(
    three_gpus: None, text: str | None, count: int
) -> None:
    assert usable_gpus({} if text is None else {"CUDA_VISIBLE_DEVICES": text}) == count


@pytest.mark.parametrize(
    ("trainer", "count"),
    [
        ({}, 3),
        ({"accelerator": "gpu", "devices": 2}, 1),
        ({"devices": -1}, 1),
        ({"accelerator": "cpu"}, 8),
    ],
)
def test_auto_is_as_many_workers_as_there_are_gpus_for(
    three_gpus: None, monkeypatch: pytest.MonkeyPatch, trainer: dict[str, object], count: int
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert worker_count("--workers", "auto", trainer) == count


def test_auto_without_a_gpu_is_one_worker_a_core() -> None:
    assert worker_count("--workers", "auto", {}) == 8
