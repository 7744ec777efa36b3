"""What a study file may say in short, in the field's other words, or in another tool's form."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from study_file.parsed_sections import TREE, parsed, problem

import search
from search.errors import StudyFileError
from search.plain.installing import install_line
from search.plain.wording import did_you_mean
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.other_words import LOGGER_WORDS, PRUNER_WORDS, SAMPLER_WORDS
from search.study_file.schema import PRUNERS, SAMPLERS


def test_no_message_leaves_its_reader_with_correct_it() -> None:
    bare = re.compile(r"Correct (it|the value|the name|the path|the class_path)\.")
    root = Path(search.__path__[0])
    assert [path for path in root.rglob("*.py") if bare.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ({"objective": "val_loss"}, {"objective": {"metric": "val_loss"}}),
        ({"batch": "off"}, {"batch": {"auto_scale": "off"}}),
        ({"batch": False}, {"batch": {"auto_scale": "off"}}),
        ({"batch": {"auto_scale": False, "max": 8}}, {"batch": {"auto_scale": "off", "max": 8}}),
        ({"batch": "power"}, {"batch": {"auto_scale": "power"}}),
        ({"pruner": "off"}, {"pruner": "none"}),
        ({"pruner": False}, {"pruner": "none"}),
        ({"logger": "off"}, {"logger": []}),
        ({"logger": False}, {"logger": []}),
        ({"optimizer": "torch.optim.Adam"}, {"optimizer": {"class_path": "torch.optim.Adam"}}),
    ],
)
def test_short_form_is_taken(given: dict[str, Any], full: dict[str, Any]) -> None:
    assert parsed(**given) == parsed(**full)


@pytest.mark.parametrize(
    "listed", [["val_loss", "parameters"], [{"metric": "val_loss"}, "parameters"]]
)
@pytest.mark.parametrize("section", ["objective", "objectives"])
def test_list_of_names_is_several_objectives(section: str, listed: list[Any]) -> None:
    tree = {**TREE, section: listed}
    if section == "objectives":
        del tree["objective"]
    study_file = parse_study_tree(tree, source="s", default_name="s")
    assert [each.metric for each in study_file.judged] == ["val_loss", "parameters"]
    assert study_file.pruner.name == "none"


def test_name_of_what_is_maximized_needs_its_direction() -> None:
    assert problem(objective="val_acc") == (
        "objective: val_acc sounds like one to maximize, and a name alone is minimized. "
        "Write {metric: val_acc, direction: maximize}, or direction: minimize."
    )


@pytest.mark.parametrize(
    ("section", "word", "remedy"),
    [
        ("sampler", "bayes", "Write sampler: tpe, which is Bayesian optimization by Parzen estimators, or sampler: gp."),
        ("sampler", "random_search", "Write sampler: random."),
        ("sampler", "grid-search", "Write sampler: grid."),
        ("sampler", "TPESampler", "Did you mean tpe?"),
        ("sampler", "evolutionary", "Write sampler: nsgaii, which evolves a population, or sampler: cmaes."),
        ("sampler", "nsga", "Write sampler: nsgaii."),
        ("sampler", "CMA", "Write sampler: cmaes."),
        ("sampler", "bohb", "BOHB is two settings here: write sampler: tpe and pruner: hyperband."),
        ("pruner", "asha", "Write pruner: successive_halving, which is asynchronous as ASHA is, or pruner: hyperband, which runs several of it."),
        ("pruner", "median_stopping", "Write pruner: median."),
        ("pruner", "MedianPruner", "Did you mean median?"),
        ("pruner", "early_stopping", "Write pruner: patient."),
        ("pruner", "bayes", "That chooses values: write sampler: tpe."),
        ("logger", "w&b", "Write logger: wandb."),
        ("logger", "comet", "Give any other logger of Lightning's as a class: trainer: {logger: {class_path: pytorch_lightning.loggers.CometLogger}}."),
    ],
)  # fmt: skip
def test_word_of_the_field_is_told_what_it_is_here(section: str, word: str, remedy: str) -> None:
    assert problem(**{section: word}) == f"{section}: there is no {word}. {remedy}"


def test_every_name_that_a_remedy_writes_exists() -> None:
    text = " ".join([*SAMPLER_WORDS.values(), *PRUNER_WORDS.values(), *LOGGER_WORDS.values()])
    assert {name for _, name in re.findall(r"(sampler): (\w+)", text)} <= set(SAMPLERS)
    assert {name for _, name in re.findall(r"(pruner): (\w+)", text)} <= set(PRUNERS)
    assert not set(SAMPLER_WORDS) & set(SAMPLERS)
    assert not set(PRUNER_WORDS) & set(PRUNERS)


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("max_epochs", "Write trainer: {max_epochs: 20}."),
        ("search_space", "Write space: {model.lr: {float: [1e-4, 1e-1], log: true}}."),
        ("n_trials", "Write budget: {trials: 50, timeout: 8h}."),
    ],
)  # fmt: skip
def test_section_of_another_name_is_told_what_to_write(key: str, remedy: str) -> None:
    assert problem(**{key: 3}) == f"{key}: no such key. {remedy}"


@pytest.mark.parametrize("key", ["defaults", "finalist", "final"])
def test_unknown_section_is_never_told_of_an_inner_key(key: str) -> None:
    line = problem(**{key: 3})
    assert line.startswith(f"{key}: no such key. It may be name, model, data, ")
    assert "finalists" not in line


HYDRA = """\
defaults: [_self_]
seed: 1
model: {_target_: src.models.net.Net, optimizer: {_target_: torch.optim.Adam, _partial_: true}}
data: {_target_: src.data.Points, batch_size: 8}
"""
IS_HYDRA = (
    "is a Hydra configuration (_target_ in model), not {}. Search the script that reads it: write "
    "script: train.py and hydra: true in a study file. Or let the classes themselves say what "
    "they take: `search init src.models.net:Net --data src.data:Points`. Then write under "
    "init_args what this file gives them."
)


def test_hydra_file_is_told_what_it_is_and_how_to_go_on(tmp_path: Path) -> None:
    hydra, study = tmp_path / "train.yaml", tmp_path / "study.yaml"
    hydra.write_text(HYDRA)
    study.write_text("base: train.yaml\nobjective: val_loss\nspace: {model.lr: auto}\n")
    for path, line in (
        (hydra, IS_HYDRA.format("a study file")),
        (study, "base: train.yaml: " + IS_HYDRA.format("a LightningCLI configuration")),
    ):
        with pytest.raises(StudyFileError) as caught:
            load_study_file(path)
        assert str(caught.value) == f"{path}: {line}"


MAKES_ITS_OWN = """\
model:
  class_path: nets.Net
  init_args: {encoder: {_target_: nets.Encoder, layers: [{_target_: nets.Layer}]}}
