"""`search init` of scripts: what is proposed runs as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import Project
from own_scripts import TRAIN

NO_SCRIPT = "class Net: pass\n"
ARGUMENTS = TRAIN[TRAIN.index("    parser = ") : TRAIN.index("    pl.seed_everything")]
TYPER = TRAIN.replace(ARGUMENTS, "").replace("import argparse", "import enum\nimport typer")
for OPTION in ("hidden_dim", "lr", "dropout", "batch_size", "epochs", "seed"):
    TYPER = TYPER.replace(f"args.{OPTION}", OPTION)
TYPER = TYPER.replace(
    "def main():",
    """class Act(str, enum.Enum):
    relu = "relu"
    tanh = "tanh"


app = typer.Typer()


@app.command()
def evaluate(checkpoint: str):
    ...


@app.command()
def train(folder: str, hidden_dim: int = 8, lr: float = 1e-2, dropout: float = 0.1,
          batch_size: int = 16, max_epochs: int = 2, seed: int = 0, act: Act = Act.relu,
          amp: bool = False):
    epochs = max_epochs
    hidden_dim += act is Act.tanh""",
).replace("    main()", "    app()")
HYDRA = TRAIN.replace(ARGUMENTS, "").replace("import argparse", "import hydra")
HYDRA = HYDRA.replace(
    "def main():",
    '@hydra.main(version_base=None, config_path="conf", config_name="config")\ndef main(cfg):',
)
HYDRA = HYDRA.replace("args.hidden_dim, args.lr, args.dropout", "**cfg.model")
HYDRA = HYDRA.replace("args.", "cfg.").replace("cfg.epochs", "cfg.trainer.max_epochs")
CONFIGS = {
    "config.yaml": "defaults: [_self_, model: small]\nbatch_size: 16\nseed: 0\n"
    "trainer: {max_epochs: 2}\n",
    "model/small.yaml": "hidden: 4\nlr: 0.01\ndropout: 0.1\n",
    "model/large.yaml": "hidden: 16\nlr: 0.01\ndropout: 0.3\n",
}


def proposed(project: Project, *arguments: str) -> dict[str, dict[str, object]]:
    """The tree of the study file that is proposed, which runs right after."""
    made = project.run("init", *arguments)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == "Next: search check study.yaml"
    tree: dict[str, dict[str, object]] = yaml.safe_load((project.root / "study.yaml").read_text())
    return tree


def trained(project: Project) -> None:
    result = project.run("run", "study.yaml", "--trials", "1")
    assert result.returncode == 0, result.stderr
    assert project.states() == ["COMPLETE"]


def test_script_with_argparse(project: Project) -> None:
    (project.root / "train.py").write_text(TRAIN)
    tree = proposed(project, "train.py")
    assert tree["script"] == "train.py"
    assert tree["arguments"] == {"--epochs": 2}
    assert tree["objective"] == {"metric": "val_mse", "direction": "minimize"}
    assert list(tree["space"]) == ["--hidden-dim", "--lr", "--dropout"]
    assert tree["space"]["--dropout"] == {"float": [0.0, 0.6]}
    text = (project.root / "study.yaml").read_text()
    assert "# batch: {argument: --batch-size, auto_scale: binsearch}" in text
    assert "  # --seed: 0 " in text
    trained(project)


def test_module_with_typer_and_several_commands(project: Project) -> None:
    (project.root / "my_pkg").mkdir()
    (project.root / "my_pkg/__init__.py").touch()
    (project.root / "my_pkg/train.py").write_text(TYPER)
    tree = proposed(project, "-m", "my_pkg.train")
    assert tree["module"] == "my_pkg.train"
    assert tree["arguments"] == {"command": "train", "--max-epochs": 2}
    assert list(tree["space"]) == ["--hidden-dim", "--lr", "--dropout", "--act"]
    study = project.root / "study.yaml"
    text = study.read_text()
    assert "  # folder: ... " in text
    assert "  # --amp/--no-amp: false " in text
    for word in ("my_pkg.train", "python -m my_pkg.train"):
        assert proposed(project, word, "--force") == tree
    study.write_text(text.replace("  # folder: ...", "  folder: here", 1))
    trained(project)


def test_script_of_hydra(project: Project) -> None:
    (project.root / "train.py").write_text(HYDRA)
    for name, config in CONFIGS.items():
        path = project.root / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config)
    before = {path.name for path in project.root.iterdir()}
    tree = proposed(project, "train.py")
    assert {path.name for path in project.root.iterdir()} - before <= {"study.yaml", "__pycache__"}
    assert tree["hydra"] == {"overrides": []}
    assert tree["arguments"] == {"trainer.max_epochs": 2}
    assert list(tree["space"]) == ["model.hidden", "model.lr", "model.dropout"]
    assert "  # model: {choice: [large, small]} " in (project.root / "study.yaml").read_text()
    trained(project)


LISTS = TRAIN.replace(
    '"--hidden-dim", type=int, default=8', '"--dims", type=int, nargs="+", default=[8]'
)
LISTS = LISTS.replace("args.hidden_dim", "sum(args.dims)").replace(
    '    parser.add_argument("--batch-size"',
    """    parser.add_argument("--data", required=True)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("evaluate")
    parser = commands.add_parser("train")
    parser.add_argument("--tag", action="append")
    parser.add_argument("--batch-size\"""",
)
LISTS = LISTS.replace("args = parser", "args = whole").replace(
    "    commands =", "    whole, commands = parser,"
)


