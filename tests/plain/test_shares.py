"""Shares as people write them in a study file."""

from __future__ import annotations

import pytest

from search.errors import UserError
from search.plain.shares import parse_share
from search.study_file.load import parse_study_tree


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("5%", 0.05),
        ("2.5 %", 0.025),
        ("100%", 1.0),
        (0.05, 0.05),
        (0, 0.0),
        ("off", 0.0),
        (False, 0.0),
        ("0%", 0.0),
    ],
)
def test_share_is_read(written: object, share: float) -> None:
    assert parse_share(written) == pytest.approx(share)


@pytest.mark.parametrize("written", [1, 1.0, 5, -0.1, "5", "101%", "-1%", "many", True, [5], None])
def test_what_may_mean_something_else_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"must be a share such as 5% or 0\.05, at most 100%, got"):
        parse_share(written)


@pytest.mark.parametrize("written", [5, 1.0, "120%"])
def test_wrong_share_is_told_by_its_place_with_a_remedy(written: object) -> None:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {"model.lr": {"float": [0.1, 1.0]}},
        "audit": written,
    }
    with pytest.raises(UserError, match=r"^study\.yaml: audit: must be a share such as 5%") as told:
        parse_study_tree(tree, source="study.yaml", default_name="study")
    assert str(told.value).endswith(". Write audit: 5%.")
    assert len(str(told.value).splitlines()) == 1
