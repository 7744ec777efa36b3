"""A project of Hydra's: objects by _target_, a _partial_ optimizer, groups of configurations."""

import hydra
import lightning.pytorch as pl
import torch
from omegaconf import DictConfig
from torch.utils.data import DataLoader, TensorDataset


class Regressor(pl.LightningModule):
    def __init__(self, net, optimizer):
        super().__init__()
        self.net, self.optimizer = net, optimizer

    def loss(self, batch):
        x, y = batch
        return torch.nn.functional.mse_loss(self.net(x), y)

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.loss(batch))

    def configure_optimizers(self):
        return self.optimizer(self.parameters())


class Points(pl.LightningDataModule):
    def __init__(self, batch_size, between):
        super().__init__()
        self.batch_size = batch_size
        x = torch.linspace(*between, 32).unsqueeze(1)
        self.points = TensorDataset(x, 2 * x)

    def train_dataloader(self):
        return DataLoader(self.points, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.points, batch_size=self.batch_size)


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")
def main(cfg: DictConfig):
    pl.seed_everything(cfg.seed)
    model = hydra.utils.instantiate(cfg.model)
    data = hydra.utils.instantiate(cfg.data)
    trainer = hydra.utils.instantiate(cfg.trainer)
    trainer.fit(model, datamodule=data)
    with open("done.txt", "w") as file:
        file.write(str(cfg.note))


if __name__ == "__main__":
    main()
