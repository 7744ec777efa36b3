from lightning.pytorch.demos.boring_classes import BoringModel, DemoModel
from torch import Tensor


class LoggedDemo(DemoModel):
    """Lightning's demo model; only the logging of a metric is new."""

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val_loss", self(batch).sum())


class LoggedBoring(BoringModel):
    """Lightning's boring model, which brings its own loaders; only the logging is new."""

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val_loss", self.step(batch))
