"""A smaller batch after out of memory: what it changes, and where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.engine.attempt_end import Outcome, ProcessEnd, outcome_of
from search.engine.batch_sizes import BatchPlan
from search.engine.smaller_batch import Retry, retry_smaller
from search.layout import TrialFolder
from search.messages import KILLED, OOM, Ended, Started
from search.plain.yaml import dump_yaml, read_yaml
from search.study_file.micro_batches import Epoch

PATH = "data.init_args.batch_size"
MEMORY = Outcome(OOM, message="no memory")
NO_PLAN = BatchPlan("off", None, None, ())


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(tmp_path)


def retried(
    folder: TrialFolder,
    asked: int,
    used: int,
    fixed: str | None = None,
    *,
    norm: bool = False,
    samples: int | None = None,
) -> Retry:
    trainer = {"limit_train_batches": 100, "limit_val_batches": 0.5, "val_check_interval": 50}
    tree = {
        "data": {"init_args": {"batch_size": asked}},
        "trainer": trainer,
        "objective": {"metric": "val_loss"},
    }
    folder.config.write_text(dump_yaml(tree))
    counts = {"limit_train_batches": 100, "val_check_interval": 50}
    started = Started(3, used, 1, used, fixed, norm, counts)
    return retry_smaller(MEMORY, started, folder, BatchPlan("off", PATH, None, (), Epoch(samples)))


def test_limit_of_later_trials_is_half_where_the_batch_is_prime(folder: TrialFolder) -> None:
    retry = retried(folder, 1021, 1021)
    assert (retry.limit, retry.outcome.message) == (
        510,
        "no memory; goes on in batches of 1 x 1021",
    )


def test_what_is_counted_in_batches_stays_the_same_number_of_samples(folder: TrialFolder) -> None:
    assert retried(folder, 32, 32).outcome.goes_on
    assert read_yaml(folder.config)["trainer"] == {
        "limit_train_batches": 200,
        "limit_val_batches": 0.5,
        "val_check_interval": 100,
        "accumulate_grad_batches": 2,
    }


@pytest.mark.parametrize(
    ("asked", "used", "fixed", "message"),
    [
        (
            16,
            32,
            None,
            "no memory; no smaller batch is tried: data.init_args.batch_size is 16, but batches "
            "of 32 were used",
        ),
        (1, 1, None, "no memory"),
        (32, 32, "it is manual", "no memory; no smaller batch is tried: it is manual"),
    ],
)
def test_no_smaller_batch_that_cannot_help(
    folder: TrialFolder, asked: int, used: int, fixed: str | None, message: str
) -> None:
    assert retried(folder, asked, used, fixed) == Retry(Outcome(OOM, message=message))


@pytest.mark.parametrize(
    ("used", "samples", "message", "limit"),
    [
        (8, None, "no memory; goes on in batches of 4 x 2", 4),
        (4, None, "no memory; goes on in batches of 2 x 2", 2),
        # 6 and 3 leave one of 19 samples
        (12, 19, "no memory; goes on in batches of 4 x 3", 5),
        (
            2,
            None,
            "no memory; no smaller batch is tried: batch norm needs two samples in every batch",
            None,
        ),
        (
            7,
            None,
            "no memory; no smaller batch is tried: batch norm needs two samples in every batch",
            3,
        ),
    ],
)
def test_batch_norm_never_gets_one_sample(
    folder: TrialFolder, used: int, samples: int | None, message: str, limit: int | None
) -> None:
    retry = retried(folder, used, used, norm=True, samples=samples)
    assert (retry.outcome.cause, retry.outcome.message, retry.limit) == (OOM, message, limit)


def test_memory_that_runs_out_before_training_lowers_no_batch(folder: TrialFolder) -> None:
    assert retry_smaller(MEMORY, None, folder, NO_PLAN) == Retry(MEMORY)
    folder.last_ckpt.touch()
    assert retry_smaller(MEMORY, None, folder, NO_PLAN).outcome.may_recur


def test_worker_that_the_kernel_killed_ran_out_of_memory() -> None:
    said = Ended(KILLED, message="RuntimeError: DataLoader worker (pid 7) is killed by signal: ")
    assert outcome_of(ProcessEnd(said, 1, memory_ran_out=True)).cause == OOM
    assert outcome_of(ProcessEnd(said, 1)).cause == KILLED
