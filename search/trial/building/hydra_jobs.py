"""Hydra, held to one job a run."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import NoReturn

from search.errors import UserError
from search.study_file.trial_config import ScriptRun
from search.trial.building.replaced import replaced
from search.trial.process.loaded_sources import is_installed

# the override for a configuration that asks for several
ONE_JOB = "hydra.mode=RUN"


class SeveralJobs(UserError):
    """A script's own configuration asks for several jobs."""


@contextlib.contextmanager
def one_job(script: ScriptRun) -> Iterator[None]:
    """Refuse the several jobs that the script's own configuration asks for; a sweeper is made for
    nothing else.

    Raises:
        SeveralJobs: within the block, as soon as Hydra would begin with them.
    """
    # a script without it fails by itself
    if not is_installed("hydra"):
        yield
        return

    def refuse(*_: object, **__: object) -> NoReturn:
        raise SeveralJobs(
            f"script: {script.name} runs several jobs, since hydra.mode is MULTIRUN, and a trial "
            f"is one. Add hydra: {{overrides: [{ONE_JOB}]}}, and search what it sweeps over."
        )

    plugins = importlib.import_module("hydra.core.plugins").Plugins
    with replaced(plugins, "instantiate_sweeper", refuse):
        yield
