"""Takes whichever Lightning package there is, as many projects do; a library of callbacks that it
uses knows the other one."""

try:
    import lightning.pytorch as pl
except ImportError:
    import pytorch_lightning as pl

import pytorch_lightning
import torch
import torchmetrics
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


class Encoder(pytorch_lightning.LightningModule):
    """A part of the model; to the model it is a module like any other."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, width)
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layer(x))


class Net(pl.LightningModule):
    def __init__(self, encoder: torch.nn.Module, lr: float = 0.1) -> None:
        super().__init__()
        self.encoder, self.lr = encoder, lr
        self.head = torch.nn.Linear(int(encoder.width), 1)
        self.error = torchmetrics.MeanSquaredError()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return torch.nn.functional.mse_loss(self.head(self.encoder(batch[0])), batch[1])

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.error(self.head(self.encoder(batch[0])), batch[1])
        self.log("val_loss", self.error)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


class Points(pl.LightningDataModule):
    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=8)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return self.train_dataloader()


class Other(pytorch_lightning.LightningDataModule):
    """Lightning does not take it beside a module of the other package."""


class Counter(pytorch_lightning.Callback):
    """Of the library."""

    def __init__(self, every: int = 1) -> None:
        self.every = every

    def on_train_epoch_end(
        self, trainer: pytorch_lightning.Trainer, module: pytorch_lightning.LightningModule
    ) -> None:
        module.log("counted", float(trainer.current_epoch // self.every))


class Rows(CSVLogger):
    """Of the library."""


def main() -> None:
    from lightning.pytorch.cli import LightningCLI

    LightningCLI(Net, Points)


if __name__ == "__main__":
    main()
