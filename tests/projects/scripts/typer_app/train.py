"""Options of typer's, in the signature of a command."""

from enum import StrEnum
from typing import Annotated

import typer
from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points

app = typer.Typer()


class Size(StrEnum):
    small = "small"
    large = "large"


@app.command()
def main(
    lr: Annotated[float, typer.Option(help="Learning rate.")] = 1e-3,
    size: Size = Size.small,
    epochs: int = 12,
    dropout: bool = True,
):
    seed_everything(1)
    net = Net(lr=lr, hidden={"small": 8, "large": 16}[size.value], dropout=0.1 * dropout)
    trainer = Trainer(max_epochs=epochs, accelerator="cpu")
    trainer.fit(net, datamodule=Points())
    trainer.test(net, datamodule=Points())
    typer.echo(f"test loss {trainer.callback_metrics['test_loss']:.3f}")


if __name__ == "__main__":
    app()
