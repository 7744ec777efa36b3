"""Modules with the signatures that people write: of Lightning's tutorials, of timm, of
transformers, of self-supervised and reinforcement learning. Each trains on a few points."""

import copy
import os
from collections.abc import Callable, Iterable
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

act_fn_by_name = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}
model_dict: dict[str, Callable[..., nn.Module]] = {
    "wide": lambda width: nn.Linear(16, width),
    "deep": lambda width: nn.Sequential(nn.Linear(16, width), nn.Linear(width, width)),
}


class Points(pl.LightningDataModule):
    def __init__(
        self,
        data_dir: str = os.path.join(os.getcwd(), "data"),  # noqa: PTH109, PTH118
        batch_size: int = 8,
        num_workers: int = 0,
        val_split: float = 0.2,
    ) -> None:
        super().__init__()
        self.batch_size = batch_size

    def loader(self) -> DataLoader[tuple[Tensor, ...]]:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(32, 16, generator=generator)
        y = (x.sum(1) > 0).long()
        return DataLoader(TensorDataset(x, y), batch_size=self.batch_size)

    train_dataloader = val_dataloader = loader


class Base(pl.LightningModule):
    """What the modules have in common; each of them makes its `net`."""

    net: nn.Module
    lr: float = 0.01

    def loss(self, batch: list[Tensor]) -> Tensor:
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return self.loss(batch)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def create_model(model_name: str, width: int) -> nn.Module:
    if model_name in model_dict:
        return model_dict[model_name](width)
    raise AssertionError(f"Unknown model name {model_name!r}")


class CIFARModule(Base):
    """As the UvA tutorials write it: names, and no annotations."""

    def __init__(  # type: ignore[no-untyped-def]
        self,
        model_name="wide",
        activation_function_name="relu",
        optimizer_name="Adam",
        width=32,
        lr=1e-3,
    ):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            create_model(model_name, width),
            act_fn_by_name[activation_function_name](),
            nn.Linear(width, 2),
        )

    def configure_optimizers(self) -> Any:
        if self.hparams.optimizer_name == "Adam":
            return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        if self.hparams.optimizer_name == "SGD":
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)
        raise AssertionError(f"Unknown optimizer: {self.hparams.optimizer_name}")


class SimCLR(Base):
    def __init__(
        self,
        hidden_dim: int = 32,
        lr: float = 5e-4,
        temperature: float = 0.07,
        weight_decay: float = 1e-4,
        max_epochs: int = 500,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(16, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, 2))

    def loss(self, batch: list[Tensor]) -> Tensor:
        return nn.functional.cross_entropy(self.net(batch[0]) / self.hparams.temperature, batch[1])

    def configure_optimizers(self) -> Any:
        kept = self.hparams
        optimizer = torch.optim.AdamW(self.parameters(), lr=kept.lr, weight_decay=kept.weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=kept.max_epochs)
        return [optimizer], [schedule]


class MeanTeacher(Base):
    """Self-supervised: an average of the weights is kept."""

    def __init__(
        self,
        lr: float = 1e-3,
        ema_decay: float = 0.999,
        mask_ratio: float = 0.75,
        tau: float = 5e-3,
    ) -> None:
        super().__init__()
        self.lr, self.ema_decay, self.mask_ratio, self.tau = lr, ema_decay, mask_ratio, tau
        self.net = nn.Linear(16, 2)
        self.teacher = copy.deepcopy(self.net).requires_grad_(False)

    def on_train_batch_end(self, *args: Any) -> None:
        for old, new in zip(self.teacher.parameters(), self.net.parameters(), strict=True):
            old.data.lerp_(new.data, 1 - self.ema_decay)


class TransformerLM(Base):
    """Heads must divide the width."""

    def __init__(
        self,
        d_model: int = 16,
        nhead: int = 2,
        num_layers: int = 1,
        dim_feedforward: int = 32,
        dropout: float = 0.1,
        norm_first: bool = False,
        lr: float = 1e-3,
    ) -> None:
        super().__init__()
        self.lr = lr
        layer = nn.TransformerEncoderLayer(
            d_model, nhead, dim_feedforward, dropout, norm_first=norm_first, batch_first=True
        )
        self.embed = nn.Linear(1, d_model)
        self.encoder = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        self.head = nn.Linear(d_model, 2)

    def loss(self, batch: list[Tensor]) -> Tensor:
        hidden = self.encoder(self.embed(batch[0].unsqueeze(-1))).mean(1)
        return nn.functional.cross_entropy(self.head(hidden), batch[1])


class GLUETransformer(Base):
    """As the tutorial on transformers writes it: what is required stands first."""

    def __init__(
        self,
        model_name_or_path: str,
        num_labels: int,
        task_name: str = "mrpc",
        learning_rate: float = 2e-5,
        adam_epsilon: float = 1e-8,
        warmup_steps: int = 0,
        weight_decay: float = 0.0,
        train_batch_size: int = 32,
        eval_batch_size: int = 32,
        eval_splits: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(16, num_labels)

    def configure_optimizers(self) -> Any:
        kept = self.hparams
        return torch.optim.AdamW(
            self.parameters(), lr=kept.learning_rate, weight_decay=kept.weight_decay
        )


def timm_like(
    model_name: str = "vit", pretrained: bool = False, drop_rate: float = 0.0, width: int = 16
) -> nn.Module:
    if pretrained:
        raise OSError("no network here")
    match model_name:
        case "vit" | "resnet":
            return nn.Sequential(nn.Linear(16, width), nn.Dropout(drop_rate), nn.Linear(width, 2))
        case "mlp":
            return nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 2))
        case _:
            raise RuntimeError(f"Unknown model ({model_name})")


