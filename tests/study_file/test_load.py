"""What a study file may say, and that it survives being written and read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from search.errors import UserError
from search.plain.tree import read_path, write_path
from search.plain.yaml import dump_yaml, parse_yaml
from search.space.distributions import Categorical, FloatRange, IntRange
from search.space.short_names import short_names
from search.study_file.differences import differences
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.rules import resolve_config
from search.study_file.schema import StudyFile
from search.study_file.shipped import shipped_studies

TREE: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny", "init_args": {"width": 4, "norm": None}},
    "objective": {"metric": "val_loss"},
    "space": {"model.lr": {"float": [1e-3, 1e-1], "log": True}},
}
PASTED = """\
# pytorch_lightning==2.6.6
seed_everything: true
trainer:
  accelerator: auto
  strategy: auto
  devices: auto
  num_nodes: 1
  precision: null
  logger: null
  callbacks: null
  max_epochs: 10
  gradient_clip_val: null
  enable_checkpointing: null
  default_root_dir: null
  plugins: null
model:
  class_path: tiny.Tiny
  init_args: {lr: 0.1}
data: null
ckpt_path: null
weights_only: null
optimizer: null
lr_scheduler: null
"""


def study(**changes: Any) -> StudyFile:
    return parse_study_tree(TREE | changes, source="study.yaml", default_name="study")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("off", "off"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("012", "012"),
        ("12:30", "12:30"),
        ("2026-11-23", "2026-11-23"),
        ("0x10", "0x10"),
        ("1_000", 1000),
        ("'1'", "1"),
    ],
)
def test_scalar_means_what_it_says(text: str, value: object) -> None:
    assert parse_yaml(f"x: {text}", "here") == {"x": value}


def test_what_is_written_reads_the_same_for_yaml_1_1_and_here() -> None:
    tree = {"a": "off", "b": 1e-4, "c": "1e-4", "d": "012", "e": None, "f": [True, "null", 1e22]}
    assert yaml.safe_load(dump_yaml(tree)) == tree
    assert parse_yaml(dump_yaml(tree), "here") == tree


def test_defaults_are_tpe_and_median_without_batch_scaling() -> None:
    given = study()
    assert (given.sampler.name, given.pruner.name) == ("tpe", "median")
    assert given.batch.auto_scale == "off"
    assert (given.objective.direction, given.objective.value) == ("minimize", "best")
    assert (given.budget.trials, given.budget.timeout_s) == (None, None)


def test_every_form_of_a_distribution() -> None:
    given = study(
        space={
            "model.lr": {"float": [1e-4, 1], "log": True},
            "model.drop": {"float": [0, 0.6], "step": 0.1},
            "model.width": {"int": [2, 64], "step": 2},
            "trainer.precision": {"choice": ["32-true", "bf16-mixed", None]},
        }
    )
    assert given.space == {
        "model.init_args.lr": FloatRange(1e-4, 1.0, log=True),
        "model.init_args.drop": FloatRange(0.0, 0.6, step=0.1),
        "model.init_args.width": IntRange(2, 64, step=2),
        "trainer.precision": Categorical(("32-true", "bf16-mixed", None)),
    }


@pytest.mark.parametrize("name", ["successive-halving", "SuccessiveHalving", "successive_halving"])
def test_names_are_read_kindly(name: str) -> None:
    assert study(pruner=name).pruner.name == "successive_halving"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(90, 90.0), ("90s", 90.0), ("30m", 1800.0), ("1.5h", 5400.0), ("2d", 172800.0)],
)
def test_timeout_has_units(text: object, seconds: float) -> None:
    assert study(budget={"timeout": text}).budget.timeout_s == seconds


def test_whole_lightning_cli_config_can_be_pasted(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        PASTED + "objective: {metric: val_loss}\nspace: {model.lr: {float: [1e-3, 1e-1]}}\n"
    )
    given = load_study_file(path)
    assert given.trainer["max_epochs"] == 10
    assert given.trial_seed == 42


def test_file_survives_being_written_and_read() -> None:
    given = study(
        sampler={"name": "tpe", "multivariate": True},
        pruner={"name": "patient", "wrapped": {"name": "median"}},
        budget={"trials": 5, "timeout": "1h"},
        batch={"auto_scale": "power", "max": 64},
    )
    written = parse_yaml(dump_yaml(given.to_tree()), "study.yaml")
    assert parse_study_tree(written, source="study.yaml", default_name="other") == given
    assert given.model["init_args"]["norm"] is None


@pytest.mark.parametrize("name", ["autoencoder", "vae", "classifier", "mnist"])
def test_shipped_study_is_valid(name: str) -> None:
    assert load_study_file(shipped_studies()[name]).name == name


def test_overrides_are_laid_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(dump_yaml(TREE))
    given = load_study_file(
        path,
        set_values=["trainer.max_epochs=20", "objective.value=last"],
        space_values=["model.lr={float: [1e-5, 1e-2]}", "trainer.precision={choice: [a, b]}"],
    )
    assert given.trainer == {"max_epochs": 20}
    assert given.objective.value == "last"
    assert given.space["model.init_args.lr"] == FloatRange(1e-5, 1e-2)
    assert given.space["trainer.precision"] == Categorical(("a", "b"))
    fewer = load_study_file(
        path, space_values=["model.width={int: [1, 4]}", "model.init_args.lr=off"]
    )
    assert list(fewer.space) == ["model.init_args.width"]


def test_override_through_a_plain_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(dump_yaml(TREE))
    with pytest.raises(UserError) as caught:
        load_study_file(path, set_values=["model.class_path.name=x"])
    assert str(caught.value) == (
        "--set model.class_path.name: leads through model.class_path, which is a plain value. "
        "Name model.class_path itself, or make it a mapping."
    )


def test_changes_are_listed_leaf_by_leaf() -> None:
    changed = study(
        objective={"metric": "val_loss", "direction": "maximize"},
        model={"class_path": "tiny.Tiny", "init_args": {"width": 8, "norm": None}},
        space={"model.lr": {"float": [1e-3, 1e-2], "log": True}},
    )
    assert differences(study(), changed) == [
        "model.init_args.width: was 4, is 8",
        "objective.direction: was minimize, is maximize",
        "space.model.init_args.lr: was {float: [0.001, 0.1], log: true}, "
        "is {float: [0.001, 0.01], log: true}",
    ]


def test_budget_pruner_and_name_may_change() -> None:
    assert not differences(study(), study(budget={"trials": 9}, pruner="none", name="other"))


def test_resolved_configuration_shares_nothing_with_the_file() -> None:
    given = study(trainer={"callbacks": [{"class_path": "a.B", "init_args": {"patience": 1}}]})
    config = resolve_config(
        given, {"model.init_args.lr": 0.01, "trainer.callbacks.0.init_args.patience": 7}
    )
    assert config["model"]["init_args"] == {"width": 4, "norm": None, "lr": 0.01}
    assert read_path(config, "trainer.callbacks.0.init_args.patience") == 7
    assert read_path(given.trainer, "callbacks.0.init_args.patience") == 1
    assert config["seed_everything"] == 42
    assert "data" not in config


def test_path_through_a_list_or_nothing() -> None:
    tree: dict[str, Any] = {"a": [{"b": 1}]}
    write_path(tree, "a.0.b", 2)
    write_path(tree, "c.d", 3)
    assert tree == {"a": [{"b": 2}], "c": {"d": 3}}
    assert read_path(tree, "a.5.b") is None
    with pytest.raises(KeyError):
        write_path(tree, "a.5.b", 1)


def test_labels_are_as_short_as_they_can_be() -> None:
    paths = ["model.init_args.lr", "data.init_args.batch_size", "model.init_args.batch_size"]
    assert short_names(paths) == {
        "model.init_args.lr": "lr",
        "data.init_args.batch_size": "data.batch_size",
        "model.init_args.batch_size": "model.batch_size",
    }
    assert short_names(["lr", "model.lr"]) == {"lr": "lr", "model.lr": "model.lr"}


def test_label_of_an_option_is_its_own_name() -> None:
    paths = ["--amp/--no-amp", "--optimizer[sgd].--momentum", "--model.lr", "model/net"]
    assert list(short_names(f"arguments.{each}" for each in paths).values()) == [
        "--amp",
        "--momentum",
        "--model.lr",
        "model/net",
    ]
    paths = ["arguments.--opt[sgd].--momentum", "arguments.--opt[rms].--momentum"]
    labels = ["--opt[sgd].--momentum", "--opt[rms].--momentum"]
    assert list(short_names(paths).values()) == labels
