"""The place where the attempts of a run are: this machine, or jobs and actors of a cluster."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from search.engine.extras import check_shared_loggers
from search.engine.own_nodes import own_nodes, tell_left_out, trials_of_agent
from search.engine.request import RunRequest
from search.engine.workers import Wanted, WorkerChoice
from search.errors import UserError
from search.executors.local import LocalExecutor
from search.executors.protocol import Executor
from search.executors.remote.executor import Cluster, RemoteExecutor
from search.layout import StudyFolder
from search.plain.engine_words import allocation_word
from search.plain.formats import format_count, format_list, format_size
from search.plain.tree import class_paths
from search.store.events.study_history import study_history
from search.store.placement import is_on_network
from search.study_file.cluster_sections import On, Resources, device_count

# jobs that are asked for where nobody says how many trials are to run at a time
_MOST_JOBS = 8


@contextlib.contextmanager
def executor_of(request: RunRequest, note: Callable[[str], None]) -> Iterator[Executor]:
    """The executor of a run, closed at the end.

    Args:
        note: shows the user a line.

    Raises:
        UserError: the cluster cannot be used.
    """
    if request.on is None:
        _refuse_several_nodes(request.study_file.resources)
        # which an earlier run on a cluster has left
        request.folder.nodes.unlink(missing_ok=True)
        executor: Executor = LocalExecutor(
            *_imports(request), server_log=request.folder.server_log, note=note
        )
    else:
        check_shared_loggers(request.study_file, request.source, _variables_on(request.on))
        tell_left_out(request.on, request.study_file.resources, note)
        executor = RemoteExecutor(
            *_imports(request),
            cluster=cluster_of(request.on, request),
            folder=request.folder,
            note=note,
        )
    with contextlib.closing(executor):
        yield executor


def _refuse_several_nodes(given: Resources) -> None:
    if given.node_count > 1:
        raise UserError(
            f"resources.nodes: is {given.nodes}, and this machine is one. "
            "Run it with --on slurm or --on ray."
        )


def cluster_of(on: On, request: RunRequest) -> Cluster:
    """What is asked of a cluster for a run."""
    given = request.study_file.resources
    processes = device_count(request.study_file.trainer.get("devices")) or given.gpus or 1
    cpus = given.cpus or (_threads_before(request.folder) or 1) * processes
    own = own_nodes(on, given)
    return Cluster(
        engine=on.engine,
        options=_options(on),
        name=jobs_name(request.folder),
        slots_of_agent=trials_of_agent(own, on, given, cpus),
        cpus=cpus,
        threads=max(1, cpus // processes),
        gpus=given.gpus,
        memory_bytes=given.memory_bytes,
        nodes=given.node_count,
        processes=processes,
        shares_disk=is_on_network(request.folder.root),
        within=None if own is None else own.job,
    )


def _options(on: On) -> dict[str, Any]:
    """The options of an engine, as its class of options takes them."""
    if on.engine == "ray":
        return {"address": on.address, "runtime_env": on.runtime_env}
    return {
        "partition": on.partition,
        "time_s": on.time_s,
        "gres": on.gres,
        "setup": tuple(on.setup),
        "extra": tuple(on.extra),
    }


def _variables_on(on: On) -> Mapping[str, str]:
    """The variables of this process that trials on a cluster have too: sbatch hands all on, and
    Ray none but those that it is given."""
    if on.engine != "ray":
        return os.environ
    given = (on.runtime_env or {}).get("env_vars")
    return given if isinstance(given, Mapping) else {}


def jobs_name(folder: StudyFolder) -> str:
    """The name of the jobs of a study, by which the next start finds them, and the namespace of
    its actors: two studies of one name in two folders have others."""
    place = str(folder.root.absolute()).encode(errors="replace")
    return f"search-{folder.name}-{hashlib.blake2b(place, digest_size=4).hexdigest()}"


def workers_on(on: On, wanted: Wanted, processes: int) -> WorkerChoice:
    """The workers of a run on a cluster, whose machines nobody has measured.

    Args:
        wanted: its threads are those of the earlier trials.
        processes: of a trial.
    """
    given = wanted.given
    # on each of its machines
    processes = max(1, processes // given.node_count)
    cpus = given.cpus or (wanted.threads or 1) * processes
    own = own_nodes(on, given)
    each = trials_of_agent(own, on, given, cpus)
    room = _MOST_JOBS * each if own is None else own.nodes * each
    most = wanted.workers or room
    if own is not None:
        # no more than there are nodes for
        most = min(most, room)
    workers = most if wanted.trials is None else max(1, min(most, wanted.trials))
    count = -(-workers // each)
    jobs = f"{format_count(count, allocation_word(on.engine))} of {on.engine}"
    if own is not None:
        jobs = f"{format_count(count, 'node')} of job {own.job}"
    trials = "" if each == 1 else f" for {each} trials each"
    reason = f"{jobs}{trials}, {_share(cpus, given)} a trial"
    if workers < most:
        reason += f"; {format_count(workers, 'trial')} to go"
    elif wanted.workers is None and own is None:
        reason += "; --workers asks for more"
    return WorkerChoice(workers, max(1, cpus // processes), reason)


def _share(cpus: int, given: Resources) -> str:
    parts = [format_count(cpus, "CPU")]
    if given.gpus:
        parts.append(format_count(given.gpus, "GPU"))
    if given.memory_bytes is not None:
        parts.append(format_size(given.memory_bytes))
    share = format_list(parts, len(parts))
    return share if given.node_count == 1 else f"{share} on each of {given.nodes} nodes for"


def _threads_before(folder: StudyFolder) -> int | None:
    """The threads that the trials of a study had so far, on which the last digits of their values
    depend; None before the first."""
    return study_history(folder).threads if folder.events.is_file() else None


def _imports(request: RunRequest) -> tuple[list[str], list[str]]:
    """The classes that attempts import, and the folders that they import from first."""
    paths: list[Path] = request.sys_path
    return list(class_paths(request.study_file.to_tree())), [str(each) for each in paths]
