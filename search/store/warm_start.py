"""The trials of earlier studies that a study learns from, as its own events keep them.

Copied once, when the study is made, so that it never needs the earlier studies again.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from search.space.distributions import Params


@dataclass(frozen=True)
class WarmTrial:
    """A finished trial of an earlier study."""

    number: int
    # of the paths that this study searches, those that the trial had, where this study looks
    params: Params
    # its place among the finished trials of its study, from 0, the best, to 1
    rank: float


@dataclass(frozen=True)
class WarmSource:
    """An earlier study."""

    # as the study file calls it
    name: str
    # its trials that could be ranked
    finished: int
    # those that were copied, the best first
    trials: tuple[WarmTrial, ...]


@dataclass(frozen=True)
class WarmPoint:
    """A configuration of an earlier study, to be tried early."""

    # the study and the number of its trial, for people
    origin: str
    params: Params


@dataclass(frozen=True)
class WarmStart:
    """All that a study took over to learn from."""

    sources: tuple[WarmSource, ...] = ()
    points: tuple[WarmPoint, ...] = ()

    @property
    def text(self) -> str:
        """`84 trials of earlier, 200 of the 512 trials of other.db`."""
        return ", ".join(_counts(each) for each in self.sources)

    def text_with(self, weights: Sequence[float]) -> str:
        """`84 trials of earlier (weight 0.42)`; without the weights where there are none."""
        if not weights:
            return self.text
        pairs = zip(self.sources, weights, strict=True)
        return ", ".join(f"{_counts(each)} (weight {weight:.2f})" for each, weight in pairs)

    @property
    def checksum(self) -> int:
        """Tells what one study took over from what another did, `0 <= checksum < 2**32`."""
        return zlib.crc32(json.dumps(self.to_tree(), sort_keys=True).encode())

    def figures(self) -> list[dict[str, object]]:
        """Name, ranked trials and copied trials of each earlier study."""
        return [
            {"study": each.name, "finished": each.finished, "copied": len(each.trials)}
            for each in self.sources
        ]

    def to_tree(self) -> dict[str, Any]:
        """Plain data that `warm_start_in` reads."""
        return {
            "sources": [asdict(each) for each in self.sources],
            "points": [asdict(each) for each in self.points],
        }


def warm_start_in(tree: Mapping[str, Any]) -> WarmStart:
    """The inverse of `WarmStart.to_tree`, of what JSON made of it.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: nothing that it returns.
    """
    return WarmStart(
        tuple(_source(each) for each in tree["sources"]),
        tuple(WarmPoint(str(each["origin"]), _params(each["params"])) for each in tree["points"]),
    )


def _source(tree: Mapping[str, Any]) -> WarmSource:
    trials = tuple(
        WarmTrial(int(each["number"]), _params(each["params"]), float(each["rank"]))
        for each in tree["trials"]
    )
    return WarmSource(str(tree["name"]), int(tree["finished"]), trials)


def _params(tree: Mapping[str, Any]) -> Params:
    for value in tree.values():
        if isinstance(value, list | dict):
            raise TypeError(f"{type(value).__name__} where a plain value is written")
    return dict(tree)


def _counts(source: WarmSource) -> str:
    copied = len(source.trials)
    if copied < source.finished:
        return f"{copied} of the {source.finished:,} trials of {source.name}"
    return f"{copied} {'trial' if copied == 1 else 'trials'} of {source.name}"
