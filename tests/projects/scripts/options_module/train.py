"""Options and loaders of modules that make them when they are imported."""

from lightning.pytorch import Trainer, seed_everything
from nets import Net
from options import opt

from data import train_loader, val_loader

if __name__ == "__main__":
    seed_everything(1)
    net = Net(lr=opt.lr)
    Trainer(max_epochs=12, accelerator="cpu").fit(net, train_loader, val_loader)
