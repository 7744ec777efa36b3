"""What a large study costs to read and to open; by hand: `pytest -m benchmark -s`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.made_study import make_study

from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.store.reading import read_study
from search.store.rebuild import rebuild
from search.study_file.load import load_study_file

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def parse_all(folder: StudyFolder) -> None:
    """The least that can be done with every event, by the standard library."""
    for path in sorted(folder.trials.glob("*/events.jsonl")):
        for line in path.read_bytes().splitlines():
            json.loads(line)


@pytest.mark.parametrize("trials", [1_000, 10_000])
def test_large_study_is_read_as_quickly_as_its_lines_are_parsed(
    tmp_path: Path, trials: int
) -> None:
    folder = StudyFolder(tmp_path / "large")
    make_study(folder.root, trials=trials, reports=10)
    read_study(folder)
    parsed = min(seconds(lambda: parse_all(folder)) for _ in range(3))
    read = min(seconds(lambda: read_study(folder)) for _ in range(3))
    rebuilt = seconds(lambda: rebuild(folder, None))
    study_file = load_study_file(folder.study_file)

    def resume() -> None:
        lines: list[str] = []
        open_ledger(plan(folder, study_file, None), trials, note=lines.append).close()
        assert lines == []

    resumed = min(seconds(resume) for _ in range(2))
    print(
        f"\n{trials:,} trials: parsed {parsed:.2f} s, read {read:.2f} s, "
        f"opened {resumed:.2f} s, database written {rebuilt:.2f} s"
    )
    assert read < 2 * parsed
    assert resumed < 6 * parsed
