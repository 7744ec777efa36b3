"""Speed as ratios measured in one run; by hand: `pytest -m benchmark -s`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from statistics import median

import pytest
from conftest import Project

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

BARE = Path(__file__).with_name("bare.py")
EPOCHS = 20
ROUNDS = 3


def bare(project: Project, *arguments: object) -> float:
    """Seconds that `bare.py` measured in a process of its own."""
    output = subprocess.run(
        [sys.executable, BARE, *map(str, arguments)],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    seconds: float = json.loads(output.splitlines()[-1])
    return seconds


def study_seconds(project: Project, name: str, trials: int, workers: int, *options: str) -> float:
    """Seconds from the first trial's start to the last one's end: a run less its start-up."""
    result = project.run(
        "run", "--name", name, "--trials", str(trials), "--workers", str(workers), "-q", *options
    )
    assert result.returncode == 0, result.stderr
    times = [
        datetime.fromisoformat(event["time"])
        for number in range(trials)
        for event in project.events(number, name)
    ]
    return (max(times) - min(times)).total_seconds()


def report(name: str, ratio: float, target: str) -> None:
    print(f"\n{name}: {ratio:.2f} (target {target})")


def test_overhead_over_bare_fits_and_gain_of_a_second_worker(project: Project) -> None:
    options = ("--set", "pruner=none", "--set", "sampler=random")
    cores = len(os.sched_getaffinity(0))
    ones, twos, plains = [], [], []
    # in turn, and the best of each: a machine that is slow for a while must not decide
    for turn in range(ROUNDS):
        ones.append(study_seconds(project, f"one{turn}", 20, 1, *options))
        plains.append(bare(project, "fits", cores, project.root / f"studies/one{turn}/trials"))
        twos.append(study_seconds(project, f"two{turn}", 20, 2, *options))
    one, two, plain = min(ones), min(twos), min(plains)
    print(f"\nseconds: one worker {ones}, two {twos}, bare {plains}")
    print(f"\none worker {one:.1f} s, two {two:.1f} s, bare fits {plain:.1f} s")
    report("overhead, one worker / bare fits", one / plain, "at most 1.10")
    report("throughput, two workers / one", one / two, "at least 1.7")


def test_speed_against_the_script_of_today(project: Project) -> None:
    began = time.perf_counter()
    result = project.run("run", "--trials", "50", "--workers", "2", "-q")
    ours = time.perf_counter() - began
    assert result.returncode == 0, result.stderr
    began = time.perf_counter()
    inside = bare(project, "script", len(os.sched_getaffinity(0)), 50, EPOCHS)
    theirs = time.perf_counter() - began
    print(f"\nours {ours:.1f} s, the script {theirs:.1f} s ({inside:.1f} s after its imports)")
    report("the script / ours, both with their imports", theirs / ours, "at least 1.7")


def seconds_of(command: list[str | Path], project: Project) -> float:
    """The best of five, because other processes can only make it longer."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(
            command, cwd=project.root, env=project.environment(), check=True, capture_output=True
        )
        times.append(time.perf_counter() - began)
    return min(times)


def test_commands_answer_at_once(project: Project) -> None:
    import optuna
    from conftest import SEARCH

    python = seconds_of([sys.executable, "-c", "pass"], project)
    help_ = seconds_of([SEARCH, "--help"], project)
    assert project.run("run", project.study(), "--trials", "1", "-q").returncode == 0
    path = project.root / "studies/study/study.db"
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{path}")
    (first,) = study.trials
    study.add_trials([first] * 999)
    status = seconds_of([SEARCH, "status"], project)
    print(f"\npython {python:.2f} s, --help {help_:.2f} s, status of 1,000 trials {status:.2f} s")
    report("search --help in seconds", help_, "at most 0.3")
    report("search status of 1,000 trials in seconds", status, "at most 1")


def test_data_module_against_per_sample_to_tensor(project: Project) -> None:
    import torch
    from torch.utils.data import DataLoader
    from torchvision.datasets import MNIST as TorchvisionMNIST
    from torchvision.transforms import ToTensor

    from search.data.tensors import TensorImages, tensor_loader

    torch.set_num_threads(1)
    pixels = torch.randint(0, 256, (60_000, 28, 28), dtype=torch.uint8)
    targets = torch.randint(0, 10, (60_000,))
    theirs = TorchvisionMNIST.__new__(TorchvisionMNIST)
    theirs.data, theirs.targets = pixels, targets
    theirs.transform, theirs.target_transform = ToTensor(), None
    ours = TensorImages(pixels.unsqueeze(1).float().div(255), targets)
    times = []
    for loader in (
        DataLoader(theirs, batch_size=256, shuffle=True),
        tensor_loader(ours, 256, shuffle=True),
    ):
        began = time.perf_counter()
        batches = sum(1 for _ in loader)
        times.append(time.perf_counter() - began)
        assert batches == 235
    report("an epoch, torchvision / shipped", times[0] / times[1], "at least 3")


@pytest.mark.parametrize(
    ("sampler", "objectives"), [("random", 1), ("tpe", 1), ("tpe", 2)], ids=str
)
def test_sampling_does_not_slow_down(tmp_path: Path, sampler: str, objectives: int) -> None:
    from search.engine.attempt_end import Outcome
    from search.engine.ledger import Ledger
    from search.engine.opening import open_ledger, plan
    from search.layout import StudyFolder
    from search.messages import DONE
    from search.study_file.load import parse_study_tree

    early, late, around = 50, 1_400, 20
    names = ["val_loss", "val_other"][:objectives]
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objectives": [{"metric": name} for name in names],
        "space": {f"model.p{index}": {"float": [0.0, 1.0]} for index in range(4)},
        "sampler": sampler,
    }
    study_file = parse_study_tree(tree, source="study.yaml", default_name="study")
    folder = StudyFolder(tmp_path / "study")
    ledger: Ledger = open_ledger(plan(folder, study_file, None), None)
    seconds = []
    for _ in range(late + around):
        # of this process alone: the disk and other processes are not meant
        began = time.process_time()
        number = ledger.sample()
        seconds.append(time.process_time() - began)
        values = list(ledger.params(number).values())
        metrics = dict(zip(names, values, strict=False)) if objectives > 1 else {}
        ledger.begin_attempt(number, os.getpid())
        ledger.end_attempt(number, Outcome(DONE, values[0], metrics=metrics))
    first, last = (median(seconds[at - around : at + around]) for at in (early, late))
    print(f"\nask of trial {early}: {1e3 * first:.1f} ms, of trial {late}: {1e3 * last:.1f} ms")
    report(
        f"ask of trial {late:,} / {early}, {sampler}, {objectives} objectives", last / first, "2"
    )
