"""The micro-batch of a trial: probed once for each configuration that takes other memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from search.answers import Checked
from search.errors import UserError
from search.plain.tree import ARGUMENTS
from search.space.distributions import Categorical, Params, Space
from search.study_file.micro_batches import Epoch, UsableSizes
from search.study_file.schema import StudyFile

ACCUMULATION = "trainer.accumulate_grad_batches"
_LIMIT = "trainer.limit_train_batches"


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
        UserError: the batch size cannot be scaled, or a searched accumulation changes nothing.
    """
    batch, epoch = study_file.batch, epoch_of(facts)
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
