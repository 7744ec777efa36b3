"""Options of a script of Hydra's: the values and the groups of the configuration that it composes.

Hydra composes it, by the script's own `config_path` and `config_name`; the script's function is not
called.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from search.answers import GROUP, GROUP_OF_VALUES, UNEVEN_GROUP, Argument, Monitor
from search.plain.tree import items_of
from search.proposal.options import propose_option
from search.proposal.proposed_lines import is_live
from search.study_file.scripts import hydra_folder
from search.study_file.trial_config import ScriptRun
from search.trial.building.hydra_jobs import ONE_JOB, SeveralJobs, one_job
from search.trial.building.replaced import replaced
from search.trial.building.signatures import EMPTY
from search.trial.options.argument_kinds import FOREIGN
from search.trial.options.found_options import Found, Options, option
from search.trial.process.loaded_sources import is_installed

_TARGET = "_target_"
_REQUIRED = "???"
_MOST_OPTIONS = 20
_MUST_CHOOSE = re.compile(r"You must specify '([^']+)'.*Available options:\s+(\S+)", re.DOTALL)

_Made = TypeVar("_Made")


@contextlib.contextmanager
def watched_hydra(found: Found, script: ScriptRun, folder: Path) -> Iterator[None]:
    """Leave the script where its function would be given the configuration.

    Args:
        folder: takes what Hydra writes.
    """
    if not is_installed("hydra"):
        yield
        return
    hydra = importlib.import_module("hydra")
    words = [hydra_folder(folder), "hydra.output_subdir=null"]

    def main(*args: Any, **kwargs: Any) -> Callable[..., Any]:
        decorate = original(*args, **kwargs)
        name = kwargs.get("config_name", args[1] if len(args) > 1 else None)

        def decorator(task: Callable[..., Any]) -> Callable[..., Any]:
            required: list[str] = []

            # Hydra finds the script by the function below the wrappers
            @functools.wraps(task)
            def look(config: Any) -> None:
                choices = hydra.core.hydra_config.HydraConfig.get().runtime.choices
                overrides = tuple(each for each in words if each == ONE_JOB)
                found.leave(
                    replace(_options(config, choices, name, required), hydra_overrides=overrides)
                )

            run = decorate(look)

            @functools.wraps(task)
            def looked_at(*given: Any) -> Any:
                if given and given[0] is not None:
                    return task(*given)
                asked = list(sys.argv)

                def run_with(groups: list[str]) -> object:
                    required[:] = groups
                    sys.argv[:] = [*asked, *words, *groups]
                    return run()

                with found.within(), one_job(script):
                    try:
                        return _with_required_groups(run_with)
                    except SeveralJobs:
                        # whatever it would sweep over, its options are the same
                        words.append(ONE_JOB)
                        return _with_required_groups(run_with)

            return looked_at

        return decorator

    # a script may give each by its name
    def compose(
        config_name: Any = None,
        overrides: Any = None,
        return_hydra_config: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        def compose_with(groups: list[str], is_whole: bool = return_hydra_config) -> Any:
            required[:] = groups
            words = [*(overrides or ()), *groups]
            return original_compose(config_name, words, is_whole, *args, **kwargs)

        required: list[str] = []
        if not found.is_within:
            config = _with_required_groups(compose_with)
            whole = compose_with(list(required), is_whole=True)
            found.leave(_options(config, whole.hydra.runtime.choices, config_name, required))
        return compose_with([])

    original, original_compose = hydra.main, hydra.compose
    with replaced(hydra, "main", main), replaced(hydra, "compose", compose):
        yield


def _with_required_groups(compose: Callable[[list[str]], _Made]) -> _Made:
    """Compose with the first option of each group of which the user must choose one.

    Args:
        compose: is given overrides, such as `model=large`.
    """
    groups: list[str] = []
    while True:
        try:
            return compose(groups)
        except Exception as error:
            # Hydra says it in words alone
            match = _MUST_CHOOSE.search(str(error))
            if match is None or any(each.startswith(f"{match[1]}=") for each in groups):
                raise
            groups = [*groups, f"{match[1]}={match[2]}"]


def _options(
    config: Any, choices: Mapping[str, str | None], name: object, required: Sequence[str]
) -> Options:
    from omegaconf import OmegaConf

    tree = OmegaConf.to_container(config, resolve=False)
    leaves = dict(_leaves(tree, ""))
    return Options(
        arguments=(*_groups(choices, tree, name, required), *leaves.values()),
        is_hydra=True,
        monitors=tuple(_monitors(tree)),
        targets=tuple(_targets(tree)),
    )


def _leaves(
    tree: object, place: str, *, is_foreign: bool = False
) -> Iterator[tuple[str, Argument]]:
    """The plain values of a configuration by their paths; those that follow from others are
    left out."""
    if not isinstance(tree, Mapping):
        return
    target = tree.get(_TARGET)
    if isinstance(target, str):
        is_foreign = target.partition(".")[0] in FOREIGN
    for key, value in tree.items():
        path = f"{place}.{key}" if place else str(key)
        if str(key).startswith("_"):
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, path, is_foreign=is_foreign)
        elif value == _REQUIRED:
            yield path, option(path, EMPTY, None, is_required=True, is_foreign=is_foreign)
        elif not (isinstance(value, str) and "${" in value):
            # a flag of a class is an argument like any other; one of nobody's may end the script
            yield path, option(path, type(value), value, is_foreign=is_foreign or target is None)


def _groups(
    choices: Mapping[str, str | None], tree: object, name: object, required: Sequence[str]
) -> Iterator[Argument]:
    """The groups of the configuration of which one of several options is chosen.

    Args:
        required: the overrides for groups of which the user must choose one.
    """
    hydra = importlib.import_module("hydra")
    known = hydra.core.global_hydra.GlobalHydra.instance()
    for group, chosen in sorted(choices.items()):
        if chosen is None or group.partition("/")[0] == "hydra":
            continue
        options = known.config_loader().get_group_options(group.partition("@")[0])
        if 1 < len(options) <= _MOST_OPTIONS and chosen in options:
            rest = [each for each in required if not each.startswith(f"{group}=")]
            others = [_composed(known.hydra, name, [*rest, f"{group}={each}"]) for each in options]
            yield option(
                group,
                _kind_of_group(tree, others),
                chosen,
                choices=options,
                is_required=len(rest) < len(required),
            )


def _kind_of_group(tree: object, others: Sequence[object]) -> str:
    """One word for a group by the configurations with each of its options."""
    leaves = dict(_leaves(tree, ""))
    if not all(leaves.keys() <= dict(_leaves(each, "")).keys() for each in others):
        return UNEVEN_GROUP
    searched = {path for path, each in leaves.items() if is_live(propose_option(each))}
    first, *rest = [_without(each, searched, "") for each in (tree, *others)]
    return GROUP_OF_VALUES if all(each == first for each in rest) else GROUP


def _without(tree: object, paths: Set[str], place: str) -> object:
    """A configuration without the values of some paths."""
    if not isinstance(tree, Mapping):
        return tree
    places = {key: f"{place}.{key}" if place else str(key) for key in tree}
    return {
        key: _without(each, paths, places[key])
        for key, each in tree.items()
        if places[key] not in paths
    }


def _composed(hydra: Any, name: object, overrides: list[str]) -> object:
    """The configuration with another option of a group; None where there is none."""
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    try:
        other = hydra.compose_config(
            config_name=name,
            overrides=overrides,
            run_mode=RunMode.RUN,
            from_shell=False,
            with_log_configuration=False,
        )
        tree: Any = OmegaConf.to_container(other, resolve=False)
    except Exception:
        # one that cannot be composed is none to choose
        return None
    return {key: each for key, each in tree.items() if key != "hydra"}


def _targets(tree: object) -> Iterator[str]:
    if isinstance(tree, Mapping) and isinstance(tree.get(_TARGET), str):
        yield tree[_TARGET]
    for _, each in items_of(tree):
        yield from _targets(each)


def _monitors(tree: object) -> Iterator[Monitor]:
    match tree:
        case {"_target_": str(), "monitor": str(metric)} if "${" not in metric:
            assert isinstance(tree, Mapping)
            yield Monitor(metric, "max" if tree.get("mode") == "max" else "min")
    for _, each in items_of(tree):
        yield from _monitors(each)
