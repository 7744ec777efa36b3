"""A module with a backbone and batch norm, its data, and what its user watches it with."""

from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch import callbacks, loggers
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


class Points(pl.LightningDataModule):
    def __init__(self, batch_size: int = 8) -> None:
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        x = torch.linspace(-1, 1, 64).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=self.batch_size)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return self.train_dataloader()


class Net(pl.LightningModule):
    def __init__(self, lr: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.lr = lr
        self.backbone = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.BatchNorm1d(4))
        self.head = torch.nn.Linear(4, 1)

    def step(self, batch: list[Tensor]) -> Tensor:
        return torch.nn.functional.mse_loss(self.head(self.backbone(batch[0])), batch[1])

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return self.step(batch)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", self.step(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        trained = [each for each in self.parameters() if each.requires_grad]
        return torch.optim.SGD(trained, lr=self.lr)


class Drawing(Net):
    """Wants TensorBoard."""

    def on_train_epoch_end(self) -> None:
        self.logger.experiment.add_histogram("head", self.head.weight, self.current_epoch)
        self.logger.experiment.add_image("image", torch.zeros(3, 4, 4), self.current_epoch)
        self.logger.log_hyperparams({"drawn": 1})
        for each in self.loggers:
            each.log_metrics({"drawn": 1.0}, self.global_step)


class Writing(Net):
    """Wants Lightning's CSVLogger."""

    def on_train_epoch_end(self) -> None:
        self.logger.experiment.log_metrics({"written": 1.0}, self.global_step)


class Weighing(Net):
    """Wants W&B."""

    def on_train_start(self) -> None:
        self.logger.watch(self)

    def on_train_epoch_end(self) -> None:
        self.logger.experiment.log({"weighed": 1.0})


class Tagging(Net):
    """Wants MLflow."""

    def on_train_epoch_end(self) -> None:
        self.logger.experiment.set_tag(self.logger.run_id, "tagged", "yes")


class Board(loggers.TensorBoardLogger):
    """A logger of the user's own, which writes where the user works."""

    def __init__(self, root: str = "board") -> None:
        super().__init__(root)

    def drawn(self) -> int:
        return 1


class Boarding(Net):
    def on_train_epoch_end(self) -> None:
        self.log("drawn", float(self.logger.drawn()))


class Ledger(loggers.Logger):
    """A logger of the user's own that is none of Lightning's: a run is a file where he works."""

    name, version = "ledger", 0

    @property
    def experiment(self) -> "Ledger":
        return self

    def note(self, text: str) -> None:
        with Path("ledger").open("a") as file:
            file.write(text)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.note(f"{metrics}")

    def log_hyperparams(self, *args: object, **kwargs: object) -> None:
        self.note("begun")


class Noting(Net):
    def on_train_epoch_end(self) -> None:
        self.logger.experiment.note("an epoch")
        self.logger.note("and more")


class Watch(callbacks.Callback):
    """Uses the Trainer's logger and its checkpoint callback."""

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        trainer.logger.log_metrics({"watched": 1.0}, 0)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        print(trainer.checkpoint_callback.best_model_path)


class Thaw(callbacks.BaseFinetuning):
    def freeze_before_training(self, module: pl.LightningModule) -> None:
        self.freeze(module.backbone)

    def finetune_function(
        self, module: pl.LightningModule, epoch: int, optimizer: torch.optim.Optimizer
    ) -> None:
        if epoch == 1:
            self.unfreeze_and_add_param_group(module.backbone, optimizer)


class Throughput(callbacks.ThroughputMonitor):
    def __init__(self) -> None:
        super().__init__(batch_size_fn=lambda batch: len(batch[0]), window_size=2)


class Writer(callbacks.BasePredictionWriter):
    def __init__(self) -> None:
        super().__init__("epoch")


class Hook(callbacks.LambdaCallback):
    def __init__(self) -> None:
        super().__init__(on_train_start=lambda trainer, module: print(trainer.logger.log_dir))


class Saver(callbacks.Checkpoint):
    """Writes where the user works, and takes no folder."""

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        trainer.save_checkpoint("saved.ckpt")
