"""No function, no guard: the loaders, the model and the fit stand in the module itself."""

import sys

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from torch.utils.data import DataLoader, TensorDataset

LR = float(sys.argv[1])

seed_everything(7)
x = torch.linspace(-1, 1, 32).unsqueeze(1)
train_loader = DataLoader(TensorDataset(x, 2 * x), batch_size=8, shuffle=True)
val_loader = DataLoader(TensorDataset(x, 2 * x), batch_size=8)


class Net(LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, 8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1)
        )

    def training_step(self, batch, batch_idx):
        x, y = batch
        return torch.nn.functional.mse_loss(self.layers(x), y)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(x), y))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=LR)


trainer = Trainer(max_epochs=12)
trainer.fit(Net(), train_loader, val_loader)
torch.save(trainer.model.state_dict(), "weights.pt")
