"""Steps timed with several numbers of threads, in a long epoch and in short ones."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import pytest
import torch

from search.layout import TrialFolder
from search.study_file.trial_config import TrialConfig
from search.trial.tasks.step_times import time_steps

# what Lightning and torch say of a fit, and of each other
pytestmark = pytest.mark.filterwarnings("ignore")

MODULE = """
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

steps = []


class Net(pl.LightningModule):
    def __init__(self, samples=8):
        super().__init__()
        self.samples = samples
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        steps.append((self.current_epoch, torch.get_num_threads()))
        return self.layer(batch[0]).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def train_dataloader(self):
        return DataLoader(TensorDataset(torch.zeros(self.samples, 1)), batch_size=1)
"""


CPU = {"trainer": {"accelerator": "cpu"}, "objective": {"metric": "val_loss"}}


@pytest.mark.parametrize("samples", [8, 1, 100])
def test_steps_are_timed_with_each_number_of_threads_in_the_first_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: int
) -> None:
    (tmp_path / f"timed{samples}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    for limit in ("_STEPS_S", "_IN_ALL_S"):
        monkeypatch.setattr(f"search.trial.tasks.step_times.{limit}", 60.0)
    importlib.invalidate_caches()
    before = torch.get_num_threads()
    model = {"class_path": f"timed{samples}.Net", "init_args": {"samples": samples}}
    config = TrialConfig.from_tree({"model": model, **CPU})
    timed = time_steps(config, TrialFolder(tmp_path), threads=3)
    torch.set_num_threads(before)
    steps = importlib.import_module(f"timed{samples}").steps
    assert {epoch for epoch, _ in steps} == {0}
    assert Counter(threads for _, threads in steps) == {1: 12, 2: 12, 3: 12}
    assert sorted(timed.step_s) == [1, 2, 3]
    assert all(seconds > 0 for seconds in timed.step_s.values())
    assert timed.memory_bytes > 1 << 20


LOADING = """
import torch
from timed_loading_base import Net as Base
from torch.utils.data import DataLoader, TensorDataset


def fill(worker):
    torch.utils.data.get_worker_info().dataset.held = bytearray(b"1") * (256 << 20)


class Net(Base):
    def train_dataloader(self):
        data = TensorDataset(torch.zeros(9, 1))
        return DataLoader(data, num_workers=1, worker_init_fn=fill)
"""


def test_memory_of_a_trial_is_also_that_of_the_processes_that_load_its_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "timed_loading_base.py").write_text(MODULE)
    (tmp_path / "timed_loading.py").write_text(LOADING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("search.trial.tasks.step_times._own_memory_bytes", lambda: 0)
    importlib.invalidate_caches()
    before = torch.get_num_threads()
    taken = []
    for name in ("timed_loading_base", "timed_loading"):
        config = TrialConfig.from_tree({"model": {"class_path": f"{name}.Net"}, **CPU})
        taken.append(time_steps(config, TrialFolder(tmp_path), threads=1).memory_bytes)
    torch.set_num_threads(before)
    assert taken[1] - taken[0] >= 256 << 20
