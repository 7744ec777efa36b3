"""What a line says of a value that jsonargparse does not take."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from jsonargparse import ArgumentError, ArgumentParser
from lightning.pytorch.cli import OptimizerCallable

from search.trial.building.parser_errors import explain

PATH = "Write the full path of a class, my_package.MyClass."
LAYER = "must be type[torch.nn.modules.module.Module] or null, got"
UNKNOWN = "layer.class_path: there is no Lineal."


@pytest.mark.parametrize(
    ("wanted", "value", "line"),
    [
        (type[torch.nn.Module] | None, "Lineal", f"{UNKNOWN} Did you mean Linear?"),
        (
            OptimizerCallable | None,
            "Lineal",
            f"{UNKNOWN} Write its full path, as in my_package.Lineal.",
        ),
        (type[torch.nn.Module] | None, 3, f"layer: {LAYER} 3. {PATH}"),
        (
            type[torch.nn.Module] | None,
            {"class_path": "a.B"},
            f"layer: {LAYER} {{'class_path': 'a.B'}}. {PATH}",
        ),
        (type[torch.nn.Module], 3, f"layer: must be a class, got 3. {PATH}"),
    ],
)
def test_only_a_name_is_taken_for_the_name_of_a_class(wanted: Any, value: Any, line: str) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--layer", type=wanted)
    with pytest.raises(ArgumentError) as caught:
        parser.parse_object({"layer": value})
    assert explain(str(caught.value)) == line
