"""Real runs in CSV, TensorBoard, W&B (offline) and MLflow: done, pruned, failed, gone on with."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project
from faults.invariant import SECRET

from search.engine.extras import check_loggers
from search.errors import StudyFileError
from search.study_file.load import parse_study_tree

LOGGERS = ["csv", "tensorboard", {"name": "wandb", "offline": True, "project": "p"}, "mlflow"]
CPU = {"accelerator": "cpu", "num_sanity_val_steps": 0}
LR, MODE = "model.init_args.lr", "model.init_args.mode"


def rows_of(project: Project, number: int, study: str = "study") -> list[dict[str, str]]:
    path = project.root / f"studies/{study}/trials/{number:04d}/logs/metrics.csv"
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def logged(project: Project, number: int, metric: str, study: str = "study") -> dict[int, float]:
    """Step -> value of a metric in the CSV of a trial."""
    rows = rows_of(project, number, study)
    return {int(row["step"]): float(row[metric]) for row in rows if row[metric]}


@dataclass(frozen=True)
class MlflowRun:
    """A run in MLflow's own tables."""

    status: str
    params: dict[str, str]
    metrics: dict[str, float]
    cause: str


def mlflow_runs(project: Project, study: str = "study") -> dict[str, MlflowRun]:
    """The runs of the study's experiment by their names."""
    path = project.root / f"studies/{study}/logs/mlflow.db"
    with closing(sqlite3.connect(path)) as connection:

        def pairs(table: str, run: str) -> dict[str, Any]:
            text = f"SELECT key, value FROM {table} WHERE run_uuid = ?"
            return dict(connection.execute(text, (run,)).fetchall())

        runs = connection.execute(
            "SELECT run_uuid, runs.name, status FROM runs JOIN experiments USING (experiment_id) "
            "WHERE experiments.name = ?",
            (study,),
        ).fetchall()
        assert len({name for _, name, _ in runs}) == len(runs), "a trial has two runs"
        return {
            name: MlflowRun(
                status,
                pairs("params", run),
                pairs("latest_metrics", run),
                pairs("tags", run)["cause"],
            )
            for run, name, status in runs
        }


def tensorboard(project: Project, number: int, study: str = "study") -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = project.root / f"studies/{study}/logs/tensorboard/{number:04d}"
    return EventAccumulator(str(folder)).Reload()


