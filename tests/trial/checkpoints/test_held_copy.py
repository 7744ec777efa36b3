"""A copy of a checkpoint in memory becomes the file that the checkpoint would have been."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch

from search.trial.checkpoints.held_copy import content_of, held


def loaded(content: memoryview) -> Any:
    return torch.load(io.BytesIO(content), weights_only=True)


def checkpoint() -> dict[str, Any]:
    weight = torch.arange(6.0).reshape(2, 3)
    state = OrderedDict(first=weight, tied=weight, transposed=weight.T, single=torch.tensor(3))
    state._metadata = OrderedDict({"": {"version": 2}})  # type: ignore[attr-defined]
    return {
        "state_dict": state,
        "optimizer_states": [{"state": {0: {"step": torch.tensor(4.0)}}, "lr": 0.1}],
        "row": (1, [2, {"deep": {3}}], None, b"bytes", torch.float16),
    }


def test_later_changes_of_a_checkpoint_are_not_in_its_copy() -> None:
    whole, expected = checkpoint(), loaded(content_of(checkpoint()))
    copy = held(whole)
    for tensor in (*whole["state_dict"].values(), whole["optimizer_states"][0]["state"][0]["step"]):
        tensor.add_(1)
    whole["optimizer_states"][0]["lr"] = 0.2
    whole["row"][1][1]["deep"].add(4)
    whole["more"] = 1
    found = loaded(copy())
    assert found.keys() == expected.keys()
    assert found["optimizer_states"] == expected["optimizer_states"]
    assert found["row"] == expected["row"]
    assert found["state_dict"]._metadata == expected["state_dict"]._metadata
    for name, tensor in expected["state_dict"].items():
        assert torch.equal(found["state_dict"][name], tensor), name


def test_weights_that_are_tied_are_copied_once() -> None:
    found = loaded(held(checkpoint())())["state_dict"]
    assert found["first"].data_ptr() == found["tied"].data_ptr()


@pytest.mark.filterwarnings("ignore:Validating sparse")
@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.nn.Parameter(torch.ones(2)),
        lambda: torch.ones(2, requires_grad=True) * 2,
        lambda: torch.eye(2).to_sparse(),
        lambda: torch.tensor([1 + 2j]).conj(),
    ],
    ids=["parameter", "graph", "sparse", "conjugate"],
)
def test_tensors_that_are_more_than_numbers_are_kept_as_they_would_be_written(
    make: Callable[[], torch.Tensor],
) -> None:
    value = make()
    expected = loaded(content_of({"value": value}))["value"]
    copy = held({"value": value})
    if not value.is_conj():
        with torch.no_grad():
            value.mul_(5)
    found = loaded(copy())["value"]
    assert type(found) is type(expected)
    assert found.requires_grad == expected.requires_grad
    assert torch.equal(found.to_dense(), expected.to_dense())
