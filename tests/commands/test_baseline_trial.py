"""A study that is run begins with the values of its configuration, and says so."""

from __future__ import annotations

from conftest import Project

MODEL = {"class_path": "tiny.Tiny", "init_args": {"lr": 0.05}}


def test_trial_0_has_the_configurations_own_values_and_is_told(project: Project) -> None:
    path = project.study(model=MODEL, budget={"trials": 2})
    ran = project.run("run", path)
    assert ran.returncode == 0, ran.stderr
    note = "trial 0 has the configuration's own values of model.init_args.lr"
    assert note in ran.stdout + ran.stderr
    shown = project.run("show", "study", "0").stdout
    assert "all values are those of the configuration" in shown
    assert "baseline" not in project.run("show", "study", "1").stdout
    lr, other = (project.events(number)[0]["params"]["model.init_args.lr"] for number in (0, 1))
    assert lr == 0.05 != other
    assert project.events(0)[0]["baseline"] == ["model.init_args.lr"]
