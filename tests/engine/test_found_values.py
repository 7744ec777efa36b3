"""What makes up an effective batch, and where none can be had."""

from __future__ import annotations

from typing import Any

import pytest

from search.answers import Checked
from search.engine.batch_sizes import own_effective, plan_batches
from search.engine.found_values import found_values
from search.errors import UserError
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile

PATH = "data.init_args.batch_size"
ACCUMULATION = "trainer.accumulate_grad_batches"
LR = "model.init_args.lr"
CHOICE = {"effective": {"choice": [32, 64]}}


def study(batch: dict[str, Any], **sections: Any) -> StudyFile:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "data": {"class_path": "tiny.Data"},
        "objective": {"metric": "val_loss"},
        "space": {LR: {"float": [1e-4, 1.0]}},
        "batch": batch,
        **sections,
    }
    return parse_study_tree(tree, source="study.yaml", default_name="study")


def facts(**more: Any) -> Checked:
    known = {"batch_size_path": PATH, "batch_size": 8, "samples": 1000}
    return Checked(**{**known, **more})


def sizes(study_file: StudyFile, told: Checked, fits: int | None, **params: Any) -> Any:
    found = found_values(study_file, params, plan_batches(study_file, told), fits).values
    return found[PATH], found[ACCUMULATION]


@pytest.mark.parametrize(
    ("effective", "fits", "more", "made"),
    [
        (256, 256, {}, (256, 1)),
        (256, 100, {}, (64, 4)),
        (96, 40, {}, (32, 3)),
        (251, 100, {}, (1, 251)),
        (256, 100, {"processes_a_trial": 2}, (64, 2)),
        # batches of 37 would leave a single sample of 1000
        (37 * 8, 40, {"has_batch_norm": True}, (8, 37)),
    ],
)
def test_largest_divisor_that_fits_is_the_micro_batch(
    effective: int, fits: int, more: dict[str, Any], made: tuple[int, int]
) -> None:
    assert sizes(study({"effective": effective}), facts(**more), fits) == made


def test_without_a_probe_the_batches_of_the_configuration_are_the_most() -> None:
    assert sizes(study({"effective": 100, "auto_scale": "off"}), facts(), None) == (5, 20)
    with_max = study({"effective": 100, "auto_scale": "off", "max": 60})
    assert sizes(with_max, facts(), None) == (50, 2)


def test_prime_batches_of_batch_norm_that_do_not_fit_end_the_trial() -> None:
    study_file = study({"effective": 251})
    plan = plan_batches(study_file, facts(has_batch_norm=True))
    with pytest.raises(UserError, match="251 is no multiple of a micro-batch up to 100"):
        found_values(study_file, {}, plan, 100)


def test_one_probe_is_as_large_as_the_largest_batch() -> None:
    assert plan_batches(study(CHOICE), facts()).cap == 64
    assert plan_batches(study(CHOICE), facts(processes_a_trial=2)).cap == 32
    assert plan_batches(study({**CHOICE, "max": 16}), facts()).cap == 16


def test_what_counts_batches_keeps_its_samples() -> None:
    trainer = {"limit_train_batches": 50, "limit_val_batches": 0.5, "val_check_interval": 10}
    study_file = study({"effective": 64}, trainer=trainer)
    plan = plan_batches(study_file, facts(limit=50))
    assert found_values(study_file, {}, plan, 32).values == {
        PATH: 32,
        ACCUMULATION: 2,
        "trainer.limit_train_batches": 13,
        "trainer.val_check_interval": 3,
    }


def test_limits_of_the_projects_own_are_converted_as_well() -> None:
    study_file = study({"effective": 64})
    plan = plan_batches(study_file, facts(limit=50, in_batches={"limit_train_batches": 50}))
    assert found_values(study_file, {}, plan, 32).values["trainer.limit_train_batches"] == 13


@pytest.mark.parametrize(
    ("batch", "more", "line"),
    [
        (
            {"effective": 2000},
            {},
            "batch.effective: 2000 is more than the 1000 samples that an epoch fills whole, which "
            "would be the same run as 1000. Write no more than 1000.",
        ),
        (
            CHOICE,
            {"limit": 6},
            "space.batch.effective: 64 is more than the 48 samples that an epoch fills whole, "
            "which would be the same run as 48. Write no more than 48.",
        ),
        (
            {"effective": 100},
            {"processes_a_trial": 3},
            "batch.effective: 100 samples cannot be shared evenly by 3 devices. "
            "Write multiples of 3.",
        ),
        (
            {"effective": 64},
            {"batch_size_path": None},
            "batch.effective: neither the data module nor the model takes batch_size. Add a "
            "batch_size argument to one of them, or remove the effective batch.",
        ),
        (
            {"effective": 64},
            {"fixed_accumulation": "a callback schedules the accumulation"},
            "batch.effective: needs accumulation, but a callback schedules the accumulation. "
            f"Remove the effective batch, and search {PATH}.",
        ),
        (
            CHOICE,
            {"in_steps": {"max_steps": 100}},
            "trainer.max_steps: counts steps of the optimizer, of which trials of different "
            "batch.effective train on different numbers of samples. Write max_epochs or max_time, "
            "which are fair, or give one batch.effective.",
        ),
    ],
)
def test_batch_that_cannot_be_had_is_refused(
    batch: dict[str, Any], more: dict[str, Any], line: str
) -> None:
    with pytest.raises(UserError) as caught:
        plan_batches(study(batch), facts(**more))
    assert str(caught.value) == line


def test_sampled_rate_is_scaled_and_what_derives_from_it_follows() -> None:
    scaling = {**CHOICE, "lr_scaling": "sqrt", "reference": 16}
    derive = {"model.init_args.decay": "model.lr / 2"}
    study_file = study(scaling, derive=derive)
    plan = plan_batches(study_file, facts())
    params: dict[str, Any] = {LR: 0.1, "batch.effective": 64}
    found = found_values(study_file, params, plan, 64)
    assert found.scaled == {LR: pytest.approx(0.2)}
    points = study_file.points
    assert points.derived(params) == {"model.init_args.decay": 0.05}
    config = type(points)(points.space, (), points.derive, points.sections, found.values).config(
        params
    )
    assert config["model"]["init_args"] == {"lr": pytest.approx(0.2), "decay": pytest.approx(0.1)}


def test_rate_of_an_option_that_was_not_chosen_is_left_alone() -> None:
    options = {"sgd": {"space": {"lr": {"float": [0.1, 1.0]}}, "value": {"class_path": "t.Sgd"}}}
    options["adam"] = {"space": {"lr": {"float": [0.1, 1.0]}}, "value": {"class_path": "t.Adam"}}
    study_file = study(
        {**CHOICE, "lr_scaling": "linear", "reference": 32},
        space={"model.init_args.opt": {"choice": options}},
    )
    sgd = next(path for path in study_file.space if "[sgd]" in path)
    plan = plan_batches(study_file, facts())
    params: dict[str, Any] = {"model.init_args.opt": "sgd", sgd: 0.5, "batch.effective": 64}
    assert found_values(study_file, params, plan, 64).scaled == {sgd: 1.0}


def test_first_trial_may_have_the_batch_of_the_configuration() -> None:
    told = facts(accumulation=2, processes_a_trial=2)
    assert own_effective(told) == {"batch.effective": 32}
    assert own_effective(facts(batch_size=None)) == {}
