"""`search run` and what it leaves, with real trials."""

from __future__ import annotations

import json

import pytest
import yaml
from conftest import Project, plain


@pytest.fixture(scope="module")
def finished(shared_project: Project) -> Project:
    """The shipped default study, shortened, run with two workers."""
    result = shared_project.run(
        "run", "--trials", "4", "--workers", "2", "--set", "trainer.max_epochs=3"
    )
    assert result.returncode == 0, result.stderr
    return shared_project


def test_run_without_a_study_file_trains_the_shipped_study(finished: Project) -> None:
    states = finished.states("autoencoder")
    assert len(states) == 4
    assert set(states) <= {"COMPLETE", "PRUNED"}


def test_run_again_does_nothing(finished: Project) -> None:
    before = finished.query("SELECT * FROM trials", "autoencoder")
    result = finished.run("run", "--trials", "4", "--set", "trainer.max_epochs=3")
    assert result.returncode == 0
    assert finished.query("SELECT * FROM trials", "autoencoder") == before
    assert "study autoencoder finished: 4 of 4 trials" in result.stdout


def test_trial_folder_holds_its_complete_configuration(finished: Project) -> None:
    folder = finished.root / "studies/autoencoder/trials/0000"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["model"]["class_path"] == "search.models.LitAutoEncoder"
    assert config["trainer"]["max_epochs"] == 3
    assert config["data"]["init_args"]["batch_size"] == 64
    assert {"config.yaml", "events.jsonl", "log.txt", "last.ckpt", "best.ckpt"} <= {
        path.name for path in folder.iterdir()
    }


def test_micro_batches_are_probed_once_for_each_latent_size(finished: Project) -> None:
    sizes = {
        row[0]
        for row in finished.query(
            "SELECT param_value FROM trial_params WHERE param_name LIKE '%latent_size'",
            "autoencoder",
        )
    }
    probes = list((finished.root / "studies/autoencoder/probes").iterdir())
    assert len(probes) == len(sizes)


def test_status_shows_the_study(finished: Project) -> None:
    result = finished.run("status")
    assert result.returncode == 0
    line = plain(result.stdout.splitlines()[1])
    assert line.startswith("autoencoder finished 4/4 ")
    assert "val_loss ↓" in line


def test_status_as_json(finished: Project) -> None:
    (study,) = json.loads(finished.run("status", "--json").stdout)
    assert study["study"] == "autoencoder"
    assert study["state"] == "finished"
    assert study["best"]["value"] > 0


def test_show_tells_one_trial(finished: Project) -> None:
    text = plain(finished.run("show", "0", "-s", "autoencoder").stdout)
    assert text.startswith("autoencoder, trial 0 ")
    assert "model.init_args.lr 0.001" in text
    assert "64 micro-batch × 8 accumulated = 512 effective" in text
    assert "studies/autoencoder/trials/0000/log.txt" in text


def test_show_of_an_unknown_trial_names_those_there_are(finished: Project) -> None:
    result = finished.run("show", "17", "-s", "autoencoder")
    assert result.returncode == 2
    assert result.stderr == "autoencoder: no trial 17. Its trials are 0 to 3.\n"


def test_best_value_is_that_of_its_checkpoint(finished: Project) -> None:
    import torch

    best = json.loads(finished.run("best", "--json").stdout)
    state = torch.load(finished.root / best["checkpoint"], weights_only=True)
    (kept,) = [
        value["best"] for key, value in state["callbacks"].items() if "CheckpointKeeper" in key
    ]
    assert kept == best["value"] == min(best["curve"].values())


def test_unknown_study_gets_a_did_you_mean(finished: Project) -> None:
    result = finished.run("best", "-s", "autoencodr")
    assert result.returncode == 2
    assert result.stderr == "autoencodr: no such study in studies. Did you mean autoencoder?\n"


def test_report_is_one_file(finished: Project) -> None:
    result = finished.run("report", "-s", "autoencoder")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "studies/autoencoder/report.html\n"
    page = (finished.root / "studies/autoencoder/report.html").read_text()
    assert "autoencoder" in page
    assert page.count("plotly.js v") <= 2


def test_single_figure_as_json(finished: Project) -> None:
    result = finished.run("report", "--figure", "history", "--format", "json", "-o", "history.json")
    assert result.returncode == 0, result.stderr
    assert json.loads((finished.root / "history.json").read_text())["data"]


def test_export_as_csv_has_a_row_a_trial(finished: Project) -> None:
    lines = finished.run("export", "-s", "autoencoder", "--format", "csv").stdout.splitlines()
    assert len(lines) == 5
    assert "model.init_args.lr" in lines[0]


def test_changed_study_file_is_refused_and_nothing_is_spent(finished: Project) -> None:
    result = finished.run(
        "run",
        "--trials",
        "9",
        "--set",
        "trainer.max_epochs=3",
        "--set",
        "objective.direction=maximize",
    )
    assert result.returncode == 2
    assert result.stderr == (
        "studies/autoencoder/study.yaml: objective.direction: was minimize, is maximize.\n"
        "studies/autoencoder: a study cannot change under way. "
        "Undo the change, or give the new study another name (--name, in Python name=).\n"
    )
    assert len(finished.states("autoencoder")) == 4


