"""Running a study, at a moment that no process can be stopped at from outside."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from search.engine import run
from search.engine.limits import Limits
from search.errors import Interrupted
from search.study.file import parse_study_tree
from search.study.layout import StudyFolder

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": "auto"},
}


def test_ctrl_c_after_the_last_look_at_annotations_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_file = parse_study_tree(TREE, source="study.yaml", default_name="study")

    def read(*_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return study_file

    monkeypatch.setattr(run, "with_ranges", read)
    folder = StudyFolder(tmp_path / "studies/study")
    request = run.RunRequest(folder, study_file, "study.yaml", tmp_path, Limits(), workers=1)
    with pytest.raises(Interrupted):
        run.run_study(request, Mock())
    assert not folder.root.exists()
