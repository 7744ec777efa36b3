"""Studies on real GPUs: `pytest -m gpu`. Elsewhere the same decisions run on pretended devices, in
tests/executors and tests/trial/process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Project

NONE_HERE = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
pytestmark = [pytest.mark.gpu, pytest.mark.real, pytest.mark.timeout(600), NONE_HERE]

ON_GPU = {"max_epochs": 4, "accelerator": "gpu", "devices": 1, "num_sanity_val_steps": 0}
NETS = '''
import os, signal
from pathlib import Path
import torch
from tiny import Tiny


class Seeing(Tiny):
    """Says what it may use of GPUs."""

    def on_fit_start(self):
        torch.cuda.synchronize()
        name = os.environ.get("CUDA_VISIBLE_DEVICES")
        print("seen", name, torch.cuda.device_count(), flush=True)


class Random(Tiny):
    """Draws from the GPU's generator in each step; a trial that is to be killed is, in epoch 2."""

    def __init__(self, lr: float = 0.01, fate: str = "whole", pause: float = 0.0):
        super().__init__(lr=lr, width=8, pause=pause)
        self.fate = fate

    def training_step(self, batch, batch_idx):
        once = Path(__file__).with_name("killed-once")
        if self.fate == "killed" and self.current_epoch == 2 and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        noise = torch.randn(len(batch[0]), 1, device=self.device)
        return super().training_step(batch, batch_idx) + 0.01 * (noise * self.layers(noise)).mean()


class Filling(Tiny):
    """Takes a part of the device in its first step."""

    def __init__(self, part: float = 0.1):
        super().__init__()
        self.part = part

    def training_step(self, batch, batch_idx):
        size = int(self.part * torch.cuda.get_device_properties(0).total_memory)
        taken = torch.empty(size, dtype=torch.uint8, device=self.device)
        loss = super().training_step(batch, batch_idx)
        del taken
        return loss


class ASample(Tiny):
    """Takes a part of the device for each sample of its batch."""

    def __init__(self, lr: float = 0.01, part: float = 0.06, batch_size: int = 8):
        super().__init__(lr=lr, batch_size=batch_size)
        self.part = part

    def training_step(self, batch, batch_idx):
        total = torch.cuda.get_device_properties(0).total_memory
        size = int(self.part * total) * len(batch[0])
        taken = torch.empty(size, dtype=torch.uint8, device=self.device)
        loss = super().training_step(batch, batch_idx)
        del taken
        return loss