def test_optuna_opens_the_database_as_it_is(finished: Project) -> None:
    import optuna

    path = finished.root / "studies/autoencoder/study.db"
    study = optuna.load_study(study_name="autoencoder", storage=f"sqlite:///{path}")
    best = json.loads(finished.run("best", "--json").stdout)
    assert study.best_value == best["value"]
    assert study.best_trial.number == best["number"]


def test_two_workers_run_at_the_same_time(finished: Project) -> None:
    spans = []
    for number in range(2):
        events = {event["event"]: event["time"] for event in finished.events(number, "autoencoder")}
        spans.append((events["attempt_started"], events["attempt_ended"]))
    assert max(start for start, _ in spans) < min(end for _, end in spans)


def test_resume_raises_the_total(finished: Project) -> None:
    result = finished.run("resume", "studies/autoencoder", "--trials", "5", "--json")
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e["number"] for e in events if e["event"] == "trial_ended"] == [4]
    assert events[-1]["event"] == "study_ended"
    assert len(finished.states("autoencoder")) == 5


def test_check_is_repeated_only_where_something_has_changed(project: Project) -> None:
    path = project.study(budget={"trials": 1})
    again = "loading torch, then one training step to check the study file"
    known = "loading torch; the study file was checked before"
    assert again + "\n" in project.run("run", path).stdout
    assert known in project.run("run", path, "--trials", "2").stdout
    assert known in project.run("resume", "study", "--trials", "3").stdout
    module = project.root / "tiny.py"
    module.write_text(module.read_text() + "\n")
    result = project.run("run", path, "--trials", "4")
    assert f"{again} again: tiny.py has changed" in result.stdout
    assert project.states() == ["COMPLETE"] * 4


def test_resume_never_creates(project: Project) -> None:
    result = project.run("resume", "nothing")
    assert result.returncode == 2
    assert result.stderr == ("nothing: no such study in studies. Start one with `search run`.\n")
    assert not (project.root / "studies").exists()


def test_quiet_prints_nothing(project: Project) -> None:
    result = project.run("run", project.study(), "--trials", "1", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_same_seed_gives_the_same_trials_and_values(project: Project) -> None:
    path = project.study()
    assert project.run("run", path, "--name", "a", "--quiet").returncode == 0
    assert project.run("run", path, "--name", "b", "--quiet").returncode == 0
    assert project.curves("a") == project.curves("b")
    assert len(project.curves("a")) == 3


def test_maximised_metric_keeps_the_largest(project: Project) -> None:
    path = project.study(objective={"metric": "val_score", "direction": "maximize"})
    assert project.run("run", path, "--quiet").returncode == 0
    best = json.loads(project.run("best", "--json").stdout)
    assert best["value"] == max(max(curve.values()) for curve in project.curves().values())


def test_last_value_is_the_objective_where_asked(project: Project) -> None:
    path = project.study(
        objective={"metric": "val_loss", "value": "last"},
        space={"model.init_args.lr": {"float": [0.2, 0.4]}},
        trainer={"max_epochs": 5, "accelerator": "cpu"},
    )
    assert project.run("run", path, "--trials", "2", "--quiet").returncode == 0
    values = dict(
        project.query("SELECT number, value FROM trials JOIN trial_values USING (trial_id)")
    )
    assert values == {number: curve[5] for number, curve in project.curves().items()}


def test_timeout_stops_the_run_and_keeps_what_runs(project: Project) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"pause": 0.05}},
        trainer={"max_epochs": 1000, "accelerator": "cpu"},
    )
    # it counts from the start of the command, which loads torch
    result = project.run("run", path, "--timeout", "30s")
    assert result.returncode == 1
    assert result.stderr == (
        "study: no trial was finished within the time limit of 30 s. Run the same command again, "
        "or give it longer with --timeout.\n"
    )
    assert "stopped at its time limit" in result.stdout
    assert project.states() == ["WAITING"]


def test_grid_ends_with_its_last_combination(project: Project) -> None:
    path = project.study(
        sampler="grid",
        space={
            "model.init_args.lr": {"choice": [0.01, 0.1]},
            "model.init_args.width": {"choice": [2, 4]},
        },
    )
    result = project.run("run", path, "--trials", "50")
    assert result.returncode == 0, result.stderr
    assert "grid: the space has 4 combinations, one trial each" in result.stdout
    params = project.query(
        "SELECT number, group_concat(param_value) FROM trials JOIN trial_params USING (trial_id) "
        "GROUP BY number"
    )
    assert len({combination for _, combination in params}) == len(params) == 4


def test_resume_finds_the_classes_beside_the_study_file_it_was_run_from(project: Project) -> None:
    elsewhere = project.root / "elsewhere"
    elsewhere.mkdir()
    (project.root / "tiny.py").rename(elsewhere / "own_tiny.py")
    path = project.study(model={"class_path": "own_tiny.Tiny"}, budget={"trials": 1})
    path = path.rename(elsewhere / path.name)
    assert project.run("run", path, "--quiet").returncode == 0
    result = project.run("resume", "study", "--trials", "2", "--quiet")
    assert result.returncode == 0, result.stderr
    assert project.states() == ["COMPLETE", "COMPLETE"]
