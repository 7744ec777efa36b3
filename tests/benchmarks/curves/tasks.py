"""The searches whose curves are recorded: data, space, epochs, and the value that counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from benchmarks.curves import data
from benchmarks.curves.tables import Parameter, Parameters, Value
from benchmarks.curves.training import Data


@dataclass(frozen=True)
class Task:
    """A search.

    data: loads what is learnt.
    value: best or last, as in the objective of a study file.
    parameters: what is searched.
    fixed: hyperparameters that are not, where they differ from the defaults in `training`.
    """

    data: Callable[[], Data]
    epochs: int
    value: str
    parameters: Parameters
    fixed: Mapping[str, Value] = field(default_factory=dict)


def _row(*values: Value, **when: tuple[Value, ...]) -> Parameter:
    return Parameter(values, when=tuple(when.items()))


def _choice(*values: Value, **when: tuple[Value, ...]) -> Parameter:
    return Parameter(values, is_ordered=False, when=tuple(when.items()))


TASKS: Mapping[str, Task] = {
    # images; early epochs tell much
    "digits_mlp": Task(
        partial(data.digits, 600),
        30,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
            "optimizer": _choice("sgd", "adam"),
            "momentum": _row(0.0, 0.6, 0.9, optimizer=("sgd",)),
            "width": _row(8, 16, 32),
            "dropout": _row(0.0, 0.2, 0.4),
            "smoothing": _row(0.0, 0.1),
            "weight_decay": _row(0.0, 0.03, optimizer=("adam",)),
        },
    ),
    # tabular; a warm-up hides for long what a large learning rate is good for
    "cancer": Task(
        data.cancer,
        30,
        "best",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "warmup": _row(0, 8, 16),
            "weight_decay": _row(0.0, 0.1, 1.0, 3.0),
            "dropout": _row(0.0, 0.3, 0.6),
            "schedule": _choice("constant", "late"),
            "drop": _row(0.03, 0.3, schedule=("late",)),
        },
        {"width": 16, "batch": 20},
    ),
    # text
    "license_chars": Task(
        data.license_text,
        25,
        "last",
        {
            "lr": _row(1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2),
            "embedding": _row(4, 8),
            "width": _row(16, 32),
            "dropout": _row(0.0, 0.15, 0.3),
            "activation": _choice("relu", "tanh"),
            "schedule": _choice("constant", "cosine"),
        },
        {"batch": 50},
    ),
    # images; early epochs tell nearly all
    "patches_autoencoder": Task(
        partial(data.patches, "china.jpg"),
        30,
        "best",
        {
            "lr": _row(3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
            "width": _row(12, 24, 48),
            "bottleneck": _row(2, 4, 8),
            "activation": _choice("relu", "tanh", "silu"),
            "weight_decay": _row(0.0, 0.3),
            "beta": _row(0.5, 0.9),
        },
        {"batch": 40},
    ),
    # time series; warm restarts, and learning rates that fall late
    "gapminder": Task(
        data.gapminder,
        40,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "schedule": _choice("constant", "restarts", "late"),
            "period": _row(8, 10, 20, schedule=("restarts",)),
            "drop": _row(0.01, 0.1, schedule=("late",)),
            "width": _row(8, 24),
            "dropout": _row(0.0, 0.15, 0.3),
            "weight_decay": _row(0.0, 0.1, 1.0),
        },
        {"batch": 45, "activation": "tanh"},
    ),
    # tabular; what learns fast ends badly, and the learning rate may fall late
    "tips": Task(
        data.tips,
        40,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "depth": _row(1, 2),
            "dropout": _row(0.0, 0.25, 0.5),
            "weight_decay": _row(0.0, 0.3, 3.0),
            "schedule": _choice("constant", "late"),
            "drop": _row(0.01, 0.1, schedule=("late",)),
            "warmup": _row(0, 10),
        },
        {"width": 32, "batch": 15},
    ),
    # images; the share of errors, in steps of a six-hundredth
    "digits_conv": Task(
        partial(data.digits, 500, "error"),
        25,
        "best",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "width": _row(3, 6),
            "dropout": _row(0.0, 0.25, 0.5),
            "warmup": _row(0, 5, 10),
            "schedule": _choice("constant", "cosine"),
            "batch": _row(25, 50),
        },
        {"kind": "conv"},
    ),
    # images; weights that begin too large learn by heart and generalise late, through weight decay:
    # Liu et al., Omnigrok, 2022 (arXiv:2210.01117)
    "digits_large_init": Task(
        partial(data.digits, 150, "loss"),
        100,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2),
            "init_scale": _row(1.0, 2.0, 4.0, 8.0),
            "weight_decay": _row(0.0, 0.3, 1.0, 3.0, 10.0),
            "width": _row(16, 32),
            "optimizer": _choice("sgd", "adam"),
            "momentum": _row(0.0, 0.9, optimizer=("sgd",)),
        },
        {"batch": 30},
    ),
    # tabular; few samples, strong regularisation
    "wine": Task(
        data.wine,
        50,
        "best",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "dropout": _row(0.0, 0.3, 0.6, 0.8),
            "weight_decay": _row(0.0, 0.3, 3.0),
            "smoothing": _row(0.0, 0.1),
            "schedule": _choice("constant", "cosine", "late"),
            "drop": _row(0.03, 0.3, schedule=("late",)),
        },
        {"width": 16, "batch": 16},
    ),
    # tabular; overfits, and the learning rate may fall late
    "diabetes": Task(
        data.diabetes,
        40,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "depth": _row(1, 2),
            "dropout": _row(0.0, 0.25, 0.5),
            "weight_decay": _row(0.0, 0.3, 3.0),
            "schedule": _choice("constant", "late"),
            "drop": _row(0.01, 0.1, schedule=("late",)),
            "warmup": _row(0, 10),
        },
        {"width": 24, "batch": 25},
    ),
    # text; warm restarts
    "unicode_names": Task(
        data.unicode_names,
        30,
        "best",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "embedding": _row(3, 6),
            "dropout": _row(0.0, 0.2, 0.4),
            "weight_decay": _row(0.0, 0.1, 1.0),
            "schedule": _choice("constant", "restarts"),
            "period": _row(6, 10, 15, schedule=("restarts",)),
        },
        {"width": 24, "batch": 50},
    ),
    # time series; a recurrent network whose gradients explode where nothing holds them
    "pluck": Task(
        data.pluck,
        25,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "optimizer": _choice("sgd", "adam"),
            "momentum": _row(0.0, 0.9, optimizer=("sgd",)),
            "clip": _row(0.1, 1.0, 10.0),
            "width": _row(6, 12),
            "schedule": _choice("constant", "cosine"),
            "warmup": _row(0, 6),
        },
        {"kind": "rnn", "batch": 50},
    ),
    # images; noise that the network sees in training alone, and warm restarts
    "flower_denoising": Task(
        partial(data.patches, "flower.jpg"),
        36,
        "last",
        {
            "lr": _row(3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
            "width": _row(16, 32),
            "bottleneck": _row(4, 8),
            "noise": _row(0.0, 0.1, 0.3),
            "schedule": _choice("constant", "restarts", "late"),
            "period": _row(9, 12, 18, schedule=("restarts",)),
            "drop": _row(0.03, 0.3, schedule=("late",)),
        },
        {"batch": 40},
    ),
    # images; half an image by the other half
    "digits_halves": Task(
        data.digit_halves,
        25,
        "best",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "width": _row(8, 16, 32),
            "depth": _row(1, 2),
            "activation": _choice("relu", "tanh", "silu"),
            "weight_decay": _row(0.0, 0.1, 1.0),
        },
        {"batch": 40},
    ),
    # text; the share of errors, which learning by heart makes worse
    "source_modules": Task(
        data.source_modules,
        25,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "embedding": _row(3, 6),
            "width": _row(12, 24),
            "dropout": _row(0.0, 0.4),
            "weight_decay": _row(0.0, 0.5),
            "schedule": _choice("constant", "cosine"),
            "warmup": _row(0, 6),
        },
        {"batch": 40},
    ),
    # tabular; few samples, and learning rates that fall late
    "nuclei_area": Task(
        data.nuclei_area,
        40,
        "last",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "depth": _row(1, 2),
            "width": _row(8, 24),
            "dropout": _row(0.0, 0.3),
            "weight_decay": _row(0.0, 0.3, 3.0),
            "schedule": _choice("constant", "late"),
            "drop": _row(0.03, 0.3, schedule=("late",)),
        },
        {"batch": 20},
    ),
    # time series; a recurrent network
    "income_rnn": Task(
        data.income,
        30,
        "best",
        {
            "lr": _row(1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
            "optimizer": _choice("sgd", "adam"),
            "momentum": _row(0.0, 0.9, optimizer=("sgd",)),
            "clip": _row(0.1, 1.0, 10.0),
            "width": _row(6, 12),
            "schedule": _choice("constant", "cosine"),
        },
        {"kind": "rnn", "batch": 45},
    ),
}