def test_command_is_proposed_with_what_stands_before_it(project: Project) -> None:
    (project.root / "train.py").write_text(LISTS)
    made = project.run("init", "train.py")
    assert "study.yaml: --data has no default. Give it a value before you go on." in made.stdout
    study = project.root / "study.yaml"
    text = study.read_text()
    assert yaml.safe_load(text)["arguments"] == {"command": "train", "--epochs": 2}
    told = [line for line in text.splitlines() if line.startswith("  # ")]
    assert told[:3] == [
        "  # left out: --data (required), --dims, --lr, --dropout",
        "  # they stand before the command, where no searched value can; fixed ones can, as",
        "  # command: [--data, VALUE, train]",
    ]
    given = "  command: [--data, here, --dims, 4, 4, --lr, 0.1, train]"
    lines = [given if line.startswith("  command: ") else line for line in text.splitlines()]
    study.write_text("\n".join(lines))
    trained(project)


def test_list_is_searched_as_its_line_says(project: Project) -> None:
    script = LISTS.replace('parser.add_argument("--data", required=True)\n', "pass\n")
    script = (
        script[: script.index("    whole, commands")]
        + script[script.index('    parser.add_argument("--batch') :]
    )
    (project.root / "train.py").write_text(script.replace("whole.", "parser."))
    proposed(project, "train.py")
    study = project.root / "study.yaml"
    text = study.read_text()
    (line,) = [each for each in text.splitlines() if each.startswith("  # --dims: ")]
    assert line.startswith("  # --dims: [8] ")
    way = line.partition("as in ")[2]
    study.write_text(text.replace(line, f"  --dims: {way}"))
    trained(project)
    config = yaml.safe_load((project.root / "studies/study/trials/0000/config.yaml").read_text())
    assert config["arguments"]["--dims"] in ([1, 2], [3])


def test_values_that_hydra_must_be_given_are_asked_for(project: Project) -> None:
    for name, text in CONFIGS.items():
        path = project.root / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("model: small", "model: '???'").replace("lr: 0.01", "lr: ???"))
    (project.root / "train.py").write_text(HYDRA)
    made = project.run("init", "train.py")
    asked = [line for line in made.stdout.splitlines() if line.endswith("before you go on.")]
    assert [line.split()[1] for line in asked] == ["model", "model.lr"]
    study = project.root / "study.yaml"
    text = study.read_text()
    lines = text.splitlines()
    (group,) = [each for each in lines if each.startswith("  # model: ...")]
    assert group.endswith("# one of large, small, required: fill it in")
    (rate,) = [each for each in lines if each.startswith("  # model.lr: {")]
    refused = project.run("check", "study.yaml")
    assert refused.returncode == 2 and "You must specify 'model'" in refused.stderr
    study.write_text(text.replace(group, "  model: small").replace(rate, rate.replace("# ", "", 1)))
    trained(project)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["trian.py"], "trian.py: no such file. Write the path of the script from here."),
        (
            ["train.py", "--data", "data:Data"],
            "--data: a script makes that itself, got data:Data. Leave it out.",
        ),
        (
            ["train.py"],
            "init: script: train.py has no parser (argparse, click, typer, fire, jsonargparse or "
            "Hydra), and never reaches Trainer.fit. Name the file that you train with, or a class, "
            "as in `search init my_package.module:MyModule`.",
        ),
        (
            ["-m", "my_pkg.train"],
            "init: script: there is no module my_pkg.train to run. Write module: my_package.train.",
        ),
    ],
)
def test_mistakes_get_their_line(project: Project, arguments: list[str], line: str) -> None:
    (project.root / "train.py").write_text(NO_SCRIPT)
    result = project.run("init", *arguments)
    assert (result.returncode, result.stderr) == (2, f"{line}\n")
    assert not Path(project.root / "study.yaml").exists()
