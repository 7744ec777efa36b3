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

HERE = Path(__file__).parent
DEFAULT_EPOCHS = 20
ROUNDS = 3
# as a user's run; tests have one worker otherwise
AUTO = ("--workers", "auto")


def bare(project: Project, script: str, *arguments: object) -> float:
    """Seconds that a script beside this file measured in a process of its own."""
    output = subprocess.run(
        [sys.executable, HERE / script, *map(str, arguments)],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    seconds: float = json.loads(output.splitlines()[-1])
    return seconds


def digits(project: Project, name: str, *, epochs: int, hidden_size: int = 128) -> Path:
    """A study of whole fits: an autoencoder of the digits, of 0.08 s an epoch as it is."""
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


@pytest.mark.parametrize(
    ("trials", "epochs", "hidden_size", "target"),
    [(20, 10, 128, "at most 1.10"), (4, 10, 4096, "at most 1.02")],
    ids=["small", "large"],
)
def test_overhead_over_bare_fits(
    project: Project, trials: int, epochs: int, hidden_size: int, target: str
) -> None:
    ours, plains = [], []
    # in turn, and the best of each: a machine that is slow for a while must not decide
    for turn in range(ROUNDS):
        name = f"one{turn}"
        path = digits(project, name, epochs=epochs, hidden_size=hidden_size)
        run_seconds(project, path, trials, "--workers", "1")
        ours.append(trials_seconds(project, name, trials))
        folder = project.root / "studies" / name / "trials"
        plains.append(bare(project, "bare.py", "fits", threads(project, name), folder))
    print(f"\n{trials} fits, one worker {ours}, bare {plains} s")
    report("one worker / bare fits", min(ours) / min(plains), target)


def test_gain_of_a_second_worker(project: Project) -> None:
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(ROUNDS):
        for workers, found in seconds.items():
            name = f"by{workers}-{turn}"
            path = digits(project, name, epochs=10)
            run_seconds(project, path, 20, "--workers", str(workers))
            found.append(trials_seconds(project, name, 20))
    print(f"\n20 fits: {seconds}")
    report("one worker / two", min(seconds[1]) / min(seconds[2]), "at least 1.9")


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
    ours = run_seconds(project, digits(project, "whole", epochs=10), 40, *AUTO)
    began = time.perf_counter()
    bare(project, "bare.py", "script", cores, 40, 10)
    theirs = time.perf_counter() - began
    print(f"\n40 whole fits: ours {ours:.1f} s, the script {theirs:.1f} s")
    report("the script / ours, both with their imports", theirs / ours, "at least 1.9")


def test_speed_against_ray_tune(project: Project) -> None:
    pytest.importorskip("ray", reason='needs Ray: pip install ".[benchmark]"')
    ours = run_seconds(project, digits(project, "whole", epochs=10), 20, *AUTO)
    began = time.perf_counter()
    bare(project, "ray_script.py", 20, 10)
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
