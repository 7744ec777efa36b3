"""Ranges for the options of scripts, where they are others than those of arguments."""

from __future__ import annotations

import pytest

from search.answers import (
    BOOL,
    FLOAT,
    GROUP,
    GROUP_OF_VALUES,
    INT,
    LIST,
    OTHER,
    REPEATED,
    TEXT,
    UNEVEN_GROUP,
    Argument,
)
from search.proposal.options import is_batch_size, is_epochs, propose_option
from search.proposal.proposed_lines import is_live, range_text


def option(name: str, kind: str, **given: object) -> Argument:
    return Argument(path=f"arguments.{name}", kind=kind, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (option("--hidden-dim", INT, value=8), "{choice: [2, 4, 8, 16, 32]}"),
        (option("--dropout", FLOAT, value=0.1), "{float: [0.0, 0.6]}"),
        (option("--model.dropout", FLOAT, value=0.1), "{float: [0.0, 0.6]}"),
        (option("--optimizer", TEXT, choices=("adam", "sgd")), "{choice: [adam, sgd]}"),
        (option("model/net", TEXT, choices=("a", "b"), annotation=GROUP), "{choice: [a, b]}"),
        # within what their parser takes
        (option("--dropout", FLOAT, value=0.1, high=0.5), "{float: [0.0, 0.5]}"),
        (option("--hidden-dim", INT, value=8, low=4, high=16), "{choice: [4, 8, 16]}"),
        (option("--num-layers", INT, value=2, low=2), "{int: [2, 4]}"),
        (
            option("--data", TEXT, choices=("a", "b"), is_required=True),
            "{choice: [a, b]}",
        ),
    ],
)
def test_options_are_searched_like_arguments(argument: Argument, text: str) -> None:
    proposal = propose_option(argument)
    assert is_live(proposal)
    assert proposal.distribution is not None
    assert range_text(proposal.distribution) == text


@pytest.mark.parametrize(
    "argument",
    [
        option("--test", BOOL, value=False),
        option("--bias/--no-bias", BOOL, value=True),
        option("--accelerator", TEXT, choices=("cpu", "gpu")),
        option("--dataset", TEXT, choices=("mnist", "cifar")),
        option("--seed", INT, value=1),
        option("--lr", FLOAT, value=0.1, low=0.2, high=0.2),
        option("trainer", TEXT, choices=("cpu", "gpu"), annotation=GROUP),
        option("model", TEXT, choices=("a", "b"), annotation=UNEVEN_GROUP),
        option("model", TEXT, choices=("a", "b"), annotation=GROUP_OF_VALUES),
    ],
    ids=lambda argument: argument.path,
)
def test_what_may_end_a_script_or_change_nothing_is_not_searched(argument: Argument) -> None:
    assert not is_live(propose_option(argument))


def test_options_of_batches_and_epochs_are_known_by_their_names() -> None:
    for name in ("--batch-size", "--batch_size", "--train-batch-size", "--bs", "data.batch_size"):
        assert is_batch_size(option(name, INT))
    assert not is_batch_size(option("--val-batch-size", INT))
    for name in ("--epochs", "--max-epochs", "trainer.max_epochs"):
        assert is_epochs(option(name, INT, value=3))
    assert not is_epochs(option("--warmup-epochs", INT, value=3))


@pytest.mark.parametrize(
    ("argument", "text", "why"),
    [
        (
            option("--dims", OTHER, items=(1, 2), annotation=LIST),
            "",
            "a list: search it as a whole, as in {choice: {a: {value: [1, 2]}, b: {value: [3]}}}",
        ),
        (
            option("--tag", OTHER, annotation=REPEATED),
            "",
            "may be given again and again, which a study file cannot say: it gives one value",
        ),
        (
            option("model.lr", OTHER, is_required=True),
            "{float: [1e-5, 0.1], log: true}",
            "required: search it, or give it a value above; a learning rate: by its logarithm",
        ),
        (option("model.n", OTHER, is_required=True), "", "required: give it a value above"),
    ],
)
def test_what_has_no_single_value_or_none_at_all_is_told(
    argument: Argument, text: str, why: str
) -> None:
    proposal = propose_option(argument)
    assert not is_live(proposal)
    ranged = proposal.distribution
    assert (range_text(ranged) if ranged is not None else "", proposal.why) == (text, why)
