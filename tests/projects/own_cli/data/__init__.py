import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Noisy(pl.LightningDataModule):
    """Sums of three numbers, with noise."""

    features = 3

    def __init__(self, batch_size: int = 8, noise: float = 0.0) -> None:
        super().__init__()
        self.batch_size, self.noise = batch_size, noise

    def loader(self) -> DataLoader[tuple[torch.Tensor, ...]]:
        x = torch.randn(32, self.features, generator=torch.Generator().manual_seed(0))
        y = x.sum(1, keepdim=True) + self.noise
        return DataLoader(TensorDataset(x, y), batch_size=self.batch_size)

    train_dataloader = loader
    val_dataloader = loader
