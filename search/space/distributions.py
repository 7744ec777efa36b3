"""The searched values: a dotted path into the study file -> a distribution.

Plain data; `search.store.optuna_distributions` turns it into Optuna's distributions. In a path such
as `model.init_args.encoder[mlp].init_args.width`, `[mlp]` says that the value is one of the option
`mlp` of the choice before it; the place in the configuration is the path without it.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, ClassVar

from search.plain.equality import is_number
from search.plain.tree import ARGUMENTS
from search.plain.yaml import shown
from search.space.priors import Prior

Scalar = None | bool | int | float | str
# a parameter exists where each of these paths has one of its values
When = tuple[tuple[str, tuple[Scalar, ...]], ...]
Params = dict[str, Scalar]

OPTION = re.compile(r"\[([^\]]*)\]")
AUTO = "auto"


class _Distribution(ABC):
    """A distribution, whichever of the three it is.

    kind: the key that a user writes it under.
    when: the conditions under which the parameter exists.
    prior: the value that the user believes best; None where nothing is known.

    All three have, beside the methods below:
    middle: the value in the middle, by its logarithm where it is sampled so.
    ends(most): values that lie far apart: both ends of a range; of a choice all values, or `most`
        that are evenly spread over a longer list.
    count: the number of values; None for a range without steps.
    all_values(): all values in order; None for a range without steps.
    contains(value): true for what can be sampled.
    quantile(share): the value below which `share` of the distribution lies, from 0 to 1.
    draw(random): a random value.
    coerce(value): a value that it contains in its own type: 1 as 1.0 in a range of floats.
    in_words: the values that may be given, for a message.
    """

    kind: ClassVar[str]
    when: When
    prior: Prior | None

    @abstractmethod
    def ends(self, most: int) -> Sequence[Scalar]: ...

    @abstractmethod
    def own_tree(self) -> dict[str, Any]:
        """The mapping that a user would write, without its conditions."""

    @property
    def low_end(self) -> Scalar:
        """The low end of a range, the first value of a choice."""
        return self.ends(2)[0]

    def to_tree(self) -> dict[str, object]:
        """The mapping that a user would write; the inverse of `parse_distribution`."""
        tree = self.own_tree()
        if self.when:
            tree["when"] = {path: _one_or_list(values) for path, values in self.when}
        if self.prior is not None:
            tree["prior"] = self.prior.to_tree()
        return tree

    def is_active(self, params: Params) -> bool:
        """Tell whether the parameter exists in a trial whose earlier parameters are `params`."""
        return all(
            path in params and any(is_same(params[path], value) for value in values)
            for path, values in self.when
        )


class _Range(_Distribution):
    """The numbers from `low` to `high`, both included; `step` and `log` exclude each other.

    low: the smallest value.
    high: the largest value, where steps lead to it.
    log: whether values are sampled by their logarithm.
    step: the distance of two values; None where every number between the ends is one.
    """

    low: float
    high: float
    log: bool
    step: float | None

    @property
    @abstractmethod
    def count(self) -> int | None: ...

    @abstractmethod
    def coerce(self, value: Any) -> float: ...

    @property
    def middle(self) -> float:
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        if self.step is None:
            return middle
        return self.low + round((middle - self.low) / self.step) * self.step

    def ends(self, most: int) -> tuple[float, ...]:
        return (self.low, self.high)

    def all_values(self) -> list[float] | None:
        if self.step is None or self.count is None:
            return None
        return [self.low + index * self.step for index in range(self.count)]

    def contains(self, value: object) -> bool:
        if not is_number(value):
            return False
        if not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-8

    def quantile(self, share: float) -> float:
        if self.log:
            # an integer has the place from half below it to half above it
            half = 0.5 if self.kind == "int" else 0.0
            first, last = math.log(self.low - half), math.log(self.high + half)
            return self._inside(math.exp(first + share * (last - first)))
        if self.step is None or self.count is None:
            return min(self.high, self.low + share * (self.high - self.low))
        return min(self.high, self.low + _index_at(share, self.count) * self.step)

    def draw(self, random: Random) -> float:
        if self.log:
            return self._inside(math.exp(random.uniform(math.log(self.low), math.log(self.high))))
        if self.step is None or self.count is None:
            return random.uniform(self.low, self.high)
        return min(self.high, self.low + self.step * random.randint(0, self.count - 1))

    def _inside(self, value: float) -> float:
        return min(self.high, max(self.low, self.coerce(value)))

    @property
    def in_words(self) -> str:
        number = "a whole number" if self.kind == "int" else "a number"
        step = "" if self.step in (None, 1) else f" in steps of {self.step:g}"
        return f"{number} from {self.low:g} to {self.high:g}{step}"

    def own_tree(self) -> dict[str, Any]:
        tree: dict[str, Any] = {self.kind: [self.low, self.high]}
        if self.log:
            tree["log"] = True
        if self.step is not None and not (self.kind == "int" and self.step == 1):
            tree["step"] = self.step
        return tree


@dataclass(frozen=True)
class FloatRange(_Range):
    """Floats from `low` to `high`, both included; `step` and `log` exclude each other."""

    kind: ClassVar[str] = "float"

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: When = ()
    prior: Prior | None = None

    @property
    def count(self) -> int | None:
        if self.step is None:
            return None
        return int((self.high - self.low) / self.step + 1e-8) + 1

    def coerce(self, value: Any) -> float:
        return float(value)


@dataclass(frozen=True)
class IntRange(_Range):
    """Integers from `low` to `high`, both included, `step` apart; `log` needs a step of 1."""

    kind: ClassVar[str] = "int"

    low: int
    high: int
    log: bool = False
    step: int = 1
    when: When = ()
    prior: Prior | None = None

    @property
    def count(self) -> int:
        return (self.high - self.low) // self.step + 1

    def contains(self, value: object) -> bool:
        return isinstance(value, int) and super().contains(value)

    def coerce(self, value: Any) -> int:
        whole: int = round(value)
        return whole


@dataclass(frozen=True)
class Categorical(_Distribution):
    """One of `values`, in no order.

    values: what is sampled; only names where there are subtrees.
    subtrees: the part of the configuration that each of the names stands for, in the same order.
    """

    kind: ClassVar[str] = "choice"

    values: tuple[Scalar, ...]
    when: When = ()
    subtrees: tuple[object, ...] | None = None
    prior: Prior | None = None

    @property
    def middle(self) -> Scalar:
        return self.values[len(self.values) // 2]

    def ends(self, most: int) -> tuple[Scalar, ...]:
        if len(self.values) <= most:
            return self.values
        last = len(self.values) - 1
        return tuple(self.values[last * index // (most - 1)] for index in range(most))

    @property
    def count(self) -> int:
        return len(self.values)

    def all_values(self) -> tuple[Scalar, ...]:
        return self.values

    def contains(self, value: object) -> bool:
        return any(is_same(value, each) for each in self.values)

    def quantile(self, share: float) -> Scalar:
        return self.values[_index_at(share, len(self.values))]

    def draw(self, random: Random) -> Scalar:
        return random.choice(self.values)

    def coerce(self, value: Scalar) -> Scalar:
        return next(each for each in self.values if is_same(value, each))

    @property
    def in_words(self) -> str:
        return " or ".join(shown(value) for value in self.values)

    def own_tree(self) -> dict[str, Any]:
        if self.subtrees is None:
            return {"choice": list(self.values)}
        options = zip(self.values, self.subtrees, strict=True)
        return {"choice": {str(name): {"value": subtree} for name, subtree in options}}

    def written(self, value: Scalar) -> object:
        """The part of the configuration that `value` stands for."""
        return value if self.subtrees is None else self.subtrees[self.values.index(value)]


@dataclass(frozen=True)
class Hinted:
    """A range that the annotation of an argument will give; see `search.space.annotations`."""

    def to_tree(self) -> str:
        return AUTO


Distribution = FloatRange | IntRange | Categorical
Space = dict[str, Distribution]

_KINDS: Mapping[str, type[Distribution]] = {
    "float": FloatRange,
    "int": IntRange,
    "choice": Categorical,
}


def fields_of(distribution: Distribution) -> dict[str, Any]:
    """The kind and the fields of a distribution as plain data, for a record, which has no need of
    the subtrees of a choice, nor of a prior."""
    fields = asdict(distribution)
    for name in ("subtrees", "prior"):
        fields.pop(name, None)
    return {"kind": distribution.kind, **fields}


def from_fields(fields: Mapping[str, Any]) -> Distribution:
    """The inverse of `fields_of`, of what JSON made of it.

    Raises:
        TypeError, LookupError: nothing that `fields_of` returns.
    """
    given = {key: _as_tuple(value) for key, value in fields.items() if key != "kind"}
    return _KINDS[fields["kind"]](**given)


def config_path(path: str) -> str:
    """The place of a parameter's value in a configuration; what an option of a script's argument
    searches are arguments beside it."""
    if path.startswith(f"{ARGUMENTS}."):
        return f"{ARGUMENTS}.{path.removeprefix(f'{ARGUMENTS}.').rpartition('].')[2]}"
    return OPTION.sub("", path)


def is_same(one: object, other: object) -> bool:
    """Equality for which true is not 1; 1 and 1.0 are the same number."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _index_at(share: float, count: int) -> int:
    return min(count - 1, int(share * count))


def _one_or_list(values: tuple[Scalar, ...]) -> object:
    return values[0] if len(values) == 1 else list(values)


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(each) for each in value) if isinstance(value, list | tuple) else value
