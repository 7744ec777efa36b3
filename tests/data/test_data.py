"""The shipped data modules on real files: splits, batches, and a global random state left alone."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
from pathlib import Path

import pytest
import torch
from torchvision import datasets

from search.data import CIFAR10, MNIST, Digits, FashionMNIST
from search.data.tensors import TensorImages


def write_idx(path: Path, array: torch.Tensor) -> None:
    """A real IDX file: magic number, sizes, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    data = header + bytes(array.flatten().tolist())
    path.write_bytes(data)
    with gzip.open(path.with_name(path.name + ".gz"), "wb") as file:
        file.write(data)


def write_mnist(root: Path, name: str, train: int = 20, test: int = 6) -> None:
    for part, count in (("train", train), ("t10k", test)):
        images = torch.arange(count * 784).reshape(count, 28, 28) % 256
        write_idx(root / name / "raw" / f"{part}-images-idx3-ubyte", images)
        write_idx(root / name / "raw" / f"{part}-labels-idx1-ubyte", torch.arange(count) % 10)


def write_cifar(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real pickled batches; their checksums take the place of those of the real ones."""
    folder = root / datasets.CIFAR10.base_folder
    folder.mkdir(parents=True)

    def write(name: str, content: object) -> list[str]:
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return [name, hashlib.md5(data).hexdigest()]

    def batch(count: int) -> dict[str, object]:
        pixels = (torch.arange(count * 3072) % 256).reshape(count, 3072).to(torch.uint8).numpy()
        return {"data": pixels, "labels": list(range(count))}

    train = [write(f"data_batch_{index}", batch(4)) for index in range(1, 6)]
    test = [write("test_batch", batch(6))]
    name, md5 = write("batches.meta", {"label_names": [str(index) for index in range(10)]})
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", test)
    meta = {"filename": name, "key": "label_names", "md5": md5}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)


def test_digits_are_split_once_and_for_all() -> None:
    first, second = Digits(), Digits()
    for data in (first, second):
        data.prepare_data()
        data.setup("fit")
        data.setup("test")
        torch.rand(3)
    sizes = [len(part) for part in (first.train_set, first.val_set, first.test_set)]
    assert sizes == [1258, 179, 360]
    torch.testing.assert_close(first.val_set.images, second.val_set.images)
    rows = {tuple(row) for row in first.train_set.images.flatten(1).tolist()}
    assert not rows & {tuple(row) for row in first.val_set.images.flatten(1).tolist()}


def test_digits_are_images_between_0_and_1() -> None:
    data = Digits(batch_size=16)
    data.setup("fit")
    images, targets = next(iter(data.train_dataloader()))
    assert images.shape == (16, 1, 8, 8)
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (0.0, 1.0)
    assert targets.dtype == torch.int64


def test_other_split_seed_gives_another_split() -> None:
    first, second = Digits(split_seed=0), Digits(split_seed=1)
    for data in (first, second):
        data.setup("fit")
    assert not torch.equal(first.val_set.images, second.val_set.images)


def test_setup_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    Digits().setup("fit")
    assert torch.equal(torch.get_rng_state(), before)


def test_batch_size_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        Digits(batch_size=0)


def test_transform_changes_training_batches_only() -> None:
    data = Digits(transform=lambda images: images + 10)
    data.setup("fit")
    assert next(iter(data.train_dataloader()))[0].min() >= 10
    assert next(iter(data.val_dataloader()))[0].max() <= 1


def test_loader_asks_for_whole_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    whole = TensorImages.__getitems__
    monkeypatch.setattr(
        TensorImages,
        "__getitems__",
        lambda self, rows: asked.append(len(rows)) or whole(self, rows),
    )
    data = Digits(batch_size=100)
    data.setup("fit")
    assert sum(len(targets) for _, targets in data.val_dataloader()) == 179
    assert asked == [100, 79]


@pytest.mark.parametrize("cls", [MNIST, FashionMNIST])
def test_mnist_is_read_from_its_files(cls: type[MNIST], tmp_path: Path) -> None:
    write_mnist(tmp_path, cls.__name__)
    data = cls(data_dir=str(tmp_path), download=False, val_size=5, batch_size=4)
    data.prepare_data()
    data.setup("fit")
    data.setup("test")
    assert [len(part) for part in (data.train_set, data.val_set, data.test_set)] == [15, 5, 6]
    images, _ = next(iter(data.train_dataloader()))
    assert images.shape == (4, 1, 28, 28)
    assert images.max() <= 1.0


def test_cifar_is_read_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(tmp_path, monkeypatch)
    data = CIFAR10(data_dir=str(tmp_path), download=False, val_size=4)
    data.setup("fit")
    assert (len(data.train_set), len(data.val_set)) == (16, 4)
    # the first row of a file is the red plane, line by line
    assert data.train_set.images.shape[1:] == (3, 32, 32)
    lines = data.train_set.images[:, 0, 0, :3].mul(255).round().int()
    assert torch.equal(lines[:, 1] - lines[:, 0], torch.ones(16, dtype=torch.int32))


def test_classic_split_is_the_default() -> None:
    assert MNIST(download=False).val_count(60_000) == 5_000


@pytest.mark.parametrize("size", [0, 20, 50_000])
def test_val_size_must_leave_something_to_train(size: int) -> None:
    with pytest.raises(ValueError, match=f"val_size must be between 1 and 19, .* got {size}"):
        MNIST(download=False, val_size=size).val_count(20)


def test_missing_files_are_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Dataset not found"):
        MNIST(data_dir=str(tmp_path), download=False).setup("fit")
