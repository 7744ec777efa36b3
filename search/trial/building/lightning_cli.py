"""A configuration read by LightningCLI itself: for `optimizer` and `lr_scheduler`, and for a CLI
of the user's own, whose links, arguments, defaults and hooks all count.

The user's code makes its CLI as it always does; while it does, the constructor of LightningCLI is
ours, which hands it the configuration of the trial and comes back when the fit would begin.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from jsonargparse import ArgumentError, ArgumentParser

from search.errors import UserError
from search.plain.tree import Tree
from search.study_file.trial_config import CliClasses, LightningSections
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.importing import import_name, namespace_of
from search.trial.building.lightning_packages import Apart, unmixed, with_apart
from search.trial.building.parser_errors import explain
from search.trial.building.trainer import quiet
from search.trial.building.trainer_names import refuse_unknown_names


@dataclass
class DrivenCli:
    """A CLI that was about to fit."""

    model: Any = None
    data: Any = None
    # the configuration that it read, defaults included
    config: Tree = field(default_factory=dict)
    parsers: list[ArgumentParser] = field(default_factory=list)
    # paths that its own links set
    linked: set[str] = field(default_factory=set)
    # objects of the other Lightning package, which it cannot read
    apart: list[Apart] = field(default_factory=list)
    trainer_class: Callable[..., Any] | None = None
    trainer_arguments: dict[str, object] = field(default_factory=dict)
    # a subcommand tells it to fit by itself
    is_run: bool = True


class _Reached(BaseException):
    """The fit would begin now; passes through whatever the user's code catches."""


def drive_cli(sections: LightningSections, namespace: str | None) -> DrivenCli:
    """Let a CLI read the configuration and build everything, up to its fit.

    Args:
        namespace: the Lightning package of a model without a CLI of its own.

    Raises:
        UserError: what is named makes no LightningCLI, or that refuses the configuration.
    """
    cli = sections.cli
    # the weights are loaded without it
    arguments = replace(sections, ckpt_path=None, weights_only=None).lightning_tree()
    if cli is None:
        name, classes = "LightningCLI", {}
        target = importlib.import_module(f"{namespace}.cli").LightningCLI
    else:
        name, classes = cli.name, _classes(cli)
        target = _target(name)
    driven = DrivenCli()
    with _constructor(lambda original: _driving(original, arguments, driven)), suppress(_Reached):
        target(**classes)
        raise UserError(f"cli: {name} made no LightningCLI. Name what makes one.")
    return driven


def _target(name: str) -> Callable[..., object]:
    target: Callable[..., Any] = import_name(name, "cli", ":")
    if not callable(target) or (
        isinstance(target, type) and namespace_of(target, "LightningCLI") is None
    ):
        raise UserError(
            f"cli: must be a subclass of LightningCLI or a function that makes one, got {name}. "
            f"Name such a one, as in cli: {name.partition(':')[0]}:MyCLI."
        )
    return target


def _classes(cli: CliClasses) -> Tree:
    classes = {}
    if cli.model:
        classes["model_class"] = import_name(cli.model, "cli.model")
    if cli.data:
        classes["datamodule_class"] = import_name(cli.data, "cli.data")
    return classes


@contextmanager
def _constructor(ours: Callable[[Callable[..., None]], Callable[..., None]]) -> Iterator[None]:
    """Ours, made of the original, in place of LightningCLI's constructor in both packages."""
    bases = [importlib.import_module(f"{name}.cli").LightningCLI for name in NAMESPACES]
    originals = [base.__init__ for base in bases]
    command = sys.argv[1:]
    # LightningCLI would take them for its own
    del sys.argv[1:]
    for base, original in zip(bases, originals, strict=True):
        base.__init__ = ours(original)
    try:
        yield
    finally:
        sys.argv[1:] = command
        for base, original in zip(bases, originals, strict=True):
            base.__init__ = original


def _driving(
    original: Callable[..., None], arguments: Tree, driven: DrivenCli
) -> Callable[..., None]:
    signature = inspect.signature(original)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        given.pop("self")
        read, driven.apart = unmixed(arguments, str(namespace_of(type(self), "LightningCLI")))
        is_run = driven.is_run = bool(given.get("run", True))
        given["save_config_callback"] = None
        given["args"] = {"subcommand": "fit", "fit": read} if is_run else read
        given["parser_kwargs"] = _parser_kwargs(given.get("parser_kwargs") or {}, is_run)
        if is_run:
            subcommands = self.subcommands()
            self.subcommands = lambda: {"fit": subcommands["fit"]}
        _record_trainer(self, driven)
        _record_links(self, driven)
        try:
            original(self, **given)
        except ArgumentError as error:
            keys = [
                key for parser in driven.parsers for key in vars(parser.get_defaults().as_flat())
            ]
            raise UserError(explain(str(error), keys)) from error
        _reached(self, driven)

    return __init__


def _parser_kwargs(given: Mapping[str, Any], is_run: bool) -> dict[str, object]:
    raises = {"exit_on_error": False}
    return {**given, **raises, **({"fit": {**given.get("fit", {}), **raises}} if is_run else {})}


def _record_trainer(cli: Any, driven: DrivenCli) -> None:
    """Note what the CLI gives its Trainer; the Trainer that its hooks see is built of the same."""
    hook = cli.before_instantiate_classes

    def before_instantiate_classes() -> None:
        trainer_class = cli.trainer_class

        def make(**given: object) -> object:
            arguments = with_apart(given, driven.apart)
            driven.trainer_class, driven.trainer_arguments = trainer_class, arguments
            refuse_unknown_names(arguments, str(namespace_of(type(cli), "LightningCLI")))
            trainer = trainer_class(**quiet(arguments))
            trainer.fit = lambda *_, **__: _reached(cli, driven)
            return trainer

        cli.trainer_class = make
        hook()

    cli.before_instantiate_classes = before_instantiate_classes


def _record_links(cli: Any, driven: DrivenCli) -> None:
    """Note the CLI's parsers, and which arguments its own links set."""
    hook = cli.add_arguments_to_parser

    def add_arguments_to_parser(parser: Any) -> None:
        driven.parsers.append(parser)
        link = parser.link_arguments

        def link_arguments(source: object, target: str, *args: object, **kwargs: object) -> Any:
            driven.linked.add(target)
            return link(source, target, *args, **kwargs)

        parser.link_arguments = link_arguments
        hook(parser)

    cli.add_arguments_to_parser = add_arguments_to_parser


def _reached(cli: Any, driven: DrivenCli) -> NoReturn:
    driven.model, driven.data = cli.model, cli.datamodule
    read = cli.config.as_dict()
    driven.config = read.get("fit", read) if "subcommand" in read else read
    raise _Reached
