"""The machines of a study on a cluster, as a table and as JSON."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from search.errors import StorageError
from search.layout import StudyFolder
from search.store.cluster_nodes import read_nodes
from search.view.nodes_table import nodes_json, print_nodes

NOW = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)
TREE: dict[str, Any] = {
    "engine": "slurm",
    "written": "2026-11-27T12:00:25+00:00",
    "agents": [
        {
            "name": "17",
            "node": "n2",
            "state": "ready",
            "why": "",
            "since": "2026-11-27T11:00:00+00:00",
            "ends": "2026-11-27T16:00:00+00:00",
            "slots": 4,
            "attempts": [
                {"attempt": "fit-7-3", "since": "2026-11-27T11:55:30+00:00"},
                {"attempt": "probe-9-4", "since": "2026-11-27T12:00:18+00:00"},
                {"attempt": "search-check-x7f_-1", "since": "2026-11-27T12:00:40+00:00"},
            ],
        },
        {
            "name": "18",
            "node": "",
            "state": "pending",
            "why": "Resources",
            "since": "2026-11-27T12:00:00+00:00",
            "ends": None,
            "slots": 0,
            "attempts": [],
        },
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder(tmp_path / "digits")
    folder.root.mkdir()
    return folder


def table(folder: StudyFolder, *, is_running: bool = True, now: datetime = NOW) -> list[str]:
    stream = io.StringIO()
    print_nodes(folder.name, read_nodes(folder), stream, is_running=is_running, now=now)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_every_job_has_a_row_with_its_work(folder: StudyFolder) -> None:
    folder.nodes.write_text(json.dumps(TREE))
    summary, head, first, second = table(folder)
    assert summary == "digits on slurm: 2 jobs, 3 at work"
    assert head.split() == ["job", "node", "state", "for", "until", "slots", "works", "on"]
    until = datetime.fromisoformat(TREE["agents"][0]["ends"]).astimezone()
    assert first.split("  ")[0] == "17"
    assert "1 h 00 min" in first
    assert f"{until:%Y-%m-%d %H:%M}" in first
    # a clock that is ahead is no time that was spent
    assert first.endswith("trial 7 for 5 min 00 s, probe of trial 9 for 12 s, check for 0 s")
    assert second.split() == ["18", "–", "pending", "(Resources)", "30", "s", "–", "–", "–"]


def test_table_that_is_written_no_more_says_so(folder: StudyFolder) -> None:
    folder.nodes.write_text(json.dumps(TREE))
    later = datetime(2026, 11, 27, 12, 5, 25, tzinfo=UTC)
    assert table(folder, now=later)[-1] == "as it was 5 min 00 s ago; nothing was told since"


def test_study_without_machines_is_one_line(folder: StudyFolder) -> None:
    assert table(folder) == [
        "digits: has no jobs on a cluster. Ask for some: search run STUDY_FILE --on slurm"
    ]
    folder.nodes.write_text(json.dumps(TREE))
    assert table(folder, is_running=False) == ["digits: no run is on"]
    folder.nodes.write_text(json.dumps({**TREE, "agents": []}))
    assert table(folder) == ["digits: waits for its first job of slurm"]


def test_json_names_trials_by_number(folder: StudyFolder) -> None:
    folder.nodes.write_text(json.dumps(TREE))
    tree = json.loads(nodes_json("digits", read_nodes(folder), is_running=True, now=NOW))
    assert (tree["engine"], tree["is_running"]) == ("slurm", True)
    work = tree["agents"][0]["work"]
    assert [(each["task"], each["trial"], each["seconds"]) for each in work] == [
        ("fit", 7, 300),
        ("probe", 9, 12),
        ("check", None, 0),
    ]
    over = json.loads(nodes_json("digits", read_nodes(folder), is_running=False, now=NOW))
    assert (over["engine"], over["agents"]) == (None, [])


@pytest.mark.parametrize(
    "text", ["", "[]", '{"engine": 1}', json.dumps({**TREE, "written": "2026-11-27T12:00:25"})]
)
def test_damaged_file_is_told_in_one_line(folder: StudyFolder, text: str) -> None:
    folder.nodes.write_text(text)
    with pytest.raises(StorageError) as told:
        read_nodes(folder)
    assert str(told.value) == (
        f"{folder.nodes}: is damaged. Remove it; a run on a cluster writes it anew."
    )


def test_name_of_a_stranger_cannot_control_a_terminal(folder: StudyFolder) -> None:
    agents = [{**TREE["agents"][0], "node": "n\u001b[31m2"}]
    folder.nodes.write_text(json.dumps({**TREE, "agents": agents}))
    assert all(line.isprintable() for line in table(folder))
