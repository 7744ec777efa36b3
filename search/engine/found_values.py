"""What follows for a trial that begins from the micro-batch that its memory has room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search.engine.batch_sizes import BatchPlan
from search.errors import UserError
from search.plain.equality import is_number
from search.plain.tree import Tree, read_path
from search.space.distributions import Params, Scalar, config_path
from search.space.paths import EFFECTIVE
from search.space.points import has_options
from search.study_file.effective_batch import learning_rates, lr_factor
from search.study_file.micro_batches import ACCUMULATION, counts_of_batches
from search.study_file.schema import StudyFile


@dataclass(frozen=True)
class FoundValues:
    """Values of a trial that are neither the study file's nor sampled."""

    # by their place in the configuration
    values: Mapping[str, Scalar] = field(default_factory=dict)
    # those among them that are learning rates, by their path
    scaled: Mapping[str, float] = field(default_factory=dict)


def found_values(
    study_file: StudyFile, params: Params, batches: BatchPlan, micro_batch: int | None
) -> FoundValues:
    """What follows for a trial of these `params`.

    Args:
        micro_batch: the largest that a probe found; None where none was probed.

    Raises:
        UserError: no micro-batch that may be used makes up the effective batch.
    """
    plan = batches.effective
    if plan is None or batches.path is None:
        return FoundValues(batches.found(micro_batch))
    config = study_file.points.sections_with(params)
    effective = read_path(config, EFFECTIVE)
    assert isinstance(effective, int)
    share = effective // plan.devices
    limit = min(share, micro_batch or plan.unprobed or share)
    usable = batches.usable(has_batch_norm=plan.has_batch_norm)
    size = next(usable.divisors(share, limit), None)
    if size is None:
        raise UserError(
            f"{EFFECTIVE}: {effective} is no multiple of a micro-batch up to {limit} that batch "
            "norm can be trained with, of which every batch needs two samples. "
            "Write an effective batch with smaller divisors."
        )
    values: dict[str, Scalar] = {batches.path: size, ACCUMULATION: share // size}
    if plan.own is not None:
        counts = plan.in_batches | counts_of_batches(config.get("trainer") or {})
        for name, count in counts.items():
            # the same number of samples
            values[f"trainer.{name}"] = -(-count * plan.own // size)
    scaled = dict(_scaled(study_file, params, config, effective))
    rates = {config_path(path): value for path, value in scaled.items()}
    return FoundValues({**values, **rates}, scaled)


def _scaled(
    study_file: StudyFile, params: Params, config: Tree, effective: int
) -> list[tuple[str, float]]:
    """Each learning rate that the trial has, scaled with its effective batch."""
    factor = lr_factor(study_file, effective)
    rates = []
    for path in learning_rates(study_file):
        value = read_path(config, config_path(path))
        # an option that was not chosen has none
        has_it = path in params or (path not in study_file.space and has_options(path, params))
        if has_it and is_number(value):
            rates.append((path, value * factor))
    return rates
