"""The answer of the preflight that the next start finds in the study's folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from msgspec import structs

from search.answers import Checked
from search.engine.kept_answer import KeptAnswer, circumstances, keep_answer, read_answer
from search.layout import StudyFolder
from search.study_file.load import load_study_file

STUDY = {
    "model": {"class_path": "own.Net", "init_args": {"table": "table.csv"}},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": {"float": [0.1, 1.0]}},
}
MACHINE = {"cpu": "a", "cores": 2}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFolder:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("class Net: pass\n")
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    root = tmp_path / "studies"
    root.mkdir()
    return StudyFolder(root)


def _now(machine: object = MACHINE) -> dict[str, str]:
    return circumstances(load_study_file(Path("study.yaml")), [Path.cwd()], machine)


def _answer() -> Checked:
    return Checked(
        batch_size=8, modules=("csv",), notes=("a note",), sources=(str(Path("own.py").absolute()),)
    )


def _kept(folder: StudyFolder) -> Checked:
    answer = _answer()
    keep_answer(folder, answer, _now(), began=time.time() + 1)
    return answer


def test_answer_holds_while_nothing_has_changed(folder: StudyFolder) -> None:
    answer = _kept(folder)
    assert read_answer(folder, _now()) == KeptAnswer(answer)


def test_changed_code_is_a_reason_to_check_again(folder: StudyFolder) -> None:
    _kept(folder)
    Path("own.py").write_text("class Net: width = 1\n")
    assert read_answer(folder, _now()) == KeptAnswer(reason="own.py has changed")


def test_configuration_that_hydra_would_find_is_a_reason_to_check_again(
    folder: StudyFolder,
) -> None:
    conf = Path("conf")
    conf.mkdir()
    answer = structs.replace(_answer(), sources=(str(conf.absolute()),))
    keep_answer(folder, answer, _now(), began=time.time() + 1)
    (conf / "notes.txt").touch()
    assert read_answer(folder, _now()) == KeptAnswer(answer)
    (conf / "local.yaml").touch()
    assert read_answer(folder, _now()) == KeptAnswer(reason="conf has changed")


def test_another_machine_is_a_reason_to_check_again(folder: StudyFolder) -> None:
    _kept(folder)
    found = read_answer(folder, _now({"cpu": "a", "cores": 4}))
    assert found == KeptAnswer(reason="the machine is another")


def test_installed_package_is_a_reason_to_check_again(
    folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    _kept(folder)
    (tmp_path / "more-1.0.dist-info").mkdir()
    assert read_answer(folder, _now()) == KeptAnswer(reason="other packages are installed")


def test_package_beside_a_notebook_is_a_reason_to_check_again(
    folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    _kept(folder)
    (tmp_path / "more-1.0.dist-info").mkdir()
    assert read_answer(folder, _now()) == KeptAnswer(reason="other packages are installed")


def test_file_that_the_study_file_names_counts(folder: StudyFolder) -> None:
    Path("table.csv").write_text("1\n")
    _kept(folder)
    assert read_answer(folder, _now()).answer is not None
    Path("table.csv").write_text("1,2\n")
    # the study file and what belongs to it: no other reason needs telling
    assert read_answer(folder, _now()) == KeptAnswer()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"answer": 1, "circumstances": {}, "sources": {}}', "\x00"]
)
def test_damaged_file_is_no_answer(folder: StudyFolder, text: str) -> None:
    _kept(folder)
    folder.preflight.write_text(text)
    assert read_answer(folder, _now()) == KeptAnswer()


def test_answer_of_another_release_is_none(folder: StudyFolder) -> None:
    _kept(folder)
    text = folder.preflight.read_text().replace('"batch_size"', '"size_of_a_batch"')
    folder.preflight.write_text(text)
    assert read_answer(folder, _now()) == KeptAnswer()


def test_code_written_during_the_start_is_not_taken_for_what_was_checked(
    folder: StudyFolder,
) -> None:
    began = time.time()
    os.utime("own.py", (began + 1, began + 1))
    keep_answer(folder, _answer(), _now(), began=began)
    assert not folder.preflight.exists()


def test_answer_about_gpus_is_not_kept(folder: StudyFolder) -> None:
    # those that are free are others in the next run
    answer = Checked(gpus=("0", "1"), gpus_a_trial=1)
    keep_answer(folder, answer, _now(), began=time.time() + 1)
    assert read_answer(folder, _now()) == KeptAnswer()