class TimmClassifier(Base):
    """Passes its `**kwargs` on."""

    def __init__(
        self,
        lr: float = 1e-3,
        label_smoothing: float = 0.1,
        mixup_alpha: float = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.lr, self.label_smoothing, self.mixup_alpha = lr, label_smoothing, mixup_alpha
        self.net = timm_like(**kwargs)


class VAE(Base):
    def __init__(
        self,
        enc_out_dim: int = 32,
        latent_dim: int = 8,
        kl_coeff: float = 0.1,
        lr: float = 1e-4,
        first_conv: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.kl_coeff, self.lr = kl_coeff, lr
        self.net = nn.Sequential(nn.Linear(16, enc_out_dim), nn.Linear(enc_out_dim, latent_dim))
        if first_conv:
            self.net.append(nn.Linear(latent_dim, latent_dim))
        self.net.append(nn.Linear(latent_dim, 2))


class LSTMTagger(Base):
    def __init__(
        self,
        hidden_size: int = 24,
        num_layers: int = 1,
        bidirectional: bool = False,
        rnn_type: Literal["lstm", "gru"] = "lstm",
        lr: float = 0.01,
        momentum: float = 0.9,
        lr_gamma: float = 0.95,
    ) -> None:
        super().__init__()
        self.lr, self.momentum, self.lr_gamma = lr, momentum, lr_gamma
        kind = nn.LSTM if rnn_type == "lstm" else nn.GRU
        self.rnn = kind(1, hidden_size, num_layers, bidirectional=bidirectional, batch_first=True)
        self.head = nn.Linear(hidden_size * (1 + bidirectional), 2)

    def loss(self, batch: list[Tensor]) -> Tensor:
        hidden, _ = self.rnn(batch[0].unsqueeze(-1))
        return nn.functional.cross_entropy(self.head(hidden[:, -1]), batch[1])

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=self.momentum)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, self.lr_gamma)]


class DQN(Base):
    """Reinforcement learning, as far as its arguments go."""

    def __init__(
        self,
        lr: float = 1e-2,
        env: str = "CartPole-v0",
        gamma: float = 0.99,
        sync_rate: int = 10,
        replay_size: int = 1000,
        eps_start: float = 1.0,
        eps_end: float = 0.01,
        warm_start_steps: int = 1000,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(16, 2)
        self.gamma, self.lr = gamma, lr
        self.rest = (sync_rate, replay_size, eps_start, eps_end, warm_start_steps)


class GAN(Base):
    """Two optimizers of its own."""

    def __init__(
        self, latent_dim: int = 8, lr: float = 0.0002, b1: float = 0.5, b2: float = 0.999
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.net = nn.Linear(16, 2)
        self.generator = nn.Sequential(nn.Linear(latent_dim, 16), nn.Tanh(), nn.Linear(16, 16))

    def training_step(self, batch: list[Tensor], batch_idx: int) -> None:
        first, second = self.optimizers()
        noise = torch.randn(len(batch[0]), self.hparams.latent_dim)
        for optimizer, loss in (
            (first, self.net(self.generator(noise)).square().mean()),
            (second, self.loss(batch)),
        ):
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()

    def configure_optimizers(self) -> Any:
        kept = self.hparams
        betas = (kept.b1, kept.b2)
        parts = (self.generator, self.net)
        return [torch.optim.Adam(each.parameters(), lr=kept.lr, betas=betas) for each in parts], []


class FocalNet(Base):
    """Numbers whose names mean something else elsewhere."""

    def __init__(
        self,
        lr: float = 1e-3,
        gamma: float = 2.0,
        l1_ratio: float = 0.15,
        bn_momentum: float = 0.1,
        dropout: float = 0.8,
        quantile: float = 0.95,
    ) -> None:
        super().__init__()
        self.lr = lr
        self.gamma, self.l1_ratio, self.quantile = gamma, l1_ratio, quantile
        self.net = nn.Sequential(
            nn.BatchNorm1d(16, momentum=bn_momentum), nn.Dropout(dropout), nn.Linear(16, 2)
        )


class Lazy(Base):
    """Its optimizer must be given."""

    def __init__(
        self, optimizer: OptimizerCallable, loss_name: str = "ce", encoder_width: int = 16
    ) -> None:
        super().__init__()
        self.make_optimizer, self.loss_name = optimizer, loss_name
        self.net = nn.Sequential(nn.Linear(16, encoder_width), nn.Linear(encoder_width, 2))

    def loss(self, batch: list[Tensor]) -> Tensor:
        if self.loss_name == "margin":
            return nn.functional.multi_margin_loss(self.net(batch[0]), batch[1])
        assert self.loss_name == "ce"
        return super().loss(batch)

    def configure_optimizers(self) -> Any:
        return self.make_optimizer(self.parameters())


class Fixed(Base):
    """Nothing of it could be searched."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(16, 2)


class OwnData(Base):
    """Brings its batches."""

    def __init__(self, lr: float = 0.1, batch_size: int = 8) -> None:
        super().__init__()
        self.lr, self.batch_size = lr, batch_size
        self.net = nn.Linear(16, 2)

    def train_dataloader(self) -> Iterable[Any]:
        return Points(batch_size=self.batch_size).loader()

    val_dataloader = train_dataloader
