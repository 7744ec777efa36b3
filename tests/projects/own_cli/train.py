"""A CLI with links, defaults, arguments and hooks of its own."""

import torch
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from data import Noisy
from models import Net


class MyCLI(LightningCLI):
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--noise", type=float, default=0.0)
        parser.add_lightning_class_args(EarlyStopping, "early_stopping")
        parser.set_defaults({"early_stopping.monitor": "val_loss", "early_stopping.patience": 2})
        parser.add_optimizer_args(torch.optim.AdamW)
        parser.link_arguments("noise", "data.noise")
        parser.link_arguments("data.batch_size", "model.batch_size")
        parser.link_arguments("data.features", "model.features", apply_on="instantiate")

    def before_instantiate_classes(self) -> None:
        print("the noise is", self.config["fit"]["noise"])

    def before_fit(self) -> None:
        print("the patience is", self.trainer.early_stopping_callback.patience)


def main() -> None:
    cli = MyCLI(Net, Noisy, trainer_defaults={"max_epochs": 2, "accelerator": "cpu"})
    print("trained", cli.model)


if __name__ == "__main__":
    main()
