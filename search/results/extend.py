"""Making a child study that takes over the trials of another that still fit.

Everything is written to the child's events files, and its database is made from those as
`search rebuild` makes it. The parent is only read, and only its files.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from search.engine.warm_sources import read_sources
from search.errors import StorageError, UserError
from search.layout import StudyFolder, TrialFolder
from search.plain.whole_files import keep_copy, make_folder, write_whole
from search.plain.yaml import dump_yaml
from search.sampling.copied_trials import copied_again
from search.sampling.explored_paths import needs_shapes
from search.sampling.study_settings import sampling_of, warm_start_for
from search.space.distributions import Params
from search.store.events.event_file import Event, append_event, read_events, write_events
from search.store.events.study_history import (
    RESHAPING,
    WARM_START,
    StudyHistory,
    study_history,
    trial_histories,
)
from search.store.events.trial_history import ATTRIBUTES, REPORTED, SAMPLED, TrialHistory
from search.store.placement import check_writable
from search.store.provenance.redaction import refuse_secrets
from search.store.rebuild import rebuild
from search.store.recorded_study import attributes_of, write_facts
from search.store.warm_start import WarmSource, WarmStart
from search.study_file.curve_steps import EPOCHS, Steps, steps_of
from search.study_file.load import load_kept
from search.study_file.schema import StudyFile
from search.study_file.transfer import Fitting
from search.study_file.value_checkpoint import kept_checkpoint


@dataclass
class Extension:
    """The parent's trials that a child takes over, and those that it leaves."""

    taken: list[TrialHistory] = field(default_factory=list)
    """In the order of the child's numbers."""
    left: dict[str, list[int]] = field(default_factory=dict)
    """The parent's numbers, by the reason."""

    def take_or_leave(self, history: TrialHistory, fitting: Fitting) -> None:
        """Take a trial over, or note why not."""
        if history.branch is not None:
            # its parameters alone do not come to its value
            reasons = ["began at the checkpoint of another"]
        elif history.state in ("COMPLETE", "PRUNED"):
            reasons = fitting.misfits(history.params)
        else:
            reasons = ["failed" if history.state == "FAIL" else "not finished"]
        if reasons:
            self.left.setdefault(", ".join(reasons), []).append(history.number)
        else:
            self.taken.append(history)

    @property
    def lines(self) -> list[str]:
        """The trials that stay behind, a line for each reason."""
        return [
            f"{reason}: {'trial' if len(numbers) == 1 else 'trials'} {', '.join(map(str, numbers))}"
            for reason, numbers in self.left.items()
        ]


def extend(
    parent: StudyFolder,
    child: StudyFolder,
    study_file: StudyFile,
    was: Mapping[str, object],
    *,
    source: str,
) -> Extension:
    """Make the study `child` of a study file, with the trials of `parent` that fit it.

    Args:
        was: by path, what is searched now and had a value that the parent's study file leaves open.
        source: the child's study file, as messages call it.

    Raises:
        UserError: nothing fits, or what was given cannot be used; nothing was written.
        StorageError: the parent cannot be read, or the child's folder not be written.
    """
    _check(child, study_file, source)
    fitting = _fitting(parent, study_file, was)
    extension = Extension()
    for history in trial_histories(parent):
        extension.take_or_leave(history, fitting)
    if not extension.taken:
        raise UserError(
            *(f"{parent.root}: {line}." for line in extension.lines),
            f"{parent.root}: has no trial that fits. "
            "Start a new study with `search run STUDY_FILE --name NAME`.",
        )
    reshaping = _reshaping(parent, fitting)
    warm_start = _warm_start(parent, child, fitting, extension.taken, source)
    _write(parent, child, fitting, extension.taken, warm_start, reshaping)
    return extension


def _check(child: StudyFolder, study_file: StudyFile, source: str) -> None:
    """Refuse before anything is written what would be refused when the child is run."""
    if child.root.exists():
        raise UserError(f"{child.root}: exists already. Name the child study with --name.")
    check_writable(child.root)
    refuse_secrets(study_file, source)
    if study_file.sampler.name == "grid":
        raise UserError(
            "sampler: grid would repeat the trials that are taken over. Use bruteforce, which "
            "tries each combination once as well."
        )
    # refuses what does not take its options
    sampling_of(study_file)


def _fitting(parent: StudyFolder, study_file: StudyFile, was: Mapping[str, object]) -> Fitting:
    fitting = Fitting(load_kept(parent), study_file, was)
    if problems := fitting.differences:
        raise UserError(
            *(f"{parent.study_file}: {line}." for line in problems),
            f"{parent.root}: none of its trials fits where this differs. "
            "Undo the change, or start a new study with `search run STUDY_FILE --name NAME`.",
        )
    if problems := fitting.unstated:
        raise UserError(*(f"{parent.study_file}: {line}." for line in problems))
    return fitting


