"""A function whose arguments jsonargparse reads, one of them an object of a class."""

from jsonargparse import auto_cli
from lightning.pytorch import LightningModule, Trainer, seed_everything
from nets import Points


def train(model: LightningModule, epochs: int = 12, batch_size: int = 8):
    """Train a model.

    Args:
        model: any class of this project.
        epochs: their number.
        batch_size: samples of a step.
    """
    seed_everything(1)
    Trainer(max_epochs=epochs, accelerator="cpu").fit(model, datamodule=Points(batch_size))


if __name__ == "__main__":
    auto_cli(train, as_positional=False)
