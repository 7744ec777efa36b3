"""Every cell of `docs/conformance.md`, each kind trained in this process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conformance.kinds import EXACT, KINDS, SAME, Kind
from conformance.table import TABLE, rendered
from conformance.trials import config_of, end_state, replayed, same, trained, work_beside_kinds

from search.trial.inspection.resumption import resumption_note

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True)
def users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    work_beside_kinds(monkeypatch, tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.group}: {kind.name}")
def test_kind_keeps_what_the_table_says(kind: Kind, tmp_path: Path) -> None:
    config = config_of(kind)
    whole = trained(config, tmp_path / "whole")
    assert whole.value is not None

    cut = trained(config, tmp_path / "cut", cuts=(2, 4))
    agree = cut.value == whole.value and cut.curve == whole.curve
    agree = agree and same(end_state(cut), end_state(whole))
    assert agree == (kind.resume == EXACT)
    told = resumption_note(config, tmp_path)
    assert told == (None if kind.resume == EXACT else kind.resume)

    value = replayed(config, whole.folder, tmp_path / "replay")
    assert (value == whole.value) == (kind.replay == SAME)


def test_table_in_the_documentation_is_that_of_the_kinds() -> None:
    assert TABLE.read_text("utf-8") == rendered()