def _reshaping(parent: StudyFolder, fitting: Fitting) -> list[str] | None:
    """The paths that change the shape of the model, as the parent found out; None where the child
    has no need of them.

    Raises:
        UserError: the child needs them, and the parent did not find out.
    """
    if not needs_shapes(fitting.child):
        return None
    known = study_history(parent).reshaping
    if known is None or not set(fitting.child.space) <= set(fitting.parent.space):
        raise UserError(
            f"scheduler: {parent.name} did not find out which parameters of the child change the "
            "shape of the model. Name those that may change: {name: pbt, perturb: [lr]}."
        )
    return [path for path in known if path in fitting.child.space]


def _warm_start(
    parent: StudyFolder,
    child: StudyFolder,
    fitting: Fitting,
    taken: Iterable[TrialHistory],
    source: str,
) -> WarmStart:
    """What the child learns from beside its parent: what that took over, unless the child names
    other studies."""
    study_file = fitting.child
    sources: tuple[WarmSource, ...]
    before = study_history(parent).warm_start.sources
    if before and study_file.warm_start == fitting.parent.warm_start:
        again = (copied_again(each, study_file.points) for each in before)
        sources = tuple(each for each in again if each.trials)
    else:
        sources = read_sources(study_file, child, source, Path(source).parent)
    tried = [fitting.params(history.params) for history in taken]
    return warm_start_for(study_file, sources, {}, tried)


def _write(
    parent: StudyFolder,
    child: StudyFolder,
    fitting: Fitting,
    taken: Iterable[TrialHistory],
    warm_start: WarmStart,
    reshaping: list[str] | None,
) -> None:
    """Write the child beside its place and put it there whole."""
    before = study_history(parent).steps
    steps = _steps(fitting.child, before)
    unfinished = StudyFolder(child.root.with_name(f".{child.name}.extending"))
    shutil.rmtree(unfinished.root, ignore_errors=True)
    try:
        unfinished.root.mkdir(mode=0o700, parents=True)
        for number, history in enumerate(taken):
            place = unfinished.trial(number)
            make_folder(place.root)
            _take_over(
                parent,
                place,
                number,
                history.number,
                fitting.params(history.params),
                has_curve=steps == before,
            )
        facts = attributes_of(fitting.child, fitting.child.budget.trials, steps)
        write_facts(unfinished, facts, StudyHistory())
        if warm_start.sources:
            append_event(unfinished.events, WARM_START, **warm_start.to_tree())
        if reshaping is not None:
            append_event(unfinished.events, RESHAPING, paths=reshaping)
        write_whole(unfinished.study_file, dump_yaml(fitting.child.to_tree()))
        unfinished.root.rename(child.root)
    except OSError as error:
        raise StorageError(
            f"{child.root}: cannot be written: {error.strerror}. Remove the cause, then extend "
            "again."
        ) from error
    finally:
        shutil.rmtree(unfinished.root, ignore_errors=True)
    rebuild(child, None)


def _steps(study_file: StudyFile, before: Steps | None) -> Steps | None:
    """The steps of the child's curves. Its trials may differ in what the parent's had in common:
    then the curves of the parent are no longer comparable with theirs."""
    if before is None:
        return None
    return steps_of(
        study_file,
        leaves_ends=before.unit != EPOCHS,
        epoch_samples=before.epoch_samples,
        at_epoch_ends=before.at_epoch_ends,
    )


def _take_over(
    parent: StudyFolder,
    target: TrialFolder,
    number: int,
    old: int,
    params: Params,
    *,
    has_curve: bool,
) -> None:
    source = parent.trial(old)
    note = f"{parent.name}, trial {old}"
    events = _as_taken(read_events(source.events), number, params, note)
    if not has_curve:
        events = [event for event in events if event["event"] != REPORTED]
    write_events(target.events, events)
    if source.config.is_file():
        write_whole(target.config, source.config.read_text("utf-8"))
    # a finished trial needs no checkpoint but that of its value
    checkpoint = kept_checkpoint(source)
    if checkpoint is not None:
        keep_copy(checkpoint, target.root / checkpoint.name)


def _as_taken(events: Sequence[Event], number: int, params: Params, note: str) -> list[Event]:
    """The events of a trial with its new number, without its place in the parent's queue, what the
    parent's sampler and pruner noted for themselves, and that it had the parent's own values."""
    begin = next(at for at, event in enumerate(events) if event["event"] == SAMPLED)
    changed: Event = {"number": number, "params": params, "taken_from": note}
    changed |= {"attributes": {}, "enqueued": None, "baseline": []}
    changed |= {"warm_place": None, "warm_origin": None}
    later = [e for e in events[begin + 1 :] if e["event"] not in (SAMPLED, ATTRIBUTES)]
    return [events[begin] | changed, *later]
