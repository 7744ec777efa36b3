"""The ranges that are proposed, and what is left alone; all of it plain data."""

from __future__ import annotations

from typing import Any

import pytest

from search.answers import (
    BOOL,
    CHOICE,
    FLOAT,
    INT,
    OTHER,
    TEXT,
    Argument,
    Description,
    Monitor,
)
from search.plain.metric_names import likely_direction
from search.plain.yaml import parse_yaml
from search.proposal.proposed_file import guess_metric, missing_arguments, proposed_file, range_text
from search.proposal.ranges import propose
from search.study_file.load import parse_study_tree

SEARCHED = [
    ("lr", FLOAT, 1e-3, "{float: [1e-5, 0.1], log: true}"),
    ("learning_rate", FLOAT, 0.02, "{float: [0.0002, 1.0], log: true}"),
    ("lr", FLOAT, 0.1, "{float: [0.001, 1.0], log: true}"),
    ("encoder_lr", FLOAT, None, "{float: [1e-5, 0.1], log: true}"),
    ("dropout", FLOAT, 0.1, "{float: [0.0, 0.6]}"),
    ("attention_dropout", FLOAT, 0.0, "{float: [0.0, 0.6]}"),
    ("drop_prob", FLOAT, 0.0, "{float: [0.0, 0.6]}"),
    ("weight_decay", FLOAT, 0.0, "{float: [1e-6, 0.1], log: true}"),
    ("weight_decay", FLOAT, 0.5, "{float: [1e-6, 0.5], log: true}"),
    ("momentum", FLOAT, 0.9, "{float: [0.5, 0.99]}"),
    ("label_smoothing", FLOAT, 0.0, "{float: [0.0, 0.2]}"),
    ("hidden_size", INT, 128, "{choice: [32, 64, 128, 256, 512]}"),
    ("hidden_dim", INT, 100, "{int: [25, 400], log: true}"),
    ("width", INT, 4, "{int: [1, 16], log: true}"),
    ("units", INT, 1, "{int: [1, 4], log: true}"),
    ("d_model", INT, None, "{choice: [32, 64, 128, 256, 512]}"),
    ("latent_size", INT, 3, "{int: [1, 12], log: true}"),
    ("num_layers", INT, 1, "{int: [1, 4]}"),
    ("n_blocks", INT, 6, "{int: [1, 12]}"),
    ("num_heads", INT, 4, "{choice: [1, 2, 4, 8]}"),
    ("kernel_size", INT, 3, "{choice: [3, 5, 7]}"),
    ("use_bias", BOOL, True, "{choice: [false, true]}"),
]
ALONE = [
    ("num_classes", INT, 10, "the data fixes it"),
    ("in_features", INT, 32, "the data fixes it"),
    ("out_dim", INT, 10, "the data fixes it"),
    ("vocab_size", INT, 5000, "the data fixes it"),
    ("num_workers", INT, 0, "changes nothing that is learnt"),
    ("data_dir", TEXT, ".", "changes nothing that is learnt"),
    ("pin_memory", BOOL, True, "changes nothing that is learnt"),
    ("seed", INT, 0, "luck is not to be searched"),
    ("val_split", FLOAT, 0.1, "decides what trials are judged by"),
    ("eps", FLOAT, 1e-8, "guards a division, nothing more"),
    ("max_epochs", INT, 10, "a matter of time"),
    ("activation", TEXT, "relu", "a text: list the words to choose from"),
    ("encoder", OTHER, None, "is Encoder: search a value inside"),
    ("strange", FLOAT, 0.0, "nothing is known of it: give it a range if it matters"),
]
OFFERED = [
    ("batch_size", INT, 64, "{choice: [32, 64, 128]}"),
    ("beta", FLOAT, 1.0, "{float: [0.1, 10.0], log: true}"),
    ("strange", FLOAT, 0.3, "{float: [0.03, 3.0], log: true}"),
    ("oddity", INT, 12, "{int: [3, 48], log: true}"),
]
DIRECTIONS = [
    ("val_loss", "minimize"),
    ("val/acc", "maximize"),
    ("valAccuracy", "maximize"),
    ("val_f1", "maximize"),
    ("val_rmse", "minimize"),
    ("accuracy_loss", "minimize"),
    ("top5", "maximize"),
    ("val_reconstruction", None),
    ("accent", None),
]
NET = {"model": {"class_path": "nets.Net"}, "data": {"class_path": "nets.Data"}}


def argument(name: str, kind: str, value: Any = None, **more: Any) -> Argument:
    return Argument(f"model.init_args.{name}", kind, value, annotation="Encoder", **more)


