"""Options of click's, under a command of a group."""

import click
from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points


@click.group()
def cli():
    seed_everything(1)


@cli.command()
@click.option("--lr", type=float, default=1e-3, show_default=True)
@click.option("--hidden", type=int, default=8)
@click.option("--epochs", type=int, default=12)
def train(lr, hidden, epochs):
    trainer = Trainer(max_epochs=epochs, accelerator="cpu")
    trainer.fit(Net(lr=lr, hidden=hidden), Points())


@cli.command()
def evaluate():
    raise click.ClickException("there is nothing to evaluate")


if __name__ == "__main__":
    cli()
