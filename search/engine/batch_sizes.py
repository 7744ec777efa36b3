"""The micro-batch of a trial: probed once for each configuration that takes other memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from search.answers import Checked
from search.errors import UserError
from search.plain.tree import ARGUMENTS
from search.space.distributions import Categorical, Params, Space
from search.space.paths import EFFECTIVE
from search.study_file.effective_batch import (
    effective_place,
    effective_sizes,
    steps_line,
)
from search.study_file.micro_batches import ACCUMULATION, Epoch, UsableSizes
from search.study_file.schema import StudyFile

_LIMIT = "trainer.limit_train_batches"


@dataclass(frozen=True)
class EffectivePlan:
    """What a trial's effective batch is made up of."""

    # processes that train one trial, each with its own micro-batches
    devices: int = 1
    # a model of the study has a layer of batch norm
    has_batch_norm: bool = False
    # the micro-batch of the configuration; None where nobody knows it
    own: int | None = None
    # the largest micro-batch where none is probed; None for the whole effective batch
    unprobed: int | None = None
    # arguments of the Trainer that count micro-batches of the size `own`
    in_batches: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchPlan:
    """The choice of micro-batches in a study."""

    # binsearch, power or off
    auto_scale: str
    # the place of the micro-batch in a configuration; None if nothing takes one
    path: str | None
    # the largest that may be probed
    cap: int | None
    # searched paths that change the memory of a batch
    memory_paths: tuple[str, ...]
    # the training data
    epoch: Epoch = field(default_factory=Epoch)
    # the micro-batch of a configuration that says none
    default: int | None = None
    # None where batch size and accumulation are given
    effective: EffectivePlan | None = None

    @property
    def is_probed(self) -> bool:
        return self.auto_scale != "off"

    def usable(self, *, has_batch_norm: bool) -> UsableSizes:
        """The sizes that a model can be trained with."""
        return UsableSizes(has_batch_norm, self.epoch)

    def found(self, micro_batch: int | None) -> dict[str, int]:
        """A probed micro-batch by its path; nothing where none was probed."""
        return {} if micro_batch is None or self.path is None else {self.path: micro_batch}

    def key(self, params: Params) -> str:
        """Equal for trials whose batches take the same memory."""
        relevant = {path: params[path] for path in self.memory_paths if path in params}
        text = json.dumps([self.auto_scale, self.cap, relevant], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def plan_batches(study_file: StudyFile, facts: Checked) -> BatchPlan:
    """Choose the study's batches by the facts of the preflight.

    With auto-scaling the cap keeps micro-batch x accumulation within the dataset, because beyond
    it every accumulation is the same run.

    Raises:
        UserError: the batch size cannot be scaled, a searched accumulation changes nothing, or an
            effective batch cannot be had.
    """
    batch, epoch = study_file.batch, epoch_of(facts)
    if study_file.has_effective:
        return _plan_effective(study_file, facts, epoch)
    if batch.auto_scale == "off":
        _refuse_dead_accumulation(study_file, facts, epoch)
        return BatchPlan("off", facts.batch_size_path, None, (), epoch, facts.batch_size)
    if facts.batch_size_path is None:
        raise UserError(
            "batch.auto_scale: neither the data module nor the model takes batch_size. "
            "Add a batch_size argument to one of them, or set auto_scale: off."
        )
    accumulation = _largest_accumulation(study_file, facts)
    caps = [cap for cap in (batch.max, epoch.largest(accumulation)) if cap is not None]
    cap = min(caps, default=None)
    return BatchPlan(batch.auto_scale, facts.batch_size_path, cap, facts.memory_paths, epoch)


def epoch_of(facts: Checked) -> Epoch:
    """The training data of an epoch, as the preflight saw it."""
    return Epoch(facts.samples, facts.drops_last, facts.limit)


def own_effective(facts: Checked) -> dict[str, int]:
    """The effective batch that the configuration has by itself, by its path; nothing where it is
    not known."""
    if facts.batch_size is None:
        return {}
    return {EFFECTIVE: facts.batch_size * facts.accumulation * facts.processes_a_trial}


def _plan_effective(study_file: StudyFile, facts: Checked, epoch: Epoch) -> BatchPlan:
    batch, place = study_file.batch, effective_place(study_file)
    sizes, devices = effective_sizes(study_file), facts.processes_a_trial
    _refuse_no_accumulation(study_file, facts)
    unshared = next((size for size in sizes if size % devices), None)
    if unshared is not None:
        raise UserError(
            f"{place}: {unshared} samples cannot be shared evenly by {devices} devices. "
            f"Write multiples of {devices}."
        )
    most = epoch.most_effective(facts.batch_size, devices)
    if most is not None and max(sizes) > most:
        raise UserError(
            f"{place}: {max(sizes)} is more than the {most} samples that an epoch fills whole, "
            f"which would be the same run as {most}. Write no more than {most}."
        )
    caps = [cap for cap in (batch.max, max(sizes) // devices) if cap is not None]
    plan = EffectivePlan(
        devices,
        facts.has_batch_norm,
        facts.batch_size,
        batch.max or facts.batch_size,
        facts.in_batches,
    )
    return BatchPlan(
        batch.auto_scale,
        facts.batch_size_path,
        min(caps),
        facts.memory_paths,
        epoch,
        facts.batch_size,
        plan,
    )


def _refuse_no_accumulation(study_file: StudyFile, facts: Checked) -> None:
    """Refuse a project in which micro-batch and accumulation cannot follow an effective batch, or
    whose own limits count what is then unlike."""
    place, path = effective_place(study_file), facts.batch_size_path
    if path is None:
        raise UserError(
            f"{place}: neither the data module nor the model takes batch_size. "
            "Add a batch_size argument to one of them, or remove the effective batch."
        )
    if facts.fixed_accumulation is not None:
        raise UserError(
            f"{place}: needs accumulation, but {facts.fixed_accumulation}. Remove the effective "
            f"batch, and search {path}."
        )
    if EFFECTIVE in study_file.space and facts.in_steps:
        raise UserError(steps_line(next(iter(facts.in_steps))))


def _largest_accumulation(study_file: StudyFile, facts: Checked) -> int:
    """The largest that a trial can get; a derived one may follow from the micro-batch."""
    if ACCUMULATION in study_file.derive:
        return 1
    # a script's may be Hydra's
    places = (ACCUMULATION, f"{ARGUMENTS}.{ACCUMULATION}")
    searched = [number for path in places for number in _numbers(study_file.space, path)]
    return max(searched, default=facts.accumulation)


def _refuse_dead_accumulation(study_file: StudyFile, facts: Checked, epoch: Epoch) -> None:
    values = _numbers(study_file.space, ACCUMULATION)
    sizes = _numbers(study_file.space, facts.batch_size_path or "")
    smallest = min(sizes) if sizes else facts.batch_size
    if not values or smallest is None or _LIMIT in study_file.space:
        return
    batches = epoch.batches(smallest)
    if batches is not None and max(values) > batches:
        raise UserError(
            f"space.{ACCUMULATION}: {max(values)} accumulates more than the {batches} batches of "
            f"an epoch ({epoch.phrase(smallest)}), which is "
            f"the same run as {batches}. Search no further than {batches}."
        )


def _numbers(space: Space, path: str) -> list[int]:
    distribution = space.get(path)
    if distribution is None:
        return []
    if isinstance(distribution, Categorical):
        return [value for value in distribution.values if isinstance(value, int)]
    return [int(distribution.low), int(distribution.high)]