'''
FATE = "model.init_args.fate"


@pytest.fixture
def nets(project: Project) -> Project:
    (project.root / "nets.py").write_text(NETS)
    return project


def study(project: Project, net: str, **changes: Any) -> Path:
    given: dict[str, Any] = {"model": {"class_path": f"nets.{net}"}, "trainer": ON_GPU}
    return project.study(**(given | changes))


def seen(project: Project, trials: int) -> list[list[str]]:
    """What the attempts of each trial said of the GPUs that they may use."""
    logs = [project.root / f"studies/study/trials/{number:04d}/log.txt" for number in range(trials)]
    lines = [line.split() for log in logs for line in log.read_text().splitlines()]
    return [line[1:] for line in lines if line[:1] == ["seen"]]


def uuid() -> str:
    return f"GPU-{torch.cuda.get_device_properties(0).uuid}"


def test_trial_trains_on_one_gpu_and_sees_no_other(nets: Project) -> None:
    result = nets.run("run", study(nets, "Seeing"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert [count for _, count in seen(nets, 3)] == ["1"] * 3


@pytest.mark.parametrize("name", ["0", "uuid"])
def test_gpus_that_were_given_are_kept_to(
    nets: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = uuid() if name == "uuid" else name
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    result = nets.run("run", study(nets, "Seeing"), "--workers", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert seen(nets, 3) == [[given, "1"]] * 3


def test_without_a_gpu_that_may_be_used_trials_train_on_the_cpu(
    nets: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = nets.run("run", study(nets, "Random", trainer={**ON_GPU, "accelerator": "auto"}))
    assert result.returncode == 0, result.stdout + result.stderr
    assert nets.states() == ["COMPLETE"] * 3


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_gpu_with_most_free_memory_is_taken_first(nets: Project) -> None:
    total = torch.cuda.get_device_properties(0).total_memory
    code = f"import torch, time; x = torch.empty({total // 2}, dtype=torch.uint8, device='cuda:0')"
    other = subprocess.Popen(
        [sys.executable, "-c", f"{code}; print('full', flush=True); time.sleep(300)"],
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout is not None
        other.stdout.readline()
        result = nets.run("run", study(nets, "Seeing"), "--workers", "1")
    finally:
        other.kill()
        other.communicate()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0" not in {name for name, _ in seen(nets, 3)}


def test_two_trials_on_one_gpu_have_half_of_it_each(
    nets: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    space = {"model.init_args.part": {"choice": [0.25, 0.7]}}
    path = study(nets, "Filling", space=space, sampler="grid", budget={"trials": 2})
    result = nets.run("run", path, "--workers", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert sorted(nets.states()) == ["COMPLETE", "FAIL"]
    ends = [nets.events(number)[-1] for number in range(2)]
    assert sorted(end["cause"] for end in ends) == ["done", "oom"]


def test_small_trials_share_a_gpu_by_themselves(
    nets: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    path = study(nets, "Random", model={"class_path": "nets.Random", "init_args": {"pause": 0.1}})
    result = nets.run("run", path, "--trials", "4", "--workers", "auto")
    assert result.returncode == 0, result.stdout + result.stderr
    times = [[event["time"] for event in nets.events(number)] for number in range(4)]
    assert min(last for *_, last in times) > sorted(first for first, *_ in times)[1]
    assert nets.states() == ["COMPLETE"] * 4


def test_batch_that_does_not_fit_is_made_smaller_and_the_trial_goes_on(nets: Project) -> None:
    path = study(nets, "ASample", budget={"trials": 1})
    # 32 samples of 6 % each do not fit, 8 do
    result = nets.run("run", path, "--set", "model.init_args.batch_size=32")
    assert result.returncode == 0, result.stdout + result.stderr
    causes = [each["cause"] for each in nets.events(0) if each["event"] == "attempt_ended"]
    assert causes[-1] == "done"
    assert set(causes[:-1]) == {"oom"}
    assert len(causes) > 1


@pytest.mark.parametrize("mode", ["binsearch", "power"])
def test_largest_batch_that_fits_is_found_on_the_device(nets: Project, mode: str) -> None:
    path = study(nets, "ASample", batch={"auto_scale": mode}, budget={"trials": 1})
    result = nets.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    (sizes,) = [each for each in nets.events(0) if each["event"] == "sizes"]
    # of 32 samples, each with 6 % of the device, less what CUDA itself takes
    assert sizes["micro_batch"] == 8 if mode == "power" else 13 <= sizes["micro_batch"] <= 16
    causes = [each["cause"] for each in nets.events(0) if each["event"] == "attempt_ended"]
    assert causes == ["done"]


@pytest.mark.parametrize("precision", ["32-true", "16-mixed", "bf16-mixed"])
def test_killed_trial_goes_on_to_the_same_bits(nets: Project, precision: str) -> None:
    path = study(
        nets,
        "Random",
        trainer={**ON_GPU, "precision": precision, "deterministic": True},
        space={FATE: {"choice": ["whole", "killed"]}},
        sampler="grid",
        budget={"trials": 2},
    )
    result = nets.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    ends = [
        [each["cause"] for each in nets.events(number) if each["event"] == "attempt_ended"]
        for number in range(2)
    ]
    assert sorted(ends) == [["done"], ["killed", "done"]]
    first, second = nets.curves().values()
    assert first == second
    assert len(first) == 4


def test_two_trials_on_one_gpu_are_killed_with_the_study_and_resumed(
    nets: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    model = {"class_path": "nets.Random", "init_args": {"pause": 0.1}}
    changes: dict[str, Any] = {"model": model, "sampler": "random", "budget": {"trials": 2}}
    whole = study(nets, "Random", name="whole", **changes)
    assert nets.run("run", whole, "--workers", "2").returncode == 0
    process = nets.start("run", study(nets, "Random", **changes), "--workers", "2")
    deadline = time.monotonic() + 240
    while min(nets.epochs(0), nets.epochs(1)) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    result = nets.run("resume", "study", "--workers", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert nets.states() == ["COMPLETE"] * 2
    assert nets.curves() == nets.curves("whole")
