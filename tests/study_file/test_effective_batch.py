"""The effective batch in a study file: its short forms, and what it excludes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.errors import StudyFileError
from search.study_file.differences import differences
from search.study_file.effective_batch import effective_sizes, learning_rates, lr_factor
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile
from search.study_file.transfer import Fitting

LR = "model.init_args.lr"
SEARCHED = {"effective": {"choice": [32, 64]}}


def study(batch: dict[str, Any], **sections: Any) -> StudyFile:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {LR: {"float": [1e-4, 1e-1], "log": True}},
        "batch": batch,
        **sections,
    }
    return parse_study_tree(tree, source="study.yaml", default_name="study")


def test_searched_size_joins_the_space_and_reads_back() -> None:
    study_file = study(SEARCHED)
    assert list(study_file.space) == [LR, "batch.effective"]
    assert study_file.batch.auto_scale == "binsearch"
    assert list(effective_sizes(study_file)) == [32, 64]
    tree = study_file.to_tree()
    assert parse_study_tree(tree, source="study.yaml", default_name="study") == study_file
    in_the_space = {
        LR: {"float": [1e-4, 1e-1], "log": True},
        "batch.effective": {"choice": [32, 64]},
    }
    assert study({}, space=in_the_space).has_effective


def test_size_of_the_file_is_the_one_of_the_first_trial() -> None:
    space = {"batch.effective": {"int": [32, 128], "step": 32}}
    study_file = study({"effective": 64}, space=space)
    assert list(effective_sizes(study_file)) == [32, 64, 96, 128]
    assert study_file.points.sections["batch"] == {"effective": 64}


def test_annotated_arguments_are_searched_beside_it() -> None:
    assert study(SEARCHED, space=None).is_hinted


@pytest.mark.parametrize(
    ("batch", "sections", "line"),
    [
        (
            {"effective": {"int": [32, 512], "log": True}},
            {},
            "space.batch.effective: a range from 32 to 512 has sizes, such as primes, that only "
            "micro-batches of one sample make up. Write {choice: [32, 64, 128, 256, 512]}, or "
            "{int: [32, 512], step: 32}.",
        ),
        (
            {"effective": {"choice": [32, 0.5]}},
            {},
            "space.batch.effective: must be whole numbers of samples, got 0.5. "
            "Write {choice: [64, 128, 256]}.",
        ),
        (
            {"effective": 64},
            {"trainer": {"accumulate_grad_batches": 4}},
            "trainer.accumulate_grad_batches: follows from batch.effective, got 4. Remove it, or "
            "remove the effective batch; null takes back what a base says.",
        ),
        (
            {"effective": 64},
            {"space": {"trainer.accumulate_grad_batches": {"choice": [1, 2]}}},
            "space.trainer.accumulate_grad_batches: follows from batch.effective. Remove it, or "
            "remove the effective batch.",
        ),
        (
            {"effective": 64, "auto_scale": "off"},
            {"space": {"model.batch_size": {"choice": [8, 16]}}},
            "space.model.init_args.batch_size: follows from batch.effective. Remove it, or remove "
            "the effective batch.",
        ),
        (
            {"effective": 64},
            {"derive": {"trainer.accumulate_grad_batches": "model.lr * 2"}},
            "derive.trainer.accumulate_grad_batches: follows from batch.effective. Remove it, or "
            "remove the effective batch.",
        ),
        (
            {"effective": 64},
            {"constraints": ["trainer.accumulate_grad_batches < 3"]},
            "constraints.0: trainer.accumulate_grad_batches follows from batch.effective, once a "
            "trial is sampled. Constrain batch.effective.",
        ),
        (
            SEARCHED,
            {"trainer": {"max_steps": 100}},
            "trainer.max_steps: counts steps of the optimizer, of which trials of different "
            "batch.effective train on different numbers of samples. Write max_epochs or max_time, "
            "which are fair, or give one batch.effective.",
        ),
        (
            {"effective": 64},
            {"space": {"trainer.devices": {"choice": [1, 2]}}},
            "space.trainer.devices: changes how many devices share an effective batch. Give it one "
            "value, or remove the effective batch.",
        ),
        (
            {"lr_scaling": "sqrt", "reference": 64},
            {},
            "batch.lr_scaling: changes nothing without batch.effective. Add effective: 256.",
        ),
        (
            {"effective": 64, "reference": 64},
            {},
            "batch.reference: changes nothing without batch.lr_scaling. Add lr_scaling: sqrt, or "
            "linear.",
        ),
        (
            {"effective": 64, "lr_scaling": "sqrt"},
            {},
            "batch.reference: is missing. Write the effective batch for which the learning rates "
            "of the space are meant: reference: 64.",
        ),
        (
            {"effective": 64, "lr_scaling": "sqrt", "reference": 64},
            {"space": {"model.width": {"int": [1, 9]}}},
            "batch.lr_scaling: nothing is called lr or learning_rate. Name the learning rate: "
            "batch: {lr: model.init_args.base_rate}.",
        ),
        (
            {"effective": 64, "lr_scaling": "sqrt", "reference": 64, "lr": "model.rate"},
            {},
            "batch.lr: model.init_args.rate is neither searched nor set to a number. Name one that "
            "is.",
        ),
        (
            {"effective": 64, "scale_lr": "sqrt"},
            {},
            "batch.scale_lr: no such key. It may be auto_scale, max, argument, effective, "
            "lr_scaling, reference, lr.",
        ),
    ],
)
def test_what_it_excludes_gets_its_line(
    batch: dict[str, Any], sections: dict[str, Any], line: str
) -> None:
    with pytest.raises(StudyFileError) as caught:
        study(batch, **sections)
    assert str(caught.value).splitlines() == [f"study.yaml: {line}"]


def test_script_names_the_argument_of_its_batches(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.touch()
    tree = {
        "script": str(script),
        "objective": {"metric": "val_loss"},
        "space": {"--lr": {"float": [1e-4, 1e-1]}},
    }
    with pytest.raises(StudyFileError) as caught:
        parse_study_tree(
            {**tree, "batch": {"effective": 64}}, source="study.yaml", default_name="study"
        )
    assert str(caught.value) == (
        "study.yaml: batch.effective: needs the script's argument for the batch size. "
        "Write batch: {argument: --batch-size, effective: 256}."
    )
    batch = {"argument": "--batch", "lr_scaling": "linear", "reference": 64, **SEARCHED}
    study_file = parse_study_tree({**tree, "batch": batch}, source="s", default_name="study")
    assert learning_rates(study_file) == ["arguments.--lr"]


def test_rates_that_are_searched_are_scaled_before_those_that_are_set() -> None:
    scaling = {"effective": 64, "lr_scaling": "sqrt", "reference": 16}
    model = {"class_path": "tiny.Tiny", "init_args": {"head": {"learning_rate": 0.1}}}
    assert learning_rates(study(scaling, model=model)) == [LR]
    space = {"model.width": {"int": [1, 9]}}
    rates = learning_rates(study(scaling, model=model, space=space))
    assert rates == ["model.init_args.head.learning_rate"]
    named = study({**scaling, "lr": "model.head.learning_rate"}, model=model)
    assert learning_rates(named) == rates
    assert lr_factor(named, 64) == 2.0
    assert lr_factor(study({**scaling, "lr_scaling": "linear"}), 64) == 4.0
    assert lr_factor(study({"effective": 64, "lr_scaling": "none"}), 64) == 1.0


def test_trials_of_the_same_effective_batch_fit_a_child_study() -> None:
    searched, fixed = study(SEARCHED), study({"effective": 64})
    narrowed = Fitting(searched, fixed)
    assert (narrowed.differences, narrowed.unstated) == ([], [])
    params: dict[str, Any] = {LR: 0.1, "batch.effective": 64}
    assert narrowed.misfits(params) == []
    assert narrowed.params(params) == {LR: 0.1}
    assert narrowed.misfits({**params, "batch.effective": 32}) == ["batch.effective is not 64"]
    widened = Fitting(fixed, searched)
    assert (widened.differences, widened.unstated) == ([], [])
    assert widened.misfits({LR: 0.1}) == []
    assert widened.params({LR: 0.1}) == params
    assert Fitting(study({"effective": 128}), searched).misfits({LR: 0.1}) == [
        "batch.effective is outside {choice: [32, 64]}"
    ]


def test_study_of_other_batches_or_of_another_scaling_is_told_apart() -> None:
    assert differences(study({"effective": 64}), study({"effective": 32})) == [
        "batch.effective: was 64, is 32"
    ]
    scaling = {**SEARCHED, "lr_scaling": "sqrt", "reference": 32}
    scaled, plain = study(scaling), study(SEARCHED)
    assert Fitting(plain, scaled).differences == [
        "batch.lr_scaling: was not set, is sqrt",
        "batch.reference: was not set, is 32",
    ]
