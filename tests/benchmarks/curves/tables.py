"""Recorded learning curves of every configuration of a space.

A space is a grid: an ordered hyperparameter is to samplers a whole number, the place of its value,
another one a choice, and a conditional one is there only where its condition holds. So all that a
sampler can ask for was trained itself, nothing is between two curves, and its own model of the
space is exact. The price is that a sampler can ask for a point twice, which then costs again and
brings nothing: that is so for every strategy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "recorded"

# those to be judged on were chosen before any strategy had been run on any table; what is tuned
# never sees them, and they are judged on once
TUNING = ("digits_mlp", "cancer", "license_chars", "patches_autoencoder", "gapminder", "tips")
JUDGING = (
    "digits_conv",
    "digits_large_init",
    "wine",
    "diabetes",
    "unicode_names",
    "pluck",
    "flower_denoising",
)
# for what was changed since: chosen before any strategy had been run on them, and judged on once
JUDGING_ANEW = ("digits_halves", "source_modules", "nuclei_area", "income_rnn")
SPLIT: Mapping[str, tuple[str, ...]] = {
    "tuning": TUNING,
    "judging": JUDGING,
    "judging-anew": JUDGING_ANEW,
}

Value = float | int | str


@dataclass(frozen=True)
class Parameter:
    """A searched hyperparameter.

    values: all that are tried.
    is_ordered: they lie in a row, evenly in the measure that matters, such as the logarithm.
    when: it exists where each of these hyperparameters has one of the values.
    """

    values: tuple[Value, ...]
    is_ordered: bool = True
    when: tuple[tuple[str, tuple[Value, ...]], ...] = ()

    def exists(self, given: Mapping[str, Value]) -> bool:
        """Tell whether a configuration whose earlier values are `given` has it."""
        return all(given.get(name) in values for name, values in self.when)


Parameters = Mapping[str, Parameter]


@dataclass(frozen=True)
class Table:
    """The curves of a grid; small values are good.

    value: best or last, as in the objective of a study file.
    parameters: in an order in which conditions look back.
    points: (configurations, hyperparameters) int8, the place of each value, -1 where it is absent.
    curves: (training seeds, configurations, epochs) float32, NaN from where training diverged.
    costs: (configurations,) float32, the seconds of an epoch in relation to the median.
    """

    name: str
    value: str
    parameters: Parameters
    points: np.ndarray
    curves: np.ndarray
    costs: np.ndarray

    @property
    def epochs(self) -> int:
        return int(self.curves.shape[2])

    def finals(self, training_seed: int) -> np.ndarray:
        """The values of all configurations that are trained to their end; infinite where one
        diverges."""
        curves = self.curves[training_seed]
        values = curves.min(axis=1) if self.value == "best" else curves[:, -1]
        return np.where(np.isnan(curves).any(axis=1), np.inf, values)

    def save(self, folder: Path = FOLDER) -> Path:
        """Write the table; returns its file."""
        parameters = {
            name: {"values": each.values, "is_ordered": each.is_ordered, "when": each.when}
            for name, each in self.parameters.items()
        }
        about = {"name": self.name, "value": self.value, "parameters": parameters}
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.name}.npz"
        np.savez_compressed(
            path,
            about=np.array(json.dumps(about)),
            points=self.points.astype(np.int8),
            curves=_rounded(self.curves.astype(np.float32)),
            costs=_rounded(self.costs.astype(np.float32)),
        )
        return path


def load(name: str, folder: Path = FOLDER) -> Table:
    """The recorded table of a name."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as kept:
        about = json.loads(str(kept["about"]))
        parameters = {key: _parameter(tree) for key, tree in about["parameters"].items()}
        return Table(
            about["name"],
            about["value"],
            parameters,
            kept["points"],
            kept["curves"],
            kept["costs"],
        )


def recorded() -> list[str]:
    """The names of the tables that are there, in the order of the split."""
    return [name for names in SPLIT.values() for name in names if _path(name).is_file()]


def grid(parameters: Parameters) -> list[dict[str, Value]]:
    """Every configuration."""
    found: list[dict[str, Value]] = [{}]
    for name, parameter in parameters.items():
        found = [
            each | more
            for each in found
            for more in (
                [{name: value} for value in parameter.values] if parameter.exists(each) else [{}]
            )
        ]
    return found


def places(parameters: Parameters, configuration: Mapping[str, Value]) -> tuple[int, ...]:
    """The place of each value of a configuration, -1 where it is absent."""
    return tuple(
        parameter.values.index(configuration[name]) if name in configuration else -1
        for name, parameter in parameters.items()
    )


def _path(name: str) -> Path:
    return FOLDER / f"{name}.npz"


def _parameter(tree: Mapping[str, Any]) -> Parameter:
    when = tuple((name, tuple(values)) for name, values in tree["when"])
    return Parameter(tuple(tree["values"]), tree["is_ordered"], when)


def _rounded(values: np.ndarray) -> np.ndarray:
    """float32 with the last 10 of 23 bits of the mantissa zero, a ten-thousandth, less than what
    the next seed changes, so that files are half as large."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    rounded = ((bits + np.uint32(1 << 9)) & np.uint32(0xFFFFFC00)).view(np.float32)
    return np.where(np.isnan(values), np.float32(np.nan), rounded)
