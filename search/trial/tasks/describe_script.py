"""Options and metrics of a script, for who proposes a study file."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterable, Iterator

from search.answers import Description
from search.errors import UserError
from search.study_file.trial_config import ScriptRun
from search.trial.building.importing import import_name, namespace_of
from search.trial.inspection.logged_names import logged_at_validation
from search.trial.options.argument_kinds import FOREIGN
from search.trial.options.own_parser import read_options
from search.trial.process.loaded_sources import is_users_own


def describe_script(script: ScriptRun) -> Description:
    """Look at the command line of a script, and at the modules that it has loaded by then.

    Raises:
        UserError: it takes no options, or fails before it reads them.
    """
    found = read_options(script)
    modules = dict.fromkeys((*_named(found.targets), *_loaded()))
    logged = dict.fromkeys(name for each in modules for name in logged_at_validation(each))
    return Description(
        arguments=found.arguments,
        logged=tuple(logged),
        monitors=found.monitors,
        commands=found.commands,
        guessed_from=found.guessed_from,
        before_command=found.before_command,
        is_hydra=found.is_hydra,
        hydra_overrides=found.hydra_overrides,
    )


def _named(targets: Iterable[str]) -> Iterator[type]:
    """The modules that Hydra's configuration names."""
    for path in targets:
        if path.partition(".")[0] in FOREIGN:
            continue
        # what cannot be imported yet has names that are not known
        with contextlib.suppress(UserError):
            named = import_name(path, "script")
            if _is_module(named):
                yield named


def _loaded() -> Iterator[type]:
    """The modules of the user's own code, those of the script itself first."""
    loaded = [sys.modules["__main__"], *sys.modules.values()]
    for module in loaded:
        if is_users_own(module):
            yield from (each for each in list(vars(module).values()) if _is_module(each))


def _is_module(each: object) -> bool:
    if not inspect.isclass(each) or each.__module__.partition(".")[0] in FOREIGN:
        return False
    return namespace_of(each, "LightningModule") is not None
