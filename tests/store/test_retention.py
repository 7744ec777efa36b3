"""The disk that trials need."""

from __future__ import annotations

from pathlib import Path

from search.layout import StudyFolder
from search.store.retention import DiskFloor


def test_floor_has_room_for_a_best_beside_last_previous_and_the_one_being_written(
    tmp_path: Path,
) -> None:
    folder = StudyFolder(tmp_path)
    reserve = DiskFloor(folder, workers=2).floor_bytes
    assert DiskFloor(folder, workers=2, largest_bytes=100).floor_bytes == reserve + 2 * 4 * 100
