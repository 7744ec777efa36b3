"""Searched paths that change nothing: all that is built from their values is the same, or only a
hook reads it that never runs, as a module's configure_optimizers beside a section optimizer.

What cannot be compared counts as different, and what may be read counts as read: a path is only
called dead where that is certain.
"""

from __future__ import annotations

import importlib
from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch

from search.plain.tree import ARGUMENTS
from search.trial.building.build import Built
from search.trial.building.hydra_sources import HydraSources, texts_of
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.trainer import callbacks_of
from search.trial.checkpoints.safe_hooks import HOOKS
from search.trial.inspection.attribute_reads import Code, kept_names, may_read
from search.trial.inspection.fingerprint import (
    SAVED_ARGUMENTS,
    Fingerprints,
    Incomparable,
    class_attributes,
)
from search.trial.inspection.option_reads import may_be_read, script_files
from search.trial.inspection.process_state import process_state
from search.trial.inspection.read_globals import read_globals

_JUDGED = ("model", "data", "trainer", "optimizer", "lr_scheduler", ARGUMENTS)
_OPTIMIZERS = "configure_optimizers"
_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader")
_BASES = ("LightningModule", "LightningDataModule", "Callback")
_HYPERPARAMETER = "hparams."
_SAME = (
    "model, data, optimizer and Trainer are the same at {} and {}. "
    "Use it in the code, or search something else."
)
_REPLACED = (
    "only the model's own {hook} reads it, and the section {section} stands in for that. "
    "Search what is in {section}, or leave that section out."
)


@dataclass(frozen=True)
class _Held:
    """The content of the objects that were built with one value of a path."""

    value: object
    # of model, data and each callback: what not every such object has; hyperparameters by
    # `hparams.NAME`
    own: list[dict[str, object]]
    # everything else
    rest: list[object]


class Consumption:
    """Collects what is built from the values of each searched path."""

    def __init__(self) -> None:
        self._held: dict[str, list[_Held]] = {}
        self._built: Built | None = None
        # functions of a script read its parsed options as a global
        self._are_options_global = False
        # of the scripts that were run
        self._files: frozenset[Path] = frozenset()
        # of Hydra's configurations; None for one whose sources are not known
        self._configured: set[HydraSources | None] = set()

    def note(self, path: str, value: object, built: Built) -> None:
        """Keep what the objects hold that were built with `value` at `path`."""
        section = path.partition(".")[0]
        if section in _JUDGED:
            of_process: dict[str, object] = {}
            if section == ARGUMENTS:
                self._configured.add(built.hydra)
                # of all options together: one of them is read where something names it
                held = read_globals()
                of_process = {
                    name: each for name, each in held.items() if not isinstance(each, Namespace)
                }
                self._are_options_global |= len(of_process) < len(held)
                of_process["process"] = process_state()
                self._files |= script_files()
            self._held.setdefault(path, []).append(_held(value, built, of_process))
            self._built = built

    def dead(self) -> Iterator[str]:
        """A line for each path none of whose values changes anything."""
        for path, (first, *others) in self._held.items():
            if not others or any(first.rest != each.rest for each in others):
                continue
            assert self._built is not None
            why = _why_dead(self._built, _differing([first, *others]))
            # which reads every file of a script
            if why is not None and not self._may_count_elsewhere(path):
                yield f"space.{path}: changes nothing: {why.format(first.value, others[-1].value)}"

    def _may_count_elsewhere(self, path: str) -> bool:
        """Tell whether an option may change something while it trains, or at another value of
        another option."""
        section, _, name = path.partition(".")
        others = [each for each in self._held if each != path and each.startswith(f"{ARGUMENTS}.")]
        may_count = self._are_options_global or bool(others)
        may_count = section == ARGUMENTS and may_count
        return may_count and may_be_read(name, self._files, self._configs)

    @cached_property
    def _configs(self) -> list[str] | None:
        """The texts of Hydra's configurations; None where they are not known."""
        return texts_of(self._configured)


def _why_dead(built: Built, differing: list[set[str]]) -> str | None:
    """The reason why a difference in these attributes and hyperparameters of each owner is none;
    None where it may be one."""
    names = [{name.removeprefix(_HYPERPARAMETER) for name in each} for each in differing]
    replaced = replaced_hooks(_OPTIMIZERS in vars(built.model), built.data is not None)
    if any(names) and may_read(_codes(built, names, replaced)):
        return None
    kept = {name for each in differing for name in each if not name.startswith(_HYPERPARAMETER)}
    for hook, section in replaced.items():
        others = set(replaced) - {hook}
        readers = [
            _codes(built, [{name} & each for each in names], others)
            for name in kept or set().union(*names)
        ]
        if readers and all(may_read(codes) for codes in readers):
            return _REPLACED.format(hook=hook, section=section)
    # what is kept may be read by what has no source here; that hyperparameters are is certain
    return None if kept else _SAME


