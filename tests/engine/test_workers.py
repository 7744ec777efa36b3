"""The choice of workers and threads by what a preflight could measure; the machines are pretended,
the GPUs among them too."""

from __future__ import annotations

from typing import Any

import pytest

from search.answers import Checked
from search.engine.workers import Machine, Wanted, WorkerChoice, choose_workers, machine_now
from search.executors.slots import slots_for
from search.study_file.cluster_sections import Resources

GIB = 1 << 30
# seconds of a step by threads: of a model that another thread is no help to, and of one that it is
SMALL = {1: 0.0104, 2: 0.0100, 4: 0.0110, 8: 0.0150}
LARGE = {1: 0.80, 2: 0.42, 4: 0.23, 8: 0.14}


def chosen(
    step_s: dict[int, float],
    *,
    cores: int = 8,
    free: int = 64 * GIB,
    told: int | None = None,
    memory: int = GIB,
    gpus: tuple[str, ...] = (),
    each: int = 1,
    are_named: bool = False,
    workers: int | None = None,
    trials: int | None = None,
    threads: int | None = None,
    processes: int = 1,
    given: dict[str, Any] | None = None,
) -> str:
    facts = Checked(
        step_s=step_s,
        memory_bytes=memory,
        gpus=gpus,
        gpus_a_trial=each if gpus else 0,
        gpus_are_named=are_named,
        processes_a_trial=processes,
    )
    resources = Resources.model_validate(given or {})
    wanted = Wanted(workers, trials, threads=threads, given=resources)
    return str(choose_workers(facts, Machine(cores, free, told), wanted))


def test_worker_a_core_has_one_thread_where_another_does_not_pay() -> None:
    assert chosen(SMALL, cores=2) == (
        "2 workers with 1 thread each: a second thread makes a step 1.04 times as fast"
    )
    # what two threads lose to half as many workers
    assert chosen(LARGE).startswith(
        "8 workers with 1 thread each: a second thread makes a step 1.9"
    )


def test_fewer_workers_have_more_threads_where_those_make_more_steps_together() -> None:
    assert chosen({1: 1.0, 2: 0.35, 4: 0.3}, cores=4) == (
        "2 workers with 2 threads each: 2 threads make a step 2.86 times as fast as one"
    )


def test_memory_bounds_the_workers_and_the_cores_that_are_left_become_threads() -> None:
    assert chosen(LARGE, memory=4 * GIB, free=11 * GIB) == (
        "2 workers with 4 threads each: 4 threads make a step 3.48 times as fast as one; "
        "a trial takes 4.0 GiB of the 11 GiB free"
    )
    assert chosen(LARGE, memory=4 * GIB, free=GIB).startswith("1 worker with 8 threads: 8 threads")
    # who names a number is taken at it
    assert chosen(LARGE, memory=4 * GIB, free=GIB, workers=3).startswith("3 workers")


def test_study_of_few_trials_has_no_more_workers_than_those() -> None:
    assert chosen(LARGE, trials=2) == (
        "2 workers with 1 thread each: a second thread makes a step 1.90 times as fast; "
        "2 trials to go"
    )
    assert chosen(SMALL, trials=1, workers=4).endswith("1 trial to go")
    assert chosen(SMALL, trials=1, workers=4).startswith("1 worker with 1 thread:")


@pytest.mark.parametrize("workers", [None, 2, 4])
def test_few_trials_of_a_first_run_leave_the_threads_to_the_study(workers: int | None) -> None:
    whole, first = chosen(LARGE, workers=workers), chosen(LARGE, workers=workers, trials=1)
    threads = whole.partition(" with ")[2].partition(" thread")[0]
    assert first.startswith(f"1 worker with {threads} thread")
    # and the lone worker of a later run keeps what the cores have room for
    assert chosen(LARGE, threads=8, workers=workers, trials=1).startswith("1 worker with 8 thread")


def test_processes_of_a_trial_share_the_cores_and_each_takes_its_memory() -> None:
    assert chosen(SMALL, cores=2, processes=2) == (
        "1 worker with 1 thread: 2 cores in all; every trial is 2 processes"
    )
    assert chosen(SMALL, processes=2).startswith("4 workers with 1 thread each:")
    assert chosen(LARGE, processes=2, workers=1).startswith("1 worker with 4 threads:")
    assert chosen(SMALL, processes=2, memory=4 * GIB, free=21 * GIB).endswith(
        "a trial takes 8.0 GiB of the 21 GiB free; every trial is 2 processes"
    )
    # on GPUs, too
    on_gpus = chosen({}, gpus=("0", "1"), memory=4 * GIB, free=16 * GIB, processes=2)
    assert on_gpus.startswith("1 worker with")


