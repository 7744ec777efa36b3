"""Data sets that torchvision downloads, as tensors in memory."""

from __future__ import annotations

from typing import Any

import torch

from search.data.module import Arrays, ImageDataModule
from search.data.tensors import Transform


class _TorchvisionImages(ImageDataModule):
    """A torchvision data set, downloaded on first use.

    Args:
        data_dir: where the files are, and where they are downloaded to.
        download: whether `prepare_data` may use the network.
        val_size: training samples held out for validation.
    """

    dataset_name = ""

    def __init__(
        self,
        data_dir: str = "datasets",
        batch_size: int = 64,
        num_workers: int = 0,
        split_seed: int = 0,
        transform: Transform | None = None,
        download: bool = True,
        val_size: int = 5_000,
    ) -> None:
        super().__init__(batch_size, num_workers, split_seed, transform)
        self.data_dir = data_dir
        self.download = download
        self.val_size = val_size

    def prepare_data(self) -> None:
        """Download both parts; Lightning calls this in one process only."""
        if self.download:
            for train in (True, False):
                self._dataset(train=train, download=True)

    def load(self, *, train: bool) -> Arrays:
        dataset = self._dataset(train=train, download=False)
        images = torch.as_tensor(dataset.data)
        # grey images come without channels, coloured ones with the channels last
        images = images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2)
        return images.float().div(255.0).contiguous(), torch.as_tensor(dataset.targets).long()

    def val_count(self, total: int) -> int:
        if not 0 < self.val_size < total:
            raise ValueError(
                f"val_size must be between 1 and {total - 1}, the training samples less one, "
                f"got {self.val_size}"
            )
        return self.val_size

    def _dataset(self, *, train: bool, download: bool) -> Any:
        # torchvision takes a second to import, so only who uses it pays
        import torchvision.datasets

        cls = getattr(torchvision.datasets, self.dataset_name)
        return cls(self.data_dir, train=train, download=download)


class MNIST(_TorchvisionImages):
    """Handwritten digits, 28 x 28: 55,000 to train, 5,000 to validate, 10,000 to test
    (LeCun et al., 1998, http://yann.lecun.com/exdb/mnist)."""

    dataset_name = "MNIST"


class FashionMNIST(_TorchvisionImages):
    """Articles of clothing, 28 x 28: 55,000 to train, 5,000 to validate, 10,000 to test
    (Xiao et al., 2017, https://arxiv.org/abs/1708.07747)."""

    dataset_name = "FashionMNIST"


class CIFAR10(_TorchvisionImages):
    """Coloured photographs, 3 x 32 x 32: 45,000 to train, 5,000 to validate, 10,000 to test
    (Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html)."""

    dataset_name = "CIFAR10"