def wandb_records(path: Path) -> list[Any]:
    """The records of an offline run: a log in the format of LevelDB after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, block = path.read_bytes(), 7, 32768
    records, parts = [], b""
    while at + 7 <= len(content):
        if block - at % block < 7:
            at += block - at % block
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last of several parts
            records.append(Record.FromString(parts))
            parts = b""
    return records


def wandb_runs(project: Project, study: str = "study") -> list[list[Any]]:
    files = (project.root / f"studies/{study}/logs/wandb").glob("offline-run-*/*.wandb")
    return [wandb_records(path) for path in sorted(files)]


@pytest.fixture(scope="module")
def ended(shared_project: Project) -> Project:
    """A study whose trials ended in three ways: one done, one pruned, two failed."""
    path = shared_project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"width": 8, "when": 1}},
        trainer={"max_epochs": 4, **CPU},
        space={LR: {"choice": [0.2, 0.000001]}, MODE: {"choice": ["fine", "raise"]}},
        sampler="grid",
        pruner={"name": "threshold", "upper": 0.9, "n_warmup_steps": 2},
        budget={"trials": 4},
        logger=LOGGERS,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_API_KEY", SECRET)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        result = shared_project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sorted(shared_project.states()) == ["COMPLETE", "FAIL", "FAIL", "PRUNED"]
    return shared_project


def params_of(project: Project, number: int) -> dict[str, Any]:
    config = yaml.safe_load(
        (project.root / f"studies/study/trials/{number:04d}/config.yaml").read_text()
    )
    return {path: config["model"]["init_args"][path.split(".")[-1]] for path in (LR, MODE)}


def final_values(project: Project) -> list[float]:
    """What each trial should end with: its best value if it is done, else its last one."""
    curves = project.curves()
    return [
        min(curves[n].values()) if state == "COMPLETE" else curves[n][max(curves[n])]
        for n, state in enumerate(project.states())
    ]


def test_csv_has_curve_final_value_and_hyperparameters(ended: Project) -> None:
    for number, value in enumerate(final_values(ended)):
        assert list(logged(ended, number, "val_loss").values()) == list(
            ended.curves()[number].values()
        )
        assert list(logged(ended, number, "final/val_loss").values()) == [value]
        folder = ended.root / f"studies/study/trials/{number:04d}/logs"
        hparams = yaml.safe_load((folder / "hparams.yaml").read_text())
        assert params_of(ended, number).items() <= hparams.items()
        assert (hparams["effective_batch"], hparams["seed_everything"]) == (8, 1)


def test_tensorboard_has_hyperparameters_with_the_final_value(ended: Project) -> None:
    from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

    for number, value in enumerate(final_values(ended)):
        events = tensorboard(ended, number)
        assert [e.value for e in events.Scalars("final/val_loss")] == [pytest.approx(value)]
        assert len(events.Scalars("val_loss")) == len(ended.curves()[number])
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        hparams = parse_session_start_info_plugin_data(content).hparams
        assert hparams[LR].number_value == params_of(ended, number)[LR]
        assert hparams["effective_batch"].number_value == 8


def test_wandb_has_a_closed_run_a_trial_grouped_by_study(ended: Project) -> None:
    runs = wandb_runs(ended)
    assert len(runs) == 4
    codes = {}
    for records in runs:
        (run,) = [record.run for record in records if record.HasField("run")]
        assert (run.run_group, run.project) == ("study", "p")
        (end,) = [record.exit for record in records if record.HasField("exit")]
        codes[int(run.display_name)] = end.exit_code
        summary = {
            (item.key or item.nested_key[0]): json.loads(item.value_json)
            for record in records
            if record.HasField("summary")
            for item in record.summary.update
        }
        state = ended.states()[int(run.display_name)]
        assert summary["cause"] == {"COMPLETE": "done", "PRUNED": "pruned"}.get(state, "error")
    assert codes == {n: int(state == "FAIL") for n, state in enumerate(ended.states())}


def test_mlflow_has_a_closed_run_a_trial_in_the_experiment_of_the_study(ended: Project) -> None:
    runs = mlflow_runs(ended)
    statuses = {"COMPLETE": "FINISHED", "PRUNED": "FINISHED", "FAIL": "FAILED"}
    assert {name: run.status for name, run in runs.items()} == {
        str(n): statuses[state] for n, state in enumerate(ended.states())
    }
    for number, value in enumerate(final_values(ended)):
        run = runs[str(number)]
        assert run.metrics["final/val_loss"] == value
        expected = {path: str(each) for path, each in params_of(ended, number).items()}
        assert expected.items() <= run.params.items()
        assert run.cause in ("done", "pruned", "error")


def test_no_secret_is_below_the_study_folder(ended: Project) -> None:
    files = [path for path in (ended.root / "studies").rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_run_of_an_interrupted_trial_goes_on(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    slow = {
        "model": {"class_path": "tiny.Tiny", "init_args": {"pause": 0.05}},
        "trainer": {"max_epochs": 14, **CPU},
        "budget": {"trials": 1},
    }
    reference = project.study("reference", **slow)
    assert project.run("run", reference, "--quiet").returncode == 0
    path = project.study("study", logger=LOGGERS, **slow)
    for number in (signal.SIGINT, signal.SIGKILL):
        begun, process = project.epochs(), project.start("run", path)
        wait_for(lambda least=begun + 2: project.epochs() >= least, "two more epochs")
        process.send_signal(number)
        process.communicate(timeout=60)
    assert project.run("run", path, "--quiet").returncode == 0
    # the loggers change no value, and no row is missing or there twice
    assert project.curves() == project.curves("reference")
    assert logged(project, 0, "val_loss") == logged(project, 0, "val_loss", "reference")
    steps = [row["step"] for row in rows_of(project, 0)]
    assert steps == [row["step"] for row in rows_of(project, 0, "reference")]
    in_tensorboard = [e.step for e in tensorboard(project, 0).Scalars("val_loss")]
    assert in_tensorboard == list(logged(project, 0, "val_loss"))
    (run,) = mlflow_runs(project).values()
    assert (run.status, run.cause) == ("FINISHED", "done")
    attempts = wandb_runs(project)
    assert len(attempts) == 3
    assert len({r.run.run_id for records in attempts for r in records if r.HasField("run")}) == 1


def test_logger_that_cannot_be_made_is_found_before_any_trial(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    path = project.study(logger=[{"name": "csv", "save_dirs": "x"}, "wandb"])
    result = project.run("run", path)
    assert result.returncode == 2
    assert result.stderr == (
        f"{path}: logger.save_dirs: csv has no such option. Did you mean save_dir?\n"
        f"{path}: logger: wandb has no API key here. Run `wandb login`, or stay offline with "
        "logger: {name: wandb, offline: true}.\n"
    )
    assert not (project.root / "studies").exists()


def test_missing_extra_is_told_with_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    study_file = parse_study_tree(given(["csv", "mlflow"]), source="s", default_name="s")
    check_loggers(study_file, "s.yaml")
    # neither its packages nor this one are found: a clone that was never installed
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(StudyFileError) as raised:
        check_loggers(study_file, "s.yaml")
    assert str(raised.value) == (
        's.yaml: logger: mlflow is not installed. Run: pip install ".[mlflow]"'
    )
    own = given(["csv", "mlflow"]) | {"trainer": {"logger": False}}
    check_loggers(parse_study_tree(own, source="s", default_name="s"), "s.yaml")


def test_password_in_an_option_is_refused() -> None:
    logger = {"name": "mlflow", "tracking_uri": f"https://me:{SECRET}@host"}
    study_file = parse_study_tree(given(logger), source="s", default_name="s")
    with pytest.raises(StudyFileError) as raised:
        check_loggers(study_file, "s.yaml")
    assert str(raised.value) == (
        "s.yaml: logger.tracking_uri: holds a password, which the study would write down. "
        "Leave it out and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    )


@pytest.mark.parametrize(
    ("logger", "line"),
    [
        ("tensorbord", "logger: there is no tensorbord. Did you mean tensorboard?"),
        (["csv", "CSV"], "logger: csv is named twice. Keep one of them."),
        (
            3,
            "logger: must be a name, or a mapping with a name and options, got 3. "
            "Write logger: csv, or logger: [csv, {name: wandb, project: digits}].",
        ),
    ],
)
def test_mistake_in_the_section_is_told(logger: Any, line: str) -> None:
    with pytest.raises(StudyFileError) as raised:
        parse_study_tree(given(logger), source="s.yaml", default_name="s")
    assert str(raised.value) == f"s.yaml: {line}"


def given(logger: Any) -> dict[str, Any]:
    return {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {LR: {"float": [0.1, 1.0]}},
        "logger": logger,
    }
