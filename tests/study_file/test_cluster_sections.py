"""The sections `resources` and `on`: what a study file may say of them, and what contradicts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from study_file.parsed_sections import TREE, parsed, problem

from search.errors import StudyFileError
from search.plain.yaml import dump_yaml, parse_yaml
from search.store.provenance.redaction import refuse_secrets
from search.study_file.cluster_sections import named_engine
from search.study_file.differences import differences, free_changes
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.rules import resolve_config
from search.study_file.transfer import Fitting


def test_resources_survive_the_file_that_a_study_keeps() -> None:
    given = parsed(resources={"cpus": 4, "gpus": 1, "memory": "16G"})
    assert given.resources.memory_bytes == 16 << 30
    kept = given.to_tree()
    assert kept["resources"] == {"cpus": 4, "gpus": 1, "memory": "16GiB"}
    again = parse_study_tree(parse_yaml(dump_yaml(kept), "k"), source="k", default_name="s")
    assert again == given
    assert "resources" not in parsed().to_tree()
    assert "resources" not in parsed(resources={"cpus": None}).to_tree()


def test_trial_is_configured_the_same_whatever_it_is_given() -> None:
    plain, given = parsed(), parsed(resources={"cpus": 4})
    params = {"model.init_args.lr": 0.01}
    assert resolve_config(plain, params) == resolve_config(given, params)
    # and its trials fit a study that gives more
    assert Fitting(plain, given).differences == []
    assert Fitting(plain, given).misfits(params) == []


def test_resources_may_be_set_on_the_command_line_of_a_script_too(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    path = tmp_path / "study.yaml"
    path.write_text(
        f"script: {tmp_path}/train.py\nobjective: val_loss\nspace: {{--lr: {{float: [0.1, 1]}}}}\n"
    )
    read = load_study_file(path, set_values=["resources.cpus=2", "resources.memory=1GiB"])
    assert (read.resources.cpus, read.resources.memory_bytes) == (2, 1 << 30)


@pytest.mark.parametrize(
    ("resources", "line"),
    [
        ({"cpus": 0}, "resources.cpus: must be at least 1, got 0. Write cpus: 4."),
        ({"cpus": "4"}, "resources.cpus: must be a whole number, got 4. Write cpus: 4."),
        ({"gpus": -1}, "resources.gpus: must be at least 0, got -1. Write gpus: 1."),
        ({"memory": 16}, "resources.memory: must be a size such as 512MiB or 16GiB, got 16. Write memory: 16GiB."),
        ({"mem": "16G"}, "resources.mem: no such key. Write memory: 16GiB."),
        ({"nproc": 4}, "resources.nproc: no such key. Write cpus: 4."),
        ({"cpu": 4}, "resources.cpu: no such key. Write cpus: 4."),
        ({"devices": 4}, "resources.devices: no such key. Write gpus: 1."),
        (4, "resources: must be a mapping, got 4. Write resources: {cpus: 4, gpus: 1, memory: 16GiB}."),
    ],
)  # fmt: skip
def test_wrong_resource_is_told_with_what_to_write(resources: Any, line: str) -> None:
    assert problem(resources=resources) == line


@pytest.mark.parametrize("key", ["cpus", "threads", "memory", "nproc"])
def test_resource_that_stands_outside_is_told_its_section(key: str) -> None:
    remedy = "Write resources: {cpus: 4, gpus: 1, memory: 16GiB}."
    assert problem(**{key: 4}) == f"{key}: no such key. {remedy}"


@pytest.mark.parametrize(
    ("gpus", "trainer", "line"),
    [
        (1, {"devices": 2}, "resources.gpus: is 1, and trainer.devices is 2. Write the same number, or remove one of them."),
        (2, {"devices": [0]}, "resources.gpus: is 2, and trainer.devices is [0]. Write the same number, or remove one of them."),
        (2, {"devices": "0,1,2"}, "resources.gpus: is 2, and trainer.devices is 0,1,2. Write the same number, or remove one of them."),
        (1, {"accelerator": "cpu"}, "resources.gpus: is 1, and trainer.accelerator is cpu. Change one of them, or remove it."),
        (0, {"accelerator": "gpu"}, "resources.gpus: is 0, and trainer.accelerator is gpu. Change one of them, or remove it."),
    ],
)  # fmt: skip
def test_two_places_that_disagree_on_gpus_are_refused(
    gpus: int, trainer: dict[str, Any], line: str
) -> None:
    assert problem(resources={"gpus": gpus}, trainer=trainer) == line


@pytest.mark.parametrize(
    ("gpus", "trainer"),
    [
        (2, {"devices": 2, "accelerator": "gpu"}),
        (2, {"devices": "2"}),
        (2, {"devices": "auto"}),
        (2, {"devices": -1}),
        (2, {"devices": [0, 3]}),
        (0, {"accelerator": "cpu", "devices": 2}),
        # two processes, each on a core
        (0, {"devices": 2}),
    ],
)
def test_places_that_agree_on_gpus_are_taken(gpus: int, trainer: dict[str, Any]) -> None:
    assert parsed(resources={"gpus": gpus}, trainer=trainer).resources.gpus == gpus


def test_searched_devices_leave_no_room_for_a_number() -> None:
    space = {"model.lr": {"float": [0.1, 1]}, "trainer.devices": {"choice": [1, 2]}}
    assert problem(resources={"gpus": 2}, space=space) == (
        "resources.gpus: is 2, and trainer.devices is searched. Remove one of them."
    )


def test_cluster_survives_the_file_that_a_study_keeps() -> None:
    written = {
        "engine": "slurm",
        "partition": "gpu",
        "time": "4h",
        "gres": "gpu:a100:4",
        "trials_per_job": 4,
        "setup": "module load cuda",
        "extra": ["--account=x"],
    }
    given = parsed(on=written, resources={"gpus": 1})
    assert given.on is not None
    assert (given.on.time_s, given.on.setup) == (4 * 3600.0, ["module load cuda"])
    kept = dump_yaml(given.to_tree())
    assert parse_study_tree(parse_yaml(kept, "k"), source="k", default_name="s") == given
    assert parsed(on="slurm") == parsed(on={"engine": "SLURM"})
    assert parsed(on="slurm").to_tree()["on"] == {"engine": "slurm"}
    assert "on" not in parsed().to_tree()


def test_ray_survives_the_file_that_a_study_keeps() -> None:
    environment = {"env_vars": {"WANDB_MODE": "offline"}, "pip": ["numpy"]}
    written = {"engine": "ray", "address": "ray://head:10001", "runtime_env": environment}
    given = parsed(on={**written, "trials_per_job": 2})
    assert given.on is not None
    assert given.on.runtime_env == environment
    kept = dump_yaml(given.to_tree())
    assert parse_study_tree(parse_yaml(kept, "k"), source="k", default_name="s") == given
    assert parsed(on="ray").to_tree()["on"] == {"engine": "ray"}
    assert parsed(on="ray://head:10001").to_tree()["on"] == {
        "engine": "ray",
        "address": "ray://head:10001",
    }


def test_address_that_is_named_stands_in_the_place_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    section = {"engine": "ray", "address": "head:6379", "trials_per_job": 2}
    path.write_text(dump_yaml({**TREE, "on": section}))
    named = load_study_file(path, engine="ray://other:10001").on
    assert named == parsed(on={**section, "address": "ray://other:10001"}).on
    assert named_engine(parsed(on=section).on, "ray://other:10001") == named
    assert load_study_file(path, engine="ray").on == parsed(on=section).on
    path.write_text(dump_yaml({**TREE, "on": "ray://head:10001"}))
    assert load_study_file(path, engine="ray").on == parsed(on="ray://head:10001").on
    path.write_text(dump_yaml({**TREE, "on": {"engine": "slurm", "partition": "gpu"}}))
    assert load_study_file(path, engine="ray").on == parsed(on="ray").on


def test_key_on_is_a_word_in_a_study_file_and_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = dump_yaml(TREE) + "on: {engine: slurm, partition: main}\n"
    path.write_text(text)
    read = load_study_file(path, set_values=["on.partition=gpu", "on.time=90m"])
    assert read.on is not None
    assert (read.on.partition, read.on.time_s) == ("gpu", 5400.0)


def test_named_engine_keeps_what_the_file_says_of_it(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(dump_yaml(TREE))
    plain = load_study_file(path, engine="slurm").on
    assert plain == named_engine(None, "slurm")
    assert load_study_file(path, set_values=["on.partition=gpu"], engine="slurm").on == (
        parsed(on={"engine": "slurm", "partition": "gpu"}).on
    )
    path.write_text(dump_yaml({**TREE, "on": {"engine": "slurm", "partition": "gpu"}}))
    named = load_study_file(path, engine="slurm").on
    assert named is not None
    assert named.partition == "gpu"
    assert named_engine(named, "slurm") == named
    path.write_text(dump_yaml({**TREE, "on": {"engine": "other", "partition": "gpu"}}))
    assert load_study_file(path, engine="slurm").on == plain


def test_same_study_runs_anywhere() -> None:
    here, there = parsed(), parsed(on="slurm", resources={"cpus": 2})
    assert differences(here, there) == []
    assert free_changes(here, there) == [
        "resources: was not set, is {cpus: 2}",
        "on: was not set, is {engine: slurm}",
    ]


@pytest.mark.parametrize(
    ("on", "line"),
    [
        ("pbs", "on.engine: there is no pbs. It may be slurm, ray."),
        ("slrum", "on.engine: there is no slrum. Did you mean slurm?"),
        ("here", "on.engine: there is no here. Leave on out, or run the study with --on here."),
        (True, "on: must be a mapping, got true. Write on: slurm, or on: {engine: slurm, partition: gpu, time: 4h}."),
        ({"partition": "gpu"}, "on.engine: is missing. Add engine: slurm."),
        ({"engine": "slurm", "queue": "gpu"}, "on.queue: no such key. Write partition: gpu."),
        ({"engine": "slurm", "walltime": "4h"}, "on.walltime: no such key. Write time: 4h."),
        ({"engine": "slurm", "account": "x"}, "on.account: no such key. Write extra: [--account=x]."),
        ({"engine": "slurm", "gpus": 4}, "on.gpus: no such key. Write it of one trial: resources: {cpus: 4, gpus: 1, memory: 16GiB}."),
        ({"engine": "slurm", "time": "4:00:00"}, "on.time: must be a duration above 0, got 4:00:00. Write 90s, 30m, 8h or 2d."),
        ({"engine": "slurm", "trials_per_job": 0}, "on.trials_per_job: must be at least 1, got 0. Write trials_per_job: 4."),
        ({"engine": "slurm", "extra": [5]}, "on.extra.0: must be text, got 5. Write --account=x."),
        ({"engine": "ray", "partition": "gpu"}, "on.partition: is of slurm, and on.engine is ray. Remove one of them."),
        ({"engine": "ray", "time": "4h"}, "on.time: is of slurm, and on.engine is ray. Remove one of them."),
        ({"engine": "slurm", "address": "head:6379"}, "on.address: is of ray, and on.engine is slurm. Remove one of them."),
        ({"engine": "slurm", "runtime_env": {}}, "on.runtime_env: is of ray, and on.engine is slurm. Remove one of them."),
        ({"engine": "ray", "address": "head"}, "on.address: must be HOST:PORT or ray://HOST:PORT, got head. Write address: ray://host:10001."),
        ("ray://head", "on.address: must be HOST:PORT or ray://HOST:PORT, got ray://head. Write address: ray://host:10001."),
        ({"engine": "ray", "runtime_env": "conda"}, "on.runtime_env: must be a mapping, got conda. Write runtime_env: {env_vars: {WANDB_MODE: offline}}."),
        ({"engine": "slurm", "gres": "gpu:a100:2"}, "on.gres: asks for GPUs (gpu:a100:2), and nothing says how many a trial takes. Add resources: {gpus: 1}."),
    ],
)  # fmt: skip
def test_wrong_cluster_is_told_with_what_to_write(on: Any, line: str) -> None:
    assert problem(on=on) == line


def test_job_has_the_gpus_of_its_trials() -> None:
    on = {"engine": "slurm", "gres": "gpu:a100:4(S:0),shard:8", "trials_per_job": 4}
    assert parsed(on=on, resources={"gpus": 1}).on is not None
    assert problem(on=on, resources={"gpus": 2}) == (
        "on.gres: gpu:a100:4(S:0),shard:8 gives a job 4, and on.trials_per_job: 4 with "
        "resources.gpus: 2 takes 8. Ask for as many, or run fewer trials in a job."
    )


@pytest.mark.parametrize("key", ["slurm", "queue", "cluster"])
def test_cluster_that_stands_outside_is_told_its_section(key: str) -> None:
    remedy = "Write on: {engine: slurm, partition: gpu, time: 4h}."
    assert problem(**{key: "x"}) == f"{key}: no such key. {remedy}"


def test_secret_in_a_line_of_setup_is_refused() -> None:
    secret = "export WANDB_API_KEY=0a1b2c3d4e5f"
    given = parsed(on={"engine": "slurm", "setup": ["module load cuda", secret]})
    with pytest.raises(StudyFileError) as caught:
        refuse_secrets(given, "s")
    (line,) = caught.value.problems
    assert line.startswith("s: on.setup.1: is or holds a secret")
    refuse_secrets(parsed(on={"engine": "slurm", "setup": "export OMP_PROC_BIND=true"}), "s")


def test_secret_in_the_environment_of_ray_is_refused() -> None:
    variables = {"WANDB_MODE": "offline", "WANDB_API_KEY": "0a1b2c3d4e5f"}
    with pytest.raises(StudyFileError) as caught:
        refuse_secrets(parsed(on={"engine": "ray", "runtime_env": {"env_vars": variables}}), "s")
    (line,) = caught.value.problems
    assert line.startswith("s: on.runtime_env.env_vars.WANDB_API_KEY: is or holds a secret")
