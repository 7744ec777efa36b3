"""State of any kind as plain data that loads with `weights_only=True`, and back.

What torch refuses becomes what comes next to it (an array a tensor, a path a text), so that the
file can be read without this tool; notes beside it say what it was. Going back imports nothing
and runs no constructor: a class that a note names is looked up among the modules that are
imported, and must be an enum, a dataclass or a named tuple.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

import torch

from search.errors import UserError
from search.trial.checkpoints.state_kinds import ATOMS, KINDS
from search.trial.checkpoints.state_names import Unwritable, reference_of, referred

_CONTAINERS = (dict, OrderedDict, Counter, list, tuple, set)
_DEEPEST = 100
# what notes that were changed by somebody raise
_NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)

Place = tuple[object, ...]
Note = list[Any]


@dataclasses.dataclass
class Plain:
    """Turns values into plain data.

    Args:
        live: objects of the running trial by name, which are built from the configuration.
    """

    live: Mapping[str, Any]
    # [place, kind, details] of what became something else; what is inside comes before it
    notes: list[Note] = dataclasses.field(default_factory=list)
    # [place, class] of what was left out
    unwritable: list[Note] = dataclasses.field(default_factory=list)

    def of(self, value: object, place: Place = ()) -> Any:
        """`value` itself where it is plain data already."""
        if type(value) in ATOMS or isinstance(value, torch.Tensor):
            return value
        try:
            return self._of_object(value, place)
        except Unwritable:
            self.unwritable.append([list(place), type(value).__qualname__])
            return None

    def _of_object(self, value: object, place: Place) -> object:
        if len(place) > _DEEPEST:
            raise Unwritable
        if type(value) in _CONTAINERS:
            return self._of_container(value, place)
        for name, kind in KINDS.items():
            if kind.is_kind(value):
                content, details = kind.taken_apart(value)
                return self._noted(content, name, details, place)
        content, details = reference_of(value, self.live)
        return self._noted(content, "reference", details, place)

    def _noted(self, content: object, kind: str, details: object, place: Place) -> Any:
        plain = self.of(content, place)
        self.notes.append([list(place), kind, details])
        return plain

    def _of_container(self, value: Any, place: Place) -> Any:
        kind = type(value)
        if kind in (list, tuple, set):
            members = list(value)
            plain = [self.of(each, (*place, index)) for index, each in enumerate(members)]
            if _all_same(members, plain):
                return value
            if kind is not list:
                self.notes.append([list(place), kind.__name__, None])
            return plain
        if all(_is_plain_key(key) for key in value):
            plain_values = {key: self.of(each, (*place, key)) for key, each in value.items()}
            if _all_same(list(value.values()), list(plain_values.values())):
                return value
            return plain_values if kind is dict else kind(plain_values)
        return self._noted([list(pair) for pair in value.items()], "pairs", kind.__name__, place)


def _is_plain_key(key: object) -> bool:
    if type(key) is tuple:
        return all(_is_plain_key(each) for each in key)
    return type(key) in ATOMS


def _all_same(before: list[object], after: list[object]) -> bool:
    return all(one is other for one, other in zip(before, after, strict=True))


def restored(plain: object, notes: list[Note], live: Mapping[str, object]) -> Any:
    """The value that `Plain` made `plain` of.

    Raises:
        UserError: a class or an object that it needs is no longer there, or the notes are not
            those of `plain`.
    """
    root = [plain]
    try:
        for place, kind, details in notes:
            _restore_one(root, [0, *place], kind, details, live)
    except _NONSENSE as error:
        raise UserError(
            f"checkpoint: what it says of its own content is wrong: {type(error).__name__}: "
            f"{error}. Restore the file from a copy."
        ) from error
    return root[0]


def _restore_one(
    root: list[object], place: list[object], kind: str, details: Any, live: Mapping[str, Any]
) -> None:
    *above, last = place
    owner: Any = root
    for step in above:
        owner = owner[step]
    if kind == "reference":
        owner[last] = referred(owner[last], details, live)
    else:
        owner[last] = KINDS[kind].put_together(owner[last], details)