def section_instead(model: type, argument: str, replaced: Mapping[str, str]) -> str | None:
    """The section that stands in for the one hook which reads an argument of a module's; None
    where anything else may read it."""
    classes = _own_classes(model)
    names = kept_names(classes, argument)
    if names is None or may_read(codes_of(model, names, replaced)):
        return None
    for hook, section in replaced.items():
        if may_read(codes_of(model, names, set(replaced) - {hook})):
            return section
    return None


def replaced_hooks(has_optimizer: bool, has_data: bool) -> dict[str, str]:
    """The hooks of a module in whose place Lightning calls those of a section, and of which."""
    hooks = {_OPTIMIZERS: "optimizer"} if has_optimizer else {}
    return hooks | (dict.fromkeys(_LOADERS, "data") if has_data else {})


def codes_of(owner: type, names: Set[str], replaced: Collection[str]) -> Iterator[Code]:
    """The classes of an object whose source is its user's or a library's."""
    bases = _bases()
    called = {name for base in bases for name in dir(base)} - set(replaced)
    for cls in _own_classes(owner):
        yield Code(cls, called, names)


def _codes(built: Built, names: list[set[str]], replaced: Collection[str]) -> list[Code]:
    model, *others = zip(_owners(built), names, strict=True)
    codes = list(codes_of(type(model[0]), model[1], replaced))
    for owner, each in others:
        codes += codes_of(type(owner), each, ())
    return codes


def _own_classes(owner: type) -> list[type]:
    common = {cls for base in _bases() for cls in base.__mro__}
    return [cls for cls in owner.__mro__ if cls not in common]


def _differing(held: list[_Held]) -> list[set[str]]:
    """The names of each owner's attributes that are not the same in all."""
    first, *others = held
    found: list[set[str]] = [set() for _ in first.own]
    for each in others:
        for names, one, two in zip(found, first.own, each.own, strict=True):
            missing = one.keys() ^ two.keys()
            names.update(missing)
            names.update(name for name in one if name in two and one[name] != two[name])
    return found


def _held(value: object, built: Built, of_process: Mapping[str, object]) -> _Held:
    contents, common = Fingerprints(), _common()
    try:
        rest = [contents.of(_arguments(built)), contents.of(_given_optimizers(built))]
        rest.append(
            contents.of(
                [
                    built.loaders,
                    list(built.earlier),
                    built.begins_from,
                    built.settings,
                    of_process,
                ]
            )
        )
        own: list[dict[str, object]] = []
        for owner in _owners(built):
            attributes = _attributes(owner)
            shared = {name: each for name, each in attributes.items() if name in common}
            rest.append([contents.methods(type(owner)), contents.of(shared)])
            own.append(
                {name: contents.of(each) for name, each in attributes.items() if name not in shared}
            )
    except Exception:
        # an object of the user's may raise whatever it likes when it is looked at
        return _Held(value, [], [Incomparable()])
    return _Held(value, own, rest)


def _attributes(owner: object) -> dict[str, object]:
    """The attributes of an object and of its classes, and its hyperparameters."""
    inherited = class_attributes(_own_classes(type(owner)))
    # what the section optimizer put there is judged by what it makes; the hooks of a Trainer's
    # checkpoints are no value's, and hold the whole model
    left_out = {*SAVED_ARGUMENTS, _OPTIMIZERS, *HOOKS}
    attributes = {name: each for name, each in vars(owner).items() if name not in left_out}
    saved = dict(getattr(owner, "hparams", None) or {})
    hyperparameters = {f"{_HYPERPARAMETER}{name}": each for name, each in saved.items()}
    return {**inherited, **attributes, **hyperparameters}


def _owners(built: Built) -> list[object]:
    """Whose code runs: model, data, callbacks."""
    data = [] if built.data is None else [built.data]
    return [built.model, *data, *callbacks_of(built.trainer_arguments)]


def _arguments(built: Built) -> dict[str, object]:
    return {key: each for key, each in built.trainer_arguments.items() if key != "callbacks"}


def _given_optimizers(built: Built) -> object:
    """Optimizers and schedulers of the sections; those of the module's own follow from it."""
    if _OPTIMIZERS not in vars(built.model):
        return None
    try:
        with torch.random.fork_rng(devices=[]):
            return built.model.configure_optimizers()
    except Exception:
        # it may need a Trainer that runs
        return Incomparable()


@lru_cache(maxsize=1)
def _bases() -> tuple[type, ...]:
    packages = [importlib.import_module(name) for name in NAMESPACES]
    return tuple(getattr(package, name) for package in packages for name in _BASES)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """The attributes that every module, data module or callback has, which Lightning reads."""
    return frozenset(name for base in _bases() for name in dir(base()))
