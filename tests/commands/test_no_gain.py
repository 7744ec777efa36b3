"""A study that stops by itself once nothing but noise is left to gain."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from random import Random

import pytest
import yaml
from conftest import Project
from faults.in_process import command_line
from faults.without_training import Untrained

from search.executors.protocol import Slot
from search.layout import TrialFolder
from search.messages import (
    DONE,
    INTERRUPTED,
    PAUSED,
    Ended,
    Exited,
    Launched,
    Message,
    Reported,
    Started,
    Stop,
    Verdict,
)

Run = Callable[..., tuple[int, str]]
LAST = 9


class Curves(Untrained):
    """An executor whose attempts report curves of their learning rates, an epoch at a time, and
    wait and stop as they are told."""

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        if task != "fit":
            super().start(attempt, task, folder, slot)
            return
        config = yaml.safe_load(folder.config.read_text())
        self._end = abs(math.log10(config["model"]["init_args"]["lr"]) + 2)
        self._random = Random(folder.root.name)
        self._step = folder.events.read_text().count('"reported"')
        said = [Launched(attempt, 0), Started(LAST, None, 1, None), self._report()]
        self._messages += [(attempt, message) for message in said]

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        messages, self._messages = self._messages[:1], self._messages[1:]
        return messages

    def send(self, attempt: str, message: Message) -> None:
        ends: Ended | None = None
        if isinstance(message, Stop):
            ends = Ended(INTERRUPTED)
        elif isinstance(message, Verdict) and message.pause:
            ends = Ended(PAUSED)
        elif self._step == LAST:
            ends = Ended(DONE, self._value)
        if ends is None:
            self._messages.append((attempt, self._report()))
        else:
            self._messages = [(attempt, ends), (attempt, Exited(attempt, 0))]

    def _report(self) -> Reported:
        self._step += 1
        self._value = self._end + self._step**-0.7 + self._random.gauss(0.0, 0.01)
        return Reported(self._step, self._step, self._value)


@pytest.fixture
def command(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """The command line, for studies of curves that nobody has trained."""
    monkeypatch.chdir(project.root)
    monkeypatch.setattr("search.engine.place.LocalExecutor", Curves)
    project.study(
        trainer={"max_epochs": LAST},
        space={"model.init_args.lr": {"float": [1e-4, 1.0], "log": True}},
        objective={"metric": "val_loss", "value": "last"},
        scheduler={"name": "thaw", "min_resource": 1},
        budget={"trials": 200, "no_gain": 3},
    )
    return command_line(capfd)


FIGURE = re.compile(
    r"(\d+) full trainings without a new best, and any other is expected to gain [\d.e-]+ at most, "
    r"less than a fifth of the noise, [\d.e-]+"
)


def test_study_stops_by_itself_and_says_so_until_it_is_asked_for_more(
    project: Project, command: Run
) -> None:
    code, output = command("run", "study.yaml", "--workers", "1")
    assert code == 0
    assert "study study: minimize val_loss, 200 trials, 0 of 3 full trainings" in output
    line = next(each for each in output.splitlines() if "stopped by its budget" in each)
    found = FIGURE.search(line)
    assert found is not None
    assert int(found[1]) >= 3
    assert "go on:  search resume study --no-gain MORE\n" in output

    (told,) = json.loads(command("status", "--json")[1])
    assert (told["state"], told["budget"]["no_gain"]) == ("finished", 3)
    spent = told["spent"]
    assert spent["full_since_best"] == int(found[1])
    assert 0 <= spent["gain"]["most"] < 0.2 * spent["gain"]["noise"]
    # nearly as good as the best learning rate
    assert spent["best"] < LAST**-0.7 + 0.1
    for look in (("status", "study"), ("resume", "study"), ("rebuild", "study"), ("status",)):
        code, output = command(*look)
        assert code == 0
        assert look[0] == "rebuild" or found[0] in output

    code, output = command("resume", "study", "--no-gain", str(int(found[1]) + 2), "--workers", "1")
    assert code == 0
    again = FIGURE.search(output)
    assert again is not None
    assert int(again[1]) >= int(found[1]) + 2 or int(again[1]) < int(found[1])


@pytest.mark.parametrize("scheduler", ["asha", "none"])
def test_what_is_left_to_gain_is_known_to_thaw_alone(
    project: Project, command: Run, scheduler: str
) -> None:
    project.study(scheduler=scheduler, budget={"trials": 9})
    assert command("run", "study.yaml", "--no-gain", "3") == (
        2,
        "--no-gain: scheduler: thaw alone knows what is left to gain, and this study has "
        f"{scheduler}. Leave it out, or write scheduler: thaw.\n",
    )
    assert not (project.root / "studies").exists()
