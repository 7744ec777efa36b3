"""One attempt: reads the trial's folder, trains, and says how it ended."""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import yaml
from lightning.pytorch import Trainer
from msgspec import structs

from search.errors import UserError
from search.layout import TrialFolder
from search.messages import (
    DONE,
    ERROR,
    INFEASIBLE,
    PAUSED,
    PRUNED,
    Ended,
    Launch,
    Leaving,
    Message,
    Started,
    Stepped,
)
from search.plain.tree import Tree
from search.study_file.micro_batches import counts_of_batches
from search.study_file.trial_config import LightningSections, ScriptRun, TrialConfig
from search.trial.building.build import (
    Built,
    build,
    built_of,
    has_batch_norm,
    join_trainer,
    make_trainer,
    micro_batch_of,
    seed_everything,
)
from search.trial.building.importing import in_words
from search.trial.building.script import run_script
from search.trial.building.script_drive import ReachedFit
from search.trial.building.trainer import detach, keep_in
from search.trial.checkpoints.files import resume_point
from search.trial.fitting.branch_start import does_not_fit, source_point, waits_at
from search.trial.fitting.callbacks import (
    Judge,
    ReportCallback,
    ScriptSigns,
    SignsOfLife,
)
from search.trial.fitting.checkpoint_keeper import CheckpointKeeper
from search.trial.fitting.idle_hooks import leave_out_idle_hooks
from search.trial.fitting.logger_runs import close_runs
from search.trial.fitting.loggers import run_of
from search.trial.fitting.no_value import no_value
from search.trial.fitting.resources import ResourceMeter
from search.trial.fitting.run_logs import RunLogs
from search.trial.fitting.step_counter import StepCounter
from search.trial.fitting.throwaway import throwaway_loggers
from search.trial.fitting.value_reader import ValueReader
from search.trial.inspection.fixed_accumulation import fixed_accumulation
from search.trial.process import cuda, orphans
from search.trial.process.failures import cause_of, ended_by
from search.trial.process.gpus import limit_gpu_memory
from search.trial.process.link import ChannelLink, ConsoleLink, Link, SilentLink
from search.trial.process.rank_variables import is_on_several_nodes
from search.trial.process.ranks import (
    forget_last_words,
    leave_last_words,
    name_killed_rank,
    own_rank,
)
from search.trial.process.several_nodes import (
    refuse_other_world,
    settled_checkpoint,
    start_settled,
)
from search.trial.tasks.annotations import annotated_ranges
from search.trial.tasks.check import check
from search.trial.tasks.describe import describe
from search.trial.tasks.dry_run import dry_run
from search.trial.tasks.finished import export_facts, test
from search.trial.tasks.probe import probe
from search.trial.tasks.step_times import time_steps

# tasks whose loggers are those of the trial; what another task logs is thrown away
_LOGGED = ("fit", "close")


class CannotResume(Exception):
    """A checkpoint cannot be restored; training begins anew."""


def run_launched(launch: Launch, folder: TrialFolder) -> tuple[int, Callable[[], None]]:
    """Carry out a task for the coordinator; returns the exit status, and what the process calls
    when it has done everything else."""
    _set_threads(launch.threads)
    faulthandler.enable()
    link = ChannelLink(launch.address, launch.token)
    # rank 0 speaks for all until they end
    speaks: Link = link if own_rank() == 0 else SilentLink()
    tasks: dict[str, Callable[[], Message]] = {
        "fit": lambda: fit(folder, speaks, launch.gpu_share),
        "probe": lambda: probe(
            read_config(folder),
            folder,
            memory_share=launch.memory_share,
            gpu_share=launch.gpu_share,
        ),
        "check": lambda: check(read_config(folder), folder),
        "time": lambda: time_steps(read_config(folder), folder, threads=launch.threads),
        "ranges": lambda: annotated_ranges(sections_in(folder)),
        "inspect": lambda: describe(sections_in(folder)),
        "export": lambda: export_facts(read_config(folder), folder),
        "test": lambda: test(read_config(folder), folder),
        "dry": lambda: dry_run(read_config(folder), folder),
        "close": lambda: close_runs(read_config(folder), folder),
    }
    is_logged = launch.task in _LOGGED
    loggers = contextlib.nullcontext() if is_logged else throwaway_loggers(folder.root)
    try:
        with loggers:
            last_words = tasks[launch.task]()
    except BaseException as error:
        last_words = ended_by(error)
        print(last_words.traceback or last_words.message, file=sys.stderr, flush=True)
    link.send(last_words)
    status = 0 if _succeeded(last_words) else 1
    return status, lambda: _leave(link, last_words, status)


