"""Small networks by the hundred: those of one shape are trained at once, as one batched product.

Each has its own weights, learning rate, optimizer, dropout and schedule, and is trained as if it
were alone; all see the same batches, as trials of one seed do.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from benchmarks.curves.tables import Value
from torch.nn import functional

Configuration = Mapping[str, Value]

# hyperparameters that decide on the shape of a network or the course of its batches, and what they
# are where a space does not have them
_SHAPES: Mapping[str, Value] = {
    "kind": "mlp",
    "width": 16,
    "depth": 1,
    "bottleneck": 0,
    "embedding": 8,
    "activation": "relu",
    "batch": 32,
    "optimizer": "adam",
}
_OTHERS: Mapping[str, float] = {
    "lr": 1e-3,
    "momentum": 0.0,
    "beta": 0.9,
    "weight_decay": 0.0,
    "dropout": 0.0,
    "noise": 0.0,
    "smoothing": 0.0,
    "init_scale": 1.0,
    "clip": math.inf,
    "warmup": 0.0,
    "period": 0.0,
    "drop": 1.0,
}


@dataclass(frozen=True)
class Data:
    """What is learnt.

    loss: cross_entropy, of classes, or squared, of real targets.
    metric: loss, or error, the share of wrong classes.
    vocabulary: the number of characters where inputs are places in an alphabet, else 0.
    """

    train_x: torch.Tensor
    train_y: torch.Tensor
    val_x: torch.Tensor
    val_y: torch.Tensor
    loss: str = "cross_entropy"
    metric: str = "loss"
    vocabulary: int = 0

    @property
    def outputs(self) -> int:
        if self.loss == "cross_entropy":
            return int(self.train_y.max()) + 1
        return self.train_y.shape[1]


def train(
    data: Data, configurations: Sequence[Configuration], *, epochs: int, seed: int
) -> np.ndarray:
    """The curves of all configurations: (configurations, epochs) float32, NaN once it is not
    finite."""
    groups: dict[tuple[Value, ...], list[int]] = defaultdict(list)
    for index, each in enumerate(configurations):
        groups[tuple(each.get(key, default) for key, default in _SHAPES.items())].append(index)
    curves = np.full((len(configurations), epochs), np.nan, np.float32)
    for shape, members in groups.items():
        group = [configurations[index] for index in members]
        curves[members] = _Group(data, dict(zip(_SHAPES, shape, strict=True)), group, seed).train(
            epochs
        )
    bad = ~np.isfinite(curves)
    # what has diverged once is over
    curves[np.logical_or.accumulate(bad, axis=1)] = np.nan
    return curves


class _Group:
    """Networks of one shape."""

    def __init__(
        self, data: Data, shape: Configuration, group: Sequence[Configuration], seed: int
    ) -> None:
        self._data = data
        self._shape = shape
        self._generator = torch.Generator().manual_seed(seed)
        self._count = len(group)
        self._own = {
            key: torch.tensor([float(each.get(key, default)) for each in group])
            for key, default in _OTHERS.items()
        }
        self._schedules = [str(each.get("schedule", "constant")) for each in group]
        self._width = int(shape["width"])
        self._weights = [each.requires_grad_() for each in self._initial()]
        self._first = [torch.zeros_like(each) for each in self._weights]
        self._second = [torch.zeros_like(each) for each in self._weights]
        self._updates = 0

    def train(self, epochs: int) -> np.ndarray:
        batch, samples = int(self._shape["batch"]), len(self._data.train_x)
        steps = max(1, samples // batch)
        curves = np.empty((self._count, epochs), np.float32)
        for epoch in range(epochs):
            order = torch.randperm(samples, generator=self._generator)
            for step in range(steps):
                chosen = order[step * batch : (step + 1) * batch]
                rates = self._rates(epoch + step / steps, epochs)
                self._update(self._data.train_x[chosen], self._data.train_y[chosen], rates)
            curves[:, epoch] = self._validate()
        return curves

    def _initial(self) -> list[torch.Tensor]:
        """Weights and biases of each layer in turn, after the embedding where there is one."""
        weights = []
        inputs = self._data.train_x.shape[1]
        if self._data.vocabulary:
            size = int(self._shape["embedding"])
            weights.append(self._drawn((self._data.vocabulary, size), 1.0))
            inputs *= size
        if self._shape["kind"] == "rnn":
            weights += [
                self._drawn((1, self._width), 1.0),
                torch.zeros(self._count, 1, self._width),
            ]
            weights.append(self._drawn((self._width, self._width), self._width**-0.5))
            sizes = [self._width, self._data.outputs]
        elif self._shape["kind"] == "conv":
            weights += [
                self._drawn((9, self._width), 1 / 3),
                torch.zeros(self._count, 1, self._width),
            ]
            sizes = [9 * self._width, self._data.outputs]
        else:
            hidden = [self._width] * int(self._shape["depth"])
            if bottleneck := int(self._shape["bottleneck"]):
                hidden = [self._width, bottleneck, self._width]
            sizes = [inputs, *hidden, self._data.outputs]
        for before, after in pairwise(sizes):
            weights.append(self._drawn((before, after), before**-0.5))
            weights.append(torch.zeros(self._count, 1, after))
        return weights

    def _drawn(self, size: tuple[int, int], scale: float) -> torch.Tensor:
        # the same for all, but for their scale, as trials of one seed begin
        one = torch.randn((1, *size), generator=self._generator) * scale
        return (one * self._own["init_scale"][:, None, None]).clone()

    def _outputs(self, x: torch.Tensor, *, is_training: bool) -> torch.Tensor:
        """(configurations, samples, outputs)."""
        weights = list(self._weights)
        if self._data.vocabulary:
            letters = functional.one_hot(x, self._data.vocabulary).float().flatten(0, 1)
            hidden = self._shared(letters, weights.pop(0)).reshape(self._count, len(x), -1)
            hidden = self._dropped(hidden, is_training)
        elif self._shape["kind"] == "rnn":
            hidden = self._recurrent(x, weights)
        elif self._shape["kind"] == "conv":
            hidden = self._dropped(self._convolved(x, weights), is_training)
        elif is_training and bool((self._own["noise"] > 0).any()):
            noise = torch.randn(x.shape, generator=self._generator)
            hidden = x + self._own["noise"][:, None, None] * noise
        else:
            hidden = self._activate(self._shared(x, weights.pop(0)) + weights.pop(0))
            hidden = self._dropped(hidden, is_training)
        while len(weights) > 2:
            weight, bias = weights.pop(0), weights.pop(0)
            hidden = self._activate(torch.baddbmm(bias, hidden, weight))
            hidden = self._dropped(hidden, is_training)
        return torch.baddbmm(weights[1], hidden, weights[0])

    def _shared(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """The product of an input that all have in common, as one large one."""
        wide = weight.permute(1, 0, 2).reshape(weight.shape[1], -1)
        return (x @ wide).view(len(x), self._count, -1).permute(1, 0, 2)

    def _recurrent(self, x: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
        into, bias, again = (weights.pop(0) for _ in range(3))
        hidden = torch.zeros(self._count, len(x), self._width)
        for step in range(x.shape[1]):
            hidden = torch.tanh(x[:, step, None] * into + torch.baddbmm(bias, hidden, again))
        return hidden

    def _convolved(self, x: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
        # 8 x 8 pixels, 36 places of 3 x 3, and their maxima in 3 x 3 squares of four
        places = functional.unfold(x.view(-1, 1, 8, 8), 3).permute(0, 2, 1).reshape(-1, 9)
        maps = self._activate(self._shared(places, weights.pop(0)) + weights.pop(0))
        maps = maps.reshape(self._count, len(x), 3, 2, 3, 2, self._width).amax((3, 5))
        return maps.flatten(2)

    def _activate(self, hidden: torch.Tensor) -> torch.Tensor:
        match self._shape["activation"]:
            case "tanh":
                return torch.tanh(hidden)
            case "silu":
                return functional.silu(hidden)
        return torch.relu(hidden)

    def _dropped(self, hidden: torch.Tensor, is_training: bool) -> torch.Tensor:
        share = self._own["dropout"]
        if not is_training or not bool((share > 0).any()):
            return hidden
        # the same draws for all
        drawn = torch.rand(hidden.shape[1:], generator=self._generator)
        kept = (drawn >= share[:, None, None]).float()
        return hidden * kept / (1 - share[:, None, None])

    def _losses(self, outputs: torch.Tensor, y: torch.Tensor, *, smooth: bool) -> torch.Tensor:
        """(configurations,)"""
        if self._data.loss == "squared":
            return (outputs - y).square().mean((1, 2))
        logs = functional.log_softmax(outputs, 2)
        right = logs.gather(2, y.expand(self._count, -1)[:, :, None]).mean((1, 2))
        if not smooth:
            return -right
        share = self._own["smoothing"]
        return -(1 - share) * right - share * logs.mean((1, 2))

    @torch.no_grad()
    def _validate(self) -> np.ndarray:
        x, y = self._data.val_x, self._data.val_y
        outputs = self._outputs(x, is_training=False)
        losses = self._losses(outputs, y, smooth=False)
        if self._data.metric == "loss":
            return losses.numpy()
        errors = (outputs.argmax(2) != y).float().mean(1)
        return torch.where(losses.isfinite(), errors, math.nan).numpy()

    def _rates(self, now: float, epochs: int) -> torch.Tensor:
        """The learning rates at a time, in epochs."""
        shares = [self._share(index, now, epochs) for index in range(self._count)]
        return self._own["lr"] * torch.tensor(shares)

    def _share(self, index: int, now: float, epochs: int) -> float:
        """The part of its learning rate that a network has at a time."""
        warmup = float(self._own["warmup"][index])
        if now < warmup:
            return (now + 0.05) / (warmup + 0.05)
        match self._schedules[index]:
            case "cosine":
                return 0.5 + 0.5 * math.cos(math.pi * (now - warmup) / (epochs - warmup))
            case "restarts":
                period = float(self._own["period"][index])
                return 0.5 + 0.5 * math.cos(math.pi * ((now / period) % 1.0))
            case "late":
                return float(self._own["drop"][index]) if now >= 0.75 * epochs else 1.0
        return 1.0

    def _update(self, x: torch.Tensor, y: torch.Tensor, rates: torch.Tensor) -> None:
        loss = self._losses(self._outputs(x, is_training=True), y, smooth=True).sum()
        gradients = torch.autograd.grad(loss, self._weights)
        self._updates += 1
        with torch.no_grad():
            limits = self._own["clip"]
            if bool(limits.isfinite().any()):
                squares = torch.stack([each.square().sum((1, 2)) for each in gradients])
                scale = (limits / squares.sum(0).sqrt().clamp_min(1e-12)).clamp_max(1.0)
                gradients = tuple(each * scale[:, None, None] for each in gradients)
            step = self._sgd if self._shape["optimizer"] == "sgd" else self._adam
            for place, gradient in enumerate(gradients):
                step(place, gradient, rates[:, None, None])

    def _sgd(self, place: int, gradient: torch.Tensor, rate: torch.Tensor) -> None:
        weight, first = self._weights[place], self._first[place]
        weight.mul_(1 - rate * self._own["weight_decay"][:, None, None])
        first.mul_(self._own["momentum"][:, None, None]).add_(gradient)
        weight.sub_(first * rate)

    def _adam(self, place: int, gradient: torch.Tensor, rate: torch.Tensor) -> None:
        weight, first, second = self._weights[place], self._first[place], self._second[place]
        weight.mul_(1 - rate * self._own["weight_decay"][:, None, None])
        beta = self._own["beta"][:, None, None]
        first.mul_(beta).add_((1 - beta) * gradient)
        second.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
        scale = rate / (1 - beta**self._updates)
        root = (second / (1 - 0.99**self._updates)).sqrt_().add_(1e-8)
        weight.sub_(scale * first / root)
