"""The number of workers of a study, and of the threads of each, by what the preflight measured.

Decides on numbers alone: whoever asks has looked at the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search.answers import Checked
from search.executors.slots import GpuGroup, cores, gpu_groups
from search.plain.formats import format_count, format_percent, format_size, format_workers
from search.plain.host_memory import free_memory_bytes
from search.study_file.cluster_sections import Resources

# a measured gain of more threads that is less comes and goes with what else the machine does
_PAYS = 1.2
# of the memory that one trial was seen to take; others are larger
_MEMORY_MARGIN = 1.25
_THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Machine:
    """The machine as the study finds it."""

    cores: int
    """Cores that may be used."""
    free_memory_bytes: int
    """Memory that attempts may take now."""
    threads: int | None = None
    """Threads that the user gives each process by OMP_NUM_THREADS; None where that is not set."""


@dataclass(frozen=True)
class Wanted:
    """The wishes of the one who runs a study, and its past."""

    workers: int | None
    """Workers that were asked for; None for as many as the machine has room for."""
    trials: int | None = None
    """Trials that are left; None without a limit."""
    fills_gpus: bool = False
    """True where each trial takes the largest batch that its GPU has room for."""
    threads: int | None = None
    """Threads that the trials of the study had so far, on which the last digits of their values
    depend; None before the first."""
    given: Resources = field(default_factory=lambda: Resources.model_validate({}))
    """The part of a machine that the study file gives each trial."""


@dataclass(frozen=True)
class WorkerChoice:
    """The workers of a study."""

    workers: int
    """Attempts at a time."""
    threads: int
    """CPU threads of each."""
    reason: str
    """Reason in one line."""
    groups: tuple[GpuGroup, ...] = ()
    """GPUs of the workers in turn; empty where trials take none."""

    def __str__(self) -> str:
        return f"{format_workers(self.workers, self.threads)}: {self.reason}"


def machine_now(environment: Mapping[str, str]) -> Machine:
    """The machine as it is now, for processes with this environment."""
    told = environment.get(_THREADS, "")
    threads = int(told) if told.isascii() and told.isdigit() and int(told) > 0 else None
    return Machine(cores(), free_memory_bytes(), threads)


def choose_workers(facts: Checked, machine: Machine, wanted: Wanted) -> WorkerChoice:
    """Choose so that the machine makes the most training steps a second.

    The preflight has timed a step with several numbers of threads. With t threads each, cores / t
    workers make (cores / t) / time(t) steps a second.
    """
    groups = _groups(facts, wanted)
    most = _bound(facts, machine, wanted, len(groups))
    bound = _to_go(most, wanted.trials)
    if wanted.given.cpus is not None:
        threads, reason = _as_given(wanted.given.cpus, facts, machine, wanted.threads)
    elif wanted.threads is not None:
        threads, reason = _as_before(wanted.threads, _room(facts, machine, wanted, bound.workers))
    else:
        # those of the whole study, however few trials this run is for
        threads, reason = _threads(facts, machine, wanted, most.workers)
    workers = bound.workers
    if wanted.workers is None:
        workers = max(1, min(_worker_count(facts, machine, wanted, threads), workers))
    if workers == bound.workers and bound.reason is not None:
        reason = f"{reason}; {bound.reason}"
    processes = facts.processes_a_trial
    if processes > 1 and not groups:
        reason = f"{reason}; every trial is {processes} processes"
    if workers > 1 and facts.loader_processes:
        loaders = workers * processes * facts.loader_processes
        reason = f"{reason}; {loaders} processes load their batches"
    # the machine may have some, which a trial that is given none would see
    hidden: tuple[GpuGroup, ...] = ((),) if wanted.given.gpus == 0 else ()
    return WorkerChoice(workers, threads, reason, tuple(groups) or hidden)


@dataclass(frozen=True)
class _Bound:
    """The most workers that there can be, whatever the cores are."""

    workers: int
    reason: str | None = None
    """Reason that the user should hear; None where the cores alone are one."""


def _groups(facts: Checked, wanted: Wanted) -> list[GpuGroup]:
    """The GPUs of the workers in turn: each has one trial before any has two."""
    groups = gpu_groups(facts)
    if wanted.workers is not None or wanted.fills_gpus or facts.gpus_are_named:
        return groups
    # of trials that differ in memory, the one that was measured says nothing of the others
    if facts.gpus_a_trial != 1 or not facts.gpu_memory_bytes or facts.memory_paths:
        return groups
    rooms = [_trials_on(facts, free) for free in facts.gpu_free_bytes]
    layers = range(max(rooms, default=1))
    shared = [
        group
        for layer in layers
        for group, room in zip(groups, rooms, strict=False)
        if layer < room
    ]
    return shared or groups


def _trials_on(facts: Checked, free_bytes: int) -> int:
    """Trials that a GPU has room for, by their memory and by the time in which it computes."""
    by_memory = int(free_bytes / (facts.gpu_memory_bytes * _MEMORY_MARGIN))
    by_time = by_memory if not facts.gpu_busy else int(1.0 / facts.gpu_busy)
    return max(1, min(by_memory, by_time))


def _bound(facts: Checked, machine: Machine, wanted: Wanted, groups: int) -> _Bound:
    bounds = [_Bound(wanted.workers or _cores(facts, machine))]
    if groups and (wanted.workers is None or facts.gpus_a_trial > 1 or facts.gpus_are_named):
        bounds.append(_Bound(groups, _of_gpus(facts, groups)))
    if wanted.workers is None and (memory := _memory_bound(facts, machine, wanted)) is not None:
        bounds.append(memory)
    return min(bounds, key=lambda bound: bound.workers)


def _memory_bound(facts: Checked, machine: Machine, wanted: Wanted) -> _Bound | None:
    """The bound of what a trial is given, else of what it was seen to take."""
    free, given = machine.free_memory_bytes, wanted.given.memory_bytes
    if given is not None:
        reason = f"a trial is given {format_size(given)} of the {format_size(free)} free"
        return _Bound(max(1, free // given), reason)
    if not facts.memory_bytes:
        return None
    taken = facts.memory_bytes * facts.processes_a_trial
    fitting = max(1, int(free / (taken * _MEMORY_MARGIN)))
    return _Bound(fitting, f"a trial takes {format_size(taken)} of the {format_size(free)} free")


def _worker_count(facts: Checked, machine: Machine, wanted: Wanted, threads: int) -> int:
    """The workers that the cores have room for."""
    if wanted.given.cpus is not None:
        return machine.cores // wanted.given.cpus
    return _cores(facts, machine) // threads


def _to_go(most: _Bound, trials: int | None) -> _Bound:
    """The bound of a run that has so many trials to go."""
    left = most.workers if trials is None else max(1, trials)
    return _Bound(left, f"{format_count(left, 'trial')} to go") if left < most.workers else most


def _cores(facts: Checked, machine: Machine) -> int:
    """The cores for one process of each trial."""
    if gpu_groups(facts):
        return machine.cores
    return max(1, machine.cores // facts.processes_a_trial)


def _room(facts: Checked, machine: Machine, wanted: Wanted, most: int) -> int:
    """The most threads that a worker could have."""
    workers = 1 if wanted.workers is None and not gpu_groups(facts) else most
    return max(1, _cores(facts, machine) // workers)


def _of_gpus(facts: Checked, groups: int) -> str:
    if facts.gpus_are_named:
        return "the study file names the GPUs of a trial"
    if groups > len(facts.gpus):
        trial, free = format_size(facts.gpu_memory_bytes), format_size(facts.gpu_free_bytes[0])
        text = f"several a GPU, of which a trial takes {trial} of {free} free"
        return text if facts.gpu_busy is None else f"{text}, {format_percent(facts.gpu_busy)} busy"
    if facts.gpus_a_trial == 1:
        return "one a GPU"
    return f"every trial takes {facts.gpus_a_trial} of the {len(facts.gpus)} GPUs"


def _threads(facts: Checked, machine: Machine, wanted: Wanted, most: int) -> tuple[int, str]:
    """The threads of each worker of a new study, and the reason.

    Args:
        most: workers that there can be, whatever the cores are.
    """
    room = _room(facts, machine, wanted, most)
    if machine.threads is not None:
        return machine.threads, f"{_THREADS} says so"
    if gpu_groups(facts):
        return room, f"{format_count(machine.cores, 'core')} shared"
    if room == 1:
        return 1, f"{format_count(machine.cores, 'core')} in all"
    times = {count: time for count, time in facts.step_s.items() if count <= room}
    if not facts.step_s:
        return room, "no training step could be timed"
    if 1 not in times:
        return room, "a training step takes too long to be timed with fewer threads"
    if wanted.workers is None:
        cores_of_one = _cores(facts, machine)
        rates = {t: min(cores_of_one // t, most) / time for t, time in times.items()}
    else:
        rates = {t: 1.0 / time for t, time in times.items()}
    threads = _paying(rates)
    return threads, _gain(times, threads)


def _as_given(cpus: int, facts: Checked, machine: Machine, before: int | None) -> tuple[int, str]:
    """The threads of each process of a trial that is given so many CPUs, and the reason.

    Args:
        before: threads of the earlier trials of the study; None before the first.
    """
    threads = max(1, cpus // facts.processes_a_trial)
    reason = f"the study file gives each trial {format_count(cpus, 'CPU')}"
    if cpus > machine.cores:
        reason += f", and this machine has {machine.cores}"
    if before not in (None, threads):
        began = f"the study began with {format_count(before, 'thread')} a trial"
        reason += f"; {began}, so last digits of values may differ"
    return threads, reason


def _as_before(threads: int, room: int) -> tuple[int, str]:
    began = f"the study began with {format_count(threads, 'thread')} a trial"
    if threads <= room:
        return threads, began
    return room, f"{began}, more than there are cores for, so last digits of values may differ"


def _paying(rates: Mapping[int, float]) -> int:
    """The fewest threads, or more if they make that much more of the machine."""
    chosen = min(rates)
    for threads in sorted(rates):
        if rates[threads] > rates[chosen] * _PAYS:
            chosen = threads
    return chosen


def _gain(times: Mapping[int, float], threads: int) -> str:
    if threads > 1:
        gain = times[1] / times[threads]
        return f"{threads} threads make a step {gain:.2f} times as fast as one"
    second = min(count for count in times if count > 1)
    gain = times[1] / times[second]
    more = "a second thread makes" if second == 2 else f"{second} threads make"
    return f"{more} a step {gain:.2f} times as fast"
