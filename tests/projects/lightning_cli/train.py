"""As Lightning's documentation writes it."""

from lightning.pytorch.cli import LightningCLI

from data import Points
from models import Regressor


def cli_main() -> None:
    LightningCLI(Regressor, Points)


if __name__ == "__main__":
    cli_main()
