"""What is wrong with the arguments is told in one line, before anything is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

import search
from search.errors import UserError

SPACE = {"model.lr": search.Log(1e-3, 1e-1)}


class Net:
    """Only its name matters here: nothing is imported before a study runs."""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"model": Net()}, "Study: model: must be a class, of which each trial makes its own, got an instance of Net. Write model=MyModule, a LightningModule class of your own."),
        ({"model": Net, "trainer": {"callbacks": [Net()]}}, "Study: trainer.callbacks.0: must be a plain value, a class, or {class_path, init_args}, got an instance of Net. Write {'class_path': Net, 'init_args': {...}}."),
        ({"model": Net, "model_args": {"loss": lambda x: x}}, "Study: model.init_args.loss: a lambda has no name by which a trial can import it. Define a function at the top of a file, and give that."),
        ({"model": Net, "trainr": {}}, "Study: trainr: no such key. Did you mean trainer?"),
        ({"model": Net, "data": 3}, "Study: data: must be a class, of which each trial makes its own, got an instance of int. Write data=MyDataModule, a LightningDataModule class of your own."),
        ({"model": Net, "objective": ["a", "b"], "metric": None, "direction": "minimize"}, "Study: direction: is of one objective, got an instance of list. Leave it out, and write objective=[{'metric': 'val_loss', 'direction': 'minimize'}, ...]."),
        ({"model": Net, "objective": 3}, "Study: metric: is of one objective, got an instance of int. Leave it out, and write objective="),
        ({"model": Net, "space": {"model.lr": 3}}, "Study: space.model.init_args.lr: must be {float: [low, high]}"),
    ],
)  # fmt: skip
def test_wrong_arguments(arguments: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as caught:
        search.Study(**{"space": SPACE, "metric": "val_loss", **arguments})
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("objective", [None, "val_acc", {"metric": "val_acc"}])
def test_direction_is_laid_over_the_objective_however_it_is_written(
    tmp_path: Path, objective: Any
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "model: {class_path: nets.Net}\nobjective: val_acc\nspace: {model.lr: {float: [0, 1]}}\n"
    )
    study = search.Study(path, objective=objective, direction="maximize")
    assert study._study_file.to_tree()["objective"]["metric"] == "val_acc"
    assert study._study_file.to_tree()["objective"]["direction"] == "maximize"


def test_class_inside_a_function() -> None:
    class Inner:
        pass

    with pytest.raises(UserError) as caught:
        search.Study(model=Inner, space=SPACE, metric="val_loss")
    assert str(caught.value) == (
        "Study: model.class_path: Inner is defined inside a function, where a trial cannot import "
        "it. Move it to the top of its file."
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"trials": 0}, "trials: must be a number from 1, got 0. Write trials=50."),
        ({"workers": 0}, "workers: must be a number from 1 or auto, got 0. Write workers=2."),
        ({"total_epochs": True}, "total_epochs: must be a number from 1, got True. Write total_epochs=50."),
        ({"cost": "free"}, "cost: must be a duration above 0, got free. Write 90s, 30m, 8h or 2d."),
        ({"target": "low"}, "target: must be a number, got low. Write target=0.1."),
        ({"target": float("inf")}, "target: must be a finite number, got inf. Write target=0.1."),
        ({"on": "pbs"}, "on: there is no pbs. It may be slurm, ray, here."),
        ({"on": "slrum"}, "on: there is no slrum. Did you mean slurm?"),
        ({"on": "ray://head"}, "on: must be ray://HOST:PORT, got ray://head. Write ray://host:10001."),
        ({"on": 3}, "on: there is no 3. It may be slurm, ray, here."),
        ({"timeout": "soon"}, "timeout: must be a duration above 0, got soon. Write 90s, 30m, 8h or 2d."),
    ],
)  # fmt: skip
def test_wrong_run(tmp_path: Path, arguments: dict[str, Any], line: str) -> None:
    study = search.Study(model=Net, space=SPACE, metric="val_loss", studies=tmp_path)
    with pytest.raises(UserError) as caught:
        study.run(**arguments)
    assert str(caught.value) == line
    assert not study.folder.exists()


def test_study_that_was_never_run(tmp_path: Path) -> None:
    study = search.Study(model=Net, space=SPACE, metric="val_loss", studies=tmp_path)
    assert study.name == "net"
    assert study._repr_html_() == "<p><b>net</b>: not run yet</p>"
    with pytest.raises(UserError) as caught:
        study.best  # noqa: B018
    assert (
        str(caught.value) == f"{tmp_path / 'net'}: holds no study yet. Start it with study.run()."
    )


def test_numbers_of_numpy_and_paths_are_written_plainly(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    arguments = {"width": numpy.int64(3), "rate": numpy.float64(0.5), "root": tmp_path}
    study = search.Study(model=Net, model_args=arguments, space=SPACE, metric="val_loss")
    from search.plain.yaml import dump_yaml

    text = dump_yaml(study._study_file.to_tree())
    assert "width: 3\n" in text
    assert "rate: 0.5\n" in text
    assert f"root: {tmp_path}\n" in text


PROMPT = """
class Net: pass
import search
search.Study(model=Net, space={"model.lr": search.Log(1e-3, 1e-1)}, metric="val_loss")
"""


def last_line(project: Project, *command: str, stdin: str = "") -> str:
    result = subprocess.run(
        [sys.executable, *command],
        input=stdin,
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    return result.stderr.splitlines()[-1].removeprefix("search.errors.UserError: ")


def test_class_of_the_prompt_or_of_a_pipe(project: Project) -> None:
    line = (
        "Study: model.class_path: Net is defined in a notebook's cell or at the prompt, where a "
        "trial cannot import it. Begin its cell with `%%writefile net.py`, run it, then "
        "`from net import Net`."
    )
    assert last_line(project, "-c", PROMPT) == line
    assert last_line(project, "-", stdin=PROMPT) == line


def test_script_whose_name_is_no_modules(project: Project) -> None:
    (project.root / "my-script.py").write_text(PROMPT)
    assert last_line(project, "my-script.py") == (
        "Study: model.class_path: Net is defined in my-script.py, which no trial can import by "
        "that name. Rename the file to my_script.py."
    )
