"""The complete configuration of a trial: written once when it begins, changed only when memory
runs out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.engine.batch_sizes import ACCUMULATION, BatchPlan
from search.layout import TrialFolder
from search.plain.tree import read_path, write_path
from search.plain.whole_files import make_folder, write_whole
from search.plain.yaml import dump_yaml, read_yaml
from search.study_file.curve_steps import Steps
from search.study_file.micro_batches import UsableSizes
from search.study_file.objectives import watched_config
from search.study_file.rules import resolve_config
from search.study_file.schema import StudyFile

# log_every_n_steps and max_steps count steps of the optimizer, which stay as they are
_COUNTED_IN_BATCHES = (
    "limit_train_batches",
    "limit_val_batches",
    "limit_test_batches",
    "overfit_batches",
    "val_check_interval",
)


@dataclass(frozen=True)
class Batch:
    """The batch of a trial: `micro_batch` samples at once, `accumulation` of them a step."""

    micro_batch: int
    accumulation: int

    def __str__(self) -> str:
        return f"{self.micro_batch} x {self.accumulation}"


def write_config(
    folder: TrialFolder,
    study_file: StudyFile,
    params: dict[str, Any],
    batches: BatchPlan,
    found: Mapping[str, Any],
    steps: Steps | None,
) -> str | None:
    """Write the configuration of a trial that begins; returns a line if one of its values was
    replaced by another that is the same run.

    Args:
        found: the probed micro-batch by its path, where there is one.
        steps: what the steps of the study count; None in one of an earlier release.

    Raises:
        Incomputable: a derived value has none for that micro-batch.
    """
    config = resolve_config(study_file, params, found) | watched_config(study_file)
    config["logger"] = logger_section(study_file)
    number = int(folder.root.name)
    config["trial"] = {"study": study_file.name, "number": number, "params": dict(params)}
    if steps is not None:
        config["trial"] |= {"steps": steps.unit, "at_epoch_ends": steps.at_epoch_ends}
    note = _limit_accumulation(config, batches)
    make_folder(folder.root)
    write_whole(folder.config, dump_yaml(config))
    return note


def logger_section(study_file: StudyFile) -> list[dict[str, Any]]:
    """The loggers of a trial, each by its name and with its options."""
    return [{"name": each.name, **each.options} for each in study_file.logger]


def halved(batch: Batch, usable: UsableSizes) -> Batch | None:
    """The largest usable micro-batch of at most half the size with the same effective batch; None
    where there is none."""
    effective = batch.micro_batch * batch.accumulation
    size = next(usable.divisors(effective, batch.micro_batch // 2), None)
    return None if size is None else Batch(size, effective // size)


def rewrite_batch(folder: TrialFolder, path: str, before: Batch, after: Batch) -> None:
    """Give a trial that has begun with `before` another micro-batch and accumulation; what its
    Trainer counts in batches stays the same number of samples."""
    config = read_yaml(folder.config)
    write_path(config, path, after.micro_batch)
    write_path(config, ACCUMULATION, after.accumulation)
    trainer = config["trainer"]
    for name in _COUNTED_IN_BATCHES:
        count = trainer.get(name)
        # a share of the batches, such as 0.5 or 1.0, is a float
        if type(count) is int:
            trainer[name] = -(-count * before.micro_batch // after.micro_batch)
    write_whole(folder.config, dump_yaml(config))


def _limit_accumulation(config: dict[str, Any], batches: BatchPlan) -> str | None:
    size = (read_path(config, batches.path) if batches.path else None) or batches.default
    accumulation = read_path(config, ACCUMULATION)
    if not isinstance(size, int) or not isinstance(accumulation, int):
        return None
    has = batches.epoch.limited_by(config["trainer"]).batches(size)
    if has is None or accumulation <= has:
        return None
    live = max(1, has)
    write_path(config, ACCUMULATION, live)
    return f"accumulation {accumulation} reduced to {live}, an epoch has no more batches of {size}"
