"""The preflight whose timing fails: the study is sound, and the next start times again."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from search.answers import Checked, Timed
from search.engine.preflight import preflight
from search.engine.study_check import StudyCheck
from search.layout import StudyFolder
from search.messages import Exited, Launched, Slot
from search.study_file.load import parse_study_tree

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": {"float": [0.1, 1.0]}},
}


def checked(*answers: Any) -> Checked:
    """The facts of attempts that answer so in turn; None ends one without a word."""
    executor, turns = Mock(shared_folder=None), iter(answers)

    def poll(_: float) -> list[tuple[str, Any]]:
        name, answer = executor.start.call_args.args[0], next(turns)
        said = [Launched(name, 1)] + ([answer] if answer is not None else [])
        return [(name, each) for each in (*said, Exited(name, 0 if answer is not None else 7))]

    executor.poll.side_effect = poll
    study_file = parse_study_tree(TREE, source="study.yaml", default_name="study")
    return preflight(executor, study_file, "study.yaml", Slot(2), lambda: None)


@pytest.mark.parametrize(
    ("timed", "is_timed"), [(Timed(step_s={1: 0.1, 2: 0.1}), True), (None, False)]
)
def test_answer_without_times_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timed: Timed | None, is_timed: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    facts = checked(Checked(notes=("one",)), timed)
    assert facts.is_timed is is_timed
    assert [note for note in facts.notes if "timing" not in note] == ["one"]
    assert len(facts.notes) == (1 if is_timed else 2)
    folder = StudyFolder(tmp_path / "study")
    folder.root.mkdir()
    StudyCheck(facts, Mock(), {}, time.time() + 1, is_known=False, misses_gpus=False).keep(folder)
    assert folder.preflight.exists() is is_timed
