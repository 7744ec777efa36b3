"""Speed as ratios measured in one run; by hand: `pytest -m benchmark -s`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from conftest import Project

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

HERE = Path(__file__).parent
DEFAULT_EPOCHS = 20
ROUNDS = 3
# a bare fit of a trial, whatever machine this is
SHORT_S, LONG_S = 0.8, 10.0
# as a user's run; tests have one worker otherwise
AUTO = ("--workers", "auto")


def bare(project: Project, script: str, *arguments: object) -> Any:
    """What a script beside this file measured in a process of its own, in seconds."""
    result = subprocess.run(
        [sys.executable, HERE / script, *map(str, arguments)],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def epochs_for(project: Project, seconds: float, hidden_size: int = 128) -> int:
    """The epochs with which a bare fit in one thread takes so many seconds on this machine."""
    pace = bare(project, "bare.py", "pace", 1, hidden_size)
    epochs = max(2, round((seconds - pace["fit_s"]) / pace["epoch_s"]))
    print(
        f"\na bare fit of {seconds} s: {epochs} epochs of {1e3 * pace['epoch_s']:.1f} ms, "
        f"and {1e3 * pace['fit_s']:.0f} ms"
    )
    return epochs


def digits(project: Project, name: str, *, epochs: int, hidden_size: int = 128) -> Path:
    """A study of whole fits: an autoencoder of the digits."""
    model = {"hidden_size": hidden_size, "latent_size": 3}
    return project.study(
        name,
        model={"class_path": "search.models.LitAutoEncoder", "init_args": model},
        data={"class_path": "search.data.Digits", "init_args": {"batch_size": 64}},
        trainer={"max_epochs": epochs, "accelerator": "cpu"},
        sampler="random",
    )


def run_seconds(project: Project, path: Path, trials: int, *options: str) -> float:
    """Seconds of a run, its start included."""
    began = time.perf_counter()
    result = project.run("run", path, "--trials", str(trials), "-q", *options)
    assert result.returncode == 0, result.stderr
    return time.perf_counter() - began


def trials_seconds(project: Project, name: str, trials: int) -> float:
    """Seconds from the first trial's start to the last one's end: a run less its start."""
    times = [
        datetime.fromisoformat(event["time"])
        for number in range(trials)
        for event in project.events(number, name)
    ]
    return (max(times) - min(times)).total_seconds()


def threads(project: Project, name: str) -> int:
    """Threads that the trials of a study had."""
    lines = (project.root / "studies" / name / "events.jsonl").read_text().splitlines()
    found: int = [event["threads"] for event in map(json.loads, lines) if "threads" in event][-1]
    return found


def report(name: str, ratio: float, target: str) -> None:
    print(f"\n{name}: {ratio:.2f} (target {target})")


@dataclass(frozen=True)
class Fits:
    """Trials of one length beside bare fits of the same configurations, in seconds a trial."""

    epochs: int
    ours_s: float
    bare_s: float

    @property
    def more_s(self) -> float:
        return self.ours_s - self.bare_s


def compared(project: Project, trials: int, epochs: int, hidden_size: int) -> Fits:
    """Trials with one worker and bare fits, in turn, and the best of each: a machine that is slow
    for a while must not decide."""
    ours, plains = [], []
    for turn in range(ROUNDS):
        name = f"of{epochs}-{turn}"
        path = digits(project, name, epochs=epochs, hidden_size=hidden_size)
        run_seconds(project, path, trials, "--workers", "1")
        ours.append(trials_seconds(project, name, trials))
        folder = project.root / "studies" / name / "trials"
        plains.append(bare(project, "bare.py", "fits", threads(project, name), folder))
    print(f"{trials} fits of {epochs} epochs, one worker {ours}, bare {plains} s")
    return Fits(epochs, min(ours) / trials, min(plains) / trials)


# the larger has checkpoints of 6.5 MB
@pytest.mark.parametrize("hidden_size", [128, 4096])
def test_overhead_over_bare_fits(project: Project, hidden_size: int) -> None:
    short = compared(project, 20, epochs_for(project, SHORT_S, hidden_size), hidden_size)
    long = compared(project, 4, epochs_for(project, LONG_S, hidden_size), hidden_size)
    epoch_s = (long.more_s - short.more_s) / (long.epochs - short.epochs)
    trial_s = short.more_s - epoch_s * short.epochs
    print(f"a trial costs {1e3 * trial_s:.0f} ms, and {1e3 * epoch_s:.1f} ms an epoch")
    for fits, target in ((short, "at most 1.10"), (long, "at most 1.02")):
        name = f"one worker / bare fits of {fits.bare_s:.1f} s, {hidden_size} wide"
        report(name, fits.ours_s / fits.bare_s, target)


def test_gain_of_a_second_worker(project: Project) -> None:
    epochs = epochs_for(project, SHORT_S)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(ROUNDS):
        for workers, found in seconds.items():
            name = f"by{workers}-{turn}"
            path = digits(project, name, epochs=epochs)
            run_seconds(project, path, 20, "--workers", str(workers))
            found.append(trials_seconds(project, name, 20))
    folder = project.root / "studies" / "by2-0" / "trials"
    gains = [bare(project, "bare.py", "gain-of-two", 1, folder) for _ in range(ROUNDS)]
    print(f"\n20 fits: {seconds}")
    gain = min(seconds[1]) / min(seconds[2])
    report("one worker / two", gain, "at least 1.9")
    print(f"two bare processes gain {gains} on this machine: {gain / median(gains):.0%} of that")


def test_speed_against_the_script_of_today(project: Project) -> None:
    cores = len(os.sched_getaffinity(0))
    began = time.perf_counter()
    assert project.run("run", "--trials", "50", "-q", *AUTO).returncode == 0
    ours = time.perf_counter() - began
    began = time.perf_counter()
    bare(project, "bare.py", "pruning-script", cores, 50, DEFAULT_EPOCHS)
    theirs = time.perf_counter() - began
    print(f"\nthe default study, 50 trials: ours {ours:.1f} s, the script {theirs:.1f} s")
    report("the script / ours, both with their imports", theirs / ours, "at least 1.9")
    epochs = epochs_for(project, SHORT_S)
    ours = run_seconds(project, digits(project, "whole", epochs=epochs), 40, *AUTO)
    began = time.perf_counter()
    bare(project, "bare.py", "script", cores, 40, epochs)
    theirs = time.perf_counter() - began
    print(f"\n40 whole fits: ours {ours:.1f} s, the script {theirs:.1f} s")
    report("the script / ours, both with their imports", theirs / ours, "at least 1.9")


def test_speed_against_ray_tune(project: Project) -> None:
    pytest.importorskip("ray", reason='needs Ray: pip install ".[benchmark]"')
    epochs = epochs_for(project, SHORT_S)
    ours = run_seconds(project, digits(project, "whole", epochs=epochs), 20, *AUTO)
    began = time.perf_counter()
    bare(project, "ray_script.py", 20, epochs)
    theirs = time.perf_counter() - began
    print(f"\n20 whole fits: ours {ours:.1f} s, Ray Tune {theirs:.1f} s")
    report("Ray Tune / ours, both with their imports", theirs / ours, "at least 8")


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
    ("samples", "side", "batch_size"), [(1_258, 8, 64), (60_000, 28, 256)], ids=["Digits", "MNIST"]
)
def test_data_module_against_a_bare_tensor_loop(samples: int, side: int, batch_size: int) -> None:
    import torch

    from search.data.tensors import TensorImages, tensor_loader

    torch.set_num_threads(1)
    images = torch.rand(samples, 1, side, side)
    targets = torch.randint(0, 10, (samples,))
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(side * side, 128), torch.nn.ReLU()
    ).append(torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters())
    loader = tensor_loader(TensorImages(images, targets), batch_size, shuffle=True)

    def by_hand() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for batch in torch.randperm(samples).split(batch_size):
            yield images[batch], targets[batch]

    def epoch(batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> float:
        began = time.process_time()
        for inputs, labels in batches:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
        return time.process_time() - began

    # in turn, and the best of each
    epochs = [(epoch(loader), epoch(by_hand())) for _ in range(10)]
    shipped, bare_loop = (min(times) for times in zip(*epochs, strict=True))
    print(f"\nan epoch, shipped {1e3 * shipped:.1f} ms, by hand {1e3 * bare_loop:.1f} ms")
    report("shipped / by hand", shipped / bare_loop, "at most 1.2")


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
