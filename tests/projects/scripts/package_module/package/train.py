"""A module of a package, which imports its neighbours by relative names."""

from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points

from .options import read_options


def main():
    options = read_options()
    seed_everything(1)
    Trainer(max_epochs=12, accelerator="cpu").fit(Net(lr=options.lr), datamodule=Points())


if __name__ == "__main__":
    main()