def test_workers_that_were_asked_for_have_the_threads_that_are_quickest() -> None:
    assert chosen(LARGE, workers=1).startswith("1 worker with 8 threads: 8 threads make")
    assert chosen(LARGE, workers=3).startswith("3 workers with 2 threads each: 2 threads make")
    assert chosen(SMALL, workers=1).startswith("1 worker with 1 thread: a second thread makes")
    assert chosen(LARGE, workers=16) == "16 workers with 1 thread each: 8 cores in all"


def test_threads_stay_those_that_the_study_began_with() -> None:
    assert chosen(SMALL, threads=4) == (
        "2 workers with 4 threads each: the study began with 4 threads a trial"
    )
    assert chosen(LARGE, threads=1, workers=1) == (
        "1 worker with 1 thread: the study began with 1 thread a trial"
    )
    assert chosen(SMALL, cores=2, threads=4) == (
        "1 worker with 2 threads: the study began with 4 threads a trial, more than there are "
        "cores for, so last digits of values may differ"
    )


def test_threads_are_those_that_the_study_file_gives() -> None:
    reason = "the study file gives each trial 4 CPUs"
    assert chosen(SMALL, given={"cpus": 4}) == f"2 workers with 4 threads each: {reason}"
    # whatever the environment says, or how many workers there are
    assert chosen(SMALL, given={"cpus": 4}, told=1, workers=3) == (
        f"3 workers with 4 threads each: {reason}"
    )
    assert chosen(SMALL, given={"cpus": 4}, cores=2) == (
        f"1 worker with 4 threads: {reason}, and this machine has 2"
    )
    assert chosen(SMALL, given={"cpus": 4}, processes=2) == (
        f"2 workers with 2 threads each: {reason}; every trial is 2 processes"
    )
    assert chosen({}, gpus=("0", "1", "2"), given={"cpus": 4}) == (
        f"2 workers with 4 threads each: {reason}"
    )


def test_other_threads_than_before_are_told() -> None:
    assert chosen(SMALL, given={"cpus": 4}, threads=1) == (
        "2 workers with 4 threads each: the study file gives each trial 4 CPUs; the study began "
        "with 1 thread a trial, so last digits of values may differ"
    )
    assert chosen(SMALL, given={"cpus": 1}, threads=1).endswith("gives each trial 1 CPU")


def test_workers_share_the_memory_as_the_study_file_gives_it() -> None:
    assert chosen(SMALL, given={"memory": "16GiB"}, free=40 * GIB) == (
        "2 workers with 1 thread each: a second thread makes a step 1.04 times as fast; a trial "
        "is given 16 GiB of the 40 GiB free"
    )
    # in the place of what was measured
    assert chosen(SMALL, given={"memory": "1GiB"}, memory=20 * GIB).startswith("8 workers")
    assert chosen(SMALL, given={"memory": "16GiB"}, free=GIB).startswith("1 worker")
    assert chosen(SMALL, given={"memory": "16GiB"}, free=GIB, workers=3).startswith("3 workers")


def test_processes_of_data_loaders_are_told_for_all_workers_together() -> None:
    facts = Checked(step_s=SMALL, loader_processes=4)
    choice = choose_workers(facts, Machine(8, GIB), Wanted(None))
    assert choice.reason.endswith("times as fast; 32 processes load their batches")
    alone = choose_workers(facts, Machine(8, GIB), Wanted(1))
    assert alone.reason.endswith("times as fast")


def test_threads_that_the_user_sets_are_taken() -> None:
    assert chosen(SMALL, told=4) == "2 workers with 4 threads each: OMP_NUM_THREADS says so"
    assert machine_now({"OMP_NUM_THREADS": "3"}).threads == 3
    assert machine_now({"OMP_NUM_THREADS": "4,2"}).threads is None
    assert machine_now({}).threads is None


