"""The complete configuration of a trial: written once when it begins, changed only when memory
runs out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search.engine.batch_sizes import ACCUMULATION, BatchPlan, live_accumulation
from search.study.file import StudyFile
from search.study.layout import TrialFolder
from search.study.objectives import watched_config
from search.study.resolve import read_path, resolve_config, write_path
from search.study.writing import write_whole
from search.study.yaml_loader import dump_yaml, read_yaml

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
    micro_batch: int | None,
) -> str | None:
    """Write the configuration of a trial that begins; returns a line if one of its values was
    replaced by another that is the same run."""
    config = resolve_config(study_file, params) | watched_config(study_file)
    config["logger"] = logger_section(study_file)
    number = int(folder.root.name)
    config["trial"] = {"study": study_file.name, "number": number, "params": dict(params)}
    note = _set_batch(config, batches, micro_batch)
    folder.root.mkdir(parents=True, exist_ok=True)
    write_whole(folder.config, dump_yaml(config))
    return note


def logger_section(study_file: StudyFile) -> list[dict[str, Any]]:
    """The loggers of a trial, each by its name and with its options."""
    return [{"name": each.name, **each.options} for each in study_file.logger]


def halved(batch: Batch) -> Batch | None:
    """The largest micro-batch of at most half the size with the same effective batch; None below a
    micro-batch of one."""
    effective = batch.micro_batch * batch.accumulation
    for size in range(batch.micro_batch // 2, 0, -1):
        if effective % size == 0:
            return Batch(size, effective // size)
    return None


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


def _set_batch(config: dict[str, Any], batches: BatchPlan, micro_batch: int | None) -> str | None:
    path = batches.path
    if micro_batch is not None and path is not None:
        write_path(config, path, micro_batch)
    size = micro_batch or (read_path(config, path) if path else None)
    accumulation = read_path(config, ACCUMULATION)
    if not isinstance(size, int) or not isinstance(accumulation, int):
        return None
    live = live_accumulation(batches, size, accumulation)
    if live == accumulation:
        return None
    write_path(config, ACCUMULATION, live)
    return f"accumulation {accumulation} reduced to {live}, an epoch has no more batches of {size}"
