import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Points(pl.LightningDataModule):
    """Points of y = 2x."""

    def __init__(self, batch_size: int = 8) -> None:
        super().__init__()
        self.batch_size = batch_size

    def loader(self) -> DataLoader[tuple[torch.Tensor, ...]]:
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=self.batch_size)

    train_dataloader = loader
    val_dataloader = loader