@pytest.mark.parametrize("step_s", [{8: 2.5}, {4: 2.9, 8: 2.5}])
def test_steps_too_slow_to_be_timed_get_every_core(step_s: dict[int, float]) -> None:
    assert chosen(step_s) == (
        "1 worker with 8 threads: a training step takes too long to be timed with fewer threads"
    )
    assert chosen({}) == "1 worker with 8 threads: no training step could be timed"


def test_one_core_leaves_no_choice() -> None:
    assert chosen({}, cores=1) == "1 worker with 1 thread: 1 core in all"


def test_worker_a_gpu_shares_the_cores() -> None:
    assert chosen({}, gpus=("0", "1")) == "2 workers with 4 threads each: 8 cores shared; one a GPU"
    assert chosen({}, gpus=("0", "1"), workers=4).startswith("4 workers with 2 threads each")


def packed(
    *free: int,
    memory: int = 3 * GIB,
    busy: float | None = None,
    paths: tuple[str, ...] = (),
    **wanted: Any,
) -> WorkerChoice:
    """The choice for trials of one GPU each, on so many GPUs of so much free memory."""
    facts = Checked(
        gpus=tuple(str(number) for number in range(len(free))),
        gpu_free_bytes=free,
        gpus_a_trial=1,
        gpu_memory_bytes=memory,
        gpu_busy=busy,
        memory_paths=paths,
    )
    return choose_workers(facts, Machine(16, 64 * GIB), Wanted(**{"workers": None, **wanted}))


def test_trials_share_a_gpu_by_the_memory_and_the_time_that_one_takes() -> None:
    assert str(packed(16 * GIB, busy=0.2)) == (
        "4 workers with 4 threads each: 16 cores shared; several a GPU, of which a trial takes "
        "3.0 GiB of 16 GiB free, 20 % busy"
    )
    # a device without a driver that tells
    assert packed(16 * GIB).workers == 4
    assert packed(16 * GIB, busy=0.45).workers == 2
    assert packed(16 * GIB, busy=0.9).workers == 1
    assert packed(16 * GIB, memory=9 * GIB, busy=0.1).workers == 1
    # as many as there are cores
    assert packed(80 * GIB, memory=GIB).workers == 16


def test_fuller_gpu_has_fewer_trials_and_each_has_one_before_any_has_two() -> None:
    choice = packed(16 * GIB, 9 * GIB, GIB)
    assert [group for group in choice.groups if group is not None] == [
        ("0",), ("1",), ("2",), ("0",), ("1",), ("0",), ("0",)
    ]  # fmt: skip
    slots = slots_for(choice.workers, choice.threads, choice.groups)
    assert [slot.gpus for slot in slots] == list(choice.groups)
    assert {slot.gpu_share for slot in slots} == {0.25}
    few = packed(16 * GIB, 9 * GIB, trials=2)
    assert {slot.gpu_share for slot in slots_for(few.workers, 1, few.groups)} == {1.0}


def test_gpu_is_not_shared_where_trials_fill_it_or_nothing_was_measured() -> None:
    assert packed(16 * GIB, 16 * GIB, fills_gpus=True).groups == (("0",), ("1",))
    assert packed(16 * GIB, memory=0).workers == 1
    # who names a number is taken at it
    assert packed(16 * GIB, busy=0.9, workers=3).workers == 3


def test_gpu_is_not_shared_where_trials_differ_in_memory() -> None:
    choice = packed(16 * GIB, 16 * GIB, busy=0.1, paths=("model.init_args.width",))
    assert str(choice) == "2 workers with 8 threads each: 16 cores shared; one a GPU"
    assert choice.groups == (("0",), ("1",))


def test_trials_of_several_gpus_share_none() -> None:
    assert chosen({}, gpus=("0", "1", "2", "3", "4"), each=2, workers=4) == (
        "2 workers with 4 threads each: 8 cores shared; every trial takes 2 of the 5 GPUs"
    )
    assert chosen({}, gpus=("0", "1"), each=2, are_named=True, workers=4) == (
        "1 worker with 8 threads: 8 cores shared; the study file names the GPUs of a trial"
    )


def test_trials_on_the_cpu_of_a_machine_with_gpus_are_chosen_by_its_cores() -> None:
    assert chosen(SMALL, gpus=("0",), each=0).startswith("8 workers with 1 thread each")
