"""What is asked of a cluster for a run, and how many workers it has there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.engine.extras import check_shared_loggers
from search.engine.place import cluster_of, jobs_name, workers_on
from search.engine.request import RunRequest
from search.engine.workers import Wanted
from search.errors import StudyFileError, UserError
from search.executors.remote.executor import Cluster
from search.layout import StudyFolder
from search.store.events.event_file import append_event
from search.store.events.study_history import THREADS
from search.study_file.cluster_sections import On, Resources
from search.study_file.load import parse_study_tree

TREE: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.lr": {"float": [1e-3, 1e-1]}},
}


def on(**keys: object) -> On:
    return On.model_validate({"engine": "slurm", **keys})


def cluster(root: Path, **sections: Any) -> Cluster:
    study_file = parse_study_tree({**TREE, "on": "slurm", **sections}, source="s", default_name="s")
    folder = StudyFolder(root / "s")
    request = RunRequest(folder, study_file, "s", root, on=study_file.on)
    assert request.on is not None
    return cluster_of(request.on, request)


def told(section: On, given: dict[str, Any] | None = None, **wanted: Any) -> str:
    processes = wanted.pop("processes", 1)
    asked = Wanted(**{"workers": None, **wanted}, given=Resources.model_validate(given or {}))
    return str(workers_on(section, asked, processes))


def test_cluster_gets_what_the_study_file_says(tmp_path: Path) -> None:
    asked = cluster(
        tmp_path,
        on={"engine": "slurm", "partition": "gpu", "time": "4h", "trials_per_job": 4,
            "gres": "gpu:a100:4", "setup": ["module load cuda"], "extra": ["--account=x"]},
        resources={"cpus": 8, "gpus": 1, "memory": "16GiB"},
    )  # fmt: skip
    assert asked.options == {
        "partition": "gpu",
        "time_s": 14400.0,
        "gres": "gpu:a100:4",
        "setup": ("module load cuda",),
        "extra": ("--account=x",),
    }
    assert (asked.engine, asked.slots_of_agent) == ("slurm", 4)
    assert (asked.cpus, asked.threads, asked.gpus) == (8, 8, 1)
    assert asked.memory_bytes == 16 << 30


def test_ray_gets_what_the_study_file_says(tmp_path: Path) -> None:
    environment = {"env_vars": {"WANDB_MODE": "offline"}}
    asked = cluster(
        tmp_path,
        on={"engine": "ray", "address": "head:6379", "runtime_env": environment},
        resources={"cpus": 2, "gpus": 1},
    )
    assert asked.options == {"address": "head:6379", "runtime_env": environment}
    assert (asked.engine, asked.slots_of_agent, asked.cpus, asked.gpus) == ("ray", 1, 2, 1)
    assert told(On.model_validate({"engine": "ray", "trials_per_job": 2}), workers=4) == (
        "4 workers with 1 thread each: 2 actors of ray for 2 trials each, 1 CPU a trial"
    )


def test_processes_of_a_trial_share_its_cores(tmp_path: Path) -> None:
    asked = cluster(tmp_path, resources={"cpus": 8, "gpus": 4})
    assert (asked.cpus, asked.threads) == (8, 2)
    asked = cluster(tmp_path, resources={"cpus": 3}, trainer={"devices": 2, "accelerator": "cpu"})
    assert (asked.cpus, asked.threads) == (3, 1)


def test_trials_have_the_threads_that_their_study_began_with(tmp_path: Path) -> None:
    assert cluster(tmp_path).threads == 1
    (tmp_path / "s").mkdir()
    append_event(tmp_path / "s/events.jsonl", THREADS, threads=3, reason="measured")
    assert (cluster(tmp_path).cpus, cluster(tmp_path).threads) == (3, 3)
    assert cluster(tmp_path, resources={"cpus": 2}).threads == 2


def test_jobs_of_two_studies_of_one_name_have_others(tmp_path: Path) -> None:
    first, second = (StudyFolder(tmp_path / place / "digits") for place in ("a", "b"))
    assert jobs_name(first) == jobs_name(StudyFolder(tmp_path / "a" / "digits"))
    assert jobs_name(first) != jobs_name(second)
    assert jobs_name(first).startswith("search-digits-")


def test_workers_are_as_many_as_trials_are_left_or_jobs_may_be_asked_for() -> None:
    assert told(on(), trials=3) == (
        "3 workers with 1 thread each: 3 jobs of slurm, 1 CPU a trial; 3 trials to go"
    )
    assert told(on(), trials=500) == (
        "8 workers with 1 thread each: 8 jobs of slurm, 1 CPU a trial; --workers asks for more"
    )
    assert told(on(), trials=500, workers=64) == (
        "64 workers with 1 thread each: 64 jobs of slurm, 1 CPU a trial"
    )
    assert told(on(), trials=0) == told(on(), trials=1)


def test_jobs_and_shares_of_trials_are_told() -> None:
    given = {"cpus": 4, "gpus": 1, "memory": "16GiB"}
    assert told(on(trials_per_job=4), given, trials=500, workers=62) == (
        "62 workers with 4 threads each: 16 jobs of slurm for 4 trials each, 4 CPUs, 1 GPU and "
        "16 GiB a trial"
    )
    assert told(on(), {"cpus": 4, "gpus": 2}, workers=1, processes=2) == (
        "1 worker with 2 threads: 1 job of slurm, 4 CPUs and 2 GPUs a trial"
    )
    assert told(on(), workers=1, threads=3) == (
        "1 worker with 3 threads: 1 job of slurm, 3 CPUs a trial"
    )


def test_run_in_an_allocation_of_several_nodes_takes_these(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "4")
    monkeypatch.setenv("SLURM_JOB_CPUS_PER_NODE", "16(x4)")
    asked = cluster(tmp_path, resources={"cpus": 4})
    assert (asked.within, asked.slots_of_agent) == ("17", 4)
    assert told(on(), {"cpus": 4}, trials=500) == (
        "16 workers with 4 threads each: 4 nodes of job 17 for 4 trials each, 4 CPUs a trial"
    )
    # no more than there are nodes for, and no more on each than the study file says
    assert told(on(trials_per_job=2), {"cpus": 4}, trials=500, workers=64) == (
        "8 workers with 4 threads each: 4 nodes of job 17 for 2 trials each, 4 CPUs a trial"
    )
    with pytest.raises(UserError) as refused:
        cluster(tmp_path, resources={"cpus": 32})
    assert str(refused.value) == (
        "--on slurm: job 17 has 16 CPUs on a node, and a trial takes more than is there. Ask for "
        "nodes with more (sbatch --cpus-per-task, --gpus-per-node, --mem), or change resources."
    )
    # trials over several nodes have jobs of their own
    assert cluster(tmp_path, resources={"cpus": 4, "nodes": 2}).within is None


def test_sqlite_file_of_mlflow_is_not_shared_by_machines() -> None:
    def check(logger: object, environment: dict[str, str]) -> None:
        study_file = parse_study_tree({**TREE, "logger": logger}, source="s", default_name="s")
        check_shared_loggers(study_file, "s", environment)

    with pytest.raises(StudyFileError) as refused:
        check("mlflow", {})
    assert list(refused.value.problems) == [
        "s: logger: mlflow writes into a SQLite file in the study's folder, which several "
        "machines cannot share. Name a server: set MLFLOW_TRACKING_URI, or logger: {name: mlflow, "
        "tracking_uri: https://...}."
    ]
    check("mlflow", {"MLFLOW_TRACKING_URI": "https://mlflow.example"})
    check({"name": "mlflow", "tracking_uri": "https://mlflow.example"}, {})
    check("csv", {})
