"""The user's own script, driven up to its `Trainer.fit`.

The script makes model, data and Trainer as it always does. While it runs, the constructor and the
fit of Lightning's Trainer are ours, in both packages: arguments are laid over those that the script
gives, and where the fit that counts would begin, a function of the caller's takes its place. The
caller either trains there and lets the script go on, or leaves the script.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from lightning.pytorch import Callback

from search.errors import UserError
from search.plain.formats import format_count
from search.plain.tree import Tree
from search.study_file.trial_config import ScriptRun
from search.trial.building.driven_trainer import driven
from search.trial.building.hydra_errors import told_by_hydra
from search.trial.building.hydra_jobs import one_job
from search.trial.building.script_drive import (
    CHECKPOINTS,
    Counted,
    Drive,
    Left,
    ReachedFit,
)
from search.trial.building.script_process import run_as_main
from search.trial.process.ranks import own_rank

_OUTPUT_BYTES = 4096
# the number of no fit
_NONE = 0


class NeverFits(UserError):
    """A script comes to its end without the fit that counts."""


class ScriptFailed(Exception):
    """A script ended with a status of failure after its fit."""


def run_script(
    script: ScriptRun,
    trainer: Tree,
    at_fit: Callable[[ReachedFit], None],
    *,
    is_look: bool = False,
    added: Sequence[Callback] = (),
    counted: Counted | None = None,
) -> None:
    """Run a script to its end.

    Args:
        trainer: laid over the arguments of each Trainer that the script makes.
        at_fit: called in the place of the fit that counts; what it raises ends the script.
        is_look: the other fits are cut to a batch.
        added: callbacks of each Trainer that the script makes.
        counted: counts its fits.

    Raises:
        UserError: the script never reaches that fit, or ends before it with a status.
        ScriptFailed: it ends with a status of failure after that fit.
        Whatever the script raises, or `at_fit`.
    """
    with _folder_of(script) as folder:
        drive = Drive(script, trainer, folder, at_fit, is_look, added, counted or Counted())
        try:
            with _one_job(script), driven(drive), contextlib.suppress(Left):
                run_as_main(script, folder)
        except SystemExit as error:
            _refuse_end(drive, error.code)
        except Exception as error:
            told = None if _has_fitted(drive) else told_by_hydra(error, script)
            if told is None:
                raise
            raise UserError(told) from error
        finally:
            if own_rank() == 0:
                shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        if drive.failed is not None:
            raise drive.failed
        if not _has_fitted(drive):
            raise NeverFits(_never_reached(drive, "never reaches Trainer.fit"))


def reach_fit(script: ScriptRun, trainer: Tree) -> ReachedFit:
    """Run a script up to the fit that counts, and leave it there; other fits are cut to a batch.

    Raises:
        UserError: as `run_script`.
    """
    found: list[ReachedFit] = []

    def leave(reached: ReachedFit) -> NoReturn:
        found.append(reached)
        raise Left

    with contextlib.suppress(Left):
        run_script(script, trainer, leave, is_look=True)
    return found[0]


def count_fits(script: ScriptRun, trainer: Tree, counted: Counted) -> None:
    """Run a script to its end with each of its fits cut to a batch, and count them.

    Raises:
        UserError: it never fits, or ends before its first fit with a status.
        Whatever the script raises.
    """
    script = replace(script, fit=_NONE)
    run_script(script, trainer, lambda _: None, is_look=True, counted=counted)


def _one_job(script: ScriptRun) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if script.overrides is None else one_job(script)


@contextlib.contextmanager
def _folder_of(script: ScriptRun) -> Iterator[Path]:
    if script.folder is not None:
        yield script.folder
        return
    with tempfile.TemporaryDirectory(prefix="search-script-") as name:
        yield Path(name)


def _refuse_end(drive: Drive, code: object) -> None:
    """Refuse an end before the fit that counts, and a status of failure after it."""
    if isinstance(code, str):
        # as Python does
        print(code, file=sys.stderr)
    status = int(code or 0) if isinstance(code, int | None) else 1
    if drive.failed is not None:
        return
    if not _has_fitted(drive):
        raise UserError(_never_reached(drive, f"ends with status {status} before Trainer.fit"))
    if status:
        raise ScriptFailed(f"it ends with status {status}")


def _has_fitted(drive: Drive) -> bool:
    """Tell whether a script has come to the fit that counts, or to any where all are counted."""
    return drive.counted.fits >= max(drive.wanted, 1)


def _never_reached(drive: Drive, end: str) -> str:
    name, wanted = drive.script.name, drive.wanted
    if 0 < drive.counted.fits < wanted:
        fits = format_count(drive.counted.fits, "fit")
        return f"fit: {wanted} is asked for, and {name} has {fits}. Name one of those."
    said = _last_output(drive.folder)
    after = f", after it said: {said}" if said else ""
    return f"script: {name} {end}{after}. Correct arguments and space, so that it trains."


def _last_output(folder: Path) -> str:
    """The last line that was printed, where a process writes into the log of its folder."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        text = (folder / "log.txt").read_bytes()[-_OUTPUT_BYTES:].decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200].rstrip(".") if lines else ""
