"""A variational autoencoder for small images."""

from __future__ import annotations

import math

import pytorch_lightning as pl
import torch
from torch import Tensor, nn


class LitVAE(pl.LightningModule):
    """Gaussian latent, Bernoulli pixels, trained on the negative ELBO (Kingma and Welling, 2013,
    https://arxiv.org/abs/1312.6114).

    `val_loss` is the negative ELBO of an image in nats. A larger latent space reconstructs better
    and pays for it in divergence from the prior, so its size has an optimum.

    Args:
        latent_size: dimensions of the latent Gaussian.
        hidden_size: width of the layer on either side.
        beta: weight of the divergence from the prior; 1 is the ELBO.
        lr: learning rate of Adam.
        image_shape: channels, height, width; pixels are in 0 to 1.
    """

    def __init__(
        self,
        latent_size: int = 8,
        hidden_size: int = 128,
        beta: float = 1.0,
        lr: float = 1e-3,
        image_shape: tuple[int, int, int] = (1, 8, 8),
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.beta = beta
        self.lr = lr
        pixels = math.prod(image_shape)
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(pixels, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, 2 * latent_size),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, pixels)
        )

    def forward(self, images: Tensor) -> Tensor:
        """The mean embedding, (batch, latent_size) float32, of (batch, channels, height, width)."""
        mean: Tensor = self.encoder(images).chunk(2, dim=1)[0]
        return mean

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return self._step(batch, "train")

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._step(batch, "val")

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._step(batch, "test")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)

    def _step(self, batch: tuple[Tensor, Tensor], stage: str) -> Tensor:
        images, _ = batch
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        reconstruction: Tensor = nn.functional.binary_cross_entropy_with_logits(
            self.decoder(latent), images.flatten(1), reduction="sum"
        ) / len(images)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        kl = divergence.sum(dim=1).mean()
        loss: Tensor = reconstruction + self.beta * kl
        self.log_dict(
            {f"{stage}_loss": loss, f"{stage}_reconstruction": reconstruction, f"{stage}_kl": kl},
            batch_size=len(images),
            sync_dist=stage != "train",
        )
        return loss
