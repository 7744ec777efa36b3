"""The search over batch sizes, and what runs each of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning.utilities.memory import is_oom_error

from search.errors import UserError
from search.layout import TrialFolder
from search.messages import Probed
from search.study_file.trial_config import TrialConfig
from search.trial.tasks.probe import MemoryGuard, largest_that_fits, probe

pytestmark = pytest.mark.real

# what Lightning and torch say of a fit, and of each other
A_FIT = pytest.mark.filterwarnings("ignore")


class Device:
    """Runs sizes up to a limit and remembers them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.ran: list[int] = []

    def fits(self, size: int) -> bool:
        self.ran.append(size)
        return size <= self.limit


@pytest.mark.parametrize("cap", [1, 2, 3, 7, 64, 100, 1000])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20, 63, 64, 99, 10_000])
@pytest.mark.parametrize("mode", ["binsearch", "power"])
def test_largest_size_was_run_and_fits(mode: str, limit: int, cap: int) -> None:
    device = Device(limit)
    found = largest_that_fits(device.fits, mode, cap)
    assert found in device.ran
    assert max(device.ran) <= cap
    best = min(limit, cap)
    assert found == best if mode == "binsearch" else best / 2 < found <= best
    assert len(device.ran) == len(set(device.ran)) or limit < cap


def test_two_runs_tell_when_everything_fits() -> None:
    device = Device(10_000)
    assert largest_that_fits(device.fits, "binsearch", 4096) == 4096
    assert device.ran == [2, 4096]


def test_nothing_fits() -> None:
    assert largest_that_fits(Device(0).fits, "binsearch", 64) == 0


class Module:
    """The hooks of a LightningModule that the guard wraps."""

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None: ...

    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None: ...

    def on_validation_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None: ...


@pytest.mark.parametrize("hook", ["on_train_batch_start", "on_validation_batch_end"])
def test_guard_answers_like_a_device_that_is_full(hook: str) -> None:
    module = Module()
    MemoryGuard(memory_bytes=1).watch(module)
    arguments = (None, 0) if hook == "on_train_batch_start" else (None, None, 0)
    with pytest.raises(RuntimeError) as caught:
        getattr(module, hook)(*arguments)
    assert is_oom_error(caught.value)


NETS = '''
import pytorch_lightning as pl
import torch
from torch.nn import BatchNorm1d, Identity, Linear, Sequential
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    """Memory ends above `limit` samples, at one place and in one library's words."""

    def __init__(self, place="training", words="cuda", limit=10, norm=False, samples=48,
                 drop_last=False, batch_size=4):
        super().__init__()
        self.save_hyperparameters()
        self.batch_size = batch_size
        self.layers = Sequential(Linear(1, 2), BatchNorm1d(2) if norm else Identity(), Linear(2, 1))

    def ends_at(self, place):
        if place == self.hparams.place and self.batch_size > self.hparams.limit:
            raise {"cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
                   "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"),
                   "python": MemoryError()}[self.hparams.words]

    def training_step(self, batch, index):
        self.ends_at("training")
        if index == 1:
            self.ends_at("second")
        return torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])

    def validation_step(self, batch, index):
        self.ends_at("validation")
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def on_validation_epoch_end(self):
        self.ends_at("epoch")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def loader(self):
        x = torch.linspace(-1, 1, self.hparams.samples).unsqueeze(1)
        given = {"batch_size": self.batch_size, "drop_last": self.hparams.drop_last}
        return DataLoader(TensorDataset(x, 2 * x), **given)

    train_dataloader = val_dataloader = loader


class Saved(pl.LightningDataModule):
    """Keeps its batch size among its hyperparameters alone."""

    def __init__(self, batch_size=4):
        super().__init__()
        self.save_hyperparameters()
        self.seen = SEEN

    def size(self):
        return self.hparams.batch_size

    def loader(self):
        self.seen.append(self.size())
        x = torch.linspace(-1, 1, 64).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=self.size())

    train_dataloader = val_dataloader = loader


class Renamed(Saved):
    """Takes its batch size, and keeps it by another name."""

    def __init__(self, batch_size=4):
        pl.LightningDataModule.__init__(self)
        self.seen, self.kept = SEEN, batch_size

    def size(self):
        return self.kept


SEEN = []
'''


