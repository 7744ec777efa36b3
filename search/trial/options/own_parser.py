"""The options of a script's own parser, which the script itself makes: it is left as soon as it
would read its command line, so nothing trains and nothing after the parser runs."""

from __future__ import annotations

import contextlib
from typing import NoReturn

from search.errors import UserError
from search.study_file.trial_config import ScriptRun
from search.trial.building.importing import in_words
from search.trial.building.script import NeverFits, run_script
from search.trial.building.script_drive import Left, ReachedFit
from search.trial.options.argparse_options import watched_argparse
from search.trial.options.click_options import watched_click
from search.trial.options.fire_options import watched_fire
from search.trial.options.found_options import Found, Options
from search.trial.options.hydra_options import watched_hydra

_PARSERS = "argparse, click, typer, fire, jsonargparse or Hydra"


def read_options(script: ScriptRun) -> Options:
    """Run a script up to its command line, and read what it would take.

    Raises:
        UserError: it has no parser, or fails before.
    """
    assert script.folder is not None
    found, fits = Found(), []

    def reached(fit: ReachedFit) -> NoReturn:
        fits.append(fit)
        raise Left

    failure: Exception | None = None
    try:
        with (
            watched_argparse(found),
            watched_click(found),
            watched_fire(found),
            watched_hydra(found, script, script.folder / "hydra"),
            contextlib.suppress(Left),
        ):
            run_script(script, {}, reached, is_look=True)
    except UserError as error:
        failure = error
    except Exception as error:
        failure = UserError(
            f"script: {script.name} fails before it reads its command line: "
            f"{in_words(error).rstrip('.')}. Let it run with `--help` first."
        )
    if found.options is not None:
        return found.options
    if fits:
        raise UserError(
            f"script: {script.name} takes no options, and trains. Give it a parser ({_PARSERS}), "
            "or search trainer.accumulate_grad_batches and what else its Trainer takes."
        )
    if failure is not None and not isinstance(failure, NeverFits):
        raise failure
    raise UserError(
        f"script: {script.name} has no parser ({_PARSERS}), and never reaches Trainer.fit. Name "
        "the file that you train with, or a class, as in `search init my_package.module:MyModule`."
    )