def _leave(link: Link, last_words: Message, status: int) -> None:
    """Let the coordinator begin another trial while the kernel takes this process down. It waits
    for the end of a process that holds a device or has others below it, and of one whose trial may
    go on: no two attempts of a trial are ever there at once."""
    is_over = isinstance(last_words, Ended) and last_words.cause in (DONE, PRUNED)
    if is_over and not (cuda.is_up() or orphans.children()):
        link.send(Leaving(status))


def _set_threads(count: int) -> None:
    """Give torch so many threads, here and in the ranks of a distributed trial."""
    torch.set_num_threads(count)
    os.environ["OMP_NUM_THREADS"] = str(count)
    # torch has a second pool, as large as the machine in every process; a module that used it when
    # it was imported keeps that
    with contextlib.suppress(RuntimeError):
        torch.set_num_interop_threads(count)


def run_by_hand(root: Path) -> int:
    """Carry out the fit of a folder without a coordinator; also the other ranks of a fit."""
    folder = TrialFolder(root)
    is_rank_zero = own_rank() == 0
    link: Link = ConsoleLink() if is_rank_zero else SilentLink()
    try:
        last_words = fit(folder, link)
    except BaseException as error:
        last_words = ended_by(error)
        print(last_words.traceback or last_words.message, file=sys.stderr)
        if not is_rank_zero:
            leave_last_words(folder, last_words)
    link.send(last_words)
    return 0 if _succeeded(last_words) else 1


def read_config(folder: TrialFolder) -> TrialConfig:
    """The complete configuration of the trial."""
    return TrialConfig.from_tree(_read(folder))


def sections_in(folder: TrialFolder) -> LightningSections:
    """The sections of a configuration that may be of no trial."""
    return LightningSections.from_tree(_read(folder))


def _read(folder: TrialFolder) -> Tree:
    # of any length: the preflight's has a whole configuration for each far value
    tree: Tree = yaml.load(folder.config.read_bytes(), yaml.CSafeLoader)
    for each in (tree, *(variant["sections"] for variant in tree.get("preflight", ()))):
        if "script" in each:
            each["folder"] = str(folder.root.absolute())
    return tree


def fit(folder: TrialFolder, link: Link, gpu_share: float = 1.0) -> Ended:
    """Train from the configuration alone, from `last.ckpt` where there is one.

    Args:
        gpu_share: the part of the memory of each GPU that it may take.

    Raises:
        Whatever the user's code, Lightning or a callback raises; `failures` knows what it means.
    """
    config = read_config(folder)
    if config.sections.script is not None:
        # a script may go to another folder
        folder = TrialFolder(folder.root.absolute())
    try:
        return _fit(config, folder, link, gpu_share, resume=True)
    except CannotResume:
        traceback.print_exc()
        print("training does not go on from last.ckpt, and begins anew", file=sys.stderr)
    return _fit(config, folder, link, gpu_share, resume=False)


def _fit(
    config: TrialConfig, folder: TrialFolder, link: Link, gpu_share: float, *, resume: bool
) -> Ended:
    if is_on_several_nodes() and own_rank() != 0:
        checkpoint = settled_checkpoint(folder)
        begins_branch = checkpoint == folder.source_ckpt
    else:
        checkpoint = resume_point(folder) if resume else None
        begins_branch = checkpoint is None and config.trial.branch is not None
        if begins_branch:
            checkpoint = source_point(folder)
        elif waits_at(folder, checkpoint):
            return Ended(cause=PAUSED)
        if is_on_several_nodes():
            link.send(start_settled(checkpoint))
    seed_everything(config.sections)
    with contextlib.ExitStack() as stack:
        trial = _Trial(config, folder, link, gpu_share, checkpoint, begins_branch, stack)
        script = config.sections.script
        if script is None or script.build is not None:
            return _train(trial, build(config.sections))
        return _run(trial, script)


@dataclass(frozen=True)
class _Trial:
    """One fit of a trial."""

    config: TrialConfig
    folder: TrialFolder
    link: Link
    gpu_share: float
    checkpoint: Path | None
    # that checkpoint is another trial's
    begins_branch: bool
    # of what is open until the end: of the fit, or of the script that goes on after it
    stack: contextlib.ExitStack


