"""Hostile texts that events can hold, on a terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from faults.in_process import Run

from search.engine.ledger import Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.study_file.load import parse_study_tree

PATH = "model.init_args.lr"
# words that stand in the events of the template where a payload is put
METRIC, WORD_PATH, CHOICE = "METRICWORD", "model.init_args.PATHWORD", "CHOICEWORD"
MESSAGE, CAUSE, SIZE = "MESSAGEWORD", "CAUSEWORD", "SIZEWORD"
TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": METRIC},
    "space": {WORD_PATH: {"choice": [CHOICE, "sgd"]}, PATH: {"float": [1e-3, 1e-1]}},
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study as a run leaves it, untrained: two trials are done, two failed."""
    folder = StudyFolder(tmp_path_factory.mktemp("template") / "demo")
    study_file = parse_study_tree(TREE, source="demo.yaml", default_name="demo")
    ledger = open_ledger(plan(folder, study_file, None), n_trials=4)
    for cause in ("done", CAUSE, "done", CAUSE):
        number = ledger.sample()
        ledger.begin_attempt(number, pid=1)
        ledger.set_sizes(number, {"micro_batch": 1, "accumulation": 1, "effective_batch": 1})
        ledger.report(number, 1, 1, 0.5)
        ledger.end_attempt(number, Outcome(cause, 0.5 if cause == "done" else None, MESSAGE))
    return folder.root


Tree = dict[str, Any]
Change = Callable[[Tree, str], object]


def say(word: str) -> Change:
    """Put a payload wherever the template says `word`."""

    def put(event: Tree, payload: str) -> None:
        text = json.dumps(payload)[1:-1]
        event |= json.loads(json.dumps(event).replace(word, text))

    return put


def change(kind: str, *path: str) -> Change:
    """Put a payload under a path of keys of the events of a kind."""

    def put(event: Tree, payload: str) -> None:
        if event["event"] != kind:
            return
        for key in path[:-1]:
            event = event[key]
        event[path[-1]] = payload

    return put


TOLD: dict[str, Change] = {
    "metric": say(METRIC),
    "path": say(WORD_PATH),
    "choice": say(CHOICE),
    "message": say(MESSAGE),
    "cause": say(CAUSE),
}
HELD = TOLD | {
    "direction": change("study", "study", "direction"),
    "asked": change("asked", "trials"),
    "setting": change("study", "study", "settings", "sampler"),
    "study attribute": change("study", "study"),
    "space": change("study", "study", "space"),
    "steps": change("steps", "unit"),
    "size": change("sizes", "micro_batch"),
    "started": change("attempt_started", "time"),
    "attempt number": change("attempt_started", "attempt"),
    "state": change("attempt_ended", "state"),
    "value": change("attempt_ended", "value"),
    "curve": change("reported", "value"),
    "step": change("reported", "step"),
    "parameter": change("sampled", "params", "model.init_args.lr"),
    "attribute": change("sampled", "attributes"),
    "taken from": change("sampled", "taken_from"),
    "kind": change("reported", "event"),
}
CONTROL = {
    "colour": "\x1b[31mred\x1b[0m",
    "erase": "\x1b[2J\x1b[H",
    "title": "\x1b]0;title\x07",
    "hyperlink": "\x1b]8;;http://evil.test\x1b\\x\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;ZWNobyBoaQ==\x07",
    "answer-back": "\x1b[6n\x1b[c\x05",
    "c1-csi": "\x9b31mred\x9c",
    "bell": "a\x07b",
    "return": "good\rbad",
    "backspace": "good\x08\x08\x08\x08bad",
    "delete": "a\x7fb",
    "tabs-and-lines": "a\tb\nc\x0bd\x0ce",
    "bidi": "a\u202eb\u2066c",
    "line-separators": "a\u2028b\u2029c\x85d",
    "null": "a\0b",
    "surrogate": "a\ud800b",
}
MIXED = "".join(CONTROL[case] for case in ("colour", "hyperlink", "c1-csi", "return", "bell"))
VERBS = {
    "show-done": ("show", "0", "-s", "demo"),
    "show-failed": ("show", "1", "-s", "demo"),
    "best": ("best", "-s", "demo"),
    "status": ("status",),
    "show-json": ("show", "1", "-s", "demo", "--json"),
    "export-csv": ("export", "-s", "demo"),
    "export-json": ("export", "-s", "demo", "--format", "json"),
}


def hostile(template: Path, root: Path, payload: str, *places: str) -> Path:
    """A copy of the template whose events say `payload`; its folder."""
    folder = root / "studies/demo"
    shutil.copytree(template, folder)
    for path in folder.rglob("events.jsonl"):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        for event in events:
            for place in places:
                HELD[place](event, payload)
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return folder


def assert_printable(output: str) -> None:
    assert output.replace("\n", "").isprintable(), repr(output)
    assert "Traceback" not in output


@pytest.mark.parametrize("case", CONTROL)
def test_control_characters_do_not_reach_the_terminal(
    project: Project, template: Path, case: str
) -> None:
    hostile(template, project.root, CONTROL[case], *TOLD)
    for verb in ("show-failed", "best", "export-csv", "export-json"):
        result = project.run(*VERBS[verb])
        assert_printable(result.stdout + result.stderr)
        assert result.returncode == 0, result.stderr


def test_half_a_character_does_not_keep_a_report_from_being_written(
    project: Project, template: Path, search: Run
) -> None:
    folder = hostile(template, project.root, CONTROL["surrogate"], *TOLD)
    for arguments in (("report",), ("export", "-o", "t.csv"), ("export", "-o", "t.json")):
        code, output = search(*arguments)
        assert code == 0, output
    assert (folder / "report.html").read_text("utf-8").endswith("</html>")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("place", HELD)
def test_control_characters_in_each_place_do_not_reach_the_terminal(
    project: Project, template: Path, search: Run, place: str, verb: str
) -> None:
    hostile(template, project.root, MIXED, place)
    code, output = search(*VERBS[verb])
    assert_printable(output)
    assert code in (0, 1, 2)


WRITTEN_AS_MARKUP = ("[/]", "[/evil]", "[link=http://evil.test]x[/link]", "[red]x", ":skull:")


@pytest.mark.parametrize("text", WRITTEN_AS_MARKUP)
@pytest.mark.parametrize("place", TOLD)
def test_terminal_markup_is_shown_as_it_is(
    project: Project, template: Path, search: Run, place: str, text: str
) -> None:
    hostile(template, project.root, text, place)
    outputs = ""
    for verb in VERBS.values():
        code, output = search(*verb)
        assert code == 0, output
        outputs += output
    assert text in outputs
