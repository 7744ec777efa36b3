"""The study file of a script: its keys, those of the other kind, and the rules of its paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.errors import StudyFileError
from search.plain.yaml import parse_yaml
from search.study_file.differences import differences
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.schema import StudyFile
from search.study_file.transfer import Fitting

OBJECTIVE = "objective: val_loss\n"
SCRIPT = f"script: train.py\n{OBJECTIVE}space: {{--lr: {{float: [0.1, 1]}}}}\n"
CLASSES = f"model: {{class_path: a.Net}}\n{OBJECTIVE}space: {{model.lr: {{float: [0.1, 1]}}}}\n"


@pytest.fixture(autouse=True)
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "train.py"


def parsed(text: str) -> StudyFile:
    return parse_study_tree(parse_yaml(text, "s.yaml"), source="s.yaml", default_name="s")


def problems(text: str) -> list[str]:
    with pytest.raises(StudyFileError) as caught:
        parsed(text)
    return [line.removeprefix("s.yaml: ") for line in caught.value.problems]


OWN = "the script makes its own {}. Remove it, and search the script's arguments."


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("model: {class_path: a.Net}", f"model: {OWN.format('model')}"),
        ("data: a.Data", f"data: {OWN.format('data')}"),
        ("optimizer: torch.optim.Adam", f"optimizer: {OWN.format('optimizer')}"),
        ("cli: train:main", "cli: the script reads its own command line. Remove cli, and write what it reads under arguments; or remove script, for the LightningCLI."),
        ("base: config.yaml", "base: no LightningCLI reads it. Remove base, and give the file to the script as it takes one, such as arguments: {--config: config.yaml}; or remove script, for the LightningCLI."),
        ("ckpt_path: a.ckpt", "ckpt_path: the script gives trainer.fit its own. Remove it."),
        ("module: my_package.train", "module: is another way to name the script. Keep script or module."),
        ("batch: power", "batch.auto_scale: needs the script's argument for the batch size. Write batch: {argument: --batch-size, auto_scale: power}."),
        ("argument: {--a: 1}", "argument: no such key. Did you mean arguments?"),
        ("hydra: {override: [a=1]}", "hydra.override: no such key. Did you mean overrides?"),
        ("hydra: {overrides: [a=1, -m]}", "hydra: -m makes Hydra run several jobs, and a trial is one. Remove it, and search what it sweeps over."),
        ("hydra: {overrides: [hydra.mode=MULTIRUN]}", "hydra: hydra.mode=MULTIRUN makes Hydra run several jobs, and a trial is one. Remove it, and search what it sweeps over."),
        ("arguments: {--multirun: true}", "arguments: --multirun makes Hydra run several jobs, and a trial is one. Remove it."),
        ("arguments: {hydra.mode: MULTIRUN}", "arguments: hydra.mode makes Hydra run several jobs, and a trial is one. Remove it."),
        ("arguments: [--lr]", "arguments: must be a mapping, got [--lr]. Write arguments: {--data-dir: ./data}."),
        ("args: {--a: 1}", "args: no such key. Write arguments: {--data-dir: ./data}."),
        ("overrides: [a=1]", "overrides: no such key. Write hydra: {overrides: [experiment=example]}."),
        ("fit: 0", "fit: must be at least 1, got 0. Write fit: 1."),
    ],
)  # fmt: skip
def test_key_that_a_script_has_not_gets_its_line(more: str, line: str) -> None:
    assert problems(f"{SCRIPT}{more}\n") == [line]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("arguments: {--a: 1}", "arguments: are those of a script, and there is none. Add script: train.py; arguments of a class stand under model: {init_args: ...}."),
        ("hydra: true", "hydra: is for a script that reads Hydra's overrides, and there is none. Add script: train.py."),
        ("fit: 2", "fit: is the number of a script's fit, and there is none. Add script: train.py, or remove it."),
        ("batch: {argument: --bs, max: 8}", "batch.argument: names a script's argument, and there is none. Remove it: the batch size of classes is the batch_size that data or model take."),
    ],
)  # fmt: skip
def test_key_of_a_script_beside_classes_gets_its_line(more: str, line: str) -> None:
    assert problems(f"{CLASSES}{more}\n") == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"script: train.py\n{OBJECTIVE}", "space: is missing. Add"),
        (SCRIPT.replace("{float: [0.1, 1]}", "auto"), "space.arguments.--lr: is auto, and a script has no annotations. Write"),
    ],
)  # fmt: skip
def test_range_of_a_script_is_written_in_its_study_file(text: str, line: str) -> None:
    assert problems(text) == [f"{line} space: {{--lr: {{float: [1e-4, 1e-1], log: true}}}}."]


SCALED = f"{SCRIPT}batch: {{argument: --bs, auto_scale: power}}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SCALED.replace("--lr", "--bs").replace("float: [0.1, 1]", "int: [1, 8]"), "space.arguments.--bs: is found by batch.auto_scale. Search it, or scale it; set batch.auto_scale: off to search it."),
        (f"{SCALED}derive: {{--bs: --lr * 2}}\n", "derive.arguments.--bs: is found by batch.auto_scale. Set batch.auto_scale: off."),
        (f"{SCALED}arguments: {{--bs: 4}}\nconstraints: [--lr * --bs < 3]\n", "constraints.0: arguments.--bs is found by batch.auto_scale, once a trial is sampled. Limit it with batch.max, or set batch.auto_scale: off."),
    ],
)  # fmt: skip
def test_probed_argument_is_neither_searched_nor_derived_nor_limited(text: str, line: str) -> None:
    assert problems(text) == [line]


OPTIONS = """\
script: train.py
arguments: {--data: here, --depth: 1}
objective: val_loss
space:
  --lr: {float: [0.1, 1]}
  --width: {int: [1, 8]}
  --opt: {choice: {adam: {value: adam}, sgd: {value: sgd, space: {--momentum: {float: [0, 1]}}}}}
  size: {choice: {small: {value: {--hidden: 8, --depth: 2}}, large: {value: {--hidden: 64}}}}
  --dropout: {float: [0, 1], when: {size: large, --opt: adam}}
  trainer.gradient_clip_val: {float: [0.1, 1], when: {--opt: sgd}}
