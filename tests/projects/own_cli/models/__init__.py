import pytorch_lightning as pl
import torch
from torch import Tensor


class Net(pl.LightningModule):
    """Its features come from the data module by a link."""

    def __init__(self, features: int, batch_size: int, width: int = 4) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(features, width), torch.nn.ReLU(), torch.nn.Linear(width, 1)
        )

    def step(self, batch: list[Tensor]) -> Tensor:
        return torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return self.step(batch)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", self.step(batch))
