"""Arguments and metrics of the classes of a configuration, for who proposes a study file.

Imports the user's classes; builds them only where a CLI of the user's own has to say which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from search.answers import OTHER, TEXT, Argument, Description, Monitor
from search.errors import UserError
from search.plain.tree import Tree, class_places, read_path
from search.space.distributions import Scalar
from search.study_file.trial_config import LightningSections
from search.trial.building.importing import import_name, in_words, lightning_of
from search.trial.building.lightning_cli import DrivenCli, drive_cli
from search.trial.building.lightning_packages import unmixed
from search.trial.building.signatures import EMPTY, MADE_WITH, made_class, parameters
from search.trial.inspection.dead_paths import replaced_hooks, section_instead
from search.trial.inspection.logged_names import logged_at_validation
from search.trial.inspection.text_choices import text_choices
from search.trial.options.argument_kinds import (
    FOREIGN,
    KINDS,
    annotation_text,
    argument_kind,
    plain_value,
)
from search.trial.tasks.annotations import range_in
from search.trial.tasks.describe_script import describe_script

_SECTIONS = ("model", "data", "optimizer", "lr_scheduler")


def describe(sections: LightningSections) -> Description:
    """Look at the classes of a configuration; problems are returned, never raised."""
    try:
        if sections.script is not None:
            return describe_script(sections.script)
        return _description(sections)
    except UserError as error:
        return Description(problems=(str(error),))
    except Exception as error:
        fails = "cli: fails when it is made" if sections.cli else "model: cannot be looked at"
        if sections.script is not None:
            fails = f"script: the options of {sections.script.name} cannot be read"
        return Description(problems=(f"{fails}: {in_words(error)}",))


def _description(sections: LightningSections) -> Description:
    if sections.cli:
        driven = drive_cli(sections, None)
        model, arguments = type(driven.model), tuple(_of_cli(driven))
        has_optimizer = "configure_optimizers" in vars(driven.model)
        complete = driven.config
    else:
        place = "model.class_path"
        named = import_name(str(sections.model_class), place)
        complete, _ = unmixed(sections.lightning_tree(), lightning_of(named, place).__name__)
        model = made_class(named) or type(None)
        arguments = tuple(
            argument
            for section in _SECTIONS
            if isinstance(complete.get(section), Mapping)
            for argument in _of_node(complete[section], section)
        )
        has_optimizer = bool(sections.optimizer)
    replaced = replaced_hooks(has_optimizer, bool(complete.get("data")))
    return Description(
        arguments=tuple(_with_section(each, model, replaced) for each in arguments),
        logged=logged_at_validation(model),
        monitors=tuple(_monitors(complete)),
        lacks_data=not complete.get("data") and not _has_loader(model),
    )


def _with_section(argument: Argument, model: type, replaced: Mapping[str, str]) -> Argument:
    """The argument with the section that stands in for what reads it, if it is the module's."""
    if argument.path not in (f"model.{argument.name}", f"model.init_args.{argument.name}"):
        return argument
    return replace(argument, instead=section_instead(model, argument.name, replaced))


def _has_loader(model: type) -> bool:
    """True where a module brings its own training batches."""
    base = lightning_of(model, "model").LightningModule
    return getattr(model, "train_dataloader", None) is not base.train_dataloader


def _of_cli(driven: DrivenCli) -> Iterator[Argument]:
    """Arguments by the configuration that the CLI read, its defaults and links included."""
    classes = {"model": type(driven.model), "data": type(driven.data)}
    for section, node in driven.config.items():
        if section in ("trainer", "ckpt_path", "weights_only", "seed_everything", "config"):
            continue
        if isinstance(node, Mapping) and "class_path" not in node and section in classes:
            found = _of_class(classes[section], node, section, is_bare=True)
        else:
            found = _of_node(node, section)
        for argument in found:
            yield replace(argument, is_linked=argument.path in driven.linked)


def _of_node(node: Any, place: str) -> Iterator[Argument]:
    """Arguments of a section: those of the class that it names, else what is written there."""
    match node:
        case {"class_path": str(path)}:
            named = import_name(_full(path, place), f"{place}.class_path")
            yield from _of_class(named, node, place, is_bare=False)
        case Mapping():
            for name, value in node.items():
                for argument in _of_node(value, f"{place}.{name}"):
                    yield replace(argument, is_foreign=True)
        case _ if type(node) in KINDS:
            yield Argument(place, KINDS[type(node)], node)


def _full(path: str, place: str) -> str:
    """jsonargparse finds optimizers and schedulers by their bare names too."""
    module = "torch.optim.lr_scheduler" if place == "lr_scheduler" else "torch.optim"
    return path if "." in path else f"{module}.{path}"


def _of_class(
    named: Any, node: Mapping[str, Any], place: str, *, is_bare: bool
) -> Iterator[Argument]:
    """Arguments of what a class_path names.

    Args:
        node: the section, which gives them itself if it `is_bare`.
    """
    made = made_class(named) or type(None)
    is_foreign = made.__module__.partition(".")[0] in FOREIGN
    for name, parameter in parameters(named).items():
        if is_foreign and name in MADE_WITH:
            continue
        given = node if is_bare else node.get(parameter.key) or {}
        path = f"{place}.{name}" if is_bare else f"{place}.{parameter.key}.{name}"
        value = given.get(name, parameter.default)
        if isinstance(value, Mapping) and "class_path" in value:
            yield from _of_node(value, path)
            continue
        kind, choices = argument_kind(parameter.annotation, value)
        if kind == TEXT or value is None or value is EMPTY:
            takers = dict.fromkeys((named, parameter.taker))
            kind, choices = _with_words(kind, choices, takers, name, value)
        hint = range_in(parameter.annotation)
        yield Argument(
            path=path,
            kind=kind,
            value=plain_value(value),
            choices=choices,
            hint=None if hint is None else hint.to_tree(),
            annotation=annotation_text(parameter.annotation),
            is_required=value is EMPTY,
            is_foreign=is_foreign,
        )


def _with_words(
    kind: str, choices: tuple[Scalar, ...], takers: Iterable[object], name: str, value: object
) -> tuple[str, tuple[Scalar, ...]]:
    """A text with the words that the source knows, where it knows some."""
    if kind not in (TEXT, OTHER):
        return kind, choices
    words = dict.fromkeys(word for taker in takers for word in text_choices(taker, name))
    if not words:
        return kind, choices
    default = (value,) if isinstance(value, str) and value not in words else ()
    return TEXT, (*default, *words)


def _monitors(config: Tree) -> Iterator[Monitor]:
    for place, _ in class_places(config.get("trainer") or {}):
        arguments = read_path(config["trainer"], f"{place}.init_args") or {}
        match arguments:
            case {"monitor": str(metric), "mode": "max"}:
                yield Monitor(metric, "max")
            case {"monitor": str(metric)}:
                yield Monitor(metric, "min")
