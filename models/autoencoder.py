"""An autoencoder for small images."""

from __future__ import annotations

import math

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional


class LitAutoEncoder(pl.LightningModule):
    """Fully connected: pixels -> hidden -> latent -> hidden -> pixels, mean squared error, Adam.

    Args:
        latent_size: numbers that an image is squeezed into.
        hidden_size: width of the layer on either side.
        lr: learning rate of Adam.
        image_shape: channels, height, width.
    """

    def __init__(
        self,
        latent_size: int = 3,
        hidden_size: int = 128,
        lr: float = 1e-3,
        image_shape: tuple[int, int, int] = (1, 8, 8),
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.lr = lr
        pixels = math.prod(image_shape)
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(pixels, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, latent_size),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_size, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, pixels),
            nn.Unflatten(1, tuple(image_shape)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Embed (batch, channels, height, width) float32 as (batch, latent_size) float32."""
        embedding: Tensor = self.encoder(images)
        return embedding

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return self._step(batch, "train_loss")

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._step(batch, "val_loss")

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._step(batch, "test_loss")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)

    def _step(self, batch: tuple[Tensor, Tensor], name: str) -> Tensor:
        images, _ = batch
        loss = functional.mse_loss(self.decoder(self(images)), images)
        self.log(name, loss, batch_size=len(images), sync_dist=name != "train_loss")
        return loss
