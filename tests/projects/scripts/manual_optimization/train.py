"""Two optimizers that the model steps by hand, in turn."""

import argparse

import torch
from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points


class TwoOptimizers(Net):
    def __init__(self, lr, head_lr):
        super().__init__(lr=lr)
        self.save_hyperparameters()
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.loss(batch))
            optimizer.step()

    def on_train_epoch_end(self):
        self.lr_schedulers().step()

    def configure_optimizers(self):
        body, _, head = self.layers
        first = torch.optim.Adam(body.parameters(), lr=self.hparams.lr)
        second = torch.optim.SGD(head.parameters(), lr=self.hparams.head_lr)
        return [first, second], [torch.optim.lr_scheduler.ExponentialLR(first, 0.95)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--head-lr", type=float, default=1e-3)
    args = parser.parse_args()
    seed_everything(1)
    trainer = Trainer(max_epochs=12, accelerator="cpu")
    trainer.fit(TwoOptimizers(args.lr, args.head_lr), datamodule=Points())