constraints: ["--width * --hidden < 300", "--opt[sgd].--momentum > --lr / 2"]
derive: {--out: --hidden // 2}
enqueue: [{--lr: 0.5, size: small}, {--opt: sgd, "--opt[sgd].--momentum": 0.9}]
"""


def test_rules_and_options_are_written_with_arguments() -> None:
    study_file = parsed(OPTIONS)
    assert "arguments.--opt[sgd].--momentum" in study_file.space
    assert parse_study_tree(study_file.to_tree(), source="s", default_name="s") == study_file
    seen = set()
    for seed in range(40):
        params = study_file.points.random_point({}, str(seed))
        assert params is not None
        config = study_file.points.config(params)
        arguments, size = config["arguments"], params["arguments.size"]
        seen.add((arguments["--opt"], size))
        assert arguments["--data"] == "here"
        assert (arguments["--hidden"], arguments["--depth"]) == {"small": (8, 2), "large": (64, 1)}[
            size
        ]
        assert arguments["--out"] == arguments["--hidden"] // 2
        assert arguments["--width"] * arguments["--hidden"] < 300
        assert ("--momentum" in arguments) == (arguments["--opt"] == "sgd")
        assert ("--dropout" in arguments) == ((arguments["--opt"], size) == ("adam", "large"))
        assert ("gradient_clip_val" in config["trainer"]) == (arguments["--opt"] == "sgd")
        assert not {"size", "--opt[sgd].--momentum"} & set(arguments)
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("constraints: [--hidden >= --lr]", "constraints.0: arguments.--hidden is neither searched nor set. It may be arguments.--lr."),
        ("constraints: [--lr >= --lr-1]", "constraints.0: arguments.--lr-1 is neither searched nor set. Did you mean arguments.--lr?"),
        ("enqueue: [{--lrr: 1}]", "enqueue.0: arguments.--lrr: is not searched. Did you mean arguments.--lr?"),
        ("enqueue: [{--lr: 7}]", "enqueue.0.arguments.--lr: must be a number from 0.1 to 1, got 7. Write 1.0, or widen the range in space."),
        ("derive: {--lr: 1 + 1}", "derive.arguments.--lr: is searched. Search it, or derive it."),
    ],
)  # fmt: skip
def test_rule_of_arguments_that_cannot_hold_gets_its_line(more: str, line: str) -> None:
    assert problems(f"{SCRIPT}{more}\n") == [line]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("model.lr", "space.arguments.model.lr: is no option of a command line. Write --model.lr, or add hydra: true."),
        ("--opt: {choice: {a: {value: a, space: {trainer.max_epochs: {int: [1, 2]}}}, b: {value: b}}}", "space.arguments.--opt[a].trainer.max_epochs: is no argument of the script. Write trainer.max_epochs outside of the choice, with when."),
        ("trainer.logger", "space.trainer.logger: cannot be searched: it changes nothing that is learnt."),
        ("arguments", "space.arguments: names a whole section. Search one argument, such as --lr."),
    ],
)  # fmt: skip
def test_path_that_no_script_has_gets_its_line(path: str, line: str) -> None:
    entry = path if "{" in path else f"{path}: {{float: [0.1, 1]}}"
    assert problems(SCRIPT.replace("--lr: {float: [0.1, 1]}", entry)) == [line]
    if path == "model.lr":
        parsed(SCRIPT.replace("--lr", path) + "hydra: true\n")


def test_another_batch_size_may_be_searched_beside_the_probed_one() -> None:
    text = SCALED.replace("--lr: {float: [0.1, 1]}", "--val.batch_size: {int: [1, 8]}")
    assert list(parsed(text).space) == ["arguments.--val.batch_size"]


@pytest.mark.parametrize("named", ["script: train.py", "module: my_package.train"])
def test_overrides_name_arguments_and_the_keys_of_the_study_file(
    tmp_path: Path, named: str
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SCRIPT.replace("script: train.py", named))
    study_file = load_study_file(
        path,
        set_values=["--epochs=3", "--amp/--no-amp=true", "budget.trials=7", "seed=3", "fit=2"],
        space_values=["--width={int: [1, 8]}", "--lr=off", "trainer.max_epochs={choice: [1, 2]}"],
    )
    assert study_file.sections["arguments"] == {"--epochs": 3, "--amp/--no-amp": True}
    assert list(study_file.space) == ["arguments.--width", "trainer.max_epochs"]
    assert (study_file.budget.trials, study_file.seed, study_file.sections["fit"]) == (7, 3, 2)


def test_overrides_of_hydra_are_arguments_unless_the_study_file_has_the_key(
    tmp_path: Path,
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"{SCRIPT}hydra: true\n")
    given = ["data.batch_size=8", "trainer.max_epochs=2", "pruner=none", "arguments.pruner=x"]
    study_file = load_study_file(path, set_values=given)
    assert study_file.pruner.name == "none"
    assert study_file.sections["arguments"] == {
        "data.batch_size": 8,
        "trainer.max_epochs": 2,
        "pruner": "x",
    }


def test_script_may_lie_beside_the_study_file(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/study.yaml").write_text(SCRIPT.replace("train.py", "../train.py"))
    study_file = load_study_file(Path("sub/study.yaml"))
    assert Path(study_file.script.path).samefile(script)  # type: ignore[attr-defined]
    monkeypatch.chdir(tmp_path / "sub")
    load_study_file(Path("study.yaml"))


def test_what_defines_a_study_of_a_script_is_told_where_it_changed(tmp_path: Path) -> None:
    (tmp_path / "other.py").touch()
    whole = f"{SCRIPT}arguments: {{--data: here}}\nhydra: {{overrides: [a=1]}}\nfit: 2\n"
    changed = (
        whole.replace("script: train.py", "script: other.py")
        .replace("here", "there")
        .replace("a=1", "a=2")
        .replace("fit: 2", "fit: 1")
    )
    assert differences(parsed(whole), parsed(whole + "budget: {trials: 9}\n")) == []
    assert sorted(differences(parsed(whole), parsed(changed))) == [
        "arguments.--data: was here, is there",
        "fit: was 2, is 1",
        "hydra.overrides: was [a=1], is [a=2]",
        "script.path: was train.py, is other.py",
    ]
    assert "script: was not set, is {path: train.py}" in differences(
        parsed(CLASSES), parsed(SCRIPT)
    )


def test_trials_of_a_script_go_on_in_a_child_with_what_they_fit() -> None:
    parent = parsed(OPTIONS)
    narrow = OPTIONS.replace("--lr: {float: [0.1, 1]}", "--lr: {float: [0.1, 0.5]}").replace(
        "--width: {int: [1, 8]}", "--epochs: {int: [1, 9]}"
    )
    narrow = narrow.replace("--data: here", "--data: here, --width: 3")
    child = parsed(narrow.replace("enqueue", "# enqueue").replace("--hidden: 64", "--hidden: 48"))
    fitting = Fitting(parent, child, {"arguments.--epochs": 5})
    lr, width, size, opt = (f"arguments.{name}" for name in ("--lr", "--width", "size", "--opt"))
    point = {lr: 0.3, width: 3, opt: "adam", size: "small"}
    assert fitting.differences == []
    assert fitting.misfits(point) == []
    assert fitting.params(point)["arguments.--epochs"] == 5
    assert fitting.misfits({**point, lr: 0.7}) == [f"{lr} is outside {{float: [0.1, 0.5]}}"]
    assert fitting.misfits({**point, width: 4}) == [f"{width} is not 3"]
    large = {**point, size: "large", "arguments.--dropout": 0.5}
    assert fitting.misfits(large) == [
        "arguments.--hidden: was 64, is 48",
        "arguments.--out: was 32, is 24",
    ]
