"""The handwritten digits that come with scikit-learn."""

from __future__ import annotations

import torch

from search.data.module import Arrays, ImageDataModule


class Digits(ImageDataModule):
    """1,797 real digits of 8 x 8 pixels: 1,258 to train, 179 to validate, 360 to test.

    Needs no network and no disk, which makes it the default. The digits are the test set of
    https://archive.ics.uci.edu/dataset/80 as scikit-learn ships it.
    """

    def load(self, *, train: bool) -> Arrays:
        # scikit-learn takes a second to import, so only who uses it pays
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        images = torch.from_numpy(pixels).float().div(16.0).view(-1, 1, 8, 8)
        targets = torch.from_numpy(labels).long()
        # the last fifth: other writers than those before, as in the source
        border = len(images) - len(images) // 5
        part = slice(0, border - 1) if train else slice(border - 1, None)
        return images[part], targets[part]

    def val_count(self, total: int) -> int:
        return total // 8
