"""A study file of a few sections, and the problem with them."""

from __future__ import annotations

from typing import Any

import pytest

from search.errors import StudyFileError
from search.study_file.load import parse_study_tree

TREE: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.lr": {"float": [1e-3, 1e-1]}},
}


def parsed(**sections: Any) -> Any:
    return parse_study_tree({**TREE, **sections}, source="s", default_name="s")


def problem(**sections: Any) -> str:
    with pytest.raises(StudyFileError) as caught:
        parsed(**sections)
    (line,) = caught.value.problems
    return line.removeprefix("s: ")
