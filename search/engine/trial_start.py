"""The configuration of a trial that begins, and of a batch-size probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from search.engine.batch_sizes import BatchPlan
from search.engine.found_values import found_values
from search.engine.ledger import Ledger
from search.errors import UserError
from search.layout import TrialFolder
from search.plain.tree import Tree, read_path, write_path
from search.plain.whole_files import make_folder
from search.space.distributions import Params, Scalar
from search.space.expressions import Incomputable
from search.store.records import BranchRecord
from search.study_file.curve_steps import Steps
from search.study_file.micro_batches import ACCUMULATION
from search.study_file.rules import config_of, resolve_config
from search.study_file.schema import StudyFile
from search.study_file.trial_config import ProbedBatch
from search.study_file.trial_facts import BranchFacts, TrialFacts


def settle_config(
    ledger: Ledger,
    number: int,
    study_file: StudyFile,
    batches: BatchPlan,
    micro_batch: int | None,
) -> str | None:
    """Find and write the configuration of a trial that begins; returns a line as `write_config`.

    Args:
        micro_batch: the largest that a probe found; None where none was probed.

    Raises:
        UserError: with this micro-batch there is none.
    """
    params, steps = ledger.params(number), ledger.attributes.steps
    folder, branch = ledger.folder.trial(number), ledger.trial(number).branch
    try:
        found = found_values(study_file, params, batches, micro_batch)
        if found.values:
            ledger.set_found(number, found.values, found.scaled)
        return write_config(folder, study_file, params, batches, found.values, steps, branch)
    except Incomputable as error:
        raise UserError(f"derive: {error}, with a micro-batch of {micro_batch}") from error


def write_config(
    folder: TrialFolder,
    study_file: StudyFile,
    params: Params,
    batches: BatchPlan,
    found: Mapping[str, Scalar],
    steps: Steps | None,
    branch: BranchRecord | None = None,
) -> str | None:
    """Write the configuration of a trial that begins; returns a line if one of its values was
    replaced by another that is the same run.

    Args:
        found: values that are neither the study file's nor sampled, by their place.
        steps: of the study's curves; None in a study of an earlier release.
        branch: where it begins; None for a trial that begins by itself.

    Raises:
        Incomputable: a derived value has none for that micro-batch.
    """
    sections = resolve_config(study_file, params, found)
    note = _limit_accumulation(sections, batches)
    trial = TrialFacts(study_file.name, int(folder.root.name), dict(params))
    if steps is not None:
        trial = replace(trial, steps=steps.unit, at_epoch_ends=steps.at_epoch_ends)
    if branch is not None:
        trial = replace(trial, branch=BranchFacts(branch.source, branch.epoch))
    make_folder(folder.root)
    replace(config_of(study_file, sections), trial=trial).write(folder.config)
    return note


def write_probe_config(
    folder: TrialFolder, study_file: StudyFile, params: Params, batches: BatchPlan
) -> None:
    """Write the configuration of a probe for trials of these `params`."""
    config = config_of(study_file, resolve_config(study_file, params))
    batch = ProbedBatch(batches.auto_scale, batches.cap, batches.epoch)
    make_folder(folder.root)
    replace(config, batch=batch).write(folder.config)


def _limit_accumulation(sections: Tree, batches: BatchPlan) -> str | None:
    size = (read_path(sections, batches.path) if batches.path else None) or batches.default
    accumulation = read_path(sections, ACCUMULATION)
    if not isinstance(size, int) or not isinstance(accumulation, int):
        return None
    has = batches.epoch.limited_by(sections["trainer"]).batches(size)
    if has is None or accumulation <= has:
        return None
    live = max(1, has)
    write_path(sections, ACCUMULATION, live)
    return f"accumulation {accumulation} reduced to {live}, an epoch has no more batches of {size}"
