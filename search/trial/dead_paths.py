"""Which searched paths change nothing: everything that is built from their values is the same."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import torch

from search.trial.build import Built
from search.trial.holding import Holding, Incomparable
from search.trial.importing import NAMESPACES
from search.trial.trainer import callbacks_of

_JUDGED = ("model", "data", "trainer", "optimizer", "lr_scheduler")
_LIBRARIES = (*NAMESPACES, "lightning", "torch", "builtins")


class Consumption:
    """Collects what is built from the values of each searched path."""

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[Any, Any]]] = {}
        self._built: Built | None = None

    def note(self, path: str, value: Any, built: Built) -> None:
        """Keep what the objects hold that were built with `value` at `path`."""
        if path.partition(".")[0] in _JUDGED:
            self._held.setdefault(path, []).append((value, _held(built)))
            self._built = built

    def dead(self) -> Iterator[str]:
        """A line for each path all of whose values built the same."""
        for path, held in self._held.items():
            (first, known), *others = held
            if not others or any(known != each for _, each in others):
                continue
            assert self._built is not None
            if _may_be_read(path.rpartition(".")[2], self._built):
                continue
            yield (
                f"space.{path}: changes nothing: model, data, optimizer and Trainer are the same "
                f"at {first} and {others[-1][0]}. Use it in the code, or search something else."
            )


def _held(built: Built) -> Any:
    """What model, data, optimizers and the Trainer's arguments hold, without what
    save_hyperparameters saved."""
    holding = Holding()
    parts = (built.model, built.data, built.trainer_arguments, _optimizers(built))
    try:
        return [holding.of(each) for each in parts]
    except Exception:
        # an object of the user's may raise whatever it likes when it is looked at
        return Incomparable()


def _optimizers(built: Built) -> Any:
    """The optimizers and schedulers; None where the module makes none."""
    model, base = built.model, built.lightning.LightningModule
    is_own = type(model).configure_optimizers is not base.configure_optimizers
    if not is_own and "configure_optimizers" not in vars(model):
        return None
    try:
        with torch.random.fork_rng(devices=[]):
            return model.configure_optimizers()
    except Exception:
        # it may need a Trainer that runs
        return Incomparable()


def _may_be_read(name: str, built: Built) -> bool:
    """Whether the source of a class may read the argument from saved hyperparameters."""
    if not (getattr(built.model, "hparams", None) or getattr(built.data, "hparams", None)):
        return False
    owners = (built.model, built.data, *callbacks_of(built.trainer_arguments))
    classes = {cls for owner in owners for cls in type(owner).__mro__}
    for cls in classes:
        if cls.__module__.partition(".")[0] in _LIBRARIES:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        except (OSError, TypeError, SyntaxError):
            return True
        if any(_reads(node, name) for node in _readings(tree)):
            return True
    return False


def _readings(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but an `hparams` of which only one attribute or one item is taken."""
    taken = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        or (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant))
    }
    for node in ast.walk(tree):
        is_hparams = isinstance(node, ast.Attribute) and node.attr == "hparams"
        if not (is_hparams and id(node) in taken):
            yield node


def _reads(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in (name, "hparams")
    return isinstance(node, ast.Subscript) and (
        isinstance(node.slice, ast.Constant) and node.slice.value == name
    )
