"""The shipped models: shapes, what they log, and that they learn."""

from __future__ import annotations

import pytest
import pytorch_lightning as pl
import torch

from search.data import Digits
from search.models import LitAutoEncoder, LitClassifier, LitVAE

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cls", [LitAutoEncoder, LitVAE])
def test_embedding_has_the_latent_size(cls: type, shape: tuple[int, int, int]) -> None:
    model = cls(latent_size=5, image_shape=shape)
    assert model(torch.rand(4, *shape)).shape == (4, 5)


@pytest.mark.parametrize("shape", SHAPES)
def test_classifier_gives_a_logit_a_class(shape: tuple[int, int, int]) -> None:
    assert LitClassifier(num_classes=7, image_shape=shape)(torch.rand(4, *shape)).shape == (4, 7)


def test_classic_autoencoder_is_784_128_3_and_back() -> None:
    model = LitAutoEncoder(latent_size=3, hidden_size=128, image_shape=(1, 28, 28))
    sizes = [tuple(weight.shape) for weight in model.parameters() if weight.ndim == 2]
    assert sizes == [(128, 784), (3, 128), (128, 3), (784, 128)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "metric", "is_better"),
    [
        (LitAutoEncoder(lr=3e-3), "val_loss", lambda new, old: new < 0.8 * old),
        (LitVAE(lr=3e-3), "val_loss", lambda new, old: new < 0.95 * old),
        (LitClassifier(lr=3e-3), "val_acc", lambda new, old: new > old),
    ],
    ids=["autoencoder", "vae", "classifier"],
)
def test_model_learns_the_digits_and_logs_what_it_promises(
    model: pl.LightningModule, metric: str, is_better: object
) -> None:
    pl.seed_everything(0, verbose=False)
    trainer = pl.Trainer(
        max_epochs=4,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data = Digits()
    before = trainer.validate(model, data, verbose=False)[0][metric]
    trainer.fit(model, data)
    assert is_better(trainer.callback_metrics[metric].item(), before)  # type: ignore[operator]
    assert "train_loss" in trainer.callback_metrics
    assert "test_loss" in trainer.test(model, data, verbose=False)[0]


def test_autoencoder_loss_is_the_mean_squared_error() -> None:
    model = LitAutoEncoder()
    images = torch.rand(6, 1, 8, 8)
    logged: dict[str, torch.Tensor] = {}
    model.log = lambda name, value, **_: logged.update({name: value})  # type: ignore[method-assign]
    model.validation_step((images, torch.zeros(6)), 0)
    expected = (model.decoder(model.encoder(images)) - images).square().mean()
    torch.testing.assert_close(logged["val_loss"], expected)