def _run(trial: _Trial, script: ScriptRun) -> Ended:
    """Run a script with the trial in the place of its fit."""
    ends: list[Ended] = []
    quiet = contextlib.nullcontext() if own_rank() == 0 else _without_output()
    signs = [ScriptSigns(trial.link)]

    def at_fit(reached: ReachedFit) -> None:
        ends.append(_train(trial, replace(built_of(reached), trainer=reached.trainer)))

    try:
        with quiet:
            run_script(script, trial.config.sections.trainer, at_fit, added=signs)
    except UserError:
        # the script is not what was checked
        raise
    except Exception as error:
        if not ends:
            raise
        traceback.print_exc()
        message = f"the script failed after its fit, whose value counts: {in_words(error)}"
        print(message, file=sys.stderr)
        return structs.replace(ends[0], message=message)
    finally:
        # what is left to do is no longer the script's
        trial.link.send(Stepped())
    return ends[0]


@contextlib.contextmanager
def _without_output() -> Iterator[None]:
    """Let rank 0 alone print what the script prints."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def _train(trial: _Trial, built: Built) -> Ended:
    config, folder, link, checkpoint = trial.config, trial.folder, trial.link, trial.checkpoint
    objective, watched = config.objective, config.watched
    meter = ResourceMeter(watched.limits, link)
    keeper = CheckpointKeeper(
        folder, objective, watched.metrics, link, begins_branch=trial.begins_branch
    )
    own_checkpoint = None if trial.begins_branch else checkpoint
    run = run_of(config, folder, built.lightning, own_checkpoint)
    logs = RunLogs(config, built, run, keeper, meter, watched.resources)
    steps = StepCounter(config.trial.steps)
    judge = ReportCallback(
        Judge(link, watched.metrics, steps, keeper.end_after_epoch), watched.reported
    )
    values = ValueReader(
        watched.metrics, steps, keeper, judge, at_epoch_ends=config.trial.at_epoch_ends
    )
    callbacks = [steps, meter, keeper, values, logs]
    if built.trainer is None:
        callbacks.insert(0, SignsOfLife(link))
        own = {"logger": logs.loggers} if logs.loggers else {}
        trainer = make_trainer(built, folder.root, callbacks, **own)
    else:
        trainer = built.trainer
        join_trainer(built, trainer, callbacks, logs.loggers)
    for callback in callbacks:
        leave_out_idle_hooks(callback)
    limit_gpu_memory(trainer, trial.gpu_share)
    refuse_other_world(trainer)
    keeper.join(trainer, goes_on=checkpoint is not None)
    if logs.loggers:
        keep_in(folder.logs / "checkpoints", trainer)
    started = _started(built, trainer)
    link.send(started)
    if own_rank() == 0:
        forget_last_words(folder)
    trial.stack.enter_context(logs.open(trainer, started.effective_batch))
    with meter.told(), name_killed_rank(trainer, folder):
        with _refuse_to_resume(trial, trainer, keeper):
            built.fit(trainer, checkpoint)
        if keeper.value is None:
            raise UserError(no_value(trainer, objective.metric))
    detach(trainer, callbacks)
    return Ended(cause=DONE, value=keeper.value, metrics=keeper.metrics)


@contextlib.contextmanager
def _refuse_to_resume(trial: _Trial, trainer: Trainer, keeper: CheckpointKeeper) -> Iterator[None]:
    """Replace an error that comes before the first step of a trial that goes on.

    Raises:
        UserError: in its place, where the checkpoint is another trial's.
        CannotResume: in its place, in a trial of one process.
    """
    try:
        yield
    except Exception as error:
        is_first = trainer.ckpt_path is not None and not keeper.has_begun
        if is_first and trial.begins_branch and cause_of(error) == ERROR:
            raise does_not_fit(trial.config.trial, error) from error
        if not is_first or trainer.world_size > 1 or _is_from_outside(error):
            raise
        if cause_of(error) == ERROR:
            raise CannotResume from error
        raise


def _is_from_outside(error: BaseException | None) -> bool:
    """True where a file or a connection failed, if only as the reason of another error: the
    user's hooks run before the first step, too, and the checkpoint has no part in that."""
    while error is not None:
        if isinstance(error, OSError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _started(built: Built, trainer: Trainer) -> Started:
    micro_batch = micro_batch_of(built)
    accumulation = int(trainer.accumulate_grad_batches)
    effective = micro_batch * accumulation * trainer.world_size if micro_batch else None
    max_epochs = trainer.max_epochs
    return Started(
        max_epochs=max_epochs if max_epochs is not None and 0 < max_epochs < math.inf else None,
        micro_batch=micro_batch,
        accumulation=accumulation,
        effective_batch=effective,
        fixed_accumulation=fixed_accumulation(built, trainer),
        has_batch_norm=has_batch_norm(built.model),
        in_batches=counts_of_batches(built.trainer_arguments),
    )


def _succeeded(message: Message) -> bool:
    return not isinstance(message, Ended) or message.cause in (DONE, PRUNED, PAUSED, INFEASIBLE)