trainer:
  callbacks: [{class_path: nets.Plot, init_args: {style: {_target_: nets.Style}}}]
"""
OPTIONS = "{choice: {a: {value: {_target_: nets.A}}, b: {value: {_target_: nets.B}}}}"


def test_module_that_makes_objects_with_hydra_is_no_hydra_configuration(tmp_path: Path) -> None:
    base, path = tmp_path / "base.yaml", tmp_path / "study.yaml"
    own = f"objective: val_loss\nspace: {{model.lr: {{float: [0.1, 1]}}, model.head: {OPTIONS}}}\n"
    base.write_text(MAKES_ITS_OWN)
    for given in (MAKES_ITS_OWN + own, "base: base.yaml\n" + own):
        path.write_text(given)
        assert load_study_file(path).model["init_args"]["encoder"]["_target_"] == "nets.Encoder"
    # bare arguments, as a CLI with a class of its own takes them
    base.write_text("model: {encoder: {_target_: nets.Encoder}}\n")
    path.write_text("base: base.yaml\ncli: train:main\n" + own)
    assert load_study_file(path).model == {"encoder": {"_target_": "nets.Encoder"}}


@pytest.mark.parametrize(("given", "told"), [(5, "5"), (True, "True"), ("lr", "lr")])
def test_arguments_that_are_no_mapping_are_told(given: Any, told: str) -> None:
    model = {"class_path": "tiny.Tiny", "dict_kwargs": given}
    assert problem(model=model, space={"model.lr": {"float": [0.1, 1]}}) == (
        f"model: dict_kwargs must be a mapping, got {told}. Write dict_kwargs: {{lr: 1e-3}}."
    )


def test_set_takes_the_short_paths_of_a_space(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "model: {class_path: tiny.Tiny, dict_kwargs: {hidden: 3}}\n"
        "trainer: {callbacks: [{class_path: a.B}]}\n"
        "objective: val_loss\nspace: {model.lr: {float: [0.1, 1]}}\n"
    )
    values = ("model.width=3", "model.hidden=4", "trainer.callbacks.0.patience=2")
    study_file = load_study_file(path, set_values=values)
    assert study_file.model == {
        "class_path": "tiny.Tiny",
        "init_args": {"width": 3},
        "dict_kwargs": {"hidden": 4},
    }
    assert study_file.trainer["callbacks"][0]["init_args"] == {"patience": 2}


@pytest.mark.parametrize("extra", ["dashboard", "mlflow", "pandas", "tensorboard", "wandb"])
def test_install_line_names_what_an_index_has(extra: str) -> None:
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    wanted = pyproject["project"]["optional-dependencies"][extra]
    assert install_line(extra) == "pip install " + " ".join(f'"{each}"' for each in wanted)


@pytest.mark.parametrize(
    ("given", "known", "remedy"),
    [
        ("adma", ["adamax", "adam"], "Did you mean adam?"),
        ("model.lrr", ["model.init_args.lr"], "Did you mean model.init_args.lr?"),
        ("learning_rate", ["lr", "width"], "Did you mean lr?"),
        ("accel", ["accelerator", "devices"], "Did you mean accelerator?"),
        ("Val_Loss", ["val_loss"], "Did you mean val_loss?"),
        ("zzz", ["one", "two"], "It may be one, two."),
        ("zzz", [], "Remove it."),
    ],
)
def test_nearest_name(given: str, known: list[str], remedy: str) -> None:
    assert did_you_mean(given, known) == remedy
