"""Writing files whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.plain.whole_files import write_whole


def test_a_file_is_on_the_disk_before_it_takes_the_old_ones_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("old")
    synced: list[tuple[str, str]] = []

    def fsync(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").resolve()
        synced.append((place.read_text(), path.read_text()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(path, "new")
    # a power cut from here on finds the old text or the new one, never none
    assert synced == [("new", "old")]
    assert path.read_text() == "new"