@pytest.mark.parametrize(("name", "kind", "default", "text"), SEARCHED)
def test_known_name_gets_its_range(name: str, kind: str, default: Any, text: str) -> None:
    proposal = propose(argument(name, kind, default))
    assert proposal.distribution is not None
    assert (range_text(proposal.distribution), proposal.is_offered) == (text, False)


@pytest.mark.parametrize(("name", "kind", "default", "why"), ALONE)
def test_what_should_not_be_searched_has_a_reason(
    name: str, kind: str, default: Any, why: str
) -> None:
    proposal = propose(argument(name, kind, default))
    assert (proposal.distribution, proposal.why) == (None, why)


@pytest.mark.parametrize(("name", "kind", "default", "text"), OFFERED)
def test_uncertain_range_is_only_offered(name: str, kind: str, default: Any, text: str) -> None:
    proposal = propose(argument(name, kind, default))
    assert proposal.distribution is not None
    assert (range_text(proposal.distribution), proposal.is_offered) == (text, True)


def test_type_and_annotation_say_more_than_a_name() -> None:
    literal = propose(argument("activation", CHOICE, "relu", choices=("relu", "gelu")))
    hinted = propose(argument("lr", FLOAT, 1e-3, hint={"float": [0.5, 2.0]}))
    linked = propose(argument("lr", FLOAT, 1e-3, is_linked=True))
    assert literal.distribution is not None
    assert hinted.distribution is not None
    assert range_text(literal.distribution) == "{choice: [relu, gelu]}"
    assert range_text(hinted.distribution) == "{float: [0.5, 2.0]}"
    assert (linked.distribution, linked.why) == (None, "another argument sets it")


@pytest.mark.parametrize(("metric", "direction"), DIRECTIONS)
def test_name_of_a_metric_tells_its_direction(metric: str, direction: str | None) -> None:
    assert likely_direction(metric) == direction


def test_metric_is_what_a_callback_monitors_else_a_loss_else_the_first() -> None:
    logged = ("val_acc", "val_loss")
    monitored = guess_metric(Description(logged=logged, monitors=(Monitor("val_acc", "max"),)))
    assert (monitored.metric, monitored.direction, monitored.others) == (
        "val_acc",
        "maximize",
        ("val_loss",),
    )
    assert guess_metric(Description(logged=logged)).metric == "val_loss"
    first = guess_metric(Description(logged=("val_f1", "val_auc")))
    assert (first.metric, first.direction) == ("val_f1", "maximize")
    assert guess_metric(Description()).why.startswith("a guess")


def test_proposed_file_is_a_study_file_with_a_reason_on_every_line() -> None:
    description = Description(
        arguments=(
            argument("lr", FLOAT, 1e-3),
            argument("mode", CHOICE, "on", choices=("on", "off", "1e-3")),
            argument("num_classes", INT, 10),
            argument("folder", TEXT, "a\nbatch: 3"),
            Argument("model.init_args.encoder", OTHER, annotation="a\nbatch: 3", is_required=True),
            Argument("data.init_args.batch_size", INT, 64),
        ),
        logged=("val_loss", "val_acc"),
    )
    text = proposed_file(NET, NET, description, guess_metric(description), "search init nets:Net")
    study_file = parse_study_tree(parse_yaml(text, "new"), source="new", default_name="new")
    assert list(study_file.space) == ["model.init_args.lr", "model.init_args.mode"]
    assert study_file.space["model.init_args.mode"].values == ("on", "off", "1e-3")
    assert "# also logged: val_acc (maximize)" in text
    space = text[text.index("space:\n") + 7 : text.index("\n# batch: ")]
    lines = [line.strip() for line in space.splitlines() if line and "not searched:" not in line]
    assert all("  # " in line for line in lines)
    assert [line.removeprefix("# ").split(":")[0] for line in lines] == [
        "model.lr",
        "model.mode",
        "model.num_classes",
        "model.folder",
        "model.encoder",
        "data.batch_size",
    ]
    assert missing_arguments(description, NET) == ["model.encoder"]
    assert "encoder: ..." in text[: text.index("objective")]


def test_module_without_arguments_searches_the_trainer() -> None:
    description = Description(logged=("val_loss",))
    text = proposed_file(NET, NET, description, guess_metric(description), "search init nets:Net")
    study_file = parse_study_tree(parse_yaml(text, "new"), source="new", default_name="new")
    assert list(study_file.space) == ["trainer.gradient_clip_val"]


def test_argument_whose_reader_a_section_replaces_is_left_alone() -> None:
    proposal = propose(Argument("model.lr", FLOAT, 1e-3, instead="optimizer"))
    assert proposal.distribution is None
    assert proposal.why == "nothing reads it beside the section optimizer"
