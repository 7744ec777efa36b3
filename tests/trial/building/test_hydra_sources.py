"""The texts of Hydra's configurations, where all of them can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from search.trial.building.hydra_sources import HydraSources, texts_of


def test_each_folder_is_read_once_and_through_links(tmp_path: Path) -> None:
    conf, shared = tmp_path / "conf", tmp_path / "shared"
    for folder, name in ((conf, "config.yaml"), (shared, "small.yml"), (conf, "notes.txt")):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    (conf / "model").symlink_to(shared)
    sources = [HydraSources((conf,), (word,)) for word in ("a=1", "a=2")]
    assert texts_of(sources) == ["a=1", "a=2", "config.yaml", "small.yml"]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda conf: (conf / "x.yaml").symlink_to("nowhere"), id="a dangling link"),
        pytest.param(lambda conf: (conf / "x.yaml").write_bytes(b"\xff"), id="no text"),
        pytest.param(
            lambda conf: [(conf / f"{number}.bin").touch() for number in range(1001)],
            id="a project with its data",
        ),
        pytest.param(lambda conf: conf.rmdir(), id="no folder"),
    ],
)
def test_texts_that_cannot_be_read_are_not_known(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    (tmp_path / "conf").mkdir()
    spoil(tmp_path / "conf")
    assert texts_of([HydraSources((tmp_path / "conf",), ())]) is None


def test_texts_of_sources_that_are_no_files_are_not_known() -> None:
    assert texts_of([HydraSources((), ("a=1",)), None]) is None


def test_folder_is_no_configuration_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").mkdir()
    assert texts_of([HydraSources((tmp_path,), ())]) == []
