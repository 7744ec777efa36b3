"""Which study or study file a word means: names, paths, and both at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.commands.enqueue import enqueue
from search.commands.locate import find_file, find_study
from search.commands.options import one_study
from search.commands.replay import replay
from search.commands.show import show
from search.errors import UserError
from search.layout import STUDIES_DIR
from search.study_file.shipped import shipped_studies

SHIPPED = "autoencoder, classifier, mnist, vae"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept(place: str) -> None:
    """A folder that a study was run in."""
    Path(place).mkdir(parents=True)
    (Path(place) / "study.yaml").touch()
    (Path(place) / "events.jsonl").touch()


def test_file_beside_the_user_goes_before_the_shipped_study() -> None:
    assert find_file(None).path == shipped_studies()["autoencoder"]
    Path("study.yaml").touch()
    found = find_file(None)
    assert (found.path, found.note) == (
        Path("study.yaml"),
        "study.yaml: the study file of this folder",
    )


def test_names_are_shipped_studies_and_paths_are_files() -> None:
    assert ", ".join(shipped_studies()) == SHIPPED
    assert find_file("classifier").path == shipped_studies()["classifier"]
    assert find_file("classifier").note is None
    assert find_file("classifier.yaml").path == Path("classifier.yaml")
    Path("classifier.yaml").write_text("x")
    found = find_file("classifier")
    assert found.path == shipped_studies()["classifier"]
    assert found.note == "classifier: the shipped study; for the file here write classifier.yaml"


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("clasifier", f"clasifier: no such file or shipped study. Did you mean classifier? Shipped are {SHIPPED}."),
        ("zzz", f"zzz: no such file or shipped study. Shipped are {SHIPPED}."),
        ("mine", "mine: is no shipped study. For the file here write mine.yaml."),
        ("vae", "vae: is a shipped study and a file here. Write ./vae for the file."),
        ("old", "old: is a study here. Go on with it: `search resume old`."),
        ("studies/old", "studies/old: is the folder of a study. Go on with `search resume studies/old`."),
    ],
)  # fmt: skip
def test_what_is_no_study_file_is_told_in_one_line(word: str, line: str) -> None:
    Path("mine.yaml").touch()
    Path("vae").touch()
    kept("studies/old")
    with pytest.raises(UserError) as caught:
        find_file(word)
    assert str(caught.value) == line


def test_folder_of_a_study_is_no_place_to_run_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    kept("studies/old")
    monkeypatch.chdir("studies/old")
    with pytest.raises(UserError) as caught:
        find_file(None)
    assert str(caught.value) == (
        "study.yaml: is what the study old keeps, for this is its folder. Leave the folder, then "
        "go on with `search resume old`."
    )


def test_study_is_found_by_name_and_by_folder() -> None:
    kept("studies/one")
    kept("elsewhere/two")
    Path("one").mkdir()
    Path("one/study.yaml").touch()  # a project with a study file of its own is no study
    assert find_study("one", STUDIES_DIR).root == Path("studies/one")
    assert find_study("elsewhere/two", STUDIES_DIR).root == Path("elsewhere/two")
    kept("two")
    kept("studies/two")
    Path("one.yaml").touch()
    for word, line in (
        ("two", "two: is a study in studies and a study folder here. Write studies/two or ./two."),
        ("one.yaml", "one.yaml: is a file. Its study is one: name that."),
    ):
        with pytest.raises(UserError) as caught:
            find_study(word, STUDIES_DIR)
        assert str(caught.value) == line


def test_study_is_named_once() -> None:
    assert one_study("a", None) == one_study(None, "a") == one_study("a", "a") == "a"
    with pytest.raises(UserError) as caught:
        one_study("a", "b")
    assert str(caught.value) == "--study: names b, and the command names a. Name one."


def test_words_that_no_verb_can_mean_are_told_in_one_line() -> None:
    kept("studies/one")
    for refused, line in (
        (
            lambda: show("one"),
            "show: must be STUDY N, got one. Write `search show STUDY 17`.",
        ),
        (
            lambda: show("a", "b"),
            "show: must be STUDY N, got a b. Write `search show STUDY 17`.",
        ),
        (
            lambda: enqueue(["one"]),
            "enqueue: names no value. Write model.init_args.lr=1e-3 behind the study.",
        ),
        (
            lambda: replay(Path("one")),
            "one: is a study, and what is replayed is an exported folder. Make one: "
            "`search export one FOLDER`.",
        ),
    ):
        with pytest.raises(UserError) as caught:
            refused()
        assert str(caught.value) == line
