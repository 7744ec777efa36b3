"""Records the tables of `recorded`: trains every configuration of every search, for two seeds.

    cd tests && python -m benchmarks.curves.record            # those that are missing
    cd tests && python -m benchmarks.curves.record wine pluck # these, anew

One to five minutes of one core a table. What each of them is:

digits_mlp            images of digits, a perceptron; loss, last
cancer                breast cancer, tabular; warm-up and late decay; loss, best
license_chars         Python's license by its characters; loss, last
patches_autoencoder   squares of a photograph through a bottleneck; error, best
gapminder             life expectancy of countries, a time series; warm restarts; error, last
tips                  tips in a restaurant, tabular, few and noisy; late decay, warm-up; error, last
digits_conv           images of digits, a convolution; share of errors, best
digits_large_init     images of digits, weights that begin too large: generalises late; loss, last
wine                  growers of wine, tabular and small; strong regularisation; loss, best
diabetes              diabetes, tabular and noisy; late decay, warm-up; error, last
unicode_names         scripts of characters by their names, text; warm restarts; loss, best
pluck                 a plucked string, a time series, a recurrent network; error, last
flower_denoising      squares of another photograph, denoised; warm restarts; error, last
digits_halves         the lower half of images of digits by the upper one; error, best
source_modules        pieces of Python's source, which module they are of; share of errors, last
nuclei_area           the area of cell nuclei by texture and shape, few; late decay; error, last
income_rnn            income of countries, a time series, a recurrent network; error, best
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import numpy as np
import torch
from benchmarks.curves.tables import FOLDER, Table, Value, grid, places
from benchmarks.curves.tasks import TASKS, Task
from benchmarks.curves.training import train

_TRAINING_SEEDS = (0, 1)
# what a batch costs beside its products, in multiplications
_BATCH = 20_000


def record(name: str) -> Table:
    """Train every configuration of a search."""
    task = TASKS[name]
    loaded = task.data()
    points = grid(task.parameters)
    configurations = [{**task.fixed, **point} for point in points]
    curves = [
        train(loaded, configurations, epochs=task.epochs, seed=seed) for seed in _TRAINING_SEEDS
    ]
    samples, inputs = len(loaded.train_x), loaded.train_x.shape[1]
    costs = np.array([_cost(task, each, samples, inputs) for each in configurations])
    return Table(
        name,
        task.value,
        task.parameters,
        np.array([places(task.parameters, each) for each in points]),
        np.stack(curves),
        costs / np.median(costs),
    )


def _cost(task: Task, configuration: Mapping[str, Value], samples: int, inputs: int) -> float:
    """The cost of an epoch: the width of a network decides on it, and the number of batches."""
    width = int(configuration.get("width", 16))
    depth = int(configuration.get("depth", 1))
    inner = int(configuration.get("bottleneck", 0)) * 2 or width * (depth - 1)
    if task.fixed.get("kind") == "conv":
        products = 36 * 9 * width
    elif task.fixed.get("kind") == "rnn":
        products = inputs * width * (width + 1)
    else:
        products = width * (inputs * int(configuration.get("embedding", 1)) + inner)
    batches = samples / int(configuration.get("batch", 32))
    return samples * products + batches * _BATCH


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    for name in names or [each for each in TASKS if not (FOLDER / f"{each}.npz").is_file()]:
        began = time.perf_counter()
        table = record(name)
        path = table.save()
        took, size = time.perf_counter() - began, path.stat().st_size
        print(f"{name}: {len(table.points)} configurations, {took:.0f} s, {size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
