import lightning.pytorch as pl
import torch
from torch import Tensor


class Encoder(torch.nn.Module):
    """What every encoder is."""


class Wide(Encoder):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, width)
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layer(x))


class Regressor(pl.LightningModule):
    """Has no configure_optimizers: the configuration gives optimizer and lr_scheduler."""

    def __init__(self, encoder: Encoder, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Sequential(
            torch.nn.Dropout(dropout), torch.nn.Linear(int(encoder.width), 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x))

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return torch.nn.functional.mse_loss(self(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", torch.nn.functional.mse_loss(self(batch[0]), batch[1]))