@pytest.fixture
def probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Probed]]:
    """The probe of a real fit of `Net`, capped at 32."""
    (tmp_path / "batch_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)

    def run(batch: dict[str, Any] | None = None, data: str = "", **arguments: Any) -> Probed:
        config = {
            "model": {"class_path": "batch_nets.Net", "init_args": arguments},
            "trainer": {"accelerator": "cpu", "logger": False, "max_epochs": 3},
            "objective": {"metric": "val_loss"},
            "batch": {"auto_scale": "binsearch", "max": 32, **(batch or {})},
        }
        if data:
            config["data"] = {"class_path": f"batch_nets.{data}"}
        return probe(TrialConfig.from_tree(config), TrialFolder(tmp_path))

    yield run
    sys.modules.pop("batch_nets", None)


@A_FIT
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("training", "cuda"),
        ("second", "cuda"),
        ("validation", "cuda"),
        ("epoch", "cuda"),
        ("validation", "cublas"),
        ("training", "python"),
    ],
)
def test_memory_that_ends_anywhere_ends_that_size_alone(
    probed: Callable[..., Probed], place: str, words: str
) -> None:
    found = probed(place=place, words=words)
    assert found.micro_batch == 10
    assert found.micro_batch in found.tried


@A_FIT
@pytest.mark.parametrize(
    ("limit", "samples", "micro_batch"),
    [
        (10, 48, 10),
        (10, 49, 10),
        (8, 49, 7),  # 8 would leave one sample
        (10, 33, 10),
        (99, 33, 31),  # 32 would
        (2, 48, 2),
    ],
)
def test_batch_norm_is_never_left_one_sample(
    probed: Callable[..., Probed], limit: int, samples: int, micro_batch: int
) -> None:
    found = probed({"epoch": {"samples": samples}}, norm=True, limit=limit, samples=samples)
    assert found.micro_batch == micro_batch
    assert found.micro_batch in found.tried


@A_FIT
def test_nothing_that_fits_is_told_with_the_smallest_size(probed: Callable[..., Probed]) -> None:
    remedy = "Make the model smaller or use a larger device."
    for arguments, smallest in (({}, 1), ({"norm": True}, 2)):
        with pytest.raises(UserError) as caught:
            probed(**arguments, limit=0)
        line = f"batch.auto_scale: not even a micro-batch of {smallest} fits into memory. {remedy}"
        assert str(caught.value) == line
    with pytest.raises(UserError) as caught:
        probed({"max": 1}, norm=True)
    assert str(caught.value) == (
        "batch.max: 1 leaves no micro-batch for batch norm, which needs two samples in every "
        "batch, the last of an epoch included. Raise it, or drop the last batch."
    )


@A_FIT
def test_size_is_that_of_the_batches_where_it_is_a_hyperparameter_alone(
    probed: Callable[..., Probed],
) -> None:
    found = probed(data="Saved")
    assert found == Probed(micro_batch=32, tried=(2, 32))
    assert set(sys.modules["batch_nets"].SEEN) == {2, 32}


@A_FIT
def test_loader_that_does_not_take_the_sizes_is_refused(probed: Callable[..., Probed]) -> None:
    with pytest.raises(UserError) as caught:
        probed(data="Renamed")
    assert str(caught.value) == (
        "batch.auto_scale: needs batches of any size, but those of data: Renamed stay at 4 "
        "samples. Let its train_dataloader read self.batch_size or self.hparams.batch_size, or "
        "set auto_scale: off."
    )
