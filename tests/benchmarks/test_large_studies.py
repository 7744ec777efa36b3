"""What a large study costs to read and to open; by hand: `pytest -m benchmark -s`."""

from __future__ import annotations

import json
import subprocess
import sys
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


def opened(folder: StudyFolder, trials: int) -> float:
    """Seconds that a resumed run needs to read the study and to compare its database."""
    study_file = load_study_file(folder.study_file)
    lines: list[str] = []

    def resume() -> None:
        open_ledger(plan(folder, study_file, None), trials, note=lines.append).close()

    needed = min(seconds(resume) for _ in range(2))
    assert lines == []
    return needed


def command(*arguments: str, root: Path) -> float:
    """Seconds of a command with its imports, the best of two."""
    call = [Path(sys.executable).with_name("search"), *arguments]

    def run() -> None:
        subprocess.run(call, cwd=root, check=True, capture_output=True)

    return min(seconds(run) for _ in range(2))


COMMANDS = ("status", "best", "export", "clean", "du", "report")
COLUMNS = ("parsed", "read", "opened", "rebuilt", *COMMANDS, "page MB")


@pytest.mark.timeout(1800)
def test_what_a_study_costs_grows_no_faster_than_its_trials(tmp_path: Path) -> None:
    rows = {}
    for trials in (100, 1_000, 10_000):
        folder = StudyFolder(tmp_path / "studies" / f"large{trials}")
        make_study(folder.root, trials=trials, reports=10)
        row = {"parsed": min(seconds(lambda: parse_all(folder)) for _ in range(3))}  # noqa: B023
        row["read"] = min(seconds(lambda: read_study(folder)) for _ in range(3))  # noqa: B023
        row["rebuilt"] = seconds(lambda: rebuild(folder, None))  # noqa: B023
        row["opened"] = opened(folder, trials)
        for name in COMMANDS:
            row[name] = command(name, folder.name, root=tmp_path)
        row["page MB"] = folder.report.stat().st_size / 1e6
        rows[trials] = row
    print("\n" + " ".join(f"{name:>9}" for name in ("trials", *COLUMNS)))
    for trials, row in rows.items():
        print(f"{trials:9,} " + " ".join(f"{row[name]:9.2f}" for name in COLUMNS))
    small, large = rows[1_000], rows[10_000]
    assert large["read"] < 2 * large["parsed"]
    assert large["opened"] < 6 * large["parsed"]
    assert large["page MB"] < 8
    for name in COLUMNS:
        assert large[name] < 15 * small[name], name
